/* conf_load, and what others ask of a loaded configuration.
 *
 * The file and its includes become a tree (tree.c), the tree is read in an order that lets names be used
 * above their definition, and only a tree without an error becomes a configuration. After that nothing
 * changes but the count of references; the last one wipes the keys. */

#include "base/cleanup.h"
#include "conf/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct conf_whole *whole_of(const struct conf *conf)
{
        return (struct conf_whole *)conf;
}

static size_t count_statements(const struct statement *first, const char *name)
{
        size_t count = 0;
        for (const struct statement *at = first; at; at = at->next)
                count += item_is_word(&at->items[0], name);
        return count;
}

static void make_room(struct reader *reader, const struct statement *first)
{
        struct conf *conf = &reader->whole->conf;
        size_t zones = count_statements(first, "zone");
        size_t zone_files = count_statements(first, "zone-files");
        conf->zones = reader_alloc(reader, zones * sizeof(*conf->zones));
        conf->zone_files = reader_alloc(reader, (zone_files + 1) * sizeof(*conf->zone_files));
        conf->git = reader_alloc(reader, (zone_files + 1) * sizeof(*conf->git));
        reader->whole->zones.fold = true;
}

static void copy_files(struct reader *reader, const struct tree *tree)
{
        struct conf *conf = &reader->whole->conf;
        const char **files = reader_alloc(reader, tree->source_count * sizeof(*files));
        for (size_t i = 0; files && i < tree->source_count; i++)
                files[conf->file_count++] = reader_text(reader, tree->sources[i]->path);
        conf->files = files;
}

/* Zones found in a folder have options' policy: what is missing there is told once, here. */
static void check_zone_files(struct reader *reader, const struct block *top)
{
        const struct conf *conf = &reader->whole->conf;
        const struct statement *statement = block_seen(top, "zone-files");
        const struct conf_policy *policy = &reader->whole->conf.policy;
        if (!statement)
                return;
        struct position at = statement_position(statement);
        if (policy->secondary_count > 0 || conf->template_count > 0)
                return;
        if (policy->notify == CONF_NOTIFY_EXPLICIT && policy->also_notify_count == 0)
                reader_warn(reader, at, "no-notify-target", "options { also-notify { ADDRESS; }; };",
                        "zones found here have no NOTIFY target: options has no also-notify");
        if (!policy->allow_transfer)
                reader_warn(reader, at, "no-transfer", "options { allow-transfer { key \"NAME\"; }; };",
                        "nobody may transfer zones found here: options has no allow-transfer");
}

/* With no zone named anywhere, the zones are those of the folder "zones". */
static void default_zone_files(struct reader *reader, const struct statement *first)
{
        struct conf *conf = &reader->whole->conf;
        if (count_statements(first, "zone") > 0 || count_statements(first, "zone-files") > 0 ||
                reader->failed)
                return;
        conf->zone_files[0] = (struct conf_zone_files){
                .directory = reader_path(reader, "zones"),
                .file_name = "%s.zone",
        };
        conf->zone_files_count = 1;
}

static void read_tree(struct reader *reader, const struct statement *first, bool all_providers)
{
        struct block top = {.place = PLACE_TOP};
        options_set_defaults(reader);
        make_room(reader, first);
        keys_read_all(reader, first);
        lists_register(reader, first);
        blocks_register(reader, first);
        block_read(reader, &top, first);
        lists_read_rest(reader, first);
        options_finish(reader);
        secondaries_check(reader);
        providers_gather(reader, all_providers);
        check_zone_files(reader, &top);
        default_zone_files(reader, first);
}

static void whole_free(struct conf_whole *whole)
{
        for (size_t i = 0; i < whole->conf.key_count; i++)
                tsig_key_wipe((struct tsig_key *)whole->conf.keys[i]);
        table_free(&whole->keys);
        table_free(&whole->zones);
        table_free(&whole->providers);
        arena_free(&whole->arena);
        free(whole);
}

int conf_load(const char *path, const struct conf_load_options *options, struct diag_list *diags,
        struct conf **ret_conf)
{
        struct report report = {0};
        struct tree tree = {.report = &report};
        struct conf_whole *whole = calloc(1, sizeof(*whole));
        if (!whole)
                return -ENOMEM;
        whole->references = 1;

        struct reader reader = {.whole = whole, .arena = &whole->arena, .report = &report, .tree = &tree};
        tree_load(&tree, path, options);
        if (!tree.failed && tree.source_count > 0)
                read_tree(&reader, tree.first, options && options->all_providers);
        copy_files(&reader, &tree);

        int r = reader.failed || tree.failed || report.failed ? -ENOMEM
                : report.error_count > 0                      ? -EINVAL
                                                              : 0;
        report_flush(&report, diags);
        table_free(&reader.acls);
        table_free(&reader.lists);
        table_free(&reader.noted);
        table_free(&reader.secondaries);
        table_free(&reader.templates);
        table_free(&reader.provider_blocks);
        tree_free(&tree);
        if (r < 0) {
                whole_free(whole);
                return r;
        }
        *ret_conf = &whole->conf;
        return 0;
}

struct conf *conf_ref(struct conf *conf)
{
        __atomic_add_fetch(&whole_of(conf)->references, 1, __ATOMIC_RELAXED);
        return conf;
}

struct conf *conf_unref(struct conf *conf)
{
        if (conf && __atomic_sub_fetch(&whole_of(conf)->references, 1, __ATOMIC_ACQ_REL) == 0)
                whole_free(whole_of(conf));
        return NULL;
}

const struct conf_zone *conf_zone_find(const struct conf *conf, const uint8_t *name)
{
        return table_get(&whole_of(conf)->zones, name, name_length(name));
}

const struct conf_policy *conf_policy_for(const struct conf *conf, const uint8_t *name)
{
        const struct conf_zone *zone = conf_zone_find(conf, name);
        if (zone)
                return &zone->policy;
        const struct conf_template *template = conf_template_for(conf, name);
        return template ? &template->policy : &conf->policy;
}

const struct conf_secondary *conf_secondary_find(const struct conf *conf, const char *name)
{
        for (size_t i = 0; i < conf->secondary_count; i++)
                if (strcasecmp(conf->secondaries[i]->name, name) == 0)
                        return conf->secondaries[i];
        return NULL;
}

const struct provider *conf_provider_find(const struct conf *conf, const char *name)
{
        return table_get(&whole_of(conf)->providers, name, strlen(name));
}

const struct tsig_key *conf_key_find(const struct conf *conf, const uint8_t *name)
{
        const struct key_entry *entry = table_get(&whole_of(conf)->keys, name, name_length(name));
        return entry ? &entry->key : NULL;
}
