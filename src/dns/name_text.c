/* Domain names as text, with the escapes of master files (RFC 1035 s.5.1). Pure; any thread. */
#include "dns/name.h"

#include <string.h>

/* One character of a label, escapes resolved. Moves *at behind it; false where the escape is broken. */
static bool read_character(const char *text, size_t length, size_t *at, uint8_t *ret_octet)
{
        size_t i = *at;
        unsigned value = 0;

        if (text[i] != '\\') {
                *ret_octet = (uint8_t)text[i];
                *at = i + 1;
                return true;
        }
        if (++i == length)
                return false;
        if (text[i] < '0' || text[i] > '9') {
                *ret_octet = (uint8_t)text[i];
                *at = i + 1;
                return true;
        }
        if (length - i < 3)
                return false;
        for (size_t end = i + 3; i < end; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return false;
                value = value * 10 + (unsigned)(text[i] - '0');
        }
        if (value > 255)
                return false;
        *ret_octet = (uint8_t)value;
        *at = i;
        return true;
}

static int fault_at(enum name_error error, size_t at, size_t *ret_at)
{
        if (ret_at)
                *ret_at = at;
        return error;
}

/* Ends a relative name: with the root where its text had a final dot, else with origin. */
static int finish(bool absolute, const uint8_t *origin, uint8_t *name, size_t used, size_t *ret_used)
{
        size_t origin_length;

        if (absolute) {
                if (used + 1 > NAME_MAX_LENGTH)
                        return NAME_TOO_LONG;
                name[used] = 0;
                *ret_used = used + 1;
                return NAME_OK;
        }
        if (!origin)
                return NAME_RELATIVE;
        origin_length = name_length(origin);
        if (used + origin_length > NAME_MAX_LENGTH)
                return NAME_TOO_LONG;
        memcpy(name + used, origin, origin_length);
        *ret_used = used + origin_length;
        return NAME_OK;
}

int name_from_text(const char *text, size_t length, const uint8_t *origin, uint8_t *ret_name,
        size_t *ret_length, size_t *ret_at)
{
        uint8_t name[NAME_MAX_LENGTH];
        size_t used = 0, at = 0;
        bool absolute = false;
        int r;

        if (length == 1 && text[0] == '.')
                at = length, absolute = true;
        else if (length == 0)
                return fault_at(NAME_EMPTY_LABEL, 0, ret_at);
        while (at < length) {
                size_t label = used++, start = at;

                while (at < length && text[at] != '.') {
                        size_t escape = at;
                        uint8_t octet;

                        if (!read_character(text, length, &at, &octet))
                                return fault_at(NAME_BAD_ESCAPE, escape, ret_at);
                        if (used - label > NAME_MAX_LABEL)
                                return fault_at(NAME_LABEL_TOO_LONG, start, ret_at);
                        if (used >= NAME_MAX_LENGTH)
                                return fault_at(NAME_TOO_LONG, 0, ret_at);
                        name[used++] = octet;
                }
                if (used - label == 1)
                        return fault_at(NAME_EMPTY_LABEL, start, ret_at);
                name[label] = (uint8_t)(used - label - 1);
                absolute = at < length;
                at += absolute;
                if (at < length && used >= NAME_MAX_LENGTH)
                        return fault_at(NAME_TOO_LONG, 0, ret_at);
        }
        r = finish(absolute, origin, name, used, &used);
        if (r != NAME_OK)
                return fault_at((enum name_error)r, r == NAME_RELATIVE ? length : 0, ret_at);
        memcpy(ret_name, name, used);
        if (ret_length)
                *ret_length = used;
        return NAME_OK;
}

const char *name_error_text(enum name_error error)
{
        switch (error) {
        case NAME_OK:
                return "is a name";
        case NAME_EMPTY_LABEL:
                return "has an empty label";
        case NAME_LABEL_TOO_LONG:
                return "has a label of more than 63 octets";
        case NAME_TOO_LONG:
                return "is longer than 255 octets";
        case NAME_BAD_ESCAPE:
                return "has a broken escape (\\DDD is three digits, at most 255)";
        case NAME_RELATIVE:
                return "has no final dot, and there is no origin to complete it";
        }
        return "is not a name";
}

static char *write_octet(char *out, uint8_t octet)
{
        if (octet <= ' ' || octet >= 0x7F) {
                *out++ = '\\';
                *out++ = (char)('0' + octet / 100);
                *out++ = (char)('0' + octet / 10 % 10);
                *out++ = (char)('0' + octet % 10);
                return out;
        }
        if (strchr(".\\\"();@$", octet))
                *out++ = '\\';
        *out++ = (char)octet;
        return out;
}

const char *name_to_text(const uint8_t *name, char text[static NAME_TEXT_MAX])
{
        char *out = text;

        if (*name == 0)
                *out++ = '.';
        for (; *name; name += 1 + *name) {
                for (size_t i = 1; i <= name[0]; i++)
                        out = write_octet(out, name[i]);
                *out++ = '.';
        }
        *out = '\0';
        return text;
}

const char *name_to_zone_text(const uint8_t *name, char text[static NAME_TEXT_MAX])
{
        name_to_text(name, text);
        if (*name)
                text[strlen(text) - 1] = '\0';
        return text;
}
