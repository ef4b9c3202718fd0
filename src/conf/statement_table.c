/* The statements that count here: those of named.conf (BIND 9.18, 9.20) that have their effect, and ours.
 *
 *     HONOURED   has its effect
 *     NOT_BUILT  yet to come: an error
 *
 * What named.conf knows besides is in statement_foreign.c. Sorted by name; a name stands in several rows
 * where it means different things in different blocks. */

#include "conf/reader.h"

#include <strings.h>

static const struct rule rules[] = {
        {"acl", PLACE_TOP, HONOURED, .read = NULL, .may_repeat = true},
        {"alert-after", PLACE_POLICY, HONOURED, .read = read_alert_after, .turn = 1},
        {"alias-min-interval", PLACE_OPTIONS, HONOURED, .read = read_alias_min_interval},
        {"alias-resolver", PLACE_OPTIONS, HONOURED, .read = read_alias_resolver, .turn = 1},
        {"allow-query", PLACE_POLICY, HONOURED, .read = read_allow_query, .turn = 1},
        {"allow-transfer", PLACE_POLICY, HONOURED, .read = read_allow_transfer, .turn = 1},
        {"also-notify", PLACE_POLICY, HONOURED, .read = read_also_notify, .turn = 1},
        {"atomic", PLACE_ZONE_FILES, HONOURED, .read = read_zone_files_atomic},
        {"atomic", PLACE_TEMPLATE, HONOURED, .read = read_template_atomic, .turn = 1},
        {"branch", PLACE_ZONE_FILES, HONOURED, .read = read_zone_files_branch},
        {"check-dup-records", PLACE_POLICY, HONOURED, .read = read_check_level, .turn = 1},
        {"check-integrity", PLACE_POLICY, HONOURED, .read = read_check_integrity, .turn = 1},
        {"check-mx", PLACE_POLICY, HONOURED, .read = read_check_level, .turn = 1},
        {"check-mx-cname", PLACE_POLICY, HONOURED, .read = read_check_level, .turn = 1},
        {"check-names", PLACE_POLICY, HONOURED, .read = read_check_names, .may_repeat = true, .turn = 1},
        {"check-sibling", PLACE_POLICY, HONOURED, .read = read_check_sibling, .turn = 1},
        {"check-spf", PLACE_POLICY, HONOURED, .read = read_check_spf, .turn = 1},
        {"check-srv-cname", PLACE_POLICY, HONOURED, .read = read_check_level, .turn = 1},
        {"check-wildcard", PLACE_POLICY, HONOURED, .read = read_check_wildcard, .turn = 1},
        {"commit-policy", PLACE_ZONE_FILES, HONOURED, .read = read_commit_policy},
        {"controls", PLACE_TOP, HONOURED, .read = read_controls, .turn = 3},
        {"directory", PLACE_OPTIONS, HONOURED, .read = read_directory},
        {"directory", PLACE_ZONE_FILES, HONOURED, .read = read_zone_files_directory},
        {"fetch", PLACE_ZONE_FILES, HONOURED, .read = read_zone_files_fetch},
        {"file", PLACE_ZONE, HONOURED, .read = read_zone_file},
        {"file-name", PLACE_ZONE_FILES, HONOURED, .read = read_zone_files_name},
        {"git", PLACE_ZONE_FILES, HONOURED, .read = read_zone_files_git},
        {"guard", PLACE_POLICY, HONOURED, .read = read_guard, .turn = 1},
        {"host", PLACE_CHANNELS, HONOURED, .read = read_channel_host, .may_repeat = true},
        {"include-root", PLACE_OPTIONS, HONOURED, .read = read_include_root, .turn = 1},
        {"include-root", PLACE_ZONE_FILES, HONOURED, .read = read_zone_files_include_root},
        {"inet", PLACE_CHANNELS, HONOURED, .read = read_channel_inet, .may_repeat = true},
        {"key", PLACE_TOP, HONOURED, .read = NULL, .may_repeat = true},
        {"key-only-query-rate", PLACE_OPTIONS, HONOURED, .read = read_query_rate},
        {"keys", PLACE_SERVER, HONOURED, .read = read_server_keys},
        {"listen-on", PLACE_OPTIONS, HONOURED, .read = read_listen_on, .may_repeat = true, .turn = 1},
        {"listen-on-v6", PLACE_OPTIONS, HONOURED, .read = read_listen_on, .may_repeat = true, .turn = 1},
        {"masters", PLACE_TOP, HONOURED, .read = NULL, .may_repeat = true},
        {"max-change", PLACE_GUARD, HONOURED, .read = read_guard_max_change},
        {"max-delete", PLACE_GUARD, HONOURED, .read = read_guard_max_delete},
        {"max-ixfr-ratio", PLACE_POLICY, HONOURED, .read = read_max_ixfr_ratio, .turn = 1},
        {"max-journal-size", PLACE_POLICY, HONOURED, .read = read_max_journal_size, .turn = 1},
        {"max-serial-step", PLACE_GUARD, HONOURED, .read = read_guard_max_serial_step},
        {"max-transfer-idle-out", PLACE_OPTIONS, HONOURED, .read = read_transfer_idle},
        {"max-transfer-time-out", PLACE_OPTIONS, HONOURED, .read = read_transfer_time},
        {"min-records", PLACE_GUARD, HONOURED, .read = read_guard_min_records},
        {"min-transfer-rate", PLACE_OPTIONS, HONOURED, .read = read_min_transfer_rate},
        {"notes", PLACE_ZONE_FILES, HONOURED, .read = read_zone_files_notes},
        {"notify", PLACE_POLICY, HONOURED, .read = read_notify, .turn = 1},
        {"notify-delay", PLACE_POLICY, HONOURED, .read = read_notify_delay, .turn = 1},
        {"notify-rate", PLACE_OPTIONS, HONOURED, .read = read_notify_rate},
        {"notify-source", PLACE_POLICY, HONOURED, .read = read_notify_source, .turn = 1},
        {"notify-source", PLACE_SERVER, .verdict = NOT_BUILT},
        {"notify-source-v6", PLACE_POLICY, HONOURED, .read = read_notify_source, .turn = 1},
        {"notify-source-v6", PLACE_SERVER, .verdict = NOT_BUILT},
        {"notify-to-soa", PLACE_POLICY, HONOURED, .read = read_notify_to_soa, .turn = 1},
        {"on-event", PLACE_OPTIONS, HONOURED, .read = read_on_event, .turn = 1},
        {"on-event-timeout", PLACE_OPTIONS, HONOURED, .read = read_on_event_timeout},
        {"options", PLACE_TOP, HONOURED, .read = read_options, .turn = 1},
        {"path", PLACE_ZONE_FILES, HONOURED, .read = read_zone_files_path},
        {"port", PLACE_OPTIONS, HONOURED, .read = read_port},
        {"primaries", PLACE_TOP, HONOURED, .read = NULL, .may_repeat = true},
        {"probe-interval", PLACE_OPTIONS, HONOURED, .read = read_probe_interval},
        {"probe-rate", PLACE_OPTIONS, HONOURED, .read = read_probe_rate},
        {"probe-source", PLACE_OPTIONS, HONOURED, .read = read_probe_source},
        {"probe-source-v6", PLACE_OPTIONS, HONOURED, .read = read_probe_source},
        {"protect-apex", PLACE_GUARD, HONOURED, .read = read_guard_protect_apex},
        {"remote-servers", PLACE_TOP, HONOURED, .read = NULL, .may_repeat = true},
        {"serial-file", PLACE_OPTIONS, HONOURED, .read = read_serial_file, .turn = 1},
        {"serial-on-lost-state", PLACE_POLICY, HONOURED, .read = read_lost_state, .turn = 1},
        {"serial-update-method", PLACE_POLICY, HONOURED, .read = read_serial_method, .turn = 1},
        {"serial-write-back", PLACE_POLICY, HONOURED, .read = read_write_back, .turn = 1},
        {"server", PLACE_TOP, HONOURED, .read = read_server, .may_repeat = true},
        {"settle-time", PLACE_POLICY, HONOURED, .read = read_settle_time, .turn = 1},
        {"state-directory", PLACE_OPTIONS, HONOURED, .read = read_state_directory, .turn = 1},
        {"statistics-channels", PLACE_TOP, HONOURED, .read = read_statistics_channels, .may_repeat = true,
                .turn = 3},
        {"store-size-limit", PLACE_OPTIONS, HONOURED, .read = read_store_limit},
        {"tcp-clients", PLACE_OPTIONS, HONOURED, .read = read_tcp_clients},
        {"tcp-clients-per-peer", PLACE_OPTIONS, HONOURED, .read = read_tcp_clients_per_peer},
        {"tcp-idle-timeout", PLACE_OPTIONS, HONOURED, .read = read_tcp_idle},
        {"tls", PLACE_TOP, .verdict = NOT_BUILT},
        {"transfers-out", PLACE_OPTIONS, HONOURED, .read = read_transfers_out},
        {"transfers-public", PLACE_POLICY, HONOURED, .read = read_transfers_public, .turn = 1},
        {"type", PLACE_ZONE, HONOURED, .read = read_zone_type},
        {"unix", PLACE_CONTROLS, HONOURED, .read = read_controls_unix},
        {"url-redirector", PLACE_OPTIONS, HONOURED, .read = read_url_redirector, .turn = 1},
        {"window", PLACE_GUARD, HONOURED, .read = read_guard_window},
        {"zone", PLACE_TOP, HONOURED, .read = read_zone, .may_repeat = true, .turn = 3},
        {"zone-files", PLACE_TOP, HONOURED, .read = read_zone_files, .may_repeat = true, .turn = 2},
        {"zone-metrics", PLACE_CHANNELS, HONOURED, .read = read_channel_zone_metrics},
};

static const size_t own_rule_count = sizeof(rules) / sizeof(rules[0]);

/* The tables one behind the other. */
static const struct {
        const struct rule *rules;
        const size_t *count;
} tables[] = {
        {rules, &own_rule_count}, {foreign_rules, &foreign_rule_count}, {block_rules, &block_rule_count}};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

size_t rule_count(void)
{
        size_t count = 0;
        for (size_t i = 0; i < TABLES; i++)
                count += *tables[i].count;
        return count;
}

const struct rule *rule_at(size_t index)
{
        for (size_t i = 0; i < TABLES; i++) {
                if (index < *tables[i].count)
                        return &tables[i].rules[index];
                index -= *tables[i].count;
        }
        return NULL;
}

size_t rule_index(const struct rule *rule)
{
        size_t before = 0;
        for (size_t i = 0; i < TABLES; i++) {
                if (rule >= tables[i].rules && rule < tables[i].rules + *tables[i].count)
                        return before + (size_t)(rule - tables[i].rules);
                before += *tables[i].count;
        }
        return before;
}

/* The row for that place; *elsewhere: one of the same name for another. */
static const struct rule *find(const struct rule *table, size_t count, const char *name, enum place place,
        const struct rule **elsewhere)
{
        size_t low = 0, high = count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (strcasecmp(table[middle].name, name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (; low < count && strcasecmp(table[low].name, name) == 0; low++) {
                if (table[low].places & place)
                        return &table[low];
                *elsewhere = &table[low];
        }
        return NULL;
}

const struct rule *rule_find(const char *name, enum place place, const struct rule **ret_elsewhere)
{
        const struct rule *rule = NULL;
        *ret_elsewhere = NULL;
        for (size_t i = TABLES; i > 0 && !rule; i--)
                rule = find(tables[i - 1].rules, *tables[i - 1].count, name, place, ret_elsewhere);
        return rule;
}
