/* What the watcher reports: files of zone folders, files that zones include, files that several zones have in
 * common. Main loop.
 *
 * A path leads to the zones to look at by two tables: by_path has the zone whose own file it is; users has
 * the zones that read it besides. */
#include "publish/registry_state.h"

#include "base/log.h"
#include "source/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
                        log_write(LOG_ERR, &(struct log_fields){.file = directory},
                                "zone-files: %s cannot be watched: %s; edits are seen on reload alone",
                                directory, strerror(-r));
        }
        return 0;
}

/* ---- files with several users ---- */

static void user_free(struct registry *registry, struct file_user *user)
{
        if (user->is_watched)
                watch_forget(registry->watch, user->path);
        table_remove(&registry->users, user->path, strlen(user->path));
        table_free(&user->entries);
        free(user->path);
        free(user);
}

static struct file_user *user_new(struct registry *registry, const char *path, uint64_t settle_usec)
{
        struct file_user *user = calloc(1, sizeof(*user));
        if (!user)
                return NULL;
        user->path = strdup(path);
        if (!user->path || table_put(&registry->users, user->path, strlen(path), user, NULL) < 0) {
                free(user->path);
                free(user);
                return NULL;
        }
        user->is_watched =
                *path == '/' && watch_file(registry->watch, path, settle_usec) == 0; /* else in git */
        return user;
}

int registry_user_add(struct registry *registry, const char *path, struct registry_entry *entry)
{
        struct file_user *user = table_get(&registry->users, path, strlen(path));
        if (!user)
                user = user_new(
                        registry, path, conf_policy_for(registry->conf, entry->zone.name)->settle_usec);
        if (!user)
                return -ENOMEM;
        int r = table_put(&user->entries, entry->zone.name, name_length(entry->zone.name), entry, NULL);
        if (user->entries.count == 0)
                user_free(registry, user);
        return r;
}

void registry_user_remove(struct registry *registry, const char *path, const struct registry_entry *entry)
{
        struct file_user *user = table_get(&registry->users, path, strlen(path));
        if (!user)
                return;
        table_remove(&user->entries, entry->zone.name, name_length(entry->zone.name));
        if (user->entries.count == 0)
                user_free(registry, user);
}

static void look_at_users(struct registry *registry, const char *path)
{
        const struct file_user *user = table_get(&registry->users, path, strlen(path));
        struct registry_entry *entry;
        size_t position = 0;

        while (user && (entry = table_next(&user->entries, &position)))
                registry_look(registry, entry, true, NULL, NULL);
}

/* ---- what a zone includes ---- */

static bool has_path(char **list, const char *path)
{
        for (; list && *list; list++)
                if (strcmp(*list, path) == 0)
                        return true;
        return false;
}

static char **copy_paths(char **paths, size_t count)
{
        char **copy = calloc(count + 1, sizeof(*copy));
        for (size_t i = 0; copy && i < count; i++)
                copy[i] = strdup(paths[i]); /* NULL ends the list: what is behind it is not watched */
        return copy;
}

static void free_paths(char **paths)
{
        for (char **path = paths; path && *path; path++)
                free(*path);
        free(paths);
}

bool registry_includes_set(struct registry *registry, struct registry_entry *entry, char **files)
{
        char **before = entry->includes;
        bool gained = false;
        size_t count = 0;

        while (files && files[count])
                count++;
        entry->includes = count > 1 ? copy_paths(files + 1, count - 1) : NULL;
        for (char **path = entry->includes; path && *path; path++)
                if (!has_path(before, *path) && registry_user_add(registry, *path, entry) == 0)
                        gained = true;
        for (char **path = before; path && *path; path++)
                if (!has_path(entry->includes, *path))
                        registry_user_remove(registry, *path, entry);
        free_paths(before);
        return gained;
}

/* ---- events ---- */

/* A file that is gone may have been one of two for its zone. */
static struct registry_entry *entry_in_conflict(
        struct registry *registry, const struct conf_zone_files *folder, const char *file_name)
{
        uint8_t name[NAME_MAX_LENGTH];
        struct registry_entry *entry = source_zone_name(file_name, folder->file_name, name) == 0
                                               ? registry_entry_find(registry, name)
                                               : NULL;
        return entry && entry->conflict ? entry : NULL;
}

static struct registry_entry *entry_of_file(struct registry *registry, const char *path)
{
        const struct conf_zone_files *folder = registry_folder_of_file(registry, path);
        struct registry_entry *entry = table_get(&registry->by_path, path, strlen(path));
        const char *file_name = strrchr(path, '/') + 1;

        if (!folder || (entry && entry->zone.is_configured))
                return entry;
        if (access(path, F_OK) == 0)
                return registry_scan_file(registry, folder, file_name, &entry) == 0 ? entry : NULL;
        return entry ? entry : entry_in_conflict(registry, folder, file_name);
}

static void on_file(struct registry *registry, const char *path)
{
        struct registry_entry *entry = entry_of_file(registry, path);

        if (entry && entry->conflict) {
                /* One of the two files may be gone, or the scan takes them the other way round. */
                uint8_t name[NAME_MAX_LENGTH];
                memcpy(name, entry->zone.name, sizeof(name));
                registry_scan(registry);
                entry = registry_entry_find(registry, name);
        }
        if (entry)
                registry_look(registry, entry, false, NULL, NULL);
        look_at_users(registry, path);
}

/* Every zone whose file no writer has open; the watcher tells of the others when they are closed. */
void registry_look_at_closed(struct registry *registry)
{
        struct registry_entry *entry;
        size_t position = 0;

        while ((entry = table_next(&registry->by_name, &position)))
                if (!entry->git && !watch_is_being_written(registry->watch, entry->path))
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
                log_write(
                        LOG_INFO, &(struct log_fields){.file = path}, "%s: looking at all of it again", path);
                registry_scan(registry);
                registry_look_at_closed(registry);
                break;
        }
}
