/* Statements that options and zone share: who is told, who may transfer, which serial comes next. A zone
 * begins with options' values and replaces those it names. */

#include "conf/reader.h"

#include "conf/value.h"

#include <string.h>
#include <strings.h>

#define SECOND_USEC UINT64_C(1000000)

void policy_set_defaults(struct conf_policy *policy)
{
        *policy = (struct conf_policy){
                .notify = CONF_NOTIFY_EXPLICIT,
                .serial_method = CONF_SERIAL_INCREMENT,
                .lost_state = CONF_LOST_STATE_HOLD,
                .max_journal_bytes = CONF_BY_ZONE_SIZE,
                .max_ixfr_ratio_percent = 100,
                .settle_usec = 50000,
                .alert_after_usec = 300 * SECOND_USEC,
                .checks = conf_checks_default,
        };
        guard_set_defaults(&policy->guard);
}

static void tell_choice(struct reader *reader, const struct statement *statement, const struct item *item,
        const char *choices)
{
        struct position at = item_position(statement, item);
        reader_error(reader, at, "value", NULL, "%s is not one of %s",
                report_quote(reader->report, at, item->text), choices);
}

void read_notify(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        bool is_on;
        if (!item)
                return;
        if (strcasecmp(item->text, "explicit") == 0)
                block->policy->notify = CONF_NOTIFY_EXPLICIT;
        else if (strcasecmp(item->text, "primary-only") == 0 || strcasecmp(item->text, "master-only") == 0)
                block->policy->notify = CONF_NOTIFY_PRIMARY_ONLY;
        else if (value_parse_boolean(item->text, &is_on) == 0)
                block->policy->notify = is_on ? CONF_NOTIFY_YES : CONF_NOTIFY_NO;
        else
                tell_choice(reader, statement, item, "yes, explicit, primary-only, no");
}

void read_notify_to_soa(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_boolean(reader, statement, &block->policy->notify_to_soa);
}

void read_also_notify(struct reader *reader, struct block *block, const struct statement *statement)
{
        targets_read(reader, statement, 1, &block->policy->also_notify, &block->policy->also_notify_count);
}

/* allow-transfer [port N] [transport T] { ... }: a rule for some ports or transports alone would be a hole if
 * it were read as one for all. */
void read_allow_transfer(struct reader *reader, struct block *block, const struct statement *statement)
{
        uint32_t at = 1;
        if (statement->count > 1 && statement->items[1].kind == ITEM_WORD) {
                reader_error(reader, item_position(statement, &statement->items[1]), "not-built", NULL,
                        "allow-transfer for one port or transport is not built yet");
                return;
        }
        const struct item *body = reader_block(reader, statement, at);
        if (body)
                block->policy->allow_transfer = acl_read(reader, statement, body);
}

void read_transfers_public(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_boolean(reader, statement, &block->policy->transfers_public);
}

void read_allow_query(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *body = reader_block(reader, statement, 1);
        if (body)
                block->policy->allow_query = acl_read(reader, statement, body);
}

void read_serial_method(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return;
        if (strcasecmp(item->text, "increment") == 0)
                block->policy->serial_method = CONF_SERIAL_INCREMENT;
        else if (strcasecmp(item->text, "unixtime") == 0)
                block->policy->serial_method = CONF_SERIAL_UNIXTIME;
        else if (strcasecmp(item->text, "date") == 0)
                block->policy->serial_method = CONF_SERIAL_DATE;
        else
                tell_choice(reader, statement, item, "increment, unixtime, date");
}

void read_lost_state(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return;
        if (strcasecmp(item->text, "hold") == 0)
                block->policy->lost_state = CONF_LOST_STATE_HOLD;
        else if (strcasecmp(item->text, "file") == 0)
                block->policy->lost_state = CONF_LOST_STATE_FILE;
        else
                tell_choice(reader, statement, item, "hold, file");
}

void read_write_back(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_boolean(reader, statement, &block->policy->write_back);
}

/* An address of that family or *, and a port. */
void reader_source(struct reader *reader, const struct statement *statement, sa_family_t family,
        struct address *ret_address)
{
        struct address address = {0};
        uint16_t port = 0;
        uint32_t at = 2;
        if (statement->count < 2 || !item_is_text(&statement->items[1])) {
                reader_value(reader, statement);
                return;
        }
        const struct item *item = &statement->items[1];
        if (strcmp(item->text, "*") != 0 &&
                (address_parse(item->text, &address) < 0 || address.family != family)) {
                struct position place = item_position(statement, item);
                reader_error(reader, place, "address", NULL, "%s is no %s address, and not *",
                        report_quote(reader->report, place, item->text),
                        family == AF_INET6 ? "IPv6" : "IPv4");
                return;
        }
        if (!reader_port(reader, statement, &at, &port) || !reader_end(reader, statement, at))
                return;
        if (address.family == 0 && port != 0)
                address.family = family;
        address.port = port;
        *ret_address = address;
}

/* notify-source ( ADDRESS | * ) [port ( N | * )], and the -v6 form. */
void read_notify_source(struct reader *reader, struct block *block, const struct statement *statement)
{
        bool is_v6 = strcasecmp(statement->items[0].text, "notify-source-v6") == 0;
        reader_source(reader, statement, is_v6 ? AF_INET6 : AF_INET,
                is_v6 ? &block->policy->notify_source_v6 : &block->policy->notify_source);
}

void read_notify_delay(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_duration(reader, statement, SECOND_USEC, &block->policy->notify_delay_usec);
}

void read_settle_time(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_duration(reader, statement, 1000, &block->policy->settle_usec);
}

void read_max_journal_size(struct reader *reader, struct block *block, const struct statement *statement)
{
        struct conf_policy defaults;
        policy_set_defaults(&defaults);
        if (statement->count == 2 && item_is_word(&statement->items[1], "unlimited"))
                block->policy->max_journal_bytes = CONF_UNLIMITED;
        else if (statement->count == 2 && item_is_word(&statement->items[1], "default"))
                block->policy->max_journal_bytes = defaults.max_journal_bytes;
        else
                reader_size(reader, statement, &block->policy->max_journal_bytes);
}

void read_max_ixfr_ratio(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        unsigned percent = 0;
        if (!item)
                return;
        if (strcasecmp(item->text, "unlimited") != 0 &&
                (value_parse_percent(item->text, &percent) < 0 || percent == 0)) {
                struct position at = item_position(statement, item);
                reader_error(reader, at, "value", NULL,
                        "%s is neither a percentage from 1%% on nor \"unlimited\"",
                        report_quote(reader->report, at, item->text));
                return;
        }
        block->policy->max_ixfr_ratio_percent = percent;
}

/* Where the element of a list was written, by its text; else where the statement stands. */
static struct position element_position(
        const struct statement *statement, const struct acl *acl, const struct acl_element *element)
{
        size_t index = (size_t)(element - acl->elements);
        const struct statement *at = statement->items[statement->count - 1].block;
        for (size_t i = 0; at && i < index; i++)
                at = at->next;
        return at ? statement_position(at) : statement_position(statement);
}

static void check_open(struct reader *reader, const struct block *block)
{
        const struct statement *list = block_seen(block, "allow-transfer");
        const struct statement *public = block_seen(block, "transfers-public");
        if ((!list && !public) || block->policy->transfers_public ||
                !acl_is_open(block->policy->allow_transfer))
                return;
        reader_error(reader, statement_position(list ? list : public), "open-transfer",
                "allow-transfer { key \"NAME\"; }; or addresses",
                "everyone could transfer %s, without a key; if that is meant, say transfers-public yes",
                block->zone ? "this zone" : "every zone");
}

void policy_check(struct reader *reader, const struct block *block)
{
        const struct conf_policy *policy = block->policy;
        const struct statement *list = block_seen(block, "allow-transfer");
        check_open(reader, block);

        const struct acl_element *element = list ? acl_address_beside_key(policy->allow_transfer) : NULL;
        if (element && !acl_is_open(policy->allow_transfer))
                reader_warn(reader, element_position(list, policy->allow_transfer, element),
                        "address-beside-key",
                        "to require both: allow-transfer { !{ !ADDRESS; any; }; key \"NAME\"; };",
                        "%s needs no key here: the address alone gets the zone", element->text);
        if (!block->zone || policy->secondary_count > 0)
                return;
        struct position at = item_position(block->owner, &block->owner->items[1]);
        if (policy->notify == CONF_NOTIFY_EXPLICIT && policy->also_notify_count == 0)
                reader_warn(reader, at, "no-notify-target",
                        "also-notify { ADDRESS; }; tells them, and notify no; means that nobody is to be "
                        "told",
                        "zone \"%s\" has no NOTIFY target: its secondaries learn of a change at their next "
                        "refresh",
                        block->zone->name_text);
        if (!policy->allow_transfer)
                reader_warn(reader, at, "no-transfer", "allow-transfer { key \"NAME\"; };",
                        "nobody may transfer zone \"%s\": it has no allow-transfer", block->zone->name_text);
}
