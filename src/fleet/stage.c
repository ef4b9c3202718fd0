/* The stage that a secondary has reached, when the next one is due, and when its copy of the zone ends. Pure.
 *
 * Due is what the profile promises: ten seconds and the time of the transfer behind a NOTIFY, or the next
 * poll of one that only polls. It counts from the lag's begin, so that a publish without pause excuses
 * nobody. */
#include "fleet/stage.h"

#include "base/clock.h"
#include "dns/serial.h"

#define NOTIFY_GRACE (10 * USEC_PER_SEC)
#define SLOWEST_TRANSFER (1u << 20) /* octets a second */
#define NEW_GRACE 24 /* alert-after so many times: two hours, until a new secondary's first transfer */

static const struct {
        const char *name, *words;
} stages[] = {
        [STAGE_NOTHING] = {"nothing", "was not told yet"},
        [STAGE_NOTIFIED] = {"notified", "was sent a NOTIFY"},
        [STAGE_ACKNOWLEDGED] = {"acknowledged", "acknowledged the NOTIFY"},
        [STAGE_ASKED_SOA] = {"asked-soa", "asked for the SOA"},
        [STAGE_ASKED_TRANSFER] = {"asked-transfer", "asked for a transfer"},
        [STAGE_TRANSFERRED] = {"transferred", "transferred the zone"},
        [STAGE_SERVING] = {"serving", "serves it"},
};

const char *stage_name(enum stage stage)
{
        return stages[stage].name;
}

const char *stage_words(enum stage stage)
{
        return stages[stage].words;
}

static bool has_or_is_ahead(uint32_t theirs, uint32_t ours)
{
        return theirs != 0 && (theirs == ours || serial_is_ahead(theirs, ours));
}

static bool is_served(const struct stage_facts *facts)
{
        if (!facts->is_probed)
                return false;
        /* Of a serial that was seen everywhere it stays true (I1), also where a server is silent now. */
        return facts->row.served_serial == facts->serial ||
               (facts->server_count > 0 && facts->serving_count == facts->server_count);
}

static enum stage reached(const struct stage_facts *facts)
{
        const struct sight_row *row = &facts->row;
        uint32_t serial = facts->serial;
        if (is_served(facts))
                return STAGE_SERVING;
        if (row->transferred_serial == serial || facts->told_serial == serial)
                return STAGE_TRANSFERRED;
        bool since = row->behind_usec != 0 && row->asked_transfer_usec >= row->behind_usec;
        if (since)
                return STAGE_ASKED_TRANSFER;
        if (row->soa_serial == serial)
                return STAGE_ASKED_SOA;
        if (facts->acknowledged_serial == serial)
                return STAGE_ACKNOWLEDGED;
        return facts->notified_serial == serial ? STAGE_NOTIFIED : STAGE_NOTHING;
}

static enum stage next_stage(const struct stage_facts *facts, enum stage stage)
{
        switch (stage) {
        case STAGE_NOTHING:
                return facts->takes_notify ? STAGE_NOTIFIED : STAGE_ASKED_SOA;
        case STAGE_NOTIFIED:
                return STAGE_ACKNOWLEDGED;
        case STAGE_ACKNOWLEDGED:
                return STAGE_ASKED_SOA;
        case STAGE_ASKED_SOA:
        case STAGE_ASKED_TRANSFER:
                return STAGE_TRANSFERRED;
        case STAGE_TRANSFERRED:
        case STAGE_SERVING:
                return STAGE_SERVING;
        }
        return STAGE_SERVING;
}

static uint64_t transfer_time(const struct stage_facts *facts)
{
        return NOTIFY_GRACE + facts->size_bytes / SLOWEST_TRANSFER * USEC_PER_SEC;
}

static uint64_t poll_interval(const struct stage_facts *facts)
{
        uint32_t seconds =
                facts->refresh_by == CONF_REFRESH_INTERVAL ? facts->interval_sec : facts->refresh_sec;
        if (seconds < facts->refresh_min_sec)
                seconds = facts->refresh_min_sec;
        return seconds * USEC_PER_SEC;
}

/* When it should have the serial, by its profile. */
static uint64_t due(const struct stage_facts *facts, uint64_t behind_usec)
{
        const struct sight_row *row = &facts->row;
        uint64_t first = row->first_transfer_usec == 0 ? facts->first_transfer_sec * USEC_PER_SEC : 0;
        bool polls = !facts->takes_notify || facts->refresh_by == CONF_REFRESH_SOA;
        uint64_t soonest = behind_usec + transfer_time(facts);
        if (!polls || row->contact_usec >= behind_usec) /* it asked, and knows by now */
                return soonest + first;
        uint64_t from = row->contact_usec ? row->contact_usec : behind_usec;
        uint64_t next_poll = from + poll_interval(facts) + transfer_time(facts);
        return (next_poll > soonest ? next_poll : soonest) + first;
}

/* It took the zone, or asked and saw that it has it. */
static uint64_t fresh_usec(const struct sight_row *row)
{
        uint64_t fresh = row->transfer_usec;
        if (row->soa_serial != 0 && row->soa_serial == row->transferred_serial && row->soa_usec > fresh)
                fresh = row->soa_usec;
        return fresh;
}

/* REFRESH and a RETRY without a word, and half as much again: it does not reach us. */
static bool is_out_of_touch(const struct stage_facts *facts, uint64_t now_usec)
{
        uint64_t contact = facts->row.contact_usec;
        uint64_t quiet = poll_interval(facts) + facts->retry_sec * USEC_PER_SEC;
        return contact != 0 && now_usec > contact && now_usec - contact > quiet + quiet / 2;
}

static uint64_t expires(const struct stage_facts *facts, bool is_late, uint64_t now_usec)
{
        uint64_t fresh = fresh_usec(&facts->row);
        if (!facts->expire_is_honoured || fresh == 0)
                return 0;
        if (!is_late && !is_out_of_touch(facts, now_usec))
                return 0;
        return fresh + facts->expire_sec * USEC_PER_SEC;
}

struct stage_view stage_judge(const struct stage_facts *facts, uint64_t now_usec)
{
        const struct sight_row *row = &facts->row;
        struct stage_view view = {
                .reached = reached(facts),
                .contact_usec = row->contact_usec,
                .is_new = row->transfer_count == 0 && !has_or_is_ahead(row->served_serial, facts->serial),
        };
        /* Where nobody can be asked, having fetched it is all that can be known. */
        view.is_current =
                view.reached == STAGE_SERVING || (!facts->is_probed && view.reached == STAGE_TRANSFERRED);
        if (!view.is_current) {
                view.due_usec = due(facts, row->behind_usec ? row->behind_usec : now_usec);
                view.is_late = now_usec > view.due_usec;
                if (view.is_late)
                        view.overdue = next_stage(facts, view.reached);
        }
        view.expires_usec = expires(facts, view.is_late, now_usec);
        return view;
}

void lag_published(struct sight_row *row, bool was_current, uint64_t now_usec)
{
        if (was_current || row->behind_usec == 0)
                row->behind_usec = now_usec;
}

void lag_progress(struct sight_row *row, bool is_current, uint64_t now_usec)
{
        row->behind_usec = is_current ? 0 : now_usec;
}

enum alert_action alert_judge(const struct sight_row *row, const struct stage_view *view,
        uint64_t alert_after_usec, uint64_t now_usec, uint64_t *ret_next_usec)
{
        *ret_next_usec = STAGE_NEVER;
        if (view->is_current)
                return row->stale_usec ? ALERT_IN_SYNC : ALERT_NONE;
        if (row->stale_usec)
                return ALERT_NONE;
        uint64_t at = view->due_usec + alert_after_usec * (view->is_new ? NEW_GRACE : 1);
        if (now_usec >= at)
                return ALERT_STALE;
        *ret_next_usec = at;
        return ALERT_NONE;
}
