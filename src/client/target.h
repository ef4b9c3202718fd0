/* A NOTIFY target as status tells it: what it comes to, in a word and in sentences. */
#pragma once

#include <jansson.h>
#include <stdint.h>
#include <time.h>

struct client;

enum target_state {          /* from fine to bad */
        TARGET_HAS,          /* it fetched this serial, or asked for the SOA, saw it, and was content */
        TARGET_ACKNOWLEDGED, /* it knows, and has not fetched it yet */
        TARGET_WAITING,      /* NOTIFY is on its way */
        TARGET_REFUSES,      /* it answers NOTIFY with an error */
        TARGET_DOWN,         /* it answers nothing */
};
enum target_state target_state_of(const json_t *target, uint32_t serial);
/* Lines for a person, indented. */
void target_print(const struct client *client, const json_t *target, uint32_t serial, time_t now);

/* Members by name: NULL, 0 and false where they are not there. */
const char *member_text(const json_t *object, const char *key);
uint64_t member_number(const json_t *object, const char *key);
