/* Texts parsed in parts, and checked in spans, against the same texts parsed from one end to the other:
 * records, SOA, what is told and the chunks with their states are the same, whatever the cuts fall on. */
#include "base/buffer.h"
#include "base/crew.h"
#include "zonefile/check_zone.h"
#include "zonefile/parse_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 65536

static const uint8_t apex[] = "\7example";
static uint64_t random_state = 88172645463325252ull;

static uint32_t below(uint32_t bound)
{
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return (uint32_t)((random_state >> 16) % bound);
}

/* Lines of all kinds, among them those on which a cut goes wrong. odd: how often, of 1000. */
static size_t make_text(char *out, unsigned lines, unsigned odd)
{
        size_t n = (size_t)sprintf(out,
                "%s@ 3600 IN SOA ns.example. root.example. 1 2 3 4 5\n NS ns.example.\nns A 192.0.2.1\n",
                below(4) ? "$TTL 300\n" : "");

        for (unsigned i = 0; i < lines; i++) {
                if (below(1000) < odd) {
                        static const char *const odd_lines[] = {
                                "m%u MX ( 10\nns ; in parentheses\n )\n",
                                "q%u TXT \"a quoted\nline A 192.0.2.9\"\n",
                                "$ORIGIN sub%u\n",
                                "$ORIGIN example.\n",
                                "$TTL %u\n",
                                "; $ORIGIN comment%u.\n",
                                "t%u TXT ( \"$ORIGIN\"\n\"x\" )\n",
                                "d%u TXT ( x\n$TTL )\n",
                                "wrong%u A 300.1.1.1\n",
                                "out%u.other. A 192.0.2.7\n",
                                "@ SOA ns.example. root.example. %u 2 3 4 5\n",
                                "$GENERATE 1-3 g%u-$ A 192.0.2.$\n",
                                "t%u 77 A 192.0.2.8\n\t99 TXT inherited\n",
                                "\n\t; blank%u\n\n",
                                "h%u CNAME ns\n",
                                "h%u MX 5 h7\n",
                                "h%u 9 NS h70\n",
                                "h%u DNAME other.\na.h7 A 192.0.2.9\n",
                                "h7 DNAME other%u.\n",
                                "h%u SPF \"v=spf1 -all\"\n",
                        };
                        unsigned kind = below(sizeof(odd_lines) / sizeof(*odd_lines));
                        n += (size_t)sprintf(out + n, odd_lines[kind], below(1000));
                } else {
                        n += (size_t)sprintf(out + n, "%sh%u%s A 192.0.2.%u\n", below(9) ? "" : "; ", i,
                                below(5) ? "" : " 60", below(256));
                }
        }
        return n;
}

static int parse_text(
        const char *bytes, size_t length, struct crew *crew, struct zonefile_result *result, char *told)
{
        const struct zonefile_request request = {
                .origin = apex, .file = "z", .wants_chunks = true, .crew = crew};
        struct zone_text text = {.bytes = malloc(length + ZONEFILE_PADDING), .length = length};
        struct diag_list diags = {0};
        struct buffer out = {0};

        assert_non_null(text.bytes);
        memcpy(text.bytes, bytes, length);
        memset(text.bytes + length, '\n', ZONEFILE_PADDING);
        int r = zonefile_parse(&request, &text, &diags, result);
        for (size_t i = 0; i < diags.count; i++)
                diag_format(&diags.items[i], &out);
        snprintf(told, 4096, "%s", out.length ? buffer_text(&out) : "");
        for (size_t i = 0; r == 0 && i < result->chunk_count; i++) /* they lie in the text */
                result->chunks[i].bytes = bytes + (result->chunks[i].bytes - text.bytes);
        buffer_free(&out);
        diag_free(&diags);
        free(text.bytes);
        return r;
}

static void compare(const struct zonefile_result *one, const struct zonefile_result *many)
{
        assert_int_equal(one->records.count, many->records.count);
        for (size_t i = 0; i < one->records.count; i++)
                assert_true(record_is_identical(&one->records.items[i], &many->records.items[i]));
        assert_int_equal(!one->soa.owner, !many->soa.owner);
        assert_true(!one->soa.owner || record_is_identical(&one->soa, &many->soa));
        assert_int_equal(one->has_duplicates, many->has_duplicates);
        assert_int_equal(!one->chunk_count, !many->chunk_count);
        size_t n = 0;
        for (size_t i = 0; i < many->chunk_count; i++) {
                const struct text_chunk *chunk = &many->chunks[i];
                const struct text_chunk *before = i > 0 ? chunk - 1 : NULL;

                assert_true(!before || before->bytes + before->length == chunk->bytes);
                /* Where both cut at one place, the state is one. */
                while (n < one->chunk_count && one->chunks[n].bytes < chunk->bytes)
                        n++;
                if (n == one->chunk_count || one->chunks[n].bytes != chunk->bytes)
                        continue;
                const struct zonefile_state *left = &one->chunks[n].state, *right = &chunk->state;
                assert_true(name_identical(left->origin, right->origin));
                assert_int_equal(left->has_default_ttl, right->has_default_ttl);
                assert_int_equal(left->default_ttl, right->default_ttl);
                assert_int_equal(left->has_last_ttl, right->has_last_ttl);
                assert_int_equal(left->last_ttl, right->last_ttl);
        }
}

static void parts_are_the_whole(void **state)
{
        static char text[TEXT_MAX * 4], told[2][4096];
        struct crew *crew;
        unsigned rounds = getenv("ZONECRIER_LONG") ? 20000 : 1500, good = 0, cut_anew = 0;
        (void)state;

        assert_int_equal(crew_new(3, &crew), 0);
        chunk_bytes = 200;
        for (unsigned round = 0; round < rounds; round++) {
                struct zonefile_result one = {0}, many = {0};
                size_t length = make_text(text, 20 + below(300), round % 3 == 0 ? 0 : 1 + below(40));

                parse_part_bytes = 50 + below(2000);
                check_span_records = 1 + below(50);
                int left = parse_text(text, length, NULL, &one, told[0]);
                int right = parse_text(text, length, crew, &many, told[1]);
                assert_int_equal(left, right);
                assert_string_equal(told[0], told[1]);
                if (left == 0)
                        compare(&one, &many);
                cut_anew += left == 0 && one.chunk_count != many.chunk_count;
                good += left == 0;
                zonefile_result_free(&one);
                zonefile_result_free(&many);
        }
        assert_true(good > rounds / 4);
        assert_true(cut_anew > rounds / 8); /* most were parsed in parts, then */
        crew_free(crew);
        chunk_bytes = 16 * 1024;
        parse_part_bytes = (size_t)1 << 20;
        check_span_records = 16384;
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(parts_are_the_whole)};
        return cmocka_run_group_tests_name("zonefile/parts", tests, NULL, NULL);
}
