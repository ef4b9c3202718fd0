/* A few RRsets that the last publish changed, to be asked of servers that show its serial: a serial alone may
 * be the only thing that came over. Main loop.
 *
 * They come from the journal's step. What a server has of such an RRset is as it is here when each record
 * that was added is there and none that was removed. Not asked are RRsets below a delegation, which a server
 * answers with a referral, and those that DNSSEC or the server itself makes. */
#include "fleet/survey_state.h"

#include "base/cleanup.h"
#include "dns/message.h"
#include "dns/type.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX 2048 /* of a step are looked at */

DEFINE_CLEANUP(struct store_read *, store_read_end);

void sample_free(struct place *place)
{
        struct sample *sample = place->sample;
        if (!sample)
                return;
        record_list_free(&sample->added);
        record_list_free(&sample->removed);
        arena_free(&sample->arena);
        free(sample);
        place->sample = NULL;
}

static bool is_comparable(const struct record *record, const uint8_t *apex)
{
        switch (record->type) {
        case TYPE_SOA:
        case TYPE_RRSIG:
        case TYPE_NSEC:
        case TYPE_NSEC3:
        case TYPE_NSEC3PARAM:
        case TYPE_DNSKEY:
        case TYPE_CDS:
        case TYPE_CDNSKEY:
        case TYPE_ZONEMD:
                return false;
        case TYPE_NS:
                return name_equal(record->owner, apex);
        default:
                return true;
        }
}

static int index_of(const struct sample *sample, const struct record *record)
{
        for (size_t i = 0; i < sample->count; i++)
                if (sample->rrsets[i].type == record->type &&
                        name_equal(sample->rrsets[i].owner, record->owner))
                        return (int)i;
        return -1;
}

static int take(struct sample *sample, struct record_list *list, const struct record *record)
{
        struct record copy;
        if (index_of(sample, record) < 0) {
                if (sample->count == ARRAY_SIZE(sample->rrsets))
                        return 0;
                const uint8_t *owner = arena_copy(&sample->arena, record->owner, name_length(record->owner));
                if (!owner)
                        return -ENOMEM;
                sample->rrsets[sample->count].owner = owner;
                sample->rrsets[sample->count++].type = record->type;
        }
        int r = record_copy(&sample->arena, record, &copy);
        return r < 0 ? r : record_list_add(list, &copy);
}

/* Removed pieces come first, and are numbered from 1. */
static int read_step(struct store_read *read, const struct store_zone *zone, const struct store_step *step,
        struct sample *sample)
{
        unsigned looked = 0, pieces = step->removed_pieces + step->added_pieces;
        for (unsigned piece = 1; piece <= pieces; piece++) {
                CLEANUP(arena_free) struct arena scratch = {0};
                struct store_leaf body;
                struct message_walk walk;
                struct record record;
                int r = store_step_piece(read, zone->id, step->version, piece, &body);
                if (r == 0)
                        r = message_walk_begin(&walk, body.message, body.length);
                if (r < 0)
                        return r;
                struct record_list *list = piece <= step->removed_pieces ? &sample->removed : &sample->added;
                while (looked < RECORDS_MAX && (r = message_walk_next(&walk, &scratch, &record)) == 0) {
                        looked++;
                        if (is_comparable(&record, zone->name))
                                r = take(sample, list, &record);
                        if (r < 0)
                                return r;
                }
                if (r < 0)
                        return r;
        }
        /* Of a large step the removed part alone may have been seen: what was added would be missed. */
        return looked < RECORDS_MAX ? 0 : -E2BIG;
}

/* Below a delegation the parent's servers answer with a referral. */
static bool is_below_cut(struct store_records *records, const uint8_t *owner, const uint8_t *apex)
{
        for (const uint8_t *name = owner; !name_equal(name, apex); name = name_parent(name)) {
                CLEANUP(arena_free) struct arena arena = {0};
                struct record_list list = {0};
                bool is_cut = false;
                if (store_records_of_owner(records, name, &arena, &list) == 0)
                        for (size_t i = 0; i < list.count; i++)
                                is_cut |= list.items[i].type == TYPE_NS || list.items[i].type == TYPE_DNAME;
                record_list_free(&list);
                if (is_cut)
                        return true;
                if (name[0] == 0)
                        return false;
        }
        return false;
}

static void drop_below_cuts(struct store_read *read, const struct store_zone *zone, struct sample *sample)
{
        struct store_records *records;
        size_t kept = 0;
        if (store_records_open(read, zone->id, &records) < 0) {
                sample->count = 0;
                return;
        }
        for (size_t i = 0; i < sample->count; i++)
                if (!is_below_cut(records, sample->rrsets[i].owner, zone->name))
                        sample->rrsets[kept++] = sample->rrsets[i];
        sample->count = kept;
        store_records_close(records);
}

int sample_load(struct survey *survey, struct place *place)
{
        if (place->sample && place->sample->serial == place->serial)
                return 0;
        sample_free(place);
        CLEANUP(store_read_end_later) struct store_read *read = NULL;
        struct store_zone zone;
        struct store_step step;
        int r = store_read_begin(survey->options.store, &read);
        if (r == 0)
                r = store_zone_find(read, place->zone->name, &zone);
        if (r < 0)
                return r;
        if (zone.serial != place->serial)
                return -ESTALE;
        place->sample = calloc(1, sizeof(*place->sample));
        if (!place->sample)
                return -ENOMEM;
        struct sample *sample = place->sample;
        sample->serial = place->serial;
        if (store_step_get(read, zone.id, zone.version, &step) < 0)
                return 0; /* a new zone, or its history is gone: nothing to compare */
        r = read_step(read, &zone, &step, sample);
        if (r < 0)
                sample->count = 0;
        else
                drop_below_cuts(read, &zone, sample);
        if (r == -ENOMEM)
                sample_free(place);
        return r == -ENOMEM ? r : 0;
}

static bool has(const struct record *records, size_t count, const struct record *wanted)
{
        for (size_t i = 0; i < count; i++)
                if (record_is_same(&records[i], wanted))
                        return true;
        return false;
}

bool sample_fits(const struct sample *sample, size_t index, const struct record *records, size_t count)
{
        const struct record_list *added = &sample->added, *removed = &sample->removed;
        for (size_t i = 0; i < added->count; i++)
                if (added->items[i].type == sample->rrsets[index].type &&
                        name_equal(added->items[i].owner, sample->rrsets[index].owner) &&
                        !has(records, count, &added->items[i]))
                        return false;
        for (size_t i = 0; i < removed->count; i++)
                if (removed->items[i].type == sample->rrsets[index].type &&
                        name_equal(removed->items[i].owner, sample->rrsets[index].owner) &&
                        has(records, count, &removed->items[i]) &&
                        !has(added->items, added->count, &removed->items[i])) /* its TTL alone changed */
                        return false;
        return true;
}
