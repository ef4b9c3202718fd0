/* named.conf's syntax: a recursive descent over the scanner's tokens that builds a tree of statements.
 *
 * It knows no statement but three: `include`, which it replaces by the file's own statements; `secret`, whose
 * string may be wrapped and is wiped in the end; and options' `directory`, which later includes are relative
 * to. A fault is told and the descent goes on behind it: one run tells all. Depth, statements and octets are
 * bounded. */

#include "conf/tree.h"

#include "conf/include.h"
#include "conf/reader.h"
#include "conf/token.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 32
#define STATEMENTS_MAX 4000000u

/* The descent through one file. */
struct descent {
        struct tree *tree;
        struct source *source;
        struct scanner scanner;
        struct token token;            /* the next one, not yet taken */
        uint32_t end_line, end_column; /* behind the last one taken */
        bool is_behind_key;            /* the last statement of the top was hidden */
        bool resync;                   /* a "}" is missing: blocks end here, up to the top */
        bool stopped;                  /* given up: nothing more is told of what is open */
};

static struct position here(const struct descent *descent)
{
        return (struct position){descent->source, descent->token.line, descent->token.column};
}

static struct position behind_last(const struct descent *descent)
{
        return (struct position){descent->source, descent->end_line, descent->end_column};
}

static void look_ahead(struct descent *descent, bool is_multiline)
{
        scanner_next(&descent->scanner, is_multiline, &descent->token);
        if (descent->token.problem)
                report_add(descent->tree->report, DIAG_ERROR, "syntax", here(descent), NULL, "%s",
                        descent->token.problem);
}

static void advance(struct descent *descent, bool is_multiline)
{
        descent->end_line = descent->token.end_line;
        descent->end_column = descent->token.end_column;
        look_ahead(descent, is_multiline);
}

bool item_is_word(const struct item *item, const char *word)
{
        return item->kind == ITEM_WORD && strcasecmp(item->text, word) == 0;
}

/* The lines hold, or may hold, a secret: they are never quoted (I8). */
static void hide_lines(struct tree *tree, struct source *source, uint32_t first, uint32_t last)
{
        if (source->hidden_count == source->hidden_capacity) {
                size_t capacity = source->hidden_capacity ? source->hidden_capacity * 2 : 8;
                struct line_range *hidden = arena_alloc(&tree->arena, capacity * sizeof(*hidden));
                if (!hidden) {
                        tree->failed = true;
                        source->is_hidden = true;
                        return;
                }
                if (source->hidden_count > 0)
                        memcpy(hidden, source->hidden, source->hidden_count * sizeof(*hidden));
                source->hidden = hidden;
                source->hidden_capacity = capacity;
        }
        source->hidden[source->hidden_count++] = (struct line_range){first, last};
}

void tree_remember_secret(struct tree *tree, void *bytes, size_t size)
{
        struct secret_text *secret = arena_alloc(&tree->arena, sizeof(*secret));
        if (!secret) {
                tree->failed = true;
                return;
        }
        *secret = (struct secret_text){bytes, size, tree->secrets};
        tree->secrets = secret;
}

/* Text of the token, with \" made plain in a string; other escapes are the reader's (names have their own).
 */
static char *token_copy(struct descent *descent)
{
        const struct token *token = &descent->token;
        char *text = arena_text(&descent->tree->arena, token->text, token->length);
        if (!text || token->kind != TOKEN_STRING)
                return text;
        char *out = text;
        for (const char *in = text; *in; in++) {
                if (in[0] == '\\' && in[1] == '"')
                        in++;
                *out++ = *in;
        }
        *out = '\0';
        return text;
}

static struct statement *statement_new(struct descent *descent)
{
        struct tree *tree = descent->tree;
        struct statement *statement = NULL;
        if (tree->statement_count++ < STATEMENTS_MAX)
                statement = arena_alloc(&tree->arena, sizeof(*statement));
        else if (tree->statement_count == STATEMENTS_MAX + 1)
                report_add(tree->report, DIAG_ERROR, "too-large", here(descent), NULL,
                        "more than %u statements", STATEMENTS_MAX);
        if (!statement) {
                tree->failed = tree->failed || tree->statement_count <= STATEMENTS_MAX;
                return NULL;
        }
        *statement = (struct statement){.source = descent->source};
        return statement;
}

static struct item *item_add(
        struct descent *descent, struct statement *statement, enum item_kind kind, char *text)
{
        if (statement->count == statement->capacity) {
                uint32_t capacity = statement->capacity ? statement->capacity * 2 : 2;
                struct item *items = arena_alloc(&descent->tree->arena, capacity * sizeof(*items));
                if (!items)
                        return NULL;
                if (statement->count > 0)
                        memcpy(items, statement->items, statement->count * sizeof(*items));
                statement->items = items;
                statement->capacity = capacity;
        }
        struct item *item = &statement->items[statement->count++];
        *item = (struct item){
                .kind = kind,
                .line = descent->token.line,
                .column = descent->token.column,
                .end_line = descent->token.end_line,
                .end_column = descent->token.end_column,
                .text = text,
        };
        return item;
}

static struct statement **read_statements(
        struct descent *descent, struct statement **tail, unsigned depth, const struct statement *owner);

/* A word that opens a statement of the top and stands at the beginning of a line: in a block it shows that a
 * "}" was forgotten. */
static bool is_at_top_again(const struct descent *descent, const struct statement *owner)
{
        static const char *const words[] = {
                "zone", "options", "acl", "logging", "controls", "zone-files", "view"};
        const struct token *token = &descent->token;
        if (token->kind != TOKEN_WORD || token->column != 1 ||
                (owner && item_is_word(&owner->items[0], "view")))
                return false;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (token->length == strlen(words[i]) &&
                        strncasecmp(token->text, words[i], token->length) == 0)
                        return true;
        return false;
}

/* Told of the innermost block alone; those around it may have been closed by the braces that follow it. */
static void tell_unclosed_before(struct descent *descent, struct position open)
{
        if (!descent->stopped)
                report_add(descent->tree->report, DIAG_ERROR, "syntax", open, NULL,
                        "this block is not closed before line %u: \"}\" is missing", descent->token.line);
        descent->stopped = true;
}

/* A block up to its brace. False = memory or depth is out, and reading ends. */
static bool read_block(struct descent *descent, struct statement *statement, unsigned depth)
{
        struct position open = here(descent);
        struct item *item = item_add(descent, statement, ITEM_BLOCK, "{");
        if (!item) {
                descent->tree->failed = true;
                return false;
        }
        uint32_t index = statement->count - 1;
        if (depth == DEPTH_MAX) {
                report_add(descent->tree->report, DIAG_ERROR, "syntax", open, NULL,
                        "blocks nested deeper than %u", DEPTH_MAX);
                descent->stopped = true;
                return false;
        }
        advance(descent, false);
        struct statement *first = NULL;
        read_statements(descent, &first, depth + 1, statement);
        item = &statement->items[index];
        item->block = first;
        if (descent->resync) {
                tell_unclosed_before(descent, open);
                return true;
        }
        if (descent->token.kind != TOKEN_CLOSE || descent->stopped) {
                if (!descent->stopped)
                        report_add(descent->tree->report, DIAG_ERROR, "syntax", open, NULL,
                                "this block is never closed: \"}\" is missing");
                return false;
        }
        item->end_line = descent->token.end_line;
        item->end_column = descent->token.end_column;
        advance(descent, false);
        return true;
}

/* Words that may stand behind a block within one statement; anything else there means that a ";" was
 * forgotten. */
static bool may_follow_block(const struct token *token)
{
        static const char *const words[] = {"keys", "except-from", "block-size", "read-only", "allow", "port",
                "tls", "min-update-interval", "default-primaries", "default-masters"};
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (token->length == strlen(words[i]) &&
                        strncasecmp(token->text, words[i], token->length) == 0)
                        return true;
        return false;
}

static void tell_missing_semicolon(struct descent *descent)
{
        report_add(descent->tree->report, DIAG_ERROR, "missing-semicolon", behind_last(descent), NULL,
                "\";\" is missing here");
}

static bool is_block_last(const struct statement *statement)
{
        return statement->count > 0 && statement->items[statement->count - 1].kind == ITEM_BLOCK;
}

/* A word, a string or "!". False where the token begins the next statement, the ";" before it forgotten. */
static bool read_plain(struct descent *descent, struct statement *statement, unsigned depth)
{
        struct tree *tree = descent->tree;
        const struct token *token = &descent->token;
        if (is_block_last(statement) && (depth == 0 || !may_follow_block(token))) {
                tell_missing_semicolon(descent);
                return false;
        }
        enum item_kind kind = token->kind == TOKEN_WORD  ? ITEM_WORD
                              : token->kind == TOKEN_NOT ? ITEM_NOT
                                                         : ITEM_STRING;
        char *text = kind == ITEM_NOT ? "!" : token_copy(descent);
        if (!text || !item_add(descent, statement, kind, text)) {
                tree->failed = true;
                return false;
        }
        bool is_secret = item_is_word(&statement->items[0], "secret");
        if (is_secret) {
                hide_lines(tree, descent->source, token->line, token->end_line);
                if (statement->count > 1 && kind != ITEM_NOT) {
                        descent->source->has_secret = true;
                        tree_remember_secret(tree, text, strlen(text));
                }
        }
        advance(descent, is_secret);
        return true;
}

/* One statement, its ";" taken. It may come out without items (a stray ";"). */
static void read_items(struct descent *descent, struct statement *statement, unsigned depth)
{
        for (;;) {
                switch (descent->token.kind) {
                case TOKEN_WORD:
                case TOKEN_STRING:
                case TOKEN_NOT:
                        if (descent->resync)
                                return;
                        if (!read_plain(descent, statement, depth))
                                return;
                        break;
                case TOKEN_OPEN:
                        if (!read_block(descent, statement, depth)) {
                                descent->token.kind = TOKEN_END;
                                return;
                        }
                        break;
                case TOKEN_UNCLOSED: /* its line, with the ";", is in the string */
                        read_plain(descent, statement, depth);
                        return;
                case TOKEN_SEMICOLON:
                        advance(descent, false);
                        return;
                case TOKEN_BAD:
                        advance(descent, false);
                        break;
                case TOKEN_CLOSE:
                case TOKEN_END:
                        if (statement->count > 0)
                                tell_missing_semicolon(descent);
                        return;
                }
        }
}

static bool holds_secret(const struct statement *statement)
{
        for (uint32_t i = 0; i < statement->count; i++)
                for (const struct statement *inner = statement->items[i].block; inner; inner = inner->next)
                        if (item_is_word(&inner->items[0], "secret"))
                                return true;
        return item_is_word(&statement->items[0], "secret");
}

/* Lines of a key block, and of anything that holds a `secret`, from its first word to its end; and what
 * follows it and begins no statement that named.conf knows: a stray brace may have thrown the rest of the key
 * out of its block. */
static void hide_key(struct descent *descent, const struct statement *statement, unsigned depth)
{
        const struct item *first = &statement->items[0];
        const struct rule *elsewhere;
        bool is_key = holds_secret(statement) || (depth == 0 && item_is_word(first, "key"));
        bool is_rest = depth == 0 && descent->is_behind_key &&
                       (first->kind != ITEM_WORD || !rule_find(first->text, PLACE_TOP, &elsewhere));
        if (is_key || is_rest)
                hide_lines(descent->tree, descent->source, first->line, descent->end_line);
        if (depth == 0)
                descent->is_behind_key = is_key || is_rest;
}

static void note_directory(
        struct tree *tree, const struct statement *statement, const struct statement *owner)
{
        if (owner && item_is_word(&owner->items[0], "options") && statement->count == 2 &&
                item_is_word(&statement->items[0], "directory") && item_is_text(&statement->items[1])) {
                tree->directory = path_join(&tree->arena, tree->folder, statement->items[1].text);
                tree->failed = tree->failed || !tree->directory;
        }
}

static struct statement **read_statements(
        struct descent *descent, struct statement **tail, unsigned depth, const struct statement *owner)
{
        struct tree *tree = descent->tree;
        while (descent->token.kind != TOKEN_END && !tree->failed) {
                if (descent->token.kind == TOKEN_CLOSE) {
                        if (depth > 0)
                                return tail;
                        report_add(tree->report, DIAG_ERROR, "syntax", here(descent), NULL,
                                "\"}\" without a block that it closes");
                        advance(descent, false);
                        continue;
                }
                if (depth > 0 && is_at_top_again(descent, owner)) {
                        descent->resync = true;
                        return tail;
                }
                struct statement *statement = statement_new(descent);
                if (!statement) {
                        descent->token.kind = TOKEN_END;
                        descent->stopped = true;
                        break;
                }
                read_items(descent, statement, depth);
                if (statement->count == 0)
                        continue;
                if (descent->resync && depth == 0)
                        descent->resync = descent->stopped = false;
                hide_key(descent, statement, depth);
                note_directory(tree, statement, depth == 1 ? owner : NULL);
                if (statement->count == 2 && item_is_word(&statement->items[0], "include") &&
                        item_is_text(&statement->items[1])) {
                        tail = include_read(tree, statement, tail, depth, owner);
                        continue;
                }
                *tail = statement;
                tail = &statement->next;
                if (descent->resync)
                        return tail;
        }
        return tail;
}

struct statement **tree_read_source(struct tree *tree, struct source *source, struct statement **tail,
        unsigned depth, const struct statement *owner)
{
        struct descent descent = {.tree = tree, .source = source};
        scanner_begin(&descent.scanner, source->text, source->length);
        look_ahead(&descent, false);
        tail = read_statements(&descent, tail, depth, owner);
        if (descent.token.kind == TOKEN_CLOSE)
                report_add(tree->report, DIAG_ERROR, "syntax", here(&descent), NULL,
                        "\"}\" closes a block of the including file");
        if (source->has_secret)
                tree_check_secret(tree, source);
        return tail;
}
