/* Figures of pushes, by secondary block. Main loop. */
#include "control/metrics.h"

#include "base/buffer.h"
#include "conf/conf.h"
#include "fleet/fleet.h"
#include "push/push.h"

#include <inttypes.h>
#include <stddef.h>

static const struct {
        const char *name, *type, *help;
        size_t offset;
} families[] = {
        {"push_zones", "gauge", "Zones that are pushed to the secondary.", offsetof(struct push_sums, zones)},
        {"push_in_sync", "gauge", "Of those, in sync with what is published.",
                offsetof(struct push_sums, in_sync)},
        {"push_held", "gauge", "Of those, waiting for approve.", offsetof(struct push_sums, held)},
        {"push_retrying", "gauge", "Of those, waiting for the provider.",
                offsetof(struct push_sums, retrying)},
        {"push_failed", "gauge", "Of those, with a record that the provider refuses.",
                offsetof(struct push_sums, failed)},
        {"push_requests_total", "counter", "Requests to the provider.", offsetof(struct push_sums, requests)},
        {"push_throttled_total", "counter", "Requests that the provider throttled.",
                offsetof(struct push_sums, throttled)},
        {"push_batches_total", "counter", "Batches of changes that were taken.",
                offsetof(struct push_sums, changes_sent)},
};

/* Names of blocks are printable; quotes and backslashes are escaped. */
static void append_line(struct buffer *out, const char *family, const char *secondary, uint64_t value)
{
        buffer_printf(out, "zonecrier_%s{secondary=\"", family);
        for (; *secondary; secondary++) {
                if (*secondary == '"' || *secondary == '\\')
                        buffer_append_u8(out, '\\');
                buffer_append_u8(out, (uint8_t)*secondary);
        }
        buffer_printf(out, "\"} %" PRIu64 "\n", value);
}

void metrics_append_pushes(struct buffer *out, const struct status_sources *sources)
{
        const struct push *push = sources->options->push;
        const struct conf *conf = sources->options->fleet ? fleet_conf(sources->options->fleet) : NULL;
        struct push_sums sums;

        for (size_t f = 0; push && conf && f < sizeof(families) / sizeof(*families); f++) {
                bool has_head = false;
                for (size_t i = 0; i < conf->secondary_count; i++) {
                        const struct conf_secondary *block = conf->secondaries[i];
                        if (!conf_secondary_is_pushed(block) || !push_sums(push, block->name, &sums))
                                continue;
                        if (!has_head)
                                buffer_printf(out, "# HELP zonecrier_%s %s\n# TYPE zonecrier_%s %s\n",
                                        families[f].name, families[f].help, families[f].name,
                                        families[f].type);
                        has_head = true;
                        append_line(out, families[f].name, block->name,
                                *(const uint64_t *)(const void *)((const char *)&sums + families[f].offset));
                }
        }
}
