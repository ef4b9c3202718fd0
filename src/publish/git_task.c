/* What is asked of git for a source, on its worker's thread: nothing of the main loop is touched here. */
#include "publish/git_state.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "dns/serial.h"
#include "publish/git_note.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define GIT_TIMEOUT_USEC (10 * USEC_PER_SEC)
#define NOTE_LIMIT_BYTES ((size_t)16 << 20)
#define FETCH_TIMEOUT_USEC (120 * USEC_PER_SEC)

static char *copy(const char *text)
{
        return text ? strdup(text) : NULL;
}

/* ---- look ---- */

static void look_fail(struct git_look_task *task, int r, const char *what)
{
        task->result = r;
        if (task->error)
                return;
        if (asprintf(&task->error, "%s: %s", what, r == -ETIMEDOUT ? "git does not answer" : strerror(-r)) <
                0)
                task->error = NULL;
}

/* The names that a branch may have, the likeliest first. NULL: no such. */
static const char *revision_name(const struct git_look_task *task, unsigned index, char *text, size_t size)
{
        static const char *const places[] = {"refs/heads", "refs/remotes", "refs/tags"};

        if (task->remote) {
                snprintf(text, size, "refs/remotes/%s/%s", task->remote, task->branch);
                return index == 0 ? text : NULL;
        }
        if (!task->branch)
                return index == 0 ? "HEAD" : NULL;
        if (strncmp(task->branch, "refs/", 5) == 0)
                return index == 0 ? task->branch : NULL;
        if (index >= ARRAY_SIZE(places))
                return NULL;
        snprintf(text, size, "%s/%s", places[index], task->branch);
        return text;
}

static int find_commit(struct git_look_task *task)
{
        char text[512];
        const char *name;
        int r = -ENOENT;

        for (unsigned i = 0; r == -ENOENT && (name = revision_name(task, i, text, sizeof(text))); i++)
                r = git_commit_find(task->git, name, &task->commit);
        if (r == -ENOENT && asprintf(&task->error, "%s has no commit on %s%s", task->repository,
                                    task->branch ? "branch " : "HEAD", task->branch ? task->branch : "") < 0)
                task->error = NULL;
        return r;
}

static int list_or_compare(struct git_look_task *task)
{
        int r = -ENOENT;
        if (*task->before)
                r = git_difference(task->git, task->before, task->commit.id, &task->files);
        task->is_whole = r == -ENOENT; /* the one before was thrown away since */
        return r == -ENOENT ? git_list(task->git, task->commit.id, task->folder, &task->files) : r;
}

/* ---- floors: the notes of other times ---- */

struct table *git_floors_free(struct table *floors)
{
        struct git_floor *floor;
        size_t position = 0;
        while (floors && (floor = table_next(floors, &position)))
                free(floor);
        if (floors)
                table_free(floors);
        free(floors);
        return NULL;
}

static int floor_put(struct table *floors, const uint8_t *zone, uint32_t serial)
{
        struct git_floor *floor = table_get(floors, zone, name_length(zone));
        if (floor) {
                if (serial_is_ahead(serial, floor->serial))
                        floor->serial = serial;
                return 0;
        }
        floor = calloc(1, sizeof(*floor));
        if (!floor)
                return -ENOMEM;
        memcpy(floor->zone, zone, name_length(zone));
        floor->serial = serial;
        int r = table_put(floors, floor->zone, name_length(floor->zone), floor, NULL);
        if (r < 0)
                free(floor);
        return r;
}

static int read_note(struct git_look_task *task, const char *id)
{
        CLEANUP(buffer_free) struct buffer text = {0};
        uint8_t zone[NAME_MAX_LENGTH];
        uint32_t serial;

        int r = git_text(task->git, id, NOTE_LIMIT_BYTES, &text);
        if (r < 0)
                return r == -ETIMEDOUT || r == -ECANCELED || r == -ENOMEM ? r : 0;
        const char *at = buffer_text(&text);
        while (at && *at && r == 0) {
                size_t length = strcspn(at, "\n");
                if (git_note_read(at, length, zone, &serial))
                        r = floor_put(task->floors, zone, serial);
                at += length + (at[length] == '\n');
        }
        return r;
}

/* All other state is lost: what was published is told by the notes. */
static int read_floors(struct git_look_task *task)
{
        static const char *const command[] = {"notes", "--ref=zonecrier", "list", NULL};
        CLEANUP(buffer_free) struct buffer out = {0};

        task->floors = calloc(1, sizeof(*task->floors));
        if (!task->floors)
                return -ENOMEM;
        task->floors->fold = true;
        int r = git_run(task->git, command, NULL, 0, 0, &out, NULL);
        if (r != 0)
                return r < 0 ? r : 0; /* there are none */
        const char *text = buffer_text(&out);
        while (text && *text && r == 0) { /* "NOTE COMMIT" */
                char id[GIT_ID_MAX + 1];
                size_t length = strcspn(text, " \n");
                if (length < sizeof(id)) {
                        memcpy(id, text, length);
                        id[length] = '\0';
                        r = read_note(task, id);
                }
                text += strcspn(text, "\n");
                text += *text == '\n';
        }
        return r;
}

static void look_run(struct git_task *item)
{
        struct git_look_task *task = (struct git_look_task *)item;
        const struct git_options options = {.timeout_usec = GIT_TIMEOUT_USEC};

        if (task->git && task->is_afresh && !git_is_there(task->git))
                task->git = git_unref(task->git); /* another repository has taken its place */
        if (task->git && task->is_afresh)
                git_renew(task->git); /* the long-lived child might not see a change that it should */
        int r = task->git ? 0 : git_open(task->repository, &options, &task->git, &task->error);
        if (r == 0)
                r = find_commit(task);
        if (r == 0 && task->wants_floors)
                r = read_floors(task);
        if (r < 0) {
                look_fail(task, r, task->repository);
                return;
        }
        task->is_same = strcmp(task->before, task->commit.id) == 0;
        if (!task->is_same)
                r = list_or_compare(task);
        if (r < 0)
                look_fail(task, r, "the files of a commit cannot be listed");
}

static void look_free(struct git_task *item)
{
        struct git_look_task *task = (struct git_look_task *)item;
        git_unref(task->git);
        git_files_free(&task->files);
        free(task->repository);
        free(task->branch);
        free(task->folder);
        free(task->remote);
        git_floors_free(task->floors);
        free(task->error);
        free(task);
}

bool git_task_is_look(const struct git_task *task)
{
        return task->run == look_run;
}

struct git_look_task *git_look_task_new(const struct git_source *source)
{
        const struct conf_git *conf = source->conf;
        struct git_look_task *task = calloc(1, sizeof(*task));
        if (!task)
                return NULL;
        *task = (struct git_look_task){
                .task = {.run = look_run, .free = look_free},
                .number = source->number,
                .git = git_ref(source->git),
                .repository = copy(conf->repository),
                .branch = copy(conf->branch),
                .folder = copy(conf->path),
                .remote = copy(conf->fetch),
                .is_afresh = source->looks_afresh,
        };
        task->wants_floors =
                conf->notes && !source->commit && source->registry->options.serial_file_was_missing;
        if (source->commit && source->is_listed)
                memcpy(task->before, source->commit->commit.id, sizeof(task->before));
        if (!task->repository || !task->folder || (conf->branch && !task->branch) ||
                (conf->fetch && !task->remote)) {
                look_free(&task->task);
                return NULL;
        }
        return task;
}

/* ---- fetch ---- */

/* The name and password of a URL are shown to nobody (I8). */
static char *without_secrets(const char *text, size_t length)
{
        CLEANUP(buffer_free) struct buffer out = {0};
        const char *end = text + length;

        for (const char *at = text; at < end;) {
                const char *slashes = memmem(at, (size_t)(end - at), "://", 3);
                const char *from = slashes ? slashes + 3 : end;
                const char *stop = from;
                while (stop < end && !strchr("/ '\"", *stop))
                        stop++;
                const char *sign = slashes ? memrchr(from, '@', (size_t)(stop - from)) : NULL;
                buffer_append(&out, at, (size_t)(from - at));
                if (sign)
                        buffer_append_text(&out, "***");
                at = sign ? sign : from;
        }
        const char *made = buffer_text(&out);
        return made ? strdup(made) : NULL;
}

static void fetch_run(struct git_task *item)
{
        struct git_fetch_task *task = (struct git_fetch_task *)item;
        CLEANUP(buffer_free) struct buffer out = {0};
        CLEANUP(buffer_free) struct buffer errors = {0};
        char refspec[1024];

        snprintf(refspec, sizeof(refspec), "+refs/heads/%s:refs/remotes/%s/%s", task->branch, task->remote,
                task->branch);
        const char *const command[] = {"fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
                "--no-recurse-submodules", task->remote, refspec, NULL};
        int r = git_run(task->git, command, NULL, 0, FETCH_TIMEOUT_USEC, &out, &errors);
        task->result = r;
        if (r == 0)
                return;
        const char *text = buffer_text(&errors);
        if (r < 0)
                text = strerror(-r);
        else if (text && strncmp(text, "fatal: ", 7) == 0)
                text += 7;
        size_t length = text ? strcspn(text, "\n") : 0;
        task->error = length ? without_secrets(text, length) : strdup("git fetch failed");
}

static void fetch_free(struct git_task *item)
{
        struct git_fetch_task *task = (struct git_fetch_task *)item;
        git_unref(task->git);
        free(task->branch);
        free(task->remote);
        free(task->error);
        free(task);
}

bool git_task_is_fetch(const struct git_task *task)
{
        return task->run == fetch_run;
}

struct git_fetch_task *git_fetch_task_new(const struct git_source *source)
{
        struct git_fetch_task *task = calloc(1, sizeof(*task));
        if (!task)
                return NULL;
        *task = (struct git_fetch_task){
                .task = {.run = fetch_run, .free = fetch_free},
                .number = source->number,
                .git = git_ref(source->git),
                .branch = copy(source->conf->branch),
                .remote = copy(source->conf->fetch),
        };
        if (task->branch && task->remote)
                return task;
        fetch_free(&task->task);
        return NULL;
}
