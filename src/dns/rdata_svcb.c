/* The parameters of SVCB and HTTPS records (RFC 9460 s.2.1, s.7, s.8; RFC 9461 dohpath). Pure; any thread.
 *
 *     key 16 | length 16 | value      keys strictly ascending
 */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/rdata_field.h"

#include <string.h>

enum {
        KEY_MANDATORY = 0,
        KEY_ALPN = 1,
        KEY_NO_DEFAULT_ALPN = 2,
        KEY_PORT = 3,
        KEY_IPV4HINT = 4,
        KEY_ECH = 5,
        KEY_IPV6HINT = 6,
        KEY_DOHPATH = 7,
        KEY_OHTTP = 8,
};

static const char *const key_names[] = {
        "mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp"};

static bool alpn_is_wellformed(const uint8_t *value, size_t length)
{
        size_t at = 0;

        while (at < length) {
                if (value[at] == 0)
                        return false;
                at += 1u + value[at];
        }
        return at == length && length > 0;
}

/* Keys ascending, and "mandatory" itself not among them (RFC 9460 s.8). */
static bool mandatory_is_wellformed(const uint8_t *value, size_t length)
{
        if (length == 0 || length % 2 != 0 || read_u16(value) == KEY_MANDATORY)
                return false;
        for (size_t i = 2; i < length; i += 2)
                if (read_u16(value + i) <= read_u16(value + i - 2))
                        return false;
        return true;
}

static bool value_is_wellformed(unsigned key, const uint8_t *value, size_t length)
{
        switch (key) {
        case KEY_MANDATORY:
                return mandatory_is_wellformed(value, length);
        case KEY_ALPN:
                return alpn_is_wellformed(value, length);
        case KEY_NO_DEFAULT_ALPN:
        case KEY_OHTTP:
                return length == 0;
        case KEY_PORT:
                return length == 2;
        case KEY_IPV4HINT:
                return length > 0 && length % 4 == 0;
        case KEY_IPV6HINT:
                return length > 0 && length % 16 == 0;
        case KEY_ECH:
                return length > 0;
        default:
                return true;
        }
}

bool svc_params_are_wellformed(const uint8_t *bytes, size_t length)
{
        int previous = -1;

        while (length > 0) {
                size_t size;

                if (length < 4)
                        return false;
                size = read_u16(bytes + 2);
                if (read_u16(bytes) <= previous || length - 4 < size ||
                        !value_is_wellformed(read_u16(bytes), bytes + 4, size))
                        return false;
                previous = read_u16(bytes);
                bytes += 4 + size;
                length -= 4 + size;
        }
        return true;
}

static void key_to_text(unsigned key, struct buffer *out)
{
        if (key < ARRAY_SIZE(key_names))
                buffer_append_text(out, key_names[key]);
        else
                buffer_printf(out, "key%u", key);
}

/* A list in quotes. An octet of a value that has a meaning in the list, a comma or a backslash, is escaped
 * for the list first and then, its backslash being special in a character string as well, once more (RFC 9460
 * appendix A.1). */
static void alpn_to_text(const uint8_t *value, size_t length, struct buffer *out)
{
        buffer_append_u8(out, '"');
        for (size_t at = 0; at < length; at += 1u + value[at]) {
                if (at > 0)
                        buffer_append_u8(out, ',');
                for (size_t i = 1; i <= value[at]; i++) {
                        uint8_t octet = value[at + i];

                        if (octet == '\\')
                                buffer_append_text(out, "\\\\\\\\");
                        else if (octet == ',')
                                buffer_append_text(out, "\\\\,");
                        else if (octet == '"')
                                buffer_append_text(out, "\\\"");
                        else if (octet < ' ' || octet >= 0x7F)
                                buffer_printf(out, "\\%03u", octet);
                        else
                                buffer_append_u8(out, octet);
                }
        }
        buffer_append_u8(out, '"');
}

static void list_to_text(unsigned key, const uint8_t *value, size_t length, struct buffer *out)
{
        size_t size = key == KEY_MANDATORY ? 2 : key == KEY_IPV4HINT ? 4 : 16;

        for (size_t at = 0; at < length; at += size) {
                if (at > 0)
                        buffer_append_u8(out, ',');
                if (key == KEY_MANDATORY)
                        key_to_text(read_u16(value + at), out);
                else if (key == KEY_IPV4HINT)
                        text_ipv4(value + at, out);
                else
                        text_ipv6(value + at, out);
        }
}

static void param_to_text(unsigned key, const uint8_t *value, size_t length, struct buffer *out)
{
        key_to_text(key, out);
        if (length == 0)
                return;
        buffer_append_u8(out, '=');
        switch (key) {
        case KEY_MANDATORY:
        case KEY_IPV4HINT:
        case KEY_IPV6HINT:
                list_to_text(key, value, length, out);
                break;
        case KEY_ALPN:
                alpn_to_text(value, length, out);
                break;
        case KEY_PORT:
                buffer_printf(out, "%u", read_u16(value));
                break;
        case KEY_ECH:
                text_base64(value, length, out);
                break;
        default:
                text_quoted(value, length, out);
                break;
        }
}

void svc_params_to_text(const uint8_t *bytes, size_t length, struct buffer *out)
{
        const uint8_t *end = bytes + length;

        while (bytes < end) {
                size_t size = read_u16(bytes + 2);

                param_to_text(read_u16(bytes), bytes + 4, size, out);
                bytes += 4 + size;
                if (bytes < end)
                        buffer_append_u8(out, ' ');
        }
}
