#include "wire.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "vectors.h"

#include <errno.h>
#include <stdio.h>

static void text_of_every_type(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rdata_vectors); i++) {
                CLEANUP(buffer_free) struct buffer text = {0};
                size_t length;
                CLEANUP_FREE uint8_t *rdata = wire_from_hex(rdata_vectors[i].hex, &length);
                uint16_t type = (uint16_t)rdata_vectors[i].type;

                assert_true(rdata_is_wellformed(type, rdata, length));
                rdata_to_text(type, rdata, length, &text);
                assert_string_equal(buffer_text(&text), rdata_vectors[i].text);
        }
}

/* Every prefix of every RDATA, and one octet too many, on the exact heap size: no read behind it, and the
 * same verdict from both functions. What is not well-formed comes out as \#. */
static void cut_rdata_is_survived(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rdata_vectors); i++) {
                uint16_t type = (uint16_t)rdata_vectors[i].type;
                size_t length;
                CLEANUP_FREE uint8_t *rdata = wire_from_hex(rdata_vectors[i].hex, &length);

                for (size_t cut = 0; cut <= length + 1; cut++) {
                        CLEANUP(buffer_free) struct buffer text = {0};
                        CLEANUP_FREE uint8_t *part = calloc(1, cut ? cut : 1);
                        struct rdata_name names[RDATA_NAMES_MAX];
                        bool ok;

                        memcpy(part, rdata, cut < length ? cut : length);
                        ok = rdata_is_wellformed(type, part, cut);
                        rdata_to_text(type, part, cut, &text);
                        if (!ok)
                                assert_memory_equal(buffer_text(&text), "\\# ", 3);
                        assert_int_equal(rdata_names(type, part, cut, names) >= 0, ok);
                }
        }
}

static const struct {
        uint16_t type;
        const char *hex;
        const char *why;
} malformed[] = {
        {TYPE_A, "c00002", "three octets"},
        {TYPE_A, "c0000201ff", "five octets"},
        {TYPE_NS, "c00c", "a pointer"},
        {TYPE_MX, "000a", "no name"},
        {TYPE_TXT, "", "no string"},
        {TYPE_TXT, "0561", "a string past the end"},
        {TYPE_CAA, "00006161", "an empty tag"},
        {TYPE_CAA, "0003612d6278", "a tag with a dash"},
        {TYPE_DS, "ec450501", "no digest"},
        {TYPE_NSEC,
                "00"
                "0000",
                "an empty window"},
        {TYPE_NSEC,
                "00"
                "000100",
                "a zero octet at a window's end"},
        {TYPE_NSEC,
                "00"
                "010140"
                "000140",
                "windows that descend"},
        {TYPE_NSEC,
                "00"
                "0021"
                "010101010101010101010101010101010101010101010101010101010101010101",
                "a window of 33 octets"},
        {TYPE_NSEC3,
                "010100000000"
                "00"
                "000140",
                "an empty hash"},
        {TYPE_APL,
                "00010801"
                "00",
                "a trailing zero octet"},
        {TYPE_APL,
                "00012101"
                "0a",
                "a prefix of 33 bits"},
        {TYPE_APL,
                "00031001"
                "0a",
                "an unknown family"},
        {TYPE_LOC, "0112121280000000800000009898968000", "17 octets"},
        {TYPE_LOC, "01121212800000008000000000989680", "another version"},
        {TYPE_LOC, "00a11212800000008000000000989680", "a mantissa of 10"},
        {TYPE_LOC, "00121212ffffffff8000000000989680", "a latitude past the pole"},
        {TYPE_SVCB,
                "000100"
                "00010000",
                "an empty alpn"},
        {TYPE_SVCB,
                "000100"
                "0003000201bb"
                "0003000201bb",
                "a key twice"},
        {TYPE_SVCB,
                "000100"
                "0003000101",
                "a port of one octet"},
        {TYPE_SVCB,
                "000100"
                "000400037f0000",
                "a hint of three octets"},
        {TYPE_SVCB,
                "000100"
                "000000020000",
                "mandatory in mandatory"},
        {TYPE_SVCB,
                "000100"
                "0002000100",
                "no-default-alpn with a value"},
        {TYPE_IPSECKEY,
                "0a0402"
                "01",
                "gateway type 4"},
        {TYPE_IPSECKEY, "0a0002", "an algorithm without key"},
        {TYPE_IPSECKEY,
                "0a0000"
                "01",
                "a key without algorithm"},
        {TYPE_AMTRELAY,
                "0a00"
                "00",
                "octets behind no relay"},
        {TYPE_HIP, "0002000101", "an empty HIT"},
        {TYPE_HIP, "010200010101c00c", "a pointer as rendezvous server"},
};

static void malformed_rdata_is_told(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
                size_t length;
                CLEANUP_FREE uint8_t *rdata = wire_from_hex(malformed[i].hex, &length);

                if (rdata_is_wellformed(malformed[i].type, rdata, length))
                        fail_msg("type %u with %s passes", malformed[i].type, malformed[i].why);
        }
}

static void names_inside(void **state)
{
        static const struct {
                uint16_t type;
                const char *hex;
                int count;
                struct rdata_name names[2];
        } cases[] = {
                {TYPE_A, "c0000201", 0, {{0}}},
                {TYPE_MX,
                        "000a"
                        "0161"
                        "00",
                        1, {{2, 3, FIELD_NAME_COMPRESSED}}},
                {TYPE_SRV,
                        "000000000000"
                        "0161"
                        "00",
                        1, {{6, 3, FIELD_NAME_FOLDED}}},
                {TYPE_SOA,
                        "016100"
                        "00"
                        "0000000000000000000000000000000000000000",
                        2, {{0, 3, FIELD_NAME_COMPRESSED}, {3, 1, FIELD_NAME_COMPRESSED}}},
                {TYPE_SVCB,
                        "0001"
                        "016100",
                        1, {{2, 3, FIELD_NAME}}},
                {TYPE_IPSECKEY,
                        "0a0302"
                        "016100"
                        "ff",
                        1, {{3, 3, FIELD_NAME}}},
                {TYPE_IPSECKEY,
                        "0a0002"
                        "ff",
                        0, {{0}}},
                {TYPE_AMTRELAY,
                        "0a83"
                        "016100",
                        1, {{2, 3, FIELD_NAME}}},
                {TYPE_HIP,
                        "01020001"
                        "aa"
                        "bb"
                        "016100"
                        "016200",
                        1, {{6, 3, FIELD_NAME}}},
                {TYPE_MX,
                        "000a"
                        "0161",
                        -EBADMSG, {{0}}},
                {65280, "0161", 0, {{0}}},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct rdata_name names[RDATA_NAMES_MAX];
                size_t length;
                CLEANUP_FREE uint8_t *rdata = wire_from_hex(cases[i].hex, &length);

                assert_int_equal(rdata_names(cases[i].type, rdata, length, names), cases[i].count);
                for (int n = 0; n < cases[i].count; n++) {
                        assert_int_equal(names[n].offset, cases[i].names[n].offset);
                        assert_int_equal(names[n].length, cases[i].names[n].length);
                        assert_int_equal(names[n].kind, cases[i].names[n].kind);
                }
        }
}

static void record_text(void **state)
{
        CLEANUP(wire_record_free)
        struct record record = wire_record("Www.example.", TYPE_MX, 300, "000a016100");
        CLEANUP(buffer_free) struct buffer text = {0};

        (void)state;
        record_to_text(&record, &text);
        assert_string_equal(buffer_text(&text), "Www.example. 300 IN MX 10 a.");
}

static void types_by_name_and_number(void **state)
{
        char text[TYPE_TEXT_MAX];
        uint16_t type;

        (void)state;
        for (unsigned i = 0; i <= UINT16_MAX; i++) {
                const struct type_info *info = type_info((uint16_t)i);

                type_to_text((uint16_t)i, text);
                assert_int_equal(type_from_text(text, strlen(text), &type), 0);
                assert_int_equal(type, i);
                assert_int_not_equal(info->fields[0], FIELD_END);
                if (info->mnemonic)
                        assert_int_equal(info->type, i);
        }
        assert_int_equal(type_from_text("mx", 2, &type), 0);
        assert_int_equal(type, TYPE_MX);
        assert_int_equal(type_from_text("tYPE1", 5, &type), 0);
        assert_int_equal(type, TYPE_A);
        assert_int_equal(type_from_text("TYPE65536", 9, &type), -EINVAL);
        assert_int_equal(type_from_text("TYPE", 4, &type), -EINVAL);
        assert_int_equal(type_from_text("TYPE1x", 6, &type), -EINVAL);
        assert_int_equal(type_from_text("AA", 2, &type), -EINVAL);
        assert_int_equal(type_from_text("", 0, &type), -EINVAL);
        assert_true(type_info(TYPE_OPT)->is_meta && type_info(TYPE_AXFR)->is_meta && type_info(200)->is_meta);
        assert_false(type_info(TYPE_A)->is_meta || type_info(65280)->is_meta);
        assert_true(type_is_signer_made(TYPE_RRSIG) && !type_is_signer_made(TYPE_DNSKEY));
}

/* RFC 4034 s.5.4: the key whose DS has the tag 60485. */
static void key_tags(void **state)
{
        static const char key[] =
                "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMm"
                "mAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==";
        uint8_t rdata[4 + sizeof(key)] = {1, 0, 3, 5};
        (void)state;
        ssize_t length = base64_decode(key, strlen(key), rdata + 4);
        assert_int_equal(length, 130);
        assert_int_equal(rdata_key_tag(rdata, 4 + (size_t)length), 60485);
        assert_int_equal(rdata_key_tag(rdata, 0), 0);
}

static void classes(void **state)
{
        uint16_t class;

        (void)state;
        assert_int_equal(class_from_text("in", 2, &class), 0);
        assert_int_equal(class, CLASS_IN);
        assert_int_equal(class_from_text("CLASS254", 8, &class), 0);
        assert_int_equal(class, CLASS_NONE);
        assert_int_equal(class_from_text("CLASS", 5, &class), -EINVAL);
        assert_int_equal(class_from_text("A", 1, &class), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(text_of_every_type),
                cmocka_unit_test(cut_rdata_is_survived),
                cmocka_unit_test(malformed_rdata_is_told),
                cmocka_unit_test(names_inside),
                cmocka_unit_test(record_text),
                cmocka_unit_test(types_by_name_and_number),
                cmocka_unit_test(key_tags),
                cmocka_unit_test(classes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
