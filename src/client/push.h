/* What is pushed to providers with an API, for a person. */
#pragma once

#include <jansson.h>
#include <time.h>

struct client;

/* plan ZONE --secondary S, approve ZONE HASH --secondary S. */
int client_push_plan(const struct client *client, const char *zone);
int client_push_approve(const struct client *client, const char *zone, const char *hash);
/* The part of a zone's view. */
void push_view_print(const struct client *client, const json_t *zone, time_t now);
