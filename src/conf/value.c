/* Parsing of named.conf's simple values. Pure. */

#include "conf/value.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

int value_parse_boolean(const char *text, bool *ret_value)
{
        static const char *const words[] = {"no", "yes", "false", "true", "0", "1"};
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (strcasecmp(text, words[i]) == 0) {
                        *ret_value = i % 2 == 1;
                        return 0;
                }
        return -EINVAL;
}

/* Digits at *text, which moves behind them. */
static int take_number(const char **text, uint64_t *ret_value)
{
        uint64_t value = 0;
        if (!isdigit((unsigned char)**text))
                return -EINVAL;
        for (; isdigit((unsigned char)**text); (*text)++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                        __builtin_add_overflow(value, (uint64_t)(**text - '0'), &value))
                        return -ERANGE;
        *ret_value = value;
        return 0;
}

int value_parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret_value)
{
        uint64_t value;
        int r = take_number(&text, &value);
        if (r < 0)
                return r;
        if (*text != '\0')
                return -EINVAL;
        if (value < least || value > most)
                return -ERANGE;
        *ret_value = value;
        return 0;
}

int value_parse_mode(const char *text, unsigned *ret_mode)
{
        unsigned mode = 0;
        if (*text == '\0' || strlen(text) > 5)
                return -EINVAL;
        for (; *text; text++) {
                if (*text < '0' || *text > '7')
                        return -EINVAL;
                mode = mode * 8 + (unsigned)(*text - '0');
        }
        if (mode > 0777)
                return -ERANGE;
        *ret_mode = mode;
        return 0;
}

struct unit {
        const char *name;
        uint64_t usec;
};

#define SECOND UINT64_C(1000000)

/* "ms" before "m": the first that fits is taken. */
static const struct unit units[] = {{"ms", 1000}, {"us", 1}, {"s", SECOND}, {"m", 60 * SECOND},
        {"h", 3600 * SECOND}, {"d", 86400 * SECOND}, {"w", 604800 * SECOND}};
static const struct unit iso_dates[] = {
        {"Y", 31536000 * SECOND}, {"M", 2592000 * SECOND}, {"W", 604800 * SECOND}, {"D", 86400 * SECOND}};
static const struct unit iso_times[] = {{"H", 3600 * SECOND}, {"M", 60 * SECOND}, {"S", SECOND}};

/* One number with one of the units, added to the sum. */
static int take_part(const char **text, const struct unit *list, size_t count, uint64_t *sum)
{
        uint64_t value;
        int r = take_number(text, &value);
        if (r < 0)
                return r;
        for (size_t i = 0; i < count; i++) {
                size_t length = strlen(list[i].name);
                if (strncasecmp(*text, list[i].name, length) != 0)
                        continue;
                *text += length;
                if (__builtin_mul_overflow(value, list[i].usec, &value) ||
                        __builtin_add_overflow(*sum, value, sum))
                        return -ERANGE;
                return 0;
        }
        return -EINVAL;
}

static int parse_iso(const char *text, uint64_t *ret_usec)
{
        uint64_t sum = 0;
        int r = *text == '\0' ? -EINVAL : 0;
        while (r == 0 && *text && toupper((unsigned char)*text) != 'T')
                r = take_part(&text, iso_dates, ARRAY_SIZE(iso_dates), &sum);
        if (r == 0 && *text) {
                text++;
                r = *text ? 0 : -EINVAL;
                while (r == 0 && *text)
                        r = take_part(&text, iso_times, ARRAY_SIZE(iso_times), &sum);
        }
        if (r == 0)
                *ret_usec = sum;
        return r;
}

int value_parse_duration(const char *text, uint64_t unit_usec, uint64_t *ret_usec)
{
        uint64_t sum = 0;
        if (toupper((unsigned char)*text) == 'P')
                return parse_iso(text + 1, ret_usec);
        int r = value_parse_number(text, 0, UINT64_MAX, &sum);
        if (r == 0) {
                if (__builtin_mul_overflow(sum, unit_usec, &sum))
                        return -ERANGE;
                *ret_usec = sum;
                return 0;
        }
        if (r == -ERANGE)
                return r;
        sum = 0;
        do
                r = take_part(&text, units, ARRAY_SIZE(units), &sum);
        while (r == 0 && *text);
        if (r == 0)
                *ret_usec = sum;
        return r;
}

int value_parse_size(const char *text, uint64_t *ret_bytes)
{
        static const char letters[] = "kmgt";
        uint64_t value;
        int r = take_number(&text, &value);
        if (r < 0)
                return r;
        if (*text) {
                const char *letter = strchr(letters, tolower((unsigned char)*text));
                if (!letter || text[1] != '\0')
                        return -EINVAL;
                if (__builtin_mul_overflow(value, UINT64_C(1024) << (10 * (letter - letters)), &value))
                        return -ERANGE;
        }
        *ret_bytes = value;
        return 0;
}

int value_parse_percent(const char *text, unsigned *ret_percent)
{
        uint64_t value;
        int r = take_number(&text, &value);
        if (r < 0)
                return r;
        if (strcmp(text, "%") != 0)
                return -EINVAL;
        if (value > 1000000)
                return -ERANGE;
        *ret_percent = (unsigned)value;
        return 0;
}

int value_parse_date(const char *text)
{
        static const char form[] = "0000-00-00";
        if (strlen(text) != sizeof(form) - 1)
                return -EINVAL;
        for (size_t i = 0; form[i]; i++)
                if (form[i] == '-' ? text[i] != '-' : !isdigit((unsigned char)text[i]))
                        return -EINVAL;
        int month = (text[5] - '0') * 10 + text[6] - '0', day = (text[8] - '0') * 10 + text[9] - '0';
        return month >= 1 && month <= 12 && day >= 1 && day <= 31 ? 0 : -EINVAL;
}
