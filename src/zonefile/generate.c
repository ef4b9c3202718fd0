/* $GENERATE start-stop[/step] lhs [TTL] [class] type rhs: BIND's loop over numbers.
 *
 * The line is put together again as one template; each turn of the loop is expanded into a text of its own
 * and read as an entry. All that is told of it is told at the directive. What a loop may make is bounded: a
 * typing error in a range must not take the memory. */
#include "zonefile/parse.h"

#include "base/buffer.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifdef FUZZING /* a fuzzer tries the largest first */
#define GENERATED_MAX 2000
#else
#define GENERATED_MAX (1u << 20)
#endif
#define WIDTH_MAX 255
#define GENERATED_BYTES_MAX ((size_t)256 * 1024 * 1024)
#define LINE_MAX_BYTES ((size_t)256 * 1024)

struct range {
        uint32_t start, stop, step;
};

static bool read_number(const char **at, const char *end, uint32_t *ret_number)
{
        const char *begin = *at;
        struct token token = {.begin = begin, .kind = TOKEN_WORD};

        while (*at < end && **at >= '0' && **at <= '9')
                (*at)++;
        token.end = *at;
        return token_number(&token, INT32_MAX, ret_number);
}

static bool range_from_token(const struct token *token, struct range *ret_range)
{
        const char *at = token->begin, *end = token->end;

        ret_range->step = 1;
        if (!read_number(&at, end, &ret_range->start) || at == end || *at++ != '-' ||
                !read_number(&at, end, &ret_range->stop))
                return false;
        if (at < end && (*at++ != '/' || !read_number(&at, end, &ret_range->step)))
                return false;
        return at == end && ret_range->step > 0 && ret_range->start <= ret_range->stop;
}

static void put_token(struct buffer *out, const struct token *token)
{
        size_t quote = token->kind == TOKEN_QUOTED;

        if (out->length > 0)
                buffer_append_u8(out, ' ');
        buffer_append(out, token->begin - quote, token_length(token) + 2 * quote);
}

/* A quoted right side is the text inside the quotes, as in BIND: MX "10 mail$". */
static void put_unquoted(struct buffer *out, const struct token *token)
{
        buffer_append_u8(out, ' ');
        for (const char *at = token->begin; at < token->end; at++) {
                if (*at == '\\' && at + 1 < token->end) {
                        if (at[1] != '"')
                                buffer_append_u8(out, '\\');
                        at++;
                }
                buffer_append_u8(out, (uint8_t)*at);
        }
}

/* "[TTL] [class] type": what is no type here is told when the first line is read. */
static int put_head(struct scan *scan, struct buffer *out)
{
        struct token token;
        uint16_t type;

        do {
                int r = scan_word(scan, "a record type", &token);

                if (r < 0)
                        return r;
                put_token(out, &token);
        } while ((*token.begin >= '0' && *token.begin <= '9') || !token_type(&token, &type));
        return 0;
}

static int read_template(struct scan *scan, struct buffer *out)
{
        struct token owner, first, token;
        int r = scan_word(scan, "an owner", &owner);

        if (r < 0)
                return r;
        put_token(out, &owner);
        r = put_head(scan, out);
        if (r == 0)
                r = scan_text(scan, "the right side", &first);
        if (r < 0)
                return r;
        if (scan_token(scan, &token) == TOKEN_END && first.kind == TOKEN_QUOTED) {
                put_unquoted(out, &first);
                return 0;
        }
        put_token(out, &first);
        for (; token.kind != TOKEN_END; scan_token(scan, &token)) {
                if (token.kind == TOKEN_WRONG)
                        return -EINVAL;
                put_token(out, &token);
        }
        return 0;
}

struct modifier {
        int32_t offset;
        unsigned width;
        char base;
};

/* "{offset[,width[,base]]}", at behind the brace's place. False where it is malformed. */
static bool read_modifier(const char **at, const char *end, struct modifier *modifier)
{
        const char *text = *at + 1;
        bool is_negative = text < end && *text == '-';
        uint32_t number;

        text += is_negative || (text < end && *text == '+');
        if (!read_number(&text, end, &number))
                return false;
        modifier->offset = is_negative ? -(int32_t)number : (int32_t)number;
        if (text < end && *text == ',') {
                text++;
                if (!read_number(&text, end, &number) || number > WIDTH_MAX)
                        return false;
                modifier->width = number;
        }
        if (text < end && *text == ',') {
                if (++text == end || !strchr("doxXnN", *text))
                        return false;
                modifier->base = *text++;
        }
        if (text == end || *text != '}')
                return false;
        *at = text + 1;
        return true;
}

/* Nibbles from the lowest, with dots between, up to `width` characters (as BIND counts them). */
static void put_nibbles(struct buffer *out, uint64_t value, unsigned width, bool is_upper)
{
        do {
                buffer_append_u8(
                        out, (uint8_t)(is_upper ? "0123456789ABCDEF" : "0123456789abcdef")[value & 15]);
                value >>= 4;
                width -= width > 0;
                if (width > 0 || value != 0) {
                        buffer_append_u8(out, '.');
                        width -= width > 0;
                }
        } while (value != 0 || width > 0);
}

static void put_value(struct buffer *out, uint64_t value, const struct modifier *modifier)
{
        int width = (int)modifier->width;

        switch (modifier->base) {
        case 'o':
                buffer_printf(out, "%0*llo", width, (unsigned long long)value);
                break;
        case 'x':
                buffer_printf(out, "%0*llx", width, (unsigned long long)value);
                break;
        case 'X':
                buffer_printf(out, "%0*llX", width, (unsigned long long)value);
                break;
        case 'n':
        case 'N':
                put_nibbles(out, value, modifier->width, modifier->base == 'N');
                break;
        default:
                buffer_printf(out, "%0*llu", width, (unsigned long long)value);
        }
}

/* One turn: '$' is the number, "$$" and "\$" a dollar. */
static int expand(struct scan *scan, const char *directive, const struct buffer *template, uint32_t number,
        struct buffer *out)
{
        const char *at = (const char *)template->data, *end = at + template->length;

        buffer_clear(out);
        while (at < end) {
                struct modifier modifier = {.base = 'd'};
                int64_t value;

                if (*at == '\\' && at + 1 < end) {
                        buffer_append(out, at, 2);
                        at += 2;
                        continue;
                }
                if (*at != '$') {
                        buffer_append_u8(out, (uint8_t)*at++);
                        continue;
                }
                if (++at < end && *at == '$') {
                        buffer_append_u8(out, (uint8_t)*at++);
                        continue;
                }
                if (at < end && *at == '{' && !read_modifier(&at, end, &modifier))
                        return scan_fail(scan, directive, "bad-generate",
                                "${offset,width,base}: base d, o, x, X, n or N; width at most 255",
                                "a wrong modifier in $GENERATE");
                value = (int64_t)number + modifier.offset;
                if (value < 0)
                        return scan_fail(
                                scan, directive, "bad-generate", NULL, "$GENERATE makes a negative number");
                put_value(out, (uint64_t)value, &modifier);
                if (out->length > LINE_MAX_BYTES)
                        return scan_fail(
                                scan, directive, "bad-generate", NULL, "$GENERATE makes a too long line");
        }
        return 0;
}

/* Reads the expanded line as an entry. 1 = it was wrong, and told. */
static int read_line(struct parse *parse, const char *directive, struct buffer *line)
{
        struct scan saved = parse->scan;
        bool had_error = parse->has_error, is_wrong;
        size_t length = line->length;
        uint8_t *padding = buffer_reserve(line, ZONEFILE_PADDING);
        int r;

        if (!padding)
                return -ENOMEM;
        memset(padding, '\n', ZONEFILE_PADDING);
        parse->scan.at = (const char *)line->data;
        parse->scan.end = parse->scan.at + length;
        parse->generate_at = directive;
        parse->has_error = false;
        r = parse_entry(parse);
        is_wrong = parse->has_error;
        parse->has_error |= had_error;
        parse->generate_at = NULL;
        parse->scan = saved;
        if (r < 0)
                return r;
        return is_wrong;
}

static int run(
        struct parse *parse, const char *directive, const struct range *range, const struct buffer *template)
{
        CLEANUP(buffer_free) struct buffer line = {0};

        for (uint64_t number = range->start; number <= range->stop; number += range->step) {
                int r = expand(&parse->scan, directive, template, (uint32_t)number, &line);

                if (r < 0)
                        return r;
                parse->generated_bytes += line.length;
                if (parse->generated_bytes > GENERATED_BYTES_MAX)
                        return scan_fail(&parse->scan, directive, "generate-too-large", NULL,
                                "$GENERATE makes too much text");
                r = read_line(parse, directive, &line);
                if (r < 0)
                        return r;
                if (r == 1) /* the next ones would be wrong in the same way */
                        return 0;
        }
        return 0;
}

int parse_generate(struct parse *parse, const char *directive)
{
        CLEANUP(buffer_free) struct buffer template = {0};
        struct scan *scan = &parse->scan;
        const uint8_t *owner = parse->owner;
        size_t owner_length = parse->owner_length;
        bool is_outside = parse->owner_is_outside;
        struct range range;
        struct token token;
        int r = scan_word(scan, "a range", &token);

        if (r < 0)
                return r;
        parse->has_made = true;
        if (!range_from_token(&token, &range))
                return scan_fail_word(
                        scan, &token, "bad-generate", "start-stop or start-stop/step", "is not a range");
        r = read_template(scan, &template);
        if (r < 0)
                return r;
        if (template.failed)
                return -ENOMEM;
        parse->generated += (range.stop - range.start) / range.step + 1ull;
        if (parse->generated > GENERATED_MAX || template.length > LINE_MAX_BYTES)
                return scan_fail_word(scan, &token, "generate-too-large", "at most 1048576 in a zone",
                        "makes too many records");
        r = run(parse, directive, &range, &template);
        parse->owner = owner;
        parse->owner_length = owner_length;
        parse->owner_is_outside = is_outside;
        return r;
}
