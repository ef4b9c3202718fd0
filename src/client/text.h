/* Texts as zonecrierd sends them. */
#pragma once

#include <stdbool.h>

struct client;

/* Prints the answer to a GET of "/v1/zones/ZONE" and suffix; its exit status. */
int text_run(const struct client *client, const char *zone, const char *suffix);
/* A number that can be one; else that is told. */
bool text_is_serial(const char *text);
