/* What a command line asks for. */
#pragma once

#include "client/client.h"

struct invocation {
        const struct command *command; /* NULL = --help or --version was answered */
        struct client client;
        char **arguments;
        size_t count;
};

/* CLIENT_OK, or CLIENT_FAILED after telling why. */
int options_read(int argc, char **argv, struct invocation *ret_invocation);
