/* A change of serial-update-method: serials never go back for it, and who wants that is told how. Main loop.
 */
#include "publish/registry_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "dns/serial.h"
#include "zone/serial_policy.h"

#define TOLD_MAX 5

static bool goes_back(enum conf_serial_method method, uint32_t published, uint64_t now_sec)
{
        uint32_t value = method == CONF_SERIAL_DATE ? serial_date_value(now_sec) : (uint32_t)now_sec;

        if (method == CONF_SERIAL_INCREMENT || published == 0)
                return false;
        /* Of today already, by either method. */
        if (method == CONF_SERIAL_DATE && published >= value && published - value < 100)
                return false;
        return !serial_is_ahead(value, published);
}

void registry_tell_methods(const struct registry *registry, const struct conf *before, const struct conf *now)
{
        const struct registry_entry *entry;
        uint64_t now_sec = clock_realtime_usec() / USEC_PER_SEC;
        size_t position = 0, count = 0;

        while ((entry = table_next(&registry->by_name, &position))) {
                enum conf_serial_method method = conf_policy_for(now, entry->zone.name)->serial_method;
                uint32_t serial = entry->zone.verdict.serial;
                if (method == conf_policy_for(before, entry->zone.name)->serial_method ||
                        !goes_back(method, serial, now_sec))
                        continue;
                if (++count > TOLD_MAX)
                        continue;
                log_write(LOG_WARNING, &(struct log_fields){.zone = entry->name_text, .serial = serial},
                        "%s: serial-update-method %s would give a serial behind the published %u; it goes on "
                        "by one until time has passed it (to go back: zonecrier serial-set %s N)",
                        entry->name_text, method == CONF_SERIAL_DATE ? "date" : "unixtime", serial,
                        entry->name_text);
        }
        if (count > TOLD_MAX)
                log_write(LOG_WARNING, NULL, "and %zu more zones whose serial the new method lies behind",
                        count - TOLD_MAX);
}
