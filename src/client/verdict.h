/* A verdict as the control socket tells it. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct client;

/* enum client_exit for a verdict's name; is_freeze: "frozen" is what was asked. */
int verdict_exit(const char *verdict, bool is_freeze);
void verdict_print(const struct client *client, const json_t *object);
/* The command that releases a held change, as it works from here, and a newline. */
void verdict_print_approve(const struct client *client, const char *zone, const char *hash);
/* Posts to "/v1/zones/ZONE" and suffix, prints the verdict; its exit status. */
int verdict_ask(const struct client *client, const char *zone, const char *suffix, bool is_freeze);
/* The answer to a reload of everything: prints (without --json), returns the exit status. */
int reload_all_print(const struct client *client, const json_t *json);
