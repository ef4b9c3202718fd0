/* JSON text, as RFC 8259 has it. Pure; any thread. */
#include "base/json.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static void append_escape(struct buffer *out, uint8_t octet)
{
        switch (octet) {
        case '"':
        case '\\':
                buffer_append_u8(out, '\\');
                buffer_append_u8(out, octet);
                break;
        case '\n':
                buffer_append_text(out, "\\n");
                break;
        case '\t':
                buffer_append_text(out, "\\t");
                break;
        default:
                buffer_printf(out, "\\u%04x", octet);
        }
}

/* One character above ASCII; returns its octets. JSON may be read on a terminal. */
static size_t append_wide(struct buffer *out, const uint8_t *text, size_t size)
{
        uint32_t character;
        size_t length = utf8_read(text, size, &character);
        if (length == 0) {
                buffer_append_text(out, REPLACEMENT);
                return 1;
        }
        if (!utf8_is_printable(character))
                buffer_printf(out, "\\u%04x", character);
        else
                buffer_append(out, text, length);
        return length;
}

static void append_string(struct buffer *out, const char *text, size_t length)
{
        const uint8_t *octets = (const uint8_t *)text;
        size_t plain = 0; /* octets before i that go as they are */

        buffer_append_u8(out, '"');
        for (size_t i = 0; i < length;) {
                uint8_t octet = octets[i];
                if (octet >= 0x20 && octet < 0x7f && octet != '"' && octet != '\\') {
                        i++;
                        plain++;
                        continue;
                }
                buffer_append(out, octets + i - plain, plain);
                plain = 0;
                if (octet >= 0x80) {
                        i += append_wide(out, octets + i, length - i);
                } else {
                        append_escape(out, octet);
                        i++;
                }
        }
        buffer_append(out, octets + length - plain, plain);
        buffer_append_u8(out, '"');
}

/* The comma before a value, and its key. */
static void begin_value(struct json *json, const char *key)
{
        if (json->needs_comma)
                buffer_append_u8(json->out, ',');
        json->needs_comma = true;
        if (key) {
                append_string(json->out, key, strlen(key));
                buffer_append_u8(json->out, ':');
        }
}

void json_open(struct json *json, const char *key, char bracket)
{
        begin_value(json, key);
        buffer_append_u8(json->out, (uint8_t)bracket);
        json->needs_comma = false;
}

void json_close(struct json *json, char bracket)
{
        buffer_append_u8(json->out, (uint8_t)bracket);
        json->needs_comma = true;
}

void json_nothing(struct json *json, const char *key)
{
        begin_value(json, key);
        buffer_append_text(json->out, "null");
}

void json_text_sized(struct json *json, const char *key, const char *text, size_t length)
{
        begin_value(json, key);
        append_string(json->out, text, length);
}

void json_text(struct json *json, const char *key, const char *text)
{
        if (text)
                json_text_sized(json, key, text, strlen(text));
        else
                json_nothing(json, key);
}

void json_number(struct json *json, const char *key, uint64_t number)
{
        begin_value(json, key);
        buffer_printf(json->out, "%" PRIu64, number);
}

void json_serial(struct json *json, const char *key, uint32_t serial)
{
        if (serial)
                json_number(json, key, serial);
        else
                json_nothing(json, key);
}

void json_bool(struct json *json, const char *key, bool value)
{
        begin_value(json, key);
        buffer_append_text(json->out, value ? "true" : "false");
}

void json_time(struct json *json, const char *key, uint64_t realtime_usec)
{
        time_t seconds = (time_t)(realtime_usec / USEC_PER_SEC);
        struct tm utc;
        char text[40];

        if (realtime_usec == 0 || !gmtime_r(&seconds, &utc) ||
                strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc) == 0) {
                json_nothing(json, key);
                return;
        }
        begin_value(json, key);
        buffer_printf(
                json->out, "\"%s.%03uZ\"", text, (unsigned)(realtime_usec % USEC_PER_SEC / USEC_PER_MSEC));
}

void json_seconds(struct json *json, const char *key, uint64_t usec)
{
        begin_value(json, key);
        buffer_printf(json->out, "%" PRIu64 ".%06u", (uint64_t)(usec / USEC_PER_SEC),
                (unsigned)(usec % USEC_PER_SEC));
}
