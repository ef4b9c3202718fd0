/* SvcParams of SVCB and HTTPS (RFC 9460 s.2.1, appendix A; RFC 9461; RFC 9540). Pure; any thread.
 *
 * Parameters may be written in any order and are sent in the order of their keys. Each one is gathered in the
 * text scratch of rdata_out (u16 key, u16 length, octets), then they are laid out sorted. */
#include "zonefile/rdata_scan.h"

#include "base/buffer.h"
#include "base/encode.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum svc_key {
        SVC_MANDATORY = 0,
        SVC_ALPN = 1,
        SVC_NO_DEFAULT_ALPN = 2,
        SVC_PORT = 3,
        SVC_IPV4HINT = 4,
        SVC_ECH = 5,
        SVC_IPV6HINT = 6,
        SVC_DOHPATH = 7,
        SVC_OHTTP = 8,
        SVC_TLS_SUPPORTED_GROUPS = 9,
        SVC_KNOWN_KEYS,
};
static const char *const key_names[SVC_KNOWN_KEYS] = {"mandatory", "alpn", "no-default-alpn", "port",
        "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp", "tls-supported-groups"};

#define PARAMS_MAX 128
#define VALUE_MAX 65535u
#define ITEM_MAX 255u

struct param {
        uint16_t key;
        bool is_numbered; /* written keyNNNNN: the value is octets, as of an unknown key */
        const char *at;   /* its name, for faults */
        const uint8_t *value;
        size_t length;
};

struct params {
        struct param items[PARAMS_MAX];
        unsigned count;
        uint8_t *room; /* where the next value goes */
        size_t left;
};

static int fail_param(struct scan *scan, const char *at, const char *message)
{
        return scan_fail(scan, at, "bad-service-parameter", NULL, "%s", message);
}

static bool key_from_text(const char *text, size_t length, uint16_t *ret_key)
{
        struct token number = {.begin = text + 3, .end = text + length, .kind = TOKEN_WORD};
        uint32_t value;

        for (uint16_t key = 0; key < SVC_KNOWN_KEYS; key++)
                if (strlen(key_names[key]) == length && memcmp(key_names[key], text, length) == 0) {
                        *ret_key = key;
                        return true;
                }
        if (length < 4 || length > 8 || memcmp(text, "key", 3) != 0 ||
                !token_number(&number, UINT16_MAX - 1, &value))
                return false;
        if (length > 4 && text[3] == '0')
                return false;
        *ret_key = (uint16_t)value;
        return true;
}

/* The next item of a comma list that was decoded once: "\," and "\\" are a comma and a backslash (RFC 9460
 * appendix A.1). */
static bool next_item(const uint8_t **at, const uint8_t *end, uint8_t *item, size_t max, size_t *ret_length)
{
        const uint8_t *text = *at;
        size_t length = 0;

        while (text < end && *text != ',') {
                if (*text == '\\' && (++text == end || (*text != ',' && *text != '\\')))
                        return false;
                if (length == max)
                        return false;
                item[length++] = *text++;
        }
        *at = text < end ? text + 1 : text;
        *ret_length = length;
        /* A comma at the end is followed by an empty item. */
        return length > 0 && !(text < end && text + 1 == end);
}

/* One item of a list in wire form; moves *out. */
static int put_item(
        struct scan *scan, const struct param *param, const uint8_t *item, size_t length, uint8_t **out)
{
        const char *text = (const char *)item;
        struct token token = {.begin = text, .end = text + length, .start = param->at, .kind = TOKEN_WORD};
        uint32_t number;
        uint16_t key;
        int r = 0;

        switch (param->key) {
        case SVC_ALPN:
                *(*out)++ = (uint8_t)length;
                memcpy(*out, item, length);
                *out += length;
                break;
        case SVC_MANDATORY:
                if (!key_from_text(text, length, &key) || key == SVC_MANDATORY)
                        return fail_param(scan, param->at, "'mandatory' lists a key that is none");
                write_u16(*out, key);
                *out += 2;
                break;
        case SVC_TLS_SUPPORTED_GROUPS:
                if (!token_number(&token, UINT16_MAX, &number))
                        return fail_param(scan, param->at, "groups are numbers from 0 to 65535");
                write_u16(*out, (uint16_t)number);
                *out += 2;
                break;
        case SVC_IPV4HINT:
                r = rdata_ipv4(scan, &token, *out);
                *out += 4;
                break;
        default:
                r = rdata_ipv6(scan, &token, *out);
                *out += 16;
        }
        return r;
}

static int put_list(
        struct scan *scan, struct param *param, const uint8_t *text, size_t size, struct params *params)
{
        const uint8_t *at = text, *end = text + size;
        uint8_t *out = params->room;

        if (at == end)
                return fail_param(scan, param->at, "a list may not be empty");
        while (at < end) {
                uint8_t item[ITEM_MAX + 1];
                size_t length = 0;
                int r;

                if (!next_item(&at, end, item, ITEM_MAX, &length))
                        return fail_param(
                                scan, param->at, "a list has an empty, too long or wrongly escaped item");
                if (params->left < (size_t)(out - params->room) + ITEM_MAX + 1)
                        return fail_param(scan, param->at, "the parameters are too long");
                r = put_item(scan, param, item, length, &out);
                if (r < 0)
                        return r;
        }
        param->length = (size_t)(out - params->room);
        return 0;
}

/* RFC 9460 s.8: ascending, none twice. */
static int sort_mandatory(struct scan *scan, struct param *param, uint8_t *keys)
{
        size_t count = param->length / 2;

        for (size_t i = 1; i < count; i++)
                for (size_t n = i; n > 0 && read_u16(keys + 2 * n - 2) >= read_u16(keys + 2 * n); n--) {
                        uint16_t key = read_u16(keys + 2 * n);

                        if (read_u16(keys + 2 * n - 2) == key)
                                return fail_param(scan, param->at, "'mandatory' lists a key twice");
                        write_u16(keys + 2 * n, read_u16(keys + 2 * n - 2));
                        write_u16(keys + 2 * n - 2, key);
                }
        return 0;
}

/* text: the value with its escapes resolved. */
static int put_value(
        struct scan *scan, struct param *param, const uint8_t *text, size_t size, struct params *params)
{
        struct token token = {
                .begin = (const char *)text, .end = (const char *)text + size, .kind = TOKEN_WORD};
        uint32_t port;
        ssize_t length;
        int r;

        if (param->is_numbered) {
                memcpy(params->room, text, size);
                param->length = size;
                return 0;
        }
        switch (param->key) {
        case SVC_ALPN:
        case SVC_IPV4HINT:
        case SVC_IPV6HINT:
        case SVC_TLS_SUPPORTED_GROUPS:
                return put_list(scan, param, text, size, params);
        case SVC_MANDATORY:
                r = put_list(scan, param, text, size, params);
                return r < 0 ? r : sort_mandatory(scan, param, params->room);
        case SVC_NO_DEFAULT_ALPN:
        case SVC_OHTTP:
                return size == 0 ? 0 : fail_param(scan, param->at, "this parameter takes no value");
        case SVC_PORT:
                if (!token_number(&token, UINT16_MAX, &port))
                        return fail_param(scan, param->at, "a port is a number from 0 to 65535");
                write_u16(params->room, (uint16_t)port);
                param->length = 2;
                return 0;
        case SVC_ECH:
                if (size == 0 || size > params->left)
                        return fail_param(scan, param->at, "ech has no value, or one that is too long");
                length = base64_decode((const char *)text, size, params->room);
                if (length <= 0)
                        return fail_param(scan, param->at, "ech is not base64");
                param->length = (size_t)length;
                return 0;
        default:
                if (param->key == SVC_DOHPATH && size == 0)
                        return fail_param(scan, param->at, "dohpath has no value");
                memcpy(params->room, text, size);
                param->length = size;
                return 0;
        }
}

/* The value behind "key=", if any: a word's rest or a quoted string right behind it. */
static int find_value(
        struct scan *scan, const struct token *word, const char *equals, struct token *ret_value)
{
        *ret_value = *word;
        if (!equals) {
                ret_value->begin = ret_value->end;
                return 0;
        }
        ret_value->begin = equals + 1;
        if (equals + 1 == word->end && *scan->at == '"' && scan_token(scan, ret_value) == TOKEN_WRONG)
                return -EINVAL;
        return 0;
}

static int scan_param(struct scan *scan, const struct token *word, uint8_t *scratch, struct params *params)
{
        struct param *param = &params->items[params->count];
        const char *equals = memchr(word->begin, '=', token_length(word));
        struct token value;
        size_t size;
        int r;

        if (params->count == PARAMS_MAX)
                return fail_param(scan, word->start, "too many parameters");
        param->at = word->start;
        param->value = params->room;
        param->length = 0;
        if (!key_from_text(word->begin, (size_t)((equals ? equals : word->end) - word->begin), &param->key))
                return scan_fail_word(scan, word, "bad-service-parameter",
                        "alpn, port, ipv4hint, ipv6hint, ech, mandatory ... or keyNNNNN",
                        "is not a service parameter");
        param->is_numbered = memcmp(word->begin, "key", 3) == 0;
        for (unsigned i = 0; i < params->count; i++)
                if (params->items[i].key == param->key)
                        return fail_param(scan, word->start, "a service parameter is there twice");
        r = find_value(scan, word, equals, &value);
        if (r < 0)
                return r;
        r = rdata_octets(scan, &value, params->left < VALUE_MAX ? params->left : VALUE_MAX, scratch, &size);
        if (r < 0)
                return r;
        r = put_value(scan, param, scratch, size, params);
        if (r < 0)
                return r;
        params->room += param->length;
        params->left -= param->length;
        params->count++;
        return 0;
}

static const struct param *find_key(const struct params *params, uint16_t key)
{
        for (unsigned i = 0; i < params->count; i++)
                if (params->items[i].key == key)
                        return &params->items[i];
        return NULL;
}

/* What one parameter asks of others (RFC 9460 s.7.1.1, s.8). */
static int check_params(struct scan *scan, const struct params *params)
{
        const struct param *mandatory = find_key(params, SVC_MANDATORY);
        const struct param *no_default = find_key(params, SVC_NO_DEFAULT_ALPN);

        if (no_default && !find_key(params, SVC_ALPN))
                return fail_param(scan, no_default->at, "no-default-alpn without alpn");
        for (size_t i = 0; mandatory && i < mandatory->length; i += 2)
                if (!find_key(params, read_u16(mandatory->value + i)))
                        return fail_param(scan, mandatory->at, "a mandatory parameter is not there");
        return 0;
}

static int put_params(struct scan *scan, struct params *params, struct rdata_out *out)
{
        for (unsigned i = 1; i < params->count; i++)
                for (unsigned n = i; n > 0 && params->items[n - 1].key > params->items[n].key; n--) {
                        struct param item = params->items[n];

                        params->items[n] = params->items[n - 1];
                        params->items[n - 1] = item;
                }
        for (unsigned i = 0; i < params->count; i++) {
                const struct param *param = &params->items[i];
                uint8_t head[4];
                int r;

                write_u16(head, param->key);
                write_u16(head + 2, (uint16_t)param->length);
                r = rdata_put(scan, out, head, sizeof(head));
                if (r == 0)
                        r = rdata_put(scan, out, param->value, param->length);
                if (r < 0)
                        return r;
        }
        return 0;
}

int rdata_scan_svc_params(struct scan *scan, struct rdata_out *out)
{
        uint8_t scratch[VALUE_MAX];
        struct params params = {.count = 0, .room = (uint8_t *)out->text, .left = VALUE_MAX};
        struct token token;
        int r;

        for (;;) {
                switch (scan_token(scan, &token)) {
                case TOKEN_END:
                        r = check_params(scan, &params);
                        return r < 0 ? r : put_params(scan, &params, out);
                case TOKEN_WRONG:
                        return -EINVAL;
                case TOKEN_QUOTED:
                        return fail_param(scan, token.start, "a quoted string without a key");
                case TOKEN_WORD:
                        break;
                }
                r = scan_param(scan, &token, scratch, &params);
                if (r < 0)
                        return r;
        }
}
