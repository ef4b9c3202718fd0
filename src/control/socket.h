/* The unix socket that zonecrier(1) talks to: bound with its mode and owner before anybody can connect.
 * Private to control/. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct conf_options;

struct control_socket {
        int fd;       /* listening, non-blocking; -1 = none */
        char *path;   /* NULL = systemd's: not ours to change or remove */
        dev_t device; /* of the bound name */
        ino_t inode;
};

/* A stale socket is replaced; -EADDRINUSE where somebody listens; -EEXIST where something else lies there.
 * *ret_why: a sentence, valid until the next call. */
int control_socket_open(
        const struct conf_options *options, struct control_socket *ret_socket, const char **ret_why);
/* Takes a duplicate of systemd's socket. */
int control_socket_inherit(int fd, struct control_socket *ret_socket, const char **ret_why);
/* Its name still leads to it. systemd's always does. */
bool control_socket_is_there(const struct control_socket *socket);
/* Mode and owner as configured, on a socket that is bound. */
int control_socket_protect(
        const struct control_socket *socket, const struct conf_options *options, const char **ret_why);
/* Removes the name if it is still ours. fd is closed if it is not -1. */
void control_socket_close(struct control_socket *socket);
