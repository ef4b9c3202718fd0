/* zone-files { git "REPOSITORY"; ... }: zones out of the commits of a repository. */

#include "conf/reader.h"
#include "conf/value.h"

#include <string.h>
#include <strings.h>

#define FETCH_EVERY_LEAST_USEC UINT64_C(1000000)
#define FETCH_EVERY_USEC UINT64_C(60000000)
#define ATOMIC_MAX 1000

void read_zone_files_git(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        if (item && !*item->text)
                reader_error(reader, item_position(statement, item), "value", "git \"/srv/dns.git\";",
                        "the name of the repository is empty");
        else if (item)
                block->git->repository = reader_path(reader, item->text);
}

/* What git takes for the name of a ref (git-check-ref-format), and no more: it becomes part of revisions and
 * of paths. */
static bool is_ref_name(const char *name)
{
        if (*name == '-' || *name == '/' || *name == '.' || !*name)
                return false;
        for (const char *at = name; *at; at++) {
                if ((unsigned char)*at <= ' ' || *at == 0x7f || strchr("~^:?*[\\", *at))
                        return false;
                if ((at[0] == '.' && (at[1] == '.' || at[1] == '/' || at[1] == '\0')) ||
                        (at[0] == '/' && (at[1] == '/' || at[1] == '.' || at[1] == '\0')) ||
                        (at[0] == '@' && at[1] == '{'))
                        return false;
        }
        size_t length = strlen(name);
        return length < 200 && !(length >= 5 && strcmp(name + length - 5, ".lock") == 0);
}

static void read_ref_name(struct reader *reader, const struct statement *statement, const struct item *item,
        const char **ret_name)
{
        struct position at = item_position(statement, item);
        if (is_ref_name(item->text))
                *ret_name = reader_text(reader, item->text);
        else
                reader_error(reader, at, "value", NULL, "%s is no name that git has for a branch or remote",
                        report_quote(reader->report, at, item->text));
}

void read_zone_files_branch(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        if (item)
                read_ref_name(reader, statement, item, &block->git->branch);
}

/* A folder of the commit: without slashes at its ends; ".." and "." have no meaning there. */
static const char *read_commit_folder(
        struct reader *reader, const struct statement *statement, const struct item *item)
{
        const char *text = item->text;
        struct position at = item_position(statement, item);
        while (*text == '/' || (text[0] == '.' && text[1] == '/'))
                text += *text == '/' ? 1 : 2;
        if (strcmp(text, ".") == 0)
                text++;
        char *folder = reader_text(reader, text);
        size_t length = folder ? strlen(folder) : 0;
        while (length > 0 && folder[length - 1] == '/')
                folder[--length] = '\0';
        for (const char *part = folder; part && *part; part += strcspn(part, "/"), part += *part == '/') {
                size_t size = strcspn(part, "/");
                if (size == 0 || (size == 1 && *part == '.') ||
                        (size == 2 && part[0] == '.' && part[1] == '.')) {
                        reader_error(reader, at, "value", NULL, "%s is no folder of a commit",
                                report_quote(reader->report, at, item->text));
                        return NULL;
                }
        }
        return folder;
}

void read_zone_files_path(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        const char *folder = item ? read_commit_folder(reader, statement, item) : NULL;
        if (folder)
                block->git->path = folder;
}

void read_commit_policy(struct reader *reader, struct block *block, const struct statement *statement)
{
        const struct item *item = reader_value(reader, statement);
        if (!item)
                return;
        struct position at = item_position(statement, item);
        if (strcasecmp(item->text, "all-or-nothing") == 0)
                block->git->all_or_nothing = true;
        else if (strcasecmp(item->text, "per-zone") != 0)
                reader_error(reader, at, "value", "commit-policy per-zone;",
                        "%s is neither per-zone nor all-or-nothing",
                        report_quote(reader->report, at, item->text));
}

/* atomic "FOLDER"; or atomic { "FOLDER"; ... }; */
void read_zone_files_atomic(struct reader *reader, struct block *block, const struct statement *statement)
{
        bool is_list = statement->count == 2 && statement->items[1].kind == ITEM_BLOCK;
        const struct statement *first = is_list ? statement->items[1].block : statement;
        size_t count = !is_list;

        if (!is_list && !reader_value(reader, statement))
                return;
        for (const struct statement *at = first; at && is_list; at = at->next)
                count++;
        if (count > ATOMIC_MAX) {
                reader_error(reader, statement_position(statement), "too-large", NULL,
                        "more than %d folders that go as a whole", ATOMIC_MAX);
                return;
        }
        const char **folders = reader_alloc(reader, (count + 1) * sizeof(*folders));
        block->git->atomic = folders;
        for (const struct statement *at = first; at && folders; at = is_list ? at->next : NULL) {
                if (is_list && (!item_is_text(&at->items[0]) || !reader_end(reader, at, 1)))
                        continue;
                const char *folder = read_commit_folder(reader, at, &at->items[is_list ? 0 : 1]);
                if (folder)
                        folders[block->git->atomic_count++] = folder;
        }
}

/* fetch "REMOTE" [every SECONDS]; */
void read_zone_files_fetch(struct reader *reader, struct block *block, const struct statement *statement)
{
        struct conf_git *git = block->git;
        if (statement->count < 2 || !item_is_text(&statement->items[1])) {
                reader_value(reader, statement);
                return;
        }
        read_ref_name(reader, statement, &statement->items[1], &git->fetch);
        git->fetch_usec = FETCH_EVERY_USEC;
        if (statement->count == 2)
                return;
        const struct item *word = &statement->items[2];
        if (!item_is_word(word, "every") || statement->count < 4) {
                reader_end(reader, statement, item_is_word(word, "every") ? 3 : 2);
                if (item_is_word(word, "every"))
                        reader_error(reader, item_position(statement, word), "value",
                                "fetch \"origin\" every 60;", "\"every\" needs a time");
                return;
        }
        const struct item *value = &statement->items[3];
        struct position at = item_position(statement, value);
        if (value_parse_duration(value->text, 1000000, &git->fetch_usec) < 0 ||
                git->fetch_usec < FETCH_EVERY_LEAST_USEC || git->fetch_usec > UINT64_C(86400000000))
                reader_error(reader, at, "value", "fetch \"origin\" every 60;",
                        "%s is no time from a second to a day",
                        report_quote(reader->report, at, value->text));
        reader_end(reader, statement, 4);
}

void read_zone_files_notes(struct reader *reader, struct block *block, const struct statement *statement)
{
        reader_boolean(reader, statement, &block->git->notes);
}

void read_template_atomic(struct reader *reader, struct block *block, const struct statement *statement)
{
        bool is_atomic;
        if (reader_boolean(reader, statement, &is_atomic))
                block->policy->atomic = is_atomic ? block->template->name : NULL;
}

static bool is_same(const char *left, const char *right)
{
        return strcmp(left ? left : "", right ? right : "") == 0;
}

/* What belongs to a folder alone, or to a repository alone. */
static void check_words(struct reader *reader, const struct block *inner)
{
        static const char *const of_git[] = {"branch", "path", "commit-policy", "atomic", "fetch", "notes"};
        static const char *const of_folder[] = {"directory", "include-root"};
        bool is_git = block_seen(inner, "git");
        const char *const *words = is_git ? of_folder : of_git;
        size_t count = is_git ? sizeof(of_folder) / sizeof(*of_folder) : sizeof(of_git) / sizeof(*of_git);

        for (size_t i = 0; i < count; i++) {
                const struct statement *statement = block_seen(inner, words[i]);
                if (statement)
                        reader_error(reader, statement_position(statement), "value", NULL,
                                is_git ? "\"%s\" is for a folder of zone files: these are in git"
                                       : "\"%s\" is for zone files in git: this is a folder of them",
                                words[i]);
        }
}

void zone_files_git_finish(struct reader *reader, const struct block *inner, struct position at)
{
        struct conf *conf = &reader->whole->conf;
        struct conf_git *git = inner->git;

        check_words(reader, inner);
        if (!git->repository)
                return;
        git->file_name = inner->zone_files->file_name;
        if (git->fetch && !git->branch)
                reader_error(reader, statement_position(block_seen(inner, "fetch")), "value",
                        "branch \"main\";", "what is fetched needs a branch");
        for (size_t i = 0; i < conf->git_count; i++)
                if (is_same(conf->git[i].repository, git->repository) &&
                        is_same(conf->git[i].branch, git->branch) && is_same(conf->git[i].path, git->path)) {
                        reader_error(reader, at, "duplicate", NULL,
                                "the zone files of this branch and path of %s are named twice",
                                git->repository);
                        return;
                }
        conf->git[conf->git_count++] = *git;
}
