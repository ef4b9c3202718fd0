/* A store in a folder of its own, zones made from a seed, and a client of the tests that puts answers
 * together: what it holds after a transfer is compared record by record, octet by octet. Shared by the tests
 * of transfer/ and server/. */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/render.h"
#include "dns/type.h"
#include "store/store.h"
#include "transfer/transfer.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define UNUSED __attribute__((unused))

/* ---- a seed ---- */

static uint64_t seed_state UNUSED = 1;
static UNUSED uint32_t pick(uint32_t bound)
{
        seed_state = seed_state * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)(seed_state >> 33) % bound;
}

/* ---- contents: a list of records, each one's octets owned ---- */

struct content {
        struct record *records;
        size_t count, capacity;
        uint32_t serial;
};

static UNUSED struct record record_dup(const struct record *record)
{
        size_t owner = name_length(record->owner);
        uint8_t *bytes = malloc(owner + record->rdata_length);
        assert_non_null(bytes);
        memcpy(bytes, record->owner, owner);
        memcpy(bytes + owner, record->rdata, record->rdata_length);
        struct record copy = *record;
        copy.owner = bytes;
        copy.rdata = bytes + owner;
        return copy;
}

static UNUSED void content_add(struct content *content, const struct record *record)
{
        if (content->count == content->capacity) {
                content->capacity = content->capacity * 2 + 16;
                content->records = realloc(content->records, content->capacity * sizeof(*content->records));
                assert_non_null(content->records);
        }
        content->records[content->count++] = record_dup(record);
}

static UNUSED void content_remove_at(struct content *content, size_t i)
{
        free((void *)content->records[i].owner);
        content->records[i] = content->records[--content->count];
}

/* Every octet counts: case and TTL too. */
static UNUSED int octets_compare(const void *left_, const void *right_)
{
        const struct record *left = left_, *right = right_;
        size_t length = name_length(left->owner);
        if (length != name_length(right->owner))
                return length < name_length(right->owner) ? -1 : 1;
        int r = memcmp(left->owner, right->owner, length);
        if (r == 0 && left->type != right->type)
                r = left->type < right->type ? -1 : 1;
        if (r == 0 && left->ttl != right->ttl)
                r = left->ttl < right->ttl ? -1 : 1;
        if (r == 0 && left->rdata_length != right->rdata_length)
                r = left->rdata_length < right->rdata_length ? -1 : 1;
        return r ? r : memcmp(left->rdata, right->rdata, left->rdata_length);
}

static UNUSED void content_remove(struct content *content, const struct record *record)
{
        for (size_t i = 0; i < content->count; i++)
                if (octets_compare(&content->records[i], record) == 0) {
                        content_remove_at(content, i);
                        return;
                }
        fail_msg("a record is to be removed that is not there");
}

static UNUSED void content_copy(struct content *to, const struct content *from)
{
        *to = (struct content){.serial = from->serial};
        for (size_t i = 0; i < from->count; i++)
                content_add(to, &from->records[i]);
}

static UNUSED void content_free(struct content *content)
{
        while (content->count > 0)
                content_remove_at(content, content->count - 1);
        free(content->records);
        *content = (struct content){0};
}

static UNUSED void assert_same_content(struct content *left, struct content *right)
{
        assert_int_equal(left->serial, right->serial);
        assert_int_equal(left->count, right->count);
        if (left->count == 0)
                return;
        qsort(left->records, left->count, sizeof(*left->records), octets_compare);
        qsort(right->records, right->count, sizeof(*right->records), octets_compare);
        for (size_t i = 0; i < left->count; i++)
                assert_int_equal(octets_compare(&left->records[i], &right->records[i]), 0);
}

/* ---- a store with one zone ---- */

static UNUSED void name_make(const char *text, uint8_t ret_name[static NAME_MAX_LENGTH])
{
        size_t length;
        assert_int_equal(
                name_from_text(text, strlen(text), (const uint8_t *)"", ret_name, &length, NULL), NAME_OK);
}

static UNUSED struct record soa_make(const uint8_t *zone, uint32_t serial)
{
        static uint8_t rdata[600];
        size_t at = 0;
        const char *labels[] = {"\3ns1", "\12hostmaster"};
        for (unsigned i = 0; i < 2; i++) {
                memcpy(rdata + at, labels[i], strlen(labels[i]));
                at += strlen(labels[i]);
                memcpy(rdata + at, zone, name_length(zone));
                at += name_length(zone);
        }
        uint32_t numbers[] = {serial, 3600, 600, 1209600, 300};
        for (unsigned i = 0; i < 5; i++, at += 4)
                write_u32(rdata + at, numbers[i]);
        return (struct record){
                .owner = zone, .rdata = rdata, .ttl = 3600, .type = TYPE_SOA, .rdata_length = (uint16_t)at};
}

struct fixture {
        char directory[64];
        struct store *store;
        struct store_options options;
};

static UNUSED void fixture_open(struct fixture *fixture)
{
        strcpy(fixture->directory, "/tmp/zonecrier-unit-XXXXXX");
        assert_non_null(mkdtemp(fixture->directory));
        fixture->options = (struct store_options){.directory = fixture->directory, .limit_bytes = 1u << 30};
        const char *why = "";
        int r = store_open(&fixture->options, &fixture->store, &why);
        if (r < 0)
                fail_msg("store_open: %d %s", r, why);
}

static UNUSED void fixture_close(struct fixture *fixture)
{
        char command[128];
        store_close(fixture->store);
        snprintf(command, sizeof(command), "rm -rf %s", fixture->directory);
        assert_int_equal(system(command), 0);
}

static UNUSED uint64_t zone_version(struct fixture *fixture, const uint8_t *zone)
{
        struct store_read *read;
        struct store_zone row;
        assert_int_equal(store_read_begin(fixture->store, &read), 0);
        int r = store_zone_find(read, zone, &row);
        uint64_t version = r == 0 ? row.version : 0;
        store_read_end(read);
        return version;
}

struct publish_how {
        uint64_t max_journal_bytes;
        bool begins_era;
};

static UNUSED void list_fill(struct record_list *list, const struct content *content, const uint8_t *zone)
{
        for (size_t i = 0; i < content->count; i++)
                assert_int_equal(record_list_add(list, &content->records[i]), 0);
        assert_int_equal(record_list_sort(list, zone, NULL), 0);
}

static UNUSED void publish(struct fixture *fixture, const uint8_t *zone, const struct content *whole,
        const struct content *removed, const struct content *added, uint32_t serial,
        const struct publish_how *how)
{
        struct record_list whole_list = {0}, removed_list = {0}, added_list = {0};
        if (whole)
                list_fill(&whole_list, whole, zone);
        if (removed)
                list_fill(&removed_list, removed, zone);
        if (added)
                list_fill(&added_list, added, zone);
        struct store_publication publication = {
                .name = zone,
                .base_version = zone_version(fixture, zone),
                .soa = soa_make(zone, serial),
                .records = whole ? &whole_list : NULL,
                .removed = &removed_list,
                .added = &added_list,
                .provenance = "",
                .max_journal_bytes = how && how->max_journal_bytes ? how->max_journal_bytes : UINT64_MAX,
                .begins_era = how && how->begins_era,
        };
        struct store_batch *batch;
        uint64_t version;
        assert_int_equal(store_batch_begin(fixture->store, &batch), 0);
        int r = store_batch_publish(batch, &publication, &version);
        if (r < 0)
                fail_msg("store_batch_publish: %d", r);
        assert_int_equal(store_batch_commit(batch), 0);
        record_list_free(&whole_list);
        record_list_free(&removed_list);
        record_list_free(&added_list);
}

/* ---- records of many shapes ---- */

static UNUSED void content_add_random(struct content *content, const uint8_t *zone, unsigned number)
{
        uint8_t owner[NAME_MAX_LENGTH], rdata[2 + 4 * NAME_MAX_LENGTH + 512];
        char label[32];
        int length = snprintf(label, sizeof(label), "%s%u", pick(2) ? "Host" : "w", number);
        owner[0] = (uint8_t)length;
        memcpy(owner + 1, label, (size_t)length);
        memcpy(owner + 1 + length, zone, name_length(zone));
        struct record record = {.owner = owner, .rdata = rdata, .ttl = 60 + pick(4)};
        switch (pick(5)) {
        case 0:
                record.type = TYPE_MX;
                write_u16(rdata, (uint16_t)pick(50));
                memcpy(rdata + 2, owner, name_length(owner));
                record.rdata_length = (uint16_t)(2 + name_length(owner));
                break;
        case 1:
                record.type = TYPE_TXT;
                rdata[0] = (uint8_t)pick(200);
                memset(rdata + 1, 'x', rdata[0]);
                write_u32(rdata + 1, number);
                if (rdata[0] < 4)
                        rdata[0] = 4;
                record.rdata_length = (uint16_t)(1 + rdata[0]);
                break;
        case 2: /* RFC 3597: octets that look like anything */
                record.type = 65280;
                for (unsigned i = 0; i < 40; i++)
                        rdata[i] = (uint8_t)pick(256);
                record.rdata_length = 40;
                break;
        default:
                record.type = TYPE_A;
                write_u32(rdata, number);
                record.rdata_length = 4;
                break;
        }
        content_add(content, &record);
}

static UNUSED void content_add_ns(struct content *content, const uint8_t *zone)
{
        for (unsigned i = 1; i <= 2; i++) {
                uint8_t rdata[NAME_MAX_LENGTH] = {3, 'n', 's', (uint8_t)('0' + i)};
                memcpy(rdata + 4, zone, name_length(zone));
                content_add(content, &(struct record){.owner = zone,
                                             .rdata = rdata,
                                             .ttl = 3600,
                                             .type = TYPE_NS,
                                             .rdata_length = (uint16_t)(4 + name_length(zone))});
        }
}

/* One record whose RDATA is that large. */
static UNUSED void content_add_large(
        struct content *content, const uint8_t *owner, unsigned number, size_t size)
{
        uint8_t *rdata = malloc(size);
        assert_non_null(rdata);
        memset(rdata, (int)number, size);
        write_u32(rdata, number);
        content_add(content, &(struct record){.owner = owner,
                                     .rdata = rdata,
                                     .ttl = 60,
                                     .type = 65281,
                                     .rdata_length = (uint16_t)size});
        free(rdata);
}

/* ---- requests ---- */

static UNUSED size_t request_write(uint8_t *bytes, uint16_t id, const uint8_t *name, uint16_t type,
        bool has_serial, uint32_t serial, bool has_edns)
{
        struct render *render = calloc(1, sizeof(*render));
        assert_non_null(render);
        render_begin(render, bytes, 1024, id, FLAG_RD);
        assert_int_equal(render_question_name(render, name, type), RENDER_OK);
        if (has_serial) {
                struct record soa = soa_make(name, serial);
                assert_int_equal(render_record(render, RENDER_AUTHORITY, &soa), RENDER_OK);
        }
        if (has_edns)
                assert_int_equal(render_opt(render, 4096, false, 0, EDE_NONE, NULL), RENDER_OK);
        size_t length = render_end(render);
        free(render);
        return length;
}

static UNUSED struct tsig_key key_make(const char *name, enum tsig_algorithm algorithm, uint8_t fill)
{
        struct tsig_key key = {.algorithm = algorithm, .secret_length = 32};
        uint8_t wire[NAME_MAX_LENGTH];
        name_make(name, wire);
        name_fold(wire, key.name);
        memset(key.secret, fill, key.secret_length);
        return key;
}

/* ---- the client: messages into records ---- */

struct answer {
        struct arena arena;
        struct record *records;
        size_t count, capacity;
        size_t messages;
        bool has_opt;
        /* The chain of signatures, checked with OpenSSL's HMAC and nothing of ours. */
        const struct tsig_key *key;
        uint8_t prior[64];
        size_t prior_length;
        uint16_t id;
};

static UNUSED void answer_free(struct answer *answer)
{
        arena_free(&answer->arena);
        free(answer->records);
        *answer = (struct answer){0};
}

/* Keeps the MAC of our own request. */
static UNUSED void answer_expect_signed(
        struct answer *answer, const struct tsig_key *key, const uint8_t *request, size_t length)
{
        struct request view;
        assert_int_equal(request_parse(request, length, false, &view), MESSAGE_OK);
        assert_true(view.tsig.present);
        answer->key = key;
        answer->prior_length = view.tsig.mac_length;
        memcpy(answer->prior, view.tsig.mac, view.tsig.mac_length);
}

static UNUSED void check_mac(struct answer *answer, const struct request *view)
{
        const struct tsig_view *tsig = &view->tsig;
        struct buffer covered = {0};
        assert_true(tsig->present);
        assert_int_equal(tsig->error, 0);
        buffer_append_u16(&covered, (uint16_t)answer->prior_length);
        buffer_append(&covered, answer->prior, answer->prior_length);
        size_t header = covered.length;
        buffer_append(&covered, view->bytes, tsig->offset);
        write_u16(covered.data + header, tsig->original_id);
        write_u16(covered.data + header + 10, (uint16_t)(read_u16(view->bytes + 10) - 1));
        if (answer->messages == 0) {
                buffer_append(&covered, answer->key->name, name_length(answer->key->name));
                buffer_append_u16(&covered, CLASS_ANY);
                buffer_append_u32(&covered, 0);
                const uint8_t *algorithm = tsig_algorithm_wire(answer->key->algorithm);
                buffer_append(&covered, algorithm, name_length(algorithm));
        }
        buffer_append_u16(&covered, (uint16_t)(tsig->time_signed >> 32));
        buffer_append_u32(&covered, (uint32_t)tsig->time_signed);
        buffer_append_u16(&covered, tsig->fudge);
        if (answer->messages == 0)
                buffer_append_u32(&covered, 0); /* error, other length */
        assert_int_equal(buffer_status(&covered), 0);
        const char *digests[] = {"MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"};
        uint8_t mac[EVP_MAX_MD_SIZE];
        unsigned size;
        assert_non_null(HMAC(EVP_get_digestbyname(digests[answer->key->algorithm]), answer->key->secret,
                answer->key->secret_length, covered.data, covered.length, mac, &size));
        assert_int_equal(size, tsig->mac_length);
        assert_memory_equal(mac, tsig->mac, size);
        memcpy(answer->prior, mac, size);
        answer->prior_length = size;
        buffer_free(&covered);
}

static UNUSED void answer_take_message(struct answer *answer, const uint8_t *bytes, size_t length)
{
        struct request view;
        assert_true(length >= MESSAGE_HEADER_SIZE && length <= MESSAGE_MAX_SIZE);
        assert_int_equal(request_parse(bytes, length, true, &view), MESSAGE_OK);
        assert_int_equal(view.id, answer->id);
        assert_int_equal(view.rcode, RCODE_NOERROR);
        assert_int_equal(view.flags, FLAG_QR | FLAG_AA | FLAG_RD);
        assert_int_equal(view.qdcount, answer->messages == 0 ? 1 : 0);
        if (view.has_edns) {
                assert_int_equal(answer->messages, 0);
                answer->has_opt = true;
        }
        if (answer->key)
                check_mac(answer, &view);
        else
                assert_false(view.tsig.present);
        struct message_walk walk;
        assert_int_equal(message_walk_begin(&walk, bytes, length), 0);
        walk.left = read_u16(bytes + 6); /* the answer section */
        assert_true(walk.left > 0);
        for (;;) {
                if (answer->count == answer->capacity) {
                        answer->capacity = answer->capacity * 2 + 64;
                        answer->records =
                                realloc(answer->records, answer->capacity * sizeof(*answer->records));
                        assert_non_null(answer->records);
                }
                int r = message_walk_next(&walk, &answer->arena, &answer->records[answer->count]);
                if (r == 1)
                        break;
                assert_int_equal(r, 0);
                answer->count++;
        }
        answer->messages++;
}

static UNUSED uint32_t soa_serial(const struct record *record)
{
        struct soa soa;
        assert_int_equal(record->type, TYPE_SOA);
        assert_int_equal(soa_parse(record->rdata, record->rdata_length, &soa), 0);
        return soa.serial;
}

/* RFC 5936 s.2.2: everything between the two SOAs. */
static UNUSED void apply_axfr(const struct answer *answer, struct content *ret_content)
{
        *ret_content = (struct content){0};
        assert_true(answer->count >= 2);
        ret_content->serial = soa_serial(&answer->records[0]);
        assert_int_equal(octets_compare(&answer->records[0], &answer->records[answer->count - 1]), 0);
        for (size_t i = 1; i + 1 < answer->count; i++) {
                assert_int_not_equal(answer->records[i].type, TYPE_SOA);
                content_add(ret_content, &answer->records[i]);
        }
}

/* RFC 1995 s.4, or an AXFR in its place. */
static UNUSED void apply_ixfr(const struct answer *answer, struct content *content)
{
        const struct record *records = answer->records;
        uint32_t target = soa_serial(&records[0]);
        if (answer->count == 1)
                return;
        if (records[1].type != TYPE_SOA || soa_serial(&records[1]) == target) {
                content_free(content);
                apply_axfr(answer, content);
                return;
        }
        size_t i = 1;
        while (i + 1 < answer->count) {
                assert_int_equal(soa_serial(&records[i++]), content->serial);
                for (; records[i].type != TYPE_SOA; i++)
                        content_remove(content, &records[i]);
                content->serial = soa_serial(&records[i++]);
                for (; records[i].type != TYPE_SOA; i++)
                        content_add(content, &records[i]);
        }
        assert_int_equal(i + 1, answer->count);
        assert_int_equal(soa_serial(&records[i]), target);
        assert_int_equal(content->serial, target);
}
