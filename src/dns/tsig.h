/* TSIG (RFC 8945) on OpenSSL's EVP_MAC: keys, verification of requests and responses, signing of answers and
 * of every message of a transfer. Pure but for OpenSSL; time comes in as a value. A context belongs to one
 * thread at a time. */
#pragma once

#include "dns/message.h"

#include <openssl/types.h>
#include <sys/uio.h>

enum tsig_algorithm {
        TSIG_HMAC_MD5,
        TSIG_HMAC_SHA1,
        TSIG_HMAC_SHA224,
        TSIG_HMAC_SHA256,
        TSIG_HMAC_SHA384,
        TSIG_HMAC_SHA512,
        TSIG_ALGORITHM_COUNT,
};
#define TSIG_MAC_MAX 64
#define TSIG_SECRET_MAX 512 /* octets; longer than a block is hashed by HMAC itself */
#define TSIG_FUDGE 300
#define TSIG_RR_MAX (NAME_MAX_LENGTH + 10 + NAME_MAX_LENGTH + 16 + TSIG_MAC_MAX + 6)

struct tsig_key {
        uint8_t name[NAME_MAX_LENGTH]; /* folded */
        enum tsig_algorithm algorithm;
        uint16_t mac_bits; /* 0 = the full length; named.conf "hmac-sha256-128" */
        uint16_t secret_length;
        uint8_t secret[TSIG_SECRET_MAX]; /* never printed (I8); tsig_key_free wipes it */
};

/* "hmac-sha256", "hmac-md5", "hmac-md5.sig-alg.reg.int", with optional "-BITS" as named.conf has it; any
 * case. -EINVAL. */
int tsig_algorithm_from_text(const char *text, enum tsig_algorithm *ret_algorithm, uint16_t *ret_mac_bits);
const char *tsig_algorithm_name(enum tsig_algorithm algorithm);    /* "hmac-sha256" */
const uint8_t *tsig_algorithm_wire(enum tsig_algorithm algorithm); /* the name on the wire */
size_t tsig_mac_size(enum tsig_algorithm algorithm);
void tsig_key_wipe(struct tsig_key *key);

enum tsig_result {
        TSIG_OK = 0,
        TSIG_BADSIG,
        TSIG_BADKEY, /* unknown key, or another algorithm than the key's */
        TSIG_BADTIME,
        TSIG_BADTRUNC, /* MAC shorter than the key's mac_bits or RFC 8945 s.5.2.2.1 allow */
        TSIG_FORMERR,  /* MAC length outside what RFC 8945 s.5.2.2.1 says */
};
const char *tsig_result_name(enum tsig_result result);
unsigned tsig_result_rcode(enum tsig_result result); /* the TSIG error field */

struct tsig_context; /* the chain of one exchange: a keyed EVP_MAC_CTX and the last MAC */

/* key is borrowed and outlives the context. -ENOMEM, -EIO. */
int tsig_context_new(const struct tsig_key *key, struct tsig_context **ret_context);
struct tsig_context *tsig_context_free(struct tsig_context *context);
const struct tsig_key *tsig_context_key(const struct tsig_context *context);

/* Verifies a request (request->tsig.present); order of checks as RFC 8945 s.5.2: key, MAC, time, truncation.
 * key NULL = BADKEY. When TSIG_OK, TSIG_BADTIME or TSIG_BADTRUNC and ret_context is not NULL, *ret_context is
 * a new context that answers (those two errors are answered signed: s.5.3.2). now in seconds. Returns enum
 * tsig_result or a negative errno. */
int tsig_verify_request(const struct tsig_key *key, const struct request *request, uint64_t now,
        struct tsig_context **ret_context);
/* Signs our own request (NOTIFY, probe) in place: `bytes` has room for TSIG_RR_MAX more; keeps the MAC for
 * the reply. Adds one to ARCOUNT. *length grows. */
int tsig_sign_request(struct tsig_context *context, uint8_t *bytes, size_t *length, uint64_t now);
/* Verifies the reply to tsig_sign_request's; the context is unchanged, so that a forged reply spoils nothing.
 * TSIG_OK = authentic: its error field (BADTIME, BADTRUNC) is the caller's to read. A reply without TSIG is
 * BADSIG. */
int tsig_verify_response(struct tsig_context *context, const struct request *response, uint64_t now);

/* Signs an answer: the first call covers request MAC + message + variables, later calls prior MAC + message +
 * timers (s.5.3.1). The message lies in pieces, the first beginning with the header (12 octets at least in
 * one piece); ARCOUNT there is hashed as it stands (TSIG not counted): the caller adds one to what it sends.
 * Writes the TSIG RR to ret_rr (room TSIG_RR_MAX). error is TSIG_OK, TSIG_BADTRUNC or TSIG_BADTIME (then
 * other data = our time). Returns the RR's length or a negative errno. */
ssize_t tsig_sign_pieces(struct tsig_context *context, const struct iovec *pieces, size_t count,
        enum tsig_result error, uint64_t now, uint8_t *ret_rr);
/* The same for one message in one piece; appends the RR and adds one to ARCOUNT. */
int tsig_sign_response(
        struct tsig_context *context, uint8_t *bytes, size_t *length, enum tsig_result error, uint64_t now);
/* An unsigned TSIG RR for BADKEY and BADSIG (s.5.2: empty MAC, same key name and algorithm); appends, counts.
 */
int tsig_append_unsigned(
        const struct request *request, enum tsig_result error, uint64_t now, uint8_t *bytes, size_t *length);
