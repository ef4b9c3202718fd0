/* The SOA's timers: what they mean for secondaries that poll, and for the day on which we are down. Pure. */
#include "doctor/state.h"

#include <inttypes.h>

#define HOUR 3600u
#define DAY 86400u

void judge_timers(struct doctor_report *report, const struct doctor_zone *facts)
{
        const char *zone = facts->name;
        size_t before = report->count;

        if (facts->retry_sec >= facts->refresh_sec)
                finding_add(report, "soa-timers", zone, DOCTOR_WARN, "Make RETRY a fraction of REFRESH.",
                        "RETRY (%" PRIu32 " s) is not less than REFRESH (%" PRIu32
                        " s): a failed poll is not tried again any sooner",
                        facts->retry_sec, facts->refresh_sec);
        if (facts->refresh_sec > DAY)
                finding_add(report, "soa-timers", zone, DOCTOR_WARN,
                        "86400 at most; 3600 where a secondary takes no NOTIFY.",
                        "REFRESH is %" PRIu32 " s: a secondary that lost a NOTIFY is old for so long",
                        facts->refresh_sec);
        else if (facts->refresh_sec < 300)
                finding_add(report, "soa-timers", zone, DOCTOR_WARN, "1200 at least is usual.",
                        "REFRESH is %" PRIu32 " s: many providers poll no more often than 300 s",
                        facts->refresh_sec);
        if (facts->expire_sec < 7 * DAY)
                finding_add(report, "soa-timers", zone,
                        facts->expire_sec <= facts->refresh_sec + facts->retry_sec ? DOCTOR_FAIL
                                                                                   : DOCTOR_WARN,
                        "1209600 to 2419200 (two to four weeks, RFC 1912) leaves time to mend a primary.",
                        "EXPIRE is %" PRIu32
                        " s: secondaries stop serving the zone so soon after they last reached us",
                        facts->expire_sec);
        if (facts->minimum_sec > DAY)
                finding_add(report, "soa-timers", zone, DOCTOR_WARN, "3600 is usual.",
                        "the last field is %" PRIu32
                        " s: a name that was not there stays unknown to resolvers for so long",
                        facts->minimum_sec);
        if (report->count == before)
                finding_add(report, "soa-timers", zone, DOCTOR_PASS, NULL,
                        "refresh %" PRIu32 ", retry %" PRIu32 ", expire %" PRIu32, facts->refresh_sec,
                        facts->retry_sec, facts->expire_sec);
}
