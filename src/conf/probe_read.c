/* How the secondaries' name servers are asked, and when one that lags is told. */

#include "conf/reader.h"

#include <strings.h>

#define SECOND_USEC UINT64_C(1000000)

void read_alert_after(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_duration(reader, statement, SECOND_USEC, &block->policy->alert_after_usec);
}

void read_probe_rate(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        uint64_t rate;
        if (reader_number(reader, statement, 1, 100000, &rate))
                reader->whole->conf.options.probe_rate = (unsigned)rate;
}

void read_probe_interval(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        uint64_t usec;
        if (!reader_duration(reader, statement, SECOND_USEC, &usec))
                return;
        if (usec < SECOND_USEC)
                reader_error(reader, item_position(statement, &statement->items[1]), "value", NULL,
                        "name servers are asked once a second at most");
        else
                reader->whole->conf.options.probe_interval_usec = usec;
}

/* probe-source ( ADDRESS | * ) [port ( N | * )], as notify-source. */
void read_probe_source(struct reader *reader, struct block *block, const struct statement *statement)
{
        bool is_v6 = strcasecmp(statement->items[0].text, "probe-source-v6") == 0;
        struct conf_options *options = &reader->whole->conf.options;
        (void)block;
        reader_source(reader, statement, is_v6 ? AF_INET6 : AF_INET,
                is_v6 ? &options->probe_source_v6 : &options->probe_source);
}
