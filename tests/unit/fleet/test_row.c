/* Rows as octets: what is written is read, and nothing else is. */
#include "base/buffer.h"
#include "fleet/fleet.h"
#include "fleet/row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static const struct fleet_row full = {
        .notified_usec = 1,
        .acknowledged_usec = 2,
        .soa_usec = 3,
        .transfer_usec = UINT64_MAX,
        .transfer_bytes = 1ull << 40,
        .transfer_duration_usec = 6,
        .transfer_count = 7,
        .notified_serial = 8,
        .acknowledged_serial = UINT32_MAX,
        .failures = 10,
        .soa_serial = 11,
        .transferred_serial = 12,
        .transfer_from_serial = 13,
        .transfer_kind = FLEET_TRANSFER_IXFR_WHOLE,
        .last_rcode = 9,
        .acknowledged_unsigned = true,
        .is_down = true,
};

static void assert_row_equal(const struct fleet_row *left, const struct fleet_row *right)
{
        assert_true(left->notified_usec == right->notified_usec);
        assert_true(left->acknowledged_usec == right->acknowledged_usec);
        assert_true(left->soa_usec == right->soa_usec);
        assert_true(left->transfer_usec == right->transfer_usec);
        assert_true(left->transfer_bytes == right->transfer_bytes);
        assert_true(left->transfer_duration_usec == right->transfer_duration_usec);
        assert_true(left->transfer_count == right->transfer_count);
        assert_int_equal(left->notified_serial, right->notified_serial);
        assert_int_equal(left->acknowledged_serial, right->acknowledged_serial);
        assert_int_equal(left->failures, right->failures);
        assert_int_equal(left->soa_serial, right->soa_serial);
        assert_int_equal(left->transferred_serial, right->transferred_serial);
        assert_int_equal(left->transfer_from_serial, right->transfer_from_serial);
        assert_int_equal(left->transfer_kind, right->transfer_kind);
        assert_int_equal(left->last_rcode, right->last_rcode);
        assert_int_equal(left->acknowledged_unsigned, right->acknowledged_unsigned);
        assert_int_equal(left->is_down, right->is_down);
}

static void test_round_trip(void **state)
{
        (void)state;
        const struct fleet_row empty = {.last_rcode = -1};
        const struct fleet_row *rows[] = {&full, &empty};
        for (unsigned i = 0; i < 2; i++) {
                struct buffer out = {0};
                struct fleet_row back;
                fleet_row_encode(rows[i], &out);
                assert_int_equal(buffer_status(&out), 0);
                assert_true(out.length <= sizeof(((struct fleet_write *)0)->value));
                assert_int_equal(fleet_row_decode(out.data, out.length, &back), 0);
                assert_row_equal(rows[i], &back);
                buffer_free(&out);
        }
}

static void test_foreign_octets(void **state)
{
        (void)state;
        struct buffer out = {0};
        struct fleet_row row = full;
        fleet_row_encode(&full, &out);
        for (size_t size = 0; size < out.length; size++)
                assert_int_equal(fleet_row_decode(out.data, size, &row), -EBADMSG);
        buffer_append_u8(&out, 0);
        assert_int_equal(fleet_row_decode(out.data, out.length, &row), -EBADMSG);
        out.length--;
        static const struct {
                size_t at;
                uint8_t octet;
        } wrong[] = {{0, 0}, {0, 2}, {1, 4}, {1, 0x80}, {2, 0x80}, {2, 0x10}, {4, 4}, {4, 255}};
        for (unsigned i = 0; i < 8; i++) {
                uint8_t kept = out.data[wrong[i].at];
                out.data[wrong[i].at] = wrong[i].octet;
                assert_int_equal(fleet_row_decode(out.data, out.length, &row), -EBADMSG);
                out.data[wrong[i].at] = kept;
        }
        assert_row_equal(&row, &full); /* not clobbered */
        buffer_free(&out);
}

static size_t key_of(const char *text, uint16_t port, const struct tsig_key *key, uint8_t out[FLEET_KEY_MAX])
{
        struct conf_target target = {.key = key};
        assert_int_equal(address_parse(text, &target.address), 0);
        target.address.port = port;
        return fleet_row_key(&target, out);
}

static void test_keys_differ(void **state)
{
        (void)state;
        static const struct tsig_key one = {.name = "\1a"}, two = {.name = "\1a\1b"};
        static const struct tsig_key upper = {.name = "\1A"};
        static const struct {
                const char *address;
                uint16_t port;
                const struct tsig_key *key;
        } targets[] = {
                {"192.0.2.1", 53, NULL},
                {"192.0.2.1", 54, NULL},
                {"192.0.2.2", 53, NULL},
                {"192.0.2.1", 53, &one},
                {"192.0.2.1", 53, &two},
                {"2001:db8::1", 53, NULL},
                {"2001:db8::1", 53, &one},
        };
        uint8_t left[FLEET_KEY_MAX], right[FLEET_KEY_MAX];
        for (unsigned i = 0; i < 7; i++) {
                size_t left_size = key_of(targets[i].address, targets[i].port, targets[i].key, left);
                for (unsigned n = 0; n < 7; n++) {
                        size_t right_size =
                                key_of(targets[n].address, targets[n].port, targets[n].key, right);
                        bool equal = left_size == right_size && memcmp(left, right, left_size) == 0;
                        assert_int_equal(equal, i == n);
                }
        }
        size_t size = key_of("192.0.2.1", 53, &one, left);
        assert_int_equal(key_of("192.0.2.1", 53, &upper, right), size);
        assert_memory_equal(left, right, size);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_foreign_octets),
                cmocka_unit_test(test_keys_differ),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
