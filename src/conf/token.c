/* The scanner of named.conf's text. Pure; works on any octets.
 *
 * As in BIND, "!", braces, semicolons, quotes and comments end a word wherever they stand, so `a//b` is the
 * word `a`. */

#include "conf/token.h"

#include <string.h>

void scanner_begin(struct scanner *scanner, const char *text, size_t length)
{
        *scanner = (struct scanner){.text = text, .length = length, .line = 1};
        if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
                scanner->at = scanner->line_start = 3; /* a byte order mark */
}

static bool is_at(const struct scanner *scanner, const char *sign)
{
        size_t length = strlen(sign);
        return scanner->length - scanner->at >= length &&
               memcmp(scanner->text + scanner->at, sign, length) == 0;
}

static void step(struct scanner *scanner)
{
        if (scanner->text[scanner->at++] == '\n') {
                scanner->line++;
                scanner->line_start = scanner->at;
        }
}

static void mark_end(const struct scanner *scanner, struct token *token)
{
        token->length = (size_t)(scanner->text + scanner->at - token->text);
        token->end_line = scanner->line;
        token->end_column = (uint32_t)(scanner->at - scanner->line_start + 1);
}

static void mark_begin(const struct scanner *scanner, struct token *ret_token)
{
        *ret_token = (struct token){
                .kind = TOKEN_END,
                .text = scanner->text + scanner->at,
                .line = scanner->line,
                .column = (uint32_t)(scanner->at - scanner->line_start + 1),
        };
        mark_end(scanner, ret_token);
}

static bool is_blank(char octet)
{
        return octet == ' ' || octet == '\t' || octet == '\n' || octet == '\r' || octet == '\f' ||
               octet == '\v';
}

/* False where a C comment is never closed; *ret_token then says so. */
static bool skip_blanks(struct scanner *scanner, struct token *ret_token)
{
        while (scanner->at < scanner->length) {
                if (is_blank(scanner->text[scanner->at])) {
                        step(scanner);
                } else if (scanner->text[scanner->at] == '#' || is_at(scanner, "//")) {
                        while (scanner->at < scanner->length && scanner->text[scanner->at] != '\n')
                                scanner->at++;
                } else if (is_at(scanner, "/*")) {
                        mark_begin(scanner, ret_token);
                        scanner->at += 2;
                        while (scanner->at < scanner->length && !is_at(scanner, "*/"))
                                step(scanner);
                        if (scanner->at >= scanner->length) {
                                ret_token->kind = TOKEN_BAD;
                                ret_token->problem = "this comment is never closed";
                                return false;
                        }
                        scanner->at += 2;
                } else {
                        break;
                }
        }
        return true;
}

static bool is_word_end(const struct scanner *scanner)
{
        char octet = scanner->text[scanner->at];
        return octet == '\0' || is_blank(octet) || strchr("{};!\"#", octet) || is_at(scanner, "//") ||
               is_at(scanner, "/*");
}

static void scan_string(struct scanner *scanner, bool is_multiline, struct token *token)
{
        scanner->at++;
        token->kind = TOKEN_STRING;
        token->text++;
        for (; scanner->at < scanner->length && scanner->text[scanner->at] != '"'; step(scanner)) {
                if (scanner->text[scanner->at] == '\n' && !is_multiline)
                        break;
                if (scanner->text[scanner->at] == '\\' && scanner->at + 1 < scanner->length &&
                        scanner->text[scanner->at + 1] != '\n')
                        scanner->at++;
        }
        mark_end(scanner, token);
        if (scanner->at >= scanner->length || scanner->text[scanner->at] != '"') {
                token->kind = TOKEN_UNCLOSED;
                token->problem = "this quoted string is not closed";
                return;
        }
        scanner->at++;
        token->end_column++;
}

void scanner_next(struct scanner *scanner, bool is_multiline, struct token *ret_token)
{
        if (!skip_blanks(scanner, ret_token))
                return;
        mark_begin(scanner, ret_token);
        if (scanner->at >= scanner->length)
                return;

        switch (scanner->text[scanner->at]) {
        case '{':
                ret_token->kind = TOKEN_OPEN;
                break;
        case '}':
                ret_token->kind = TOKEN_CLOSE;
                break;
        case ';':
                ret_token->kind = TOKEN_SEMICOLON;
                break;
        case '!':
                ret_token->kind = TOKEN_NOT;
                break;
        case '\0':
                ret_token->kind = TOKEN_BAD;
                ret_token->problem = "a NUL octet: this is no text";
                break;
        case '"':
                scan_string(scanner, is_multiline, ret_token);
                return;
        default:
                ret_token->kind = TOKEN_WORD;
                while (scanner->at < scanner->length && !is_word_end(scanner))
                        scanner->at++;
                mark_end(scanner, ret_token);
                return;
        }
        scanner->at++;
        mark_end(scanner, ret_token);
}
