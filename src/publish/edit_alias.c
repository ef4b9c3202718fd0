/* ALIAS and URL entries on the way of an edit: which addresses the text is read with, what it names, and the
 * row that keeps the last good answers over a restart. */
#include "publish/edit.h"

#include "base/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char row_key[] = "alias";

/* The redirector's addresses as the parser takes them, in the arena. */
static int redirector_of(struct edit *edit, const struct alias_addresses **ret_redirector)
{
        const struct conf_options *options = &edit->job->conf->options;
        size_t count = options->url_redirector_count;
        struct alias_addresses *redirector = arena_alloc(&edit->arena, sizeof(*redirector));
        uint8_t(*v4)[4] = arena_alloc(&edit->arena, (count + 1) * sizeof(*v4));
        uint8_t(*v6)[16] = arena_alloc(&edit->arena, (count + 1) * sizeof(*v6));

        if (!redirector || !v4 || !v6)
                return -ENOMEM;
        *redirector = (struct alias_addresses){.v4 = (const uint8_t(*)[4])v4, .v6 = (const uint8_t(*)[16])v6};
        for (size_t i = 0; i < count; i++)
                if (options->url_redirectors[i].family == AF_INET)
                        memcpy(v4[redirector->v4_count++], options->url_redirectors[i].bytes, 4);
                else
                        memcpy(v6[redirector->v6_count++], options->url_redirectors[i].bytes, 16);
        *ret_redirector = redirector;
        return 0;
}

/* What was known at the last publish; NULL = no row. A row that cannot be read is none. */
static int kept_answers(const struct edit *edit, struct alias_answers **ret_answers)
{
        const void *row;
        size_t size;

        *ret_answers = NULL;
        if (!edit->has_row || !(edit->row.flags & STORE_ZONE_HAS_ALIAS))
                return 0;
        int r = store_state_get(edit->read, edit->row.id, row_key, sizeof(row_key) - 1, &row, &size);
        if (r == 0)
                r = alias_answers_decode(row, size, ret_answers);
        return r == -ENOMEM ? r : 0;
}

int edit_alias_request(struct edit *edit, struct zonefile_request *request)
{
        struct publish_job *job = edit->job;
        int r = 0;

        if (alias_answers_count(job->aliases) == 0) { /* the first look since the start */
                alias_answers_unref(job->aliases);
                r = kept_answers(edit, &job->aliases);
        }
        request->aliases = job->aliases;
        request->knows_redirector = true;
        if (r == 0 && job->conf->options.url_redirector_count > 0)
                r = redirector_of(edit, &request->redirector);
        return r;
}

static int tell_name(struct publish_job *job, const uint8_t *name)
{
        size_t length = name_length(name);
        uint8_t *names = realloc(job->alias_names, job->alias_octets + length);
        if (!names)
                return -ENOMEM;
        memcpy(names + job->alias_octets, name, length);
        job->alias_names = names;
        job->alias_octets += length;
        job->alias_count++;
        return 0;
}

int edit_alias_told(struct edit *edit)
{
        struct publish_job *job = edit->job;
        const struct zonefile_alias *open = NULL;
        int r = 0;

        publish_job_aliases_clear(job); /* a text may be read twice */
        job->has_alias_names = true;
        for (const struct zonefile_alias *alias = edit->parsed.aliases; r == 0 && alias;
                alias = alias->next) {
                r = tell_name(job, alias->target);
                if (!alias->is_known)
                        open = alias;
        }
        if (r < 0 || !open)
                return r;
        char text[NAME_TEXT_MAX];
        job->is_alias_open = true;
        verdict_set(&job->verdict, VERDICT_BROKEN,
                "ALIAS %s: its addresses are not known yet, they are being asked for",
                name_to_zone_text(open->target, text));
        return EDIT_ANSWERED;
}

int edit_alias_untouched(struct edit *edit)
{
        struct publish_job *job = edit->job;
        struct alias_addresses addresses;

        alias_answers_unref(job->aliases);
        int r = kept_answers(edit, &job->aliases);
        for (size_t i = 0; r == 0 && i < alias_answers_count(job->aliases); i++)
                r = tell_name(job, alias_answers_at(job->aliases, i, &addresses));
        job->has_alias_names = true;
        return r;
}

uint32_t edit_alias_flag(const struct edit *edit)
{
        bool has = edit->is_whole ? edit->parsed.aliases != NULL
                                  : !edit->snapshot && (edit->row.flags & STORE_ZONE_HAS_ALIAS);
        return has ? STORE_ZONE_HAS_ALIAS : 0;
}

int edit_alias_keep(struct edit *edit, struct store_batch *open)
{
        struct store_zone row = edit->row;
        struct buffer value = {0};
        int r = 0;

        if (!edit->is_whole)
                return 0;
        if (!edit->parsed.aliases)
                return edit->has_row && (row.flags & STORE_ZONE_HAS_ALIAS)
                               ? store_batch_state_delete(open, row.id, row_key, sizeof(row_key) - 1)
                               : 0;
        if (!edit->has_row)
                r = store_zone_find(store_batch_read(open), edit->job->name, &row);
        alias_answers_encode(edit->job->aliases, &value);
        if (r == 0)
                r = buffer_status(&value);
        if (r == 0)
                r = store_batch_state_put(
                        open, row.id, row_key, sizeof(row_key) - 1, value.data, value.length);
        buffer_free(&value);
        return r;
}
