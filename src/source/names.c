/* Zone names and file names, both ways (DESIGN, Zone text to records).
 *
 * A file name is a pattern with one "%s" in it; what stands for the %s is the zone's name as text (master
 * file escapes, RFC 1035 s.5.1), percent-encoded. Octets that a shell, a file system or an eye may trip over
 * are always encoded, so that every name of the DNS has a file name and comes back octet for octet. */
#include "source/source.h"

#include "base/cleanup.h"
#include "base/encode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FILE_NAME_MAX_LENGTH 255 /* of every file system that matters */

/* A pattern, cut at its %s. */
struct pattern {
        const char *prefix;
        size_t prefix_length;
        const char *suffix;
        size_t suffix_length;
};

static bool pattern_split(const char *text, struct pattern *ret_pattern)
{
        const char *hole = strstr(text, "%s");
        if (!hole)
                return false;
        *ret_pattern = (struct pattern){
                .prefix = text,
                .prefix_length = (size_t)(hole - text),
                .suffix = hole + 2,
                .suffix_length = strlen(hole + 2),
        };
        return true;
}

static bool ends_with(const char *text, size_t length, const char *end)
{
        size_t end_length = strlen(end);
        return length >= end_length && memcmp(text + length - end_length, end, end_length) == 0;
}

/* What editors, packagers and name servers leave beside a file. A pattern that ends in %s ("db.%s") would
 * take them for zones. */
static bool is_leftover(const char *file_name, size_t length)
{
        static const char *const ends[] = {"~", ".swp", ".swo", ".swx", ".bak", ".orig", ".rej", ".tmp",
                ".save", ".jnl", ".jbk", ".dpkg-new", ".dpkg-old", ".dpkg-dist", ".dpkg-tmp", ".ucf-new",
                ".ucf-old", ".ucf-dist", ".rpmnew", ".rpmsave", ".rpmorig"};

        if (length >= 2 && file_name[0] == '#' && file_name[length - 1] == '#')
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
                if (ends_with(file_name, length, ends[i]))
                        return true;
        return false;
}

/* Text to text. Returns its length, or -EINVAL: a "%" without two digits, or an octet that name text has only
 * in escaped form (RFC 1035 s.5.1 writes those \DDD). */
static ssize_t percent_decode(const char *text, size_t length, char *ret_text, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; i < length; i++) {
                uint8_t octet[2] = {(uint8_t)text[i]};
                if (text[i] == '%') {
                        if (length - i < 3 || hex_decode(text + i + 1, 2, octet) != 1)
                                return -EINVAL;
                        i += 2;
                }
                if (octet[0] <= ' ' || octet[0] >= 0x7f || n == size)
                        return -EINVAL;
                ret_text[n++] = (char)octet[0];
        }
        return (ssize_t)n;
}

int source_zone_name(const char *file_name, const char *pattern, uint8_t *ret_name)
{
        static const uint8_t root[] = {0};
        struct pattern parts;
        size_t length = strlen(file_name);

        if (!pattern_split(pattern, &parts) || (file_name[0] == '.' && pattern[0] != '.'))
                return 1;
        if (length < parts.prefix_length + parts.suffix_length ||
                memcmp(file_name, parts.prefix, parts.prefix_length) != 0 ||
                !ends_with(file_name, length, parts.suffix))
                return 1;
        if (parts.suffix_length == 0 && is_leftover(file_name, length))
                return 1;

        char text[NAME_TEXT_MAX];
        ssize_t n = percent_decode(file_name + parts.prefix_length,
                length - parts.prefix_length - parts.suffix_length, text, sizeof(text));
        if (n <= 0)
                return -EINVAL;

        uint8_t name[NAME_MAX_LENGTH];
        size_t name_size;
        if (name_from_text(text, (size_t)n, root, name, &name_size, NULL) != NAME_OK)
                return -EINVAL;
        memcpy(ret_name, name, name_size);
        return 0;
}

static bool stands_for_itself(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_' || c == '.';
}

/* The character at `always` (NULL = none) is encoded too. */
static void percent_encode(const char *text, const char *always, char *ret_text)
{
        size_t n = 0;

        for (const char *c = text; *c; c++) {
                if (stands_for_itself(*c) && c != always)
                        ret_text[n++] = *c;
                else
                        n += (size_t)snprintf(ret_text + n, 4, "%%%02X", (unsigned char)*c);
        }
        ret_text[n] = '\0';
}

int source_file_name(const uint8_t *zone, const char *pattern, char *ret_text, size_t size)
{
        char text[NAME_TEXT_MAX], encoded[3 * NAME_TEXT_MAX], file_name[FILE_NAME_MAX_LENGTH + 1];
        struct pattern parts;

        if (!pattern_split(pattern, &parts))
                return -EINVAL;
        name_to_zone_text(zone, text);
        const char *always = text[0] == '.' ? text : NULL; /* the root would make a hidden file */
        for (;;) {
                percent_encode(text, always, encoded);
                int n = snprintf(file_name, sizeof(file_name), "%.*s%s%s", (int)parts.prefix_length,
                        parts.prefix, encoded, parts.suffix);
                if (n < 0 || n > FILE_NAME_MAX_LENGTH || (size_t)n >= size)
                        return -ENAMETOOLONG;
                if (parts.suffix_length > 0 || !is_leftover(file_name, (size_t)n))
                        break;
                always = text + strlen(text) - 1; /* a zone "a.bak" would be a leftover of "a" */
        }
        memcpy(ret_text, file_name, strlen(file_name) + 1);
        return 0;
}
