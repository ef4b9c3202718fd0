/* What the secondaries' answers mean for a zone without a known serial. */
#include "zone/lost_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define AT(n)                                                                                                \
        {                                                                                                    \
                .kind = LOST_SERIAL, .serial = (n), .is_signed = true                                        \
        }
#define AT_UNSIGNED(n)                                                                                       \
        {                                                                                                    \
                .kind = LOST_SERIAL, .serial = (n)                                                           \
        }
#define NOBODY                                                                                               \
        {                                                                                                    \
                .kind = LOST_NOT_THERE                                                                       \
        }
#define SILENT                                                                                               \
        {                                                                                                    \
                .kind = LOST_UNKNOWN                                                                         \
        }

static const struct row {
        const char *what;
        struct lost_answer answers[3];
        size_t count;
        uint32_t file;
        enum lost_verdict verdict;
        uint32_t serial;
} rows[] = {
        {"nobody to ask", {{0}}, 0, 7, LOST_IS_NEW, 0},
        {"nobody has it", {NOBODY, NOBODY, NOBODY}, 3, 7, LOST_IS_NEW, 0},
        {"one has it", {NOBODY, AT(40), NOBODY}, 3, 7, LOST_GO_ABOVE, 40},
        {"the furthest counts", {AT(40), AT(50), AT(45)}, 3, 7, LOST_GO_ABOVE, 50},
        {"across the wrap", {AT(UINT32_MAX), AT(3)}, 2, 7, LOST_GO_ABOVE, 3},
        {"one is silent", {AT(40), SILENT, NOBODY}, 3, 7, LOST_HOLD_SILENT, 40},
        {"all are silent", {SILENT, SILENT}, 2, 7, LOST_HOLD_SILENT, 0},
        {"behind the file", {AT_UNSIGNED(4)}, 1, 7, LOST_GO_ABOVE, 4},
        {"unsigned, near", {AT_UNSIGNED(1000)}, 1, 7, LOST_GO_ABOVE, 1000},
        {"unsigned, far ahead", {AT_UNSIGNED(7 + LOST_UNSIGNED_MAX + 1)}, 1, 7, LOST_HOLD_UNSIGNED,
                7 + LOST_UNSIGNED_MAX + 1},
        {"signed, far ahead", {AT(2026112101)}, 1, 7, LOST_GO_ABOVE, 2026112101},
        {"unsigned, half the circle away", {AT_UNSIGNED(0x80000007u)}, 1, 7, LOST_HOLD_UNSIGNED, 0x80000007u},
        {"unsigned, far ahead, and the file has none", {AT_UNSIGNED(2026112101)}, 1, 0, LOST_HOLD_UNSIGNED,
                2026112101},
        {"unsigned, near what is signed", {AT_UNSIGNED(2026112102), AT(2026112101)}, 2, 7, LOST_GO_ABOVE,
                2026112102},
        {"serial 0 is none", {AT(0)}, 1, 7, LOST_IS_NEW, 0},
};

static void test_rows(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint32_t serial = 99;
                enum lost_verdict verdict =
                        lost_state_judge(rows[i].answers, rows[i].count, rows[i].file, &serial);
                if (verdict != rows[i].verdict || serial != rows[i].serial)
                        fail_msg("%s: %d, wanted %d; serial %u, wanted %u", rows[i].what, verdict,
                                rows[i].verdict, serial, rows[i].serial);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
