/* Writes JSON (RFC 8259) piece by piece into a buffer, so that an answer of a hundred thousand zones is never
 * in memory as a whole. Pure.
 *
 * Commas are its own; that brackets match is the caller's. key is NULL inside an array and at the top. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

struct json {
        struct buffer *out;
        bool needs_comma;
};

void json_open(struct json *json, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *json, char bracket);                 /* '}' or ']' */
/* NULL is null. Octets that are no UTF-8 become U+FFFD. */
void json_text(struct json *json, const char *key, const char *text);
void json_text_sized(struct json *json, const char *key, const char *text, size_t length);
void json_number(struct json *json, const char *key, uint64_t number);
/* A serial is never 0 (I2): 0 = there is none = null. */
void json_serial(struct json *json, const char *key, uint32_t serial);
void json_bool(struct json *json, const char *key, bool value);
void json_nothing(struct json *json, const char *key);
/* Realtime microseconds as "2026-11-21T12:00:00.123Z"; 0 = null. */
void json_time(struct json *json, const char *key, uint64_t realtime_usec);
/* Microseconds as seconds, "0.004211". */
void json_seconds(struct json *json, const char *key, uint64_t usec);
