/* Files of a configuration: opening and checking them, and `include` with its globs. Private to the tree. */
#pragma once

#include "conf/tree.h"

/* Puts the statements of the file, or files, that the include names behind tail; returns the new tail. depth
 * and owner are of the place where the include stands. */
struct statement **include_read(struct tree *tree, const struct statement *include, struct statement **tail,
        unsigned depth, const struct statement *owner);

/* tree.c: the statements of one file. */
struct statement **tree_read_source(struct tree *tree, struct source *source, struct statement **tail,
        unsigned depth, const struct statement *owner);
void tree_remember_secret(struct tree *tree, void *bytes, size_t size);
