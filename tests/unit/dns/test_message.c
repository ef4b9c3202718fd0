#include "wire.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "dns/message.h"
#include "dns/type.h"
#include "vectors.h"

#include <errno.h>
#include <stdio.h>

#define QUESTION                                                                                             \
        "07"                                                                                                 \
        "6578616d706c65"                                                                                     \
        "00"                                                                                                 \
        "00fc"                                                                                               \
        "0001" /* example. AXFR IN */
#define OPT                                                                                                  \
        "00"                                                                                                 \
        "0029"                                                                                               \
        "04d0"                                                                                               \
        "00"                                                                                                 \
        "00"                                                                                                 \
        "8000"                                                                                               \
        "0000"
/* Key "k.", algorithm "a.", time 0x000102030405, fudge 300, MAC aabbcc, ID 0x1234, error 0, other 0xff. */
#define TSIG_RDATA                                                                                           \
        "016100"                                                                                             \
        "000102030405"                                                                                       \
        "012c"                                                                                               \
        "0003"                                                                                               \
        "aabbcc"                                                                                             \
        "1234"                                                                                               \
        "0000"                                                                                               \
        "0001"                                                                                               \
        "ff"
#define TSIG                                                                                                 \
        "016b00"                                                                                             \
        "00fa"                                                                                               \
        "00ff"                                                                                               \
        "00000000"                                                                                           \
        "0017" TSIG_RDATA
#define SOA_AUTHORITY                                                                                        \
        "c00c"                                                                                               \
        "0006"                                                                                               \
        "0001"                                                                                               \
        "00000000"                                                                                           \
        "0018"                                                                                               \
        "c00c"                                                                                               \
        "c00c"                                                                                               \
        "0000000700000000000000000000000000000000"

struct parsed {
        uint8_t *bytes;
        struct request request;
};

static int parse(const char *hex, bool want_response, struct parsed *ret_parsed)
{
        size_t length;

        ret_parsed->bytes = wire_from_hex(hex, &length);
        return request_parse(ret_parsed->bytes, length, want_response, &ret_parsed->request);
}

static void parsed_free(struct parsed *parsed)
{
        free(parsed->bytes);
}

static void a_full_request(void **state)
{
        CLEANUP(parsed_free) struct parsed parsed;
        const struct request *request = &parsed.request;
        CLEANUP_FREE uint8_t *name = wire_name("example.");

        (void)state;
        assert_int_equal(parse("abcd"
                               "0110"
                               "0001"
                               "0000"
                               "0001"
                               "0002" QUESTION SOA_AUTHORITY OPT TSIG,
                                 false, &parsed),
                MESSAGE_OK);
        assert_int_equal(request->id, 0xABCD);
        assert_int_equal(request->flags, FLAG_RD | FLAG_CD);
        assert_int_equal(request->opcode, OPCODE_QUERY);
        assert_int_equal(request->qtype, TYPE_AXFR);
        assert_int_equal(request->qclass, CLASS_IN);
        assert_true(name_identical(request->qname, name));
        assert_int_equal(request->qname_length, 9);
        assert_int_equal(request->question_end, 25);
        assert_true(request->has_edns && request->dnssec_ok);
        assert_int_equal(request->edns_udp_size, 1232);
        assert_true(request->has_authority_soa);
        assert_false(request->has_answer_soa);
        assert_int_equal(request->authority_serial, 7);
        assert_true(request->tsig.present);
        assert_int_equal(request->tsig.offset, request->length - 36);
        assert_int_equal(request->tsig.time_signed, 0x000102030405);
        assert_int_equal(request->tsig.fudge, 300);
        assert_int_equal(request->tsig.mac_length, 3);
        assert_memory_equal(request->tsig.mac, "\xAA\xBB\xCC", 3);
        assert_int_equal(request->tsig.original_id, 0x1234);
        assert_int_equal(request->tsig.other_length, 1);
        assert_memory_equal(request->tsig.other, "\xFF", 1);
        assert_memory_equal(request->tsig.key_name, "\1k", 3);
        assert_memory_equal(request->tsig.algorithm, "\1a", 3);
}

static void outcomes(void **state)
{
        static const struct {
                const char *why;
                const char *hex;
                enum message_outcome outcome;
        } cases[] = {
                {"too short", "abcd0000000100000000", MESSAGE_DROP},
                {"a response",
                        "abcd"
                        "8000"
                        "0001"
                        "0000"
                        "0000"
                        "0000" QUESTION,
                        MESSAGE_DROP},
                {"plain",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0000" QUESTION,
                        MESSAGE_OK},
                {"no question",
                        "abcd"
                        "0000"
                        "0000"
                        "0000"
                        "0000"
                        "0000",
                        MESSAGE_OK},
                {"two questions",
                        "abcd"
                        "0000"
                        "0002"
                        "0000"
                        "0000"
                        "0000" QUESTION QUESTION,
                        MESSAGE_FORMERR},
                {"octets behind",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0000" QUESTION "00",
                        MESSAGE_FORMERR},
                {"no type",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0000"
                        "0161"
                        "00"
                        "00",
                        MESSAGE_FORMERR},
                {"a pointer in the question",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0000"
                        "c00c"
                        "00fc"
                        "0001",
                        MESSAGE_FORMERR},
                {"a count too high",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0001" QUESTION,
                        MESSAGE_FORMERR},
                {"OPT twice",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0002" QUESTION OPT OPT,
                        MESSAGE_FORMERR},
                {"OPT in the answer",
                        "abcd"
                        "0000"
                        "0001"
                        "0001"
                        "0000"
                        "0000" QUESTION OPT,
                        MESSAGE_FORMERR},
                {"OPT with a name",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0001" QUESTION "0161" OPT,
                        MESSAGE_FORMERR},
                {"a cut option",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0001" QUESTION "00"
                        "0029"
                        "04d0"
                        "00000000"
                        "0006"
                        "000f"
                        "0003"
                        "0000",
                        MESSAGE_FORMERR},
                {"a whole option",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0001" QUESTION "00"
                        "0029"
                        "04d0"
                        "00000000"
                        "0006"
                        "000f"
                        "0002"
                        "0000",
                        MESSAGE_OK},
                {"TSIG before OPT",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0002" QUESTION TSIG OPT,
                        MESSAGE_FORMERR},
                {"TSIG twice",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0002" QUESTION TSIG TSIG,
                        MESSAGE_FORMERR},
                {"TSIG in the authority section",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0001"
                        "0000" QUESTION TSIG,
                        MESSAGE_FORMERR},
                {"TSIG of class IN",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0001" QUESTION "016b00"
                        "00fa"
                        "0001"
                        "00000000"
                        "0017" TSIG_RDATA,
                        MESSAGE_FORMERR},
                {"TSIG with a TTL",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0001" QUESTION "016b00"
                        "00fa"
                        "00ff"
                        "00000001"
                        "0017" TSIG_RDATA,
                        MESSAGE_FORMERR},
                {"TSIG with octets behind",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0001" QUESTION "016b00"
                        "00fa"
                        "00ff"
                        "00000000"
                        "0018" TSIG_RDATA "00",
                        MESSAGE_FORMERR},
                {"TSIG with a long MAC",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0001" QUESTION "016b00"
                        "00fa"
                        "00ff"
                        "00000000"
                        "0017"
                        "016100"
                        "000102030405"
                        "012c"
                        "ffff"
                        "aabbcc"
                        "1234"
                        "0000"
                        "0001"
                        "ff",
                        MESSAGE_FORMERR},
                {"TSIG with a compressed algorithm",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0000"
                        "0001" QUESTION "016b00"
                        "00fa"
                        "00ff"
                        "00000000"
                        "0012"
                        "c00c"
                        "000102030405"
                        "012c"
                        "0000"
                        "1234"
                        "0000"
                        "0000",
                        MESSAGE_FORMERR},
                {"a cut SOA",
                        "abcd"
                        "0000"
                        "0001"
                        "0000"
                        "0001"
                        "0000" QUESTION "c00c"
                        "0006"
                        "0001"
                        "00000000"
                        "0004"
                        "c00cc00c",
                        MESSAGE_FORMERR},
                {"an UPDATE's empty SOA",
                        "abcd"
                        "2800"
                        "0001"
                        "0001"
                        "0000"
                        "0000" QUESTION "c00c"
                        "0006"
                        "00ff"
                        "00000000"
                        "0000",
                        MESSAGE_OK},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                CLEANUP(parsed_free) struct parsed parsed;
                int outcome = parse(cases[i].hex, false, &parsed);

                if (outcome != (int)cases[i].outcome)
                        fail_msg("%s: %d", cases[i].why, outcome);
                if (outcome == MESSAGE_FORMERR) {
                        assert_false(parsed.request.tsig.present);
                        assert_int_equal(parsed.request.id, 0xABCD);
                }
        }
}

static void a_bad_message_keeps_its_question(void **state)
{
        CLEANUP(parsed_free) struct parsed whole = {0}, cut = {0};

        (void)state;
        assert_int_equal(parse("abcd"
                               "0000"
                               "0001"
                               "0000"
                               "0000"
                               "0001" QUESTION,
                                 false, &whole),
                MESSAGE_FORMERR);
        assert_int_equal(whole.request.question_end, 25);
        assert_int_equal(whole.request.qtype, TYPE_AXFR);
        assert_int_equal(parse("abcd"
                               "0000"
                               "0001"
                               "0000"
                               "0000"
                               "0000"
                               "0761",
                                 false, &cut),
                MESSAGE_FORMERR);
        assert_int_equal(cut.request.question_end, 12);
        assert_int_equal(cut.request.qname_length, 0);
}

/* Only an SOA of the question's name tells what a client holds. */
static void a_foreign_soa_is_no_serial(void **state)
{
        CLEANUP(parsed_free) struct parsed parsed;

        (void)state;
        assert_int_equal(parse("abcd"
                               "0000"
                               "0001"
                               "0000"
                               "0001"
                               "0000" QUESTION "0162"
                               "00"
                               "0006"
                               "0001"
                               "00000000"
                               "0018"
                               "c00cc00c"
                               "0000000700000000000000000000000000000000",
                                 false, &parsed),
                MESSAGE_OK);
        assert_false(parsed.request.has_authority_soa);
}

static void responses(void **state)
{
        CLEANUP(parsed_free) struct parsed notify = {0}, extended = {0}, query = {0}, empty = {0};

        (void)state;
        assert_int_equal(parse("abcd"
                               "a405"
                               "0001"
                               "0001"
                               "0000"
                               "0000" QUESTION SOA_AUTHORITY,
                                 true, &notify),
                MESSAGE_OK);
        assert_int_equal(notify.request.opcode, OPCODE_NOTIFY);
        assert_int_equal(notify.request.rcode, RCODE_REFUSED);
        assert_true(notify.request.has_answer_soa);
        assert_int_equal(notify.request.answer_serial, 7);
        assert_int_equal(parse("abcd"
                               "8000"
                               "0001"
                               "0000"
                               "0000"
                               "0001" QUESTION "00"
                               "0029"
                               "04d0"
                               "01"
                               "00"
                               "0000"
                               "0000",
                                 true, &extended),
                MESSAGE_OK);
        assert_int_equal(extended.request.rcode, RCODE_BADVERS);
        assert_int_equal(parse("abcd"
                               "0000"
                               "0001"
                               "0000"
                               "0000"
                               "0000" QUESTION,
                                 true, &query),
                MESSAGE_DROP);
        assert_int_equal(parse("abcd"
                               "a400"
                               "0000"
                               "0000"
                               "0000"
                               "0000",
                                 true, &empty),
                MESSAGE_OK);
        assert_int_equal(empty.request.question_end, 12);
}

static void requests_have_few_records(void **state)
{
        uint8_t message[12 + 11 * 65] = {0xAB, 0xCD};
        struct request request;

        (void)state;
        message[11] = 64;
        for (size_t i = 12; i < sizeof(message); i += 11)
                message[i + 2] = TYPE_A;
        assert_int_equal(request_parse(message, 12 + 11 * 64, false, &request), MESSAGE_OK);
        message[11] = 65;
        assert_int_equal(request_parse(message, sizeof(message), false, &request), MESSAGE_FORMERR);
        message[2] = 0x80;
        assert_int_equal(request_parse(message, sizeof(message), true, &request), MESSAGE_OK);
}

/* Every prefix of a message, on the exact heap size. */
static void cut_requests_are_survived(void **state)
{
        size_t length;
        CLEANUP_FREE uint8_t *bytes = wire_from_hex("abcd"
                                                    "0110"
                                                    "0001"
                                                    "0000"
                                                    "0001"
                                                    "0002" QUESTION SOA_AUTHORITY OPT TSIG,
                &length);

        (void)state;
        for (size_t cut = 0; cut < length; cut++) {
                CLEANUP_FREE uint8_t *part = malloc(cut ? cut : 1);
                struct request request;

                memcpy(part, bytes, cut);
                assert_int_equal(
                        request_parse(part, cut, false, &request), cut < 12 ? MESSAGE_DROP : MESSAGE_FORMERR);
        }
}

/* What dnspython compressed, decompressed, is what dnspython wrote without compression. */
static void walk(void **state)
{
        CLEANUP(arena_free) struct arena arena = {0};
        struct message_walk walk;
        struct record record;
        size_t length;
        CLEANUP_FREE uint8_t *bytes = wire_from_hex(message_vector, &length);

        (void)state;
        assert_int_equal(message_walk_begin(&walk, bytes, length), 0);
        for (size_t i = 0; i < ARRAY_SIZE(message_records); i++) {
                CLEANUP(wire_record_free)
                struct record want = wire_record(message_records[i].owner, (uint16_t)message_records[i].type,
                        message_records[i].ttl, message_records[i].hex);

                assert_int_equal(message_walk_next(&walk, &arena, &record), 0);
                assert_true(record_is_identical(&record, &want));
        }
        assert_int_equal(message_walk_next(&walk, &arena, &record), 1);
        assert_int_equal(walk.offset, length);
}

static void cut_walks_are_survived(void **state)
{
        size_t length;
        CLEANUP_FREE uint8_t *bytes = wire_from_hex(message_vector, &length);

        (void)state;
        for (size_t cut = 0; cut < length; cut++) {
                CLEANUP(arena_free) struct arena arena = {0};
                CLEANUP_FREE uint8_t *part = malloc(cut ? cut : 1);
                struct message_walk walk;
                struct record record;
                int r;

                memcpy(part, bytes, cut);
                r = message_walk_begin(&walk, part, cut);
                while (r == 0)
                        r = message_walk_next(&walk, &arena, &record);
                assert_int_equal(r, -EBADMSG);
        }
}

static void rcodes(void **state)
{
        char text[RCODE_TEXT_MAX];

        (void)state;
        assert_string_equal(rcode_to_text(RCODE_REFUSED, text), "REFUSED");
        assert_string_equal(rcode_to_text(RCODE_NOTAUTH, text), "NOTAUTH");
        assert_string_equal(rcode_to_text(16, text), "BADSIG");
        assert_string_equal(rcode_to_text(RCODE_BADTRUNC, text), "BADTRUNC");
        assert_string_equal(rcode_to_text(13, text), "RCODE13");
        assert_string_equal(rcode_to_text(4000, text), "RCODE4000");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_full_request),
                cmocka_unit_test(outcomes),
                cmocka_unit_test(a_bad_message_keeps_its_question),
                cmocka_unit_test(a_foreign_soa_is_no_serial),
                cmocka_unit_test(responses),
                cmocka_unit_test(requests_have_few_records),
                cmocka_unit_test(cut_requests_are_survived),
                cmocka_unit_test(walk),
                cmocka_unit_test(cut_walks_are_survived),
                cmocka_unit_test(rcodes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
