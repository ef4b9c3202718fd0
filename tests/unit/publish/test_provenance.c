/* Where a serial comes from, and notes of commits: to text and back. */
#include "publish/git_note.h"
#include "publish/provenance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ID "45b983be36b73c0788dc9cbcb76cbb80fc7bb057"

static void test_provenance(void **state)
{
        struct provenance before = {.file = "git:/srv/dns.git:zones/a\nb.zone",
                .has_commit = true,
                .commit = {
                        .id = ID, .author = "Anna <a@x>", .subject = "a  subject", .time_sec = 1700000000}};
        struct provenance after;
        struct buffer text = {0};
        (void)state;

        provenance_write(&before, &text);
        assert_string_equal(buffer_text(&text),
                "file git:/srv/dns.git:zones/a?b.zone\ncommit " ID "\nauthor Anna <a@x>\ntime 1700000000\n"
                "subject a  subject");
        provenance_read(buffer_text(&text), &after);
        assert_true(after.has_commit);
        assert_string_equal(after.file, "git:/srv/dns.git:zones/a?b.zone");
        assert_string_equal(after.commit.id, ID);
        assert_string_equal(after.commit.author, "Anna <a@x>");
        assert_string_equal(after.commit.subject, "a  subject");
        assert_int_equal(after.commit.time_sec, 1700000000);
        buffer_free(&text);

        provenance_read("file /etc/zones/x.zone\ncommit none\nnew thing\nby rollback to 7", &after);
        assert_false(after.has_commit);
        assert_string_equal(after.file, "/etc/zones/x.zone");
        assert_string_equal(after.by, "rollback to 7");
}

static void test_notes(void **state)
{
        struct git_note note = {.zone = "a.example",
                .serial = 7,
                .added = 3,
                .removed = 1,
                .published_usec = 1700000000000000};
        struct buffer first = {0}, second = {0};
        uint8_t zone[NAME_MAX_LENGTH];
        uint32_t serial;
        (void)state;

        git_note_merge("by hand\n", &note, 1, &first);
        assert_string_equal(buffer_text(&first),
                "by hand\na.example: serial 7, 3 added, 1 removed, published 2023-11-14T22:13:20Z\n");
        note.everywhere_usec = 1700000001000000;
        git_note_merge(buffer_text(&first), &note, 1, &second);
        assert_string_equal(buffer_text(&second), "by hand\na.example: serial 7, 3 added, 1 removed, "
                                                  "published 2023-11-14T22:13:20Z, everywhere "
                                                  "2023-11-14T22:13:21Z\n");
        buffer_free(&first);
        buffer_free(&second);

        assert_true(git_note_read("A.example: serial 4294967295, x", 31, zone, &serial));
        assert_int_equal(serial, 4294967295u);
        assert_memory_equal(zone, "\1a\7example", 10);
        assert_false(git_note_read("a.example: serial 4294967296", 28, zone, &serial));
        assert_false(git_note_read("a.example: serial 0", 19, zone, &serial));
        assert_false(git_note_read("a..example: serial 1", 20, zone, &serial));
        assert_false(git_note_read("a.example: serial 1x", 20, zone, &serial));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_provenance),
                cmocka_unit_test(test_notes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
