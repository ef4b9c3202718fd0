/* zonecrier(1): what its files share. One thread, short-lived. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CLIENT_SOCKET_DEFAULT "/run/zonecrier/control.sock"

/* Exit statuses; zonecrier.1 has the same table. */
enum client_exit {
        CLIENT_OK = 0,
        CLIENT_WRONG = 1, /* a zone's text is broken or gone, or zonecrierd answered with an error */
        CLIENT_FAILED =
                2, /* wrong usage, no daemon, a file that cannot be read: the question was not answered */
        CLIENT_LATE = 3, /* wait: a secondary does not have it in time */
        CLIENT_HELD = 4, /* the change is not published; it waits for approve or thaw */
};

struct client {
        const char *socket_path;
        const char *socket_option; /* what --socket said; NULL = it was not given */
        /* Values of options: NULL = not given. */
        const char *assume;    /* serial-set --assume */
        const char *step;      /* serial-set --step */
        bool aborts;           /* serial-set --abort */
        const char *algorithm; /* keygen -a */
        const char *config;
        const char *format;
        const char *git; /* a revision */
        const char *origin;
        const char *path; /* in a tree of git */
        const char *resolver;
        const char *secondary;
        const char *branch;
        const char *zone;
        bool is_json;
        const char *commit;  /* wait */
        const char *serial;  /* a number; also --to */
        const char *timeout; /* wait: a duration */
        bool is_quiet, is_verify, shows_all;
        bool shows_secret; /* provider form --show-secret */
        bool has_color;    /* standard output is a terminal that wants it */
        unsigned width;    /* columns of the terminal; 0 = no terminal: nothing is cut */
};

struct command {
        const char *name;
        int (*run)(struct client *client, char **arguments, size_t count); /* enum client_exit */
        size_t arguments_min, arguments_max;
        const char *arguments; /* "ZONE" */
        const char *options;   /* letters of those that it takes besides --socket */
        const char *help;
};
const struct command *command_find(const char *name);
/* The command's name nearest to a mistyped one, or NULL. */
const char *command_suggest(const char *name);

/* status.c, change.c, text.c, check.c, keygen.c */
int client_status(struct client *client, char **arguments, size_t count);
int client_reload(struct client *client, char **arguments, size_t count);
int client_notify(struct client *client, char **arguments, size_t count);
int client_freeze(struct client *client, char **arguments, size_t count);
int client_thaw(struct client *client, char **arguments, size_t count);
int client_approve(struct client *client, char **arguments, size_t count);
int client_push(struct client *client, char **arguments, size_t count);
int client_wait(struct client *client, char **arguments, size_t count);
int client_show(struct client *client, char **arguments, size_t count);
int client_dump(struct client *client, char **arguments, size_t count);
int client_log(struct client *client, char **arguments, size_t count);
int client_diff(struct client *client, char **arguments, size_t count);
int client_rollback(struct client *client, char **arguments, size_t count);
int client_plan(struct client *client, char **arguments, size_t count);
int client_hook(struct client *client, char **arguments, size_t count);
int client_check(struct client *client, char **arguments, size_t count);
int client_serial(struct client *client, char **arguments, size_t count);
int client_serial_set(struct client *client, char **arguments, size_t count);
int client_doctor(struct client *client, char **arguments, size_t count);
int client_keygen(struct client *client, char **arguments, size_t count);
int client_provider(struct client *client, char **arguments, size_t count);
