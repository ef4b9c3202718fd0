/* What the load of a configuration has to say, gathered until the whole text is known: only then is it sure
 * which lines belong to a key and must not be quoted (I8). */
#pragma once

#include "base/arena.h"
#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A file that was read. */
struct source {
        const char *path; /* as the user wrote or knows it */
        char *text;       /* malloc'ed; wiped by the tree */
        size_t length;
        const struct source *parent; /* the file that includes it */
        uint32_t parent_line;
        unsigned index; /* in the order of reading */
        dev_t device;
        ino_t inode;
        mode_t mode;
        bool is_hidden; /* no line is ever quoted: a key file, or one from outside the configuration's folder
                         */
        bool has_secret;
        struct line_range {
                uint32_t first, last;
        } * hidden; /* in the syntax arena */
        size_t hidden_count, hidden_capacity;
};

struct position {
        const struct source *source;
        uint32_t line, column;
};

struct finding;

struct report {
        struct arena arena;
        struct finding *findings;
        size_t count, capacity;
        size_t error_count;
        bool failed; /* out of memory */
};

/* hint may be NULL. */
void report_add(struct report *report, enum diag_severity severity, const char *code, struct position at,
        const char *hint, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Sorted by file and position, into the caller's list; frees the report. */
void report_flush(struct report *report, struct diag_list *diags);

/* "named.conf:12", for messages that name a second place. */
const char *report_place(struct report *report, struct position at);
/* The text, or "this word" where the source must not be quoted. */
const char *report_quote(struct report *report, struct position at, const char *text);

/* The name of the list nearest to text, or NULL where none is near. */
struct suggestion {
        const char *text;
        size_t limit;
        const char *best;
};
void suggestion_consider(struct suggestion *suggestion, const char *name);
