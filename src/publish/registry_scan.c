/* Which zones there are: zone blocks, and the files of zone-files folders; what the watcher reports; what zones include. Main loop.
 *
 * A scan gives every zone it meets its generation's number. A zone that the scan did not meet has left the configuration (it is removed, its serial remembered) or its file is gone
 * from a zone folder (it stays published, and says so). */
#include "publish/registry_state.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "source/source.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct registry_entry *entry_new(struct registry *registry, const uint8_t *name, const char *path, const char *folder)
{
        struct registry_entry *entry = calloc(1, sizeof(*entry));
        char text[NAME_TEXT_MAX];

        if (!entry)
                return NULL;
        name_fold(name, entry->zone.name);
        entry->name_text = strdup(name_to_zone_text(entry->zone.name, text));
        entry->path = strdup(path);
        entry->folder = folder ? strdup(folder) : NULL;
        if (!entry->name_text || !entry->path || (folder && !entry->folder)
                || table_put(&registry->by_name, entry->zone.name, name_length(entry->zone.name), entry, NULL) < 0) {
                free(entry->name_text);
                free(entry->path);
                free(entry->folder);
                free(entry);
                return NULL;
        }
        table_put(&registry->by_path, entry->path, strlen(entry->path), entry, NULL);
        registry->sorted_count = 0;
        registry->unsettled++;
        return entry;
}

/* The zone's file is another one now. */
static int entry_move(struct registry *registry, struct registry_entry *entry, const char *path, const char *folder)
{
        char *new_path = strdup(path), *new_folder = folder ? strdup(folder) : NULL;
        if (!new_path || (folder && !new_folder)) {
                free(new_path);
                free(new_folder);
                return -ENOMEM;
        }
        if (table_get(&registry->by_path, entry->path, strlen(entry->path)) == entry)
                table_remove(&registry->by_path, entry->path, strlen(entry->path));
        if (entry->is_watched)
                watch_forget(registry->watch, entry->path);
        entry->is_watched = false;
        free(entry->path);
        free(entry->folder);
        entry->path = new_path;
        entry->folder = new_folder;
        return table_put(&registry->by_path, entry->path, strlen(entry->path), entry, NULL);
}

static int entry_conflict(struct registry_entry *entry, const char *path)
{
        char *conflict = NULL;
        if (asprintf(&conflict, "two files for one zone: %s and %s; what is published stays: remove one of them", entry->path, path) < 0)
                return -ENOMEM;
        free(entry->conflict);
        entry->conflict = conflict;
        return 0; /* an event on the second file brings us back here, by its name */
}

/* The zone of this name has this file. folder: NULL = a zone block says so. */
static int entry_ensure(struct registry *registry, const uint8_t *name, const char *path, const char *folder, struct registry_entry **ret_entry)
{
        struct registry_entry *entry = registry_entry_find(registry, name);
        int r = 0;

        if (!entry) {
                entry = entry_new(registry, name, path, folder);
                if (!entry)
                        return -ENOMEM;
        } else if (strcmp(entry->path, path) != 0) {
                bool is_second = entry->generation == registry->generation && access(entry->path, F_OK) == 0;
                if (is_second && !(entry->zone.is_configured && !folder))
                        r = entry_conflict(entry, path);
                else
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
        int r = watch_file(registry->watch, entry->path, conf_policy_for(registry->conf, entry->zone.name)->settle_usec);
        if (r < 0)
                log_write(LOG_ERR, &(struct log_fields){.zone = entry->name_text, .file = entry->path}, "%s: %s cannot be watched: %s; edits are seen on reload alone",
                        entry->name_text, entry->path, strerror(-r));
        entry->is_watched = r == 0;
}

static int scan_blocks(struct registry *registry)
{
        for (size_t i = 0; i < registry->conf->zone_count; i++) {
                struct registry_entry *entry;
                int r = entry_ensure(registry, registry->conf->zones[i].name, registry->conf->zones[i].file, NULL, &entry);
                if (r < 0)
                        return r;
                entry_watch(registry, entry);
        }
        return 0;
}

/* The zone that a file of a folder makes. 0 = made or known, 1 = no zone file. */
static int scan_file(struct registry *registry, const struct conf_zone_files *folder, const char *file_name, struct registry_entry **ret_entry)
{
        uint8_t name[NAME_MAX_LENGTH];
        CLEANUP_FREE char *path = NULL;
        int r = source_zone_name(file_name, folder->file_name, name);

        if (r == -EINVAL)
                log_write(LOG_WARNING, NULL, "%s/%s: the file's name is no zone's name; it is left out", folder->directory, file_name);
        if (r != 0)
                return 1;
        if (asprintf(&path, "%s/%s", folder->directory, file_name) < 0)
                return -ENOMEM;
        return entry_ensure(registry, name, path, folder->directory, ret_entry);
}

static void cleanup_dir(DIR **dir)
{
        if (*dir)
                closedir(*dir);
}

/* An edit of what a symlink points to is not seen in the folder. */
static void watch_symlink(struct registry *registry, const struct dirent *item, struct registry_entry *entry)
{
        struct stat st;
        if (item->d_type == DT_LNK || (item->d_type == DT_UNKNOWN && lstat(entry->path, &st) == 0 && S_ISLNK(st.st_mode)))
                entry_watch(registry, entry);
}

static int scan_folder(struct registry *registry, const struct conf_zone_files *folder)
{
        CLEANUP(cleanup_dir) DIR *dir = opendir(folder->directory);
        struct dirent *item;

        if (!dir) {
                log_write(LOG_ERR, &(struct log_fields){.file = folder->directory}, "zone-files: %s cannot be read: %s", folder->directory, strerror(errno));
                return 0;
        }
        while ((item = readdir(dir))) {
                struct registry_entry *entry;
                int r = scan_file(registry, folder, item->d_name, &entry);
                if (r < 0)
                        return r;
                if (r == 0)
                        watch_symlink(registry, item, entry);
        }
        return 0;
}

static const struct conf_zone_files *folder_of(const struct registry *registry, const char *path, size_t length)
{
        for (size_t i = 0; i < registry->conf->zone_files_count; i++) {
                const char *directory = registry->conf->zone_files[i].directory;
                if (strlen(directory) == length && strncmp(directory, path, length) == 0)
                        return &registry->conf->zone_files[i];
        }
        return NULL;
}

static const struct conf_zone_files *folder_of_file(const struct registry *registry, const char *path)
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

/* Zones of the store that no block and no file names any more. */
static int scan_store(struct registry *registry)
{
        struct store_read *read;
        struct store_zone row;
        uint64_t position = 0;
        int r = store_read_begin(registry->options.store, &read);
        if (r < 0)
                return r;
        while ((r = store_zone_next(read, &position, &row)) == 0) {
                struct arena arena = {0};
                const struct conf_zone_files *folder = NULL;
                struct registry_entry *entry;

                if (registry_entry_find(registry, row.name))
                        continue;
                if (store_zone_files(read, &row, &arena) == 0 && row.file_count > 0)
                        folder = folder_of_file(registry, row.files[0].path);
                if (folder)
                        r = entry_ensure(registry, row.name, row.files[0].path, folder->directory, &entry);
                else
                        remove_from_store(registry, row.name);
                arena_free(&arena);
                if (r < 0)
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
                if (!entry->zone.is_configured && entry->folder && folder_of(registry, entry->folder, strlen(entry->folder)))
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
        }
        r = scan_blocks(registry);
        for (size_t i = 0; r >= 0 && i < registry->conf->zone_files_count; i++)
                r = scan_folder(registry, &registry->conf->zone_files[i]);
        if (r >= 0)
                drop_unseen(registry);
        if (r >= 0 && !registry->is_started)
                r = scan_store(registry);
        return r < 0 ? r : 0;
}

int registry_watch_folders(struct registry *registry, const struct conf *conf, bool begin)
{
        for (size_t i = 0; i < conf->zone_files_count; i++) {
                const char *directory = conf->zone_files[i].directory;
                int r = 0;
                if (begin)
                        r = watch_folder(registry->watch, directory, conf->policy.settle_usec);
                else
                        watch_forget(registry->watch, directory);
                if (r < 0)
                        log_write(LOG_ERR, &(struct log_fields){.file = directory}, "zone-files: %s cannot be watched: %s; edits are seen on reload alone", directory,
                                strerror(-r));
        }
        return 0;
}

static void look_at_includers(struct registry *registry, const char *path)
{
        const struct include_user *user = table_get(&registry->includes, path, strlen(path));
        for (size_t i = 0; user && i < user->count; i++) {
                struct registry_entry *entry = registry_entry_find(registry, user->zones[i]);
                if (entry)
                        registry_look(registry, entry, true, NULL, NULL);
        }
}

/* A file that is gone may have been one of two for its zone. */
static struct registry_entry *entry_in_conflict(struct registry *registry, const struct conf_zone_files *folder, const char *file_name)
{
        uint8_t name[NAME_MAX_LENGTH];
        struct registry_entry *entry = source_zone_name(file_name, folder->file_name, name) == 0 ? registry_entry_find(registry, name) : NULL;
        return entry && entry->conflict ? entry : NULL;
}

static void on_file(struct registry *registry, const char *path)
{
        const struct conf_zone_files *folder = folder_of_file(registry, path);
        struct registry_entry *entry = table_get(&registry->by_path, path, strlen(path));
        const char *file_name = folder ? strrchr(path, '/') + 1 : NULL;

        if (!entry && folder && access(path, F_OK) == 0) {
                if (scan_file(registry, folder, file_name, &entry) != 0)
                        entry = NULL;
        } else if (!entry && folder)
                entry = entry_in_conflict(registry, folder, file_name);
        if (entry && entry->conflict) {
                /* One of the two files may be gone, or the scan takes them the other way round. */
                uint8_t name[NAME_MAX_LENGTH];
                memcpy(name, entry->zone.name, sizeof(name));
                registry_scan(registry);
                entry = registry_entry_find(registry, name);
        }
        if (entry)
                registry_look(registry, entry, false, NULL, NULL);
        look_at_includers(registry, path);
}

/* Every zone whose file no writer has open; the watcher tells of the others when they are closed. */
void registry_look_at_closed(struct registry *registry)
{
        struct registry_entry *entry;
        size_t position = 0;

        while ((entry = table_next(&registry->by_name, &position)))
                if (!watch_is_being_written(registry->watch, entry->path))
                        registry_look(registry, entry, false, NULL, NULL);
}

void registry_watch_event(void *context, enum watch_event event, const char *path)
{
        struct registry *registry = context;

        switch (event) {
        case WATCH_CHANGED:
        case WATCH_VANISHED:
                on_file(registry, path);
                break;
        case WATCH_RESCAN:
                log_write(LOG_INFO, &(struct log_fields){.file = path}, "%s: looking at all of it again", path);
                registry_scan(registry);
                registry_look_at_closed(registry);
                break;
        }
}

static void include_remove(struct registry *registry, const char *path, const uint8_t *zone)
{
        struct include_user *user = table_get(&registry->includes, path, strlen(path));
        for (size_t i = 0; user && i < user->count; i++)
                if (name_equal(user->zones[i], zone)) {
                        memmove(user->zones[i], user->zones[--user->count], NAME_MAX_LENGTH);
                        break;
                }
        if (user && user->count == 0) {
                watch_forget(registry->watch, path);
                table_remove(&registry->includes, path, strlen(path));
                free(user->zones);
                free(user->path);
                free(user);
        }
}

static void include_add(struct registry *registry, const char *path, const struct registry_entry *entry)
{
        struct include_user *user = table_get(&registry->includes, path, strlen(path));
        if (!user) {
                user = calloc(1, sizeof(*user));
                if (!user)
                        return;
                user->path = strdup(path);
                if (!user->path || table_put(&registry->includes, user->path, strlen(path), user, NULL) < 0) {
                        free(user->path);
                        free(user);
                        return;
                }
                watch_file(registry->watch, path, conf_policy_for(registry->conf, entry->zone.name)->settle_usec);
        }
        void *zones = reallocarray(user->zones, user->count + 1, sizeof(*user->zones));
        if (!zones)
                return;
        user->zones = zones;
        memcpy(user->zones[user->count++], entry->zone.name, NAME_MAX_LENGTH);
}

void registry_includes_set(struct registry *registry, struct registry_entry *entry, char **files)
{
        char **includes = NULL;
        size_t count = 0;

        for (; files && files[count]; count++)
                ;
        if (count > 1)
                includes = calloc(count, sizeof(*includes));
        for (size_t i = 1; includes && i < count; i++) {
                includes[i - 1] = strdup(files[i]);
                include_add(registry, files[i], entry);
        }
        for (char **old = entry->includes; old && *old; old++) {
                include_remove(registry, *old, entry->zone.name);
                free(*old);
        }
        free(entry->includes);
        entry->includes = includes;
}
