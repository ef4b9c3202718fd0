/* A few threads that help one: parts of a task that are independent run at the same time, and the caller goes
 * on when all are done. One task at a time; a part never starts another task. */
#pragma once

struct crew;

#define CREW_SIZE_MAX 8

/* threads: how many help, besides the caller, at most CREW_SIZE_MAX with it; 0 = one less than there are
 * processors. They sleep between tasks, with all signals blocked. */
int crew_new(unsigned threads, struct crew **ret_crew);
struct crew *crew_free(struct crew *crew);
/* Threads that work on a task, the caller's among them: 1 (for NULL) to CREW_SIZE_MAX. */
unsigned crew_size(const struct crew *crew);

/* Calls part(context, i) for every i below count, each once, on any of the threads in any order. Without a
 * crew (NULL) the caller does all of it. What the parts wrote is visible to the caller afterwards. */
typedef void (*crew_part)(void *context, unsigned index);
void crew_run(struct crew *crew, crew_part part, void *context, unsigned count);

/* The same in two steps: between them the helpers are at it, and the caller does something else. crew_end()
 * takes part in what is left, and waits. The crew is none of NULL. */
void crew_begin(struct crew *crew, crew_part part, void *context, unsigned count);
void crew_end(struct crew *crew);
