/* The worker thread that looks names up, so that no resolver ever stops the main loop: it alone calls
 * getaddrinfo.
 *
 * Two queues and a flag are all that the threads share; who leaves last frees them, as a look-up can take
 * longer than anybody wants to wait for at the end. */
#include "probe/lookup.h"

#include "base/cleanup.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct lookups {
        struct queue *asks, *answers;
        _Atomic bool stop;
        _Atomic int holders;
};

static int lookup_once(const char *name, struct address *ret_addresses, size_t size, size_t *ret_count)
{
        struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG}, *list;
        int r = getaddrinfo(name, NULL, &hints, &list);
        if (r != 0)
                return r;
        size_t count = 0;
        for (const struct addrinfo *at = list; at && count < size; at = at->ai_next) {
                if (address_from_sockaddr(at->ai_addr, &ret_addresses[count]) == 0)
                        count++;
        }
        freeaddrinfo(list);
        *ret_count = count;
        return count > 0 ? 0 : EAI_NONAME;
}

/* With its final dot a name is looked up as it is, without the domains of resolv.conf. /etc/hosts knows none that
 * ends in a dot: what is not found so is asked for once more without it. */
static int lookup_by_system(const char *name, struct address *ret_addresses, size_t size, size_t *ret_count)
{
        char plain[1100];
        size_t length = strlen(name);
        int r = lookup_once(name, ret_addresses, size, ret_count);
        if (r != EAI_NONAME || length < 2 || length >= sizeof(plain) || name[length - 1] != '.')
                return r;
        memcpy(plain, name, length - 1);
        plain[length - 1] = '\0';
        return lookup_once(plain, ret_addresses, size, ret_count);
}

static lookup_function look_up = lookup_by_system;

void lookup_replace(lookup_function function)
{
        look_up = function ? function : lookup_by_system;
}

static void items_free(struct queue_item *item)
{
        while (item) {
                struct queue_item *next = item->next;
                free(item); /* the item is the first member */
                item = next;
        }
}

static void lookups_leave(struct lookups *lookups)
{
        if (atomic_fetch_sub(&lookups->holders, 1) > 1)
                return;
        items_free(queue_take_all(lookups->asks));
        items_free(queue_take_all(lookups->answers));
        queue_free(lookups->asks);
        queue_free(lookups->answers);
        free(lookups);
}

static void *worker(void *context)
{
        struct lookups *lookups = context;
        struct pollfd wait = {.fd = queue_fd(lookups->asks), .events = POLLIN};
        while (!atomic_load(&lookups->stop)) {
                if (poll(&wait, 1, -1) < 0 && errno != EINTR)
                        break;
                for (struct queue_item *item = queue_take_all(lookups->asks), *next; item; item = next) {
                        struct lookup *lookup = (struct lookup *)item;
                        next = item->next;
                        lookup->error = EAI_AGAIN;
                        if (!atomic_load(&lookups->stop))
                                lookup->error = look_up(lookup->name, lookup->addresses, LOOKUP_ADDRESSES_MAX,
                                        &lookup->count);
                        queue_put(lookups->answers, item);
                }
        }
        lookups_leave(lookups);
        return NULL;
}

static int worker_start(struct lookups *lookups)
{
        pthread_attr_t attributes;
        pthread_t thread;
        sigset_t all, before;
        sigfillset(&all); /* signals are the main loop's */
        pthread_sigmask(SIG_SETMASK, &all, &before);
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        atomic_fetch_add(&lookups->holders, 1);
        int r = -pthread_create(&thread, &attributes, worker, lookups);
        if (r < 0)
                atomic_fetch_sub(&lookups->holders, 1);
        pthread_attr_destroy(&attributes);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return r;
}

static int queues_new(struct lookups **ret_lookups)
{
        struct lookups *lookups = calloc(1, sizeof(*lookups));
        if (!lookups)
                return -ENOMEM;
        int r = queue_new(&lookups->asks);
        if (r >= 0)
                r = queue_new(&lookups->answers);
        if (r < 0) {
                queue_free(lookups->asks);
                free(lookups);
                return r;
        }
        lookups->holders = 1;
        *ret_lookups = lookups;
        return 0;
}

int lookups_new(struct lookups **ret_lookups)
{
        struct lookups *lookups = NULL;
        int r = queues_new(&lookups);
        if (r < 0)
                return r;
        r = worker_start(lookups);
        if (r < 0) {
                lookups_leave(lookups);
                return r;
        }
        *ret_lookups = lookups;
        return 0;
}

int lookups_fd(const struct lookups *lookups)
{
        return queue_fd(lookups->answers);
}

int lookups_ask(struct lookups *lookups, const char *name)
{
        struct lookup *lookup = calloc(1, sizeof(*lookup));
        if (!lookup)
                return -ENOMEM;
        strcpy(lookup->name, name);
        queue_put(lookups->asks, &lookup->item);
        return 0;
}

struct lookup *lookups_take(struct lookups *lookups)
{
        return (struct lookup *)queue_take_all(lookups->answers);
}

void lookup_list_free(struct lookup *list)
{
        items_free(list ? &list->item : NULL);
}

struct lookups *lookups_free(struct lookups *lookups)
{
        if (!lookups)
                return NULL;
        atomic_store(&lookups->stop, true);
        /* Wakes it; where memory is out the thread ends with the process. */
        (void)lookups_ask(lookups, ".");
        lookups_leave(lookups);
        return NULL;
}
