/* Text for a terminal: nothing from a file or from the daemon reaches it with control characters in it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

struct buffer;
struct client;

enum print_color { PRINT_PLAIN, PRINT_BOLD, PRINT_DIM, PRINT_RED, PRINT_YELLOW, PRINT_GREEN };

/* Appends text with controls, broken UTF-8 and marks that reorder a line as \xNN. keep_lines: newline and tab
 * stay. */
void print_escape(struct buffer *out, const char *text, size_t length, bool keep_lines);
/* The same to a stream; a NULL text is "". */
void print_text(FILE *out, const char *text);
void print_lines(FILE *out, const char *text); /* ends with a newline */
void print_colored(const struct client *client, enum print_color color, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* A column of a table: blanks behind it up to width; cut with "~" on a terminal. width 0: as it is. */
void print_cell(const struct client *client, enum print_color color, const char *text, size_t width);
/* A line of its own behind `indent` blanks; cut with "~" where the terminal ends. */
void print_rest(const struct client *client, enum print_color color, const char *text, size_t indent);

#define PRINT_TIME_MAX 32
/* "2 s", "3 min", "5 h", "12 d". */
const char *print_duration(uint64_t seconds, char text[static PRINT_TIME_MAX]);
const char *print_size(uint64_t bytes, char text[static PRINT_TIME_MAX]); /* "312 bytes", "1.2 KiB" */
/* "2026-11-21T12:00:00.123Z" to seconds since 1970; false where it is none. */
bool print_time_parse(const char *text, time_t *ret_seconds);
/* How long ago that was: "3 min", "-" for NULL or what is no time. */
const char *print_age(const char *iso_time, time_t now, char text[static PRINT_TIME_MAX]);
