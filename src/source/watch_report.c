/* From events to reports: what is due is collected, and then told. Main loop only.
 *
 * Every event only changes the state of its entry (settle.h). watch_run_due() looks at all active entries,
 * asks settle_due() what to do, and queues reports; the owner's callback runs when no list is being walked,
 * so that it may watch and forget at will. */
#include "source/watch_state.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

#define GIT_LOOK_USEC (25 * USEC_PER_MSEC)

static void timer_by(struct watch *watch, uint64_t due_usec, uint64_t now_usec)
{
        if (due_usec >= watch->timer_usec)
                return;
        watch->timer_usec = due_usec;
        uint64_t delay_usec = due_usec > now_usec ? due_usec - now_usec : 0;
        sd_event_source_set_time_relative(watch->timer, delay_usec);
        sd_event_source_set_enabled(watch->timer, SD_EVENT_ONESHOT);
}

static void folder_activate(struct folder *folder)
{
        struct watch *watch = folder->watch;
        if (folder->is_active)
                return;
        folder->is_active = true;
        folder->previous_active = NULL;
        folder->next_active = watch->active;
        if (watch->active)
                watch->active->previous_active = folder;
        watch->active = folder;
}

void folder_deactivate(struct folder *folder)
{
        if (!folder->is_active)
                return;
        if (folder->previous_active)
                folder->previous_active->next_active = folder->next_active;
        else
                folder->watch->active = folder->next_active;
        if (folder->next_active)
                folder->next_active->previous_active = folder->previous_active;
        folder->is_active = false;
}

static void entry_activate(struct entry *entry)
{
        struct folder *folder = entry->folder;
        if (entry->is_active)
                return;
        entry->is_active = true;
        entry->previous_active = NULL;
        entry->next_active = folder->active;
        if (folder->active)
                folder->active->previous_active = entry;
        folder->active = entry;
        folder_activate(folder);
}

void entry_deactivate(struct entry *entry)
{
        if (!entry->is_active)
                return;
        if (entry->previous_active)
                entry->previous_active->next_active = entry->next_active;
        else
                entry->folder->active = entry->next_active;
        if (entry->next_active)
                entry->next_active->previous_active = entry->previous_active;
        entry->is_active = false;
}

/* The entry may be freed by this. */
void entry_event(struct entry *entry, enum settle_event event, uint64_t now_usec)
{
        entry->settle = settle_after(entry->settle, event, now_usec, entry->settle_usec);
        if (entry->settle.phase == SETTLE_IDLE) {
                entry_deactivate(entry);
                entry_release(entry);
                return;
        }
        entry_activate(entry);
        timer_by(entry->folder->watch, entry->settle.due_usec, now_usec);
}

void folder_rescan_later(struct folder *folder, uint64_t delay_usec, uint64_t now_usec)
{
        if (folder->rescan_usec == 0)
                folder->rescan_first_usec = now_usec;
        uint64_t limit_usec = delay_usec > SETTLE_LIMIT_USEC ? delay_usec : SETTLE_LIMIT_USEC;
        uint64_t last_usec = folder->rescan_first_usec + limit_usec;
        folder->rescan_usec = now_usec + delay_usec < last_usec ? now_usec + delay_usec : last_usec;
        folder_activate(folder);
        timer_by(folder->watch, folder->rescan_usec, now_usec);
}

void folder_forget_events(struct folder *folder, uint64_t now_usec)
{
        for (struct entry *entry = folder->active, *next; entry; entry = next) {
                next = entry->next_active;
                entry_event(entry, SETTLE_ON_OVERFLOW, now_usec);
        }
}

/* name NULL: the folder itself, told as it was given. */
static void report_put(struct folder *folder, const char *name, enum watch_event event, bool is_silent)
{
        struct watch *watch = folder->watch;
        size_t folder_length = strlen(folder->path);
        const char *rest = name ? name : folder->given;
        struct report *report = malloc(sizeof(*report) + folder_length + strlen(rest) + 2);

        if (!report) { /* told by a rescan, when there is memory again */
                folder_rescan_later(folder, USEC_PER_SEC, clock_monotonic_usec());
                return;
        }
        *report = (struct report){.event = event, .folder_length = folder_length, .is_silent = is_silent};
        memcpy(report->path, folder->path, folder_length);
        report->path[folder_length] = name ? '/' : '\0';
        memcpy(report->path + folder_length + 1, rest, strlen(rest) + 1);
        *watch->last_report = report;
        watch->last_report = &report->next;
}

static void tell_followers(struct entry *entry, int depth)
{
        if (depth == LINKS_MAX)
                return;
        for (struct entry *link = entry->followers; link; link = link->next_follower) {
                bool was_present = link->told.is_present;
                link->told = link->seen = entry_look(link);
                if (was_present || link->told.is_present)
                        report_put(link->folder, link->name,
                                link->told.is_present ? WATCH_CHANGED : WATCH_VANISHED,
                                link->asked_count == 0);
                tell_followers(link, depth + 1);
        }
}

void entry_tell(struct entry *entry, enum watch_event event)
{
        struct folder *folder = entry->folder;

        if (entry_is_wanted(entry) || folder->is_blind)
                entry->told = entry->seen = entry_look(entry);
        report_put(folder, entry->name, event, entry->asked_count == 0 && folder->whole_count == 0);
        tell_followers(entry, 0);
}

static int entry_lstat(const struct entry *entry, char path[static PATH_MAX], struct stat *ret_stat)
{
        int n = snprintf(path, PATH_MAX, "%s/%s", entry->folder->path, entry->name);
        if (n < 0 || n >= PATH_MAX)
                return -ENAMETOOLONG;
        return lstat(path, ret_stat) < 0 ? -errno : 0;
}

static void look_at_created(struct entry *entry, uint64_t now_usec)
{
        char path[PATH_MAX];
        struct stat st;
        enum settle_event seen;

        if (entry_lstat(entry, path, &st) < 0)
                seen = SETTLE_ON_REMOVED;
        else if (!S_ISREG(st.st_mode) || st.st_nlink > 1)
                seen = SETTLE_ON_SEEN_LINK;
        else
                seen = st.st_size > 0 ? SETTLE_ON_SEEN_FILLED : SETTLE_ON_SEEN_EMPTY;
        entry_event(entry, seen, now_usec);
}

static void tell_changed(struct entry *entry, uint64_t now_usec)
{
        struct folder *folder = entry->folder;
        char path[PATH_MAX];
        struct stat st;

        int r = entry_lstat(entry, path, &st);
        if (r == -ENOENT) { /* gone since: its own event follows or was lost */
                entry_event(entry, SETTLE_ON_REMOVED, now_usec);
                return;
        }
        entry->settle = settle_told(&entry->settle, now_usec, entry->settle_usec);
        if (entry->settle.phase == SETTLE_IDLE)
                entry_deactivate(entry);
        if (r == 0 && S_ISLNK(st.st_mode) && folder->whole_count > 0 && stat(path, &st) == 0 &&
                S_ISDIR(st.st_mode))
                report_put(
                        folder, NULL, WATCH_RESCAN, false); /* ..data of Kubernetes: its files lie behind */
        else if (r < 0 || !S_ISDIR(st.st_mode))
                entry_tell(entry, WATCH_CHANGED);
        entry_release(entry);
}

static void tell_vanished(struct entry *entry)
{
        entry->settle = (struct settle_state){.phase = SETTLE_IDLE};
        entry_deactivate(entry);
        entry_tell(entry, WATCH_VANISHED);
        entry_release(entry);
}

static void tell_rescan(struct folder *folder)
{
        struct entry *entry;
        size_t position = 0;

        folder->rescan_usec = folder->rescan_first_usec = 0;
        if (folder->whole_count > 0)
                report_put(folder, NULL, WATCH_RESCAN, false);
        if (folder->wanted_entries == 0)
                return;
        while ((entry = table_next(&folder->entries, &position))) {
                if (!entry_is_wanted(entry) || settle_is_open(&entry->settle))
                        continue;
                struct file_mark now = entry_look(entry);
                if (mark_equal(&now, &entry->told))
                        continue;
                entry->settle = (struct settle_state){.phase = SETTLE_IDLE};
                entry_deactivate(entry);
                entry_tell(entry, now.is_present ? WATCH_CHANGED : WATCH_VANISHED);
        }
}

static uint64_t folder_next_due(const struct folder *folder)
{
        uint64_t due_usec = folder->rescan_usec ? folder->rescan_usec : SETTLE_NEVER;
        for (const struct entry *entry = folder->active; entry; entry = entry->next_active)
                if (entry->settle.due_usec < due_usec)
                        due_usec = entry->settle.due_usec;
        return due_usec;
}

static void folder_collect(struct folder *folder, uint64_t now_usec)
{
        if (folder->rescan_usec > 0 && folder->rescan_usec <= now_usec)
                tell_rescan(folder);
        for (struct entry *entry = folder->active, *next; entry; entry = next) {
                next = entry->next_active;
                enum settle_action action = settle_due(&entry->settle, now_usec);
                if (action == SETTLE_DO_LOOK) {
                        size_t length = strlen(entry->name);
                        char name[NAME_MAX + 1];
                        memcpy(name, entry->name, length + 1);
                        look_at_created(entry, now_usec);
                        entry = entry_find(folder, name, length); /* the look may have ended it */
                        action = entry ? settle_due(&entry->settle, now_usec) : SETTLE_DO_WAIT;
                }
                switch (action) {
                case SETTLE_DO_TELL_CHANGED:
                        tell_changed(entry, now_usec);
                        break;
                case SETTLE_DO_TELL_VANISHED:
                        tell_vanished(entry);
                        break;
                case SETTLE_DO_FORGET:
                        entry->settle = (struct settle_state){.phase = SETTLE_IDLE};
                        entry_deactivate(entry);
                        entry_release(entry);
                        break;
                case SETTLE_DO_WAIT:
                case SETTLE_DO_LOOK:
                        break;
                }
        }
}

/* Still of interest? Symlinks are looked at again here, where no list is being walked. */
static bool report_is_wanted(struct watch *watch, const struct report *report)
{
        struct folder *folder = folder_find(watch, report->path, report->folder_length);
        if (!folder)
                return false;
        const char *name = report->path + report->folder_length;
        if (name[0] == '\0')
                return folder->whole_count > 0;
        struct entry *entry = entry_find(folder, name + 1, strlen(name + 1));
        if (entry && entry_is_wanted(entry))
                entry_follow(entry);
        return !report->is_silent && (folder->whole_count > 0 || (entry && entry->asked_count > 0));
}

void watch_tell_queued(struct watch *watch)
{
        if (watch->is_delivering)
                return;
        watch->is_delivering = true;
        while (watch->first_report) {
                struct report *report = watch->first_report;
                watch->first_report = report->next;
                if (!watch->first_report)
                        watch->last_report = &watch->first_report;
                if (report_is_wanted(watch, report)) {
                        bool is_folder = report->path[report->folder_length] == '\0';
                        const char *path =
                                is_folder ? report->path + report->folder_length + 1 : report->path;
                        watch->callback(watch->context, report->event, path);
                }
                free(report);
        }
        watch->is_delivering = false;
}

void watch_run_due(struct watch *watch)
{
        uint64_t now_usec = clock_monotonic_usec();

        if (watch->is_delivering || now_usec < watch->timer_usec)
                return;
        watch->timer_usec = SETTLE_NEVER;
        uint64_t next_usec = SETTLE_NEVER;
        for (struct folder *folder = watch->active, *next; folder; folder = next) {
                next = folder->next_active;
                uint64_t due_usec = folder_next_due(folder);
                if (due_usec <= now_usec && folder_waits_for_git(folder, now_usec)) {
                        due_usec = now_usec + GIT_LOOK_USEC;
                } else if (due_usec <= now_usec) {
                        folder_collect(folder, now_usec);
                        due_usec = folder_next_due(folder);
                }
                if (!folder->active && folder->rescan_usec == 0)
                        folder_deactivate(folder);
                if (due_usec < next_usec)
                        next_usec = due_usec;
        }
        if (next_usec != SETTLE_NEVER)
                timer_by(watch, next_usec, now_usec);
        watch_tell_queued(watch);
}

int watch_on_timer(struct sd_event_source *source, uint64_t usec, void *context)
{
        (void)source;
        (void)usec;
        struct watch *watch = context;

        watch_inotify_read(watch); /* what is queued may say that a writer is there */
        watch_run_due(watch);
        if (watch->timer_usec != SETTLE_NEVER) { /* nothing was due yet, or more is */
                uint64_t due_usec = watch->timer_usec;
                watch->timer_usec = SETTLE_NEVER;
                timer_by(watch, due_usec, clock_monotonic_usec());
        }
        return 0;
}
