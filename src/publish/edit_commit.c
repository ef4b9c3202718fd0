/* Step five of an edit: the new version into the open batch. Publisher's thread. */
#include "publish/edit.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "dns/rdata.h"
#include "publish/provenance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DESCRIBED_RECORDS 10 /* of each side, in the log */
#define DESCRIBED_OCTETS 200 /* of one */

/* The files that were read, the zone's own first: store_file rows in the edit's arena. */
int edit_list_files(struct edit *edit, const struct store_file **ret_files, size_t *ret_count)
{
        size_t count;
        const struct source_file *read = source_snapshot_files(edit->snapshot, &count);
        struct store_file *files = arena_alloc(&edit->arena, (count ? count : 1) * sizeof(*files));
        if (!files)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                const char *path = i == 0 ? edit->job->path : read[i].path;
                files[i] = (struct store_file){
                        .path = edit->job->commit
                                        ? arena_printf(&edit->arena, "%s%s", edit->job->commit->prefix, path)
                                        : path,
                        .device = read[i].identity.device,
                        .inode = read[i].identity.inode,
                        .size_bytes = read[i].identity.size_bytes,
                        .mtime_nsec = read[i].identity.mtime_nsec,
                        .ctime_nsec = read[i].identity.ctime_nsec,
                        .read_at_nsec = read[i].identity.read_at_nsec,
                };
                if (!files[i].path)
                        return -ENOMEM;
        }
        *ret_files = files;
        *ret_count = count;
        return 0;
}

/* The main loop watches what was read, broken or not. */
int edit_tell_files(struct edit *edit)
{
        struct publish_job *job = edit->job;
        size_t count;

        if (!edit->snapshot)
                return 0;
        const struct source_file *read = source_snapshot_files(edit->snapshot, &count);
        job->files = calloc(count + 1, sizeof(*job->files));
        if (!job->files)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                job->files[i] = publish_job_file(job, i == 0 ? job->path : read[i].path);
                if (!job->files[i])
                        return -ENOMEM;
        }
        return 0;
}

/* One chunk of zonefile/ as the store takes it. */
static int chunk_for_store(
        struct edit *edit, const struct text_chunk *chunk, uint64_t key, struct store_chunk *ret_chunk)
{
        struct buffer state = {0};
        zonefile_state_write(&chunk->state, &state);
        int r = buffer_status(&state);
        const uint8_t *copy = r == 0 ? arena_copy(&edit->arena, state.data, state.length) : NULL;
        *ret_chunk = (struct store_chunk){.key = key,
                .state = copy,
                .state_length = state.length,
                .bytes = chunk->bytes,
                .length = chunk->length};
        buffer_free(&state);
        return copy ? 0 : -ENOMEM;
}

static int chunks_for_store(
        struct edit *edit, const struct text_chunk *chunks, size_t count, struct store_text_range *range)
{
        struct store_chunk *stored = arena_alloc(&edit->arena, (count ? count : 1) * sizeof(*stored));
        if (!stored)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                int r = chunk_for_store(edit, &chunks[i], chunks[i].key, &stored[i]);
                if (r < 0)
                        return r;
        }
        range->chunks = stored;
        range->count = count;
        return 0;
}

static int text_whole(struct edit *edit, struct store_publication *publication)
{
        const struct zonefile_result *parsed = &edit->parsed;

        publication->text_change = edit->has_row ? STORE_TEXT_DROP : STORE_TEXT_KEEP;
        if (parsed->chunk_count == 0 || parsed->records.count < EDIT_TEXT_MIN_RECORDS || parsed->is_signed)
                return 0;
        struct store_text_range *range = arena_alloc(&edit->arena, sizeof(*range));
        if (!range)
                return -ENOMEM;
        *range = (struct store_text_range){.last_key = UINT64_MAX};
        int r = chunks_for_store(edit, parsed->chunks, parsed->chunk_count, range);
        publication->text_change = STORE_TEXT_WHOLE;
        publication->ranges = range;
        publication->range_count = 1;
        return r;
}

static int text_ranges(struct edit *edit, struct store_publication *publication)
{
        size_t count = edit->changes.replacement_count;
        struct store_text_range *ranges = arena_alloc(&edit->arena, (count ? count : 1) * sizeof(*ranges));
        if (!ranges)
                return -ENOMEM;
        publication->text_change = STORE_TEXT_DROP;
        for (size_t i = 0; i < count; i++) {
                const struct text_replacement *replacement = &edit->changes.replacements[i];
                if (replacement->has_no_room)
                        return 0; /* the next whole read cuts anew */
                ranges[i] = (struct store_text_range){
                        .first_key = replacement->first_key, .last_key = replacement->last_key};
                int r = chunks_for_store(edit, replacement->chunks, replacement->count, &ranges[i]);
                if (r < 0)
                        return r;
        }
        publication->text_change = STORE_TEXT_RANGES;
        publication->ranges = ranges;
        publication->range_count = count;
        return 0;
}

static int move_digest(struct edit *edit, const struct record *new_soa, struct digest *digest)
{
        int r = 0;
        bool goes_on = edit->has_row && !edit->job->is_damaged;
        *digest = goes_on ? edit->row.digest : (struct digest){0};
        if (goes_on)
                r = digest_remove(digest, &edit->row.soa);
        if (r == 0)
                r = digest_remove_list(digest, edit->removed, edit->crew);
        if (r == 0)
                r = digest_add_list(digest, edit->added, edit->crew);
        return r < 0 ? r : digest_add(digest, new_soa);
}

/* The SOA as it will be served: the file's, under the new serial. */
int edit_make_soa(struct edit *edit, struct record *ret_soa)
{
        if (edit->soa.rdata_length > sizeof(edit->new_soa_rdata) || edit->soa.rdata_length < 22)
                return -EBADMSG;
        memcpy(edit->new_soa_rdata, edit->soa.rdata, edit->soa.rdata_length);
        write_u32(edit->new_soa_rdata + SOA_SERIAL_OFFSET(edit->soa.rdata_length), edit->serial);
        *ret_soa = edit->soa;
        ret_soa->rdata = edit->new_soa_rdata;
        return 0;
}

static int add_text(struct edit *edit, struct store_publication *publication)
{
        if (!edit->snapshot && !edit->is_rollback) { /* a secondary is ahead */
                publication->text_change = STORE_TEXT_KEEP;
                return 0;
        }
        if (edit->is_rollback) { /* the file's text is not what is served */
                publication->text_change = STORE_TEXT_DROP;
                return 0;
        }
        return edit->is_whole ? text_whole(edit, publication) : text_ranges(edit, publication);
}

static int add_files(struct edit *edit, struct store_publication *publication)
{
        if (!edit->snapshot && !edit->has_row) /* a plan */
                return 0;
        if (!edit->snapshot) { /* no file was read: a secondary is ahead */
                int r = store_zone_files(edit->read, &edit->row, &edit->arena);
                publication->files = edit->row.files;
                publication->file_count = edit->row.file_count;
                return r;
        }
        return edit_list_files(edit, &publication->files, &publication->file_count);
}

int edit_remember_files(struct edit *edit)
{
        struct store_publication publication = {0};
        struct store_batch *open;

        if (!edit->snapshot || edit_is_remembered(edit))
                return EDIT_ANSWERED;
        int r = edit_list_files(edit, &publication.files, &publication.file_count);
        if (r == 0)
                r = add_text(edit, &publication);
        if (r == 0)
                r = publish_batch_open(edit->batch, &open);
        if (r == 0)
                r = store_batch_zone_update(open, edit->row.id,
                        (edit->row.flags & ~(uint32_t)STORE_ZONE_HAS_ALIAS) | edit_alias_flag(edit),
                        edit->file_serial, publication.files, publication.file_count);
        if (r == 0)
                r = store_batch_zone_text(open, edit->row.id, publication.text_change, publication.ranges,
                        publication.range_count);
        if (r == 0)
                r = edit_alias_keep(edit, open);
        edit->has_written = true;
        return r < 0 ? r : EDIT_ANSWERED;
}

/* The first records of the delta, for the log: what a person wants to see after saving. */
static void describe_delta(struct edit *edit)
{
        struct buffer text = {0};
        struct verdict *verdict = &edit->job->verdict;
        if (edit->has_row && verdict->details)
                buffer_append_text(&text, verdict->details);
        for (int side = 0; edit->has_row && side < 2; side++) {
                const struct record_list *list = side == 0 ? edit->removed : edit->added;
                size_t shown = list->count < DESCRIBED_RECORDS ? list->count : DESCRIBED_RECORDS;
                for (size_t i = 0; i < shown; i++) {
                        buffer_append_text(&text, side == 0 ? "- " : "+ ");
                        size_t begin = text.length;
                        record_to_text(&list->items[i], &text);
                        if (text.length > begin + DESCRIBED_OCTETS) {
                                text.length = begin + DESCRIBED_OCTETS;
                                buffer_append_text(&text, " ...");
                        }
                        buffer_append_text(&text, "\n");
                }
                if (shown < list->count)
                        buffer_printf(&text, "%s and %zu more\n", side == 0 ? "-" : "+", list->count - shown);
        }
        const char *details = buffer_text(&text);
        if (details && text.length > 0) {
                free(verdict->details);
                verdict->details = strdup(details);
        }
        buffer_free(&text);
}

static void answer_published(struct edit *edit, const struct store_publication *publication)
{
        struct publish_job *job = edit->job;
        job->is_published = true;
        if (edit->snapshot)
                edit_ask_write_back(edit, edit->file_serial, edit->serial);
        job->has_row = true;
        job->verdict.serial = edit->serial;
        job->verdict.added = edit->added->count;
        job->verdict.removed = edit->removed->count;
        describe_delta(edit);
        verdict_set(&job->verdict, VERDICT_PUBLISHED, "serial %u: %zu record%s added, %zu removed%s",
                edit->serial, edit->added->count, edit->added->count == 1 ? "" : "s", edit->removed->count,
                publication->begins_era ? " (a new history begins)" : "");
}

/* What `log` will say of this serial; NULL: no memory. */
static const char *describe_origin(const struct edit *edit, struct buffer *text)
{
        const struct publish_job *job = edit->job;
        CLEANUP_FREE char *file = job->path ? publish_job_file(job, job->path) : strdup("");
        struct provenance provenance = {.has_commit = job->commit && !edit->is_rollback};

        if (!file)
                return NULL;
        snprintf(provenance.file, sizeof(provenance.file), "%s", file);
        snprintf(provenance.by, sizeof(provenance.by), "%s", edit->by);
        if (provenance.has_commit)
                provenance.commit = job->commit->commit;
        else if (job->root && !edit->is_rollback)
                provenance.has_commit = publish_batch_worktree(edit->batch, job->root, provenance.commit.id);
        provenance_write(&provenance, text);
        return buffer_text(text);
}

int edit_commit(struct edit *edit)
{
        struct store_batch *open;
        uint64_t version;
        CLEANUP(buffer_free) struct buffer provenance = {0};
        bool is_back = edit->has_row && edit->row.flags & STORE_ZONE_ROLLED_BACK;

        edit->keeps_rollback = is_back && !edit->snapshot && !edit->is_rollback;
        struct store_publication publication = {
                .name = edit->job->name,
                .base_version = edit->has_row ? edit->row.version : 0,
                .begins_era = edit->begins_era || !edit->has_row,
                .file_serial = edit->file_serial,
                .flags = edit_alias_flag(edit) |
                         (edit->is_signed_elsewhere ? STORE_ZONE_SIGNED_ELSEWHERE : 0) |
                         (edit->keeps_rollback || edit->is_rollback ? STORE_ZONE_ROLLED_BACK : 0) |
                         (edit->has_row ? edit->row.flags & STORE_ZONE_FROZEN : 0) |
                         (edit->is_setting_serial && !edit->ends_setting ? STORE_ZONE_SERIAL_SET : 0),
                .records = edit->is_whole && (!edit->has_row || edit->job->is_damaged ||
                                                     edit->added->count + edit->removed->count >
                                                             edit->parsed.records.count / 8)
                                   ? &edit->parsed.records
                                   : NULL,
                .removed = edit->removed,
                .added = edit->added,
                .rrset_count = edit->rrset_count,
                .published_usec = clock_realtime_usec(),
                .provenance = describe_origin(edit, &provenance),
                .max_journal_bytes = edit->policy->max_journal_bytes == CONF_BY_ZONE_SIZE
                                             ? STORE_JOURNAL_BY_ZONE_SIZE
                                             : edit->policy->max_journal_bytes,
                .crew = edit->crew,
        };

        if (!publication.provenance)
                return -ENOMEM;
        int r = edit_make_soa(edit, &publication.soa);
        if (r == 0)
                r = move_digest(edit, &publication.soa, &publication.digest);
        if (r == 0)
                r = add_files(edit, &publication);
        if (r == 0)
                r = add_text(edit, &publication);
        if (r == 0)
                r = publish_batch_open(edit->batch, &open);
        if (r == 0)
                r = publish_batch_serial(edit->batch, edit->job, edit->serial, false);
        if (r == 0)
                r = store_batch_publish(open, &publication, &version);
        if (r == 0)
                r = edit_alias_keep(edit, open);
        if (r == 0)
                r = edit_guard_publish(edit, version);
        if (r == 0)
                r = edit_rollback_keep(edit, open);
        edit->has_written = true;
        if (r < 0)
                return r;
        answer_published(edit, &publication);
        return EDIT_GOES_ON;
}

void edit_close(struct edit *edit)
{
        if (edit->fd >= 0)
                close(edit->fd);
        table_free(&edit->before);
        delta_free(&edit->delta);
        zonefile_changes_free(&edit->changes);
        zonefile_result_free(&edit->parsed);
        zone_text_free(&edit->text);
        diag_free(&edit->diags);
        source_snapshot_free(edit->snapshot);
        store_read_end(edit->read);
        arena_free(&edit->arena);
}
