/* Key files in the form that dnssec-keygen writes, and the making of a new key. Pure but for randomness. What
 * fails is told by a static text: nothing of the file is repeated (I8). */

#include "conf/keys.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/random.h"
#include "dns/name.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The numbers that BIND gives to TSIG keys (lib/dns/dst.h); they are no DNSSEC algorithms. */
static const struct {
        unsigned number;
        enum tsig_algorithm algorithm;
} numbers[] = {
        {157, TSIG_HMAC_MD5},
        {161, TSIG_HMAC_SHA1},
        {162, TSIG_HMAC_SHA224},
        {163, TSIG_HMAC_SHA256},
        {164, TSIG_HMAC_SHA384},
        {165, TSIG_HMAC_SHA512},
};

static int algorithm_from_number(
        unsigned long number, enum tsig_algorithm *ret_algorithm, const char **ret_why)
{
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                if (numbers[i].number == number) {
                        *ret_algorithm = numbers[i].algorithm;
                        return 0;
                }
        *ret_why = "its algorithm is none of TSIG's (157, 161 to 165): this is no TSIG key";
        return -EINVAL;
}

int keyfile_decode_secret(const char *text, size_t length, struct tsig_key *ret_key, const char **ret_why)
{
        char joined[(TSIG_SECRET_MAX + 2) / 3 * 4];
        uint8_t secret[sizeof(joined)];
        size_t count = 0;
        ssize_t size = -EINVAL;
        for (size_t i = 0; i < length && count <= sizeof(joined); i++) {
                if (isspace((unsigned char)text[i]))
                        continue;
                if (count < sizeof(joined))
                        joined[count] = text[i];
                count++;
        }
        if (count <= sizeof(joined))
                size = base64_decode(joined, count, secret);
        if (count > sizeof(joined) || size > TSIG_SECRET_MAX)
                *ret_why = "the secret is longer than 512 octets";
        else if (size < 0)
                *ret_why = "the secret is not base64";
        else if (size == 0)
                *ret_why = "the secret is empty";
        bool is_good = size > 0 && size <= TSIG_SECRET_MAX && count <= sizeof(joined);
        if (is_good) {
                memcpy(ret_key->secret, secret, (size_t)size);
                ret_key->secret_length = (uint16_t)size;
        }
        explicit_bzero(joined, sizeof(joined));
        explicit_bzero(secret, sizeof(secret));
        return is_good ? 0 : -EINVAL;
}

/* A span of the text: a line, or a word of it. */
struct span {
        const char *text;
        size_t length;
};

static bool next_line(struct span *rest, struct span *ret_line)
{
        if (rest->length == 0)
                return false;
        const char *newline = memchr(rest->text, '\n', rest->length);
        size_t length = newline ? (size_t)(newline - rest->text) : rest->length;
        *ret_line = (struct span){rest->text, length};
        size_t taken = newline ? length + 1 : length;
        rest->text += taken;
        rest->length -= taken;
        return true;
}

static bool next_word(struct span *rest, struct span *ret_word)
{
        while (rest->length > 0 && isspace((unsigned char)*rest->text))
                rest->text++, rest->length--;
        size_t length = 0;
        while (length < rest->length && !isspace((unsigned char)rest->text[length]))
                length++;
        *ret_word = (struct span){rest->text, length};
        rest->text += length;
        rest->length -= length;
        return length > 0;
}

/* The line's value where it begins with the field's name. */
static bool is_field(struct span line, const char *name, struct span *ret_value)
{
        size_t length = strlen(name);
        if (line.length < length || strncasecmp(line.text, name, length) != 0)
                return false;
        *ret_value = (struct span){line.text + length, line.length - length};
        return true;
}

static bool span_to_number(struct span span, unsigned long *ret_number)
{
        unsigned long number = 0;
        if (span.length == 0 || span.length > 5)
                return false;
        for (size_t i = 0; i < span.length; i++) {
                if (!isdigit((unsigned char)span.text[i]))
                        return false;
                number = number * 10 + (unsigned long)(span.text[i] - '0');
        }
        *ret_number = number;
        return true;
}

bool keyfile_is_private(const char *text, size_t length)
{
        struct span value;
        return is_field((struct span){text, length}, "Private-key-format:", &value);
}

/* "Bits:" is the length of truncated MACs, two octets in base64; 0 = not truncated. */
static int read_bits(struct span value, struct tsig_key *key, const char **ret_why)
{
        struct span word;
        uint8_t octets[8];
        if (!next_word(&value, &word) || word.length > 8 ||
                base64_decode(word.text, word.length, octets) != 2) {
                *ret_why = "its Bits line is not understood";
                return -EINVAL;
        }
        key->mac_bits = read_u16(octets);
        return 0;
}

/* The same bounds as a name like hmac-sha256-128 has (RFC 8945 s.5.2.2.1). */
static bool is_mac_bits_good(const struct tsig_key *key)
{
        char text[64];
        enum tsig_algorithm algorithm;
        uint16_t bits;
        if (key->mac_bits == 0)
                return true;
        snprintf(text, sizeof(text), "%s-%u", tsig_algorithm_name(key->algorithm), key->mac_bits);
        return tsig_algorithm_from_text(text, &algorithm, &bits) == 0;
}

int keyfile_parse_private(const char *text, size_t length, struct tsig_key *ret_key, const char **ret_why)
{
        struct span rest = {text, length}, line, value, word;
        struct tsig_key key = {0};
        bool has_algorithm = false;
        int r = 0;
        if (!keyfile_is_private(text, length)) {
                *ret_why = "it does not begin with \"Private-key-format:\"";
                return -EINVAL;
        }
        while (r == 0 && next_line(&rest, &line)) {
                unsigned long number;
                if (is_field(line, "Algorithm:", &value)) {
                        has_algorithm = true;
                        if (!next_word(&value, &word) || !span_to_number(word, &number))
                                number = 0;
                        r = algorithm_from_number(number, &key.algorithm, ret_why);
                } else if (is_field(line, "Key:", &value)) {
                        r = keyfile_decode_secret(value.text, value.length, &key, ret_why);
                } else if (is_field(line, "Bits:", &value)) {
                        r = read_bits(value, &key, ret_why);
                }
        }
        if (r == 0 && (!has_algorithm || key.secret_length == 0 || !is_mac_bits_good(&key))) {
                *ret_why = !has_algorithm           ? "it has no Algorithm line"
                           : key.secret_length == 0 ? "it has no Key line: this is no TSIG key"
                                                    : "its Bits line asks for a MAC too short or too long";
                r = -EINVAL;
        }
        if (r == 0) {
                ret_key->algorithm = key.algorithm;
                ret_key->mac_bits = key.mac_bits;
                ret_key->secret_length = key.secret_length;
                memcpy(ret_key->secret, key.secret, key.secret_length);
        }
        tsig_key_wipe(&key);
        return r;
}

int keyfile_parse_record(const char *text, size_t length, struct tsig_key *ret_key, const char **ret_why)
{
        static const char not_understood[] = "it holds no KEY record of a TSIG key";
        struct span rest = {text, length}, line = {0}, name, word;
        do {
                if (!next_line(&rest, &line)) {
                        *ret_why = not_understood;
                        return -EINVAL;
                }
                name = line;
                next_word(&line, &name);
        } while (name.length == 0 || name.text[0] == ';');

        unsigned long number;
        bool is_word = next_word(&line, &word);
        while (is_word && (isdigit((unsigned char)word.text[0]) ||
                                  (word.length == 2 && strncasecmp(word.text, "IN", 2) == 0)))
                is_word = next_word(&line, &word); /* TTL and class */
        bool is_key = is_word && word.length == 3 && strncasecmp(word.text, "KEY", 3) == 0 &&
                      next_word(&line, &word) /* flags */ && next_word(&line, &word) /* protocol */ &&
                      next_word(&line, &word) && span_to_number(word, &number);
        struct tsig_key key = {0};
        size_t name_size;
        static const uint8_t root[] = {0};
        if (!is_key || name_from_text(name.text, name.length, root, key.name, &name_size, NULL) != NAME_OK) {
                *ret_why = not_understood;
                return -EINVAL;
        }
        int r = algorithm_from_number(number, &key.algorithm, ret_why);
        if (r == 0)
                r = keyfile_decode_secret(line.text, line.length, &key, ret_why);
        if (r == 0) {
                name_fold(key.name, ret_key->name);
                ret_key->algorithm = key.algorithm;
                ret_key->mac_bits = 0;
                ret_key->secret_length = key.secret_length;
                memcpy(ret_key->secret, key.secret, key.secret_length);
        }
        tsig_key_wipe(&key);
        return r;
}

bool keyfile_name_from_path(const char *path, char *ret_name)
{
        const char *slash = strrchr(path, '/');
        const char *base = slash ? slash + 1 : path;
        const char *dot = strrchr(base, '.');
        const char *plus = strchr(base, '+');
        if (base[0] != 'K' || !dot || !plus || plus > dot || plus == base + 1 ||
                (strcmp(dot, ".private") != 0 && strcmp(dot, ".key") != 0))
                return false;
        size_t length = (size_t)(plus - base) - 1;
        if (length >= NAME_TEXT_MAX)
                return false;
        memcpy(ret_name, base + 1, length);
        ret_name[length] = '\0';
        return true;
}

int keyfile_generate(const char *name, const char *algorithm, struct buffer *out)
{
        struct tsig_key key = {0};
        static const uint8_t root[] = {0};
        uint8_t wire[NAME_MAX_LENGTH];
        size_t wire_length;
        char name_text[NAME_TEXT_MAX];
        int r = tsig_algorithm_from_text(algorithm, &key.algorithm, &key.mac_bits);
        if (r < 0 || name_from_text(name, strlen(name), root, wire, &wire_length, NULL) != NAME_OK ||
                wire_length < 2 || strpbrk(name, "\"\\\n"))
                return -EINVAL;

        uint8_t secret[TSIG_MAC_MAX];
        char encoded[4 * ((TSIG_MAC_MAX + 2) / 3) + 1];
        size_t size = tsig_mac_size(key.algorithm);
        random_bytes(secret, size);
        base64_encode(secret, size, encoded);
        char suffix[16] = "";
        if (key.mac_bits > 0)
                snprintf(suffix, sizeof(suffix), "-%u", key.mac_bits);
        buffer_printf(out, "key \"%s\" {\n\talgorithm %s%s;\n\tsecret \"%s\";\n};\n",
                name_to_zone_text(wire, name_text), tsig_algorithm_name(key.algorithm), suffix, encoded);
        explicit_bzero(secret, sizeof(secret));
        explicit_bzero(encoded, sizeof(encoded));
        return buffer_status(out);
}
