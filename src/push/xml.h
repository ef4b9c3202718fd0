/* A small XML answer as a tree. Foreign bytes: no document type, no entities beyond XML's own, bounded depth.
 */
#pragma once

#include "base/arena.h"

#include <stddef.h>

struct xml_node {
        const char *name;       /* without its namespace */
        const char *text;       /* of this element alone, its children's left out */
        struct xml_node *child; /* the first */
        struct xml_node *next;  /* of the same parent */
};

/* -EBADMSG where it is not whole and well-formed, or deeper than 32; -ENOMEM. All in the arena. */
int xml_parse(const void *bytes, size_t length, struct arena *arena, struct xml_node **ret_root);
/* The first child of that name; NULL where there is none, or node is NULL. */
const struct xml_node *xml_child(const struct xml_node *node, const char *name);
/* The next one of the same name. */
const struct xml_node *xml_next(const struct xml_node *node);
/* The text of a child; NULL where there is none. */
const char *xml_child_text(const struct xml_node *node, const char *name);
