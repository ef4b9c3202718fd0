/* Which zones there are: zone blocks, and the files of zone-files folders. Main loop.
 *
 * A scan gives every zone it meets its generation's number. A zone that the scan did not meet has left the
 * configuration (it is removed, its serial remembered) or its file is gone from a zone folder (it stays
 * published, and says so). */
#include "publish/git_state.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "source/source.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Events of its file lead to the entry. Several zone blocks may name one file. */
static int path_take(struct registry *registry, struct registry_entry *entry)
{
        if (!*entry->path) /* its block waits for a repository that has it */
                return 0;
        const struct registry_entry *first = table_get(&registry->by_path, entry->path, strlen(entry->path));
        if (!first || first == entry)
                return table_put(&registry->by_path, entry->path, strlen(entry->path), entry, NULL);
        entry->shares_path = true;
        return registry_user_add(registry, entry->path, entry);
}

void registry_path_leave(struct registry *registry, struct registry_entry *entry)
{
        if (table_get(&registry->by_path, entry->path, strlen(entry->path)) == entry)
                table_remove(&registry->by_path, entry->path, strlen(entry->path));
        if (entry->shares_path)
                registry_user_remove(registry, entry->path, entry);
        if (entry->is_watched)
                watch_forget(registry->watch, entry->path);
        entry->shares_path = entry->is_watched = false;
}

static struct registry_entry *entry_new(
        struct registry *registry, const uint8_t *name, const char *path, const char *folder)
{
        struct registry_entry *entry = calloc(1, sizeof(*entry));
        char text[NAME_TEXT_MAX];

        if (!entry)
                return NULL;
        name_fold(name, entry->zone.name);
        entry->name_text = strdup(name_to_zone_text(entry->zone.name, text));
        entry->path = strdup(path);
        entry->folder = folder ? strdup(folder) : NULL;
        if (!entry->name_text || !entry->path || (folder && !entry->folder) ||
                table_put(&registry->by_name, entry->zone.name, name_length(entry->zone.name), entry, NULL) <
                        0) {
                free(entry->name_text);
                free(entry->path);
                free(entry->folder);
                free(entry);
                return NULL;
        }
        path_take(registry, entry);
        registry->sorted_count = 0;
        registry->unsettled++;
        registry->figures.zones[entry->zone.state]++;
        return entry;
}

void registry_git_leave(struct registry_entry *entry)
{
        if (entry->git)
                table_remove(&entry->git->pending, entry->zone.name, name_length(entry->zone.name));
        entry->git = NULL;
        entry->is_gone = entry->has_approval = false;
}

/* The zone's file is another one now. */
static int entry_move(
        struct registry *registry, struct registry_entry *entry, const char *path, const char *folder)
{
        char *new_path = strdup(path), *new_folder = folder ? strdup(folder) : NULL;
        if (!new_path || (folder && !new_folder)) {
                free(new_path);
                free(new_folder);
                return -ENOMEM;
        }
        registry_path_leave(registry, entry);
        free(entry->path);
        free(entry->folder);
        registry_git_leave(entry);
        entry->path = new_path;
        entry->folder = new_folder;
        return path_take(registry, entry);
}

int registry_entry_conflict(struct registry_entry *entry, const char *path)
{
        char *conflict = NULL;
        if (asprintf(&conflict,
                    "two files for one zone: %s and %s; what is published stays: remove one of them",
                    entry->path, path) < 0)
                return -ENOMEM;
        free(entry->conflict);
        entry->conflict = conflict;
        return 0; /* an event on the second file brings us back here, by its name */
}

/* A zone block names another file, which is not there: that is what is wrong, and no reason to take this one.
 * Without a file statement it names one of the folder, in some spelling. */
static bool block_names_another(const struct registry_entry *entry, const char *folder)
{
        size_t length = folder ? strlen(folder) : 0;
        return folder && entry->zone.is_configured && *entry->path &&
               (strncmp(entry->path, folder, length) != 0 || entry->path[length] != '/');
}

/* The zone of this name has this file. folder: NULL = a zone block says so. */
static int entry_ensure(struct registry *registry, const uint8_t *name, const char *path, const char *folder,
        struct registry_entry **ret_entry)
{
        struct registry_entry *entry = registry_entry_find(registry, name);
        int r = 0;

        if (!entry) {
                entry = entry_new(registry, name, path, folder);
                if (!entry)
                        return -ENOMEM;
        } else if (strcmp(entry->path, path) != 0) {
                bool is_met = entry->generation == registry->generation;
                bool is_there = entry->git ? !entry->is_gone : access(entry->path, F_OK) == 0;
                if (is_met && folder && is_there)
                        r = registry_entry_conflict(entry, path);
                else if (!is_met || !block_names_another(entry, folder))
                        r = entry_move(registry, entry, path, folder);
        } else if (!folder != !entry->folder && entry->generation != registry->generation)
                r = entry_move(registry, entry, path, folder);
        if (entry->generation != registry->generation || !folder)
                entry->zone.is_configured = folder == NULL;
        entry->generation = registry->generation;
        entry->zone.name_text = entry->name_text;
        entry->zone.path = entry->path;
        entry->zone.folder = entry->folder;
        *ret_entry = entry;
        return r;
}

static void entry_watch(struct registry *registry, struct registry_entry *entry)
{
        if (entry->is_watched)
                return;
        int r = watch_file(
                registry->watch, entry->path, conf_policy_for(registry->conf, entry->zone.name)->settle_usec);
        if (r < 0)
                log_write(LOG_ERR, &(struct log_fields){.zone = entry->name_text, .file = entry->path},
                        "%s: %s cannot be watched: %s; edits are seen on reload alone", entry->name_text,
                        entry->path, strerror(-r));
        entry->is_watched = r == 0;
}

/* A block without a file: git has it, or will have it. */
static int ensure_in_git(struct registry *registry, const uint8_t *name)
{
        struct registry_entry *entry = registry_entry_find(registry, name);
        if (!entry)
                return entry_ensure(registry, name, "", NULL, &entry);
        entry->zone.is_configured = true;
        entry->generation = registry->generation;
        return 0;
}

int registry_git_entry(struct registry *registry, struct git_source *source, const uint8_t *name,
        const char *file, struct registry_entry **ret_entry)
{
        struct registry_entry *entry = registry_entry_find(registry, name);
        bool is_free = !entry || !*entry->path || entry->git == source || (entry->git && entry->is_gone);
        int r = 0;

        if (!is_free) {
                if (!entry->zone.is_configured || entry->git) /* else its block says which file it is */
                        registry_entry_conflict(entry, file);
                return -EEXIST;
        }
        if (!entry) {
                entry = entry_new(registry, name, file, NULL);
                if (!entry)
                        return -ENOMEM;
                entry->zone.name_text = entry->name_text;
        } else if (strcmp(entry->path, file) != 0)
                r = entry_move(registry, entry, file, NULL);
        entry->git = source;
        entry->generation = registry->generation;
        entry->zone.path = entry->path;
        entry->zone.folder = NULL;
        *ret_entry = entry;
        return r;
}

static int scan_blocks(struct registry *registry)
{
        for (size_t i = 0; i < registry->conf->zone_count; i++) {
                struct registry_entry *entry;
                int r;
                if (!registry->conf->zones[i].file) {
                        r = ensure_in_git(registry, registry->conf->zones[i].name);
                        if (r < 0)
                                return r;
                        continue;
                }
                r = entry_ensure(
                        registry, registry->conf->zones[i].name, registry->conf->zones[i].file, NULL, &entry);
                if (r < 0)
                        return r;
                entry_watch(registry, entry);
        }
        return 0;
}

/* An edit of what a symlink points to is not seen in the folder. */
static void watch_symlink(struct registry *registry, unsigned char type, struct registry_entry *entry)
{
        struct stat st;
        if (type == DT_LNK || (type == DT_UNKNOWN && lstat(entry->path, &st) == 0 && S_ISLNK(st.st_mode)))
                entry_watch(registry, entry);
}

static int scan_file(struct registry *registry, const struct conf_zone_files *folder, const char *file_name,
        unsigned char type, struct registry_entry **ret_entry)
{
        struct registry_entry *entry;
        uint8_t name[NAME_MAX_LENGTH];
        CLEANUP_FREE char *path = NULL;
        int r = source_zone_name(file_name, folder->file_name, name);

        if (r == -EINVAL)
                log_write(LOG_WARNING, NULL, "%s/%s: the file's name is no zone's name; it is left out",
                        folder->directory, file_name);
        if (r != 0)
                return 1;
        if (asprintf(&path, "%s/%s", folder->directory, file_name) < 0)
                return -ENOMEM;
        r = entry_ensure(registry, name, path, folder->directory, &entry);
        if (r < 0)
                return r;
        watch_symlink(registry, type, entry);
        *ret_entry = entry;
        return 0;
}

int registry_scan_file(struct registry *registry, const struct conf_zone_files *folder, const char *file_name,
        struct registry_entry **ret_entry)
{
        return scan_file(registry, folder, file_name, DT_UNKNOWN, ret_entry);
}

static void cleanup_dir(DIR **dir)
{
        if (*dir)
                closedir(*dir);
}

static int scan_folder(struct registry *registry, const struct conf_zone_files *folder)
{
        CLEANUP(cleanup_dir) DIR *dir = opendir(folder->directory);
        struct dirent *item;

        if (!dir) {
                log_write(LOG_ERR, &(struct log_fields){.file = folder->directory},
                        "zone-files: %s cannot be read: %s", folder->directory, strerror(errno));
                return 0;
        }
        while ((item = readdir(dir))) {
                struct registry_entry *entry;
                int r = scan_file(registry, folder, item->d_name, item->d_type, &entry);
                if (r < 0)
                        return r;
        }
        return 0;
}

static const struct conf_zone_files *folder_of(
        const struct registry *registry, const char *path, size_t length)
{
        for (size_t i = 0; i < registry->conf->zone_files_count; i++) {
                const char *directory = registry->conf->zone_files[i].directory;
                if (strlen(directory) == length && strncmp(directory, path, length) == 0)
                        return &registry->conf->zone_files[i];
        }
        return NULL;
}

const struct conf_zone_files *registry_folder_of_file(const struct registry *registry, const char *path)
{
        const char *slash = strrchr(path, '/');
        return slash ? folder_of(registry, path, (size_t)(slash - path)) : NULL;
}

static void remove_from_store(struct registry *registry, const uint8_t *name)
{
        struct publish_job *job = publish_job_new(JOB_REMOVE, name);
        if (!job)
                return;
        job->conf = conf_ref(registry->conf);
        publisher_post(registry->publisher, job);
}

/* A zone of the store that no block and no file names: its file is gone from a zone folder, or it has left
 * the configuration. */
static int scan_row(struct registry *registry, struct store_read *read, struct store_zone *row)
{
        const struct conf_zone_files *folder = NULL;
        struct registry_entry *entry;
        struct arena arena = {0};
        int r = store_zone_files(read, row, &arena);

        struct git_source *source =
                r == 0 && row->file_count > 0 ? git_source_of_file(registry->git, row->files[0].path) : NULL;
        if (r == 0 && row->file_count > 0)
                folder = registry_folder_of_file(registry, row->files[0].path);
        if (source) { /* its listing says what became of it */
                r = registry_git_entry(registry, source, row->name, row->files[0].path, &entry);
                r = r == -EEXIST ? 0 : r;
        } else if (folder)
                r = entry_ensure(registry, row->name, row->files[0].path, folder->directory, &entry);
        else if (r == 0)
                remove_from_store(registry, row->name);
        arena_free(&arena);
        return r;
}

int registry_scan_store(struct registry *registry)
{
        struct store_read *read;
        struct store_zone row;
        uint64_t position = 0;
        int r = store_read_begin(registry->options.store, &read);
        if (r < 0)
                return r;
        while ((r = store_zone_next(read, &position, &row)) != 1) {
                if (r == 0 && !registry_entry_find(registry, row.name))
                        r = scan_row(registry, read, &row);
                if (r < 0 && r != -EUCLEAN) /* a damaged row is that zone's trouble alone */
                        break;
        }
        store_read_end(read);
        return r < 0 ? r : 0;
}

static void drop_unseen(struct registry *registry)
{
        struct registry_entry *entry;
        size_t position = 0;

        while ((entry = table_next(&registry->by_name, &position))) {
                if (entry->generation == registry->generation)
                        continue;
                if (entry->git)
                        continue; /* its source says what became of it */
                if (!entry->zone.is_configured && entry->folder &&
                        folder_of(registry, entry->folder, strlen(entry->folder)))
                        continue; /* its file is gone: the look says so */
                remove_from_store(registry, entry->zone.name);
                registry_entry_drop(registry, entry);
        }
}

int registry_scan(struct registry *registry)
{
        struct registry_entry *entry;
        size_t position = 0;
        int r;

        registry->generation++;
        while ((entry = table_next(&registry->by_name, &position))) {
                free(entry->conflict);
                entry->conflict = NULL;
                if (entry->git) {
                        entry->zone.is_configured = false;
                        entry->generation = registry->generation;
                }
        }
        r = scan_blocks(registry);
        for (size_t i = 0; r >= 0 && i < registry->conf->zone_files_count; i++)
                r = scan_folder(registry, &registry->conf->zone_files[i]);
        for (struct git_source *source = registry->git->first; r >= 0 && source; source = source->next)
                r = git_scan(source);
        if (r >= 0)
                drop_unseen(registry);
        if (r >= 0 && !registry->is_started)
                r = registry_scan_store(registry);
        return r < 0 ? r : 0;
}
