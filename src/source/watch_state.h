/* What the watcher's own files share: watch.c (interest, reports), watch_inotify.c (events), watch_path.c
 * (which folder a path leads to), watch_poll.c (where inotify is blind), watch_git.c (index.lock). Main loop
 * only.
 *
 *     struct watch -- folders, by path as given
 *        struct folder -- one path; the inode it leads to now; the hops its path takes
 *           struct entry -- a name in it: asked for by watch_file, or with an event not yet told, or polled.
 *                           A folder of 100,000 quiet files has none.
 *     struct inode -- one inotify watch; struct hop -- why a folder needs it
 */
#pragma once

#include "base/table.h"
#include "source/settle.h"
#include "source/source.h"
#include "source/watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sd_event_source;

/* Why a folder uses an inode's watch: a component of its path is looked up in it, or it is the folder. */
struct hop {
        struct inode *inode; /* NULL: the kernel dropped it */
        struct folder *folder;
        struct hop *next_of_folder;
        struct hop *previous, *next; /* of the inode */
        bool is_content;
        char name[]; /* the component; "" = this is the folder */
};

#define POLL_USEC 2000000ull
#define LINKS_MAX 40 /* as many as the kernel follows */

struct inode {
        int wd;
        struct hop *hops;
};

/* What stat said of a file; absent = all zero. */
struct file_mark {
        bool is_present;
        struct source_identity identity;
};

struct entry {
        struct folder *folder;
        unsigned asked_count;  /* watch_file calls */
        unsigned follow_count; /* entries that are symlinks to this one */
        uint64_t settle_usec;
        struct settle_state settle;
        struct entry *previous_active, *next_active; /* of folder->active, while settle is not idle */
        bool is_active;
        struct entry *target; /* where this symlink leads, when asked or followed */
        struct entry *followers, *next_follower;
        /* As it was when last told, or first seen: only where asked, followed or polled. */
        struct file_mark told;
        struct file_mark seen; /* as it was at the last look of a poll */
        bool was_polled;       /* in this round */
        char name[];
};

struct folder {
        struct watch *watch;
        char *given;           /* as given first, for WATCH_RESCAN */
        char *path;            /* the same without slashes at its end */
        unsigned whole_count;  /* watch_folder calls */
        unsigned pin_count;    /* folder_release waits */
        size_t wanted_entries; /* entries with asked_count or follow_count */
        uint64_t settle_usec;
        struct table entries;
        struct entry *active;
        struct folder *previous_active, *next_active; /* of watch->active: entries active, or rescan due */
        bool is_active;
        /* where the path leads (watch_path.c) */
        char *real_path; /* without symlinks; NULL = nowhere now */
        uint64_t device, inode;
        struct hop *hops;
        bool is_stale; /* a component changed: walk it again */
        struct folder *next_stale;
        bool is_unsure;             /* a component cannot be watched: look at it every two seconds */
        uint64_t rescan_usec;       /* when to tell; 0 = nothing to tell */
        uint64_t rescan_first_usec; /* of the rescans not yet told */
        /* polling (watch_poll.c) */
        bool is_blind;
        bool has_baseline;    /* a whole round was done */
        void *poll_directory; /* DIR *, in the middle of a round */
        size_t poll_position;
        enum { POLL_IDLE, POLL_READING, POLL_SWEEPING } poll_step;
        uint64_t poll_next_usec;
        /* git (watch_git.c) */
        struct git_wait git;
        char *git_lock; /* path of index.lock; NULL = not in a work tree */
        uint64_t git_found_usec;
};

struct report {
        struct report *next;
        enum watch_event event;
        bool is_silent;       /* nobody asked for this path itself: only its symlink is looked at again */
        size_t folder_length; /* of folder->path in path */
        char path[];          /* "FOLDER/NAME", or "FOLDER", a NUL, and the folder as given */
};

struct watch {
        struct sd_event *event;
        watch_callback callback;
        void *context;
        struct table folders;
        struct table inodes; /* by wd */
        struct folder *active;
        struct folder *stale;
        int inotify_fd; /* -1: none to be had; everything is polled */
        struct sd_event_source *inotify_source;
        struct sd_event_source *timer;
        uint64_t timer_usec; /* when it fires; SETTLE_NEVER = off */
        struct sd_event_source *poll_timer;
        uint64_t backstop_usec; /* next look at where all paths lead */
        struct report *first_report, **last_report;
        bool is_delivering;
        bool is_short_of_watches; /* told once */
        bool polls_everything;    /* tests: as if no file system had inotify */
        uint64_t poll_usec;       /* from one round to the next; tests are faster */
        struct {
                uint32_t cookie;
                enum settle_event event;
        } moved; /* the last IN_MOVED_FROM and what its IN_MOVED_TO means */
};

/* watch.c */
struct folder *folder_get(struct watch *watch, const char *path,
        uint64_t settle_usec); /* made where it is not there; NULL = no memory */
struct folder *folder_find(const struct watch *watch, const char *path, size_t length);
void folder_release(struct folder *folder); /* frees it where nobody wants it any more */
struct entry *entry_get(struct folder *folder, const char *name,
        size_t length); /* made where it is not there; NULL = no memory */
struct entry *entry_find(const struct folder *folder, const char *name, size_t length);
void entry_release(struct entry *entry); /* the same; never its folder */
bool entry_is_wanted(const struct entry *entry);
int path_split(
        const char *path, size_t *ret_folder_length); /* -EINVAL: not absolute, or it ends in no name */
size_t folder_path_length(const char *path);          /* without slashes at its end */

/* watch_link.c: an asked-for entry that is a symlink */
void entry_follow(struct entry *entry); /* finds where it leads now and watches that too */
void entry_unfollow(struct entry *entry);
struct file_mark entry_look(const struct entry *entry); /* stat, through symlinks */
bool mark_equal(const struct file_mark *left, const struct file_mark *right);

/* watch_report.c */
void entry_event(struct entry *entry, enum settle_event event, uint64_t now_usec);
void entry_deactivate(struct entry *entry);
void entry_tell(
        struct entry *entry, enum watch_event event); /* queues the report, for those who follow it too */
void folder_rescan_later(struct folder *folder, uint64_t delay_usec, uint64_t now_usec);
void folder_forget_events(struct folder *folder, uint64_t now_usec); /* events of it were lost */
void folder_deactivate(struct folder *folder);
void watch_run_due(struct watch *watch);     /* tells what is due and sets the timer */
void watch_tell_queued(struct watch *watch); /* the callbacks of queued reports */
int watch_on_timer(struct sd_event_source *source, uint64_t usec, void *context);

/* watch_path.c */
int folder_walk(struct folder *folder); /* finds where the path leads and watches each step of it; 1 =
                                           elsewhere than before */
void folder_unwatch(struct folder *folder);
bool folder_has_moved(const struct folder *folder); /* by stat */
void folder_mark_stale(struct folder *folder);
void watch_walk_stale(struct watch *watch, uint64_t now_usec);
void inode_drop(struct watch *watch, struct inode *inode); /* the kernel dropped its watch */

/* watch_inotify.c */
int watch_inotify_open(struct watch *watch);
void watch_inotify_read(struct watch *watch); /* all that is queued */

/* watch_poll.c */
void watch_poll_soon(struct watch *watch); /* a blind folder was found */
int watch_on_poll_timer(struct sd_event_source *source, uint64_t usec, void *context);
void folder_poll_end(struct folder *folder); /* forgets a round that is under way */
bool file_system_is_blind(const char *path);

/* watch_git.c */
bool folder_waits_for_git(struct folder *folder, uint64_t now_usec);
