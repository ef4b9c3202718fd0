/* Tokens of master files. Pure; any thread.
 *
 * The end of a word is looked for 16 octets at a time (SSE2 is in every amd64; elsewhere octet by octet): it
 * is the inner loop of a parse. What is rare (escapes, quotes, parentheses) leaves that loop. */
#include "zonefile/scan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define SHOWN_MAX 60

int scan_fail(struct scan *scan, const char *at, const char *code, const char *hint, const char *format, ...)
{
        va_list arguments;

        scan->fault.at = at;
        scan->fault.code = code;
        snprintf(scan->fault.hint, sizeof(scan->fault.hint), "%s", hint ? hint : "");
        va_start(arguments, format);
        vsnprintf(scan->fault.message, sizeof(scan->fault.message), format, arguments);
        va_end(arguments);
        return -EINVAL;
}

int scan_fail_word(
        struct scan *scan, const struct token *token, const char *code, const char *hint, const char *is_not)
{
        size_t length = token_length(token);
        bool is_cut = length > SHOWN_MAX;

        return scan_fail(scan, token->start, code, hint, "'%.*s%s' %s", (int)(is_cut ? SHOWN_MAX : length),
                token->begin, is_cut ? "..." : "", is_not);
}

/* Octets that end a word: blanks and other controls, quote, parentheses, semicolon. */
static inline bool ends_word(char octet)
{
        return (unsigned char)octet <= ' ' || octet == '"' || octet == '(' || octet == ')' || octet == ';';
}

static const char *word_end_slow(const char *at, struct token *token)
{
        while (!ends_word(*at)) {
                if (*at == '\\') {
                        token->has_escape = true;
                        if (*++at == '\n' || *at == '\r')
                                return NULL;
                }
                token->has_high |= *at & 0x80;
                at++;
        }
        return at;
}

/* Where the word ends, or NULL: a backslash before a newline. */
static inline const char *word_end(const char *at, struct token *token)
{
#ifdef __SSE2__
        const __m128i blank = _mm_set1_epi8(' ');
        const __m128i quote = _mm_set1_epi8('"');
        const __m128i parenthesis = _mm_set1_epi8('(');
        const __m128i even = _mm_set1_epi8((char)0xfe);
        const __m128i semicolon = _mm_set1_epi8(';');
        const __m128i backslash = _mm_set1_epi8('\\');

        for (;; at += 16) {
                __m128i octets = _mm_loadu_si128((const __m128i *)(const void *)at);
                __m128i escape = _mm_cmpeq_epi8(octets, backslash);
                __m128i stop = _mm_cmpeq_epi8(_mm_min_epu8(octets, blank), octets);

                stop = _mm_or_si128(stop, _mm_cmpeq_epi8(octets, quote));
                stop = _mm_or_si128(stop, _mm_cmpeq_epi8(_mm_and_si128(octets, even), parenthesis));
                stop = _mm_or_si128(stop, _mm_cmpeq_epi8(octets, semicolon));
                stop = _mm_or_si128(stop, escape);
                unsigned mask = (unsigned)_mm_movemask_epi8(stop);
                unsigned high = (unsigned)_mm_movemask_epi8(octets);

                if (mask == 0) {
                        token->has_high |= high != 0;
                        continue;
                }
                unsigned n = (unsigned)__builtin_ctz(mask);

                token->has_high |= (high & ((1u << n) - 1)) != 0;
                at += n;
                return *at == '\\' ? word_end_slow(at, token) : at;
        }
#else
        return word_end_slow(at, token);
#endif
}

static enum token_kind wrong(struct scan *scan, struct token *token, const char *at, const char *code,
        const char *hint, const char *message)
{
        scan->at = at;
        token->kind = TOKEN_WRONG;
        token->begin = token->end = token->start = at;
        scan_fail(scan, at, code, hint, "%s", message);
        return TOKEN_WRONG;
}

/* The next octet of a quoted string that is not plain: its end, an escape, a newline or NUL. */
static inline const char *quoted_stop(const char *at, struct token *token)
{
#ifdef __SSE2__
        const __m128i quote = _mm_set1_epi8('"');
        const __m128i newline = _mm_set1_epi8('\n');
        const __m128i backslash = _mm_set1_epi8('\\');
        const __m128i nul = _mm_setzero_si128();

        for (;; at += 16) {
                __m128i octets = _mm_loadu_si128((const __m128i *)(const void *)at);
                __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(octets, quote), _mm_cmpeq_epi8(octets, newline));

                stop = _mm_or_si128(stop, _mm_cmpeq_epi8(octets, backslash));
                stop = _mm_or_si128(stop, _mm_cmpeq_epi8(octets, nul));
                unsigned mask = (unsigned)_mm_movemask_epi8(stop);
                unsigned high = (unsigned)_mm_movemask_epi8(octets);

                if (mask != 0) {
                        unsigned n = (unsigned)__builtin_ctz(mask);

                        token->has_high |= (high & ((1u << n) - 1)) != 0;
                        return at + n;
                }
                token->has_high |= high != 0;
        }
#else
        while (*at != '"' && *at != '\n' && *at != '\\' && *at != '\0')
                token->has_high |= (*at++ & 0x80) != 0;
        return at;
#endif
}

/* at stands at the opening quote. */
static enum token_kind read_quoted(struct scan *scan, struct token *token, const char *at)
{
        const char *opened = at++;

        token->begin = at;
        token->start = opened;
        for (;;) {
                at = quoted_stop(at, token);
                if (*at == '"')
                        break;
                if (*at == '\\') {
                        token->has_escape = true;
                        at++;
                }
                if (*at == '\n')
                        return wrong(scan, token, opened, "unterminated-quote",
                                "a quoted string ends on the line on which it begins",
                                "this quote is never closed");
                if (*at == '\0')
                        return wrong(scan, token, at, "control-character", NULL, "a NUL octet in the text");
                at++; /* what was escaped */
        }
        token->end = at;
        token->kind = TOKEN_QUOTED;
        scan->at = at + 1;
        return TOKEN_QUOTED;
}

static enum token_kind read_control(struct scan *scan, struct token *token, const char *at)
{
        if (*at == '\r')
                return wrong(scan, token, at, "control-character", "lines end in LF or in CR LF",
                        "a carriage return inside a line");
        return wrong(scan, token, at, "control-character", "write it as an escape, \\DDD",
                *at ? "a control character in the text" : "a NUL octet in the text");
}

static enum token_kind read_word(struct scan *scan, struct token *token, const char *at)
{
        const char *begin = at;

        token->begin = token->start = begin;
        at = word_end(at, token);
        if (!at)
                return wrong(scan, token, begin, "bad-escape", NULL,
                        "a backslash at the end of a line escapes nothing");
        scan->at = token->end = at;
        return token->kind = TOKEN_WORD;
}

enum token_kind scan_token(struct scan *scan, struct token *token)
{
        const char *at = scan->at;

        token->has_escape = token->has_high = false;
        while (*at == ' ' || *at == '\t')
                at++;
        if (scan_begins_word(*at)) /* nearly always: no jump through the table below */
                return read_word(scan, token, at);
        for (;;) {
                switch (*at) {
                case ' ':
                case '\t':
                        at++;
                        continue;
                case '\n':
                        if (scan->depth == 0) {
                                scan->at = token->begin = token->end = token->start = at;
                                return token->kind = TOKEN_END;
                        }
                        if (at >= scan->end) {
                                wrong(scan, token, at, "unclosed-parenthesis", NULL,
                                        "this parenthesis is never closed");
                                scan->fault.at = scan->opened;
                                return TOKEN_WRONG;
                        }
                        at++;
                        continue;
                case ';':
                        at = rawmemchr(at, '\n');
                        continue;
                case '(':
                        if (scan->depth++ == 0)
                                scan->opened = at;
                        at++;
                        continue;
                case ')':
                        if (scan->depth == 0)
                                return wrong(scan, token, at, "unopened-parenthesis", NULL,
                                        "a closing parenthesis that was never opened");
                        scan->depth--;
                        at++;
                        continue;
                case '"':
                        return read_quoted(scan, token, at);
                case '\r':
                        if (at[1] != '\n' || at + 1 > scan->end)
                                return read_control(scan, token, at);
                        scan->has_cr = true;
                        at++;
                        continue;
                default:
                        break;
                }
                if ((unsigned char)*at < ' ')
                        return read_control(scan, token, at);
                return read_word(scan, token, at);
        }
}

bool scan_is_at_end(struct scan *scan)
{
        struct token token;

        if (scan_token(scan, &token) == TOKEN_END)
                return true;
        if (token.kind != TOKEN_WRONG)
                scan_unread(scan, &token);
        return token.kind == TOKEN_WRONG;
}

static int fail_missing(struct scan *scan, const struct token *token, const char *what)
{
        return scan_fail(
                scan, token->start, "missing-field", NULL, "the record ends where %s is expected", what);
}

int scan_word(struct scan *scan, const char *what, struct token *token)
{
        switch (scan_token(scan, token)) {
        case TOKEN_WORD:
                return 0;
        case TOKEN_QUOTED:
                return scan_fail(scan, token->start, "unexpected-quote", "leave the quotes out",
                        "a quoted string where %s is expected", what);
        case TOKEN_END:
                return fail_missing(scan, token, what);
        case TOKEN_WRONG:
                break;
        }
        return -EINVAL;
}

int scan_text(struct scan *scan, const char *what, struct token *token)
{
        switch (scan_token(scan, token)) {
        case TOKEN_WORD:
        case TOKEN_QUOTED:
                return 0;
        case TOKEN_END:
                return fail_missing(scan, token, what);
        case TOKEN_WRONG:
                break;
        }
        return -EINVAL;
}

/* Behind a quoted string, or at the newline that cuts it off. */
static const char *skip_quoted(const char *at, const char *end)
{
        for (at++; *at != '"' && *at != '\n'; at++)
                if (*at == '\\' && at[1] != '\n')
                        at++;
        return *at == '"' && at < end ? at + 1 : at;
}

bool scan_skip_entry(struct scan *scan)
{
        const char *at = scan->at;

        for (;;) {
                switch (*at) {
                case '\n':
                        if (at >= scan->end) {
                                scan->at = scan->end;
                                return scan->depth == 0;
                        }
                        at++;
                        if (scan->depth > 0)
                                break;
                        scan->at = at;
                        return true;
                case ';':
                        at = rawmemchr(at, '\n');
                        break;
                case '"':
                        at = skip_quoted(at, scan->end);
                        break;
                case '\\':
                        at += at[1] == '\n' ? 1 : 2;
                        break;
                case '(':
                        if (scan->depth++ == 0)
                                scan->opened = at;
                        at++;
                        break;
                case ')':
                        scan->depth -= scan->depth > 0;
                        at++;
                        break;
                default:
                        at++;
                }
        }
}
