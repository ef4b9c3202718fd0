/* The decision about a request, and the octets of small answers: a table of who asks what. */
#include "conf_fixture.h"

#include "server/query.h"

static const char conf_text[] = KEY_BLOCKS
        "options { directory \"/tmp\"; };\n"
        "zone \"example.com\" { type primary; file \"a\"; allow-transfer { !192.0.2.9; 192.0.2.7; key k; };\n"
        "  also-notify { 192.0.2.53; }; };\n"
        "zone \"closed.example\" { type primary; file \"b\"; allow-transfer { none; }; allow-query { "
        "192.0.2.5; }; };\n"
        "zone \"addresses.example\" { type primary; file \"c\"; allow-transfer { 192.0.2.7; }; };\n"
        "zone \"unpublished.example\" { type primary; file \"d\"; allow-transfer { 192.0.2.7; }; };\n";

#define NOW 1000000

static struct fixture fixture;
static struct conf *conf;
static struct store_read *store_view;

static int begin(void **state)
{
        (void)state;
        static const char *const zones[] = {"example.com.", "closed.example.", "addresses.example."};
        fixture_open(&fixture);
        for (unsigned i = 0; i < ARRAY_SIZE(zones); i++) {
                uint8_t zone[NAME_MAX_LENGTH];
                struct content content = {.serial = 100};
                name_make(zones[i], zone);
                content_add_ns(&content, zone);
                publish(&fixture, zone, &content, NULL, NULL, 100, &(struct publish_how){.begins_era = true});
                content_free(&content);
        }
        conf = conf_make(conf_text);
        return store_read_begin(fixture.store, &store_view);
}

static int end(void **state)
{
        (void)state;
        store_read_end(store_view);
        conf_unref(conf);
        fixture_close(&fixture);
        return 0;
}

enum signature {
        UNSIGNED,
        BY_K,
        BY_OTHER,
        BY_UNKNOWN,
        BY_WRONG_SECRET,
        BY_WRONG_ALGORITHM,
        FROM_THE_FUTURE,
        FROM_THE_PAST
};

static const struct asked {
        const char *peer;
        enum signature signature;
        const char *name;
        uint16_t type;
        bool tcp;
        int serial; /* IXFR; -1 = no SOA */
        enum query_verdict verdict;
        enum refusal refusal;
        unsigned rcode;
        int ede;
} table[] = {
        /* SOA and NS: this machine, transfer and NOTIFY addresses, holders of the key. */
        {"127.0.0.1", UNSIGNED, "example.com.", TYPE_SOA, false, 0, QUERY_SOA, REFUSAL_NONE, 0, EDE_NONE},
        {"127.0.0.1", UNSIGNED, "EXAMPLE.com.", TYPE_NS, true, 0, QUERY_NS, REFUSAL_NONE, 0, EDE_NONE},
        {"192.0.2.7", UNSIGNED, "addresses.example.", TYPE_SOA, false, 0, QUERY_SOA, REFUSAL_NONE, 0,
                EDE_NONE},
        {"192.0.2.8", UNSIGNED, "addresses.example.", TYPE_SOA, false, 0, QUERY_ERROR, REFUSAL_NO_MATCH,
                RCODE_REFUSED, EDE_PROHIBITED},
        {"192.0.2.53", UNSIGNED, "example.com.", TYPE_SOA, false, 0, QUERY_SOA, REFUSAL_NONE, 0, EDE_NONE},
        {"192.0.2.8", BY_K, "example.com.", TYPE_SOA, false, 0, QUERY_SOA, REFUSAL_NONE, 0, EDE_NONE},
        {"127.0.0.1", UNSIGNED, "closed.example.", TYPE_SOA, false, 0, QUERY_ERROR, REFUSAL_NO_MATCH,
                RCODE_REFUSED, EDE_PROHIBITED},
        {"192.0.2.5", UNSIGNED, "closed.example.", TYPE_SOA, false, 0, QUERY_SOA, REFUSAL_NONE, 0, EDE_NONE},
        {"2001:db8::1", UNSIGNED, "addresses.example.", TYPE_NS, false, 0, QUERY_ERROR, REFUSAL_NO_MATCH,
                RCODE_REFUSED, EDE_PROHIBITED},
        /* Transfers. */
        {"192.0.2.7", UNSIGNED, "example.com.", TYPE_AXFR, true, 0, QUERY_TRANSFER, REFUSAL_NONE, 0,
                EDE_NONE},
        {"192.0.2.7", UNSIGNED, "example.com.", TYPE_AXFR, false, 0, QUERY_ERROR, REFUSAL_UDP_AXFR,
                RCODE_FORMERR, EDE_NOT_SUPPORTED},
        {"192.0.2.7", UNSIGNED, "example.com.", TYPE_IXFR, true, 99, QUERY_TRANSFER, REFUSAL_NONE, 0,
                EDE_NONE},
        {"192.0.2.7", UNSIGNED, "example.com.", TYPE_IXFR, false, 99, QUERY_SOA, REFUSAL_NONE, 0, EDE_NONE},
        {"192.0.2.7", UNSIGNED, "example.com.", TYPE_IXFR, true, -1, QUERY_ERROR, REFUSAL_IXFR_SOA,
                RCODE_FORMERR, EDE_NONE},
        {"192.0.2.8", BY_K, "example.com.", TYPE_AXFR, true, 0, QUERY_TRANSFER, REFUSAL_NONE, 0, EDE_NONE},
        {"127.0.0.1", UNSIGNED, "example.com.", TYPE_AXFR, true, 0, QUERY_ERROR, REFUSAL_NO_MATCH,
                RCODE_REFUSED, EDE_PROHIBITED},
        {"192.0.2.8", UNSIGNED, "example.com.", TYPE_IXFR, true, 99, QUERY_ERROR, REFUSAL_NO_MATCH,
                RCODE_REFUSED, EDE_PROHIBITED},
        {"192.0.2.9", BY_K, "example.com.", TYPE_AXFR, true, 0, QUERY_ERROR, REFUSAL_DENIED, RCODE_REFUSED,
                EDE_PROHIBITED},
        {"192.0.2.8", BY_OTHER, "example.com.", TYPE_AXFR, true, 0, QUERY_ERROR, REFUSAL_NO_MATCH,
                RCODE_REFUSED, EDE_PROHIBITED},
        {"192.0.2.7", UNSIGNED, "closed.example.", TYPE_AXFR, true, 0, QUERY_ERROR, REFUSAL_DENIED,
                RCODE_REFUSED, EDE_PROHIBITED},
        /* A zone that is not here answers as one that is not for the asker. */
        {"192.0.2.7", UNSIGNED, "nowhere.example.", TYPE_AXFR, true, 0, QUERY_ERROR, REFUSAL_NO_MATCH,
                RCODE_REFUSED, EDE_PROHIBITED},
        {"127.0.0.1", UNSIGNED, "nowhere.example.", TYPE_SOA, false, 0, QUERY_ERROR, REFUSAL_NO_ZONE,
                RCODE_REFUSED, EDE_PROHIBITED},
        {"127.0.0.1", UNSIGNED, "www.example.com.", TYPE_SOA, false, 0, QUERY_ERROR, REFUSAL_NO_ZONE,
                RCODE_REFUSED, EDE_PROHIBITED},
        {"127.0.0.1", UNSIGNED, ".", TYPE_SOA, false, 0, QUERY_ERROR, REFUSAL_NO_ZONE, RCODE_REFUSED,
                EDE_PROHIBITED},
        {"192.0.2.7", UNSIGNED, "unpublished.example.", TYPE_AXFR, true, 0, QUERY_ERROR, REFUSAL_NOT_READY,
                RCODE_SERVFAIL, EDE_NOT_READY},
        {"192.0.2.8", UNSIGNED, "unpublished.example.", TYPE_AXFR, true, 0, QUERY_ERROR, REFUSAL_NO_MATCH,
                RCODE_REFUSED, EDE_PROHIBITED},
        /* Nothing else. */
        {"127.0.0.1", UNSIGNED, "example.com.", TYPE_A, false, 0, QUERY_ERROR, REFUSAL_TYPE, RCODE_REFUSED,
                EDE_NOT_SUPPORTED},
        {"127.0.0.1", UNSIGNED, "nowhere.example.", TYPE_ANY, true, 0, QUERY_ERROR, REFUSAL_TYPE,
                RCODE_REFUSED, EDE_NOT_SUPPORTED},
        {"127.0.0.1", BY_K, "example.com.", TYPE_MX, false, 0, QUERY_ERROR, REFUSAL_TYPE, RCODE_REFUSED,
                EDE_NOT_SUPPORTED},
        /* Signatures (RFC 8945 s.5.2). */
        {"192.0.2.7", BY_UNKNOWN, "example.com.", TYPE_AXFR, true, 0, QUERY_ERROR, REFUSAL_TSIG,
                RCODE_NOTAUTH, EDE_NONE},
        {"192.0.2.7", BY_WRONG_SECRET, "example.com.", TYPE_SOA, false, 0, QUERY_ERROR, REFUSAL_TSIG,
                RCODE_NOTAUTH, EDE_NONE},
        {"192.0.2.7", BY_WRONG_ALGORITHM, "example.com.", TYPE_IXFR, true, 99, QUERY_ERROR, REFUSAL_TSIG,
                RCODE_NOTAUTH, EDE_NONE},
        {"192.0.2.7", FROM_THE_FUTURE, "example.com.", TYPE_IXFR, true, 99, QUERY_ERROR, REFUSAL_TSIG,
                RCODE_NOTAUTH, EDE_NONE},
        {"192.0.2.7", FROM_THE_PAST, "example.com.", TYPE_SOA, false, 0, QUERY_ERROR, REFUSAL_TSIG,
                RCODE_NOTAUTH, EDE_NONE},
};

static struct tsig_key key_for(enum signature signature)
{
        switch (signature) {
        case BY_OTHER:
                return key_make("other.", TSIG_HMAC_SHA256, 'o');
        case BY_UNKNOWN:
                return key_make("unknown.", TSIG_HMAC_SHA256, 'k');
        case BY_WRONG_SECRET:
                return key_make("k.", TSIG_HMAC_SHA256, 'w');
        case BY_WRONG_ALGORITHM:
                return key_make("k.", TSIG_HMAC_SHA512, 'k');
        case UNSIGNED:
        case BY_K:
        case FROM_THE_FUTURE:
        case FROM_THE_PAST:
                break;
        }
        return key_make("k.", TSIG_HMAC_SHA256, 'k');
}

static enum tsig_result expected_tsig(enum signature signature)
{
        switch (signature) {
        case BY_UNKNOWN:
        case BY_WRONG_ALGORITHM:
                return TSIG_BADKEY;
        case BY_WRONG_SECRET:
                return TSIG_BADSIG;
        case FROM_THE_FUTURE:
        case FROM_THE_PAST:
                return TSIG_BADTIME;
        case UNSIGNED:
        case BY_K:
        case BY_OTHER:
                break;
        }
        return TSIG_OK;
}

/* The extended error of a response, or EDE_NONE. */
static int ede_of(const uint8_t *bytes, size_t length)
{
        for (size_t at = MESSAGE_HEADER_SIZE; at + 17 <= length; at++) /* OPT: root, type 41 */
                if (bytes[at] == 0 && read_u16(bytes + at + 1) == TYPE_OPT &&
                        read_u16(bytes + at + 3) == SERVER_UDP_SIZE)
                        return read_u16(bytes + at + 9) >= 6 && read_u16(bytes + at + 11) == 15
                                       ? read_u16(bytes + at + 15)
                                       : EDE_NONE;
        return EDE_NONE;
}

static struct render *renderer;

static void check_answer(const struct asked *asked, struct query *query, struct tsig_context *ours)
{
        uint8_t bytes[MESSAGE_MAX_SIZE];
        size_t limit = asked->tcp ? MESSAGE_MAX_SIZE : answer_udp_limit(query);
        size_t length = answer_write(query, renderer, bytes, limit);
        struct request response;
        assert_true(length >= MESSAGE_HEADER_SIZE && length <= limit);
        assert_int_equal(request_parse(bytes, length, true, &response), MESSAGE_OK);
        assert_int_equal(response.id, 4242);
        assert_int_equal(response.rcode, asked->rcode);
        assert_int_equal(!!(response.flags & FLAG_AA), asked->verdict != QUERY_ERROR);
        assert_true(response.flags & FLAG_RD);
        assert_true(response.has_edns);
        assert_int_equal(ede_of(bytes, length), asked->ede);
        if (asked->verdict == QUERY_SOA)
                assert_int_equal(read_u16(bytes + 6), 1);
        if (asked->verdict == QUERY_NS)
                assert_int_equal(read_u16(bytes + 6), 2);
        enum tsig_result expected = expected_tsig(asked->signature);
        assert_int_equal(response.tsig.present, asked->signature != UNSIGNED);
        if (asked->signature == UNSIGNED)
                return;
        assert_int_equal(response.tsig.error, tsig_result_rcode(expected));
        bool is_unsigned = expected == TSIG_BADKEY || expected == TSIG_BADSIG;
        assert_int_equal(response.tsig.mac_length == 0, is_unsigned);
        if (!is_unsigned)
                assert_int_equal(tsig_verify_response(ours, &response, response.tsig.time_signed), TSIG_OK);
        if (expected == TSIG_BADTIME)
                assert_int_equal(response.tsig.other_length, 6);
}

static void test_table(void **state)
{
        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
                const struct asked *asked = &table[i];
                uint8_t bytes[2048], name[NAME_MAX_LENGTH];
                name_make(asked->name, name);
                bool has_serial = asked->type == TYPE_IXFR && asked->serial >= 0;
                size_t length = request_write(
                        bytes, 4242, name, asked->type, has_serial, (uint32_t)asked->serial, true);
                struct tsig_key key = key_for(asked->signature);
                struct tsig_context *ours = NULL;
                uint64_t now = asked->signature == FROM_THE_FUTURE ? NOW + 600
                               : asked->signature == FROM_THE_PAST ? NOW - 600
                                                                   : NOW;
                if (asked->signature != UNSIGNED) {
                        assert_int_equal(tsig_context_new(&key, &ours), 0);
                        assert_int_equal(tsig_sign_request(ours, bytes, &length, now), 0);
                }
                struct query query = {
                        .conf = conf, .read = store_view, .over_tcp = asked->tcp, .now_sec = NOW};
                assert_int_equal(address_parse(asked->peer, &query.peer), 0);
                query.peer_is_local = address_is_loopback(&query.peer);
                query_decide(&query, bytes, length);
                if (query.verdict != asked->verdict || query.refusal != asked->refusal)
                        fail_msg("row %u (%s %u from %s): verdict %d, refusal %d", i, asked->name,
                                asked->type, asked->peer, query.verdict, query.refusal);
                if (asked->verdict != QUERY_TRANSFER)
                        check_answer(asked, &query, ours);
                tsig_context_free(query.tsig);
                tsig_context_free(ours);
        }
}

/* Refused, missing and not for you: octet for octet the same answer. */
static void test_existence_does_not_leak(void **state)
{
        (void)state;
        uint8_t answers[2][512];
        size_t lengths[2];
        for (unsigned type = 0; type < 2; type++) {
                for (unsigned i = 0; i < 2; i++) {
                        uint8_t bytes[1024], name[NAME_MAX_LENGTH];
                        name_make(i == 0 ? "closed.example." : "absent.example.", name);
                        size_t length =
                                request_write(bytes, 1, name, type ? TYPE_SOA : TYPE_AXFR, false, 0, true);
                        struct query query = {
                                .conf = conf, .read = store_view, .over_tcp = true, .now_sec = NOW};
                        assert_int_equal(address_parse("192.0.2.66", &query.peer), 0);
                        query_decide(&query, bytes, length);
                        lengths[i] = answer_write(&query, renderer, answers[i], 512);
                }
                assert_int_equal(lengths[0], lengths[1]);
                assert_memory_equal(answers[0], answers[1], MESSAGE_HEADER_SIZE);
                size_t behind = MESSAGE_HEADER_SIZE + 16 + 4; /* both names have 16 octets */
                assert_memory_equal(answers[0] + behind, answers[1] + behind, lengths[0] - behind);
        }
}

static struct query decide_octets(const uint8_t *bytes, size_t length)
{
        struct query query = {.conf = conf, .read = store_view, .now_sec = NOW, .peer_is_local = true};
        assert_int_equal(address_parse("127.0.0.1", &query.peer), 0);
        query_decide(&query, bytes, length);
        return query;
}

/* Headers, opcodes, classes, counts of questions, EDNS versions. */
static void test_shapes(void **state)
{
        (void)state;
        uint8_t bytes[1024], name[NAME_MAX_LENGTH], out[2048];
        struct request response;
        name_make("example.com.", name);
        size_t length = request_write(bytes, 5, name, TYPE_SOA, false, 0, true);
        static const struct {
                unsigned at;
                uint8_t value;
                enum query_verdict verdict;
                enum refusal refusal;
                unsigned rcode;
        } changes[] = {
                {2, 0x01, QUERY_SOA, REFUSAL_NONE, RCODE_NOERROR},
                {2, 0x81, QUERY_DROP, REFUSAL_NONE, 0}, /* a response */
                {2, OPCODE_UPDATE << 3, QUERY_ERROR, REFUSAL_OPCODE, RCODE_NOTIMP},
                {2, OPCODE_NOTIFY << 3, QUERY_ERROR, REFUSAL_OPCODE, RCODE_REFUSED},
                {2, OPCODE_STATUS << 3, QUERY_ERROR, REFUSAL_OPCODE, RCODE_NOTIMP},
                {5, 2, QUERY_ERROR, REFUSAL_MALFORMED, RCODE_FORMERR}, /* two questions */
                {28, CLASS_CH, QUERY_ERROR, REFUSAL_CLASS, RCODE_REFUSED},
                {28, CLASS_ANY, QUERY_ERROR, REFUSAL_CLASS, RCODE_REFUSED},
                {11, 2, QUERY_ERROR, REFUSAL_MALFORMED, RCODE_FORMERR}, /* a record that is not there */
                {35, 1, QUERY_ERROR, REFUSAL_EDNS, RCODE_BADVERS},
        };
        for (unsigned i = 0; i < ARRAY_SIZE(changes); i++) {
                uint8_t copy[1024];
                memcpy(copy, bytes, length);
                copy[changes[i].at] = changes[i].value;
                struct query query = decide_octets(copy, length);
                if (query.verdict != changes[i].verdict || query.refusal != changes[i].refusal)
                        fail_msg("row %u: verdict %d, refusal %d", i, query.verdict, query.refusal);
                if (query.verdict == QUERY_DROP)
                        continue;
                size_t size = answer_write(&query, renderer, out, answer_udp_limit(&query));
                assert_int_equal(request_parse(out, size, true, &response), MESSAGE_OK);
                assert_int_equal(response.rcode, changes[i].rcode);
                assert_int_equal(response.opcode, copy[2] >> 3 & 15);
        }
        /* No question at all. */
        uint8_t header[12] = {0, 9};
        struct query query = decide_octets(header, sizeof(header));
        assert_int_equal(query.refusal, REFUSAL_QUESTION);
        assert_int_equal(answer_write(&query, renderer, out, 512), 12);
        assert_int_equal(decide_octets(header, 11).verdict, QUERY_DROP);
}

/* A SOA that does not fit into 512 octets with its signature: TC, signed, nothing in it. */
static void test_truncated(void **state)
{
        (void)state;
        uint8_t zone[NAME_MAX_LENGTH], bytes[2048], out[2048];
        char label[64], text[300];
        memset(label, 'l', 50);
        label[50] = '\0';
        snprintf(text, sizeof(text), "%s.%s.%s.%s.", label, label, label, label);
        name_make(text, zone);
        struct content content = {.serial = 1};
        content_add_ns(&content, zone);
        publish(&fixture, zone, &content, NULL, NULL, 1, &(struct publish_how){.begins_era = true});
        content_free(&content);
        assert_int_equal(store_read_renew(store_view), 0);
        struct tsig_key key = key_make("k.", TSIG_HMAC_SHA256, 'k');
        struct tsig_context *ours;
        assert_int_equal(tsig_context_new(&key, &ours), 0);
        size_t length = request_write(bytes, 5, zone, TYPE_NS, false, 0, false);
        assert_int_equal(tsig_sign_request(ours, bytes, &length, NOW), 0);
        struct query query = decide_octets(bytes, length);
        assert_int_equal(query.verdict, QUERY_NS);
        size_t size = answer_write(&query, renderer, out, 345);
        struct request response;
        assert_int_equal(request_parse(out, size, true, &response), MESSAGE_OK);
        assert_true(response.flags & FLAG_TC);
        assert_int_equal(read_u16(out + 6), 0);
        assert_int_equal(tsig_verify_response(ours, &response, NOW), TSIG_OK);
        tsig_context_free(query.tsig);
        tsig_context_free(ours);
}

/* Names of the greatest length in question, key and algorithm: the answer has room. */
static void test_long_names(void **state)
{
        (void)state;
        uint8_t bytes[2048], out[2048], name[NAME_MAX_LENGTH];
        char text[300] = "";
        for (unsigned i = 0; i < 4; i++) {
                char label[64];
                memset(label, 'a' + (int)i, sizeof(label));
                label[i == 3 ? 61 : 63] = '\0';
                strcat(strcat(text, label), ".");
        }
        name_make(text, name);
        assert_int_equal(name_length(name), NAME_MAX_LENGTH);
        struct tsig_key key = key_make(text, TSIG_HMAC_SHA512, 'k');
        struct tsig_context *ours;
        assert_int_equal(tsig_context_new(&key, &ours), 0);
        size_t length = request_write(bytes, 5, name, TYPE_SOA, false, 0, true);
        assert_int_equal(tsig_sign_request(ours, bytes, &length, NOW), 0);
        struct query query = decide_octets(bytes, length);
        assert_int_equal(query.tsig_result, TSIG_BADKEY);
        size_t size = answer_write(&query, renderer, out, answer_udp_limit(&query));
        struct request response;
        assert_true(size > 0 && size <= length);
        assert_int_equal(request_parse(out, size, true, &response), MESSAGE_OK);
        assert_int_equal(response.tsig.error, RCODE_BADKEY);
        tsig_context_free(ours);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_existence_does_not_leak),
                cmocka_unit_test(test_shapes),
                cmocka_unit_test(test_truncated),
                cmocka_unit_test(test_long_names),
        };
        renderer = calloc(1, sizeof(*renderer));
        int failed = cmocka_run_group_tests(tests, begin, end);
        free(renderer);
        return failed;
}
