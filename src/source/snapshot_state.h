/* What the two kinds of snapshot share. Private to source/. */
#pragma once

#include "base/arena.h"
#include "base/table.h"
#include "source/source.h"

#include <limits.h>
#include <sys/stat.h>

/* The device of a blob: its identity is made of its id. */
#define SNAPSHOT_DEVICE_GIT UINT64_MAX

struct snapshot_kind {
        /* is_trusted: the configuration's word. ret_fd NULL: only what it is. */
        int (*open)(struct source_snapshot *snapshot, const char *path, bool is_trusted, int *ret_fd,
                struct source_identity *ret_identity);
        /* The name to remember and show: path as it stands, or another form of it in ret_path. */
        int (*name)(const char *path, char ret_path[static PATH_MAX]);
        void (*free)(struct source_snapshot *snapshot);
};

struct source_snapshot {
        const struct snapshot_kind *kind;
        const char *root_told; /* source_snapshot_root */
        char *root;            /* includes are looked for here too; without final slashes */
        struct arena arena;    /* paths */
        struct table by_path;  /* path -> index in files, plus one */
        struct source_file *files;
        size_t file_count;
        size_t file_capacity;

        /* A folder. */
        char *include_root; /* without final slashes */
        char *include_real; /* the include root without symlinks, once asked for; an absolute $INCLUDE may
                               name it so */
        int include_fd;
        char *root_below; /* root relative to the include root ("" = the same); NULL = it lies outside */

        /* A commit. */
        struct git *git;
        char *commit;
};

void identity_from_stat(const struct stat *st, struct source_identity *ret_identity);
/* And when it was asked. */
int identity_of(int fd, struct stat *ret_st, struct source_identity *ret_identity);
/* Joins with a slash between, unless the left is empty; -ENAMETOOLONG. */
int snapshot_path_join(
        char ret_path[static PATH_MAX], const char *left, size_t left_length, const char *right);
/* A copy without the slashes at its end; "/" becomes "". */
char *snapshot_copy_folder(const char *path);
