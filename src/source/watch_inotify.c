/* The inotify queue: read it, and hand each event to the folders that need it. Main loop only.
 *
 * Folders are watched, never files: editors and git replace files. The queue can overflow (16,384 events by
 * default: a checkout of 100,000 files does it); then every folder is walked and rescanned. */
#include "source/watch_state.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define READ_BYTES 65536
#define READS_AT_ONCE 32 /* then the loop's other work comes first */

static void overflow(struct watch *watch, uint64_t now_usec)
{
        struct folder *folder;
        size_t position = 0;

        log_write(LOG_INFO, NULL, "inotify queue overflow: all watched folders are compared");
        while ((folder = table_next(&watch->folders, &position))) {
                folder_mark_stale(folder);
                folder_forget_events(folder, now_usec);
                folder_rescan_later(folder, folder->settle_usec, now_usec);
        }
}

/* What a rename from here means under the new name. A temporary file that its writer has still open is one
 * there too. */
static enum settle_event moved_event(const struct entry *entry)
{
        switch (entry->settle.phase) {
        case SETTLE_CREATED:
                return SETTLE_ON_RENAMED_IN_CREATED;
        case SETTLE_WRITING:
        case SETTLE_SUSPECT:
                return SETTLE_ON_RENAMED_IN_OPEN;
        case SETTLE_IDLE:
        case SETTLE_CLOSED:
        case SETTLE_TOLD:
        case SETTLE_GONE:
                break;
        }
        return SETTLE_ON_RENAMED_IN;
}

static enum settle_event settle_event_of(
        struct watch *watch, const struct inotify_event *event, struct entry *entry)
{
        if (event->mask & IN_MOVED_TO)
                return event->cookie == watch->moved.cookie ? watch->moved.event : SETTLE_ON_RENAMED_IN;
        if (event->mask & IN_MOVED_FROM) {
                watch->moved.cookie = event->cookie;
                watch->moved.event = moved_event(entry);
                return SETTLE_ON_REMOVED;
        }
        if (event->mask & IN_DELETE)
                return SETTLE_ON_REMOVED;
        if (event->mask & IN_CREATE)
                return SETTLE_ON_CREATED;
        if (event->mask & IN_CLOSE_WRITE)
                return SETTLE_ON_CLOSED;
        return event->mask & IN_MODIFY ? SETTLE_ON_MODIFIED : SETTLE_ON_ATTRIBUTES;
}

static void content_event(struct folder *folder, const struct inotify_event *event, uint64_t now_usec)
{
        size_t length = strlen(event->name);

        if (folder->rescan_usec > 0 && folder->whole_count > 0) /* it is still being filled */
                folder_rescan_later(folder, folder->settle_usec, now_usec);
        struct entry *entry = entry_find(folder, event->name, length);
        if (!entry && folder->whole_count == 0)
                return;
        if (!entry)
                entry = entry_get(folder, event->name, length);
        if (!entry) {
                folder_rescan_later(folder, USEC_PER_SEC, now_usec);
                return;
        }
        entry_event(entry, settle_event_of(folder->watch, event, entry), now_usec);
}

static void dispatch(struct watch *watch, const struct inotify_event *event, uint64_t now_usec)
{
        if (event->mask & IN_Q_OVERFLOW) {
                overflow(watch, now_usec);
                return;
        }
        struct inode *inode = table_get(&watch->inodes, &event->wd, sizeof(event->wd));
        if (!inode)
                return; /* a watch that was removed */
        if (event->mask & IN_IGNORED) {
                inode_drop(watch, inode);
                return;
        }
        if (event->len == 0)
                return;
        for (struct hop *hop = inode->hops; hop; hop = hop->next) {
                if (hop->is_content && !(event->mask & IN_ISDIR))
                        content_event(hop->folder, event, now_usec);
                else if (!hop->is_content && strcmp(hop->name, event->name) == 0 &&
                         event->mask & (IN_CREATE | IN_MOVE | IN_DELETE))
                        folder_mark_stale(hop->folder);
        }
}

void watch_inotify_read(struct watch *watch)
{
        union {
                struct inotify_event align;
                char bytes[READ_BYTES];
        } buffer;

        if (watch->inotify_fd < 0)
                return;
        for (int i = 0; i < READS_AT_ONCE; i++) {
                ssize_t n = read(watch->inotify_fd, buffer.bytes, sizeof(buffer));
                if (n <= 0)
                        break;
                uint64_t now_usec = clock_monotonic_usec();
                for (ssize_t at = 0; at < n;) {
                        const struct inotify_event *event = (const void *)(buffer.bytes + at);
                        dispatch(watch, event, now_usec);
                        at += (ssize_t)(sizeof(*event) + event->len);
                }
                watch_walk_stale(watch, now_usec);
        }
}

static int on_inotify(struct sd_event_source *source, int fd, uint32_t revents, void *context)
{
        (void)source;
        (void)fd;
        (void)revents;
        watch_inotify_read(context);
        watch_run_due(context);
        return 0;
}

int watch_inotify_open(struct watch *watch)
{
        watch->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (watch->inotify_fd < 0) {
                log_write(LOG_WARNING, NULL, "inotify: %s: all folders are looked at every two seconds",
                        strerror(errno));
                return 0;
        }
        return sd_event_add_io(
                watch->event, &watch->inotify_source, watch->inotify_fd, EPOLLIN, on_inotify, watch);
}
