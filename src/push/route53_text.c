/* Route 53's text. A master file writes the octet 42 as \042, Route 53 as \052: the same three digits,
 * another base. Pure. */
#include "push/route53_text.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "zonefile/rdata_text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_digit(char c, char last)
{
        return c >= '0' && c <= last;
}

/* An escape \ooo at `at`, or -1. */
static int octal_at(const char *at)
{
        if (at[0] != '\\' || !is_digit(at[1], '3') || !is_digit(at[2], '7') || !is_digit(at[3], '7'))
                return -1;
        return (at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0');
}

/* An escape \DDD of a master file, or -1. */
static int decimal_at(const char *at)
{
        if (at[0] != '\\' || !is_digit(at[1], '2') || !is_digit(at[2], '9') || !is_digit(at[3], '9'))
                return -1;
        return (at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0');
}

void route53_name(const uint8_t *name, struct buffer *out)
{
        if (name[0] == 0)
                buffer_append_u8(out, '.');
        for (const uint8_t *label = name; *label; label += *label + 1) {
                for (unsigned i = 1; i <= *label; i++) {
                        uint8_t octet = label[i];
                        bool is_plain = (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
                                        (octet >= '0' && octet <= '9') || octet == '-' || octet == '_';
                        if (is_plain)
                                buffer_append_u8(out, octet);
                        else
                                buffer_printf(out, "\\%03o", octet);
                }
                buffer_append_u8(out, '.');
        }
}

/* Octal escapes become decimal ones; the others stay. */
static void to_master_file(const char *text, struct buffer *out)
{
        for (const char *at = text; *at; at++) {
                int octet = octal_at(at);
                if (octet >= 0) {
                        buffer_printf(out, "\\%03d", octet);
                        at += 3;
                } else if (*at == '\\' && at[1]) {
                        buffer_append(out, at, 2);
                        at++;
                } else {
                        buffer_append_u8(out, (uint8_t)*at);
                }
        }
}

static void from_master_file(const char *text, struct buffer *out)
{
        for (const char *at = text; *at; at++) {
                int octet = decimal_at(at);
                if (octet >= 0) {
                        buffer_printf(out, "\\%03o", (unsigned)octet);
                        at += 3;
                } else if (*at == '\\' && at[1]) {
                        buffer_append(out, at, 2);
                        at++;
                } else {
                        buffer_append_u8(out, (uint8_t)*at);
                }
        }
}

int route53_name_parse(const char *text, uint8_t ret_name[static NAME_MAX_LENGTH])
{
        static const uint8_t root[] = {0};
        CLEANUP(buffer_free) struct buffer plain = {0};
        uint8_t name[NAME_MAX_LENGTH];
        size_t length;

        to_master_file(text, &plain);
        const char *master = buffer_text(&plain);
        if (!master)
                return -ENOMEM;
        if (name_from_text(master, plain.length, root, name, &length, NULL) != NAME_OK)
                return -EINVAL;
        memcpy(ret_name, name, length);
        return 0;
}

void route53_value(uint16_t type, const uint8_t *rdata, size_t length, struct buffer *out)
{
        CLEANUP(buffer_free) struct buffer plain = {0};
        rdata_to_text(type, rdata, length, &plain);
        const char *master = buffer_text(&plain);
        if (master)
                from_master_file(master, out);
        else
                out->failed = true;
}

int route53_value_parse(uint16_t type, const char *text, uint8_t *ret_rdata, size_t *ret_length)
{
        static const uint8_t root[] = {0};
        CLEANUP(buffer_free) struct buffer plain = {0};
        const char *why;
        size_t at;

        to_master_file(text, &plain);
        const char *master = buffer_text(&plain);
        if (!master)
                return -ENOMEM;
        return rdata_from_text(type, master, plain.length, root, ret_rdata, ret_length, &why, &at);
}

void route53_escape(const char *text, struct buffer *out)
{
        for (; *text; text++) {
                switch (*text) {
                case '&':
                        buffer_append_text(out, "&amp;");
                        break;
                case '<':
                        buffer_append_text(out, "&lt;");
                        break;
                case '>':
                        buffer_append_text(out, "&gt;");
                        break;
                default:
                        buffer_append_u8(out, (uint8_t)*text);
                }
        }
}
