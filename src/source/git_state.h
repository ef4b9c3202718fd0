/* What the files of a repository share. Private to source/. */
#pragma once

#include "base/arena.h"
#include "base/piped.h"
#include "source/git_parse.h"

#include <pthread.h>
#include <stdatomic.h>

#define GIT_READER_BYTES ((size_t)128 * 1024)

/* `git cat-file --batch-command`, one question at a time. */
struct git_reader {
        struct piped child;
        char *bytes; /* read, not yet used: from begin to end */
        size_t begin, end;
        uint64_t stuck_until_usec; /* it did not answer: nobody waits for it again before */
};

struct git {
        _Atomic unsigned references;
        struct git_options options;
        char *path;
        char *folder, *common_folder; /* NULL until located */
        dev_t device;                 /* of folder */
        ino_t inode;
        const char **environment; /* as of struct spawn: what is set, what is unset */
        struct arena arena;       /* its texts */
        int cancel_fd;
        pthread_mutex_t lock; /* of reader */
        struct git_reader reader;
};

int git_arguments(const struct git *git, const char *const *command, const char **ret_arguments, size_t size);
void git_reader_stop(struct git *git);
