/* The watcher's front: who asked for which folder or file. Main loop only.
 *
 * A struct folder lives while watch_folder asked for it, or an entry in it is wanted; an entry while
 * watch_file asked for it, a symlink that was asked for leads to it, an event of it is not told yet, or it is
 * polled. */
#include "source/watch_state.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <systemd/sd-event.h>

size_t folder_path_length(const char *path)
{
        size_t length = strlen(path);
        while (length > 0 && path[length - 1] == '/')
                length--;
        return length;
}

int path_split(const char *path, size_t *ret_folder_length)
{
        const char *slash = strrchr(path, '/');
        if (path[0] != '/' || slash[1] == '\0' || strcmp(slash, "/.") == 0 || strcmp(slash, "/..") == 0)
                return -EINVAL;
        if (strlen(path) >= PATH_MAX || strlen(slash + 1) > NAME_MAX)
                return -ENAMETOOLONG;
        size_t length = (size_t)(slash - path);
        while (length > 0 && path[length - 1] == '/')
                length--;
        *ret_folder_length = length;
        return 0;
}

struct folder *folder_find(const struct watch *watch, const char *path, size_t length)
{
        return table_get(&watch->folders, path, length);
}

struct entry *entry_find(const struct folder *folder, const char *name, size_t length)
{
        return table_get(&folder->entries, name, length);
}

bool entry_is_wanted(const struct entry *entry)
{
        return entry->asked_count > 0 || entry->follow_count > 0;
}

static void folder_free(struct folder *folder)
{
        folder_poll_end(folder);
        folder_unwatch(folder);
        folder_deactivate(folder);
        table_remove(&folder->watch->folders, folder->path, strlen(folder->path));
        table_free(&folder->entries);
        free(folder->given);
        free(folder->path);
        free(folder->real_path);
        free(folder->git_lock);
        free(folder);
}

struct folder *folder_get(struct watch *watch, const char *path, uint64_t settle_usec)
{
        size_t length = folder_path_length(path);
        struct folder *folder = folder_find(watch, path, length);
        if (folder)
                return folder;
        folder = calloc(1, sizeof(*folder));
        if (!folder)
                return NULL;
        folder->watch = watch;
        folder->settle_usec = settle_usec;
        folder->given = strdup(path);
        folder->path = strndup(path, length);
        if (!folder->given || !folder->path ||
                table_put(&watch->folders, folder->path, length, folder, NULL) < 0) {
                free(folder->given);
                free(folder->path);
                free(folder);
                return NULL;
        }
        if (folder_walk(folder) < 0) {
                folder_free(folder);
                return NULL;
        }
        return folder;
}

void folder_release(struct folder *folder)
{
        struct entry *entry;
        size_t position = 0;

        if (folder->whole_count > 0 || folder->pin_count > 0)
                return;
        folder_poll_end(folder);
        while ((entry = table_next(&folder->entries, &position))) {
                if (entry_is_wanted(entry))
                        continue;
                entry_deactivate(entry);
                entry->settle = (struct settle_state){.phase = SETTLE_IDLE};
                entry->told = entry->seen = (struct file_mark){.is_present = false};
                entry_release(entry);
        }
        if (folder->wanted_entries == 0)
                folder_free(folder);
}

struct entry *entry_get(struct folder *folder, const char *name, size_t length)
{
        struct entry *entry = entry_find(folder, name, length);
        if (entry)
                return entry;
        entry = calloc(1, sizeof(*entry) + length + 1);
        if (!entry)
                return NULL;
        entry->folder = folder;
        entry->settle_usec = folder->settle_usec;
        memcpy(entry->name, name, length);
        if (table_put(&folder->entries, entry->name, length, entry, NULL) < 0) {
                free(entry);
                return NULL;
        }
        return entry;
}

void entry_release(struct entry *entry)
{
        struct folder *folder = entry->folder;

        if (entry_is_wanted(entry) || entry->is_active)
                return;
        if (folder->is_blind && folder->whole_count > 0 && (entry->told.is_present || entry->seen.is_present))
                return;
        table_remove(&folder->entries, entry->name, strlen(entry->name));
        free(entry);
}

int watch_folder(struct watch *watch, const char *path, uint64_t settle_usec)
{
        if (path[0] != '/')
                return -EINVAL;
        if (strlen(path) >= PATH_MAX)
                return -ENAMETOOLONG;
        struct folder *folder = folder_get(watch, path, settle_usec);
        if (!folder)
                return -ENOMEM;
        folder->whole_count++;
        folder->settle_usec = settle_usec;
        if (folder->is_blind || folder->is_unsure) {
                folder->has_baseline = false;
                watch_poll_soon(watch);
        }
        return 0;
}

int watch_file(struct watch *watch, const char *path, uint64_t settle_usec)
{
        char folder_path[PATH_MAX];
        size_t length;

        int r = path_split(path, &length);
        if (r < 0)
                return r;
        memcpy(folder_path, path, length);
        memcpy(folder_path + length, "/", length == 0 ? 2 : 1);
        folder_path[length == 0 ? 1 : length] = '\0';

        struct folder *folder = folder_get(watch, folder_path, settle_usec);
        if (!folder)
                return -ENOMEM;
        const char *name = strrchr(path, '/') + 1;
        struct entry *entry = entry_get(folder, name, strlen(name));
        if (!entry) {
                folder_release(folder);
                return -ENOMEM;
        }
        if (!entry_is_wanted(entry))
                folder->wanted_entries++;
        entry->asked_count++;
        entry->settle_usec = settle_usec;
        if (entry->asked_count == 1) {
                entry->told = entry->seen = entry_look(entry);
                entry_follow(entry);
        }
        if (folder->is_blind || folder->is_unsure)
                watch_poll_soon(watch);
        return 0;
}

static struct entry *find_path(const struct watch *watch, const char *path)
{
        size_t length;

        if (path_split(path, &length) < 0)
                return NULL;
        struct folder *folder = folder_find(watch, path, length);
        const char *name = strrchr(path, '/') + 1;
        return folder ? entry_find(folder, name, strlen(name)) : NULL;
}

void watch_forget(struct watch *watch, const char *path)
{
        struct folder *folder = folder_find(watch, path, folder_path_length(path));
        if (folder && folder->whole_count > 0) {
                folder->whole_count--;
                folder_release(folder);
                return;
        }
        struct entry *entry = find_path(watch, path);
        if (!entry || entry->asked_count == 0)
                return;
        folder = entry->folder;
        folder->pin_count++; /* links may lead back here */
        entry->asked_count--;
        if (!entry_is_wanted(entry)) {
                folder->wanted_entries--;
                entry_unfollow(entry);
                entry_release(entry);
        }
        folder->pin_count--;
        folder_release(folder);
}

bool watch_is_being_written(const struct watch *watch, const char *path)
{
        const struct entry *entry = find_path(watch, path);

        /* Or what a symlink leads to. */
        for (int i = 0; entry && i < LINKS_MAX; i++, entry = entry->target)
                if (settle_is_open(&entry->settle))
                        return true;
        return false;
}

bool watch_was_read_half(struct watch *watch, const char *path)
{
        if (watch->is_delivering)
                return false;
        watch_inotify_read(watch);
        for (struct entry *entry = find_path(watch, path); entry; entry = entry->target)
                if (entry->settle.phase != SETTLE_IDLE) {
                        entry_event(entry, SETTLE_ON_READ_HALF, clock_monotonic_usec());
                        return true;
                }
        return false;
}

bool watch_is_polled(const struct watch *watch, const char *path)
{
        const struct folder *folder = folder_find(watch, path, folder_path_length(path));
        return folder && folder->is_blind;
}

DEFINE_CLEANUP(struct watch *, watch_free);

int watch_new(struct sd_event *event, watch_callback callback, void *context, struct watch **ret_watch)
{
        CLEANUP(watch_free_later) struct watch *watch = calloc(1, sizeof(*watch));
        if (!watch)
                return -ENOMEM;
        watch->event = sd_event_ref(event);
        watch->callback = callback;
        watch->context = context;
        watch->inotify_fd = -1;
        watch->timer_usec = SETTLE_NEVER;
        watch->poll_usec = POLL_USEC;
        watch->last_report = &watch->first_report;

        int r = watch_inotify_open(watch);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(
                event, &watch->timer, CLOCK_MONOTONIC, USEC_PER_SEC, USEC_PER_MSEC, watch_on_timer, watch);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(watch->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(event, &watch->poll_timer, CLOCK_MONOTONIC, USEC_PER_SEC,
                100 * USEC_PER_MSEC, watch_on_poll_timer, watch);
        if (r < 0)
                return r;
        *ret_watch = TAKE(watch);
        return 0;
}

struct watch *watch_free(struct watch *watch)
{
        struct folder *folder;
        struct entry *entry;
        size_t position = 0;

        if (!watch)
                return NULL;
        while ((folder = table_next(&watch->folders, &position))) {
                size_t at = 0;
                while ((entry = table_next(&folder->entries, &at)))
                        free(entry);
                folder_free(folder);
        }
        while (watch->first_report) {
                struct report *report = watch->first_report;
                watch->first_report = report->next;
                free(report);
        }
        table_free(&watch->folders);
        table_free(&watch->inodes);
        sd_event_source_disable_unref(watch->inotify_source);
        sd_event_source_disable_unref(watch->timer);
        sd_event_source_disable_unref(watch->poll_timer);
        if (watch->inotify_fd >= 0)
                close(watch->inotify_fd);
        sd_event_unref(watch->event);
        free(watch);
        return NULL;
}
