/* The publisher's thread: takes jobs, looks, publishes in batches, posts answers. Private to publish/. */
#pragma once

#include "publish/job.h"

struct publisher;

int publisher_new(struct store *store, struct serial_file *serial_file, struct queue *results,
        struct publisher **ret_publisher);
/* Takes the job over; it comes back through results. */
void publisher_post(struct publisher *publisher, struct publish_job *job);
bool publisher_is_alive(const struct publisher *publisher, uint64_t max_age_usec);
/* Ends the job at hand, commits, joins; jobs not begun are dropped. */
struct publisher *publisher_free(struct publisher *publisher);
