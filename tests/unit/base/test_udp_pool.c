/* The name of an outstanding datagram: each part of it counts. */
#include "../cmocka_first.h"

#include "base/udp_pool.h"

#include <string.h>

static bool is_same(struct exchange_key left, struct exchange_key right)
{
        return memcmp(&left, &right, sizeof(left)) == 0;
}

static void each_part_counts(void **state)
{
        const struct address peer = {.family = AF_INET, .port = 53, .bytes = {192, 0, 2, 1}};
        const struct exchange_key key = exchange_key_of(&peer, 7, 0x1234);
        struct address other;

        (void)state;
        _Static_assert(sizeof(struct exchange_key) == 32, "no padding: it is a key of tables");
        assert_true(is_same(key, exchange_key_of(&peer, 7, 0x1234)));
        assert_false(is_same(key, exchange_key_of(&peer, 8, 0x1234)));
        assert_false(is_same(key, exchange_key_of(&peer, 7, 0x1235)));
        other = peer;
        other.port = 54;
        assert_false(is_same(key, exchange_key_of(&other, 7, 0x1234)));
        other = peer;
        other.bytes[3] = 2;
        assert_false(is_same(key, exchange_key_of(&other, 7, 0x1234)));
        other = peer;
        other.family = AF_INET6;
        assert_false(is_same(key, exchange_key_of(&other, 7, 0x1234)));
        other.scope = 3;
        assert_false(is_same(exchange_key_of(&other, 7, 1), exchange_key_of(&peer, 7, 1)));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_part_counts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
