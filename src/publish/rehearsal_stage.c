/* A store and a serial file in a temporary folder, published into by the one thread there is: what a plan
 * without a daemon starts from. */
#include "publish/rehearsal.h"

#include "base/cleanup.h"
#include "publish/batch.h"
#include "publish/job.h"
#include "publish/publish.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct rehearsal_stage {
        char folder[PATH_MAX];
        struct conf *conf;
        struct publish_batch batch;
};

static int open_batch(struct rehearsal_stage *stage)
{
        const struct store_options options = {.directory = stage->folder};
        char path[PATH_MAX + 16];
        const char *why;
        bool was_missing;
        size_t damaged;
        int r = store_open(&options, &stage->batch.store, &why);

        snprintf(path, sizeof(path), "%s/serials", stage->folder);
        if (r == 0)
                r = serial_file_open(path, &stage->batch.serial_file, &was_missing, &damaged);
        if (r == 0)
                r = queue_new(&stage->batch.results);
        return r == 0 ? crew_new(0, &stage->batch.crew) : r;
}

int rehearsal_stage_new(struct conf *conf, struct rehearsal_stage **ret_stage)
{
        const char *folder = getenv("TMPDIR");
        struct rehearsal_stage *stage = calloc(1, sizeof(*stage));

        if (!stage)
                return -ENOMEM;
        snprintf(stage->folder, sizeof(stage->folder), "%s/zonecrier-plan-XXXXXX",
                folder && *folder == '/' ? folder : "/tmp");
        if (!mkdtemp(stage->folder)) {
                int r = -errno;
                free(stage);
                return r;
        }
        stage->conf = conf_ref(conf);
        int r = open_batch(stage);
        if (r < 0) {
                rehearsal_stage_free(stage);
                return r;
        }
        *ret_stage = stage;
        return 0;
}

static void drop_results(struct rehearsal_stage *stage)
{
        for (struct queue_item *item = queue_take_all(stage->batch.results), *next; item; item = next) {
                next = item->next;
                publish_job_free((struct publish_job *)item);
        }
}

/* Nobody else writes there: the store's two files, and the serial file. */
static void remove_folder(const char *folder)
{
        static const char *const names[] = {"data.mdb", "lock.mdb", "serials"};
        char path[PATH_MAX + 16];

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
                unlink(path);
        }
        rmdir(folder);
}

struct rehearsal_stage *rehearsal_stage_free(struct rehearsal_stage *stage)
{
        if (!stage)
                return NULL;
        if (stage->batch.results)
                publish_batch_commit(&stage->batch);
        if (stage->batch.results)
                drop_results(stage);
        crew_free(stage->batch.crew);
        queue_free(stage->batch.results);
        free(stage->batch.serials);
        serial_file_close(stage->batch.serial_file);
        store_close(stage->batch.store);
        remove_folder(stage->folder);
        conf_unref(stage->conf);
        free(stage);
        return NULL;
}

static struct publish_job *job_new(
        struct rehearsal_stage *stage, enum job_kind kind, const uint8_t *name, int fd)
{
        struct publish_job *job = publish_job_new(kind, name);

        if (!job)
                return NULL;
        job->conf = conf_ref(stage->conf);
        job->path = strdup(job->name_text);
        job->has_text = true;
        job->text_fd = dup(fd);
        return job->path && job->text_fd >= 0 ? job : publish_job_free(job);
}

/* Nobody is asked where a target's addresses are: each stands for one of documentation (RFC 5737). */
static int answer_aliases(struct publish_job *job)
{
        static const uint8_t v4[][4] = {{192, 0, 2, 1}};
        const struct alias_addresses addresses = {.v4 = v4, .v4_count = 1};
        struct alias_answers *answers = alias_answers_new();
        int r = answers ? 0 : -ENOMEM;

        for (size_t at = 0; r == 0 && at < job->alias_octets; at += name_length(job->alias_names + at))
                r = alias_answers_add(answers, job->alias_names + at, &addresses);
        alias_answers_unref(job->aliases);
        job->aliases = answers;
        publish_job_reset(job);
        return r;
}

static int run(struct rehearsal_stage *stage, struct publish_job *job,
        int (*run_job)(struct publish_batch *batch, struct publish_job *job))
{
        int r = run_job(&stage->batch, job);

        if (r != PUBLISH_ANSWERED || !job->is_alias_open)
                return r;
        r = answer_aliases(job);
        return r < 0 ? r : run_job(&stage->batch, job);
}

static int settle(struct rehearsal_stage *stage, struct publish_job *job, int r)
{
        if (r == PUBLISH_IN_BATCH)
                return publish_batch_wait(&stage->batch, job);
        publish_job_free(job);
        return r;
}

int rehearsal_stage_publish(struct rehearsal_stage *stage, const uint8_t *name, int fd)
{
        struct publish_job *job = job_new(stage, JOB_LOOK, name, fd);
        int r = job ? run(stage, job, publish_run) : -ENOMEM;

        if (r == PUBLISH_ANSWERED && job->verdict.kind == VERDICT_HELD && job->verdict.has_hash) {
                memcpy(job->hash, job->verdict.hash, sizeof(job->hash));
                job->kind = JOB_APPROVE;
                r = publish_run(&stage->batch, job);
        }
        if (r == PUBLISH_ANSWERED)
                r = -EINVAL;
        if (r < 0) {
                publish_job_free(job);
                return r;
        }
        r = settle(stage, job, r);
        if (r == 0 && publish_batch_is_full(&stage->batch))
                r = publish_batch_commit(&stage->batch);
        return r;
}

static int rehearse(struct rehearsal_stage *stage, struct publish_job *job, struct rehearsal *rehearsal,
        int (*run_job)(struct publish_batch *batch, struct publish_job *job))
{
        if (!job)
                return -ENOMEM;
        job->rehearsal = rehearsal;
        int r = run(stage, job, run_job);
        job->rehearsal = NULL; /* the caller's */
        drop_results(stage);
        publish_job_free(job);
        return r < 0 ? r : 0;
}

int rehearsal_stage_plan(
        struct rehearsal_stage *stage, const uint8_t *name, int fd, struct rehearsal *rehearsal)
{
        return rehearse(stage, job_new(stage, JOB_PLAN, name, fd), rehearsal, publish_rehearse);
}

int rehearsal_stage_removal(struct rehearsal_stage *stage, const uint8_t *name, struct rehearsal *rehearsal)
{
        struct publish_job *job = publish_job_new(JOB_PLAN, name);

        if (job)
                job->conf = conf_ref(stage->conf);
        return rehearse(stage, job, rehearsal, publish_rehearse_removal);
}
