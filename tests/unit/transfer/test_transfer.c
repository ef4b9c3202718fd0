/* AXFR and IXFR against a real store: I3 (content at S and IXFR S to T is the content at T) and I4 (AXFR is
 * the content), over random histories, with signatures checked by OpenSSL's HMAC. */
#include "fixture.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "dns/serial.h"

static struct fixture fixture;
static uint8_t zone[NAME_MAX_LENGTH];

static int begin(void **state)
{
        (void)state;
        name_make("example.com.", zone);
        fixture_open(&fixture);
        return 0;
}

static int end(void **state)
{
        (void)state;
        fixture_close(&fixture);
        return 0;
}

struct ask {
        uint16_t type;
        uint32_t serial;
        const struct tsig_key *key;
        bool has_edns, over_udp, renew;
        unsigned ratio;
        struct tsig_context *answer_context;
};

/* All transfers', as a thread's are. */
static struct render render;
static uint8_t scratch[MESSAGE_MAX_SIZE];

static struct transfer *transfer_begin(const struct ask *ask, struct answer *answer)
{
        uint8_t bytes[1024 + TSIG_RR_MAX];
        size_t length = request_write(
                bytes, 4711, zone, ask->type, ask->type == TYPE_IXFR, ask->serial, ask->has_edns);
        struct tsig_context *context = NULL;
        *answer = (struct answer){.id = 4711};
        if (ask->key) {
                struct tsig_context *ours;
                assert_int_equal(tsig_context_new(ask->key, &ours), 0);
                assert_int_equal(tsig_sign_request(ours, bytes, &length, 1000), 0);
                tsig_context_free(ours);
                answer_expect_signed(answer, ask->key, bytes, length);
        }
        struct request request;
        assert_int_equal(request_parse(bytes, length, false, &request), MESSAGE_OK);
        if (ask->key)
                assert_int_equal(tsig_verify_request(ask->key, &request, 1000, &context), TSIG_OK);
        struct store_read *read;
        struct transfer *transfer;
        const struct transfer_request wanted = {.request = &request,
                .max_ixfr_ratio_percent = ask->ratio,
                .tcp = !ask->over_udp,
                .render = &render,
                .scratch = scratch};
        assert_int_equal(store_read_begin(fixture.store, &read), 0);
        assert_int_equal(transfer_new(read, &wanted, context, &transfer), 0);
        memset(bytes, 0xee, sizeof(bytes)); /* nothing of the request is needed any more */
        return transfer;
}

static void take(struct answer *answer, const struct transfer_message *message)
{
        static uint8_t bytes[2 + MESSAGE_MAX_SIZE];
        size_t length = 0;
        for (size_t i = 0; i < message->piece_count; i++) {
                assert_true(length + message->pieces[i].iov_len <= sizeof(bytes));
                memcpy(bytes + length, message->pieces[i].iov_base, message->pieces[i].iov_len);
                length += message->pieces[i].iov_len;
        }
        assert_int_equal(length, message->length);
        assert_int_equal(read_u16(bytes), length - 2);
        answer_take_message(answer, bytes + 2, length - 2);
}

/* Takes TRANSFER_AHEAD messages before the first is looked at, as the server does. */
static struct transfer_summary ask_all(const struct ask *ask, struct answer *answer)
{
        struct transfer *transfer = transfer_begin(ask, answer);
        struct transfer_message messages[TRANSFER_AHEAD];
        size_t bytes = 0;
        for (int r = 0; r == 0;) {
                unsigned count = 0;
                unsigned limit = ask->renew ? 1 + pick(TRANSFER_AHEAD) : TRANSFER_AHEAD;
                while (count < limit && (r = transfer_next(transfer, 1000, &messages[count])) == 0)
                        count++;
                assert_true(r == 0 || r == 1);
                for (unsigned i = 0; i < count; i++) {
                        take(answer, &messages[i]);
                        bytes += messages[i].length;
                }
                if (r == 0 && ask->renew)
                        assert_int_equal(transfer_renew(transfer, fixture.store), 0);
        }
        struct transfer_summary summary;
        transfer_summary(transfer, &summary);
        assert_int_equal(summary.bytes, bytes);
        assert_int_equal(summary.messages, answer->messages);
        assert_int_equal(summary.records, answer->count);
        transfer_free(transfer);
        return summary;
}

static void check_axfr(struct content *expected, const struct tsig_key *key)
{
        struct answer answer;
        struct content got;
        struct transfer_summary summary = ask_all(&(struct ask){.type = TYPE_AXFR, .key = key}, &answer);
        assert_int_equal(summary.kind, TRANSFER_AXFR);
        assert_int_equal(summary.to_serial, expected->serial);
        apply_axfr(&answer, &got);
        assert_same_content(&got, expected);
        content_free(&got);
        answer_free(&answer);
}

/* ---- tests ---- */

static void test_one_message_zone(void **state)
{
        (void)state;
        struct content content = {.serial = 7};
        content_add_ns(&content, zone);
        publish(&fixture, zone, &content, NULL, NULL, 7, &(struct publish_how){.begins_era = true});
        struct answer answer;
        ask_all(&(struct ask){.type = TYPE_AXFR, .has_edns = true}, &answer);
        assert_int_equal(answer.messages, 1);
        assert_int_equal(answer.count, 4);
        assert_true(answer.has_opt);
        answer_free(&answer);
        check_axfr(&content, NULL);
        content_free(&content);
}

static void test_large_zone_signed(void **state)
{
        (void)state;
        struct content content = {.serial = 10};
        content_add_ns(&content, zone);
        for (unsigned i = 0; i < 5000; i++)
                content_add_random(&content, zone, i);
        publish(&fixture, zone, &content, NULL, NULL, 10, &(struct publish_how){.begins_era = true});
        check_axfr(&content, NULL);
        for (unsigned i = 0; i < TSIG_ALGORITHM_COUNT; i++) {
                struct tsig_key key = key_make("Key.Example.", (enum tsig_algorithm)i, 'k');
                check_axfr(&content, &key);
        }
        struct answer answer;
        struct content got;
        ask_all(&(struct ask){.type = TYPE_AXFR, .renew = true}, &answer);
        assert_true(answer.messages > TRANSFER_AHEAD);
        apply_axfr(&answer, &got);
        assert_same_content(&got, &content);
        content_free(&got);
        answer_free(&answer);
        content_free(&content);
}

/* The first message holds more than the SOA. */
static void test_first_message_is_no_lone_soa(void **state)
{
        (void)state;
        struct content content = {.serial = 3};
        content_add_ns(&content, zone);
        for (unsigned i = 0; i < 2000; i++)
                content_add_random(&content, zone, i);
        publish(&fixture, zone, &content, NULL, NULL, 3, &(struct publish_how){.begins_era = true});
        struct answer answer;
        struct transfer *transfer = transfer_begin(&(struct ask){.type = TYPE_AXFR}, &answer);
        struct transfer_message message;
        assert_int_equal(transfer_next(transfer, 1000, &message), 0);
        take(&answer, &message);
        assert_true(answer.count >= 2);
        transfer_free(transfer);
        answer_free(&answer);
        content_free(&content);
}

static void test_records_larger_than_leaves(void **state)
{
        (void)state;
        static const size_t sizes[] = {1000, 16000, 16360, 17000, 30000, 32600, 40000, 60000, 64000};
        struct tsig_key key = key_make("k.", TSIG_HMAC_SHA512, 'x');
        struct content content = {.serial = 1};
        content_add_ns(&content, zone);
        uint8_t owner[NAME_MAX_LENGTH];
        name_make("a.example.com.", owner);
        for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
                content_add_large(&content, i % 2 ? zone : owner, i, sizes[i]);
        publish(&fixture, zone, &content, NULL, NULL, 1, &(struct publish_how){.begins_era = true});
        check_axfr(&content, NULL);
        check_axfr(&content, &key);

        /* And as a step: all removed, others added. */
        struct content before, added = {0}, removed = {0};
        content_copy(&before, &content);
        for (size_t i = content.count; i-- > 2;) {
                content_add(&removed, &content.records[i]);
                content_remove_at(&content, i);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
                content_add_large(&added, owner, 100 + i, sizes[i]);
                content_add_large(&content, owner, 100 + i, sizes[i]);
        }
        content.serial = 2;
        publish(&fixture, zone, NULL, &removed, &added, 2, NULL);
        struct answer answer;
        struct transfer_summary summary =
                ask_all(&(struct ask){.type = TYPE_IXFR, .serial = 1, .key = &key}, &answer);
        assert_int_equal(summary.kind, TRANSFER_IXFR);
        apply_ixfr(&answer, &before);
        assert_same_content(&before, &content);
        check_axfr(&content, &key);
        answer_free(&answer);
        content_free(&before);
        content_free(&content);
        content_free(&added);
        content_free(&removed);
}

#define HISTORY 24
static void change_randomly(
        struct content *content, struct content *removed, struct content *added, unsigned *number)
{
        unsigned changes = pick(3) == 0 ? pick(200) : pick(4);
        for (unsigned i = 0; i < changes; i++) {
                unsigned what = pick(4);
                if (what == 0 || content->count < 4) {
                        content_add_random(content, zone, ++*number);
                        content_add(added, &content->records[content->count - 1]);
                        continue;
                }
                size_t at = 2 + pick((uint32_t)content->count - 2);
                struct record record = record_dup(&content->records[at]);
                /* What was added in this change is left alone. */
                bool is_new = false;
                for (size_t n = 0; n < added->count; n++)
                        is_new |= octets_compare(&added->records[n], &record) == 0;
                if (!is_new) {
                        content_add(removed, &record);
                        content_remove_at(content, at);
                        if (what == 2)
                                record.ttl += 1;
                        if (what == 3)
                                ((uint8_t *)record.owner)[1] ^= 0x20; /* letter case alone */
                        if (what != 1) {
                                content_add(content, &record);
                                content_add(added, &record);
                        }
                }
                free((void *)record.owner);
        }
}

static void test_every_kept_serial(void **state)
{
        (void)state;
        for (unsigned round = 0; round < 12; round++) {
                struct content history[HISTORY];
                unsigned number = 0, rounds_size = round % 3 == 2 ? 3000 : pick(200);
                struct content content = {.serial = round % 2 ? 4294967290u : 1 + pick(1000)};
                seed_state = 1000 + round;
                content_add_ns(&content, zone);
                for (unsigned i = 0; i < rounds_size; i++)
                        content_add_random(&content, zone, ++number);
                publish(&fixture, zone, &content, NULL, NULL, content.serial,
                        &(struct publish_how){.begins_era = true});
                content_copy(&history[0], &content);
                for (unsigned i = 1; i < HISTORY; i++) {
                        struct content removed = {0}, added = {0};
                        change_randomly(&content, &removed, &added, &number);
                        content.serial = serial_add(content.serial, 1 + pick(3) * 1000);
                        publish(&fixture, zone, NULL, &removed, &added, content.serial, NULL);
                        content_copy(&history[i], &content);
                        content_free(&removed);
                        content_free(&added);
                }
                struct tsig_key key = key_make("k.", TSIG_HMAC_SHA256, 'x');
                check_axfr(&content, round % 4 ? NULL : &key);
                for (unsigned i = 0; i < HISTORY; i++) {
                        struct answer answer;
                        struct transfer_summary summary = ask_all(&(struct ask){.type = TYPE_IXFR,
                                                                          .serial = history[i].serial,
                                                                          .key = i % 2 ? &key : NULL,
                                                                          .renew = i % 3 == 0},
                                &answer);
                        assert_int_equal(
                                summary.kind, i + 1 == HISTORY ? TRANSFER_UP_TO_DATE : TRANSFER_IXFR);
                        apply_ixfr(&answer, &history[i]);
                        assert_same_content(&history[i], &content);
                        answer_free(&answer);
                        content_free(&history[i]);
                }
                content_free(&content);
        }
}

static void test_unknown_and_ahead(void **state)
{
        (void)state;
        struct content content = {.serial = 100}, added = {0};
        content_add_ns(&content, zone);
        publish(&fixture, zone, &content, NULL, NULL, 100, &(struct publish_how){.begins_era = true});
        content_add_random(&added, zone, 1);
        content_add(&content, &added.records[0]);
        content.serial = 101;
        publish(&fixture, zone, NULL, NULL, &added, 101, NULL);
        static const struct {
                uint32_t serial;
                bool over_udp;
                enum transfer_kind kind;
                size_t records;
        } cases[] = {
                {101, false, TRANSFER_UP_TO_DATE, 1},
                {100, false, TRANSFER_IXFR, 5},
                {99, false, TRANSFER_IXFR_WHOLE, 5},
                {102, false, TRANSFER_CLIENT_AHEAD, 1},
                {101 + 0x7fffffffu, false, TRANSFER_CLIENT_AHEAD, 1},
                {101 + 0x80000000u, false, TRANSFER_IXFR_WHOLE, 5},
                {100, true, TRANSFER_UP_TO_DATE, 1},
                {102, true, TRANSFER_CLIENT_AHEAD, 1},
        };
        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                struct answer answer;
                struct transfer_summary summary = ask_all(
                        &(struct ask){
                                .type = TYPE_IXFR, .serial = cases[i].serial, .over_udp = cases[i].over_udp},
                        &answer);
                assert_int_equal(summary.kind, cases[i].kind);
                assert_int_equal(summary.from_serial, cases[i].serial);
                assert_int_equal(answer.count, cases[i].records);
                assert_int_equal(answer.messages, 1);
                answer_free(&answer);
        }
        content_free(&content);
        content_free(&added);
}

/* An era's end: nobody gets differences across it (I1). */
static void test_no_ixfr_across_eras(void **state)
{
        (void)state;
        struct content content = {.serial = 50};
        content_add_ns(&content, zone);
        publish(&fixture, zone, &content, NULL, NULL, 50, &(struct publish_how){.begins_era = true});
        publish(&fixture, zone, NULL, NULL, NULL, 60, NULL);
        publish(&fixture, zone, &content, NULL, NULL, 55, &(struct publish_how){.begins_era = true});
        struct answer answer;
        assert_int_equal(
                ask_all(&(struct ask){.type = TYPE_IXFR, .serial = 50}, &answer).kind, TRANSFER_IXFR_WHOLE);
        answer_free(&answer);
        assert_int_equal(
                ask_all(&(struct ask){.type = TYPE_IXFR, .serial = 60}, &answer).kind, TRANSFER_CLIENT_AHEAD);
        answer_free(&answer);
        content_free(&content);
}

static void test_plan(void **state)
{
        (void)state;
        struct store_zone row = {.serial = 10, .axfr_bytes = 100000, .journal_end = 1060000};
        struct store_step first = {.bytes_before = 1000000};
        assert_int_equal(ixfr_plan(&row, 9, &first, 100), TRANSFER_IXFR);
        assert_int_equal(ixfr_plan(&row, 9, &first, 60), TRANSFER_IXFR);
        assert_int_equal(ixfr_plan(&row, 9, &first, 59), TRANSFER_IXFR_WHOLE);
        assert_int_equal(ixfr_plan(&row, 9, &first, 0), TRANSFER_IXFR);
        assert_int_equal(ixfr_plan(&row, 9, NULL, 0), TRANSFER_IXFR_WHOLE);
        assert_int_equal(ixfr_plan(&row, 10, &first, 0), TRANSFER_UP_TO_DATE);
        assert_int_equal(ixfr_plan(&row, 11, NULL, 0), TRANSFER_CLIENT_AHEAD);
        row.serial = 1;
        assert_int_equal(ixfr_plan(&row, 4294967295u, &first, 0), TRANSFER_IXFR); /* it wrapped */
        row.axfr_bytes = 300;
        first.bytes_before = row.journal_end - 4000;
        assert_int_equal(ixfr_plan(&row, 4294967295u, &first, 100), TRANSFER_IXFR); /* small either way */
}

/* One version from first message to last (I1), whatever is published meanwhile; renewing says so. */
static void test_version_stays(void **state)
{
        (void)state;
        struct content content = {.serial = 1}, removed = {0}, added = {0}, got;
        content_add_ns(&content, zone);
        for (unsigned i = 0; i < 8000; i++)
                content_add_random(&content, zone, i);
        publish(&fixture, zone, &content, NULL, NULL, 1, &(struct publish_how){.begins_era = true});
        struct answer answer;
        struct transfer *transfer = transfer_begin(&(struct ask){.type = TYPE_AXFR}, &answer);
        struct transfer_message message;
        assert_int_equal(transfer_next(transfer, 1000, &message), 0);
        take(&answer, &message);

        /* Another zone's publish does not matter. */
        uint8_t other[NAME_MAX_LENGTH];
        name_make("other.example.", other);
        struct content of_other = {.serial = 5};
        content_add_ns(&of_other, other);
        uint64_t clock = transfer_clock(transfer);
        publish(&fixture, other, &of_other, NULL, NULL, 5, &(struct publish_how){.begins_era = true});
        assert_int_equal(transfer_renew(transfer, fixture.store), 0);
        assert_true(transfer_clock(transfer) > clock);

        for (size_t i = 2; i < content.count; i += 3)
                content_add(&removed, &content.records[i]);
        publish(&fixture, zone, NULL, &removed, &added, 2, NULL);
        assert_int_equal(transfer_renew(transfer, fixture.store), 1);
        int r;
        while ((r = transfer_next(transfer, 1000, &message)) == 0)
                take(&answer, &message);
        assert_int_equal(r, 1);
        apply_axfr(&answer, &got);
        assert_same_content(&got, &content);
        transfer_free(transfer);
        answer_free(&answer);
        content_free(&got);
        content_free(&content);
        content_free(&removed);
        content_free(&of_other);
}

static unsigned damage_lines;
static void count_damage(int priority, const struct log_fields *fields, const char *message)
{
        (void)message;
        damage_lines +=
                priority == LOG_ERR && fields && strcmp(fields->message_id, MESSAGE_STORE_DAMAGED) == 0;
}

/* Flips every copy of the marker in the data file of a closed store. */
static unsigned flip(const char *marker)
{
        char path[128];
        unsigned found = 0;
        snprintf(path, sizeof(path), "%s/data.mdb", fixture.directory);
        FILE *file = fopen(path, "r+");
        assert_non_null(file);
        fseek(file, 0, SEEK_END);
        size_t size = (size_t)ftell(file);
        char *bytes = malloc(size);
        rewind(file);
        assert_int_equal(fread(bytes, 1, size, file), size);
        for (char *at = bytes; (at = memmem(at, size - (size_t)(at - bytes), marker, strlen(marker)));
                at++, found++) {
                fseek(file, at - bytes, SEEK_SET);
                fputc(*at ^ 1, file);
        }
        fclose(file);
        free(bytes);
        return found;
}

/* Octets of the journal flipped: the whole zone instead, one log line; never a wrong answer. */
static void test_damaged_history(void **state)
{
        (void)state;
        static const char marker[] = "this-stands-in-two-steps-and-no-leaf";
        struct content content = {.serial = 1}, passing = {0}, got;
        content_add_ns(&content, zone);
        publish(&fixture, zone, &content, NULL, NULL, 1, &(struct publish_how){.begins_era = true});
        uint8_t rdata[64] = {sizeof(marker) - 1};
        memcpy(rdata + 1, marker, sizeof(marker) - 1);
        content_add(&passing, &(struct record){.owner = zone,
                                      .rdata = rdata,
                                      .ttl = 5,
                                      .type = TYPE_TXT,
                                      .rdata_length = sizeof(marker)});
        publish(&fixture, zone, NULL, NULL, &passing, 2, NULL);
        publish(&fixture, zone, NULL, &passing, NULL, 3, NULL);
        publish(&fixture, zone, NULL, NULL, NULL, 4, NULL);
        content.serial = 4;
        store_close(fixture.store);
        assert_true(flip(marker) >= 2);
        const char *why;
        assert_int_equal(store_open(&fixture.options, &fixture.store, &why), 0);

        log_redirect(count_damage);
        for (unsigned serial = 1; serial <= 3; serial++) {
                struct answer answer;
                struct transfer_summary summary =
                        ask_all(&(struct ask){.type = TYPE_IXFR, .serial = serial}, &answer);
                assert_int_equal(summary.kind, serial == 3 ? TRANSFER_IXFR : TRANSFER_IXFR_WHOLE);
                if (serial < 3) {
                        apply_axfr(&answer, &got);
                        assert_same_content(&got, &content);
                        content_free(&got);
                }
                answer_free(&answer);
        }
        log_redirect(NULL);
        assert_int_equal(damage_lines, 1);
        content_free(&content);
        content_free(&passing);
}

static void test_no_such_zone_and_fault(void **state)
{
        (void)state;
        uint8_t bytes[1024], name[NAME_MAX_LENGTH];
        name_make("nowhere.example.", name);
        size_t length = request_write(bytes, 1, name, TYPE_AXFR, false, 0, false);
        struct request request;
        struct store_read *read;
        struct transfer *transfer = NULL;
        assert_int_equal(request_parse(bytes, length, false, &request), MESSAGE_OK);
        assert_int_equal(store_read_begin(fixture.store, &read), 0);
        const struct transfer_request wanted = {.request = &request, .tcp = true};
        assert_int_equal(transfer_new(read, &wanted, NULL, &transfer), -ENOENT);
        assert_null(transfer);

        struct content content = {.serial = 1};
        content_add_ns(&content, zone);
        publish(&fixture, zone, &content, NULL, NULL, 1, &(struct publish_how){.begins_era = true});
        struct answer answer;
        struct transfer_message message;
        transfer = transfer_begin(&(struct ask){.type = TYPE_AXFR}, &answer);
        fault_set("transfer-message:1:fail=EUCLEAN");
        assert_int_equal(transfer_next(transfer, 1000, &message), -EUCLEAN);
        fault_set(NULL);
        transfer_free(transfer);
        answer_free(&answer);
        content_free(&content);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_one_message_zone, begin, end),
                cmocka_unit_test_setup_teardown(test_large_zone_signed, begin, end),
                cmocka_unit_test_setup_teardown(test_first_message_is_no_lone_soa, begin, end),
                cmocka_unit_test_setup_teardown(test_records_larger_than_leaves, begin, end),
                cmocka_unit_test_setup_teardown(test_every_kept_serial, begin, end),
                cmocka_unit_test_setup_teardown(test_unknown_and_ahead, begin, end),
                cmocka_unit_test_setup_teardown(test_no_ixfr_across_eras, begin, end),
                cmocka_unit_test_setup_teardown(test_plan, begin, end),
                cmocka_unit_test_setup_teardown(test_version_stays, begin, end),
                cmocka_unit_test_setup_teardown(test_damaged_history, begin, end),
                cmocka_unit_test_setup_teardown(test_no_such_zone_and_fault, begin, end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
