/* c-ares on sd-event: a source for each of its sockets, one timer, and the queue of what waits its turn.
 *
 * c-ares may call back from within ares_query (no socket to be had), so a question that is answered then is
 * told by the next turn of the loop: done questions stand in a list, and a deferred source tells them. */
#include "resolve/stub.h"

#include "base/cleanup.h"
#include "base/table.h"
#include "dns/name.h"
#include "dns/record.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

#define RUNNING_MAX 64
#define TRY_MSEC 2000
#define TRIES 3
#define EDNS_SIZE 1232

struct family_answer {
        bool is_done;
        int status; /* ARES_... */
        uint32_t ttl;
        size_t count;
};

struct stub_question {
        struct stub_resolver *resolver;
        struct stub_question *previous, *next; /* of waiting, running or done */
        stub_told told;                        /* NULL: cancelled while c-ares still holds it */
        void *context;
        unsigned open; /* queries that c-ares holds */
        struct family_answer a, aaaa;
        uint8_t v4[STUB_ADDRESSES_MAX][4];
        uint8_t v6[STUB_ADDRESSES_MAX][16];
        enum { QUESTION_WAITING, QUESTION_RUNNING, QUESTION_DONE } step;
        uint8_t name[NAME_MAX_LENGTH];
};

struct question_list {
        struct stub_question *first, *last;
};

struct socket_source {
        struct stub_resolver *resolver;
        ares_socket_t fd;
        struct sd_event_source *source;
};

struct stub_resolver {
        struct sd_event *event;
        ares_channel channel;
        bool has_channel;
        bool is_ending;
        struct sd_event_source *timer, *teller;
        struct table sockets;          /* fd -> struct socket_source */
        struct question_list lists[3]; /* by step */
        size_t running;
};

static void list_add(struct stub_question *question, int step)
{
        struct question_list *list = &question->resolver->lists[step];
        question->step = step;
        question->next = NULL;
        question->previous = list->last;
        *(list->last ? &list->last->next : &list->first) = question;
        list->last = question;
        question->resolver->running += step == QUESTION_RUNNING;
}

static void list_remove(struct stub_question *question)
{
        struct question_list *list = &question->resolver->lists[question->step];
        *(question->previous ? &question->previous->next : &list->first) = question->next;
        *(question->next ? &question->next->previous : &list->last) = question->previous;
        question->resolver->running -= question->step == QUESTION_RUNNING;
}

/* ---- the loop ---- */

static void arm_timer(struct stub_resolver *resolver)
{
        struct timeval longest = {.tv_sec = 60}, due;
        uint64_t now_usec;

        if (resolver->lists[QUESTION_RUNNING].first == NULL) {
                sd_event_source_set_enabled(resolver->timer, SD_EVENT_OFF);
                return;
        }
        const struct timeval *wait = ares_timeout(resolver->channel, &longest, &due);
        sd_event_now(resolver->event, CLOCK_MONOTONIC, &now_usec);
        sd_event_source_set_time(
                resolver->timer, now_usec + (uint64_t)wait->tv_sec * 1000000 + (uint64_t)wait->tv_usec);
        sd_event_source_set_enabled(resolver->timer, SD_EVENT_ONESHOT);
}

static void start_waiting(struct stub_resolver *resolver);

static void process(struct stub_resolver *resolver, ares_socket_t readable, ares_socket_t writable)
{
        ares_process_fd(resolver->channel, readable, writable);
        start_waiting(resolver);
}

static int on_timer(struct sd_event_source *source, uint64_t usec, void *context)
{
        (void)source;
        (void)usec;
        process(context, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        return 0;
}

static int on_socket(struct sd_event_source *source, int fd, uint32_t events, void *context)
{
        struct socket_source *socket = context; /* may be freed by what follows */
        (void)source;
        process(socket->resolver, events & (EPOLLIN | EPOLLERR | EPOLLHUP) ? fd : ARES_SOCKET_BAD,
                events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
        return 0;
}

static void socket_forget(struct socket_source *socket)
{
        table_remove(&socket->resolver->sockets, &socket->fd, sizeof(socket->fd));
        sd_event_source_disable_unref(socket->source);
        free(socket);
}

/* c-ares says what it waits for on a socket; for nothing: it is about to be closed. */
static void on_socket_state(void *context, ares_socket_t fd, int readable, int writable)
{
        struct stub_resolver *resolver = context;
        struct socket_source *socket = table_get(&resolver->sockets, &fd, sizeof(fd));
        uint32_t events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);

        if (socket && events == 0) {
                socket_forget(socket);
        } else if (socket) {
                sd_event_source_set_io_events(socket->source, events);
        } else if (events != 0) {
                socket = calloc(1, sizeof(*socket));
                if (!socket)
                        return; /* the question times out */
                *socket = (struct socket_source){.resolver = resolver, .fd = fd};
                if (sd_event_add_io(resolver->event, &socket->source, fd, events, on_socket, socket) < 0) {
                        free(socket);
                } else if (table_put(&resolver->sockets, &socket->fd, sizeof(socket->fd), socket, NULL) < 0) {
                        sd_event_source_disable_unref(socket->source);
                        free(socket);
                }
        }
}

/* ---- answers ---- */

static int compare_v4(const void *left, const void *right)
{
        return memcmp(left, right, 4);
}

static int compare_v6(const void *left, const void *right)
{
        return memcmp(left, right, 16);
}

/* Sorts addresses of `size` octets and drops what is there twice. */
static size_t sort_once(uint8_t *addresses, size_t count, size_t size)
{
        size_t kept = 0;
        qsort(addresses, count, size, size == 4 ? compare_v4 : compare_v6);
        for (size_t i = 0; i < count; i++)
                if (kept == 0 || memcmp(addresses + (kept - 1) * size, addresses + i * size, size) != 0)
                        memmove(addresses + kept++ * size, addresses + i * size, size);
        return kept;
}

static void lower(uint32_t *lowest, int ttl)
{
        uint32_t value = ttl < 0 ? 0 : (uint32_t)ttl;
        if (value < *lowest)
                *lowest = value;
}

static void keep_v4(struct stub_question *question, const unsigned char *message, int length)
{
        struct ares_addrttl found[STUB_ADDRESSES_MAX];
        int count = STUB_ADDRESSES_MAX;
        question->a.status = ares_parse_a_reply(message, length, NULL, found, &count);
        question->a.ttl = UINT32_MAX;
        for (int i = 0; question->a.status == ARES_SUCCESS && i < count; i++) {
                memcpy(question->v4[question->a.count++], &found[i].ipaddr, 4);
                lower(&question->a.ttl, found[i].ttl);
        }
        question->a.count = sort_once(question->v4[0], question->a.count, 4);
}

static void keep_v6(struct stub_question *question, const unsigned char *message, int length)
{
        struct ares_addr6ttl found[STUB_ADDRESSES_MAX];
        int count = STUB_ADDRESSES_MAX;
        question->aaaa.status = ares_parse_aaaa_reply(message, length, NULL, found, &count);
        question->aaaa.ttl = UINT32_MAX;
        for (int i = 0; question->aaaa.status == ARES_SUCCESS && i < count; i++) {
                memcpy(question->v6[question->aaaa.count++], &found[i].ip6addr, 16);
                lower(&question->aaaa.ttl, found[i].ttl);
        }
        question->aaaa.count = sort_once(question->v6[0], question->aaaa.count, 16);
}

static void end_one(struct stub_question *question)
{
        struct stub_resolver *resolver = question->resolver;

        if (--question->open > 0)
                return;
        list_remove(question);
        if (!question->told || resolver->is_ending) {
                free(question);
                return;
        }
        list_add(question, QUESTION_DONE);
        sd_event_source_set_enabled(resolver->teller, SD_EVENT_ONESHOT);
}

static void on_a(void *context, int status, int timeouts, unsigned char *message, int length)
{
        struct stub_question *question = context;
        (void)timeouts;
        question->a.status = status;
        if (status == ARES_SUCCESS)
                keep_v4(question, message, length);
        end_one(question);
}

static void on_aaaa(void *context, int status, int timeouts, unsigned char *message, int length)
{
        struct stub_question *question = context;
        (void)timeouts;
        question->aaaa.status = status;
        if (status == ARES_SUCCESS)
                keep_v6(question, message, length);
        end_one(question);
}

static const char *failure_text(int status)
{
        switch (status) {
        case ARES_ESERVFAIL:
                return "the resolver answered SERVFAIL";
        case ARES_EREFUSED:
                return "the resolver answered REFUSED";
        case ARES_EFORMERR:
                return "the resolver answered FORMERR";
        case ARES_ENOTIMP:
                return "the resolver answered NOTIMP";
        case ARES_ETIMEOUT:
                return "no resolver answered in time";
        case ARES_ECONNREFUSED:
                return "no resolver could be reached";
        case ARES_EBADRESP:
                return "the resolver's answer could not be read";
        default:
                return ares_strerror(status);
        }
}

static bool is_known(int status)
{
        return status == ARES_SUCCESS || status == ARES_ENODATA;
}

static struct stub_answer judge(const struct stub_question *question)
{
        const struct family_answer *a = &question->a, *aaaa = &question->aaaa;

        if (a->status == ARES_ENOTFOUND || aaaa->status == ARES_ENOTFOUND)
                return (struct stub_answer){
                        .result = STUB_NO_NAME, .why = "there is no such name (NXDOMAIN)"};
        if (!is_known(a->status) || !is_known(aaaa->status))
                return (struct stub_answer){.result = STUB_FAILED,
                        .why = failure_text(is_known(a->status) ? aaaa->status : a->status)};
        if (a->count + aaaa->count == 0)
                return (struct stub_answer){.result = STUB_NOTHING, .why = "the name has neither A nor AAAA"};
        return (struct stub_answer){.result = STUB_FOUND,
                .ttl = a->count == 0 || (aaaa->count > 0 && aaaa->ttl < a->ttl) ? aaaa->ttl : a->ttl,
                .v4 = question->v4,
                .v4_count = a->count,
                .v6 = question->v6,
                .v6_count = aaaa->count};
}

static int tell_done(struct sd_event_source *source, void *context)
{
        struct stub_resolver *resolver = context;
        struct stub_question *question;
        (void)source;

        while ((question = resolver->lists[QUESTION_DONE].first)) {
                struct stub_answer answer = judge(question);
                list_remove(question);
                question->told(question->context, &answer);
                free(question);
        }
        start_waiting(resolver);
        return 0;
}

/* ---- questions ---- */

/* RFC 1035 s.5.1 escapes are what c-ares reads names with. */
static void start(struct stub_question *question)
{
        char text[NAME_TEXT_MAX];
        ares_channel channel = question->resolver->channel;

        name_to_text(question->name, text);
        question->open = 2;
        list_add(question, QUESTION_RUNNING);
        ares_query(channel, text, ns_c_in, ns_t_a, on_a, question);
        ares_query(channel, text, ns_c_in, ns_t_aaaa, on_aaaa, question);
}

static void start_waiting(struct stub_resolver *resolver)
{
        struct stub_question *question;
        while (resolver->running < RUNNING_MAX && (question = resolver->lists[QUESTION_WAITING].first)) {
                list_remove(question);
                start(question);
        }
        arm_timer(resolver);
}

int stub_ask(struct stub_resolver *resolver, const uint8_t *name, stub_told told, void *context,
        struct stub_question **ret_question)
{
        struct stub_question *question = calloc(1, sizeof(*question));
        if (!question)
                return -ENOMEM;
        question->resolver = resolver;
        question->told = told;
        question->context = context;
        memcpy(question->name, name, name_length(name));
        list_add(question, QUESTION_WAITING);
        sd_event_source_set_enabled(resolver->teller, SD_EVENT_ONESHOT); /* starts it */
        *ret_question = question;
        return 0;
}

struct stub_question *stub_cancel(struct stub_question *question)
{
        if (!question)
                return NULL;
        question->told = NULL; /* c-ares may hold it: freed when it lets go */
        if (question->step != QUESTION_RUNNING) {
                list_remove(question);
                free(question);
        }
        return NULL;
}

static int set_servers(struct stub_resolver *resolver, const struct address *servers, size_t count)
{
        struct ares_addr_port_node *nodes = calloc(count, sizeof(*nodes));
        if (!nodes)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                nodes[i].next = i + 1 < count ? &nodes[i + 1] : NULL;
                nodes[i].family = servers[i].family;
                memcpy(&nodes[i].addr, servers[i].bytes, servers[i].family == AF_INET ? 4 : 16);
                nodes[i].udp_port = nodes[i].tcp_port = servers[i].port;
        }
        int status = ares_set_servers_ports(resolver->channel, nodes);
        free(nodes);
        return status == ARES_SUCCESS ? 0 : status == ARES_ENOMEM ? -ENOMEM : -EIO;
}

static int open_channel(struct stub_resolver *resolver, const struct address *servers, size_t count)
{
        static char by_dns[] = "b";
        struct ares_options options = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
                .timeout = TRY_MSEC,
                .tries = TRIES,
                .ednspsz = EDNS_SIZE,
                .lookups = by_dns,
                .sock_state_cb = on_socket_state,
                .sock_state_cb_data = resolver};
        int status = ares_library_init(ARES_LIB_INIT_ALL);
        if (status == ARES_SUCCESS)
                status = ares_init_options(&resolver->channel, &options,
                        ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
                                ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
        if (status != ARES_SUCCESS)
                return status == ARES_ENOMEM ? -ENOMEM : -EIO;
        resolver->has_channel = true;
        return count > 0 ? set_servers(resolver, servers, count) : 0;
}

int stub_new(struct sd_event *event, const struct address *servers, size_t count,
        struct stub_resolver **ret_resolver)
{
        struct stub_resolver *resolver = calloc(1, sizeof(*resolver));
        if (!resolver)
                return -ENOMEM;
        resolver->event = sd_event_ref(event);
        int r = sd_event_add_time(event, &resolver->timer, CLOCK_MONOTONIC, 0, 10000, on_timer, resolver);
        if (r >= 0)
                r = sd_event_source_set_enabled(resolver->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_defer(event, &resolver->teller, tell_done, resolver);
        if (r >= 0)
                r = sd_event_source_set_enabled(resolver->teller, SD_EVENT_OFF);
        if (r >= 0)
                r = open_channel(resolver, servers, count);
        if (r < 0) {
                stub_free(resolver);
                return r;
        }
        *ret_resolver = resolver;
        return 0;
}

struct stub_resolver *stub_free(struct stub_resolver *resolver)
{
        struct stub_question *question;
        struct socket_source *socket;

        if (!resolver)
                return NULL;
        resolver->is_ending = true;
        if (resolver->has_channel) {
                ares_destroy(resolver->channel); /* ends what it holds: end_one frees it */
                ares_library_cleanup();
        }
        for (int step = 0; step < 3; step++)
                while ((question = resolver->lists[step].first)) {
                        list_remove(question);
                        free(question);
                }
        for (size_t position = 0; (socket = table_next(&resolver->sockets, &position));)
                socket_forget(socket);
        table_free(&resolver->sockets);
        sd_event_source_disable_unref(resolver->timer);
        sd_event_source_disable_unref(resolver->teller);
        sd_event_unref(resolver->event);
        free(resolver);
        return NULL;
}
