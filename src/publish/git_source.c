/* Sources in git: their life, and when they are looked at. Main loop. */
#include "publish/git_state.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "source/watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define POLL_USEC (30 * USEC_PER_SEC)
#define ACCURACY_USEC (100 * USEC_PER_MSEC)

/* ---- looking ---- */

void git_source_look(struct git_source *source, bool afresh)
{
        source->looks_afresh |= afresh;
        if (source->is_looking) {
                source->looks_again = true;
                return;
        }
        struct git_look_task *task = git_look_task_new(source);
        if (!task)
                return; /* the poll comes by */
        source->is_looking = true;
        source->looks_again = source->looks_afresh = false;
        git_worker_post(source->worker, &task->task);
}

static int rearm(sd_event_source *timer, uint64_t usec)
{
        int r = sd_event_source_set_time_relative(timer, usec);
        return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static int on_poll(sd_event_source *timer, uint64_t usec, void *context)
{
        struct git_source *source = context;
        (void)usec;
        git_source_look(source, true);
        return rearm(timer, POLL_USEC);
}

static int on_fetch_time(sd_event_source *timer, uint64_t usec, void *context)
{
        struct git_source *source = context;
        (void)usec;
        if (source->git && !source->is_fetching) {
                struct git_fetch_task *task = git_fetch_task_new(source);
                source->is_fetching = task && git_side_post(source, &task->task) == 0;
        }
        return rearm(timer, source->conf->fetch_usec);
}

int git_side_post(struct git_source *source, struct git_task *task)
{
        int r = source->side_worker ? 0 : git_worker_new(source->all->results, &source->side_worker);
        if (r < 0)
                task->free(task);
        else
                git_worker_post(source->side_worker, task);
        return r;
}

int git_source_reload(struct git_source *source, const uint8_t *name, registry_done done, void *context)
{
        struct git_waiter *waiter = calloc(1, sizeof(*waiter));
        if (!waiter)
                return -ENOMEM;
        memcpy(waiter->name, name, name_length(name));
        waiter->done = done;
        waiter->context = context;
        waiter->next = source->waiters;
        source->waiters = waiter;
        git_source_look(source, true);
        return 0;
}

/* After the look that they waited for: their zones are looked at behind what it brought. */
static void serve_waiters(struct git_source *source)
{
        struct git_waiter *waiter = source->waiters;
        source->waiters = NULL;
        for (struct git_waiter *next; waiter; waiter = next) {
                struct registry_entry *entry = registry_entry_find(source->registry, waiter->name);
                next = waiter->next;
                if (!entry)
                        waiter->done(waiter->context, NULL, NULL);
                else if (entry->git != source ||
                         git_look(source, entry, JOB_LOOK, NULL, waiter->done, waiter->context) < 0)
                        waiter->done(waiter->context, &entry->zone, &entry->zone.verdict);
                free(waiter);
        }
}

/* ---- results ---- */

static void tell_error(struct git_source *source, char *error)
{
        bool is_new = !source->error || strcmp(source->error, error) != 0;
        free(source->error);
        source->error = error;
        if (!is_new)
                return;
        source->error_usec = clock_realtime_usec();
        log_write(LOG_ERR,
                &(struct log_fields){.file = source->conf->repository, .message_id = MESSAGE_GIT_FAILED},
                "git: %s; what is served stays, it is tried again", error);
}

static void clear_error(struct git_source *source)
{
        if (!source->error)
                return;
        log_write(LOG_NOTICE, &(struct log_fields){.file = source->conf->repository},
                "git: %s can be read again", source->conf->repository);
        free(source->error);
        source->error = NULL;
}

/* Zones that were published from here before: served as they were. */
static void answer_unread(struct git_source *source)
{
        struct registry_entry *entry;
        size_t position = 0;
        while ((entry = table_next(&source->registry->by_name, &position)))
                if (entry->git == source)
                        registry_answer_unread(source->registry, entry, source->error);
}

static void on_look(struct git_source *source, struct git_look_task *task)
{
        source->is_looking = false;
        if (task->git && task->git != source->git) {
                git_unref(source->git);
                source->git = git_ref(task->git);
                git_watch_refs(source);
                source->looks_again = true; /* what changed before it was watched */
        }
        int r = task->result;
        if (task->floors) {
                git_floors_free(source->floors);
                source->floors = TAKE(task->floors);
        }
        if (r == 0 && !task->is_same)
                r = git_apply(source, task);
        if (r < 0 && !task->error &&
                asprintf(&task->error, "%s: %s", source->conf->repository, strerror(-r)) < 0)
                task->error = NULL;
        if (r < 0 && task->error)
                tell_error(source, TAKE(task->error));
        else if (r == 0)
                clear_error(source);
        bool is_first = !source->was_tried;
        source->was_tried = true;
        if (is_first && r < 0)
                answer_unread(source);
        if (!source->looks_again)
                serve_waiters(source);
        if (source->looks_again)
                git_source_look(source, false);
        if (is_first && source->fetch_timer)
                rearm(source->fetch_timer, 0);
}

static void on_fetch(struct git_source *source, struct git_fetch_task *task)
{
        source->is_fetching = false;
        if (task->result == 0) {
                source->fetched_usec = clock_realtime_usec();
                if (source->fetch_error)
                        log_write(LOG_NOTICE, &(struct log_fields){.file = source->conf->repository},
                                "git: fetch %s works again", source->conf->fetch);
                free(source->fetch_error);
                source->fetch_error = NULL;
                git_source_look(source, false);
                return;
        }
        if (task->error && (!source->fetch_error || strcmp(source->fetch_error, task->error) != 0))
                log_write(LOG_ERR,
                        &(struct log_fields){
                                .file = source->conf->repository, .message_id = MESSAGE_GIT_FAILED},
                        "git: %s: fetch %s: %s; it is tried again", source->conf->repository,
                        source->conf->fetch, task->error);
        free(source->fetch_error);
        source->fetch_error = TAKE(task->error);
}

static void on_task(struct git_sources *sources, struct git_task *task)
{
        struct git_source *source;

        if (git_task_is_look(task)) {
                source = git_source_find(sources, ((struct git_look_task *)task)->number);
                if (source)
                        on_look(source, (struct git_look_task *)task);
        } else if (git_task_is_fetch(task)) {
                source = git_source_find(sources, ((struct git_fetch_task *)task)->number);
                if (source)
                        on_fetch(source, (struct git_fetch_task *)task);
        } else if (git_task_is_approve(task)) {
                source = git_source_find(sources, git_approve_number(task));
                if (source)
                        git_on_approve(source, task);
        } else if (git_task_is_notes(task)) {
                source = git_source_find(sources, git_notes_number(task));
                if (source)
                        git_on_notes(source, task);
        }
        task->free(task);
}

static int on_results(sd_event_source *event_source, int fd, uint32_t events, void *context)
{
        struct git_sources *sources = context;
        (void)event_source, (void)fd, (void)events;
        for (struct queue_item *item = queue_take_all(sources->results), *next; item; item = next) {
                next = item->next;
                on_task(sources, (struct git_task *)item);
        }
        return 0;
}

/* ---- what others see ---- */

bool registry_git_next(const struct registry *registry, size_t *position, struct registry_git *ret_git)
{
        const struct git_source *source = registry->git->first;
        for (size_t i = 0; source && i < *position; i++)
                source = source->next;
        if (!source)
                return false;
        (*position)++;
        *ret_git = (struct registry_git){
                .repository = source->conf->repository,
                .branch = source->conf->branch,
                .path = source->conf->path,
                .commit = source->commit ? &source->commit->commit : NULL,
                .answered = *source->answered ? source->answered : NULL,
                .pending_count = source->pending.count,
                .error = source->error,
                .error_usec = source->error_usec,
                .fetch = source->conf->fetch,
                .fetched_usec = source->fetched_usec,
                .fetch_error = source->fetch_error,
                .has_notes = source->conf->notes,
                .notes_error = git_notes_error(source),
        };
        return true;
}

void registry_git_look(struct registry *registry)
{
        for (struct git_source *source = registry->git->first; source; source = source->next)
                git_source_look(source, true);
}

/* ---- life ---- */

static bool is_same(const char *left, const char *right)
{
        return strcmp(left ? left : "", right ? right : "") == 0;
}

static bool is_same_source(const struct conf_git *left, const struct conf_git *right)
{
        return is_same(left->repository, right->repository) && is_same(left->branch, right->branch) &&
               is_same(left->path, right->path) && is_same(left->file_name, right->file_name) &&
               is_same(left->fetch, right->fetch);
}

static struct git_source *source_free(struct git_source *source)
{
        if (!source)
                return NULL;
        if (source->git)
                git_cancel(source->git);
        git_worker_free(source->worker);
        git_worker_free(source->side_worker);
        git_unwatch(source);
        sd_event_source_disable_unref(source->poll_timer);
        sd_event_source_disable_unref(source->fetch_timer);
        for (struct git_waiter *waiter = source->waiters, *next; waiter; waiter = next) {
                next = waiter->next;
                if (!source->all->is_ending)
                        waiter->done(waiter->context, NULL, NULL);
                free(waiter);
        }
        git_paths_free(source);
        git_notes_free(source);
        git_floors_free(source->floors);
        table_free(&source->pending);
        publish_commit_unref(source->commit);
        git_unref(source->git);
        free(source->prefix);
        free(source->error);
        free(source->fetch_error);
        conf_unref(source->conf_reference);
        free(source);
        return NULL;
}

DEFINE_CLEANUP(struct git_source *, source_free);

static int source_new(struct git_sources *sources, struct conf *conf, const struct conf_git *git,
        struct git_source **ret_source)
{
        CLEANUP(source_free_later) struct git_source *source = calloc(1, sizeof(*source));
        struct sd_event *event = sources->registry->options.event;

        if (!source)
                return -ENOMEM;
        source->registry = sources->registry;
        source->all = sources;
        source->number = ++sources->last_number;
        source->conf_reference = conf_ref(conf);
        source->conf = git;
        source->zones.fold = source->pending.fold = true;
        if (asprintf(&source->prefix, "git:%s:", git->repository) < 0) {
                source->prefix = NULL;
                return -ENOMEM;
        }
        int r = git_worker_new(sources->results, &source->worker);
        if (r == 0 && git->notes)
                r = git_notes_new(source);
        if (r == 0)
                r = sd_event_add_time_relative(event, &source->poll_timer, CLOCK_MONOTONIC, POLL_USEC,
                        ACCURACY_USEC, on_poll, source);
        if (r >= 0 && git->fetch) {
                r = sd_event_add_time_relative(event, &source->fetch_timer, CLOCK_MONOTONIC, git->fetch_usec,
                        ACCURACY_USEC, on_fetch_time, source);
                if (r >= 0)
                        r = sd_event_source_set_enabled(source->fetch_timer, SD_EVENT_OFF);
        }
        if (r < 0)
                return r;
        *ret_source = TAKE(source);
        return 0;
}

/* The source of before that is this one, taken out of the list. */
static struct git_source *take_same(struct git_source **list, const struct conf_git *git)
{
        for (struct git_source **at = list; *at; at = &(*at)->next)
                if (is_same_source((*at)->conf, git)) {
                        struct git_source *source = *at;
                        *at = source->next;
                        source->next = NULL;
                        return source;
                }
        return NULL;
}

/* Entries of a source that goes are another's, if it has their file's place. */
static void leave_entries(struct git_sources *sources, const struct git_source *gone)
{
        struct registry_entry *entry;
        size_t position = 0;
        while ((entry = table_next(&sources->registry->by_name, &position)))
                if (entry->git == gone)
                        entry->git = git_source_of_file(sources, entry->path);
}

int git_sources_configure(struct git_sources *sources, struct conf *conf)
{
        struct git_source *before = sources->first, **end = &sources->first;
        int r = 0;

        sources->first = NULL;
        for (size_t i = 0; i < conf->git_count && r >= 0; i++) {
                struct git_source *source = take_same(&before, &conf->git[i]);
                if (source) {
                        conf_unref(source->conf_reference);
                        source->conf_reference = conf_ref(conf);
                        source->conf = &conf->git[i];
                        if (!source->conf->notes)
                                git_notes_free(source);
                        else if (!source->notes)
                                r = git_notes_new(source);
                } else {
                        r = source_new(sources, conf, &conf->git[i], &source);
                        if (r >= 0)
                                git_source_look(source, true);
                }
                if (r >= 0) {
                        *end = source;
                        end = &source->next;
                }
        }
        for (struct git_source *next; before; before = next) {
                next = before->next;
                leave_entries(sources, before);
                source_free(before);
        }
        return r < 0 ? r : 0;
}

bool git_sources_were_tried(const struct git_sources *sources)
{
        for (const struct git_source *source = sources->first; source; source = source->next)
                if (!source->was_tried)
                        return false;
        return true;
}

struct git_source *git_source_find(const struct git_sources *sources, uint64_t number)
{
        for (struct git_source *source = sources->first; source; source = source->next)
                if (source->number == number)
                        return source;
        return NULL;
}

struct git_source *git_source_of_file(const struct git_sources *sources, const char *file)
{
        for (struct git_source *source = sources->first; source; source = source->next) {
                size_t length = strlen(source->prefix), folder = strlen(source->conf->path);
                if (strncmp(file, source->prefix, length) == 0 &&
                        strncmp(file + length, source->conf->path, folder) == 0 &&
                        (folder == 0 || file[length + folder] == '/'))
                        return source;
        }
        return NULL;
}

int git_sources_new(struct registry *registry, struct git_sources **ret_sources)
{
        struct git_sources *sources = calloc(1, sizeof(*sources));
        if (!sources)
                return -ENOMEM;
        sources->registry = registry;
        int r = queue_new(&sources->results);
        if (r == 0)
                r = watch_new(registry->options.event, git_on_watch, sources, &sources->watch);
        if (r == 0)
                r = sd_event_add_io(registry->options.event, &sources->results_source,
                        queue_fd(sources->results), EPOLLIN, on_results, sources);
        if (r < 0) {
                git_sources_free(sources);
                return r;
        }
        *ret_sources = sources;
        return 0;
}

struct git_sources *git_sources_free(struct git_sources *sources)
{
        if (!sources)
                return NULL;
        sources->is_ending = true;
        for (struct git_source *source = sources->first, *next; source; source = next) {
                next = source->next;
                source_free(source);
        }
        sd_event_source_disable_unref(sources->results_source);
        for (struct queue_item *item = sources->results ? queue_take_all(sources->results) : NULL, *next;
                item; item = next) {
                next = item->next;
                ((struct git_task *)item)->free((struct git_task *)item);
        }
        watch_free(sources->watch);
        queue_free(sources->results);
        free(sources);
        return NULL;
}
