/* serial-write-back: the published serial's digits into the zone's file, on a thread of its own: a copy of a
 * large file is written and synced. Private to publish/. */
#pragma once

#include "publish/job.h"

struct write_back;

int write_back_new(struct queue *results, struct write_back **ret_write_back);
/* Takes a job over (JOB_WRITE_BACK: file_identity, file_serial and verdict.serial are those of the look that
 * asked for it); it comes back through results with a verdict: VERDICT_UNCHANGED where there is nothing to
 * tell, VERDICT_PUBLISHED where the file was written, VERDICT_FAILED with the reason. */
void write_back_post(struct write_back *write_back, struct publish_job *job);
/* Ends what is at hand; the rest comes back through results undone. */
struct write_back *write_back_free(struct write_back *write_back);
