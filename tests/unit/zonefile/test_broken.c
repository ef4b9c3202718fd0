/* Every file of tests/data/broken says in its first line which errors it has and where: "; expect LINE:COLUMN
 * code, ...". They are told, all of them and no others, and the parse gives no records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source/source.h"
#include "zonetext.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#define FOLDER "tests/data/broken"

/* The errors of the list in the form of the first line. */
static void errors_to_text(const struct diag_list *diags, struct buffer *out)
{
        for (size_t i = 0; i < diags->count; i++) {
                const struct diag *diag = &diags->items[i];

                if (diag->severity == DIAG_ERROR)
                        buffer_printf(out, "%s%u:%u %s", out->length > 0 ? ", " : "", diag->line,
                                diag->column, diag->code);
        }
}

static bool check_file(const char *name)
{
        uint8_t origin[] = "\7example\3com";
        char root[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
        struct zonefile_result result = {0};
        struct diag_list diags = {0};
        struct buffer told = {0};
        struct zone_text text;
        const char *expected, *end;
        bool is_right;
        int fd;

        assert_non_null(realpath(FOLDER, root));
        snprintf(path, sizeof(path), "%s/%s", root, name);
        struct zonefile_request request = {.origin = origin, .file = path, .wants_chunks = true};
        assert_int_equal(source_snapshot_folder(root, NULL, &request.snapshot), 0);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(zone_text_read(fd, 0, UINT32_MAX, NULL, &text), 0);
        close(fd);
        assert_int_equal(zonefile_parse(&request, &text, &diags, &result), -EINVAL);
        assert_int_equal(result.records.count, 0);
        diag_sort(&diags);
        errors_to_text(&diags, &told);
        expected = text.bytes + strlen("; expect ");
        end = strchr(text.bytes, '\n');
        is_right = told.length == (size_t)(end - expected) && memcmp(told.data, expected, told.length) == 0;
        if (!is_right)
                print_error("%s: expected %.*s\n  told %s\n", name, (int)(end - expected), expected,
                        buffer_text(&told));
        for (size_t i = 0; i < diags.count; i++) {
                struct buffer shown = {0};

                assert_non_null(diags.items[i].source_line);
                diag_format(&diags.items[i], &shown);
                assert_int_equal(buffer_status(&shown), 0);
                buffer_free(&shown);
        }
        buffer_free(&told);
        diag_free(&diags);
        zone_text_free(&text);
        source_snapshot_free(request.snapshot);
        return is_right;
}

static void test_positions(void **state)
{
        DIR *folder = opendir(FOLDER);
        const struct dirent *entry;
        unsigned count = 0, wrong = 0;

        (void)state;
        assert_non_null(folder);
        while ((entry = readdir(folder))) {
                if (!strstr(entry->d_name, ".zone"))
                        continue;
                count++;
                wrong += !check_file(entry->d_name);
        }
        closedir(folder);
        print_message("%u broken files\n", count);
        assert_int_equal(wrong, 0);
        assert_true(count >= 230);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_positions)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
