/* Watches folders for zone files that change, on the main loop (sd-event). inotify on folders, never on
 * files; settle time for writers in place; renames act at once.
 *
 * The owner says which paths matter: files (zone files, includes) and folders (zone-files). The watcher
 * reports a path when it is time to read it. It never reads file contents. A queue overflow, a swapped
 * symlink, a folder that came back: WATCH_RESCAN of the folder; for files of watch_file in it, WATCH_CHANGED
 * or WATCH_VANISHED of those that differ. Where inotify is blind (a network file system: statfs says so) the
 * files are polled by stat. While git has the index.lock of the work tree that a folder lies in, nothing of
 * the folder is reported, for at most 10 s.
 *
 * Watch first, then read: what changes in between is reported. All paths are absolute. From the callback
 * everything here may be called but watch_free. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sd_event;
struct watch;

enum watch_event {
        WATCH_CHANGED,  /* the file has new bytes, or appeared; it is closed (or renamed into place) and has
                           settled */
        WATCH_VANISHED, /* the file is gone (and did not come back within the settle time) */
        WATCH_RESCAN,   /* anything in the folder may have changed: compare all of it */
};

/* path: as it was given to watch_folder/watch_file joined with the entry's name. Called on the main loop. */
typedef void (*watch_callback)(void *context, enum watch_event event, const char *path);

int watch_new(struct sd_event *event, watch_callback callback, void *context, struct watch **ret_watch);
/* Every entry of the folder is reported (filtered by nothing: the owner knows names). Counted: each call is
 * undone by one watch_forget. A folder that is not there is waited for. settle_usec: quiet time after the
 * close of an in-place writer; at most 2 s in all under constant writes. */
int watch_folder(struct watch *watch, const char *folder, uint64_t settle_usec);
/* One file wherever it lies: its folder is watched, only it is reported. Where it is a symlink, what it leads
 * to is watched too, and reported as this path. In a folder of watch_folder, a file behind a symlink is
 * watched only when it is asked for by watch_file; a symlink to a folder that is re-pointed there
 * (Kubernetes' ..data) is a WATCH_RESCAN. */
int watch_file(struct watch *watch, const char *path, uint64_t settle_usec);
void watch_forget(struct watch *watch, const char *path);
/* A writer has it open, as far as events tell: not to be read now (after a WATCH_RESCAN, or by command); a
 * report follows. */
bool watch_is_being_written(const struct watch *watch, const char *path);
/* The text that was read makes no sense. True: a writer is at the file again, or just was, so it may have
 * been half written; it is told once more, at the next close and not after the settle time. */
bool watch_was_read_half(struct watch *watch, const char *path);
/* For status: whether the folder is watched by inotify or polled. */
bool watch_is_polled(const struct watch *watch, const char *folder);
struct watch *watch_free(struct watch *watch);
