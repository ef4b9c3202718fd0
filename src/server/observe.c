/* What a thread sees of peers, posted to the main loop: who asked, who got what, who is ahead of us. Bounded
 * twice: the same query of a peer once a second, and OBSERVATIONS_MAX waiting; the end of a transfer is
 * always posted. */
#include "base/clock.h"
#include "base/queue.h"
#include "base/siphash.h"
#include "server/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Posted together at the end of the turn: the main loop wakes once for all. */
static void keep(struct thread *thread, struct observation *seen)
{
        seen->item.next = NULL;
        *thread->seen_last = &seen->item;
        thread->seen_last = &seen->item.next;
        thread->seen_count++;
}

void observations_post(struct thread *thread)
{
        if (thread->seen_count == 0)
                return;
        queue_put_list(thread->server->observations, thread->seen_first);
        thread->seen_first = NULL;
        thread->seen_last = &thread->seen_first;
        thread->seen_count = 0;
}

/* True where the same was posted within the last second. */
static bool is_repeated(
        struct thread *thread, enum observation_kind kind, const struct query *query, uint32_t serial)
{
        struct {
                uint64_t zone_and_kind;
                uint8_t peer[16];
                uint32_t serial;
                uint8_t is_signed, over_tcp, padding[2];
        } what = {
                .zone_and_kind =
                        siphash13(thread->peers->seed, query->name, name_length(query->name), true) ^ kind,
                .serial = serial,
                .is_signed = query->key != NULL,
                .over_tcp = query->over_tcp,
        };
        memcpy(what.peer, query->peer.bytes, sizeof(what.peer));
        uint64_t key = siphash13(thread->peers->seed, &what, sizeof(what), false);
        uint64_t now = clock_monotonic_usec();
        struct observed *slot = &thread->observed[key % OBSERVED_SLOTS];
        if (slot->key == key && slot->at_usec != 0 && now - slot->at_usec < USEC_PER_SEC)
                return true;
        *slot = (struct observed){.key = key, .at_usec = now};
        return false;
}

static struct observation *observation_new(enum observation_kind kind, const uint8_t *zone,
        const struct address *peer, const struct tsig_key *key)
{
        struct observation *seen = calloc(1, sizeof(*seen));
        if (!seen)
                return NULL;
        seen->kind = kind;
        memcpy(seen->zone, zone, name_length(zone));
        seen->peer = *peer;
        seen->signed_ok = key != NULL;
        if (key)
                memcpy(seen->key_name, key->name, name_length(key->name));
        seen->at_usec = clock_realtime_usec();
        return seen;
}

static void set_secondary(
        struct observation *seen, const struct conf_secondary *secondary, const struct acl_element *element)
{
        if (secondary)
                snprintf(seen->secondary, sizeof(seen->secondary), "%s", secondary->name);
        if (secondary && element)
                snprintf(seen->rule, sizeof(seen->rule), "%s", element->text);
        if (secondary && element && element->until)
                snprintf(seen->until, sizeof(seen->until), "%s", element->until);
}

static bool is_full(const struct thread *thread, size_t limit)
{
        return queue_length(thread->server->observations) + thread->seen_count >= limit;
}

void observe_query(
        struct thread *thread, enum observation_kind kind, const struct query *query, uint32_t serial)
{
        struct queue *queue = thread->server->observations;
        if (!queue || is_repeated(thread, kind, query, serial) || is_full(thread, OBSERVATIONS_MAX))
                return;
        struct observation *seen = observation_new(kind, query->name, &query->peer, query->key);
        if (!seen)
                return;
        seen->over_tcp = query->over_tcp;
        seen->serial = serial;
        set_secondary(seen, query->secondary ? query->secondary : query->near, query->element);
        keep(thread, seen);
}

void observe_transfer(struct thread *thread, enum observation_kind kind, const struct connection *connection,
        const struct transfer_summary *summary, uint64_t duration_usec)
{
        struct queue *queue = thread->server->observations;
        const struct stream *stream = connection->stream;
        if (!queue || is_full(thread, 2 * OBSERVATIONS_MAX))
                return;
        struct observation *seen = observation_new(kind, stream->zone, &connection->peer, stream->key);
        if (!seen)
                return;
        seen->over_tcp = true;
        seen->serial = kind == OBSERVED_CLIENT_AHEAD ? summary->from_serial : summary->to_serial;
        seen->summary = *summary;
        set_secondary(seen, stream->secondary, stream->element);
        seen->duration_usec = duration_usec;
        keep(thread, seen);
}
