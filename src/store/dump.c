/* A zone's versions, steps and text for a person (`zonecrier dump`). Any thread, on the caller's view. What
 * is damaged is shown as such, and the rest goes on. */
#include "store/store_data.h"

#include "base/encode.h"
#include "dns/rdata.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

static void dump_time(uint64_t usec, struct buffer *out)
{
        time_t seconds = (time_t)(usec / 1000000);
        struct tm utc;
        char text[32];

        if (gmtime_r(&seconds, &utc) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &utc) > 0)
                buffer_append_text(out, text);
        else
                buffer_printf(out, "%" PRIu64 " usec", usec);
}

/* A text from outside on one line: control characters as escapes. */
static void dump_text(const char *text, struct buffer *out)
{
        for (; *text; text++) {
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        buffer_printf(out, "\\%03o", (unsigned char)*text);
                else
                        buffer_append_u8(out, (uint8_t)*text);
        }
}

static void dump_row(const struct store_zone *zone, struct buffer *out)
{
        static const struct {
                uint32_t flag;
                const char *word;
        } flags[] = {{STORE_ZONE_FROZEN, " frozen"}, {STORE_ZONE_SIGNED_ELSEWHERE, " signed-elsewhere"},
                {STORE_ZONE_HAS_TEXT, " has-text"}, {STORE_ZONE_BEHIND, " behind"},
                {STORE_ZONE_ROLLED_BACK, " rolled-back"}};
        char name[NAME_TEXT_MAX], digest[2 * DIGEST_SIZE + 1];

        hex_encode(zone->digest.bytes, DIGEST_SIZE, digest);
        buffer_printf(out, "zone %s\n", name_to_zone_text(zone->name, name));
        buffer_printf(out, "  id %" PRIu64 ", version %" PRIu64 ", era %" PRIu32 "\n", zone->id,
                zone->version, zone->era);
        buffer_printf(out, "  serial %" PRIu32 ", in the file %" PRIu32 ", published ", zone->serial,
                zone->file_serial);
        dump_time(zone->published_usec, out);
        buffer_printf(out,
                "\n  records %" PRIu64 ", RRsets %" PRIu64 ", leaves %" PRIu64 " of %" PRIu64 " octets\n",
                zone->record_count, zone->rrset_count, zone->leaf_count, zone->axfr_bytes);
        buffer_printf(out, "  digest %s\n  flags", digest);
        for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
                if (zone->flags & flags[i].flag)
                        buffer_append_text(out, flags[i].word);
        buffer_append_text(out, "\n  ");
        record_to_text(&zone->soa, out);
        buffer_append_text(out, "\n");
}

static int dump_files(struct store_read *read, struct store_zone *zone, struct buffer *out)
{
        struct arena arena = {0};
        int r = store_zone_files(read, zone, &arena);

        if (r == -EUCLEAN)
                buffer_append_text(out, "  files damaged\n");
        for (size_t i = 0; r == 0 && i < zone->file_count; i++) {
                buffer_append_text(out, "  file ");
                dump_text(zone->files[i].path, out);
                buffer_printf(out, ", %" PRIu64 " octets\n", zone->files[i].size_bytes);
        }
        arena_free(&arena);
        return r == -EUCLEAN ? 0 : r;
}

static int dump_records(const struct store_leaf *body, const char *mark, struct buffer *out)
{
        struct message_walk walk;
        struct arena arena = {0};
        struct record record;
        int r = message_walk_begin(&walk, body->message, body->length);

        while (r == 0 && (r = message_walk_next(&walk, &arena, &record)) == 0) {
                buffer_append_text(out, mark);
                record_to_text(&record, out);
                buffer_append_text(out, "\n");
        }
        arena_free(&arena);
        return r == 1 ? 0 : r;
}

static void dump_step(struct store_read *read, uint64_t zone_id, const struct store_step *step,
        bool with_records, struct buffer *out)
{
        buffer_printf(out,
                "  step %" PRIu64 ": serial %" PRIu32 " to %" PRIu32 ", removed %" PRIu64 ", added %" PRIu64
                ", %" PRIu64 " octets, ",
                step->version, step->serial_from, step->serial_to, step->removed_count, step->added_count,
                step->bytes_after - step->bytes_before);
        dump_time(step->published_usec, out);
        if (*step->provenance) {
                buffer_append_text(out, ", ");
                dump_text(step->provenance, out);
        }
        buffer_append_text(out, "\n");
        for (unsigned piece = 1; with_records && piece <= step->removed_pieces + step->added_pieces;
                piece++) {
                const char *mark = piece <= step->removed_pieces ? "    - " : "    + ";
                struct store_leaf body;

                if (store_step_piece(read, zone_id, step->version, piece, &body) < 0 ||
                        dump_records(&body, mark, out) < 0)
                        buffer_printf(out, "    piece %u damaged\n", piece);
        }
}

static int dump_content(struct store_read *read, const struct store_zone *zone, struct buffer *out)
{
        struct store_leaves *leaves;
        struct store_leaf leaf;
        int r = store_leaves_open(read, zone->id, &leaves);

        if (r < 0)
                return r;
        buffer_append_text(out, "content\n");
        while ((r = store_leaves_next(leaves, &leaf)) == 0 && (r = store_leaf_check(&leaf)) == 0)
                if (dump_records(&leaf, "    ", out) < 0)
                        buffer_append_text(out, "    a leaf is damaged\n");
        if (r == -EUCLEAN)
                buffer_append_text(out, "    a leaf is damaged: the rest is not shown\n");
        store_leaves_close(leaves);
        return r == 1 || r == -EUCLEAN ? 0 : r;
}

static int dump_chunks(
        struct store_read *read, const struct store_zone *zone, bool with_text, struct buffer *out)
{
        uint64_t count = 0, bytes = 0;
        struct store_chunk chunk = {.key = 0};
        int r;

        for (uint64_t key = 0; (r = store_chunk_next(read, zone->id, key, &chunk)) == 0;
                key = chunk.key + 1) {
                r = store_chunk_check(read, zone->id, chunk.key);
                if (r < 0)
                        break;
                count++;
                bytes += chunk.length;
                if (with_text)
                        buffer_printf(out, "  chunk %" PRIu64 ": %zu octets, state %zu\n", chunk.key,
                                chunk.length, chunk.state_length);
                if (chunk.key == UINT64_MAX)
                        break;
        }
        buffer_printf(out, "  text %" PRIu64 " chunks, %" PRIu64 " octets%s\n", count, bytes,
                r == -EUCLEAN ? ", then a damaged one" : "");
        return r < 0 && r != -EUCLEAN ? r : 0;
}

int store_dump_zone(struct store_read *read, const uint8_t *name, bool with_records, struct buffer *out)
{
        struct store_zone zone;
        int r = store_zone_find(read, name, &zone);

        if (r < 0)
                return r;
        dump_row(&zone, out);
        r = dump_files(read, &zone, out);
        buffer_printf(out,
                "  history from version %" PRIu64 ", serial %" PRIu32 ": %" PRIu32 " steps, %" PRIu64
                " octets\n",
                zone.oldest_version, zone.oldest_serial, zone.step_count,
                zone.journal_end - zone.journal_begin);
        for (uint64_t version = zone.oldest_version + 1; r == 0 && version <= zone.version; version++) {
                struct store_step step;

                if (store_step_get(read, zone.id, version, &step) == 0)
                        dump_step(read, zone.id, &step, with_records, out);
                else
                        buffer_printf(out, "  step %" PRIu64 " damaged\n", version);
        }
        if (r == 0)
                r = dump_chunks(read, &zone, with_records, out);
        if (r == 0 && with_records)
                r = dump_content(read, &zone, out);
        return r < 0 ? r : buffer_status(out);
}
