/* A request from anybody: the decision about it and, where it gets one, its answer. The store and the
 * configuration are small and real. The first octet says over what it came and from where; the second whether
 * it gets a good signature. */
#include "base/buffer.h"
#include "conf/conf.h"
#include "dns/render.h"
#include "dns/type.h"
#include "server/query.h"
#include "transfer/transfer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1000000
#define REQUEST_MAX 8192

static const char conf_text[] =
        "options { directory \"/\"; secondaries { s; t; }; };\n"
        "key \"k\" { algorithm hmac-sha256; secret \"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=\"; };\n"
        "zone \"a\" { type primary; file \"a\"; allow-transfer { !192.0.2.9; 192.0.2.7; key k; }; };\n"
        "zone \"b\" { type primary; file \"b\"; allow-query { none; }; };\n"
        "secondary s { transfer-from { 192.0.2.1-192.0.2.5; }; key k; notify no; strip-dnssec yes; };\n"
        "secondary t { transfer-from { 192.0.2.6 until \"2026-12-01\"; }; notify no; ixfr no; };\n";

static const uint8_t zone_name[] = "\1a";
static struct store *store;
static struct store_read *store_view;
static struct conf *conf;
static struct render *renderer;
static char directory[] = "/tmp/zonecrier-fuzz-XXXXXX";

static void put_away(void)
{
        char command[64];
        store_read_end(store_view);
        store_close(store);
        conf_unref(conf);
        free(renderer);
        snprintf(command, sizeof(command), "rm -rf %s", directory);
        if (system(command) != 0)
                perror(directory);
}

static struct record soa(uint32_t serial)
{
        static uint8_t rdata[22] = {0, 0};
        write_u32(rdata + 2, serial);
        return (struct record){.owner = zone_name,
                .rdata = rdata,
                .ttl = 60,
                .type = TYPE_SOA,
                .rdata_length = sizeof(rdata)};
}

static void publish(
        uint32_t serial, uint64_t base, const struct record_list *whole, const struct record_list *added)
{
        struct store_batch *batch;
        struct record nothing;
        struct record_list none = {.items = &nothing};
        struct store_publication publication = {
                .name = zone_name,
                .base_version = base,
                .begins_era = whole != NULL,
                .soa = soa(serial),
                .records = whole,
                .removed = &none,
                .added = added ? added : &none,
                .provenance = "",
                .max_journal_bytes = UINT64_MAX,
        };
        uint64_t version;
        int r = store_batch_begin(store, &batch);
        if (r == 0)
                r = store_batch_publish(batch, &publication, &version);
        if (r == 0)
                r = store_batch_commit(batch);
        if (r < 0)
                abort();
}

static void prepare(void)
{
        struct record ns = {
                .owner = zone_name, .rdata = zone_name, .ttl = 60, .type = TYPE_NS, .rdata_length = 3};
        struct record a = {.owner = zone_name,
                .rdata = (const uint8_t *)"\300\0\2\1",
                .ttl = 60,
                .type = TYPE_A,
                .rdata_length = 4};
        struct record_list whole = {0}, added = {0};
        struct store_options options = {.directory = directory, .limit_bytes = 64 << 20};
        struct conf_load_options text = {
                .without_files = true, .text = conf_text, .text_length = sizeof(conf_text) - 1};
        struct diag_list diags = {0};
        renderer = calloc(1, sizeof(*renderer));
        if (!renderer || !mkdtemp(directory) || store_open(&options, &store, NULL) < 0 ||
                conf_load("fuzz.conf", &text, &diags, &conf) < 0 || record_list_add(&whole, &ns) < 0 ||
                record_list_add(&added, &a) < 0)
                abort();
        publish(100, 0, &whole, NULL);
        struct store_zone zone;
        if (store_read_begin(store, &store_view) < 0 || store_zone_find(store_view, zone_name, &zone) < 0)
                abort();
        publish(101, zone.version, NULL, &added);
        if (store_read_renew(store_view) < 0)
                abort();
        record_list_free(&whole);
        record_list_free(&added);
        diag_free(&diags);
        atexit(put_away);
}

/* All messages of a transfer, each of which is a message. */
static void run_transfer(struct query *query)
{
        static uint8_t scratch[MESSAGE_MAX_SIZE];
        const struct transfer_request wanted = {
                .request = &query->request, .tcp = true, .render = renderer, .scratch = scratch};
        struct store_read *read;
        struct transfer *transfer = NULL;
        struct transfer_message message;
        if (store_read_begin(store, &read) < 0)
                abort();
        int r = transfer_new(read, &wanted, query->tsig, &transfer);
        query->tsig = NULL;
        if (r < 0)
                abort();
        while ((r = transfer_next(transfer, NOW, &message)) == 0)
                if (message.length > 2 + MESSAGE_MAX_SIZE)
                        abort();
        if (r != 1)
                abort();
        transfer_free(transfer);
}

static void check_answer(struct query *query)
{
        static uint8_t bytes[MESSAGE_MAX_SIZE];
        struct request response;
        size_t limit = query->over_tcp ? MESSAGE_MAX_SIZE : answer_udp_limit(query);
        size_t length = answer_write(query, renderer, bytes, limit);
        if (length > (limit > ANSWER_MIN ? limit : ANSWER_MIN))
                abort();
        if (request_parse(bytes, length, true, &response) != MESSAGE_OK || response.id != query->request.id)
                abort();
        if (query->verdict == QUERY_ERROR && read_u16(bytes + 6) != 0)
                abort(); /* who is refused gets no record */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const peers[] = {"127.0.0.1", "192.0.2.7", "192.0.2.9", "2001:db8::1"};
        static uint8_t bytes[REQUEST_MAX + TSIG_RR_MAX];
        if (!store)
                prepare();
        if (size < 2 || size - 2 > REQUEST_MAX)
                return -1;
        size_t length = size - 2;
        memcpy(bytes, data + 2, length);
        struct tsig_context *ours = NULL;
        if (data[1] & 1 && length >= MESSAGE_HEADER_SIZE && read_u16(bytes + 10) < UINT16_MAX) {
                const struct tsig_key *key = conf_key_find(conf, (const uint8_t *)"\1k");
                if (!key || tsig_context_new(key, &ours) < 0 ||
                        tsig_sign_request(ours, bytes, &length, NOW) < 0)
                        abort();
        }
        struct query query = {.conf = conf, .read = store_view, .over_tcp = data[0] & 1, .now_sec = NOW};
        address_parse(peers[data[0] >> 1 & 3], &query.peer);
        query.peer_is_local = address_is_loopback(&query.peer);
        query_decide(&query, bytes, length);
        switch (query.verdict) {
        case QUERY_DROP:
                break;
        case QUERY_TRANSFER:
                run_transfer(&query);
                break;
        case QUERY_ERROR:
        case QUERY_SOA:
        case QUERY_NS:
                check_answer(&query);
                break;
        }
        tsig_context_free(query.tsig);
        tsig_context_free(ours);
        return 0;
}
