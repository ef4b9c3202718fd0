/* The meaning of statements: what conf's files share while a tree is read into a struct conf. Private to
 * conf/.
 *
 * The order: keys, then names of acl and primaries lists, then options, then all else, so that a name may be
 * used above the place where it is defined, as named.conf allows. Memory running out sets `failed`, looked at
 * once at the end. */
#pragma once

#include "base/table.h"
#include "conf/conf.h"
#include "conf/tree.h"
#include "dns/type.h"

#define RULE_COUNT_MAX 520

enum place { /* where a statement stands */
        PLACE_TOP = 1,
        PLACE_OPTIONS = 2,
        PLACE_ZONE = 4,
        PLACE_ZONE_FILES = 8,
        PLACE_SERVER = 16,
        PLACE_CONTROLS = 32,
        PLACE_SECONDARY = 1 << 8,
        PLACE_PROVIDER = 1 << 9,
        PLACE_TEMPLATE = 1 << 10,
        PLACE_CHANNELS = 1 << 14,
        PLACE_POLICY = PLACE_OPTIONS | PLACE_ZONE | PLACE_TEMPLATE,
        PLACE_GUARD = 1 << 12,
};

struct block; /* below */
struct reader;

enum verdict {
        HONOURED,  /* read() reads it */
        NOTED,     /* accepted, told once, without effect here */
        REFUSED,   /* would change what is served; unless its value is the one named */
        NOT_BUILT, /* refused, "not built yet" */
};

/* A row of the statement table. */
struct rule {
        const char *name;
        unsigned places;
        enum verdict verdict;
        const char *why; /* behind "NAME: " in a note or error */
        void (*read)(struct reader *reader, struct block *block, const struct statement *statement);
        const char *unless; /* REFUSED: values that are fine, "|" between them */
        bool may_repeat;
        unsigned turn; /* of a block's statements those of turn 0 are read first, then those of 1, ... */
};

/* A block as it is read. */
struct block {
        enum place place;
        struct conf_policy *policy; /* options, zone, guard */
        struct conf_zone *zone;
        struct conf_zone_files *zone_files;
        struct conf_git *git;
        struct server *server;
        struct conf_secondary *secondary;
        struct provider *provider;
        struct conf_template *template;
        const struct statement *owner;                /* zone: its statement, for warnings */
        const struct statement *seen[RULE_COUNT_MAX]; /* by row: duplicates, and where warnings point */
};

/* An acl or a primaries list, read when first used. */
struct named_list {
        const char *name;
        const struct statement *statement;
        const struct item *body;
        enum { LIST_UNREAD, LIST_READING, LIST_READ } state;
        struct acl *acl;
        size_t weight;
        struct conf_target *targets;
        size_t target_count;
};

/* server PREFIX { keys k; }: the key for NOTIFY to addresses in it. */
struct server {
        struct prefix prefix;
        const struct tsig_key *key;
        struct server *next;
};

/* secondary, template and provider blocks are found first, so that a name may be used above its block. */
struct named_block {
        const char *name;
        const struct statement *statement;
        struct conf_secondary *secondary;
        struct conf_template *template;
};

/* A list of secondaries, looked at once all blocks are read. */
struct secondaries_use {
        struct position at;
        const struct conf_policy *policy;
        const char *zone; /* NULL = options or a template */
        struct secondaries_use *next;
};

struct key_entry {
        struct tsig_key key; /* without a secret where its block is wrong */
        const char *name;
        struct position at;
};

/* The whole of a loaded configuration. */
struct conf_whole {
        struct conf conf; /* first: a struct conf * is cast back */
        unsigned references;
        struct arena arena;
        struct table keys;      /* by wire name -> struct key_entry */
        struct table zones;     /* by wire name -> struct conf_zone, once all are read */
        struct table providers; /* by name, folded -> struct provider; what was used or defined */
};

struct reader {
        struct conf_whole *whole;
        struct arena *arena; /* of the whole */
        struct report *report;
        struct tree *tree;
        struct table acls, lists;            /* by name as written -> struct named_list */
        struct table secondaries, templates; /* by name, folded -> struct named_block */
        struct table provider_blocks;        /* the same; of the configuration */
        struct secondaries_use *uses;
        struct table noted; /* statements told once: rule -> anything */
        struct server *servers;
        struct acl *localhost, *localnets; /* made at first use */
        uint16_t port;                     /* options' port */
        unsigned depth;                    /* of lists being read within lists */
        bool listen, listen_v6;            /* listen-on was written */
        size_t listen_capacity;
        bool failed;
};

/* statement_table.c, statement.c */
/* NULL where that place has none of that name; *ret_elsewhere is then a row of another place, or NULL. */
const struct rule *rule_find(const char *name, enum place place, const struct rule **ret_elsewhere);
/* The statement of that name that the block had, or NULL. */
const struct statement *block_seen(const struct block *block, const char *name);
void block_read(struct reader *reader, struct block *block, const struct statement *first);
size_t rule_count(void);
/* statement_table.c's first, then statement_foreign.c's and statement_blocks.c's. */
const struct rule *rule_at(size_t index);
size_t rule_index(const struct rule *rule);
extern const struct rule foreign_rules[], block_rules[];
extern const size_t foreign_rule_count, block_rule_count;

/* reader.c: memory and small readers. All tell their error and return false, or NULL. */
void *reader_alloc(struct reader *reader, size_t size);
char *reader_text(struct reader *reader, const char *text);
void reader_error(struct reader *reader, struct position at, const char *code, const char *hint,
        const char *format, ...) __attribute__((format(printf, 5, 6)));
void reader_warn(struct reader *reader, struct position at, const char *code, const char *hint,
        const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Tells that there is no such thing, unless it may stand in a file that was not understood. */
void reader_undefined(struct reader *reader, struct position at, const char *hint, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
/* The statement's one value: a word or string and nothing behind it. */
const struct item *reader_value(struct reader *reader, const struct statement *statement);
/* The statement's block, the last of its items from `from` on. */
const struct item *reader_block(struct reader *reader, const struct statement *statement, uint32_t from);
/* Tells what stands from items[from] on, if anything: a forgotten ";" or words too many. */
bool reader_end(struct reader *reader, const struct statement *statement, uint32_t from);
bool reader_boolean(struct reader *reader, const struct statement *statement, bool *ret_value);
bool reader_number(struct reader *reader, const struct statement *statement, uint64_t least, uint64_t most,
        uint64_t *ret_value);
void reader_source(struct reader *reader, const struct statement *statement, sa_family_t family,
        struct address *ret_address); /* policy.c */
bool reader_duration(
        struct reader *reader, const struct statement *statement, uint64_t unit_usec, uint64_t *ret_usec);
bool reader_size(struct reader *reader, const struct statement *statement, uint64_t *ret_bytes);
/* A number at items[*at] behind the word "port", if it is there; *at moves on. False = told. */
bool reader_port(struct reader *reader, const struct statement *statement, uint32_t *at, uint16_t *ret_port);
/* A path made absolute under options' directory. */
const char *reader_path(struct reader *reader, const char *path);
bool reader_name(struct reader *reader, const struct statement *statement, const struct item *item,
        uint8_t ret_name[static NAME_MAX_LENGTH]);

/* keyblock.c */
void keys_read_all(struct reader *reader, const struct statement *first);
const struct tsig_key *reader_key(
        struct reader *reader, const struct statement *statement, const struct item *item);

/* acl_read.c */
const struct acl *acl_read(struct reader *reader, const struct statement *statement, const struct item *body);
/* Reads a named list, once. Its errors are told where it is defined. */
void acl_read_named(struct reader *reader, struct named_list *named);
/* An address that passes alone in a list that has keys too; NULL = none. Of the list's own elements. */
const struct acl_element *acl_address_beside_key(const struct acl *acl);
/* The addresses of this machine: interface addresses as prefixes. */
const struct acl *acl_localhost(struct reader *reader);

/* target.c */
void targets_read(struct reader *reader, const struct statement *statement, uint32_t from,
        const struct conf_target **ret_targets, size_t *ret_count);
/* Gives targets without a key the key of their server block. */
void targets_apply_servers(struct reader *reader, struct conf_target *targets, size_t count);

void targets_read_named(struct reader *reader, struct named_list *named);

/* list.c: named lists */
void lists_register(struct reader *reader, const struct statement *first);
void lists_read_rest(
        struct reader *reader, const struct statement *first); /* those that nothing uses, for their errors */
struct named_list *list_find(const struct table *table, const char *name);
void list_suggest(const struct table *table, struct suggestion *suggestion);

/* host.c: addresses and names, "port N", "until DATE" and "required" behind them. */
void hosts_read(struct reader *reader, const struct statement *statement, uint16_t port,
        const struct conf_host **ret_hosts, size_t *ret_count);
void notify_hosts_read(struct reader *reader, const struct statement *statement,
        const struct conf_notify_host **ret_hosts, size_t *ret_count);
const char *reader_host_name(
        struct reader *reader, const struct statement *statement, const struct item *item);

/* blocks.c: named blocks */
void blocks_register(struct reader *reader, const struct statement *first);
struct named_block *block_find(const struct table *table, const char *name);
/* Tells of a name that no block has. */
void block_undefined(struct reader *reader, const struct statement *statement, const struct item *item,
        const struct table *table, const char *what);

/* template.c: the policy that a zone begins with; named: what its template statement says, or NULL. */
void zone_begin(struct reader *reader, struct conf_zone *zone, const struct item *named);

/* provider.c. NULL = there is none. */
struct provider *provider_get(struct reader *reader, const char *name);
/* Makes conf->providers. */
void providers_gather(struct reader *reader, bool all);
void provider_suggest(const struct reader *reader, struct suggestion *suggestion);

/* provider_data.c */
struct provider_text {
        const char *name;
        const char *text; /* what stands between the braces of a provider block */
};
extern const struct provider_text provider_texts[];
extern const size_t provider_text_count;

/* secondary_check.c: once everything is read */
void secondaries_check(struct reader *reader);

/* options.c, policy.c, guard.c, zone.c: one function a statement, named in the table. */
typedef void statement_reader(struct reader *reader, struct block *block, const struct statement *statement);
statement_reader read_options, read_controls, read_controls_unix, read_zone, read_zone_files, read_server;
statement_reader read_directory, read_state_directory, read_serial_file, read_include_root, read_port,
        read_listen_on, read_tcp_clients, read_tcp_clients_per_peer, read_transfers_out, read_tcp_idle,
        read_transfer_time, read_transfer_idle, read_min_transfer_rate, read_store_limit, read_notify_rate,
        read_query_rate, read_on_event, read_on_event_timeout, read_alias_resolver, read_alias_min_interval,
        read_url_redirector;
statement_reader read_notify, read_notify_to_soa, read_also_notify, read_allow_transfer,
        read_transfers_public, read_allow_query, read_serial_method, read_lost_state, read_write_back,
        read_notify_source, read_notify_delay, read_max_journal_size, read_max_ixfr_ratio, read_settle_time,
        read_alert_after, read_probe_rate, read_probe_interval, read_probe_source;
statement_reader read_secondary, read_secondaries, read_secondary_provider, read_secondary_notify,
        read_secondary_also_notify, read_secondary_key, read_secondary_notify_key,
        read_secondary_transfer_from, read_secondary_nameservers, read_secondary_ixfr, read_secondary_strip,
        read_secondary_refresh, read_secondary_serial, read_secondary_expire, read_secondary_probe,
        read_secondary_transfers_out, read_secondary_notify_rate, read_secondary_notify_source,
        read_secondary_credentials, read_secondary_zone_id, read_secondary_endpoint, read_secondary_ca_file,
        read_secondary_api_token, read_secondary_drift, read_secondary_drift_interval,
        read_secondary_push_soa_serial, read_secondary_push_apex_ns, read_secondary_unsupported,
        read_secondary_batch_limit;
statement_reader read_provider, read_provider_title, read_provider_kind, read_provider_transfer_from,
        read_provider_addresses_at, read_provider_also_notify, read_provider_nameservers,
        read_provider_algorithms, read_provider_answer, read_provider_yes, read_provider_refresh,
        read_provider_refresh_min, read_provider_serial, read_provider_expire, read_provider_port,
        read_provider_minimum_ttl, read_provider_first_transfer, read_provider_apex_txt, read_provider_form,
        read_provider_note, read_provider_reference;
statement_reader read_template, read_template_match, read_zone_template, read_public_address;
statement_reader read_guard, read_guard_max_delete, read_guard_max_change, read_guard_window,
        read_guard_min_records, read_guard_protect_apex, read_guard_max_serial_step;
statement_reader read_statistics_channels, read_channel_inet, read_channel_host,
        read_channel_zone_metrics; /* channels.c */
statement_reader read_zone_type, read_zone_file, read_zone_files_directory, read_zone_files_name,
        read_zone_files_include_root, read_server_keys;
statement_reader read_zone_files_git, read_zone_files_branch, read_zone_files_path, read_commit_policy,
        read_zone_files_atomic, read_zone_files_fetch, read_zone_files_notes, read_template_atomic;
statement_reader read_check_names, read_check_level, read_check_spf, read_check_integrity, read_check_sibling,
        read_check_wildcard; /* checks.c */
void policy_set_defaults(struct conf_policy *policy);
void guard_set_defaults(struct conf_guard *guard);
void policy_check(struct reader *reader, const struct block *block);
void options_set_defaults(struct reader *reader);
void options_finish(struct reader *reader);
/* git.c: the end of a zone-files block with a repository. */
void zone_files_git_finish(struct reader *reader, const struct block *inner, struct position at);
