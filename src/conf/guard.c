/* guard { ... } of options, a template or a zone: each statement by itself over what was inherited. */

#include "conf/reader.h"

#include "conf/value.h"

#include <strings.h>

#define SECOND_USEC UINT64_C(1000000)
#define MIN_RECORDS_MAX 1000000000
#define SERIAL_STEP_MAX 0x7fffffff /* further is not ahead any more (RFC 1982) */

void guard_set_defaults(struct conf_guard *guard)
{
        *guard = (struct conf_guard){
                .max_delete_percent = 30,
                .max_change_percent = 50,
                .window_usec = 3600 * SECOND_USEC,
                .min_records = 10,
                .protect_apex = true,
                .max_serial_step = 31622400,
        };
}

void read_guard(struct reader *reader, struct block *block, const struct statement *statement)
{
        struct block inner = {.place = PLACE_GUARD, .policy = block->policy};
        const struct item *body = reader_block(reader, statement, 1);
        if (body)
                block_read(reader, &inner, body->block);
}

/* 0% to 100%, or unlimited. */
static void read_share(struct reader *reader, const struct statement *statement, uint64_t *ret_percent)
{
        const struct item *item = reader_value(reader, statement);
        unsigned percent;
        if (!item)
                return;
        if (strcasecmp(item->text, "unlimited") == 0) {
                *ret_percent = CONF_UNLIMITED;
                return;
        }
        if (value_parse_percent(item->text, &percent) < 0 || percent > 100) {
                struct position at = item_position(statement, item);
                reader_error(reader, at, "value", NULL,
                        "%s is neither a percentage up to 100%% nor \"unlimited\"",
                        report_quote(reader->report, at, item->text));
                return;
        }
        *ret_percent = percent;
}

void read_guard_max_delete(struct reader *reader, struct block *block, const struct statement *statement)
{
        read_share(reader, statement, &block->policy->guard.max_delete_percent);
}

void read_guard_max_change(struct reader *reader, struct block *block, const struct statement *statement)
{
        read_share(reader, statement, &block->policy->guard.max_change_percent);
}

void read_guard_window(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_duration(reader, statement, SECOND_USEC, &block->policy->guard.window_usec);
}

void read_guard_min_records(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_number(reader, statement, 0, MIN_RECORDS_MAX, &block->policy->guard.min_records);
}

void read_guard_protect_apex(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_boolean(reader, statement, &block->policy->guard.protect_apex);
}

void read_guard_max_serial_step(struct reader *reader, struct block *block, const struct statement *statement)
{
        uint64_t step;
        if (statement->count == 2 && item_is_word(&statement->items[1], "unlimited"))
                block->policy->guard.max_serial_step = SERIAL_STEP_MAX;
        else if (reader_number(reader, statement, 1, SERIAL_STEP_MAX, &step))
                block->policy->guard.max_serial_step = (uint32_t)step;
}
