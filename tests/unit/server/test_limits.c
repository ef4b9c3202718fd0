/* Buckets and the table of peers. */
#include "server/limits.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_bucket(void **state)
{
        (void)state;
        struct bucket bucket = {0};
        uint64_t now = 5 * USEC_PER_SEC;
        for (unsigned i = 0; i < 3; i++)
                assert_true(bucket_take(&bucket, now, USEC_PER_SEC, 3));
        assert_false(bucket_take(&bucket, now, USEC_PER_SEC, 3));
        now += USEC_PER_SEC; /* one more each interval */
        assert_true(bucket_take(&bucket, now, USEC_PER_SEC, 3));
        assert_false(bucket_take(&bucket, now, USEC_PER_SEC, 3));
        now += 100 * USEC_PER_SEC; /* and never more than the burst */
        for (unsigned i = 0; i < 3; i++)
                assert_true(bucket_take(&bucket, now, USEC_PER_SEC, 3));
        assert_false(bucket_take(&bucket, now, USEC_PER_SEC, 3));
}

static void test_shared_bucket(void **state)
{
        (void)state;
        struct shared_bucket bucket = {0};
        assert_false(shared_bucket_take(&bucket, USEC_PER_SEC, 0));
        for (unsigned i = 0; i < 100; i++)
                assert_true(shared_bucket_take(&bucket, USEC_PER_SEC, 100));
        assert_false(shared_bucket_take(&bucket, USEC_PER_SEC, 100));
        assert_true(shared_bucket_take(&bucket, USEC_PER_SEC + 10 * USEC_PER_MSEC, 100));
}

static struct address address_of(const char *text)
{
        struct address address;
        assert_int_equal(address_parse(text, &address), 0);
        return address;
}

/* An IPv4 address is a peer, an IPv6 /56 is one; ports do not count. */
static void test_peers(void **state)
{
        (void)state;
        struct peers *peers = calloc(1, sizeof(*peers));
        assert_non_null(peers);
        peers_begin(peers);
        struct address v4 = address_of("192.0.2.1"), v4_other = address_of("192.0.2.2"),
                       v6 = address_of("2001:db8:1:200::1"), v6_same = address_of("2001:db8:1:2ff:1::9"),
                       v6_other = address_of("2001:db8:1:300::1");
        struct peer *first = peers_get(peers, &v4, 10);
        v4.port = 4242;
        assert_ptr_equal(peers_get(peers, &v4, 11), first);
        assert_ptr_not_equal(peers_get(peers, &v4_other, 12), first);
        struct peer *second = peers_get(peers, &v6, 13);
        assert_ptr_equal(peers_get(peers, &v6_same, 14), second);
        assert_ptr_not_equal(peers_get(peers, &v6_other, 15), second);
        free(peers);
}

/* A flood of sources finds its places, and the table does not grow. */
static void test_peers_are_bounded(void **state)
{
        (void)state;
        struct peers *peers = calloc(1, sizeof(*peers));
        assert_non_null(peers);
        peers_begin(peers);
        struct address address = address_of("10.0.0.0");
        for (unsigned i = 1; i < 100000; i++) {
                address.bytes[1] = (uint8_t)(i >> 16);
                address.bytes[2] = (uint8_t)(i >> 8);
                address.bytes[3] = (uint8_t)i;
                struct peer *peer = peers_get(peers, &address, i);
                assert_int_equal(peer->seen_usec, i);
                assert_int_equal(peer->unlogged, 0);
                peer->unlogged = i;
                assert_ptr_equal(peers_get(peers, &address, i), peer);
        }
        free(peers);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bucket),
                cmocka_unit_test(test_shared_bucket),
                cmocka_unit_test(test_peers),
                cmocka_unit_test(test_peers_are_bounded),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
