/* check-names, check-mx ...: how each check of a zone's text counts. Words and defaults are BIND's. */
#include "conf/checks.h"

#include "conf/reader.h"

#include <strings.h>

const struct conf_checks conf_checks_default = {
        .names = CONF_CHECK_FAIL,
        .mx = CONF_CHECK_WARN,
        .mx_cname = CONF_CHECK_WARN,
        .srv_cname = CONF_CHECK_WARN,
        .dup_records = CONF_CHECK_WARN,
        .spf = CONF_CHECK_WARN,
        .integrity = true,
        .sibling = true,
        .wildcard = true,
};

static void set_check(struct reader *reader, const struct statement *statement, const struct item *item,
        enum conf_check *check)
{
        struct position at = item_position(statement, item);

        if (item_is_word(item, "fail"))
                *check = CONF_CHECK_FAIL;
        else if (item_is_word(item, "warn"))
                *check = CONF_CHECK_WARN;
        else if (item_is_word(item, "ignore"))
                *check = CONF_CHECK_IGNORE;
        else
                reader_error(reader, at, "value", NULL, "%s is not one of fail, warn, ignore",
                        report_quote(reader->report, at, item->text));
}

/* In options: check-names primary fail; with a word for each kind of zone, of which one is ours. */
void read_check_names(struct reader *reader, struct block *block, const struct statement *statement)
{
        static const char *const others[] = {"secondary", "slave", "response"};
        uint32_t at = 1;
        bool is_ours = true;

        if (block->place == PLACE_OPTIONS) {
                is_ours = statement->count > 1 && (item_is_word(&statement->items[1], "primary") ||
                                                          item_is_word(&statement->items[1], "master"));
                for (size_t i = 0; !is_ours && i < sizeof(others) / sizeof(others[0]); i++)
                        at += statement->count > 1 && item_is_word(&statement->items[1], others[i]);
                at += is_ours;
                if (at == 1) {
                        reader_error(reader, statement_position(statement), "value",
                                "check-names primary warn;",
                                "check-names of options says of which zones: primary, secondary, response");
                        return;
                }
        }
        enum conf_check check = CONF_CHECK_FAIL;
        if (statement->count <= at || !item_is_text(&statement->items[at])) {
                reader_error(reader, statement_position(statement), "value", NULL,
                        "check-names takes one of fail, warn, ignore");
                return;
        }
        set_check(reader, statement, &statement->items[at], &check);
        if (reader_end(reader, statement, at + 1) && is_ours)
                block->policy->checks.names = check;
}

/* The row's own name says which. */
void read_check_level(struct reader *reader, struct block *block, const struct statement *statement)
{
        struct conf_checks *checks = &block->policy->checks;
        const struct {
                const char *name;
                enum conf_check *check;
        } levels[] = {
                {"check-dup-records", &checks->dup_records},
                {"check-mx", &checks->mx},
                {"check-mx-cname", &checks->mx_cname},
                {"check-srv-cname", &checks->srv_cname},
        };
        const struct item *item = reader_value(reader, statement);

        for (size_t i = 0; item && i < sizeof(levels) / sizeof(levels[0]); i++)
                if (strcasecmp(statement->items[0].text, levels[i].name) == 0)
                        set_check(reader, statement, item, levels[i].check);
}

void read_check_spf(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);

        if (!item)
                return;
        struct position at = item_position(statement, item);
        if (item_is_word(item, "warn"))
                block->policy->checks.spf = CONF_CHECK_WARN;
        else if (item_is_word(item, "ignore"))
                block->policy->checks.spf = CONF_CHECK_IGNORE;
        else
                reader_error(reader, at, "value", NULL, "%s is not one of warn, ignore",
                        report_quote(reader->report, at, item->text));
}

void read_check_integrity(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_boolean(reader, statement, &block->policy->checks.integrity);
}

void read_check_sibling(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_boolean(reader, statement, &block->policy->checks.sibling);
}

void read_check_wildcard(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_boolean(reader, statement, &block->policy->checks.wildcard);
}
