/* The providers that are compiled in: statements of a provider block, in the order in which a reader wants
 * them.
 *
 * Every fact here was read in the source named with it, on the day named with it. What was not is left out.
 */

#include "conf/reader.h"

/* clang-format off */
#define TEXT(...) #__VA_ARGS__

const struct provider_text provider_texts[] = {
{"wedos", TEXT(
        title "WEDOS DNS Secondary Servers";
        source "WEDOS help: DNS, Secondary Servers (AXFR)" "2026-11-21";
        transfer-from { 46.28.104.64/27; };
        ipv6 no;
        notify no;
        refresh-by soa;
        primary-port 53;
        subdomains no;
        tsig yes;
)},
{"route53", TEXT(
        title "Amazon Route 53";
        kind route53;
        serial own;
)},
{"cloudflare-records", TEXT(
        title "Cloudflare DNS records";
        kind cloudflare-records;
        serial own;
)},
};
/* clang-format on */
const size_t provider_text_count = sizeof(provider_texts) / sizeof(provider_texts[0]);
