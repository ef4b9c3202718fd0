/* What an operator is told of secondaries: once when one is stale, once when it is in sync again, when one
 * serves the new serial with old records, and when one asks from an address that its block does not have.
 * Main loop. */
#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "dns/serial.h"
#include "dns/type.h"
#include "fleet/survey_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NEAR_SPACING (60 * USEC_PER_SEC)

static const char *time_text(uint64_t usec, char text[static 32])
{
        time_t seconds = (time_t)(usec / USEC_PER_SEC);
        struct tm tm;
        if (!gmtime_r(&seconds, &tm) || strftime(text, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0)
                snprintf(text, 32, "?");
        return text;
}

static const char *duration_text(uint64_t usec, char text[static 32])
{
        uint64_t seconds = usec / USEC_PER_SEC;
        if (seconds < 120)
                snprintf(text, 32, "%" PRIu64 " s", seconds);
        else if (seconds < 7200)
                snprintf(text, 32, "%" PRIu64 " min", seconds / 60);
        else if (seconds < 172800)
                snprintf(text, 32, "%" PRIu64 " h", seconds / 3600);
        else
                snprintf(text, 32, "%" PRIu64 " days", seconds / 86400);
        return text;
}

/* The newest serial that it is known to have. */
uint32_t sight_known_serial(const struct place *place, const struct sight *sight)
{
        uint32_t known = sight->row.transferred_serial;
        if (sight->told_serial == place->serial)
                known = place->serial;
        if (sight->row.served_serial == place->serial)
                return place->serial;
        for (size_t i = 0; sight->post && sight->seen && i < sight->post->server_count; i++)
                if (sight->seen[i].answer == SURVEY_SHOWS)
                        return sight->seen[i].serial;
        return known ? known : sight->row.served_serial;
}

/* Which of its name servers do not show the serial, and what they do instead. */
static void servers_text(const struct place *place, const struct sight *sight, char *text, size_t size)
{
        size_t length = 0;
        snprintf(text, size, "%s",
                sight->post && sight->post->server_count == 0 ? "its name servers have no address yet" : "");
        for (size_t i = 0; sight->post && i < sight->post->server_count && length < size; i++) {
                const struct post_server *server = &sight->post->servers[i];
                const struct seen *seen = &sight->seen[i];
                char address[ADDRESS_TEXT_MAX], what[64], rcode[RCODE_TEXT_MAX];
                if (seen->answer == SURVEY_SHOWS &&
                        (seen->serial == place->serial || serial_is_ahead(seen->serial, place->serial)))
                        continue;
                if (seen->answer == SURVEY_SHOWS)
                        snprintf(what, sizeof(what), "shows %" PRIu32, seen->serial);
                else if (seen->answer == SURVEY_NOT_THERE)
                        snprintf(what, sizeof(what), "does not have the zone (%s)",
                                rcode_to_text(seen->rcode, rcode));
                else
                        snprintf(what, sizeof(what),
                                seen->answer == SURVEY_SILENT ? "does not answer" : "was not asked yet");
                length += (size_t)snprintf(text + length, size - length, "%s%s %s", length ? ", " : "",
                        server->name ? server->name : address_format(&server->address, address), what);
        }
}

void sight_note(const struct place *place, const struct sight *sight, const struct stage_facts *facts,
        const struct stage_view *view, char note[static SURVEY_NOTE_MAX])
{
        char duration[32], servers[200];
        note[0] = '\0';
        if (view->is_current) {
                if (sight->is_sample_old)
                        snprintf(note, SURVEY_NOTE_MAX, "serves the serial with an old RRset in it");
                return;
        }
        if (facts->refuses_notify && view->reached <= STAGE_NOTIFIED) {
                snprintf(note, SURVEY_NOTE_MAX,
                        "answers NOTIFY with an error: source address not registered at the provider?");
                return;
        }
        switch (view->reached) {
        case STAGE_NOTHING:
                if (facts->takes_notify && facts->refresh_by == CONF_REFRESH_NOTIFY)
                        break;
                snprintf(note, SURVEY_NOTE_MAX, "polls every %s",
                        duration_text((facts->refresh_by == CONF_REFRESH_INTERVAL ? facts->interval_sec
                                              : facts->refresh_sec > facts->refresh_min_sec
                                                      ? facts->refresh_sec
                                                      : facts->refresh_min_sec) *
                                              USEC_PER_SEC,
                                duration));
                break;
        case STAGE_NOTIFIED:
                if (view->is_late)
                        snprintf(note, SURVEY_NOTE_MAX,
                                "does not answer NOTIFY: does UDP from here reach it, at that port?");
                break;
        case STAGE_ACKNOWLEDGED:
                if (view->is_late)
                        snprintf(note, SURVEY_NOTE_MAX,
                                "has not asked since: does it reach us, and is our address its primary "
                                "there?");
                break;
        case STAGE_ASKED_SOA:
        case STAGE_ASKED_TRANSFER:
                if (view->is_late)
                        snprintf(note, SURVEY_NOTE_MAX,
                                "asked and has not fetched it: is TCP from it to us open, and its key "
                                "right?");
                break;
        case STAGE_TRANSFERRED:
        case STAGE_SERVING:
                servers_text(place, sight, servers, sizeof(servers));
                snprintf(note, SURVEY_NOTE_MAX, "%s", servers);
                break;
        }
}

static void stale_text(const struct place *place, const struct sight *sight, const struct stage_facts *facts,
        const struct stage_view *view, const char *zone, uint64_t now_usec, char *text, size_t size)
{
        char note[SURVEY_NOTE_MAX], late[32], expires[32], has[40] = "nothing of it yet", end[100] = "";
        uint32_t known = sight_known_serial(place, sight);
        uint64_t since = place->published_usec < now_usec ? place->published_usec : now_usec;
        sight_note(place, sight, facts, view, note);
        if (known)
                snprintf(has, sizeof(has), "serial %" PRIu32, known);
        if (view->expires_usec)
                snprintf(end, sizeof(end), "; it expires the zone at about %s",
                        time_text(view->expires_usec, expires));
        snprintf(text, size,
                "zone %s: %s is stale: it has %s, not %" PRIu32 ", %s after the publish; it %s%s%s%s", zone,
                sight->name, has, place->serial, duration_text(now_usec - since, late),
                stage_words(view->reached), note[0] ? ": " : "", note, end);
}

void tell_alert(struct survey *survey, const struct place *place, const struct sight *sight,
        const struct stage_facts *facts, const struct stage_view *view, enum alert_action action)
{
        char zone[NAME_TEXT_MAX], text[NAME_TEXT_MAX + SIGHT_NAME_MAX + SURVEY_NOTE_MAX + 400], lag[32];
        uint64_t now = clock_realtime_usec();
        bool is_stale = action == ALERT_STALE;
        uint64_t since = is_stale ? sight->row.behind_usec : sight->row.stale_usec;
        uint64_t lag_usec = since && now > since ? now - since : 0;
        name_to_zone_text(place->zone->name, zone);
        if (is_stale)
                stale_text(place, sight, facts, view, zone, now, text, sizeof(text));
        else
                snprintf(text, sizeof(text),
                        "zone %s: %s is in sync again: it %s serial %" PRIu32
                        ", %s after it was told to be stale",
                        zone, sight->name, view->reached == STAGE_SERVING ? "serves" : "has fetched",
                        place->serial, duration_text(lag_usec, lag));
        struct log_fields fields = {
                .zone = zone,
                .serial = place->serial,
                .secondary = sight->name,
                .message_id = is_stale ? MESSAGE_STALE : MESSAGE_IN_SYNC,
                .duration_usec = (int64_t)lag_usec,
        };
        log_write(is_stale ? LOG_WARNING : LOG_NOTICE, &fields, "%s", text);
        if (!survey->options.told)
                return;
        struct survey_event event = {
                .kind = is_stale ? SURVEY_STALE : SURVEY_IN_SYNC,
                .zone = place->zone->name,
                .secondary = sight->name,
                .serial = place->serial,
                .secondary_serial = is_stale ? sight_known_serial(place, sight) : place->serial,
                .lag_usec = lag_usec,
                .stage = stage_name(view->reached),
                .text = text,
        };
        survey->options.told(survey->options.context, &event);
}

void tell_sample(const struct place *place, const struct sight *sight, const struct post_server *server,
        const uint8_t *owner, uint16_t type)
{
        char zone[NAME_TEXT_MAX], name[NAME_TEXT_MAX], address[ADDRESS_TEXT_MAX], type_text[TYPE_TEXT_MAX];
        struct log_fields fields = {
                .zone = name_to_zone_text(place->zone->name, zone),
                .serial = place->serial,
                .secondary = sight->name,
                .message_id = MESSAGE_SAMPLE_OLD,
        };
        log_write(LOG_WARNING, &fields,
                "zone %s: %s has serial %" PRIu32 " but the old %s/%s (seen from here at %s%s%s)", zone,
                sight->name, place->serial, name_to_zone_text(owner, name), type_to_text(type, type_text),
                address_format(&server->address, address), server->nsid ? ", NSID " : "",
                server->nsid ? server->nsid : "");
}

void tell_near(struct survey *survey, const uint8_t *zone_name, const struct address *peer,
        const struct conf_secondary *secondary)
{
        char zone[NAME_TEXT_MAX], text[ADDRESS_TEXT_MAX];
        uint64_t now = clock_monotonic_usec();
        if (survey->near_told_usec != 0 && now - survey->near_told_usec < NEAR_SPACING)
                return;
        survey->near_told_usec = now;
        struct address address = *peer;
        address.port = 0;
        struct log_fields fields = {
                .zone = name_to_zone_text(zone_name, zone),
                .secondary = secondary->name,
                .message_id = MESSAGE_UNLISTED_ADDRESS,
        };
        log_write(LOG_WARNING, &fields,
                "zone %s: %s asks with the right key of secondary \"%s\", from an address that its "
                "transfer-from does not have; if the address is theirs, add to transfer-from:  %s;",
                zone, address_format(&address, text), secondary->name, text);
}
