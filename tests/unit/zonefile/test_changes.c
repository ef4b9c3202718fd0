/* The incremental path against the whole parse, over random edits (I3, I4): what it removes and adds, put on
 * the old records, gives the new ones; its chunks hold the new text, each with the state that the whole parse
 * has there.
 *
 * ZONECRIER_LONG=1 is the long form, 100,000 rounds; ZONECRIER_TEST_ROUNDS and ZONECRIER_TEST_SEED choose
 * others. */
#include <setjmp.h>
#include <stdarg.h>

#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "zonefile/changes.h"
#include "zonefile/check.h"
#include "zonefile/chunk.h"
#include "zonefile/parse.h"
#include "zonetext.h"

#include <sys/mman.h>
#include <unistd.h>

static uint64_t random_state = 88172645463325252ull;

static uint32_t below(uint32_t bound)
{
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return (uint32_t)((random_state >> 16) % bound);
}

static const uint8_t apex[] = "\7example\3com";

/* ---- a text as lines, edited at random */

struct lines {
        char **items;
        size_t count, capacity;
};

static void insert_line(struct lines *lines, size_t at, const char *line)
{
        if (lines->count == lines->capacity) {
                lines->capacity = lines->capacity ? 2 * lines->capacity : 64;
                lines->items = realloc(lines->items, lines->capacity * sizeof(*lines->items));
        }
        memmove(lines->items + at + 1, lines->items + at, (lines->count - at) * sizeof(*lines->items));
        lines->items[at] = strdup(line);
        lines->count++;
}

static void delete_line(struct lines *lines, size_t at)
{
        free(lines->items[at]);
        lines->count--;
        memmove(lines->items + at, lines->items + at + 1, (lines->count - at) * sizeof(*lines->items));
}

static void free_lines(struct lines *lines)
{
        while (lines->count > 0)
                delete_line(lines, lines->count - 1);
        free(lines->items);
        *lines = (struct lines){0};
}

static struct lines copy_lines(const struct lines *lines)
{
        struct lines copy = {0};

        for (size_t i = 0; i < lines->count; i++)
                insert_line(&copy, i, lines->items[i]);
        return copy;
}

static void make_line(char *line, size_t size)
{
        unsigned owner = below(3000), value = below(250);
        const char *end = below(40) == 0 ? "\r" : "";

        switch (below(24)) {
        case 0:
                snprintf(line, size, "; a comment %u ( \"%s", value, end);
                break;
        case 1:
                snprintf(line, size, "%s%s", below(2) ? "  " : "", end);
                break;
        case 2:
                snprintf(line, size, "m%u MX ( 10 ; why\n  mail%u )%s", owner, value % 20, end);
                break;
        case 3:
                snprintf(line, size, "t%u TXT (\n \"two ; parts%u\"\n\n \"%u\"\n)%s", owner, value, value,
                        end);
                break;
        case 4:
        case 5:
        case 6:
                snprintf(line, size, "\tA 10.1.%u.%u%s", below(250), value, end);
                break;
        case 7:
                snprintf(line, size, "  %sTXT \"blank owner %u\"%s", below(3) ? "" : "300 ", owner, end);
                break;
        case 8:
                snprintf(line, size, "k%u 600 IN AAAA 2001:db8:9::%u%s", owner, value, end);
                break;
        case 9:
                snprintf(line, size, "h%u.example.com. IN 3600 AAAA 2001:db8::%x%s", owner, value, end);
                break;
        default:
                snprintf(line, size, "%c%u A 10.%u.0.%u ; %0*u%s", below(4) ? 'h' : 'H', owner, below(250),
                        value, (int)below(60) + 1, value, end);
        }
}

static void make_directive(char *line, size_t size)
{
        switch (below(12)) {
        case 0:
        case 1:
        case 2:
                snprintf(line, size, "$TTL %u", 3600 + below(2) * 300);
                break;
        case 3:
                snprintf(line, size, "$ORIGIN sub.example.com.");
                break;
        case 4:
        case 5:
        case 6:
                snprintf(line, size, "$ORIGIN example.com.");
                break;
        case 7:
                snprintf(line, size, "$GENERATE 1-3 g$ A 10.9.9.$");
                break;
        case 8:
                snprintf(line, size, "broken A 1.2.3");
                break;
        case 9:
                snprintf(line, size, "open TXT ( \"x\"");
                break;
        case 10:
                snprintf(line, size, "elsewhere.example.net. A 10.0.0.1");
                break;
        default:
                snprintf(line, size, "c%u CNAME mail1", below(3000));
        }
}

static struct lines make_zone(unsigned count)
{
        struct lines lines = {0};
        char line[300];

        if (below(4))
                insert_line(&lines, lines.count, "$TTL 3600");
        insert_line(&lines, lines.count, "@ SOA ns1 host (\n 1 3600 600\n 604800 3600 )");
        insert_line(&lines, lines.count, "@ NS ns1\nns1 A 10.0.0.1");
        for (unsigned i = 0; i < 20; i++) {
                snprintf(line, sizeof(line), "mail%u A 10.0.1.%u", i, i);
                insert_line(&lines, lines.count, line);
        }
        while (lines.count < count) {
                make_line(line, sizeof(line));
                insert_line(&lines, lines.count, line);
        }
        return lines;
}

static void edit(struct lines *lines)
{
        size_t at = below((uint32_t)lines->count + 1), length;
        char line[300];

        switch (below(16)) {
        case 0: /* a block goes */
                for (length = 1 + below(below(8) ? 20 : 300); length > 0 && at < lines->count; length--)
                        delete_line(lines, at);
                break;
        case 1: /* a block moves */
                for (length = 1 + below(30); length > 0 && at < lines->count; length--) {
                        char *moved = strdup(lines->items[at]);

                        delete_line(lines, at);
                        insert_line(lines, below((uint32_t)lines->count + 1), moved);
                        free(moved);
                }
                break;
        case 2:
                make_directive(line, sizeof(line));
                insert_line(lines, at, line);
                break;
        case 3: /* a line twice */
                if (at < lines->count)
                        insert_line(lines, below((uint32_t)lines->count + 1), lines->items[at]);
                break;
        case 4: /* the serial, the NS, a whole new SOA */
                for (size_t i = 0; i < lines->count; i++)
                        if (strstr(lines->items[i], "SOA")) {
                                free(lines->items[i]);
                                snprintf(line, sizeof(line), "@ SOA ns1 host (\n %u 3600 600\n 604800 %u )",
                                        below(1000), below(5) ? 3600 : 300);
                                lines->items[i] = strdup(line);
                                break;
                        }
                break;
        case 5: /* a block comes */
                for (length = 1 + below(below(8) ? 20 : 200); length > 0; length--) {
                        make_line(line, sizeof(line));
                        insert_line(lines, at, line);
                }
                break;
        case 6:
        case 7:
        case 8:
                if (at < lines->count)
                        delete_line(lines, at);
                break;
        case 9:
        case 10:
        case 11: /* a character changes */
                if (at < lines->count && lines->items[at][0])
                        lines->items[at][below((uint32_t)strlen(lines->items[at]))] = "0123 a;("[below(8)];
                break;
        default:
                make_line(line, sizeof(line));
                insert_line(lines, at, line);
        }
}

static struct zone_text join(const struct lines *lines, bool without_newline)
{
        struct buffer bytes = {0};
        struct zone_text text;

        for (size_t i = 0; i < lines->count; i++) {
                buffer_append_text(&bytes, lines->items[i]);
                if (i + 1 < lines->count || !without_newline)
                        buffer_append_u8(&bytes, '\n');
        }
        text = text_from((const char *)bytes.data, bytes.length);
        buffer_free(&bytes);
        return text;
}

/* ---- the published side */

struct published {
        struct zone_text text;
        struct zonefile_result result;
        struct text_chunk *chunks; /* bytes owned */
        size_t count;
        bool has_room; /* keys */
};

static void free_chunks(struct text_chunk *chunks, size_t count)
{
        for (size_t i = 0; i < count; i++)
                free((char *)(uintptr_t)chunks[i].bytes);
        free(chunks);
}

static struct text_chunk copy_chunk(const struct text_chunk *chunk)
{
        struct text_chunk copy = *chunk;
        char *bytes = malloc(chunk->length + 1);

        memcpy(bytes, chunk->bytes, chunk->length);
        copy.bytes = bytes;
        return copy;
}

static void take_chunks(struct published *published, const struct text_chunk *chunks, size_t count)
{
        free_chunks(published->chunks, published->count);
        published->chunks = malloc((count + 1) * sizeof(*chunks));
        published->count = count;
        for (size_t i = 0; i < count; i++)
                published->chunks[i] = copy_chunk(&chunks[i]);
}

static int next_chunk(void *context, uint64_t key, struct text_chunk *ret_chunk)
{
        const struct published *published = context;

        for (size_t i = 0; i < published->count; i++)
                if (published->chunks[i].key >= key) {
                        *ret_chunk = published->chunks[i];
                        return 0;
                }
        return 1;
}

static bool state_is_same(const struct zonefile_state *left, const struct zonefile_state *right)
{
        return name_identical(left->origin, right->origin) &&
               left->has_default_ttl == right->has_default_ttl && left->has_last_ttl == right->has_last_ttl &&
               (!left->has_default_ttl || left->default_ttl == right->default_ttl) &&
               (!left->has_last_ttl || left->last_ttl == right->last_ttl);
}

/* Each chunk begins where the whole parse has an entry, with the state that it has there. */
static void check_chunks(const struct published *published, const struct zone_text *text)
{
        struct zonefile_request request = {.origin = apex};
        struct record_list records = {0};
        struct arena arena = {0};
        struct parse parse;
        size_t offset = 0, i = 0;

        assert_int_equal(parse_begin(&parse, &request, text, &arena, &records, NULL), 0);
        while (i < published->count) {
                size_t at = (size_t)(parse.scan.at - text->bytes);

                if (at == offset) {
                        assert_true(state_is_same(&parse.state, &published->chunks[i].state));
                        assert_true(i == 0 || parse_starts_with_owner(parse.scan.at));
                        assert_true(i == 0 || published->chunks[i].key > published->chunks[i - 1].key);
                        assert_true(published->chunks[i].length > 0);
                        assert_memory_equal(text->bytes + offset, published->chunks[i].bytes,
                                published->chunks[i].length);
                        offset += published->chunks[i++].length;
                        continue;
                }
                assert_true(at < offset && !parse_is_at_end(&parse));
                assert_int_equal(parse_entry(&parse), 0);
        }
        assert_int_equal(offset, text->length);
        parse_end(&parse);
        record_list_free(&records);
        arena_free(&arena);
}

static void replace_chunks(struct published *published, const struct text_replacement *replacement)
{
        size_t capacity = published->count + replacement->count + 1, count = 0;
        struct text_chunk *chunks = malloc(capacity * sizeof(*chunks));
        bool is_in = false;

        for (size_t i = 0; i < published->count; i++) {
                struct text_chunk *chunk = &published->chunks[i];

                if (chunk->key < replacement->first_key || chunk->key > replacement->last_key) {
                        chunks[count++] = *chunk;
                        continue;
                }
                free((char *)(uintptr_t)chunk->bytes);
                for (size_t n = 0; !is_in && n < replacement->count; n++)
                        chunks[count++] = copy_chunk(&replacement->chunks[n]);
                is_in = true;
        }
        published->has_room &= !replacement->has_no_room;
        free(published->chunks);
        published->chunks = chunks;
        published->count = count;
}

/* ---- the delta on the old records */

static struct record_list apply(const struct record_list *old, const struct zonefile_changes *changes)
{
        struct record_list made = {0};
        size_t removed = 0;

        for (size_t i = 0; i < old->count; i++) {
                if (removed < changes->removed.count &&
                        record_is_identical(&old->items[i], &changes->removed.items[removed])) {
                        removed++;
                        continue;
                }
                assert_int_equal(record_list_add(&made, &old->items[i]), 0);
        }
        assert_int_equal(removed, changes->removed.count);
        for (size_t i = 0; i < changes->added.count; i++)
                assert_int_equal(record_list_add(&made, &changes->added.items[i]), 0);
        assert_int_equal(record_list_sort(&made, apex, NULL), 0);
        return made;
}

static int owner_in_list(
        void *context, const uint8_t *owner, const struct record **ret_records, size_t *ret_count)
{
        const struct record_list *list = context;
        size_t low = 0, high = list->count, end;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (name_compare(list->items[middle].owner, owner) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (end = low; end < list->count && name_equal(list->items[end].owner, owner);)
                end++;
        *ret_records = list->items + low;
        *ret_count = end - low;
        return 0;
}

static void assert_same_records(const struct record_list *left, const struct record_list *right)
{
        assert_int_equal(left->count, right->count);
        for (size_t i = 0; i < left->count; i++)
                assert_true(record_is_identical(&left->items[i], &right->items[i]));
}

/* ---- one round */

struct tally {
        unsigned found, none, fell_back, touched, broken;
};

static bool is_plain(const struct zonefile_result *result)
{
        return !result->has_duplicates && !result->has_ttl_mends && !result->has_directives &&
               !result->has_out_of_zone;
}

/* The incremental path ran: is what it gives the truth of the whole parse? 1 = the touched owners send it to
 * the whole parse. */
static int check_found(struct published *published, const struct zone_text *text,
        const struct zonefile_result *whole, int r, const struct zonefile_changes *changes)
{
        struct record_list made = apply(&published->result.records, changes);
        struct zone_view view = {&made, owner_in_list};
        int touched = zone_check_touched(apex, &view, &changes->removed, &changes->added);

        assert_true(touched == 0 || touched == 1);
        if (touched == 0) {
                assert_int_equal(r, 0); /* the whole parse finds no fault either */
                assert_true(is_plain(whole));
                assert_same_records(&made, &whole->records);
                if (changes->soa.owner)
                        assert_true(record_is_identical(&changes->soa, &whole->soa));
                else
                        assert_true(record_is_identical(&published->result.soa, &whole->soa));
                assert_int_equal(changes->ends_without_newline, whole->ends_without_newline);
                for (size_t i = 0; i < changes->replacement_count; i++)
                        replace_chunks(published, &changes->replacements[i]);
                if (published->has_room)
                        check_chunks(published, text);
        }
        record_list_free(&made);
        return touched;
}

static int file_of(const struct zone_text *text)
{
        int fd = memfd_create("zone", MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text->bytes, text->length), text->length);
        return fd;
}

/* Publishes what can be; false where the edit is to be taken back. */
static bool play(struct published *published, struct zone_text text, struct tally *tally)
{
        struct zonefile_request request = {.origin = apex, .wants_chunks = true};
        struct text_chunks chunks = {published, next_chunk, NULL};
        struct zonefile_changes changes;
        struct zonefile_result whole = {0};
        struct diag_list diags = {0};
        bool is_published = false;
        int fd = file_of(&text), r = zonefile_parse(&request, &text, &diags, &whole);
        int outcome = zonefile_changes_find(&request, fd, &chunks, &changes);

        close(fd);
        assert_true(outcome >= 0);
        switch ((enum changes_outcome)outcome) {
        case CHANGES_NONE:
                assert_true(text.length == published->text.length &&
                            memcmp(text.bytes, published->text.bytes, text.length) == 0);
                tally->none++;
                break;
        case CHANGES_FOUND:
                if (check_found(published, &text, &whole, r, &changes) == 0) {
                        tally->found++;
                        is_published = true;
                } else {
                        tally->touched++;
                }
                zonefile_changes_free(&changes);
                break;
        case CHANGES_FALL_BACK:
                tally->fell_back++;
                break;
        }
        tally->broken += r < 0;
        if (r == 0 && is_plain(&whole) && (!is_published || !published->has_room)) {
                take_chunks(published, whole.chunks, whole.chunk_count);
                published->has_room = true;
                check_chunks(published, &text);
                is_published = true;
        }
        diag_free(&diags);
        if (!is_published) {
                zonefile_result_free(&whole);
                zone_text_free(&text);
                return false;
        }
        zonefile_result_free(&published->result);
        zone_text_free(&published->text);
        published->result = whole;
        published->text = text;
        return true;
}

static void first_publish(struct published *published, struct lines *lines, unsigned count)
{
        struct zonefile_request request = {.origin = apex, .wants_chunks = true};

        for (;;) {
                struct diag_list diags = {0};
                int r;

                *lines = make_zone(count);
                published->text = join(lines, false);
                r = zonefile_parse(&request, &published->text, &diags, &published->result);
                diag_free(&diags);
                if (r == 0 && published->result.chunk_count > 0)
                        break;
                if (r == 0)
                        zonefile_result_free(&published->result);
                zone_text_free(&published->text);
                free_lines(lines);
        }
        published->has_room = true;
        take_chunks(published, published->result.chunks, published->result.chunk_count);
}

static void play_zone(unsigned line_count, unsigned rounds, struct tally *tally)
{
        struct published published = {0};
        struct lines lines;

        first_publish(&published, &lines, line_count);
        for (unsigned i = 0; i < rounds; i++) {
                struct lines edited = copy_lines(&lines);

                for (unsigned n = 1 + below(4) * below(3); n > 0; n--)
                        edit(&edited);
                if (play(&published, join(&edited, below(30) == 0), tally)) {
                        free_lines(&lines);
                        lines = edited;
                } else {
                        free_lines(&edited);
                }
        }
        free_lines(&lines);
        free_chunks(published.chunks, published.count);
        zonefile_result_free(&published.result);
        zone_text_free(&published.text);
}

static void test_random_edits(void **state)
{
        const char *rounds_text = getenv("ZONECRIER_TEST_ROUNDS"), *seed = getenv("ZONECRIER_TEST_SEED");
        unsigned rounds = rounds_text ? (unsigned)atoi(rounds_text) : getenv("ZONECRIER_LONG") ? 100000 : 2000;
        static const size_t sizes[] = {200, 500, 2000, 4096};
        struct tally tally = {0};

        (void)state;
        if (seed)
                random_state ^= strtoull(seed, NULL, 0) * 0x9e3779b97f4a7c15ull;
        for (unsigned done = 0; done < rounds; done += 50) {
                chunk_bytes = sizes[below(4)];
                play_zone(30 + below(400), 50, &tally);
        }
        chunk_bytes = 16 * 1024;
        print_message("edits: %u found, %u none, %u fell back, %u by touched owners, %u broken texts\n",
                tally.found, tally.none, tally.fell_back, tally.touched, tally.broken);
        assert_true(tally.found > rounds / 4);
}

static void test_state_on_disk(void **state)
{
        struct zonefile_state written = {.default_ttl = 3600, .has_default_ttl = true, .last_ttl = 7}, read;
        struct buffer out = {0};

        (void)state;
        memcpy(written.origin, apex, sizeof(apex));
        zonefile_state_write(&written, &out);
        assert_int_equal(zonefile_state_read(out.data, out.length, &read), out.length);
        assert_true(state_is_same(&written, &read));
        for (size_t length = 0; length < out.length; length++)
                assert_int_equal(zonefile_state_read(out.data, length, &read), -EBADMSG);
        out.data[0] = 0x80;
        assert_int_equal(zonefile_state_read(out.data, out.length, &read), -EBADMSG);
        buffer_free(&out);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_state_on_disk),
                cmocka_unit_test(test_random_edits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
