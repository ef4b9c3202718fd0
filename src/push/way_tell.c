/* What the main loop hears of a way: its status where it is new, rows for the store, plans. A worker's
 * thread.
 */
#include "push/way.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "fleet/fleet.h"

#include <stdlib.h>
#include <string.h>

struct push_report *push_report_free(struct push_report *report)
{
        if (!report)
                return NULL;
        push_names_free(&report->names);
        free(report->writes);
        free(report->plan);
        free(report);
        return NULL;
}

static void put_row(const struct way *way, struct fleet_write *write)
{
        CLEANUP(buffer_free) struct buffer value = {0};
        push_row_encode(&way->row, &value);
        write->zone_id = way->store_id;
        write->key_size = push_row_key(way->block->name, write->key);
        if (buffer_status(&value) == 0) {
                write->size = value.length;
                memcpy(write->value, value.data, value.length);
        }
}

static void put_name(const struct way *way, const char *name, bool is_there, struct fleet_write *write)
{
        write->zone_id = way->store_id;
        write->key_size = push_name_key(way->block->name, name, write->key);
        write->size = is_there;
        write->value[0] = 1;
}

static void put_names(
        const struct way *way, const struct push_names *names, bool is_there, struct push_report *report)
{
        for (size_t i = 0; i < names->count; i++) {
                put_name(way, names->names[i], is_there, &report->writes[report->write_count]);
                report->write_count += report->writes[report->write_count].key_size > 0;
        }
}

/* The row; and the names where they are new. */
static void add_writes(struct way *way, struct push_report *report)
{
        size_t count = 1 + way->gone_names.count + way->names.count;
        report->writes = calloc(count, sizeof(*report->writes));
        if (!report->writes)
                return; /* the next change writes it */
        put_row(way, &report->writes[0]);
        report->write_count = 1;
        put_names(way, &way->gone_names, false, report);
        if (way->names_are_new)
                put_names(way, &way->names, true, report);
        push_names_free(&way->gone_names);
}

static void add_names(const struct way *way, struct push_report *report)
{
        report->has_names = true;
        for (size_t i = 0; i < way->names.count; i++)
                push_names_add(&report->names, way->names.names[i]);
}

/* An RRset that this push has made or changed: it can be asked for where no serial of ours is seen. */
static void add_changed(const struct way *way, struct push_report *report)
{
        for (size_t i = 0; i < way->changes.count; i++) {
                const struct push_change *change = &way->changes.items[i];
                if (!change->new || change->is_upsert || name_is_wildcard(push_set_owner(change->new)))
                        continue;
                memcpy(report->changed_owner, push_set_owner(change->new),
                        name_length(push_set_owner(change->new)));
                report->changed_type = change->new->type;
                return;
        }
}

void way_tell(struct way *way, const struct way_context *context)
{
        bool is_new = memcmp(&way->status, &way->told, sizeof(way->status)) != 0;
        if (!is_new && !way->is_row_new && !way->is_in_sync_now && !way->names_are_new)
                return;
        struct push_report *report = calloc(1, sizeof(*report));
        if (!report)
                return; /* with the next step */
        report->kind = REPORT_STATUS;
        report->target = way->target;
        report->status = way->status;
        report->is_in_sync = way->is_in_sync_now;
        report->is_signed = way->is_signed_now;
        if (way->plan)
                report->plan = strdup(way->plan);
        if (way->is_in_sync_now)
                add_changed(way, report);
        if (way->is_row_new)
                add_writes(way, report);
        if (way->names_are_new)
                add_names(way, report);
        way->told = way->status;
        way->is_row_new = way->is_in_sync_now = way->is_signed_now = way->names_are_new = false;
        queue_put(context->reports, &report->item);
}

void way_tell_plan(struct way *way, const struct way_context *context, const char *text)
{
        struct push_report *report = calloc(1, sizeof(*report));
        if (!report)
                return;
        report->kind = REPORT_PLAN;
        report->target = way->target;
        report->status = way->status;
        if (text)
                report->plan = strdup(text);
        queue_put(context->reports, &report->item);
}
