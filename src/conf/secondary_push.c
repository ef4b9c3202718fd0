/* What a secondary block says of an API: where it is, with which credentials, and what may be changed there.
 */

#include "conf/reader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void read_path(struct reader *reader, const struct statement *statement, const char **ret_path)
{
        const struct item *item = reader_value(reader, statement);
        if (item && *item->text == '\0')
                reader_error(reader, item_position(statement, item), "value", NULL,
                        "the name of the file is empty");
        else if (item)
                *ret_path = reader_path(reader, item->text);
}

static void read_text(struct reader *reader, const struct statement *statement, const char **ret_text)
{
        const struct item *item = reader_value(reader, statement);
        if (item)
                *ret_text = reader_text(reader, item->text);
}

/* One of two words; true for the second. */
static void read_choice(struct reader *reader, const struct statement *statement, const char *first,
        const char *second, bool *ret_is_second)
{
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return;
        *ret_is_second = strcasecmp(item->text, second) == 0;
        struct position at = item_position(statement, item);
        if (!*ret_is_second && strcasecmp(item->text, first) != 0)
                reader_error(reader, at, "value", NULL, "%s is neither %s nor %s",
                        report_quote(reader->report, at, item->text), first, second);
}

/* A name alone is one of systemd's credentials, where the service has some: push/credentials.c finds it. */
static void read_secret_path(struct reader *reader, const struct statement *statement, const char **ret_path)
{
        const struct item *item = reader_value(reader, statement);
        if (item && *item->text && !strchr(item->text, '/') && getenv("CREDENTIALS_DIRECTORY"))
                *ret_path = reader_text(reader, item->text);
        else if (item)
                read_path(reader, statement, ret_path);
}

void read_secondary_credentials(struct reader *reader, struct block *block, const struct statement *statement)
{
        read_secret_path(reader, statement, &block->secondary->credentials);
}

void read_secondary_api_token(struct reader *reader, struct block *block, const struct statement *statement)
{
        read_secret_path(reader, statement, &block->secondary->api_token);
}

void read_secondary_ca_file(struct reader *reader, struct block *block, const struct statement *statement)
{
        read_path(reader, statement, &block->secondary->ca_file);
}

/* It becomes part of a path. */
void read_secondary_zone_id(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return;
        bool is_good = *item->text != '\0' && strlen(item->text) <= 64;
        for (const char *at = item->text; *at; at++)
                is_good = is_good && ((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') ||
                                             (*at >= 'A' && *at <= 'Z') || *at == '-' || *at == '_');
        if (is_good)
                block->secondary->zone_id = reader_text(reader, item->text);
        else
                reader_error(reader, item_position(statement, item), "value", "zone-id \"Z0123456789ABC\";",
                        "the id of a zone has letters and digits alone");
}

static bool begins_with(const char *text, const char *beginning)
{
        return strncasecmp(text, beginning, strlen(beginning)) == 0;
}

/* Without TLS the credentials would be readable: on this machine alone. */
void read_secondary_endpoint(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return;
        static const char *const hosts[] = {"http://127.", "http://localhost", "http://[::1]"};
        bool is_good = begins_with(item->text, "https://") && item->text[8] != '\0';
        for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
                size_t length = strlen(hosts[i]) +
                                (i == 0 ? strspn(item->text + strlen("http://127"), ".0123456789") - 1 : 0);
                is_good = is_good || (begins_with(item->text, hosts[i]) && strchr(":/", item->text[length]));
        }
        if (is_good)
                read_text(reader, statement, &block->secondary->endpoint);
        else
                reader_error(reader, item_position(statement, item), "value", NULL,
                        "an endpoint is an https:// address, or http:// on a loopback address");
}

void read_secondary_drift(struct reader *reader, struct block *block, const struct statement *statement)
{
        bool is_report = false;
        read_choice(reader, statement, "repair", "report", &is_report);
        block->secondary->drift = is_report ? CONF_DRIFT_REPORT : CONF_DRIFT_REPAIR;
}

void read_secondary_drift_interval(
        struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_duration(reader, statement, 1000000, &block->secondary->drift_interval_usec);
}

void read_secondary_push_soa_serial(
        struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_boolean(reader, statement, &block->secondary->push_soa_serial);
}

void read_secondary_push_apex_ns(
        struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_boolean(reader, statement, &block->secondary->push_apex_ns);
}

void read_secondary_unsupported(struct reader *reader, struct block *block, const struct statement *statement)
{
        read_choice(reader, statement, "skip", "fail", &block->secondary->unsupported_fails);
}

void read_secondary_batch_limit(struct reader *reader, struct block *block, const struct statement *statement)
{
        uint64_t limit;
        if (reader_number(reader, statement, 1, 100000, &limit))
                block->secondary->batch_limit = (unsigned)limit;
}
