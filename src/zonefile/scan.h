/* Private to zonefile/: tokens of master files (RFC 1035 s.5.1), and the words that every type is made of.
 *
 * The text has ZONEFILE_PADDING readable octets behind its end, the first of them a newline: no loop here
 * needs to look at the end but where it meets a newline. */
#pragma once

#include "dns/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token_kind {
        TOKEN_END, /* the entry ends here: a newline outside parentheses, which is not taken */
        TOKEN_WORD,
        TOKEN_QUOTED,
        TOKEN_WRONG, /* scan->fault says why */
};

struct token {
        const char *begin; /* inside the quotes, escapes as written */
        const char *end;
        const char *start; /* of the token, a quote included */
        enum token_kind kind;
        bool has_escape;
        bool has_high; /* octets above 127 */
};

/* What is wrong with an entry: the first fault ends it. */
struct scan_fault {
        const char *at;
        const char *code;
        char message[300];
        char hint[300]; /* "" = none */
};

struct scan {
        const char *at;     /* the next octet */
        const char *end;    /* of the text */
        const char *opened; /* the outermost open parenthesis */
        unsigned depth;     /* open parentheses */
        bool has_cr;        /* a line ended in CR LF */

        const uint8_t *origin; /* for relative names; NULL = they are an error */
        size_t origin_length;
        const uint8_t *apex; /* NULL = no check for doubled names */
        size_t apex_length;
        const char *doubled; /* set: a relative name that ends in the zone's own name */

        struct scan_fault fault;
};

static inline size_t token_length(const struct token *token)
{
        return (size_t)(token->end - token->begin);
}

/* A plain word, and nothing that the scanner has to look at twice (a few others begin words too). */
static inline bool scan_begins_word(char octet)
{
        return (unsigned char)octet > ')' && octet != ';';
}

/* Next token; blanks, comments and parentheses on the way are taken. At TOKEN_END the cursor stays at the
 * newline. */
enum token_kind scan_token(struct scan *scan, struct token *ret_token);
/* Puts a token back. */
static inline void scan_unread(struct scan *scan, const struct token *token)
{
        scan->at = token->start;
}
/* True where the entry has no more tokens (or the next is wrong). */
bool scan_is_at_end(struct scan *scan);
/* A word that must be there, without quotes; `what` for the message. 0 or -EINVAL. */
int scan_word(struct scan *scan, const char *what, struct token *ret_token);
/* A word or a quoted string. */
int scan_text(struct scan *scan, const char *what, struct token *ret_token);
/* Behind the newline that ends the entry; wrong tokens are passed over. False = the text ended inside
 * parentheses. */
bool scan_skip_entry(struct scan *scan);

/* Records the fault; always -EINVAL. hint may be NULL. */
int scan_fail(struct scan *scan, const char *at, const char *code, const char *hint, const char *format, ...)
        __attribute__((format(printf, 5, 6)));
/* "'word' is not ..." with the word cut to a readable length. */
int scan_fail_word(
        struct scan *scan, const struct token *token, const char *code, const char *hint, const char *is_not);

/* Wire form of a name token, relative to scan->origin; "@" is the origin. ret_name has room for
 * NAME_MAX_LENGTH + 16. */
int scan_name(struct scan *scan, const struct token *token, uint8_t *ret_name, size_t *ret_length);

/* An unsigned decimal number of digits only. False where it is none or above max. */
bool token_number(const struct token *token, uint32_t max, uint32_t *ret_number);
enum ttl_outcome { TTL_OK, TTL_NONE, TTL_TOO_LARGE };
/* "3600", "1h30m", "2W"; above `max` is TTL_TOO_LARGE. */
enum ttl_outcome token_ttl(const struct token *token, uint32_t max, uint32_t *ret_ttl);
bool token_is(const struct token *token, const char *word); /* any case */
/* Type mnemonic or TYPEnnn; the common ones without a search of the table. */
bool token_type(const struct token *token, uint16_t *ret_type);
/* One octet of text, its escape resolved; moves *at. False where the escape is broken. */
bool text_octet(const char **at, const char *end, uint8_t *ret_octet);

/* The xn-- form of a label in UTF-8 (RFC 3492), letters lowered; false where it is not UTF-8 or too long. */
bool punycode_label(const char *text, size_t length, char ret_label[static NAME_MAX_LABEL + 1]);
