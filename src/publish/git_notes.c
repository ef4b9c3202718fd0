/* Notes in refs/notes/zonecrier: what each commit of a source published, and when everybody had it. Main
 * loop; what git does is a task of the side worker. */
#include "publish/git_state.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "publish/git_note.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define GATHER_USEC (200 * USEC_PER_MSEC)     /* publishes of one commit are one note */
#define EVERYWHERE_USEC (500 * USEC_PER_MSEC) /* how often those are asked after that are not everywhere */
#define RETRY_USEC (30 * USEC_PER_SEC)
#define WAITING_MAX 100000

struct noted {              /* a publish */
        struct noted *next; /* of those to be written */
        char commit[GIT_ID_MAX + 1];
        uint8_t zone[NAME_MAX_LENGTH];
        char zone_text[NAME_TEXT_MAX];
        struct git_note note;
};

struct git_notes {
        struct git_source *source;
        sd_event_source *timer;
        struct noted *first, **end; /* to be written */
        struct table waiting;       /* zone -> its newest publish, not everywhere yet */
        uint64_t asked_usec;        /* after those, monotonic */
        bool is_writing;
        char *error;
};

struct git_notes_task {
        struct git_task task;
        uint64_t number;
        struct git *git;
        struct noted *first;
        int result;
        char *error;
};

/* ---- the worker's part ---- */

static const char *const as_ours[] = {"-c", "user.name=zonecrier", "-c", "user.email=zonecrier@localhost"};

static int run_notes(struct git_notes_task *task, const char *verb, const char *const *more,
        const struct buffer *input, struct buffer *out)
{
        const char *command[16];
        CLEANUP(buffer_free) struct buffer errors = {0};
        size_t count = 0;

        for (size_t i = 0; i < ARRAY_SIZE(as_ours); i++)
                command[count++] = as_ours[i];
        command[count++] = "notes";
        command[count++] = "--ref=zonecrier";
        command[count++] = verb;
        while (*more && count + 1 < ARRAY_SIZE(command))
                command[count++] = *more++;
        command[count] = NULL;
        int r = git_run(
                task->git, command, input ? input->data : NULL, input ? input->length : 0, 0, out, &errors);
        if (r != 0 && input) {
                const char *text = r < 0 ? strerror(-r) : buffer_text(&errors);
                free(task->error);
                task->error = text ? strndup(text, strcspn(text, "\n")) : NULL;
        }
        return r;
}

/* Those of one commit, from the front of the list on. */
static int write_commit(struct git_notes_task *task, const char *commit)
{
        CLEANUP(buffer_free) struct buffer before = {0};
        CLEANUP(buffer_free) struct buffer text = {0};
        CLEANUP_FREE struct git_note *notes = NULL;
        size_t count = 0;

        for (const struct noted *noted = task->first; noted; noted = noted->next)
                count += strcmp(noted->commit, commit) == 0;
        notes = calloc(count, sizeof(*notes));
        if (!notes)
                return -ENOMEM;
        count = 0;
        for (const struct noted *noted = task->first; noted; noted = noted->next)
                if (strcmp(noted->commit, commit) == 0)
                        notes[count++] = noted->note;
        int r = run_notes(task, "show", (const char *const[]){commit, NULL}, NULL, &before);
        if (r < 0)
                return r;
        const char *old = r == 0 ? buffer_text(&before) : "";
        git_note_merge(old ? old : "", notes, count, &text);
        if (buffer_status(&text) < 0)
                return -ENOMEM;
        return run_notes(task, "add", (const char *const[]){"-f", "-F", "-", commit, NULL}, &text, &before);
}

static void free_list(struct noted *noted)
{
        for (struct noted *next; noted; noted = next) {
                next = noted->next;
                free(noted);
        }
}

static void drop_commit(struct git_notes_task *task, const char *commit)
{
        char id[GIT_ID_MAX + 1];
        memcpy(id, commit, sizeof(id));
        for (struct noted **at = &task->first; *at;) {
                struct noted *noted = *at;
                if (strcmp(noted->commit, id) != 0) {
                        at = &noted->next;
                        continue;
                }
                *at = noted->next;
                free(noted);
        }
}

/* What could not be written is still in the list. */
static void notes_run(struct git_task *item)
{
        struct git_notes_task *task = (struct git_notes_task *)item;
        while (task->first && task->result == 0) {
                task->result = write_commit(task, task->first->commit);
                if (task->result == 0)
                        drop_commit(task, task->first->commit);
        }
}

static void notes_free(struct git_task *item)
{
        struct git_notes_task *task = (struct git_notes_task *)item;
        free_list(task->first);
        git_unref(task->git);
        free(task->error);
        free(task);
}

bool git_task_is_notes(const struct git_task *task)
{
        return task->run == notes_run;
}

/* ---- the main loop's part ---- */

static void notes_write(struct git_notes *notes)
{
        struct git_notes_task *task;

        if (notes->is_writing || !notes->first || !notes->source->git)
                return;
        task = calloc(1, sizeof(*task));
        if (!task)
                return;
        *task = (struct git_notes_task){
                .task = {.run = notes_run, .free = notes_free},
                .number = notes->source->number,
                .git = git_ref(notes->source->git),
                .first = notes->first,
        };
        notes->first = NULL;
        notes->end = &notes->first;
        notes->is_writing = git_side_post(notes->source, &task->task) == 0;
}

static void put(struct git_notes *notes, struct noted *noted)
{
        noted->next = NULL;
        noted->note.zone = noted->zone_text;
        *notes->end = noted;
        notes->end = &noted->next;
}

static void timer_in(struct git_notes *notes, uint64_t usec)
{
        sd_event_source_set_time_relative(notes->timer, usec);
        sd_event_source_set_enabled(notes->timer, SD_EVENT_ONESHOT);
}

/* The waiting ones that every secondary has now are written once more. */
static void ask_everywhere(struct git_notes *notes)
{
        struct registry *registry = notes->source->registry;
        struct noted *noted;
        size_t position = 0;

        while (registry->options.is_everywhere && (noted = table_next(&notes->waiting, &position))) {
                if (!registry->options.is_everywhere(
                            registry->options.context, noted->zone, noted->note.serial))
                        continue;
                table_remove(&notes->waiting, noted->zone, name_length(noted->zone));
                noted->note.everywhere_usec = clock_realtime_usec();
                put(notes, noted);
        }
}

static int on_timer(sd_event_source *timer, uint64_t usec, void *context)
{
        struct git_notes *notes = context;
        uint64_t now = clock_monotonic_usec();
        (void)timer, (void)usec;

        if (now >= notes->asked_usec + EVERYWHERE_USEC) {
                notes->asked_usec = now;
                ask_everywhere(notes);
        }
        notes_write(notes);
        if (notes->waiting.count > 0)
                timer_in(notes, EVERYWHERE_USEC);
        return 0;
}

void git_notes_published(
        struct git_source *source, const struct registry_entry *entry, const struct publish_job *job)
{
        struct git_notes *notes = source->notes;
        struct noted *noted, *older = NULL;

        if (!notes || !job->commit)
                return;
        noted = calloc(1, sizeof(*noted));
        if (!noted)
                return;
        memcpy(noted->commit, job->commit->commit.id, sizeof(noted->commit));
        memcpy(noted->zone, entry->zone.name, sizeof(noted->zone));
        snprintf(noted->zone_text, sizeof(noted->zone_text), "%s", entry->name_text);
        noted->note = (struct git_note){.serial = job->verdict.serial,
                .added = job->verdict.added,
                .removed = job->verdict.removed,
                .published_usec = clock_realtime_usec()};
        struct noted *waits = malloc(sizeof(*waits));
        if (waits) {
                *waits = *noted;
                if (notes->waiting.count >= WAITING_MAX ||
                        table_put(&notes->waiting, waits->zone, name_length(waits->zone), waits,
                                (void **)&older) < 0)
                        free(waits);
                free(older);
        }
        put(notes, noted);
        timer_in(notes, GATHER_USEC);
}

void git_on_notes(struct git_source *source, struct git_task *item)
{
        struct git_notes_task *task = (struct git_notes_task *)item;
        struct git_notes *notes = source->notes;

        if (!notes)
                return;
        notes->is_writing = false;
        bool is_new = task->error && (!notes->error || strcmp(notes->error, task->error) != 0);
        if (is_new)
                log_write(LOG_ERR,
                        &(struct log_fields){
                                .file = source->conf->repository, .message_id = MESSAGE_GIT_FAILED},
                        "git: %s: notes cannot be written: %s; it is tried again", source->conf->repository,
                        task->error);
        free(notes->error);
        notes->error = TAKE(task->error);
        struct noted *left = TAKE(task->first);
        for (struct noted *next; left; left = next) {
                next = left->next;
                put(notes, left);
        }
        if (notes->first)
                timer_in(notes, task->result == 0 ? GATHER_USEC : RETRY_USEC);
}

uint64_t git_notes_number(const struct git_task *item)
{
        return ((const struct git_notes_task *)item)->number;
}

const char *git_notes_error(const struct git_source *source)
{
        return source->notes ? source->notes->error : NULL;
}

int git_notes_new(struct git_source *source)
{
        struct git_notes *notes = calloc(1, sizeof(*notes));
        if (!notes)
                return -ENOMEM;
        notes->source = source;
        notes->end = &notes->first;
        notes->waiting.fold = true;
        int r = sd_event_add_time_relative(source->registry->options.event, &notes->timer, CLOCK_MONOTONIC,
                GATHER_USEC, 20 * USEC_PER_MSEC, on_timer, notes);
        if (r >= 0)
                r = sd_event_source_set_enabled(notes->timer, SD_EVENT_OFF);
        source->notes = notes;
        return r < 0 ? r : 0;
}

void git_notes_free(struct git_source *source)
{
        struct git_notes *notes = source->notes;
        struct noted *noted;
        size_t position = 0;

        if (!notes)
                return;
        source->notes = NULL;
        sd_event_source_disable_unref(notes->timer);
        free_list(notes->first);
        while ((noted = table_next(&notes->waiting, &position)))
                free(noted);
        table_free(&notes->waiting);
        free(notes->error);
        free(notes);
}
