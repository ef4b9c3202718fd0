/* A daemon's part around notify/ for its tests: a store with zones, a configuration, the loop, and responders
 * on 127.0.0.x that answer as the test says. */
#pragma once

/* No test uses all of it. */
#pragma GCC diagnostic ignored "-Wunused-function"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "dns/type.h"
#include "notify/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RUN(command)                                                                                         \
        do {                                                                                                 \
                if (system(command) != 0)                                                                    \
                        fail_msg("%s", command);                                                             \
        } while (0)

struct responder {
        int fd;
        struct address address;
};

struct datagram {
        uint8_t bytes[4096];
        size_t length;
        struct address from;
        struct request request;
};

struct lab {
        char directory[64];
        struct store *store;
        struct conf *conf;
        struct fleet *fleet;
        sd_event *event;
        struct notify *notify;
};

/* ---- the log ---- */

static struct {
        unsigned acknowledged, down, up, refused, not_transferred, others;
        char last[2048];
        int last_priority;
} told;

static bool is_id(const struct log_fields *fields, const char *id)
{
        return fields && fields->message_id && strcmp(fields->message_id, id) == 0;
}

static void told_sink(int priority, const struct log_fields *fields, const char *message)
{
        if (is_id(fields, MESSAGE_NOTIFY_ACK))
                told.acknowledged++;
        else if (is_id(fields, MESSAGE_NOTIFY_DOWN))
                told.down++;
        else if (is_id(fields, MESSAGE_NOTIFY_UP))
                told.up++;
        else if (is_id(fields, MESSAGE_NOTIFY_REFUSED))
                told.refused++;
        else if (is_id(fields, MESSAGE_NOT_TRANSFERRED))
                told.not_transferred++;
        else
                told.others++;
        snprintf(told.last, sizeof(told.last), "%s", message);
        told.last_priority = priority;
}

/* ---- zones ---- */

static const uint8_t *name_of(const char *text, uint8_t name[static NAME_MAX_LENGTH])
{
        size_t length, at;
        assert_int_equal(
                name_from_text(text, strlen(text), (const uint8_t *)"", name, &length, &at), NAME_OK);
        return name;
}

static void add_record(struct record_list *list, struct arena *arena, const char *owner, uint16_t type,
        const void *rdata, size_t length)
{
        uint8_t name[NAME_MAX_LENGTH];
        struct record record = {.owner = name_of(owner, name),
                .rdata = rdata,
                .ttl = 3600,
                .type = type,
                .rdata_length = (uint16_t)length};
        struct record copy;
        assert_int_equal(record_copy(arena, &record, &copy), 0);
        assert_int_equal(record_list_add(list, &copy), 0);
}

static void add_ns(struct record_list *list, struct arena *arena, const char *owner, const char *target)
{
        uint8_t name[NAME_MAX_LENGTH];
        name_of(target, name);
        add_record(list, arena, owner, TYPE_NS, name, name_length(name));
}

static void add_a(struct record_list *list, struct arena *arena, const char *owner, const char *text)
{
        struct address address;
        assert_int_equal(address_parse(text, &address), 0);
        bool is_ipv4 = address.family == AF_INET;
        add_record(list, arena, owner, is_ipv4 ? TYPE_A : TYPE_AAAA, address.bytes, is_ipv4 ? 4 : 16);
}

static size_t soa_rdata(const char *mname, uint32_t serial, uint8_t *rdata)
{
        uint8_t name[NAME_MAX_LENGTH];
        name_of(mname, name);
        size_t length = name_length(name);
        memcpy(rdata, name, length);
        memcpy(rdata + length, "\1h\2ex", 6);
        uint8_t *at = rdata + length + 6;
        const uint32_t numbers[] = {serial, 3600, 600, 86400, 300};
        for (unsigned i = 0; i < 5; i++)
                write_u32(at + 4 * i, numbers[i]);
        return length + 26;
}

/* Commits the zone with these records beside the SOA (whose MNAME is "mname.ZONE"), as a new era; not
 * announced. */
static void store_put(struct lab *lab, const char *zone, uint32_t serial, struct record_list *records)
{
        uint8_t name[NAME_MAX_LENGTH], rdata[2 * NAME_MAX_LENGTH + 20];
        char mname[300];
        struct store_read *read;
        struct store_zone row = {0};
        struct store_batch *batch;
        uint64_t version;
        name_of(zone, name);
        snprintf(mname, sizeof(mname), "mname.%s", zone);
        assert_int_equal(store_read_begin(lab->store, &read), 0);
        int r = store_zone_find(read, name, &row);
        uint64_t base = r == 0 ? row.version : 0;
        store_read_end(read);
        assert_int_equal(record_list_sort(records, name, NULL), 0);
        struct store_publication publication = {
                .name = name,
                .base_version = base,
                .begins_era = true,
                .soa = {.owner = name,
                        .rdata = rdata,
                        .ttl = 3600,
                        .type = TYPE_SOA,
                        .rdata_length = (uint16_t)soa_rdata(mname, serial, rdata)},
                .file_serial = serial,
                .records = records,
                .text_change = STORE_TEXT_DROP,
                .provenance = "test",
                .max_journal_bytes = UINT64_MAX,
        };
        assert_int_equal(store_batch_begin(lab->store, &batch), 0);
        assert_int_equal(store_batch_publish(batch, &publication, &version), 0);
        assert_int_equal(store_batch_commit(batch), 0);
}

static void store_put_plain(struct lab *lab, const char *zone, uint32_t serial)
{
        struct arena arena = {0};
        struct record_list records = {0};
        add_ns(&records, &arena, zone, "ns.elsewhere.test.");
        store_put(lab, zone, serial, &records);
        record_list_free(&records);
        arena_free(&arena);
}

static void announce(struct lab *lab, const char *zone)
{
        uint8_t name[NAME_MAX_LENGTH];
        struct store_read *read;
        struct store_zone row;
        assert_int_equal(store_read_begin(lab->store, &read), 0);
        assert_int_equal(store_zone_find(read, name_of(zone, name), &row), 0);
        assert_int_equal(notify_zone_published(lab->notify, &row), 0);
        store_read_end(read);
}

static void publish(struct lab *lab, const char *zone, uint32_t serial)
{
        store_put_plain(lab, zone, serial);
        announce(lab, zone);
}

static struct fleet_zone *zone_of(struct lab *lab, const char *zone)
{
        uint8_t name[NAME_MAX_LENGTH];
        struct fleet_zone *found = fleet_zone_get(lab->fleet, name_of(zone, name), NULL);
        assert_non_null(found);
        return found;
}

static struct fleet_target *target_of(struct lab *lab, const char *zone, size_t i)
{
        struct fleet_zone *found = zone_of(lab, zone);
        assert_true(i < found->target_count);
        return found->targets[i];
}

static enum notify_phase phase_of(struct lab *lab, const char *zone, size_t i)
{
        return notify_target_phase(target_of(lab, zone, i));
}

/* ---- the loop ---- */

static struct conf *conf_make(const char *text)
{
        struct diag_list diags = {0};
        struct conf *conf;
        struct conf_load_options options = {
                .without_secrets_check = true,
                .without_files = true,
                .text = text,
                .text_length = strlen(text),
        };
        int r = conf_load("test.conf", &options, &diags, &conf);
        if (r < 0) {
                struct buffer out = {0};
                for (size_t i = 0; i < diags.count; i++)
                        diag_format(&diags.items[i], &out);
                fail_msg("%s\n%s", text, buffer_text(&out));
        }
        diag_free(&diags);
        return conf;
}

static void daemon_begin(struct lab *lab)
{
        assert_true(sd_event_new(&lab->event) >= 0);
        assert_int_equal(fleet_new(lab->store, lab->conf, &lab->fleet), 0);
        assert_int_equal(notify_new(lab->event, lab->store, lab->fleet, &lab->notify), 0);
}

static void daemon_end(struct lab *lab)
{
        lab->notify = notify_free(lab->notify);
        lab->fleet = fleet_free(lab->fleet);
        lab->event = sd_event_unref(lab->event);
}

static void lab_begin(struct lab *lab, const char *conf)
{
        const char *why = NULL;
        *lab = (struct lab){.directory = "/tmp/zonecrier-notify-XXXXXX"};
        memset(&told, 0, sizeof(told));
        log_redirect(told_sink);
        assert_non_null(mkdtemp(lab->directory));
        struct store_options options = {.directory = lab->directory, .limit_bytes = 256 << 20};
        if (store_open(&options, &lab->store, &why) < 0)
                fail_msg("%s", why);
        lab->conf = conf_make(conf);
        daemon_begin(lab);
}

static void lab_end(struct lab *lab)
{
        char command[100];
        daemon_end(lab);
        conf_unref(lab->conf);
        store_close(lab->store);
        log_redirect(NULL);
        snprintf(command, sizeof(command), "rm -r %s", lab->directory);
        RUN(command);
}

/* Writes the rows that wait, as the publisher does. */
static size_t rows_write(struct lab *lab)
{
        struct fleet_write *writes;
        struct store_batch *batch;
        size_t count;
        assert_int_equal(fleet_take_dirty(lab->fleet, &writes, &count), 0);
        assert_int_equal(store_batch_begin(lab->store, &batch), 0);
        for (size_t i = 0; i < count; i++) {
                const struct fleet_write *write = &writes[i];
                int r = write->size > 0 ? store_batch_state_put(batch, write->zone_id, write->key,
                                                  write->key_size, write->value, write->size)
                                        : store_batch_state_delete(
                                                  batch, write->zone_id, write->key, write->key_size);
                assert_true(r == 0 || (write->size == 0 && r == -ENOENT));
        }
        assert_int_equal(store_batch_commit(batch), 0);
        free(writes);
        return count;
}

static void restart(struct lab *lab)
{
        rows_write(lab);
        daemon_end(lab);
        daemon_begin(lab);
}

static void loop_for(struct lab *lab, unsigned msec)
{
        uint64_t end = clock_monotonic_usec() + msec * USEC_PER_MSEC;
        uint64_t now;
        while ((now = clock_monotonic_usec()) < end)
                assert_true(sd_event_run(lab->event, end - now) >= 0);
}

/* Time jumps; what is due then runs. */
static void pass(struct lab *lab, uint64_t seconds)
{
        clock_shift((int64_t)(seconds * USEC_PER_SEC));
        notify_run_due(lab->notify);
}

/* Time goes on in steps small enough that nothing runs late. */
static void pass_slowly(struct lab *lab, uint64_t seconds)
{
        for (uint64_t i = 0; i < seconds; i++) {
                pass(lab, 1);
                loop_for(lab, 1);
        }
}

/* ---- responders ---- */

static struct responder responder_open(const char *text)
{
        struct responder responder = {.fd = -1};
        struct sockaddr_storage bound;
        assert_int_equal(address_parse(text, &responder.address), 0);
        responder.fd = socket(responder.address.family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        socklen_t length = address_to_sockaddr(&responder.address, &bound);
        if (responder.fd < 0 || bind(responder.fd, (struct sockaddr *)&bound, length) < 0) {
                print_message("skipped: no address %s here\n", text);
                skip();
        }
        assert_int_equal(getsockname(responder.fd, (struct sockaddr *)&bound, &length), 0);
        assert_int_equal(address_from_sockaddr((struct sockaddr *)&bound, &responder.address), 0);
        return responder;
}

static bool receive_now(const struct responder *responder, struct datagram *datagram)
{
        struct sockaddr_storage from;
        socklen_t length = sizeof(from);
        ssize_t size = recvfrom(responder->fd, datagram->bytes, sizeof(datagram->bytes), 0,
                (struct sockaddr *)&from, &length);
        if (size < 0)
                return false;
        datagram->length = (size_t)size;
        assert_int_equal(address_from_sockaddr((struct sockaddr *)&from, &datagram->from), 0);
        assert_int_equal(
                request_parse(datagram->bytes, datagram->length, false, &datagram->request), MESSAGE_OK);
        return true;
}

/* The loop runs until one comes, ten seconds at most. */
static void receive(struct lab *lab, const struct responder *responder, struct datagram *datagram)
{
        for (unsigned i = 0; i < 2000; i++) {
                if (receive_now(responder, datagram))
                        return;
                assert_true(sd_event_run(lab->event, 5000) >= 0);
        }
        fail_msg("no NOTIFY came");
}

static unsigned drain(const struct responder *responder)
{
        struct datagram datagram;
        unsigned count = 0;
        while (receive_now(responder, &datagram))
                count++;
        return count;
}

static void send_bytes(
        const struct responder *responder, const struct address *to, const uint8_t *bytes, size_t length)
{
        struct sockaddr_storage address;
        socklen_t size = address_to_sockaddr(to, &address);
        assert_int_equal(
                sendto(responder->fd, bytes, length, 0, (struct sockaddr *)&address, size), (ssize_t)length);
}

/* Header and question of the NOTIFY, as an answer without TSIG. Returns its length. */
static size_t answer_make(const struct datagram *datagram, unsigned rcode, uint8_t *bytes)
{
        size_t length = datagram->request.question_end;
        memcpy(bytes, datagram->bytes, length);
        write_u16(bytes + 2, (uint16_t)(FLAG_QR | OPCODE_NOTIFY << 11 | FLAG_AA | rcode));
        write_u16(bytes + 6, 0);
        write_u16(bytes + 8, 0);
        write_u16(bytes + 10, 0);
        return length;
}

static void answer(
        struct lab *lab, const struct responder *responder, const struct datagram *datagram, unsigned rcode)
{
        uint8_t bytes[512];
        send_bytes(responder, &datagram->from, bytes, answer_make(datagram, rcode, bytes));
        loop_for(lab, 5);
}

static void receive_and_answer(struct lab *lab, const struct responder *responder, unsigned rcode)
{
        struct datagram datagram;
        receive(lab, responder, &datagram);
        answer(lab, responder, &datagram, rcode);
}

/* A configuration whose zones all have these targets; `more` stands in options. */
static const char *conf_text(const char *more, const struct responder *const *responders, size_t count)
{
        static char text[4096];
        struct buffer out = {0};
        char address[ADDRESS_TEXT_MAX];
        buffer_printf(&out, "options { %s also-notify {", more);
        for (size_t i = 0; i < count; i++) {
                struct address plain = responders[i]->address;
                plain.port = 0;
                buffer_printf(
                        &out, " %s port %u;", address_format(&plain, address), responders[i]->address.port);
        }
        buffer_append_text(&out, " }; };\n");
        snprintf(text, sizeof(text), "%s", buffer_text(&out));
        buffer_free(&out);
        return text;
}
