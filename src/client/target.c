/* Targets in words. What a primary can know of a secondary: what it was told, what it answered, what it asked
 * for and fetched. */
#include "client/target.h"

#include "client/client.h"
#include "client/print.h"
#include "dns/serial.h"

#include <inttypes.h>
#include <string.h>

#define RCODE_NOTIMP 4 /* RFC 1996 s.3.10: an old server that will ask at REFRESH; it counts as told */

const char *member_text(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

uint64_t member_number(const json_t *object, const char *key)
{
        return (uint64_t)json_integer_value(json_object_get(object, key));
}

static uint32_t member_serial(const json_t *object, const char *key)
{
        return (uint32_t)member_number(object, key);
}

enum target_state target_state_of(const json_t *target, uint32_t serial)
{
        const json_t *rcode = json_object_get(target, "last_rcode");
        const char *phase = member_text(target, "phase");
        uint32_t transferred = member_serial(target, "transferred_serial");
        uint32_t asked = member_serial(json_object_get(target, "last_soa_query"), "serial");
        bool knows = member_serial(target, "acknowledged_serial") == serial;

        if (transferred == serial || (knows && asked == serial && phase && strcmp(phase, "done") == 0))
                return TARGET_HAS;
        if (json_is_true(json_object_get(target, "down")))
                return TARGET_DOWN;
        if (knows)
                return TARGET_ACKNOWLEDGED;
        if (json_is_integer(rcode) && json_integer_value(rcode) != 0 &&
                json_integer_value(rcode) != RCODE_NOTIMP)
                return TARGET_REFUSES;
        return TARGET_WAITING;
}

static void print_rcode(const json_t *target)
{
        const char *name = member_text(target, "last_rcode_name");
        if (name)
                print_text(stdout, name);
        else
                printf("rcode %" PRIu64, member_number(target, "last_rcode"));
}

static void print_state(const struct client *client, const json_t *target, uint32_t serial)
{
        switch (target_state_of(target, serial)) {
        case TARGET_HAS:
                print_colored(client, PRINT_GREEN, "has serial %u", serial);
                break;
        case TARGET_ACKNOWLEDGED:
                print_colored(client, PRINT_YELLOW, "knows of serial %u and has not fetched it", serial);
                break;
        case TARGET_WAITING:
                print_colored(client, PRINT_YELLOW, "is being notified of serial %u", serial);
                break;
        case TARGET_REFUSES:
                print_colored(client, PRINT_RED, "answers NOTIFY with an error: ");
                print_rcode(target);
                break;
        case TARGET_DOWN:
                print_colored(client, PRINT_RED, "does not answer NOTIFY (%" PRIu64 " in a row)",
                        member_number(target, "failures"));
                break;
        }
        putchar('\n');
}

static void print_notify(const json_t *target, time_t now)
{
        char age[PRINT_TIME_MAX];
        uint32_t notified = member_serial(target, "notified_serial"),
                 acknowledged = member_serial(target, "acknowledged_serial");

        if (notified == 0) {
                puts("      not notified yet");
                return;
        }
        printf("      NOTIFY of %u sent %s ago", notified,
                print_age(member_text(target, "notified_at"), now, age));
        if (json_is_integer(json_object_get(target, "last_rcode"))) {
                fputs("; last answer ", stdout);
                print_rcode(target);
        }
        if (acknowledged)
                printf("; acknowledged %u %s ago", acknowledged,
                        print_age(member_text(target, "acknowledged_at"), now, age));
        putchar('\n');
        if (json_is_true(json_object_get(target, "acknowledged_unsigned")))
                puts("      its answer has no TSIG, though the target has a key");
}

static void print_asked(const json_t *target, time_t now)
{
        char age[PRINT_TIME_MAX];
        const json_t *query = json_object_get(target, "last_soa_query");

        if (json_is_object(query))
                printf("      last asked for the SOA %s ago and got %u\n",
                        print_age(member_text(query, "at"), now, age), member_serial(query, "serial"));
        else
                puts("      never asked for the SOA");
}

static void print_transfer(const json_t *target, time_t now)
{
        char age[PRINT_TIME_MAX], size[PRINT_TIME_MAX];
        const json_t *transfer = json_object_get(target, "last_transfer");

        if (!json_is_object(transfer)) {
                puts("      no transfer yet");
                return;
        }
        fputs("      last transfer: ", stdout);
        print_text(stdout, member_text(transfer, "kind"));
        if (member_serial(transfer, "from_serial"))
                printf(" from %u", member_serial(transfer, "from_serial"));
        printf(" to %u, %s in %.3f s, %s ago\n", member_serial(transfer, "to_serial"),
                print_size(member_number(transfer, "bytes"), size),
                json_number_value(json_object_get(transfer, "duration_seconds")),
                print_age(member_text(transfer, "at"), now, age));
}

void target_print(const struct client *client, const json_t *target, uint32_t serial, time_t now)
{
        const char *key = member_text(target, "key"), *ns_name = member_text(target, "ns_name");

        fputs("  ", stdout);
        print_text(stdout, member_text(target, "address"));
        if (member_number(target, "port") != 53)
                printf(" port %" PRIu64, member_number(target, "port"));
        if (ns_name) {
                fputs(" (", stdout);
                print_text(stdout, ns_name);
                putchar(')');
        }
        if (key) {
                fputs(", key ", stdout);
                print_text(stdout, key);
        } else
                fputs(", no key", stdout);
        fputs(": ", stdout);
        print_state(client, target, serial);
        print_notify(target, now);
        print_asked(target, now);
        print_transfer(target, now);
}
