/* A verdict as the control socket tells it. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct client;

/* enum client_exit for a verdict's name; is_freeze: "frozen" is what was asked. */
int verdict_exit(const char *verdict, bool is_freeze);
void verdict_print(const struct client *client, const json_t *object);
/* The answer to a reload of everything: prints (without --json), returns the exit status. */
int reload_all_print(const struct client *client, const json_t *json);
