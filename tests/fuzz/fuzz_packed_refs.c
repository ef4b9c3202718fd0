/* A packed-refs file: what is found has the form of an id. */
#include "source/git_parse.h"
#include "source/worktree.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char id[GIT_ID_MAX + 1];
        char *text = malloc(size + 1);

        if (!text)
                abort();
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';
        if (worktree_packed_ref(text, "refs/heads/main", id) && !git_is_id(id, strlen(id)))
                abort();
        free(text);
        return 0;
}
