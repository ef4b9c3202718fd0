/* A commit of a source, to zones of the registry. Main loop. In the order of what changed: a commit of one
 * edit touches one zone, however many there are. */
#include "publish/git_state.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "source/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- files and the zones they make ---- */

static const char *below_folder(const struct git_source *source, const char *path)
{
        size_t length = strlen(source->conf->path);
        if (strncmp(path, source->conf->path, length) != 0 || (length > 0 && path[length] != '/'))
                return NULL;
        return path + length + (length > 0);
}

static struct git_zone *zone_ensure(struct git_source *source, const uint8_t *name)
{
        struct git_zone *zone = table_get(&source->zones, name, name_length(name));
        if (zone)
                return zone;
        zone = calloc(1, sizeof(*zone));
        if (!zone)
                return NULL;
        name_fold(name, zone->name);
        if (table_put(&source->zones, zone->name, name_length(zone->name), zone, NULL) < 0) {
                free(zone);
                return NULL;
        }
        return zone;
}

static void path_leave_zone(struct git_path *path)
{
        if (!path->zone)
                return;
        for (struct git_path **at = &path->zone->paths; *at; at = &(*at)->next)
                if (*at == path) {
                        *at = path->next;
                        break;
                }
        path->next = NULL;
}

static void path_remove(struct git_source *source, struct git_path *path)
{
        table_remove(&source->paths, path->path, strlen(path->path));
        path_leave_zone(path);
        source->link_count -= path->is_link;
        free(path->path);
        free(path);
}

static int path_enter_zone(struct git_source *source, struct git_path *path)
{
        uint8_t name[NAME_MAX_LENGTH];
        const char *slash = strrchr(path->path, '/');
        int r = source_zone_name(slash ? slash + 1 : path->path, source->conf->file_name, name);

        if (r == -EINVAL)
                log_write(LOG_WARNING, NULL, "%s%s: the file's name is no zone's name; it is left out",
                        source->prefix, path->path);
        if (r != 0)
                return 0;
        path->zone = zone_ensure(source, name);
        if (!path->zone)
                return -ENOMEM;
        path->next = path->zone->paths;
        path->zone->paths = path;
        return 0;
}

static int path_add(struct git_source *source, const struct git_file *file, struct git_path **ret_path)
{
        struct git_path *path = calloc(1, sizeof(*path));
        int r = path ? 0 : -ENOMEM;
        if (r == 0) {
                path->path = strdup(file->path);
                r = path->path ? table_put(&source->paths, path->path, strlen(path->path), path, NULL)
                               : -ENOMEM;
        }
        if (r < 0) {
                free(path ? path->path : NULL);
                free(path);
                return r;
        }
        r = path_enter_zone(source, path);
        *ret_path = path;
        return r;
}

void git_paths_free(struct git_source *source)
{
        struct git_path *path;
        struct git_zone *zone;
        size_t position = 0;

        while ((path = table_next(&source->paths, &position))) {
                free(path->path);
                free(path);
        }
        table_free(&source->paths);
        position = 0;
        while ((zone = table_next(&source->zones, &position)))
                free(zone);
        table_free(&source->zones);
}

/* ---- zones and their entries ---- */

/* A zone that the commit has: its entry, with the file it has now. -EEXIST: it is another source's. */
static int zone_to_entry(struct git_source *source, struct git_zone *zone, struct registry_entry **ret_entry)
{
        CLEANUP_FREE char *file = NULL;
        if (asprintf(&file, "%s%s", source->prefix, zone->paths->path) < 0) {
                file = NULL;
                return -ENOMEM;
        }
        int r = registry_git_entry(source->registry, source, zone->name, file, ret_entry);
        if (r < 0)
                return r;
        struct registry_entry *entry = *ret_entry;
        if (zone->paths->next && !entry->conflict)
                return registry_entry_conflict(entry, zone->paths->next->path);
        if (!zone->paths->next && entry->conflict) {
                free(entry->conflict);
                entry->conflict = NULL;
        }
        return 0;
}

struct changed { /* zones to look at, each once */
        struct registry_entry **entries;
        size_t count, capacity;
        struct table seen;
};

static int changed_add(struct changed *changed, struct registry_entry *entry)
{
        if (table_get(&changed->seen, entry->zone.name, name_length(entry->zone.name)))
                return 0;
        if (changed->count == changed->capacity) {
                size_t capacity = changed->capacity ? changed->capacity * 2 : 64;
                void *entries = reallocarray(changed->entries, capacity, sizeof(*changed->entries));
                if (!entries)
                        return -ENOMEM;
                changed->entries = entries;
                changed->capacity = capacity;
        }
        int r = table_put(&changed->seen, entry->zone.name, name_length(entry->zone.name), entry, NULL);
        if (r == 0)
                changed->entries[changed->count++] = entry;
        return r;
}

/* The zone's files are as the commit has them: so is its entry, and it is to be looked at. */
static int zone_changed(struct git_source *source, struct git_zone *zone, struct changed *changed)
{
        struct registry_entry *entry = NULL;

        if (zone->paths) {
                int r = zone_to_entry(source, zone, &entry);
                if (r == -EEXIST)
                        return 0;
                if (r < 0)
                        return r;
                entry->is_gone = false;
                return changed_add(changed, entry);
        }
        entry = registry_entry_find(source->registry, zone->name);
        table_remove(&source->zones, zone->name, name_length(zone->name));
        free(zone);
        if (!entry || entry->git != source)
                return 0;
        free(entry->conflict);
        entry->conflict = NULL;
        entry->is_gone = true;
        return changed_add(changed, entry);
}

/* Zones that read a file besides their own. */
static int users_changed(struct git_source *source, const char *path, struct changed *changed)
{
        CLEANUP_FREE char *file = NULL;
        struct registry_entry *entry;
        size_t position = 0;
        int r = 0;

        if (asprintf(&file, "%s%s", source->prefix, path) < 0) {
                file = NULL;
                return -ENOMEM;
        }
        const struct file_user *user = table_get(&source->registry->users, file, strlen(file));
        while (user && r == 0 && (entry = table_next(&user->entries, &position)))
                r = entry->git == source ? changed_add(changed, entry) : 0;
        return r;
}

/* A link stays as it is while what it leads to changes: zones that may go through one are looked at. */
static int links_changed(struct git_source *source, struct changed *changed)
{
        struct git_zone *zone;
        size_t position = 0;
        int r = 0;

        while (r == 0 && source->link_count > 0 && (zone = table_next(&source->zones, &position))) {
                struct registry_entry *entry = registry_entry_find(source->registry, zone->name);
                if (entry && entry->git == source && (zone->paths->is_link || entry->includes))
                        r = changed_add(changed, entry);
        }
        return r;
}

/* ---- a commit ---- */

struct touched { /* zones of the files that changed */
        struct git_zone **zones;
        size_t count;
};

/* One file of a listing or difference; its zones before and after are touched. */
static int file_changed(struct git_source *source, const struct git_file *file, struct touched *touched)
{
        struct git_path *path = table_get(&source->paths, file->path, strlen(file->path));
        int r = 0;

        if (!below_folder(source, file->path))
                return 0;
        if (file->mode == 0) {
                if (path && path->zone)
                        touched->zones[touched->count++] = path->zone;
                if (path)
                        path_remove(source, path);
                return 0;
        }
        if (path && strcmp(path->id, file->id) == 0 && path->is_link == (file->mode == GIT_MODE_LINK))
                return 0;
        if (!path)
                r = path_add(source, file, &path);
        if (r < 0)
                return r;
        source->link_count -= path->is_link;
        path->is_link = file->mode == GIT_MODE_LINK;
        source->link_count += path->is_link;
        snprintf(path->id, sizeof(path->id), "%s", file->id);
        if (path->zone)
                touched->zones[touched->count++] = path->zone;
        return 0;
}

/* What a listing does not have is gone. */
static int remove_unlisted(struct git_source *source, const struct git_files *files, struct touched *touched)
{
        struct table listed = {0};
        struct git_path *path;
        size_t position = 0;
        int r = 0;

        for (size_t i = 0; i < files->count && r == 0; i++)
                r = table_put(
                        &listed, files->items[i].path, strlen(files->items[i].path), &files->items[i], NULL);
        while (r == 0 && (path = table_next(&source->paths, &position)))
                if (!table_get(&listed, path->path, strlen(path->path))) {
                        if (path->zone)
                                touched->zones[touched->count++] = path->zone;
                        path_remove(source, path);
                }
        table_free(&listed);
        return r;
}

static int zones_changed(struct git_source *source, struct touched *touched, struct changed *changed)
{
        struct table seen = {0};
        int r = 0;
        for (size_t i = 0; i < touched->count && r == 0; i++) {
                struct git_zone *zone = touched->zones[i];
                if (table_get(&seen, &zone, sizeof(zone)))
                        continue;
                r = table_put(&seen, &touched->zones[i], sizeof(zone), zone, NULL);
        }
        struct git_zone *zone;
        for (size_t position = 0; r == 0 && (zone = table_next(&seen, &position));)
                r = zone_changed(source, zone, changed);
        table_free(&seen);
        return r;
}

int git_scan(struct git_source *source)
{
        struct git_zone *zone;
        struct registry_entry *entry;
        size_t position = 0;
        int r = 0;

        while (r == 0 && (zone = table_next(&source->zones, &position))) {
                r = zone->paths ? zone_to_entry(source, zone, &entry) : 0;
                if (r == -EEXIST)
                        r = 0;
        }
        return r;
}

/* After the first listing: zones that were published from here and that it does not have. */
static int find_gone(struct git_source *source, struct changed *changed)
{
        struct registry_entry *entry;
        size_t position = 0;
        int r = 0;

        while (r == 0 && (entry = table_next(&source->registry->by_name, &position))) {
                if (entry->git != source ||
                        table_get(&source->zones, entry->zone.name, name_length(entry->zone.name)))
                        continue;
                entry->is_gone = true;
                r = changed_add(changed, entry);
        }
        return r;
}

static int commit_set(struct git_source *source, const struct git_commit *commit)
{
        struct publish_commit *made =
                publish_commit_new(source->git, commit, source->conf->repository, source->conf->path);
        if (!made)
                return -ENOMEM;
        publish_commit_unref(source->commit);
        source->commit = made;
        return 0;
}

static int apply_files(struct git_source *source, const struct git_look_task *task, struct changed *changed)
{
        struct touched touched = {0};
        int r = 0;

        touched.zones = calloc(task->files.count + (task->is_whole ? source->paths.count : 0) + 1,
                sizeof(struct git_zone *));
        if (!touched.zones)
                return -ENOMEM;
        if (task->is_whole)
                r = remove_unlisted(source, &task->files, &touched);
        for (size_t i = 0; i < task->files.count && r == 0; i++)
                r = file_changed(source, &task->files.items[i], &touched);
        if (r == 0)
                r = zones_changed(source, &touched, changed);
        for (size_t i = 0; i < task->files.count && r == 0 && !task->is_whole; i++)
                r = users_changed(source, task->files.items[i].path, changed);
        free(touched.zones);
        return r;
}

/* A commit whose difference is not known may have changed any include. */
static int includes_changed(struct git_source *source, struct changed *changed)
{
        struct registry_entry *entry;
        size_t position = 0;
        int r = 0;
        while (r == 0 && (entry = table_next(&source->registry->by_name, &position)))
                if (entry->git == source && entry->includes)
                        r = changed_add(changed, entry);
        return r;
}

int git_apply(struct git_source *source, struct git_look_task *task)
{
        struct changed changed = {.seen = {.fold = true}};
        bool is_first = !source->is_listed;

        int r = commit_set(source, &task->commit);
        if (r == 0)
                r = apply_files(source, task, &changed);
        if (r == 0)
                r = links_changed(source, &changed);
        if (r == 0 && task->is_whole && !is_first)
                r = includes_changed(source, &changed);
        if (r == 0 && is_first)
                r = find_gone(source, &changed);
        source->is_listed = r == 0; /* else the next look lists all of it */
        if (r == 0)
                r = git_look_at(source, changed.entries, changed.count);
        table_free(&changed.seen);
        free(changed.entries);
        return r;
}
