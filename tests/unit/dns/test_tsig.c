/* TSIG against exchanges signed by dnspython, and RFC 8945's rules on what a verifier answers. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/tsig.h"
#include "tsig_vectors.h"

#include <errno.h>
#include <string.h>

DEFINE_CLEANUP(struct tsig_context *, tsig_context_free);
#define CONTEXT CLEANUP(tsig_context_free_later) struct tsig_context *

struct octets {
        const uint8_t *bytes;
        size_t size;
};

static const struct vector {
        struct octets query, signed_query, answer[3], signed_answer[3], badtime, signed_badtime;
} vectors[] = {
#define OCTETS(name)                                                                                         \
        {                                                                                                    \
                name, sizeof(name)                                                                           \
        }
#define VECTOR(i)                                                                                            \
        {OCTETS(query_##i), OCTETS(signed_query_##i),                                                        \
                {OCTETS(answer_##i##_0), OCTETS(answer_##i##_1), OCTETS(answer_##i##_2)},                    \
                {OCTETS(signed_answer_##i##_0), OCTETS(signed_answer_##i##_1),                               \
                        OCTETS(signed_answer_##i##_2)},                                                      \
                OCTETS(badtime_##i), OCTETS(signed_badtime_##i)},
        VECTORS(VECTOR)};

static struct tsig_key key_for(enum tsig_algorithm algorithm)
{
        struct tsig_key key = {.algorithm = algorithm, .secret_length = 32};
        memcpy(key.name, "\010transfer\007example", 18);
        for (uint8_t i = 0; i < 32; i++)
                key.secret[i] = (uint8_t)(i + 1);
        if (algorithm == TSIG_HMAC_SHA512) { /* longer than SHA-512's block of 128 octets */
                memcpy(key.secret, long_secret, sizeof(long_secret));
                key.secret_length = sizeof(long_secret);
        }
        return key;
}

static struct request parse(const uint8_t *bytes, size_t size, bool want_response)
{
        struct request request = {0};
        assert_int_equal(request_parse(bytes, size, want_response, &request), MESSAGE_OK);
        return request;
}

static void test_signs_as_dnspython_does(void **state)
{
        (void)state;
        for (int i = 0; i < TSIG_ALGORITHM_COUNT; i++) {
                struct tsig_key key = key_for((enum tsig_algorithm)i);
                CONTEXT context = NULL;
                uint8_t message[1024];
                size_t length = vectors[i].query.size;
                memcpy(message, vectors[i].query.bytes, length);
                assert_int_equal(tsig_context_new(&key, &context), 0);
                assert_int_equal(tsig_sign_request(context, message, &length, VECTOR_TIME), 0);
                assert_int_equal(length, vectors[i].signed_query.size);
                assert_memory_equal(message, vectors[i].signed_query.bytes, length);
        }
}

static void test_answers_a_chain_as_dnspython_does(void **state)
{
        (void)state;
        for (int i = 0; i < TSIG_ALGORITHM_COUNT; i++) {
                struct tsig_key key = key_for((enum tsig_algorithm)i);
                CONTEXT context = NULL;
                struct request request =
                        parse(vectors[i].signed_query.bytes, vectors[i].signed_query.size, false);
                assert_int_equal(tsig_verify_request(&key, &request, VECTOR_TIME, &context), TSIG_OK);
                assert_ptr_equal(tsig_context_key(context), &key);
                for (int n = 0; n < 3; n++) {
                        uint8_t message[1024], record[TSIG_RR_MAX];
                        struct octets answer = vectors[i].answer[n];
                        memcpy(message, answer.bytes, answer.size);
                        /* in three pieces, the last of them empty */
                        struct iovec pieces[] = {
                                {message, 15}, {message + 15, answer.size - 15}, {message, 0}};
                        ssize_t size = tsig_sign_pieces(context, pieces, 3, TSIG_OK, VECTOR_TIME, record);
                        assert_int_equal(answer.size + (size_t)size, vectors[i].signed_answer[n].size);
                        assert_memory_equal(
                                record, vectors[i].signed_answer[n].bytes + answer.size, (size_t)size);
                }
        }
}

static void test_verifies_a_reply_and_survives_a_forged_one(void **state)
{
        (void)state;
        for (int i = 0; i < TSIG_ALGORITHM_COUNT; i++) {
                struct tsig_key key = key_for((enum tsig_algorithm)i);
                CONTEXT context = NULL;
                uint8_t message[1024];
                size_t length = vectors[i].query.size;
                memcpy(message, vectors[i].query.bytes, length);
                assert_int_equal(tsig_context_new(&key, &context), 0);
                assert_int_equal(tsig_sign_request(context, message, &length, VECTOR_TIME), 0);

                struct octets good = vectors[i].signed_answer[0];
                memcpy(message, good.bytes, good.size);
                message[14] ^= 0x20; /* a letter of the question in another case */
                struct request forged = parse(message, good.size, true);
                assert_int_equal(tsig_verify_response(context, &forged, VECTOR_TIME), TSIG_BADSIG);

                struct request unsigned_reply =
                        parse(vectors[i].answer[0].bytes, vectors[i].answer[0].size, true);
                assert_int_equal(tsig_verify_response(context, &unsigned_reply, VECTOR_TIME), TSIG_BADSIG);

                struct request reply = parse(good.bytes, good.size, true);
                assert_int_equal(tsig_verify_response(context, &reply, VECTOR_TIME), TSIG_OK);
                assert_int_equal(tsig_verify_response(context, &reply, VECTOR_TIME + 301), TSIG_BADTIME);
        }
}

static void test_badtime_is_answered_signed_with_both_times(void **state)
{
        (void)state;
        for (int i = 0; i < TSIG_ALGORITHM_COUNT; i++) {
                struct tsig_key key = key_for((enum tsig_algorithm)i);
                CONTEXT context = NULL;
                CONTEXT client = NULL;
                uint8_t message[1024];
                struct request request =
                        parse(vectors[i].signed_query.bytes, vectors[i].signed_query.size, false);
                assert_int_equal(
                        tsig_verify_request(&key, &request, VECTOR_TIME + 600, &context), TSIG_BADTIME);
                size_t length = vectors[i].badtime.size;
                memcpy(message, vectors[i].badtime.bytes, length);
                assert_int_equal(
                        tsig_sign_response(context, message, &length, TSIG_BADTIME, VECTOR_TIME + 600), 0);
                assert_int_equal(length, vectors[i].signed_badtime.size);
                assert_memory_equal(message, vectors[i].signed_badtime.bytes, length);

                /* The client can verify it with its own, wrong, time: RFC 8945 s.5.2.3. */
                size_t query_length = vectors[i].query.size;
                uint8_t query[1024];
                memcpy(query, vectors[i].query.bytes, query_length);
                assert_int_equal(tsig_context_new(&key, &client), 0);
                assert_int_equal(tsig_sign_request(client, query, &query_length, VECTOR_TIME), 0);
                struct request reply = parse(message, length, true);
                assert_int_equal(tsig_verify_response(client, &reply, VECTOR_TIME), TSIG_OK);
                assert_int_equal(reply.tsig.error, RCODE_BADTIME);
                assert_int_equal(reply.tsig.other_length, 6);
                assert_int_equal(read_u32(reply.tsig.other + 2), VECTOR_TIME + 600);
        }
}

static void test_time_window_has_both_edges(void **state)
{
        (void)state;
        struct tsig_key key = key_for(TSIG_HMAC_SHA256);
        struct octets query = vectors[TSIG_HMAC_SHA256].signed_query;
        struct request request = parse(query.bytes, query.size, false);
        assert_int_equal(tsig_verify_request(&key, &request, VECTOR_TIME + 300, NULL), TSIG_OK);
        assert_int_equal(tsig_verify_request(&key, &request, VECTOR_TIME - 300, NULL), TSIG_OK);
        assert_int_equal(tsig_verify_request(&key, &request, VECTOR_TIME + 301, NULL), TSIG_BADTIME);
        assert_int_equal(tsig_verify_request(&key, &request, VECTOR_TIME - 301, NULL), TSIG_BADTIME);
        assert_int_equal(tsig_verify_request(&key, &request, 0, NULL), TSIG_BADTIME);
}

static void test_badkey_comes_before_all_else(void **state)
{
        (void)state;
        struct octets query = vectors[TSIG_HMAC_SHA256].signed_query;
        struct request request = parse(query.bytes, query.size, false);
        CONTEXT context = NULL;
        assert_int_equal(tsig_verify_request(NULL, &request, VECTOR_TIME, &context), TSIG_BADKEY);

        /* The algorithm is the key's, not the packet's. */
        struct tsig_key other_algorithm = key_for(TSIG_HMAC_SHA1);
        assert_int_equal(tsig_verify_request(&other_algorithm, &request, VECTOR_TIME, &context), TSIG_BADKEY);
        struct tsig_key other_name = key_for(TSIG_HMAC_SHA256);
        other_name.name[1] = 'x';
        assert_int_equal(tsig_verify_request(&other_name, &request, VECTOR_TIME, &context), TSIG_BADKEY);
        assert_null(context);
}

static void test_badsig_comes_before_badtime(void **state)
{
        (void)state;
        struct tsig_key key = key_for(TSIG_HMAC_SHA256);
        struct octets query = vectors[TSIG_HMAC_SHA256].signed_query;
        struct request request = parse(query.bytes, query.size, false);
        CONTEXT context = NULL;
        key.secret[0] ^= 1;
        assert_int_equal(tsig_verify_request(&key, &request, VECTOR_TIME + 9999, &context), TSIG_BADSIG);
        assert_null(context);
}

/* Every octet of the message counts, but for those of the MAC's own record that are not covered: the forms of
 * length fields. */
static void test_a_flipped_bit_is_never_accepted(void **state)
{
        (void)state;
        struct tsig_key key = key_for(TSIG_HMAC_SHA256);
        struct octets query = vectors[TSIG_HMAC_SHA256].signed_query;
        uint8_t message[1024];
        for (size_t at = 0; at < query.size; at++)
                for (int bit = 0; bit < 8; bit++) {
                        struct request request = {0};
                        memcpy(message, query.bytes, query.size);
                        message[at] ^= (uint8_t)(1 << bit);
                        if (request_parse(message, query.size, false, &request) != MESSAGE_OK ||
                                !request.tsig.present)
                                continue;
                        int r = tsig_verify_request(&key, &request, VECTOR_TIME, NULL);
                        /* The id of the header is not covered (the original ID is), nor the case of the two
                         * names. */
                        bool is_case = bit == 5 && at >= query.size - 32 - 16 - 10 - 13 - 18 && r == TSIG_OK;
                        if (at >= 2 && !is_case)
                                assert_int_not_equal(r, TSIG_OK);
                }
}

/* Cuts the MAC of a signed message to `size` octets (RFC 8945 s.5.2.2.1). */
static size_t truncate_mac(const struct octets *from, size_t mac_size, size_t size, uint8_t *message)
{
        size_t record_tail = 6, mac_at = from->size - record_tail - mac_size;
        memcpy(message, from->bytes, mac_at + size);
        memcpy(message + mac_at + size, from->bytes + from->size - record_tail, record_tail);
        write_u16(message + mac_at - 2, (uint16_t)size);
        size_t rdlength_at = mac_at - 10 - 13 - 2;
        write_u16(message + rdlength_at, (uint16_t)(read_u16(message + rdlength_at) - (mac_size - size)));
        return mac_at + size + record_tail;
}

static int verify_truncated(const struct tsig_key *key, size_t size, struct tsig_context **ret_context)
{
        uint8_t message[1024];
        size_t length = truncate_mac(&vectors[TSIG_HMAC_SHA256].signed_query, 32, size, message);
        struct request request = parse(message, length, false);
        assert_int_equal(request.tsig.mac_length, size);
        return tsig_verify_request(key, &request, VECTOR_TIME, ret_context);
}

static void test_truncation_rules(void **state)
{
        (void)state;
        struct tsig_key key = key_for(TSIG_HMAC_SHA256);
        CONTEXT context = NULL;
        assert_int_equal(verify_truncated(&key, 32, NULL), TSIG_OK);
        assert_int_equal(verify_truncated(&key, 31, NULL), TSIG_BADTRUNC);
        assert_int_equal(verify_truncated(&key, 16, &context), TSIG_BADTRUNC);
        assert_non_null(context); /* answered signed: s.5.3.2 */
        assert_int_equal(verify_truncated(&key, 15, NULL), TSIG_FORMERR);
        assert_int_equal(verify_truncated(&key, 10, NULL), TSIG_FORMERR);
        assert_int_equal(verify_truncated(&key, 0, NULL), TSIG_FORMERR);
        key.mac_bits = 128;
        assert_int_equal(verify_truncated(&key, 16, NULL), TSIG_OK);
        assert_int_equal(verify_truncated(&key, 32, NULL), TSIG_OK);
        key.secret[3] ^= 1;
        assert_int_equal(verify_truncated(&key, 16, NULL), TSIG_BADSIG);
}

static void test_mac_longer_than_the_hash_is_formerr(void **state)
{
        (void)state;
        struct tsig_key key = key_for(TSIG_HMAC_SHA256);
        struct octets query = vectors[TSIG_HMAC_SHA256].signed_query;
        struct request request = parse(query.bytes, query.size, false);
        request.tsig.mac_length = 33;
        assert_int_equal(tsig_verify_request(&key, &request, VECTOR_TIME, NULL), TSIG_FORMERR);
}

/* A key with truncated MACs on both sides: a request, an answer of two messages. */
static void test_truncated_macs_chain(void **state)
{
        (void)state;
        struct tsig_key key = key_for(TSIG_HMAC_SHA512);
        key.mac_bits = 256;
        CONTEXT client = NULL;
        CONTEXT server = NULL;
        uint8_t query[1024], answer[1024];
        size_t query_length = sizeof(query_5), answer_length = sizeof(answer_5_0);
        memcpy(query, query_5, query_length);
        memcpy(answer, answer_5_0, answer_length);
        assert_int_equal(tsig_context_new(&key, &client), 0);
        assert_int_equal(tsig_sign_request(client, query, &query_length, 5), 0);
        struct request request = parse(query, query_length, false);
        assert_int_equal(request.tsig.mac_length, 32);
        assert_int_equal(tsig_verify_request(&key, &request, 5, &server), TSIG_OK);
        assert_int_equal(tsig_sign_response(server, answer, &answer_length, TSIG_OK, 6), 0);
        struct request reply = parse(answer, answer_length, true);
        assert_int_equal(reply.tsig.mac_length, 32);
        assert_int_equal(tsig_verify_response(client, &reply, 6), TSIG_OK);
}

static void test_errors_of_key_and_mac_are_unsigned(void **state)
{
        (void)state;
        uint8_t message[1024];
        struct request request = parse(signed_query_3, sizeof(signed_query_3), false);
        size_t length = sizeof(badtime_3);
        memcpy(message, badtime_3, length);
        assert_int_equal(tsig_append_unsigned(&request, TSIG_BADKEY, VECTOR_TIME, message, &length), 0);
        struct request reply = parse(message, length, true);
        assert_true(reply.tsig.present);
        assert_int_equal(reply.tsig.mac_length, 0);
        assert_int_equal(reply.tsig.error, RCODE_BADKEY);
        assert_int_equal(reply.tsig.other_length, 0);
        assert_int_equal(reply.tsig.original_id, request.id);
        assert_true(name_equal(reply.tsig.key_name, request.tsig.key_name));
        assert_true(name_equal(reply.tsig.algorithm, request.tsig.algorithm));

        struct tsig_key key = key_for(TSIG_HMAC_SHA256);
        CONTEXT context = NULL;
        uint8_t query[1024];
        size_t query_length = sizeof(query_3);
        memcpy(query, query_3, query_length);
        assert_int_equal(tsig_context_new(&key, &context), 0);
        assert_int_equal(tsig_sign_request(context, query, &query_length, VECTOR_TIME), 0);
        assert_int_equal(tsig_verify_response(context, &reply, VECTOR_TIME), TSIG_BADKEY);

        struct request no_tsig = parse(query_3, sizeof(query_3), false);
        assert_int_equal(tsig_verify_request(&key, &no_tsig, VECTOR_TIME, NULL), TSIG_FORMERR);
        assert_int_equal(tsig_append_unsigned(&no_tsig, TSIG_BADKEY, 0, message, &length), -EINVAL);
}

static void test_a_changed_id_is_put_back(void **state)
{
        (void)state;
        struct tsig_key key = key_for(TSIG_HMAC_SHA256);
        uint8_t message[1024];
        memcpy(message, signed_query_3, sizeof(signed_query_3));
        message[0] ^= 0xff; /* a forwarder gave the message another ID: RFC 8945 s.5.1 */
        struct request request = parse(message, sizeof(signed_query_3), false);
        assert_int_equal(tsig_verify_request(&key, &request, VECTOR_TIME, NULL), TSIG_OK);
}

static void test_names_are_compared_folded(void **state)
{
        (void)state;
        struct tsig_key key = key_for(TSIG_HMAC_MD5);
        struct request request = parse(signed_query_0, sizeof(signed_query_0), false);
        request.tsig.key_name[1] = 'T';
        request.tsig.algorithm[1] = 'H';
        assert_int_equal(tsig_verify_request(&key, &request, VECTOR_TIME, NULL), TSIG_OK);
}

static void test_algorithm_names(void **state)
{
        (void)state;
        enum tsig_algorithm algorithm;
        uint16_t bits;
        char text[NAME_TEXT_MAX];
        for (int i = 0; i < TSIG_ALGORITHM_COUNT; i++) {
                assert_int_equal(tsig_algorithm_from_text(
                                         tsig_algorithm_name((enum tsig_algorithm)i), &algorithm, &bits),
                        0);
                assert_int_equal(algorithm, i);
                assert_int_equal(bits, 0);
                assert_int_equal(tsig_algorithm_from_text(
                                         name_to_text(tsig_algorithm_wire((enum tsig_algorithm)i), text),
                                         &algorithm, &bits),
                        0);
                assert_int_equal(algorithm, i);
        }
        assert_string_equal(
                name_to_text(tsig_algorithm_wire(TSIG_HMAC_MD5), text), "hmac-md5.sig-alg.reg.int.");
        assert_int_equal(tsig_algorithm_from_text("HMAC-MD5.SIG-ALG.REG.INT-80", &algorithm, &bits), 0);
        assert_int_equal(bits, 80);
        assert_int_equal(tsig_algorithm_from_text("hmac-sha256-128", &algorithm, &bits), 0);
        assert_int_equal(algorithm, TSIG_HMAC_SHA256);
        assert_int_equal(bits, 128);
        static const char *const wrong[] = {"", "hmac", "hmac-sha", "hmac-sha2567", "hmac-sha256-",
                "hmac-sha256-120", "hmac-sha256-129", "hmac-sha256-264", "hmac-sha256-99999", "hmac-sha1-72",
                "hmac-sha1.sig-alg.reg.int", "hmac-sha256..", "hmac-sha256-128x", "sha256"};
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_int_equal(tsig_algorithm_from_text(wrong[i], &algorithm, &bits), -EINVAL);
}

static void test_wipe(void **state)
{
        (void)state;
        struct tsig_key key = key_for(TSIG_HMAC_SHA1);
        tsig_key_wipe(&key);
        for (size_t i = 0; i < sizeof(key.secret); i++)
                assert_int_equal(key.secret[i], 0);
        tsig_key_wipe(NULL);
        assert_null(tsig_context_free(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_signs_as_dnspython_does),
                cmocka_unit_test(test_answers_a_chain_as_dnspython_does),
                cmocka_unit_test(test_verifies_a_reply_and_survives_a_forged_one),
                cmocka_unit_test(test_badtime_is_answered_signed_with_both_times),
                cmocka_unit_test(test_time_window_has_both_edges),
                cmocka_unit_test(test_badkey_comes_before_all_else),
                cmocka_unit_test(test_badsig_comes_before_badtime),
                cmocka_unit_test(test_a_flipped_bit_is_never_accepted),
                cmocka_unit_test(test_truncation_rules),
                cmocka_unit_test(test_mac_longer_than_the_hash_is_formerr),
                cmocka_unit_test(test_truncated_macs_chain),
                cmocka_unit_test(test_errors_of_key_and_mac_are_unsigned),
                cmocka_unit_test(test_a_changed_id_is_put_back),
                cmocka_unit_test(test_names_are_compared_folded),
                cmocka_unit_test(test_algorithm_names),
                cmocka_unit_test(test_wipe),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
