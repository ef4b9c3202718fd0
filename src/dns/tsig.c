/* TSIG (RFC 8945) on OpenSSL's EVP_MAC.
 *
 * What a MAC covers:
 *
 *     a request            message | variables
 *     its answer           request MAC | message | variables
 *     each message after   prior MAC | message | timers           (s.5.3.1)
 *
 *     MAC        length (16 bits), octets as they were sent, so truncated ones stay so
 *     message    without its TSIG record: ARCOUNT one less, and the original ID
 *     variables  key name, class ANY, TTL 0, algorithm, time, fudge, error, other length, other; names folded
 *     timers     time (48 bits), fudge
 *
 * The algorithm is always the key's and never the packet's. A context is keyed once; every further MAC starts
 * with EVP_MAC_init(ctx, NULL, 0, NULL), which only copies the prepared inner state. */

#include "dns/tsig.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/type.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TIME_MASK 0xffffffffffffull /* times are 48 bits wide */
#define OTHER_TIME_SIZE 6

static const struct algorithm {
        const char *name;
        const char *digest; /* OpenSSL's name */
        uint8_t mac_size;
        const char *wire;
} algorithms[TSIG_ALGORITHM_COUNT] = {
        [TSIG_HMAC_MD5] = {"hmac-md5", "MD5", 16, "\010hmac-md5\007sig-alg\003reg\003int"},
        [TSIG_HMAC_SHA1] = {"hmac-sha1", "SHA1", 20, "\011hmac-sha1"},
        [TSIG_HMAC_SHA224] = {"hmac-sha224", "SHA224", 28, "\013hmac-sha224"},
        [TSIG_HMAC_SHA256] = {"hmac-sha256", "SHA256", 32, "\013hmac-sha256"},
        [TSIG_HMAC_SHA384] = {"hmac-sha384", "SHA384", 48, "\013hmac-sha384"},
        [TSIG_HMAC_SHA512] = {"hmac-sha512", "SHA512", 64, "\013hmac-sha512"},
};

struct tsig_context {
        const struct tsig_key *key;
        EVP_MAC_CTX *mac;
        bool chained; /* a message of this answer was signed: timers alone from now on */
        uint16_t prior_length;
        uint8_t prior[TSIG_MAC_MAX]; /* the request's MAC, then that of the last message signed */
        uint64_t request_time;       /* what a BADTIME answer repeats (s.5.2.3) */
        uint16_t request_fudge;
};

/* The fields of a TSIG record that a MAC covers, and those around it. */
struct fields {
        const uint8_t *algorithm;
        uint64_t time_signed;
        uint16_t fudge;
        uint16_t original_id;
        uint16_t error;
        uint16_t other_length;
        const uint8_t *other;
};

const char *tsig_algorithm_name(enum tsig_algorithm algorithm)
{
        return algorithms[algorithm].name;
}

const uint8_t *tsig_algorithm_wire(enum tsig_algorithm algorithm)
{
        return (const uint8_t *)algorithms[algorithm].wire;
}

size_t tsig_mac_size(enum tsig_algorithm algorithm)
{
        return algorithms[algorithm].mac_size;
}

/* The shortest MAC that RFC 8945 s.5.2.2.1 lets through. */
static size_t mac_size_floor(enum tsig_algorithm algorithm)
{
        size_t half = tsig_mac_size(algorithm) / 2;
        return half > 10 ? half : 10;
}

/* The length that this key's MACs have, and must have (s.5.2.4: the local policy). */
static size_t mac_size_of_key(const struct tsig_key *key)
{
        return key->mac_bits ? key->mac_bits / 8u : tsig_mac_size(key->algorithm);
}

int tsig_algorithm_from_text(const char *text, enum tsig_algorithm *ret_algorithm, uint16_t *ret_mac_bits)
{
        static const char md5_suffix[] = ".sig-alg.reg.int";
        for (size_t i = 0; i < TSIG_ALGORITHM_COUNT; i++) {
                size_t length = strlen(algorithms[i].name);
                if (strncasecmp(text, algorithms[i].name, length) != 0)
                        continue;
                const char *rest = text + length;
                if (i == TSIG_HMAC_MD5 && strncasecmp(rest, md5_suffix, sizeof(md5_suffix) - 1) == 0)
                        rest += sizeof(md5_suffix) - 1;
                if (rest[0] == '.' && rest[1] == '\0')
                        rest++;
                size_t bits = 0;
                if (*rest == '-') {
                        size_t digits = 0;
                        for (rest++; isdigit((unsigned char)*rest) && digits < 4; rest++, digits++)
                                bits = bits * 10 + (size_t)(*rest - '0');
                        size_t floor = mac_size_floor((enum tsig_algorithm)i);
                        if (bits % 8 != 0 || bits < floor * 8 || bits > algorithms[i].mac_size * 8u)
                                return -EINVAL;
                }
                if (*rest != '\0')
                        continue;
                *ret_algorithm = (enum tsig_algorithm)i;
                *ret_mac_bits = (uint16_t)bits;
                return 0;
        }
        return -EINVAL;
}

void tsig_key_wipe(struct tsig_key *key)
{
        if (key)
                OPENSSL_cleanse(key, sizeof(*key));
}

const char *tsig_result_name(enum tsig_result result)
{
        switch (result) {
        case TSIG_OK:
                return "NOERROR";
        case TSIG_BADSIG:
                return "BADSIG";
        case TSIG_BADKEY:
                return "BADKEY";
        case TSIG_BADTIME:
                return "BADTIME";
        case TSIG_BADTRUNC:
                return "BADTRUNC";
        case TSIG_FORMERR:
                return "FORMERR";
        }
        return "unknown";
}

unsigned tsig_result_rcode(enum tsig_result result)
{
        switch (result) {
        case TSIG_OK:
                return RCODE_NOERROR;
        case TSIG_BADSIG:
                return RCODE_BADSIG;
        case TSIG_BADKEY:
                return RCODE_BADKEY;
        case TSIG_BADTIME:
                return RCODE_BADTIME;
        case TSIG_BADTRUNC:
                return RCODE_BADTRUNC;
        case TSIG_FORMERR:
                return RCODE_FORMERR;
        }
        return RCODE_SERVFAIL;
}

/* Fetching walks OpenSSL's provider tables under locks, so it is done once for the process. */
static EVP_MAC *hmac_method;
static pthread_once_t hmac_once = PTHREAD_ONCE_INIT;

static void hmac_fetch(void)
{
        hmac_method = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

int tsig_context_new(const struct tsig_key *key, struct tsig_context **ret_context)
{
        pthread_once(&hmac_once, hmac_fetch);
        if (!hmac_method)
                return -EIO;

        struct tsig_context *context = calloc(1, sizeof(*context));
        if (!context)
                return -ENOMEM;
        context->key = key;
        context->mac = EVP_MAC_CTX_new(hmac_method);
        if (!context->mac) {
                tsig_context_free(context);
                return -ENOMEM;
        }
        OSSL_PARAM parameters[] = {
                OSSL_PARAM_construct_utf8_string(
                        OSSL_MAC_PARAM_DIGEST, (char *)algorithms[key->algorithm].digest, 0),
                OSSL_PARAM_construct_end(),
        };
        if (!EVP_MAC_init(context->mac, key->secret, key->secret_length, parameters)) {
                tsig_context_free(context);
                return -EIO;
        }
        *ret_context = context;
        return 0;
}

struct tsig_context *tsig_context_free(struct tsig_context *context)
{
        if (context) {
                EVP_MAC_CTX_free(context->mac);
                OPENSSL_cleanse(context, sizeof(*context));
                free(context);
        }
        return NULL;
}

DEFINE_CLEANUP(struct tsig_context *, tsig_context_free);

const struct tsig_key *tsig_context_key(const struct tsig_context *context)
{
        return context->key;
}

static void write_u48(uint8_t *bytes, uint64_t value)
{
        write_u16(bytes, (uint16_t)(value >> 32));
        write_u32(bytes + 2, (uint32_t)value);
}

/* Every update below is cheap to chain: a failure sticks and is looked at once, in mac_final. */
static void mac_update(struct tsig_context *context, bool *ok, const void *bytes, size_t size)
{
        if (*ok && size > 0)
                *ok = EVP_MAC_update(context->mac, bytes, size) == 1;
}

static bool mac_begin(struct tsig_context *context, bool with_prior)
{
        bool ok = EVP_MAC_init(context->mac, NULL, 0, NULL) == 1;
        if (with_prior) {
                uint8_t length[2];
                write_u16(length, context->prior_length);
                mac_update(context, &ok, length, sizeof(length));
                mac_update(context, &ok, context->prior, context->prior_length);
        }
        return ok;
}

static void mac_timers(struct tsig_context *context, bool *ok, const struct fields *fields)
{
        uint8_t timers[8];
        write_u48(timers, fields->time_signed);
        write_u16(timers + 6, fields->fudge);
        mac_update(context, ok, timers, sizeof(timers));
}

static void mac_variables(struct tsig_context *context, bool *ok, const struct fields *fields)
{
        static const uint8_t class_and_ttl[6] = {0, CLASS_ANY, 0, 0, 0, 0};
        const struct tsig_key *key = context->key;
        const uint8_t *algorithm = tsig_algorithm_wire(key->algorithm);
        uint8_t folded[NAME_MAX_LENGTH];
        name_fold(key->name, folded);
        mac_update(context, ok, folded, name_length(folded));
        mac_update(context, ok, class_and_ttl, sizeof(class_and_ttl));
        mac_update(context, ok, algorithm, name_length(algorithm));
        mac_timers(context, ok, fields);
        uint8_t error[4];
        write_u16(error, fields->error);
        write_u16(error + 2, fields->other_length);
        mac_update(context, ok, error, sizeof(error));
        mac_update(context, ok, fields->other, fields->other_length);
}

static int mac_final(struct tsig_context *context, bool ok, uint8_t ret_mac[static TSIG_MAC_MAX])
{
        size_t size = 0;
        if (!ok || !EVP_MAC_final(context->mac, ret_mac, &size, TSIG_MAC_MAX))
                return -EIO;
        return size == tsig_mac_size(context->key->algorithm) ? 0 : -EIO;
}

/* The whole record on the wire (s.4.2); returns its length. Names are not compressed. */
static size_t write_record(uint8_t *bytes, const uint8_t *key_name, const struct fields *fields,
        const uint8_t *mac, size_t mac_length)
{
        size_t name = name_length(key_name), algorithm = name_length(fields->algorithm);
        uint8_t *at = bytes;
        memcpy(at, key_name, name);
        at += name;
        write_u16(at, TYPE_TSIG);
        write_u16(at + 2, CLASS_ANY);
        write_u32(at + 4, 0);
        write_u16(at + 8, (uint16_t)(algorithm + 16 + mac_length + fields->other_length));
        at += 10;
        memcpy(at, fields->algorithm, algorithm);
        at += algorithm;
        write_u48(at, fields->time_signed);
        write_u16(at + 6, fields->fudge);
        write_u16(at + 8, (uint16_t)mac_length);
        at += 10;
        if (mac_length > 0)
                memcpy(at, mac, mac_length);
        at += mac_length;
        write_u16(at, fields->original_id);
        write_u16(at + 2, fields->error);
        write_u16(at + 4, fields->other_length);
        at += 6;
        if (fields->other_length > 0)
                memcpy(at, fields->other, fields->other_length);
        at += fields->other_length;
        return (size_t)(at - bytes);
}

/* The MAC of a message that came in, as its sender must have made it. */
static int mac_of_message(struct tsig_context *context, const struct request *message, bool with_prior,
        uint8_t ret_mac[static TSIG_MAC_MAX])
{
        const struct tsig_view *tsig = &message->tsig;
        struct fields fields = {
                .time_signed = tsig->time_signed,
                .fudge = tsig->fudge,
                .error = tsig->error,
                .other_length = tsig->other_length,
                .other = tsig->other,
        };
        uint8_t header[MESSAGE_HEADER_SIZE];
        memcpy(header, message->bytes, sizeof(header));
        write_u16(header, tsig->original_id);
        write_u16(header + 10, (uint16_t)(read_u16(header + 10) - 1));

        bool ok = mac_begin(context, with_prior);
        mac_update(context, &ok, header, sizeof(header));
        mac_update(context, &ok, message->bytes + sizeof(header), tsig->offset - sizeof(header));
        mac_variables(context, &ok, &fields);
        return mac_final(context, ok, ret_mac);
}

static bool is_in_time(const struct tsig_view *tsig, uint64_t now)
{
        uint64_t distance = tsig->time_signed > now ? tsig->time_signed - now : now - tsig->time_signed;
        return distance <= tsig->fudge;
}

/* s.5.2.2 to 5.2.4, in their order: MAC, time, truncation. */
static int verify_message(
        struct tsig_context *context, const struct request *message, bool with_prior, uint64_t now)
{
        const struct tsig_key *key = context->key;
        const struct tsig_view *tsig = &message->tsig;
        if (message->length < MESSAGE_HEADER_SIZE || tsig->offset < MESSAGE_HEADER_SIZE ||
                tsig->offset > message->length || read_u16(message->bytes + 10) == 0)
                return TSIG_FORMERR;
        if (tsig->mac_length > tsig_mac_size(key->algorithm) ||
                tsig->mac_length < mac_size_floor(key->algorithm))
                return TSIG_FORMERR;

        uint8_t mac[TSIG_MAC_MAX];
        int r = mac_of_message(context, message, with_prior, mac);
        if (r < 0)
                return r;
        if (CRYPTO_memcmp(mac, tsig->mac, tsig->mac_length) != 0)
                return TSIG_BADSIG;
        if (!is_in_time(tsig, now))
                return TSIG_BADTIME;
        return tsig->mac_length < mac_size_of_key(key) ? TSIG_BADTRUNC : TSIG_OK;
}

static bool is_key_of(const struct tsig_key *key, const struct tsig_view *tsig)
{
        return name_equal(key->name, tsig->key_name) &&
               name_equal(tsig_algorithm_wire(key->algorithm), tsig->algorithm);
}

int tsig_verify_request(const struct tsig_key *key, const struct request *request, uint64_t now,
        struct tsig_context **ret_context)
{
        const struct tsig_view *tsig = &request->tsig;
        if (!tsig->present)
                return TSIG_FORMERR;
        if (!key || !is_key_of(key, tsig))
                return TSIG_BADKEY;

        CLEANUP(tsig_context_free_later) struct tsig_context *context = NULL;
        int r = tsig_context_new(key, &context);
        if (r < 0)
                return r;
        r = verify_message(context, request, false, now);
        if (r < 0)
                return r;
        switch ((enum tsig_result)r) {
        case TSIG_OK:
        case TSIG_BADTIME:
        case TSIG_BADTRUNC:
                break;
        case TSIG_BADSIG:
        case TSIG_BADKEY:
        case TSIG_FORMERR:
                return r;
        }
        context->prior_length = tsig->mac_length;
        memcpy(context->prior, tsig->mac, tsig->mac_length);
        context->request_time = tsig->time_signed;
        context->request_fudge = tsig->fudge;
        if (ret_context)
                *ret_context = TAKE(context);
        return r;
}

int tsig_sign_request(struct tsig_context *context, uint8_t *bytes, size_t *length, uint64_t now)
{
        assert(*length >= MESSAGE_HEADER_SIZE);
        struct fields fields = {
                .algorithm = tsig_algorithm_wire(context->key->algorithm),
                .time_signed = now & TIME_MASK,
                .fudge = TSIG_FUDGE,
                .original_id = read_u16(bytes),
        };
        bool ok = mac_begin(context, false);
        mac_update(context, &ok, bytes, *length);
        mac_variables(context, &ok, &fields);
        uint8_t mac[TSIG_MAC_MAX];
        int r = mac_final(context, ok, mac);
        if (r < 0)
                return r;

        context->prior_length = (uint16_t)mac_size_of_key(context->key);
        memcpy(context->prior, mac, context->prior_length);
        context->chained = false;
        *length += write_record(bytes + *length, context->key->name, &fields, mac, context->prior_length);
        write_u16(bytes + 10, (uint16_t)(read_u16(bytes + 10) + 1));
        return 0;
}

int tsig_verify_response(struct tsig_context *context, const struct request *response, uint64_t now)
{
        const struct tsig_view *tsig = &response->tsig;
        if (!tsig->present)
                return TSIG_BADSIG;
        if (!is_key_of(context->key, tsig))
                return TSIG_BADKEY;
        /* s.5.3.2: a peer that does not know our key, or finds our MAC wrong, says so without a MAC. */
        if (tsig->mac_length == 0 && tsig->error == RCODE_BADKEY)
                return TSIG_BADKEY;
        if (tsig->mac_length == 0 && tsig->error == RCODE_BADSIG)
                return TSIG_BADSIG;
        return verify_message(context, response, true, now);
}

ssize_t tsig_sign_pieces(struct tsig_context *context, const struct iovec *pieces, size_t count,
        enum tsig_result error, uint64_t now, uint8_t *ret_rr)
{
        assert(count > 0 && pieces[0].iov_len >= MESSAGE_HEADER_SIZE);
        uint8_t other[OTHER_TIME_SIZE];
        struct fields fields = {
                .algorithm = tsig_algorithm_wire(context->key->algorithm),
                .time_signed = now & TIME_MASK,
                .fudge = TSIG_FUDGE,
                .original_id = read_u16(pieces[0].iov_base),
                .error = (uint16_t)tsig_result_rcode(error),
        };
        if (error == TSIG_BADTIME) {
                /* s.5.2.3: the client's own time, so that it can verify this, and ours beside it. */
                write_u48(other, now);
                fields.time_signed = context->request_time;
                fields.fudge = context->request_fudge;
                fields.other = other;
                fields.other_length = sizeof(other);
        }
        bool ok = mac_begin(context, true);
        for (size_t i = 0; i < count; i++)
                mac_update(context, &ok, pieces[i].iov_base, pieces[i].iov_len);
        if (context->chained)
                mac_timers(context, &ok, &fields);
        else
                mac_variables(context, &ok, &fields);
        uint8_t mac[TSIG_MAC_MAX];
        int r = mac_final(context, ok, mac);
        if (r < 0)
                return r;

        context->chained = true;
        context->prior_length = (uint16_t)mac_size_of_key(context->key);
        memcpy(context->prior, mac, context->prior_length);
        return (ssize_t)write_record(ret_rr, context->key->name, &fields, mac, context->prior_length);
}

int tsig_sign_response(
        struct tsig_context *context, uint8_t *bytes, size_t *length, enum tsig_result error, uint64_t now)
{
        struct iovec piece = {bytes, *length};
        ssize_t size = tsig_sign_pieces(context, &piece, 1, error, now, bytes + *length);
        if (size < 0)
                return (int)size;
        *length += (size_t)size;
        write_u16(bytes + 10, (uint16_t)(read_u16(bytes + 10) + 1));
        return 0;
}

int tsig_append_unsigned(
        const struct request *request, enum tsig_result error, uint64_t now, uint8_t *bytes, size_t *length)
{
        const struct tsig_view *tsig = &request->tsig;
        if (!tsig->present || *length < MESSAGE_HEADER_SIZE)
                return -EINVAL;
        struct fields fields = {
                .algorithm = tsig->algorithm,
                .time_signed = now & TIME_MASK,
                .fudge = TSIG_FUDGE,
                .original_id = read_u16(bytes),
                .error = (uint16_t)tsig_result_rcode(error),
        };
        *length += write_record(bytes + *length, tsig->key_name, &fields, NULL, 0);
        write_u16(bytes + 10, (uint16_t)(read_u16(bytes + 10) + 1));
        return 0;
}
