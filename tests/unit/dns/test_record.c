#include "wire.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/crew.h"
#include "dns/digest.h"
#include "dns/serial.h"
#include "dns/type.h"
#include "vectors.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

static void equality(void **state)
{
        CLEANUP(wire_record_free) struct record lower = wire_record("a.example.", TYPE_MX, 300, "000a016100");
        CLEANUP(wire_record_free) struct record upper = wire_record("A.example.", TYPE_MX, 600, "000a014100");
        CLEANUP(wire_record_free) struct record other = wire_record("a.example.", TYPE_MX, 300, "000b016100");
        /* The preference 0x0041 is no letter. */
        CLEANUP(wire_record_free)
        struct record number = wire_record("a.example.", TYPE_MX, 300, "0041016100");
        CLEANUP(wire_record_free)
        struct record folded = wire_record("a.example.", TYPE_MX, 300, "0061016100");

        (void)state;
        assert_true(record_is_same(&lower, &upper));
        assert_false(record_is_identical(&lower, &upper));
        assert_true(record_is_identical(&lower, &lower));
        assert_true(record_is_same_rrset(&lower, &other));
        assert_false(record_is_same(&lower, &other));
        assert_true(record_compare(&lower, &other) < 0);
        assert_int_equal(record_compare(&lower, &upper), 0);
        assert_false(record_is_same(&number, &folded));
        assert_int_equal(record_wire_size(&lower), 11 + 10 + 5);
}

/* Case of names counts where RFC 4034 s.6.2, mended by RFC 6840 s.5.1, does not fold. */
static void folding_by_type(void **state)
{
        static const struct {
                uint16_t type;
                const char *lower, *upper;
                bool is_same;
        } cases[] = {
                {TYPE_NS, "016100", "014100", true},
                {TYPE_TXT, "0161", "0141", false},
                {TYPE_A, "61616161", "41414141", false},
                {TYPE_SRV, "006100610061016100", "006100610061014100", true},
                {TYPE_SRV, "006100610061016100", "004100610061016100", false},
                {TYPE_SOA,
                        "016100016200"
                        "6161616161616161616161616161616161616161",
                        "014100014200"
                        "6161616161616161616161616161616161616161",
                        true},
                {TYPE_SOA,
                        "016100016200"
                        "6161616161616161616161616161616161616161",
                        "016100016200"
                        "4161616161616161616161616161616161616161",
                        false},
                {TYPE_NAPTR,
                        "00610061"
                        "0161"
                        "0161"
                        "0161"
                        "016100",
                        "00610061"
                        "0161"
                        "0161"
                        "0161"
                        "014100",
                        true},
                {TYPE_NAPTR,
                        "00610061"
                        "0161"
                        "0161"
                        "0161"
                        "016100",
                        "00610061"
                        "0161"
                        "0161"
                        "0141"
                        "016100",
                        false},
                {TYPE_NSEC,
                        "016100"
                        "000140",
                        "014100"
                        "000140",
                        false},
                {TYPE_RRSIG,
                        "000105020000000000000000000000000000"
                        "016100"
                        "61",
                        "000105020000000000000000000000000000"
                        "014100"
                        "61",
                        false},
                {TYPE_SIG,
                        "000105020000000000000000000000000000"
                        "016100"
                        "61",
                        "000105020000000000000000000000000000"
                        "014100"
                        "61",
                        true},
                {TYPE_SIG,
                        "000105020000000000000000000000000000"
                        "016100"
                        "61",
                        "000105020000000000000000000000000000"
                        "016100"
                        "41",
                        false},
                {TYPE_SVCB, "0001016100", "0001014100", false},
                {TYPE_DNAME, "016100", "014100", true},
                {26, "0061016100016200", "0061014100014200", true},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                CLEANUP(wire_record_free)
                struct record lower = wire_record("x.", cases[i].type, 1, cases[i].lower);
                CLEANUP(wire_record_free)
                struct record upper = wire_record("x.", cases[i].type, 1, cases[i].upper);

                if (record_is_same(&lower, &upper) != cases[i].is_same)
                        fail_msg("type %u, case %zu", cases[i].type, i);
                assert_int_equal(record_compare(&lower, &upper) == 0, cases[i].is_same);
        }
}

static void rrsigs_go_by_the_type_they_cover(void **state)
{
        CLEANUP(wire_record_free) struct record a = wire_record("x.", TYPE_RRSIG, 1, "0001");
        CLEANUP(wire_record_free) struct record mx = wire_record("x.", TYPE_RRSIG, 1, "000f");
        CLEANUP(wire_record_free) struct record cut = wire_record("x.", TYPE_RRSIG, 1, "00");

        (void)state;
        assert_int_equal(record_covered_type(&mx), TYPE_MX);
        assert_int_equal(record_covered_type(&cut), TYPE_RRSIG);
        assert_false(record_is_same_rrset(&a, &mx));
}

static void copies_own_their_octets(void **state)
{
        CLEANUP(arena_free) struct arena arena = {0};
        CLEANUP(wire_record_free) struct record record = wire_record("x.", TYPE_A, 1, "c0000201");
        struct record copy;

        (void)state;
        assert_int_equal(record_copy(&arena, &record, &copy), 0);
        assert_true(copy.owner != record.owner && copy.rdata != record.rdata);
        assert_true(record_is_identical(&record, &copy));
}

static void soa(void **state)
{
        size_t length;
        CLEANUP_FREE uint8_t *rdata = wire_from_hex("016d00"
                                                    "0172"
                                                    "00"
                                                    "00000001000000020000000300000004ffffffff",
                &length);
        struct soa parsed;

        (void)state;
        assert_int_equal(soa_parse(rdata, length, &parsed), 0);
        assert_int_equal(parsed.serial, 1);
        assert_int_equal(parsed.expire, 4);
        assert_int_equal(parsed.minimum, UINT32_MAX);
        assert_ptr_equal(parsed.rname, rdata + 3);
        assert_int_equal(SOA_SERIAL_OFFSET(length), 6);
        assert_int_equal(soa_parse(rdata, length - 1, &parsed), -EBADMSG);
        assert_int_equal(soa_parse(rdata, 3, &parsed), -EBADMSG);
        assert_int_equal(soa_parse(rdata, 0, &parsed), -EBADMSG);
}

static uint32_t random_state;

static uint32_t next_random(uint32_t bound)
{
        random_state = random_state * 1664525u + 1013904223u;
        return (random_state >> 8) % bound;
}

/* A record below example., of few different labels and values, so that owners, RRsets and duplicates meet. */
static struct record random_record(struct arena *arena, unsigned labels, unsigned variety)
{
        static const char octets[] = "aAbB\0\1z-";
        static const uint16_t types[] = {TYPE_A, TYPE_TXT, TYPE_MX, TYPE_NS};
        uint8_t name[NAME_MAX_LENGTH], rdata[5];
        size_t at = 0;
        struct record record = {.ttl = next_random(2), .type = types[next_random(4)], .rdata_length = 5};

        for (unsigned n = next_random(labels + 1); n > 0; n--) {
                uint8_t length = (uint8_t)(1 + next_random(variety));

                name[at++] = length;
                for (unsigned i = 0; i < length; i++)
                        name[at++] = (uint8_t)octets[next_random(8)];
        }
        memcpy(name + at, "\7eXample", 9);
        for (size_t i = 0; i < sizeof(rdata); i++)
                rdata[i] = (uint8_t)octets[next_random(8)];
        if (record.type == TYPE_MX)
                memcpy(rdata + 2, next_random(2) ? "\1a" : "\1A", 3);
        if (record.type == TYPE_NS)
                memcpy(rdata, "\3", 1), rdata[4] = 0;
        record.owner = arena_copy(arena, name, at + 9);
        record.rdata = arena_copy(arena, rdata, sizeof(rdata));
        return record;
}

static int reference_compare(const void *left_pointer, const void *right_pointer)
{
        const struct record *left = left_pointer, *right = right_pointer;
        int order = record_compare(left, right);

        if (order == 0)
                order = memcmp(left->owner, right->owner, name_length(left->owner));
        if (order == 0)
                order = memcmp(left->rdata, right->rdata, left->rdata_length);
        return order ? order : (left->ttl > right->ttl) - (left->ttl < right->ttl);
}

/* The radix sort against qsort by comparing, over sizes on both sides of its thresholds; then sorted again,
 * and reversed. */
static void sorting(void **state)
{
        static const struct {
                size_t count;
                unsigned labels, variety;
        } cases[] = {{2, 2, 2}, {30, 1, 1}, {599, 3, 3}, {2000, 1, 1}, {3000, 3, 2}, {5000, 6, 4},
                {4000, 2, 30}, {3000, 0, 1}};
        CLEANUP_FREE uint8_t *apex = wire_name("example.");

        (void)state;
        random_state = 1;
        for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
                CLEANUP(arena_free) struct arena arena = {0};
                CLEANUP(record_list_free) struct record_list list = {0}, want = {0};

                for (size_t i = 0; i < cases[n].count; i++) {
                        struct record record = random_record(&arena, cases[n].labels, cases[n].variety);

                        assert_int_equal(record_list_add(&list, &record), 0);
                        assert_int_equal(record_list_add(&want, &record), 0);
                }
                qsort(want.items, want.count, sizeof(*want.items), reference_compare);
                for (unsigned round = 0; round < 3; round++) {
                        assert_int_equal(record_list_sort(&list, apex, NULL), 0);
                        for (size_t i = 0; i < list.count; i++)
                                assert_int_equal(reference_compare(&list.items[i], &want.items[i]), 0);
                        if (round == 1)
                                for (size_t i = 0; i < list.count / 2; i++) {
                                        struct record record = list.items[i];

                                        list.items[i] = list.items[list.count - 1 - i];
                                        list.items[list.count - 1 - i] = record;
                                }
                }
        }
}

/* With a crew a large list is cut in parts: the same order, the same digest, whether it was in order or not.
 */
static void sorting_with_a_crew(void **state)
{
        CLEANUP_FREE uint8_t *apex = wire_name("example.");

        (void)state;
        random_state = 7;
        for (unsigned threads = 1; threads <= 3; threads++) {
                CLEANUP(arena_free) struct arena arena = {0};
                CLEANUP(record_list_free) struct record_list list = {0}, want = {0};
                struct digest one = {0}, many = {0};
                struct crew *crew;

                assert_int_equal(crew_new(threads, &crew), 0);
                for (size_t i = 0; i < 70000; i++) {
                        struct record record =
                                random_record(&arena, 1 + (unsigned)(i % 3), threads == 3 ? 2 : 26);

                        assert_int_equal(record_list_add(&list, &record), 0);
                        assert_int_equal(record_list_add(&want, &record), 0);
                }
                assert_int_equal(record_list_sort(&want, apex, NULL), 0);
                assert_int_equal(digest_add_list(&one, &want, NULL), 0);
                for (unsigned round = 0; round < 2; round++) {
                        assert_int_equal(record_list_sort(&list, apex, crew), 0);
                        assert_int_equal(list.count, want.count);
                        for (size_t i = 0; i < list.count; i++)
                                assert_int_equal(reference_compare(&list.items[i], &want.items[i]), 0);
                }
                assert_int_equal(digest_add_list(&many, &list, crew), 0);
                assert_memory_equal(&one, &many, sizeof(one));
                assert_int_equal(digest_remove_list(&many, &want, crew), 0);
                assert_memory_equal(&many, &(struct digest){0}, sizeof(many));
                crew_free(crew);
        }
}

/* The order that dnspython gives to names, from the back. */
static void sorting_names(void **state)
{
        CLEANUP(arena_free) struct arena arena = {0};
        CLEANUP(record_list_free) struct record_list list = {0};
        CLEANUP_FREE uint8_t *apex = wire_name("example.");

        (void)state;
        for (size_t i = ARRAY_SIZE(names_in_order); i-- > 0;) {
                CLEANUP(wire_record_free)
                struct record record = wire_record(names_in_order[i], TYPE_A, 1, "c0000201");
                struct record copy;

                assert_int_equal(record_copy(&arena, &record, &copy), 0);
                assert_int_equal(record_list_add(&list, &copy), 0);
        }
        assert_int_equal(record_list_sort(&list, apex, NULL), 0);
        for (size_t i = 0; i < list.count; i++) {
                CLEANUP_FREE uint8_t *name = wire_name(names_in_order[i]);

                assert_true(name_identical(list.items[i].owner, name));
        }
}

static void serials(void **state)
{
        (void)state;
        assert_int_equal(serial_compare(5, 5), SERIAL_EQUAL);
        assert_int_equal(serial_compare(6, 5), SERIAL_AHEAD);
        assert_int_equal(serial_compare(5, 6), SERIAL_BEHIND);
        assert_int_equal(serial_compare(0, 0xFFFFFFFF), SERIAL_AHEAD);
        assert_int_equal(serial_compare(0x80000000, 0), SERIAL_UNDEFINED);
        assert_int_equal(serial_compare(0x7FFFFFFF, 0), SERIAL_AHEAD);
        assert_int_equal(serial_compare(0x80000001, 0), SERIAL_BEHIND);
        assert_false(serial_is_ahead(0x80000000, 0));
        assert_int_equal(serial_add(0xFFFFFFFF, 1), 1);
        assert_int_equal(serial_add(0xFFFFFFFF, 2), 1);
        assert_int_equal(serial_add(1, 0x7FFFFFFF), 0x80000000);
}

/* SHA-256 of "\1x\0" 0001 00000001 0004 c0000201, by Python's hashlib. */
static void digest_of_one_record(void **state)
{
        CLEANUP(wire_record_free) struct record record = wire_record("x.", TYPE_A, 1, "c0000201");
        struct digest digest = {0};
        size_t length;
        CLEANUP_FREE uint8_t *want =
                wire_from_hex("709fd465eadcb31f7a4ef2dfc689b42e7a3cf3fd3161173d1d9c163b7b369142", &length);

        (void)state;
        assert_int_equal(digest_add(&digest, &record), 0);
        assert_memory_equal(digest.bytes, want, DIGEST_SIZE);
}

/* As EVP hashes it, whatever the number of blocks. */
static void digest_of_every_length(void **state)
{
        static const uint8_t owner[] = "\5owner\7example";
        uint8_t text[sizeof(owner) + 8 + 700], want[DIGEST_SIZE];

        (void)state;
        memcpy(text, owner, sizeof(owner));
        for (size_t i = 0; i < 700; i++)
                text[sizeof(owner) + 8 + i] = (uint8_t)(i * 7 + 1);
        for (size_t length = 0; length <= 700; length++) {
                const struct record record = {.owner = owner,
                        .rdata = text + sizeof(owner) + 8,
                        .rdata_length = (uint16_t)length,
                        .type = TYPE_TXT,
                        .ttl = 0x01020304};
                struct digest digest = {0};

                write_u16(text + sizeof(owner), record.type);
                write_u32(text + sizeof(owner) + 2, record.ttl);
                write_u16(text + sizeof(owner) + 6, record.rdata_length);
                assert_int_equal(
                        EVP_Digest(text, sizeof(owner) + 8 + length, want, NULL, EVP_sha256(), NULL), 1);
                assert_int_equal(digest_add(&digest, &record), 0);
                assert_memory_equal(digest.bytes, want, DIGEST_SIZE);
        }
}

static void digest_moves_back_and_forth(void **state)
{
        CLEANUP(arena_free) struct arena arena = {0};
        struct digest forward = {0}, backward = {0}, nothing = {0};
        struct record records[50];

        (void)state;
        random_state = 7;
        for (size_t i = 0; i < 50; i++)
                records[i] = random_record(&arena, 3, 3);
        for (size_t i = 0; i < 50; i++) {
                assert_int_equal(digest_add(&forward, &records[i]), 0);
                assert_int_equal(digest_add(&backward, &records[49 - i]), 0);
        }
        assert_memory_equal(&forward, &backward, sizeof(forward));
        for (size_t i = 0; i < 50; i++)
                assert_int_equal(digest_remove(&forward, &records[i]), 0);
        assert_memory_equal(&forward, &nothing, sizeof(forward));
}

static void digest_leaves_out_the_serial_alone(void **state)
{
        static const char *const rdata[] = {"0000"
                                            "00000001"
                                            "00000002000000030000000400000005",
                "0000"
                "ffffffff"
                "00000002000000030000000400000005",
                "0000"
                "00000001"
                "00000003000000030000000400000005"};
        struct digest digests[3] = {0};

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                CLEANUP(wire_record_free) struct record record = wire_record("x.", TYPE_SOA, 1, rdata[i]);

                assert_int_equal(digest_add(&digests[i], &record), 0);
        }
        assert_memory_equal(&digests[0], &digests[1], sizeof(digests[0]));
        assert_memory_not_equal(&digests[0], &digests[2], sizeof(digests[0]));
}

/* One piece and several give the same: RDATA around the size where the way changes, against a digest of
 * pieces. */
static void digest_of_large_records(void **state)
{
        static uint8_t rdata[400];
        struct record record = {.owner = (const uint8_t *)"\1x", .rdata = rdata, .ttl = 1, .type = TYPE_TXT};
        struct digest digests[3] = {0};
        size_t length;
        CLEANUP_FREE uint8_t *want =
                wire_from_hex("efb59b18ebd26f63d235f35c8035b614b9d5ee4af00852538fb81ebdb25ae6e4"
                              "fd1734b8de12404312e5041bd42ed2bd3d1fdad785023da547092261e311fc02"
                              "d1b57674242ea3d50e2dba637de0fe5bdaa4179eacb31e5b1beb99ca15ac0fd1",
                        &length);

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                record.rdata_length = (uint16_t)(309 + i); /* 3 + 8 + 309 = 320 */
                assert_int_equal(digest_add(&digests[i], &record), 0);
                assert_memory_equal(digests[i].bytes, want + i * DIGEST_SIZE, DIGEST_SIZE);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(equality),
                cmocka_unit_test(folding_by_type),
                cmocka_unit_test(rrsigs_go_by_the_type_they_cover),
                cmocka_unit_test(copies_own_their_octets),
                cmocka_unit_test(soa),
                cmocka_unit_test(sorting),
                cmocka_unit_test(sorting_with_a_crew),
                cmocka_unit_test(sorting_names),
                cmocka_unit_test(serials),
                cmocka_unit_test(digest_of_one_record),
                cmocka_unit_test(digest_of_every_length),
                cmocka_unit_test(digest_moves_back_and_forth),
                cmocka_unit_test(digest_leaves_out_the_serial_alone),
                cmocka_unit_test(digest_of_large_records),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
