/* The syntax of named.conf, before any statement has a meaning: statements of words, strings, "!" and blocks,
 * each with its position; included files stand in the place of their include.
 *
 *     statement = item+ ";"        item = WORD | STRING | "!" | "{" statement* "}"
 */
#pragma once

#include "conf/report.h"

struct conf_load_options;
struct tsig_key;

enum item_kind { ITEM_WORD, ITEM_STRING, ITEM_NOT, ITEM_BLOCK };

struct item {
        enum item_kind kind;
        uint32_t line, column;
        uint32_t end_line, end_column;
        char *text;              /* words and strings; "!" and "{" for the others */
        struct statement *block; /* the first statement of a block, NULL where it is empty */
};

struct statement {
        struct item *items; /* at least one */
        uint32_t count, capacity;
        const struct source *source;
        struct statement *next;
        struct tsig_key
                *key; /* the key of a K*.private or K*.key file that was included here; items[0] is "key" */
};

struct tree {
        struct arena arena; /* statements and their text */
        struct report *report;
        bool without_files;
        bool without_secrets_check;
        struct source **sources;
        size_t source_count, source_capacity;
        size_t text_bytes; /* of all files */
        size_t statement_count;
        const char *folder;    /* of the main file, absolute; "" where there are no files */
        const char *directory; /* options' own, as soon as it was read; absolute */
        struct secret_text {
                void *bytes;
                size_t size;
                struct secret_text *next;
        } * secrets; /* what tree_free wipes */
        struct statement *first;
        bool has_unread; /* an included file was not understood: what seems undefined may stand there */
        bool failed;     /* out of memory */
};

/* Reads the file and what it includes. Faults go to tree->report and leave what could be understood. */
void tree_load(struct tree *tree, const char *path, const struct conf_load_options *options);
/* Wipes the text of all files and every secret. */
void tree_free(struct tree *tree);

/* Opens and reads a file for a statement at `at`, relative to its file and then to directory. NULL = told, or
 * memory is out. Refuses a file with secrets that others may read, once has_secret is set and
 * tree_check_secret is called. */
struct source *tree_read_file(struct tree *tree, struct position at, const char *path);
void tree_check_secret(struct tree *tree, struct source *source);

/* base/path, or path where it is absolute. NULL = out of memory. */
char *path_join(struct arena *arena, const char *base, const char *path);
/* The folder that a path lies in. */
char *path_folder(struct arena *arena, const char *path);

static inline struct position item_position(const struct statement *statement, const struct item *item)
{
        return (struct position){statement->source, item->line, item->column};
}
static inline struct position statement_position(const struct statement *statement)
{
        return item_position(statement, &statement->items[0]);
}
bool item_is_word(const struct item *item, const char *word); /* any case, not quoted */
static inline bool item_is_text(const struct item *item)
{
        return item->kind == ITEM_WORD || item->kind == ITEM_STRING;
}
