/* Repositories that zones come from, for status: which commit each is at, and what is wrong with it. Main
 * loop. */
#include "control/status.h"

#include "base/clock.h"
#include "source/git.h"

static void append_commit(struct json *json, const struct git_commit *commit)
{
        if (!commit) {
                json_nothing(json, "commit");
                return;
        }
        json_text(json, "commit", commit->id);
        json_text(json, "author", commit->author);
        json_text(json, "subject", commit->subject);
        json_time(json, "committed_at", commit->time_sec * USEC_PER_SEC);
}

void status_append_git(struct json *json, const struct status_sources *sources)
{
        struct registry_git git;

        json_open(json, "git", '[');
        for (size_t position = 0; registry_git_next(sources->options->registry, &position, &git);) {
                json_open(json, NULL, '{');
                json_text(json, "repository", git.repository);
                json_text(json, "branch", git.branch);
                json_text(json, "path", git.path);
                append_commit(json, git.commit);
                json_text(json, "answered", git.answered);
                json_number(json, "pending", git.pending_count);
                json_text(json, "error", git.error);
                json_time(json, "error_at", git.error ? git.error_usec : 0);
                if (git.fetch) {
                        json_text(json, "fetch", git.fetch);
                        json_time(json, "fetched_at", git.fetched_usec);
                        json_text(json, "fetch_error", git.fetch_error);
                }
                if (git.has_notes)
                        json_text(json, "notes_error", git.notes_error);
                json_close(json, '}');
        }
        json_close(json, ']');
}
