#include "wire.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/render.h"
#include "dns/type.h"
#include "vectors.h"

#include <errno.h>
#include <stdio.h>

static struct render *render_new(void)
{
        struct render *render = calloc(1, sizeof(*render));

        assert_non_null(render);
        return render;
}

/* The same octets as dnspython's compression. */
static void same_octets_as_dnspython(void **state)
{
        CLEANUP_FREE struct render *render = render_new();
        size_t length;
        CLEANUP_FREE uint8_t *want = wire_from_hex(message_vector, &length);
        CLEANUP_FREE uint8_t *name = wire_name("example.com.");
        uint8_t bytes[1024];

        (void)state;
        for (unsigned round = 0; round < 3; round++) {
                render_begin(render, bytes, length, 0x1234, FLAG_QR | FLAG_AA);
                assert_int_equal(render_question_name(render, name, TYPE_AXFR), RENDER_OK);
                for (size_t i = 0; i < ARRAY_SIZE(message_records); i++) {
                        CLEANUP(wire_record_free)
                        struct record record =
                                wire_record(message_records[i].owner, (uint16_t)message_records[i].type,
                                        message_records[i].ttl, message_records[i].hex);

                        assert_int_equal(render_record(render, RENDER_ANSWER, &record), RENDER_OK);
                }
                assert_int_equal(render_end(render), length);
                assert_memory_equal(bytes, want, length);
        }
}

static void the_question_is_repeated_as_it_stood(void **state)
{
        CLEANUP_FREE struct render *render = render_new();
        CLEANUP(wire_record_free)
        struct record record = wire_record("eXample.", TYPE_NS, 1,
                "07655861"
                "6d706c6500");
        size_t length;
        CLEANUP_FREE uint8_t *query = wire_from_hex("abcd00000001000000000000"
                                                    "076558616d706c650000060001",
                &length);
        struct request request;
        uint8_t bytes[512];

        (void)state;
        assert_int_equal(request_parse(query, length, false, &request), MESSAGE_OK);
        render_begin(render, bytes, sizeof(bytes), request.id, FLAG_QR);
        assert_int_equal(render_question(render, &request), RENDER_OK);
        assert_int_equal(render_record(render, RENDER_ANSWER, &record), RENDER_OK);
        assert_int_equal(render_end(render), length + 14);
        assert_memory_equal(bytes, "\xAB\xCD\x80\0\0\1\0\1\0\0\0\0", 12);
        assert_memory_equal(bytes + 12, query + 12, length - 12);
        assert_memory_equal(bytes + length, "\xC0\x0C\0\2\0\1\0\0\0\1\0\2\xC0\x0C", 14);
        request.qname_length = 0;
        render_begin(render, bytes, 12, 1, 0);
        assert_int_equal(render_question(render, &request), RENDER_OK);
        assert_int_equal(render_end(render), 12);
        request.qname_length = 9;
        render_begin(render, bytes, 24, 1, 0);
        assert_int_equal(render_question(render, &request), RENDER_FULL);
        assert_int_equal(render_end(render), 12);
}

/* A leaf: no question; and letter case is kept, so names that differ in it share only the labels that agree.
 */
static void case_is_kept(void **state)
{
        static const char *const owners[] = {
                "www.Example.", "WWW.Example.", "www.example.", "www.Example.", "www.Example."};
        static const char want[] = "000084000000000500000000"
                                   "0377777707"
                                   "4578616d706c6500"
                                   "00010001"
                                   "00000001"
                                   "0004"
                                   "c0000201"
                                   "03575757c010"
                                   "00010001"
                                   "00000001"
                                   "0004"
                                   "c0000201"
                                   "0377777707"
                                   "6578616d706c6500"
                                   "00010001"
                                   "00000001"
                                   "0004"
                                   "c0000201"
                                   "c00c"
                                   "00010001"
                                   "00000001"
                                   "0004"
                                   "c0000201"
                                   "c00c"
                                   "00010001"
                                   "00000001"
                                   "0004"
                                   "c0000201";
        CLEANUP_FREE struct render *render = render_new();
        size_t length;
        CLEANUP_FREE uint8_t *wanted = wire_from_hex(want, &length);
        uint8_t bytes[512];

        (void)state;
        render_begin(render, bytes, sizeof(bytes), 0, FLAG_QR | FLAG_AA);
        for (size_t i = 0; i < ARRAY_SIZE(owners); i++) {
                CLEANUP(wire_record_free)
                struct record record = wire_record(owners[i], TYPE_A, 1, "c0000201");

                assert_int_equal(render_record(render, RENDER_ANSWER, &record), RENDER_OK);
        }
        assert_int_equal(render_end(render), length);
        assert_memory_equal(bytes, wanted, length);
}

/* RFC 3597 s.4: names in the RDATA of later types stay whole; RFC 1035's are compressed. */
static void which_names_are_compressed(void **state)
{
        static const struct {
                uint16_t type;
                const char *rdata;
                uint16_t size; /* after compression: the owner x. is known */
        } cases[] = {{TYPE_NS, "017800", 2}, {TYPE_MX, "0001017800", 4}, {TYPE_PTR, "0179017800", 4},
                {14, "017800017800", 4},
                {TYPE_SOA,
                        "017800017800"
                        "0000000000000000000000000000000000000000",
                        24},
                {TYPE_SRV, "000000000000017800", 9}, {TYPE_DNAME, "017800", 3}, {TYPE_SVCB, "0001017800", 5},
                {17, "017800017800", 6}, {36, "0001017800", 5}, {TYPE_NAPTR, "00000000000000017800", 10},
                {TYPE_RRSIG, "000105010000000000000000000000000000017800ff", 22}, {TYPE_NS, "00", 1},
                {TYPE_NS, "0178", 2}, {TYPE_MX, "00", 1}, {65280, "017800", 3}};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                CLEANUP_FREE struct render *render = render_new();
                CLEANUP(wire_record_free)
                struct record record = wire_record("x.", cases[i].type, 1, cases[i].rdata);
                uint8_t bytes[512];

                render_begin(render, bytes, sizeof(bytes), 0, 0);
                assert_int_equal(render_record(render, RENDER_ANSWER, &record), RENDER_OK);
                assert_int_equal(read_u16(bytes + 12 + 3 + 8), cases[i].size);
                assert_int_equal(render_end(render), 12u + 3 + 10 + cases[i].size);
        }
}

static uint32_t random_state = 5;

static uint32_t next_random(uint32_t bound)
{
        random_state = random_state * 1664525u + 1013904223u;
        return (random_state >> 8) % bound;
}

static size_t random_name(uint8_t *out)
{
        size_t at = 0;

        for (unsigned n = next_random(5); n > 0; n--) {
                uint8_t length = (uint8_t)(1 + next_random(3));

                out[at++] = length;
                for (unsigned i = 0; i < length; i++)
                        out[at++] = (uint8_t) "aAb\xC0"[next_random(4)];
        }
        out[at] = 0;
        return at + 1;
}

static struct record random_record(uint8_t owner[static 64], uint8_t rdata[static 256])
{
        static const uint16_t types[] = {TYPE_NS, TYPE_MX, TYPE_SOA, TYPE_TXT, TYPE_SRV, TYPE_NAPTR};
        struct record record = {
                .owner = owner, .rdata = rdata, .ttl = next_random(9), .type = types[next_random(6)]};
        size_t at = 0;

        if (next_random(3) > 0)
                random_name(owner);
        memset(rdata, 0, 256);
        switch (record.type) {
        case TYPE_MX:
                at = 2 + random_name(rdata + 2);
                break;
        case TYPE_SRV:
                at = 6 + random_name(rdata + 6);
                break;
        case TYPE_NAPTR:
                at = 7 + random_name(rdata + 7);
                break;
        case TYPE_SOA:
                at = random_name(rdata);
                at += random_name(rdata + at) + 20;
                break;
        case TYPE_TXT:
                rdata[0] = (uint8_t)next_random(255);
                at = 1u + rdata[0];
                break;
        default:
                at = random_name(rdata);
                break;
        }
        record.rdata_length = (uint16_t)at;
        return record;
}

static void walk_finds(const uint8_t *bytes, size_t length, const struct record_list *want)
{
        CLEANUP(arena_free) struct arena arena = {0};
        struct message_walk walk;
        struct record record;

        assert_int_equal(message_walk_begin(&walk, bytes, length), 0);
        for (size_t i = 0; i < want->count; i++) {
                assert_int_equal(message_walk_next(&walk, &arena, &record), 0);
                assert_true(record_is_identical(&record, &want->items[i]));
        }
        assert_int_equal(message_walk_next(&walk, &arena, &record), 1);
        assert_int_equal(walk.offset, length);
}

/* Random records at every limit: what went in comes out, a record that did not fit leaves no trace, and
 * smaller ones still go in. Memory behind the limit is not touched (the buffer has just that size), and holds
 * garbage before. */
static void round_trips(void **state)
{
        CLEANUP_FREE struct render *render = render_new();

        (void)state;
        for (unsigned round = 0; round < 1500; round++) {
                size_t limit = round < 1200 ? 12 + round : round % 2 ? 65535 : 20000, length;
                CLEANUP(arena_free) struct arena arena = {0};
                CLEANUP(record_list_free) struct record_list taken = {0};
                CLEANUP_FREE uint8_t *bytes = malloc(limit);
                uint8_t owner[64] = {0}, rdata[256];

                if (round >= 1200 && round % 50)
                        continue;
                memset(bytes, round % 2 ? 0xC0 : 1, limit);
                render_begin(render, bytes, limit, 0, 0);
                for (unsigned failures = 0; failures < 8;) {
                        struct record record = random_record(owner, rdata), copy;

                        if (render_record(render, RENDER_ANSWER, &record) == RENDER_FULL) {
                                failures++;
                                continue;
                        }
                        assert_int_equal(record_copy(&arena, &record, &copy), 0);
                        assert_int_equal(record_list_add(&taken, &copy), 0);
                }
                length = render_end(render);
                assert_true(length <= limit);
                walk_finds(bytes, length, &taken);
        }
}

/* A record that did not fit leaves the message able to give the very same octets as one that never saw it. */
static void a_failure_leaves_no_trace(void **state)
{
        CLEANUP_FREE struct render *tried = render_new(), *plain = render_new();

        (void)state;
        for (unsigned round = 0; round < 300; round++) {
                uint8_t tried_bytes[600], plain_bytes[600], owner[64] = {0}, rdata[256];

                render_begin(tried, tried_bytes, 300, 0, 0);
                render_begin(plain, plain_bytes, 600, 0, 0);
                for (unsigned i = 0; i < 40; i++) {
                        struct record record = random_record(owner, rdata);
                        size_t before = tried->length;

                        if (render_record(tried, RENDER_ANSWER, &record) == RENDER_FULL) {
                                assert_int_equal(tried->length, before);
                                tried->limit += 1;
                                continue;
                        }
                        assert_int_equal(render_record(plain, RENDER_ANSWER, &record), RENDER_OK);
                }
                assert_int_equal(render_end(tried), render_end(plain));
                assert_memory_equal(tried_bytes, plain_bytes, tried->length);
        }
}

/* Names past 0x3FFF are no target; those before stay one. */
static void large_messages(void **state)
{
        CLEANUP_FREE struct render *render = render_new();
        CLEANUP_FREE uint8_t *bytes = malloc(65535);
        CLEANUP(arena_free) struct arena arena = {0};
        CLEANUP(record_list_free) struct record_list taken = {0};
        size_t length;

        (void)state;
        render_begin(render, bytes, 1 << 20, 0, 0);
        assert_int_equal(render->limit, 65535);
        for (unsigned i = 0;; i++) {
                char text[32];
                struct record copy;

                snprintf(text, sizeof(text), "a%u.b%u.example.", i / 2, i % 7);
                CLEANUP(wire_record_free)
                struct record record = wire_record(text, TYPE_CNAME, 1, "0162076578616d706c6500");

                if (render_record(render, RENDER_ANSWER, &record) == RENDER_FULL)
                        break;
                assert_int_equal(record_copy(&arena, &record, &copy), 0);
                assert_int_equal(record_list_add(&taken, &copy), 0);
        }
        length = render_end(render);
        assert_true(length > 65500 && taken.count > 2000);
        walk_finds(bytes, length, &taken);
}

static void opt(void **state)
{
        CLEANUP_FREE struct render *render = render_new();
        uint8_t bytes[64];
        struct request request;

        (void)state;
        render_begin(render, bytes, sizeof(bytes), 1, FLAG_QR);
        assert_int_equal(render_opt(render, 1232, true, RCODE_BADVERS, EDE_PROHIBITED, "no"), RENDER_OK);
        assert_int_equal(render_end(render), 12 + 11 + 8);
        assert_memory_equal(bytes + 12, "\0\0\x29\x04\xD0\1\0\x80\0\0\x08\0\x0F\0\4\0\x12no", 19);
        assert_int_equal(request_parse(bytes, 31, true, &request), MESSAGE_OK);
        assert_int_equal(request.rcode, RCODE_BADVERS);
        assert_true(request.dnssec_ok);
        render_begin(render, bytes, 12 + 11, 1, FLAG_QR);
        assert_int_equal(render_opt(render, 1232, false, 0, EDE_OTHER, NULL), RENDER_FULL);
        assert_int_equal(render_opt(render, 1232, false, 0, EDE_NONE, "unused"), RENDER_OK);
        assert_int_equal(render_end(render), 23);
        assert_int_equal(request_parse(bytes, 23, true, &request), MESSAGE_OK);
        assert_false(request.dnssec_ok);
}

/* Slots of messages long gone stay gone when the generation starts over. */
static void generations_wrap(void **state)
{
        CLEANUP_FREE struct render *render = render_new();
        CLEANUP(wire_record_free) struct record record = wire_record("name.example.", TYPE_A, 1, "c0000201");
        uint8_t bytes[64];

        (void)state;
        for (unsigned i = 0; i < 2; i++) {
                render_begin(render, bytes, sizeof(bytes), 0, 0);
                assert_int_equal(render_record(render, RENDER_ANSWER, &record), RENDER_OK);
                assert_int_equal(render_end(render), 12 + record_wire_size(&record));
                render->generation = UINT32_MAX;
        }
        assert_int_equal(bytes[12], 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(same_octets_as_dnspython),
                cmocka_unit_test(the_question_is_repeated_as_it_stood),
                cmocka_unit_test(case_is_kept),
                cmocka_unit_test(which_names_are_compressed),
                cmocka_unit_test(round_trips),
                cmocka_unit_test(a_failure_leaves_no_trace),
                cmocka_unit_test(large_messages),
                cmocka_unit_test(opt),
                cmocka_unit_test(generations_wrap),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
