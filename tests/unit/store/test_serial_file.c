/* The serial file: what was appended is there again, whatever was cut, damaged or failed. */
#include "model.h"

#include "base/clock.h"
#include "base/fault.h"
#include "store/serial_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static struct serial_file *open_file(const char *path, bool expect_missing, size_t expect_damaged)
{
        struct serial_file *file;
        bool was_missing;
        size_t damaged;

        assert_int_equal(serial_file_open(path, &file, &was_missing, &damaged), 0);
        assert_int_equal(was_missing, expect_missing);
        assert_int_equal(damaged, expect_damaged);
        return file;
}

static struct serial_entry entry(const uint8_t *name, uint32_t serial)
{
        return (struct serial_entry){.name = name, .serial = serial};
}

static void is_serial(const struct serial_file *file, const uint8_t *name, uint32_t serial)
{
        struct serial_entry found;

        assert_int_equal(serial_file_get(file, name, &found), 0);
        assert_int_equal(found.serial, serial);
        assert_true(name_equal(found.name, name));
}

static void write_text(const char *path, const char *text, size_t length, int flags)
{
        int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, length), length);
        close(fd);
}

static size_t file_size(const char *path)
{
        struct stat status;

        assert_int_equal(stat(path, &status), 0);
        return (size_t)status.st_size;
}

static const uint8_t one[] = "\3one\7example", two[] = "\3TWO\7example", odd[] = "\7a b\\#.\n\2\0\1",
                     root[] = "";

static void test_round_trip(void **state)
{
        char path[64], name[96];
        struct stat status;
        struct serial_entry found;

        (void)state;
        model_directory(path);
        snprintf(name, sizeof(name), "%s/serials", path);
        struct serial_file *file = open_file(name, true, 0);
        assert_int_equal(stat(name, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
        assert_int_equal(serial_file_get(file, one, &found), -ENOENT);
        struct serial_entry entries[] = {
                entry(one, 1), entry(two, 4294967295), entry(odd, 3), entry(root, 4)};
        assert_int_equal(serial_file_append(file, entries, 4), 0);
        size_t size = file_size(name);
        /* What is known is not written again. */
        assert_int_equal(serial_file_append(file, entries, 4), 0);
        assert_int_equal(file_size(name), size);
        entries[0].serial = 9;
        entries[1].is_tombstone = true;
        assert_int_equal(serial_file_append(file, entries, 4), 0);
        for (unsigned n = 0; n < 2; n++) {
                is_serial(file, one, 9);
                is_serial(file, (const uint8_t *)"\3oNe\7EXAMPLE", 9);
                is_serial(file, two, 4294967295);
                is_serial(file, odd, 3);
                is_serial(file, root, 4);
                assert_int_equal(serial_file_get(file, two, &found), 0);
                assert_true(found.is_tombstone);
                assert_int_equal(serial_file_get(file, one, &found), 0);
                assert_false(found.is_tombstone);
                serial_file_close(file);
                file = open_file(name, false, 0);
        }
        serial_file_close(file);
        model_directory_remove(path);
}

/* Every place where a crash may cut the file: the lines before are there, and it goes on. */
static void test_cut_anywhere(void **state)
{
        char path[64], name[96], text[1024];

        (void)state;
        model_directory(path);
        snprintf(name, sizeof(name), "%s/serials", path);
        struct serial_file *file = open_file(name, true, 0);
        size_t header = file_size(name), ends[6] = {header};
        for (uint32_t n = 1; n < 6; n++) {
                struct serial_entry next = entry(one, n);

                assert_int_equal(serial_file_append(file, &next, 1), 0);
                ends[n] = file_size(name);
        }
        serial_file_close(file);
        int fd = open(name, O_RDONLY);
        size_t size = (size_t)read(fd, text, sizeof(text));
        close(fd);
        for (size_t cut = header; cut <= size; cut++) {
                uint32_t last = 0;

                unlink(name);
                write_text(name, text, cut, O_TRUNC);
                for (uint32_t n = 1; n < 6; n++)
                        if (ends[n] - 1 <= cut) /* its newline does not matter */
                                last = n;
                file = open_file(name, false, ends[last] < cut);
                if (last > 0)
                        is_serial(file, one, last);
                struct serial_entry next = entry(one, 77);
                assert_int_equal(serial_file_append(file, &next, 1), 0);
                serial_file_close(file);
                file = open_file(name, false, ends[last] < cut);
                is_serial(file, one, 77);
                serial_file_close(file);
        }
        model_directory_remove(path);
}

static void test_damaged_lines(void **state)
{
        char path[64], name[96], text[256];

        (void)state;
        model_directory(path);
        snprintf(name, sizeof(name), "%s/serials", path);
        struct serial_file *file = open_file(name, true, 0);
        for (uint32_t n = 1; n < 4; n++) {
                struct serial_entry next = entry(one, n);

                assert_int_equal(serial_file_append(file, &next, 1), 0);
        }
        serial_file_close(file);
        static const char junk[] =
                "one.example. 500 00000000\nno line\n\n one.example. 5 12345678\n\0\xff\n# a remark\n";
        write_text(name, junk, sizeof(junk) - 1, O_APPEND);
        file = open_file(name, false, 4);
        is_serial(file, one, 3);
        serial_file_close(file);
        /* Any octet of a line flipped: the line before counts. */
        int fd = open(name, O_RDONLY);
        size_t size = (size_t)read(fd, text, sizeof(text));
        close(fd);
        size -= sizeof(junk) - 1;
        const char *last = memrchr(text, '\n', size - 1);
        for (size_t at = (size_t)(last + 1 - text); at + 1 < size; at++) {
                text[at] ^= 0x04;
                write_text(name, text, size, O_TRUNC);
                file = open_file(name, false, 1);
                is_serial(file, one, 2);
                serial_file_close(file);
                text[at] ^= 0x04;
        }
        model_directory_remove(path);
}

/* A write or sync that fails: the caller hears it, what was durable stays, and the next append is good. */
static void test_failures(void **state)
{
        static const char *const faults[] = {"serial-file-write:1:fail=ENOSPC", "serial-file-sync:1:fail=EIO",
                "serial-file-sync:1:fail=EIO,serial-file-write:2:fail=ENOSPC"};
        static const int errors[] = {-ENOSPC, -EIO, -EIO};
        char path[64], name[96];

        (void)state;
        model_directory(path);
        snprintf(name, sizeof(name), "%s/serials", path);
        struct serial_file *file = open_file(name, true, 0);
        uint32_t serial = 1;
        struct serial_entry next = entry(one, serial);
        assert_int_equal(serial_file_append(file, &next, 1), 0);
        for (unsigned n = 0; n < 3; n++) {
                fault_set(faults[n]);
                next = entry(one, serial + 1);
                assert_int_equal(serial_file_append(file, &next, 1), errors[n]);
                is_serial(file, one, serial);
                if (n == 2)
                        assert_int_equal(serial_file_append(file, &next, 1), -ENOSPC);
                assert_int_equal(serial_file_append(file, &next, 1), 0);
                is_serial(file, one, ++serial);
                fault_set(NULL);
                struct serial_file *again = open_file(name, false, 0);
                is_serial(again, one, serial);
                serial_file_close(again);
        }
        /* Somebody took the file away. */
        assert_int_equal(unlink(name), 0);
        struct serial_entry other = entry(two, 5);
        assert_int_equal(serial_file_append(file, &other, 1), 0);
        serial_file_close(file);
        file = open_file(name, false, 0);
        is_serial(file, one, serial);
        is_serial(file, two, 5);
        serial_file_close(file);
        model_directory_remove(path);
}

/* Killed at any write or sync, also those of the rewriting: the file says what was durable, or the new one.
 */
static void test_kills(void **state)
{
        char path[64], name[96];

        (void)state;
        model_directory(path);
        snprintf(name, sizeof(name), "%s/serials", path);
        for (unsigned n = 1; n < 40; n++) {
                int ready[2];
                uint32_t done = 0, got;

                assert_int_equal(pipe(ready), 0);
                pid_t child = fork();
                if (child == 0) {
                        char fault[64];
                        bool was_missing;
                        size_t damaged;
                        struct serial_file *file;

                        unlink(name);
                        snprintf(fault, sizeof(fault), "serial-file-%s:%u:kill", n % 2 ? "write" : "sync",
                                n * 60);
                        fault_set(fault);
                        if (serial_file_open(name, &file, &was_missing, &damaged) < 0)
                                _exit(1);
                        for (uint32_t serial = 1; serial < 3000; serial++) {
                                struct serial_entry next = entry(one, serial);

                                if (serial_file_append(file, &next, 1) < 0 ||
                                        write(ready[1], &serial, 4) != 4)
                                        _exit(1);
                        }
                        _exit(0);
                }
                close(ready[1]);
                while (read(ready[0], &got, 4) == 4)
                        done = got;
                close(ready[0]);
                int status;
                waitpid(child, &status, 0);
                assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
                struct serial_file *file = open_file(name, false, 0);
                struct serial_entry found;
                assert_int_equal(serial_file_get(file, one, &found), 0);
                assert_true(found.serial == done || found.serial == done + 1);
                serial_file_close(file);
        }
        model_directory_remove(path);
}

static void test_many(void **state)
{
        enum { ZONES = 100000 };
        char path[64], name[96];
        static uint8_t names[ZONES][24];
        static struct serial_entry entries[ZONES];

        (void)state;
        model_directory(path);
        snprintf(name, sizeof(name), "%s/serials", path);
        struct serial_file *file = open_file(name, true, 0);
        for (uint32_t n = 0; n < ZONES; n++) {
                sprintf((char *)names[n], "\7z%06u\7example", n);
                entries[n] = entry(names[n], n + 1);
        }
        assert_int_equal(serial_file_append(file, entries, ZONES), 0);
        size_t size = file_size(name);
        for (unsigned round = 2; round < 6; round++) {
                for (uint32_t n = 0; n < ZONES; n++)
                        entries[n].serial = n + round;
                assert_int_equal(serial_file_append(file, entries, ZONES), 0);
        }
        assert_true(file_size(name) < 4 * size); /* rewritten on the way */
        serial_file_close(file);
        uint64_t begin = clock_monotonic_usec();
        file = open_file(name, false, 0);
        print_message(
                "%u zones loaded in %u ms\n", ZONES, (unsigned)((clock_monotonic_usec() - begin) / 1000));
        for (uint32_t n = 0; n < ZONES; n++)
                is_serial(file, names[n], n + 5);
        serial_file_close(file);
        model_directory_remove(path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_cut_anywhere),
                cmocka_unit_test(test_damaged_lines),
                cmocka_unit_test(test_failures),
                cmocka_unit_test(test_kills),
                cmocka_unit_test(test_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
