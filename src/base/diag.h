/* Diagnostics: what is wrong in a text that a person wrote, with its position, so that one run tells all.
 *
 *     zones/example.com.zone:14:16: error: 300.1.1.1 is not an IPv4 address
 *        14 | www  3600 IN A 300.1.1.1
 *           |                ^
 *           = hint: each of the four numbers is 0 to 255
 */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum diag_severity {
        DIAG_ERROR,
        DIAG_WARNING,
        DIAG_NOTE,
};

struct diag {
        enum diag_severity severity;
        const char *code; /* stable short name of the check: "cname-and-other-data" */
        const char *file; /* path as the user wrote or knows it; NULL = no file */
        uint32_t line;    /* from 1; 0 = the whole file */
        uint32_t column;  /* from 1, in bytes; 0 = the whole line */
        const char
                *source_line; /* without its newline; NULL = not shown (out of the zone folder; a key: I8) */
        const char *message;
        const char *hint;          /* NULL = none */
        const char *included_from; /* "a.zone:3, b.zone:7", NULL = none */

        /* Set by diag_add, which keeps some 160 bytes around the column of a longer line. */
        uint32_t source_skipped; /* bytes of the line before source_line */
        bool source_is_cut;      /* there are more behind it */
};

struct diag_list {
        struct arena arena; /* owns all text below */
        struct diag *items;
        size_t count;
        size_t capacity;
        size_t error_count;
        size_t warning_count;
        size_t limit; /* 0 = 1,000; more are counted, not kept */
};

/* A zeroed struct diag_list is an empty, valid one. */

/* Copies everything `diag` points to; the message is made from format. Out of memory: counted, not kept.
 * Where the list is full an error replaces a warning. */
void diag_add(struct diag_list *list, const struct diag *diag, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* The form above, ended by a newline. Control characters are shown as escapes. */
void diag_format(const struct diag *diag, struct buffer *out);
/* One line without its newline: "FILE:LINE:COLUMN: error: MESSAGE". */
void diag_format_short(const struct diag *diag, struct buffer *out);
const char *diag_severity_name(enum diag_severity severity);
/* The first error, or NULL. */
const struct diag *diag_first_error(const struct diag_list *list);
/* By file as first named, then line, column. */
void diag_sort(struct diag_list *list);
void diag_free(struct diag_list *list);
