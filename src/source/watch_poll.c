/* Where inotify is blind: looks at files by stat, every two seconds. Main loop only.
 *
 * A network file system tells nothing of what another host writes. A round reads the folder and looks at each
 * entry, in slices of a few milliseconds so that the loop's other work goes on; a folder of 100,000 files may
 * take some seconds. A file is told when it differs from what was told and two rounds saw the same: a writer
 * at work elsewhere moves size or mtime, and nobody here can see its close. The first whole round is a
 * baseline, and ends in a WATCH_RESCAN, because files may have changed between the owner's look and ours.
 *
 * The same timer is the backstop for what makes no event at all: a mount over a folder, a component of a path
 * in a folder that we may not read. */
#include "source/watch_state.h"

#include "base/clock.h"

#include <dirent.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <systemd/sd-event.h>

#define BACKSTOP_USEC (30 * USEC_PER_SEC)
#define SLICE_USEC (5 * USEC_PER_MSEC)
#define SLICE_PAUSE_USEC (20 * USEC_PER_MSEC)

bool file_system_is_blind(const char *path)
{
        /* Those that linux/magic.h does not have: NFS has it, these are from their own sources. */
        enum {
                CIFS = 0xff534d42,
                LUSTRE = 0x0bd00bd0,
                GPFS = 0x47504653,
                GFS2 = 0x01161970,
                VBOXSF = 0x786f4256,
                HGFS = 0xbacbacbc,
                PRL = 0x7c7c6673,
        };
        struct statfs st;

        if (statfs(path, &st) < 0)
                return false;
        switch ((uint32_t)st.f_type) {
        case NFS_SUPER_MAGIC:
        case SMB_SUPER_MAGIC:
        case SMB2_SUPER_MAGIC:
        case CIFS:
        case FUSE_SUPER_MAGIC:
        case V9FS_MAGIC:
        case CEPH_SUPER_MAGIC:
        case AFS_SUPER_MAGIC:
        case AFS_FS_MAGIC:
        case CODA_SUPER_MAGIC:
        case NCP_SUPER_MAGIC:
        case OCFS2_SUPER_MAGIC:
        case LUSTRE:
        case GPFS:
        case GFS2:
        case VBOXSF:
        case HGFS:
        case PRL:
                return true;
        default:
                return false;
        }
}

/* One look at one entry, which may be freed by it. */
static void look(struct entry *entry, bool is_baseline)
{
        struct file_mark now = entry_look(entry);
        bool same_as_last_look = mark_equal(&now, &entry->seen);

        entry->seen = now;
        entry->was_polled = true;
        if (is_baseline && !entry_is_wanted(entry)) {
                entry->told = now;
                return;
        }
        if (!poll_is_due(!mark_equal(&now, &entry->told), same_as_last_look) ||
                settle_is_open(&entry->settle) || folder_waits_for_git(entry->folder, clock_monotonic_usec()))
                return;
        entry->settle = (struct settle_state){.phase = SETTLE_IDLE};
        entry_deactivate(entry);
        entry_tell(entry, now.is_present ? WATCH_CHANGED : WATCH_VANISHED);
}

/* The next entry of the folder. False at the end of the folder. */
static bool poll_read(struct folder *folder)
{
        const struct dirent *item = readdir(folder->poll_directory);
        if (!item)
                return false;
        if (item->d_type == DT_DIR)
                return true;
        struct entry *entry = entry_get(folder, item->d_name, strlen(item->d_name));
        if (entry)
                look(entry, !folder->has_baseline);
        return true;
}

/* Entries that the folder did not show: files of watch_file alone, and files that are gone. */
static bool poll_sweep(struct folder *folder)
{
        struct entry *entry = table_next(&folder->entries, &folder->poll_position);
        if (!entry)
                return false;
        if (!entry->was_polled)
                look(entry, !folder->has_baseline);
        entry->was_polled = false;
        entry_release(entry);
        return true;
}

static void poll_begin(struct folder *folder, uint64_t now_usec)
{
        folder->poll_next_usec = now_usec + folder->watch->poll_usec;
        folder->poll_position = 0;
        if (folder->whole_count > 0 && folder->real_path)
                folder->poll_directory = opendir(folder->real_path[0] ? folder->real_path : "/");
        folder->poll_step = folder->poll_directory ? POLL_READING : POLL_SWEEPING;
}

void folder_poll_end(struct folder *folder)
{
        if (folder->poll_directory)
                closedir(folder->poll_directory);
        folder->poll_directory = NULL;
        folder->poll_step = POLL_IDLE;
}

/* Goes on with the folder's round until it ends or time is up. Returns when to come back. */
static uint64_t poll_slice(struct folder *folder, uint64_t now_usec, uint64_t until_usec)
{
        if (folder->poll_step == POLL_IDLE) {
                if (now_usec < folder->poll_next_usec)
                        return folder->poll_next_usec;
                poll_begin(folder, now_usec);
        }
        while (clock_monotonic_usec() < until_usec) {
                if (folder->poll_step == POLL_READING) {
                        if (poll_read(folder))
                                continue;
                        closedir(folder->poll_directory);
                        folder->poll_directory = NULL;
                        folder->poll_step = POLL_SWEEPING;
                } else if (!poll_sweep(folder)) {
                        folder_poll_end(folder);
                        if (!folder->has_baseline && folder->whole_count > 0)
                                folder_rescan_later(folder, 0, now_usec);
                        folder->has_baseline = true;
                        return folder->poll_next_usec;
                }
        }
        return now_usec + SLICE_PAUSE_USEC;
}

/* What makes no event: is the path still where it was? */
static void check_path(struct folder *folder, bool is_backstop)
{
        bool is_weak = folder->is_blind || folder->is_unsure;
        if (is_backstop ? is_weak || folder_has_moved(folder) : is_weak && folder_has_moved(folder))
                folder_mark_stale(folder);
}

void watch_poll_soon(struct watch *watch)
{
        sd_event_source_set_time_relative(watch->poll_timer, SLICE_PAUSE_USEC);
        sd_event_source_set_enabled(watch->poll_timer, SD_EVENT_ONESHOT);
}

int watch_on_poll_timer(struct sd_event_source *source, uint64_t usec, void *context)
{
        (void)usec;
        struct watch *watch = context;
        uint64_t now_usec = clock_monotonic_usec(), next_usec = now_usec + BACKSTOP_USEC;
        bool is_backstop = now_usec >= watch->backstop_usec;
        struct folder *folder;
        size_t position = 0;

        if (is_backstop)
                watch->backstop_usec = now_usec + BACKSTOP_USEC;
        while ((folder = table_next(&watch->folders, &position))) {
                if (folder->poll_step == POLL_IDLE)
                        check_path(folder, is_backstop);
                uint64_t due_usec = folder->is_unsure ? now_usec + folder->watch->poll_usec : next_usec;
                if (folder->is_blind)
                        due_usec = poll_slice(folder, now_usec, now_usec + SLICE_USEC);
                if (due_usec < next_usec)
                        next_usec = due_usec;
        }
        watch_walk_stale(watch, now_usec);
        sd_event_source_set_time_relative(source, next_usec > now_usec ? next_usec - now_usec : 0);
        sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        /* What was told by looking waits in the queue of reports. */
        watch_tell_queued(watch);
        return 0;
}
