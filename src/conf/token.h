/* Tokens of named.conf: words, quoted strings and four signs; comments in C, C++ and shell style. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token_kind {
        TOKEN_END,
        TOKEN_WORD,
        TOKEN_STRING,   /* text is between the quotes, escapes as written */
        TOKEN_UNCLOSED, /* a string without its second quote, to the end of the line */
        TOKEN_OPEN,
        TOKEN_CLOSE,
        TOKEN_SEMICOLON,
        TOKEN_NOT, /* ! */
        TOKEN_BAD, /* the scanner stands behind it and can go on */
};

struct token {
        enum token_kind kind;
        const char *text; /* into the scanner's text */
        size_t length;
        uint32_t line, column;         /* from 1; column in octets */
        uint32_t end_line, end_column; /* just behind it */
        const char *problem;           /* of TOKEN_BAD and TOKEN_UNCLOSED */
};

struct scanner {
        const char *text;
        size_t length;
        size_t at;
        uint32_t line;
        size_t line_start;
};

void scanner_begin(struct scanner *scanner, const char *text, size_t length);
/* A quoted string ends with its line, unless is_multiline (a secret may be wrapped). */
void scanner_next(struct scanner *scanner, bool is_multiline, struct token *ret_token);
