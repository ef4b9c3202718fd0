/* See crew.h. The mutex guards the task; indices are taken without it. */
#include "base/crew.h"

#include "base/precedence.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define HELPERS_MAX (CREW_SIZE_MAX - 1)

struct crew {
        pthread_mutex_t mutex;
        pthread_cond_t begun, ended;
        pthread_t threads[HELPERS_MAX];
        unsigned thread_count;
        bool stops;
        unsigned long task; /* number of the task at hand */
        unsigned at_work;   /* helpers that have not finished with it */
        crew_part part;
        void *context;
        unsigned count;
        _Atomic unsigned next;
};

static void work(struct crew *crew)
{
        unsigned index;

        while ((index = atomic_fetch_add(&crew->next, 1)) < crew->count)
                crew->part(crew->context, index);
}

static void *helper_main(void *argument)
{
        struct crew *crew = argument;
        unsigned long done = 0;

        thread_step_back();
        pthread_mutex_lock(&crew->mutex);
        for (;;) {
                while (!crew->stops && crew->task == done)
                        pthread_cond_wait(&crew->begun, &crew->mutex);
                if (crew->stops)
                        break;
                done = crew->task;
                pthread_mutex_unlock(&crew->mutex);
                work(crew);
                pthread_mutex_lock(&crew->mutex);
                if (--crew->at_work == 0)
                        pthread_cond_signal(&crew->ended);
        }
        pthread_mutex_unlock(&crew->mutex);
        return NULL;
}

static unsigned default_size(void)
{
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        return processors <= 1 ? 0 : processors > HELPERS_MAX ? HELPERS_MAX : (unsigned)processors - 1;
}

int crew_new(unsigned threads, struct crew **ret_crew)
{
        struct crew *crew = calloc(1, sizeof(*crew));
        sigset_t all, before;
        int r = 0;

        if (!crew)
                return -ENOMEM;
        pthread_mutex_init(&crew->mutex, NULL);
        pthread_cond_init(&crew->begun, NULL);
        pthread_cond_init(&crew->ended, NULL);
        if (threads == 0)
                threads = default_size();
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        for (unsigned i = 0; r == 0 && i < threads && i < HELPERS_MAX; i++) {
                r = -pthread_create(&crew->threads[i], NULL, helper_main, crew);
                if (r == 0) {
                        pthread_setname_np(crew->threads[i], "crew");
                        crew->thread_count++;
                }
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r < 0) {
                crew_free(crew);
                return r;
        }
        *ret_crew = crew;
        return 0;
}

struct crew *crew_free(struct crew *crew)
{
        if (!crew)
                return NULL;
        pthread_mutex_lock(&crew->mutex);
        crew->stops = true;
        pthread_cond_broadcast(&crew->begun);
        pthread_mutex_unlock(&crew->mutex);
        for (unsigned i = 0; i < crew->thread_count; i++)
                pthread_join(crew->threads[i], NULL);
        pthread_mutex_destroy(&crew->mutex);
        pthread_cond_destroy(&crew->begun);
        pthread_cond_destroy(&crew->ended);
        free(crew);
        return NULL;
}

unsigned crew_size(const struct crew *crew)
{
        return crew ? crew->thread_count + 1 : 1;
}

void crew_begin(struct crew *crew, crew_part part, void *context, unsigned count)
{
        pthread_mutex_lock(&crew->mutex);
        crew->part = part;
        crew->context = context;
        crew->count = count;
        atomic_store(&crew->next, 0);
        crew->at_work = crew->thread_count;
        crew->task++;
        pthread_cond_broadcast(&crew->begun);
        pthread_mutex_unlock(&crew->mutex);
}

void crew_end(struct crew *crew)
{
        work(crew);
        pthread_mutex_lock(&crew->mutex);
        while (crew->at_work > 0)
                pthread_cond_wait(&crew->ended, &crew->mutex);
        pthread_mutex_unlock(&crew->mutex);
}

void crew_run(struct crew *crew, crew_part part, void *context, unsigned count)
{
        if (!crew || crew->thread_count == 0 || count < 2) {
                for (unsigned i = 0; i < count; i++)
                        part(context, i);
                return;
        }
        crew_begin(crew, part, context, count);
        crew_end(crew);
}
