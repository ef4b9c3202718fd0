/* Where a serial comes from, as each step of the journal keeps it (store_step.provenance): text, one line a
 * thing, the file first.
 *
 *     file git:/srv/dns.git:zones/example.com.zone
 *     commit 1f3c...
 *     author Anna A <anna@example.net>
 *     time 1700000000
 *     subject www moves to the new address
 */
#pragma once

#include "source/git.h"

struct provenance {
        char file[512];           /* "" = unknown; a path, or "git:REPOSITORY:PATH" */
        char by[64];              /* what made it besides an edit: "rollback to 7", "" = nothing */
        bool has_commit;          /* else what follows is empty */
        struct git_commit commit; /* its tree is not kept */
};

/* Appends it as text. */
void provenance_write(const struct provenance *provenance, struct buffer *out);
/* The way back; what is unknown is left out. Never fails: the text is our own, but may be an older or newer
 * zonecrier's. */
void provenance_read(const char *text, struct provenance *ret_provenance);
