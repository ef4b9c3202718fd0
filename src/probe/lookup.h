/* Addresses of names, looked up on a thread of its own. */
#pragma once

#include "base/address.h"
#include "base/queue.h"
#include "dns/name.h"

#include <stddef.h>

#define LOOKUP_ADDRESSES_MAX 16

struct lookup {
        struct queue_item item; /* first. The next answer is item.next */
        int error;              /* EAI_..., 0 = fine */
        size_t count;
        struct address addresses[LOOKUP_ADDRESSES_MAX];
        char name[NAME_TEXT_MAX]; /* with the final dot: no search list */
};

struct lookups;

/* Starts the thread. */
int lookups_new(struct lookups **ret_lookups);
int lookups_fd(const struct lookups *lookups); /* readable while answers wait */
int lookups_ask(struct lookups *lookups, const char *name);
struct lookup *lookups_take(struct lookups *lookups); /* all answers; NULL: none */
void lookup_list_free(struct lookup *list);
struct lookups *lookups_free(struct lookups *lookups);

typedef int (*lookup_function)(
        const char *name, struct address *ret_addresses, size_t size, size_t *ret_count);
/* Tests: in place of getaddrinfo, called on the worker's thread; NULL: getaddrinfo again. Before lookups_new.
 */
void lookup_replace(lookup_function function);
