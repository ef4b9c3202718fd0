/* Writes serials into zone files. A thread of its own, begun with the first job.
 *
 * The file is written only where it is what was published last, has the serial it had then, and the daemon
 * could give it back its owner and mode. Whatever an editor does at the same moment wins (source/rewrite.c);
 * the look at his edit asks for the next write. Jobs that wait together share the grace. */
#include "publish/write_back.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "source/rewrite.h"
#include "zonefile/serial_place.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define GROUP_MAX 32
#define HEAD_OCTETS 65536 /* the SOA stands near the beginning */
#define TEXT_LIMIT_BYTES (8ull << 30)

struct write_back {
        struct queue *jobs;
        struct queue *results;
        pthread_t thread;
        bool has_thread;
        _Atomic bool stopping;
};

static void sleep_usec(uint64_t usec)
{
        nanosleep(&(struct timespec){.tv_sec = (time_t)(usec / USEC_PER_SEC),
                          .tv_nsec = (long)(usec % USEC_PER_SEC) * 1000},
                NULL);
}

/* The file's path without symlinks: what they lead to is replaced, not they. */
static int real_path(int fd, char ret_path[static PATH_MAX])
{
        char link[64];

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, ret_path, PATH_MAX - 1);
        if (length < 0)
                return -errno;
        ret_path[length] = '\0';
        return ret_path[0] == '/' ? 0 : -ENOENT;
}

/* The text's beginning, cut at a newline; or all of it. */
static int read_text(int fd, uint64_t size, bool whole, struct zone_text *ret_text)
{
        *ret_text = (struct zone_text){0};
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        if (whole)
                return zone_text_read(fd, size, TEXT_LIMIT_BYTES, NULL, ret_text);
        char *bytes = calloc(1, HEAD_OCTETS + ZONEFILE_PADDING);
        if (!bytes)
                return -ENOMEM;
        ssize_t length = pread(fd, bytes, HEAD_OCTETS, 0);
        const char *newline = length > 0 ? memrchr(bytes, '\n', (size_t)length) : NULL;
        if (!newline) {
                free(bytes);
                return -ENOENT;
        }
        size_t kept = (size_t)(newline - bytes) + 1;
        memset(bytes + kept, 0, HEAD_OCTETS - kept + ZONEFILE_PADDING);
        bytes[kept] = '\n';
        *ret_text = (struct zone_text){.bytes = bytes, .length = kept};
        return 0;
}

static int find_serial(const struct publish_job *job, int fd, struct serial_place *ret_place)
{
        int r = -ENOENT;

        for (int whole = 0; r == -ENOENT && whole < 2; whole++) {
                struct zone_text text;
                r = read_text(fd, job->file_identity.size_bytes, whole, &text);
                if (r == 0)
                        r = zonefile_serial_place(job->name, &text, ret_place);
                zone_text_free(&text);
        }
        return r;
}

static const char *reason_of(int r)
{
        switch (r) {
        case -ENOENT:
                return "its SOA stands in another file; write the SOA into the zone's own file";
        case -EMLINK:
                return "the file has several names (hard links), and only one would get the serial";
        case -EOPNOTSUPP:
                return "its file system cannot exchange two files safely (a lease, renameat2)";
        case -EPERM:
                return "the file belongs to another user than the daemon's and could not be given back to "
                       "him; make the daemon its owner";
        case -EACCES:
        case -EROFS:
                return "the daemon may not write in its folder; let its user write there, and let the "
                       "service do so (ReadWritePaths= in a drop-in of its unit)";
        default:
                return strerror(-r);
        }
}

static void tell_failure(struct publish_job *job, int r)
{
        verdict_set(&job->verdict, VERDICT_FAILED, "serial-write-back: %u cannot be written into %s: %s",
                job->verdict.serial, job->path, reason_of(r));
}

static int open_file(struct publish_job *job, int *ret_fd, struct source_identity *ret_identity)
{
        struct source_snapshot *snapshot = NULL;
        int r = source_snapshot_folder(job->root, job->include_root, &snapshot);

        if (r == 0)
                r = (job->is_found ? source_open_found : source_open)(
                        snapshot, job->path, ret_fd, ret_identity);
        source_snapshot_free(snapshot);
        return r;
}

/* Waits until the file's last change is old enough for the next one to show in its times. */
static void let_settle(const struct source_identity *identity)
{
        int64_t age_usec = (int64_t)clock_realtime_usec() - identity->ctime_nsec / 1000;

        if (age_usec >= 0 && age_usec < REWRITE_SETTLED_USEC)
                sleep_usec(REWRITE_SETTLED_USEC - (uint64_t)age_usec);
}

static int begin(struct publish_job *job, struct rewrite **ret_rewrite)
{
        CLEANUP_CLOSE int fd = -1;
        struct source_identity identity;
        struct serial_place place;
        char path[PATH_MAX], digits[16];
        int r = open_file(job, &fd, &identity);

        if (r < 0)
                return r == -ENOENT ? REWRITE_CHANGED : r;
        if (!source_identity_equal(&identity, &job->file_identity))
                return REWRITE_CHANGED;
        let_settle(&identity);
        r = find_serial(job, fd, &place);
        if (r == 0)
                r = real_path(fd, path);
        if (r < 0)
                return r;
        if (place.serial != job->file_serial)
                return REWRITE_CHANGED;
        snprintf(digits, sizeof(digits), "%" PRIu32, job->verdict.serial);
        const struct rewrite_change change = {.offset = (off_t)place.offset,
                .length = place.length,
                .octets = digits,
                .octet_count = strlen(digits)};
        return rewrite_begin(fd, path, &identity, &change, ret_rewrite);
}

static void answer(struct write_back *write_back, struct publish_job *job, int r)
{
        if (r < 0)
                tell_failure(job, r);
        else if (r == REWRITE_DONE)
                verdict_set(&job->verdict, VERDICT_PUBLISHED, "serial %u is written into %s",
                        job->verdict.serial, job->path);
        else
                verdict_set(&job->verdict, VERDICT_UNCHANGED, "%s is being edited", job->path);
        queue_put(write_back->results, &job->item);
}

/* The first jobs of the list. Returns the rest. */
static struct publish_job *run_group(struct write_back *write_back, struct publish_job *job)
{
        struct {
                struct publish_job *job;
                struct rewrite *rewrite;
        } begun[GROUP_MAX];
        size_t count = 0;

        for (struct publish_job *next; job && count < GROUP_MAX && !atomic_load(&write_back->stopping);
                job = next) {
                struct rewrite *rewrite = NULL;
                next = (struct publish_job *)job->item.next;
                int r = begin(job, &rewrite);
                if (rewrite) {
                        begun[count].job = job;
                        begun[count++].rewrite = rewrite;
                } else
                        answer(write_back, job, r);
        }
        if (count > 0)
                sleep_usec(REWRITE_GRACE_USEC);
        for (size_t i = 0; i < count; i++)
                answer(write_back, begun[i].job, rewrite_end(begun[i].rewrite));
        return job;
}

static struct publish_job *drop_front(struct write_back *write_back, struct publish_job *job)
{
        struct publish_job *rest = (struct publish_job *)job->item.next;

        answer(write_back, job, REWRITE_CHANGED);
        return rest;
}

static void *write_back_main(void *argument)
{
        struct write_back *write_back = argument;
        struct pollfd wake = {.fd = queue_fd(write_back->jobs), .events = POLLIN};

        while (!atomic_load(&write_back->stopping)) {
                struct queue_item *item = queue_take_all(write_back->jobs);
                for (struct publish_job *job = (struct publish_job *)item; job;)
                        job = atomic_load(&write_back->stopping) ? drop_front(write_back, job)
                                                                 : run_group(write_back, job);
                if (!item)
                        poll(&wake, 1, -1);
        }
        return NULL;
}

int write_back_new(struct queue *results, struct write_back **ret_write_back)
{
        struct write_back *write_back = calloc(1, sizeof(*write_back));

        if (!write_back)
                return -ENOMEM;
        write_back->results = results;
        int r = queue_new(&write_back->jobs);
        if (r < 0) {
                free(write_back);
                return r;
        }
        *ret_write_back = write_back;
        return 0;
}

static int begin_thread(struct write_back *write_back)
{
        sigset_t all, before;

        sigfillset(&all); /* signals are the main loop's */
        pthread_sigmask(SIG_SETMASK, &all, &before);
        int r = -pthread_create(&write_back->thread, NULL, write_back_main, write_back);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r == 0)
                pthread_setname_np(write_back->thread, "write-back");
        write_back->has_thread = r == 0;
        return r;
}

void write_back_post(struct write_back *write_back, struct publish_job *job)
{
        int r = write_back->has_thread ? 0 : begin_thread(write_back);

        if (r < 0)
                answer(write_back, job, r);
        else
                queue_put(write_back->jobs, &job->item);
}

struct write_back *write_back_free(struct write_back *write_back)
{
        if (!write_back)
                return NULL;
        atomic_store(&write_back->stopping, true);
        if (write_back->has_thread) {
                struct publish_job *wake = publish_job_new(JOB_WRITE_BACK, NULL);
                if (wake)
                        queue_put(write_back->jobs, &wake->item);
                pthread_join(write_back->thread, NULL);
        }
        for (struct queue_item *item = queue_take_all(write_back->jobs), *next; item; item = next) {
                next = item->next;
                publish_job_free((struct publish_job *)item);
        }
        queue_free(write_back->jobs);
        free(write_back);
        return NULL;
}
