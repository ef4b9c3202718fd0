/* The thread of an account: takes orders, and does the next step of the way that has waited longest, as the
 * provider's rate allows. One request at a time; while it waits for an answer orders gather in the queue.
 * Errands (errand.h) go where no way is due, at half the rate at most: pushes come first.
 *
 * The account's own things (connection, credentials, pace) belong to the thread alone. */
#include "push/worker.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "base/table.h"
#include "push/credentials.h"
#include "push/pace.h"
#include "push/way.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX
#define REQUEST_TIMEOUT_SEC 30
#define CREDENTIALS_LOOK_USEC (2 * USEC_PER_SEC) /* while somebody was denied */

struct worker {
        pthread_t thread;
        struct queue *orders;
        struct worker_options options;
        atomic_bool is_stopping;

        struct credentials credentials;
        struct pace pace;
        struct http *http;
        struct push_session session;
        char *endpoint;
        struct table by_target;
        struct way *ways;
        struct queue_item *errands, **errands_end; /* orders in a line */
        uint64_t errand_not_before;
        bool is_denied; /* somebody was */
};

static struct push_order *order_free(struct push_order *order)
{
        if (!order)
                return NULL;
        conf_unref(order->conf);
        free(order);
        return NULL;
}

static void tell_gone(struct worker *worker, struct push_target *target)
{
        struct push_report *report = calloc(1, sizeof(*report));
        if (!report)
                return; /* the target stays in memory until the end */
        report->kind = REPORT_GONE;
        report->target = target;
        queue_put(worker->options.reports, &report->item);
}

static void add_way(struct worker *worker, const struct push_order *order)
{
        struct way *way = way_new(order);
        if (!way || table_put(&worker->by_target, &way->target, sizeof(way->target), way, NULL) < 0) {
                way_free(way);
                log_write(LOG_ERR, NULL, "a push cannot begin: memory is out");
                return;
        }
        way->next = worker->ways;
        worker->ways = way;
}

static void remove_way(struct worker *worker, struct way *way)
{
        struct way **at = &worker->ways;
        while (*at != way)
                at = &(*at)->next;
        *at = way->next;
        table_remove(&worker->by_target, &way->target, sizeof(way->target));
        way_free(way);
}

/* What asks for a transfer goes to the head of the line: somebody waits for it. */
static void add_errand(struct worker *worker, struct push_order *order)
{
        struct queue_item **at = order->errand.is_force ? &worker->errands : worker->errands_end;
        order->item.next = *at;
        *at = &order->item;
        if (!order->item.next)
                worker->errands_end = &order->item.next;
}

static void remove_errand(struct worker *worker)
{
        struct queue_item *first = worker->errands;
        worker->errands = first->next;
        if (!worker->errands)
                worker->errands_end = &worker->errands;
        order_free((struct push_order *)first);
}

static void take_orders(struct worker *worker)
{
        for (struct queue_item *item = queue_take_all(worker->orders), *next; item; item = next) {
                struct push_order *order = (struct push_order *)item;
                next = item->next;
                if (order->kind == ORDER_ERRAND) {
                        add_errand(worker, order);
                        continue;
                }
                struct way *way = table_get(&worker->by_target, &order->target, sizeof(order->target));
                if (order->kind == ORDER_BEGIN)
                        add_way(worker, order);
                else if (order->kind == ORDER_FORGET) {
                        if (way)
                                remove_way(worker, way);
                        tell_gone(worker, order->target);
                } else if (way)
                        way_order(way, order);
                order_free(order);
        }
}

static struct way *next_way(const struct worker *worker)
{
        struct way *first = NULL;
        for (struct way *way = worker->ways; way; way = way->next)
                if (way->due != NEVER && (!first || way->due < first->due))
                        first = way;
        return first;
}

/* A credentials file that is there now, or has changed: whoever was denied tries again. */
static void look_at_credentials(struct worker *worker)
{
        if (credentials_refresh(&worker->credentials) < 0 || !worker->credentials.is_new)
                return;
        worker->credentials.is_new = false;
        worker->is_denied = false;
        for (struct way *way = worker->ways; way; way = way->next) {
                if (!way->is_denied)
                        continue;
                way->is_denied = false;
                way->due = clock_monotonic_usec();
        }
}

/* False: there are no credentials, the session says why. */
static bool may_ask(struct worker *worker)
{
        look_at_credentials(worker);
        if (worker->credentials.is_read)
                return true;
        push_say(&worker->session, PUSH_DENIED, "%s", worker->credentials.why);
        return false;
}

/* What the session has asked since then counts. */
static void count_requests(struct worker *worker, uint64_t requests, uint64_t throttled)
{
        const struct push_session *session = &worker->session;
        uint64_t now = clock_monotonic_usec();
        if (session->requests != requests)
                pace_done(&worker->pace, now);
        if (session->throttled != throttled)
                pace_hold(&worker->pace, now + (session->wait_sec ? session->wait_sec : 1) * USEC_PER_SEC);
}

static void step(struct worker *worker, struct way *way)
{
        struct push_session *session = &worker->session;
        struct way_context context = {worker->options.store, session, worker->options.reports};
        uint64_t requests = session->requests, throttled = session->throttled;

        session->why[0] = '\0';
        session->wait_sec = 0;
        if (way_asks(way) && !may_ask(worker)) {
                way_deny(way, &context);
                worker->is_denied = true;
                return;
        }
        way_step(way, &context);
        count_requests(worker, requests, throttled);
        worker->is_denied |= way->is_denied;
}

static void step_errand(struct worker *worker)
{
        struct push_session *session = &worker->session;
        struct push_order *order = (struct push_order *)worker->errands;
        struct push_report *report = calloc(1, sizeof(*report));
        const struct push_limits *limits = &worker->options.provider->limits;
        uint64_t requests = session->requests, throttled = session->throttled;
        bool is_done = true;

        worker->errand_not_before =
                clock_monotonic_usec() + 2 * limits->window_sec * USEC_PER_SEC / limits->requests;
        if (!report)
                return; /* it stays in the line */
        session->why[0] = '\0';
        session->wait_sec = 0;
        if (may_ask(worker))
                is_done = errand_step(&order->errand, session, order->zone);
        else
                errand_end(&order->errand, session, PUSH_DENIED);
        count_requests(worker, requests, throttled);
        if (!is_done) {
                free(report);
                return;
        }
        report->kind = REPORT_ERRAND;
        report->errand = order->errand;
        queue_put(worker->options.reports, &report->item);
        remove_errand(worker);
}

static uint64_t later(uint64_t left, uint64_t right)
{
        return left > right ? left : right;
}

static void wait_for_orders(const struct worker *worker, uint64_t until)
{
        uint64_t now = clock_monotonic_usec();
        if (worker->is_denied && (until == NEVER || until > now + CREDENTIALS_LOOK_USEC))
                until = now + CREDENTIALS_LOOK_USEC;
        struct pollfd ready = {.fd = queue_fd(worker->orders), .events = POLLIN};
        uint64_t usec = until > now ? until - now : 0;
        struct timespec wait = {(time_t)(usec / USEC_PER_SEC), (long)(usec % USEC_PER_SEC) * 1000};
        ppoll(&ready, 1, until == NEVER ? NULL : &wait, NULL);
}

static void *run(void *context)
{
        struct worker *worker = context;
        pthread_setname_np(pthread_self(), "push");
        while (!atomic_load(&worker->is_stopping)) {
                take_orders(worker);
                struct way *way = next_way(worker);
                uint64_t now = clock_monotonic_usec(), until = way ? way->due : NEVER, errand = NEVER;
                if (way && way_asks(way))
                        until = later(until, pace_next(&worker->pace));
                if (worker->errands)
                        errand = later(worker->errand_not_before, pace_next(&worker->pace));
                if (until <= now) {
                        step(worker, way);
                } else if (errand <= now) {
                        step_errand(worker);
                } else {
                        wait_for_orders(worker, until < errand ? until : errand);
                        if (worker->is_denied)
                                look_at_credentials(worker);
                }
        }
        return NULL;
}

static int set_up(struct worker *worker)
{
        const struct conf_secondary *block = worker->options.block;
        const struct push_provider *provider = worker->options.provider;
        struct http_endpoint endpoint = {0};

        worker->endpoint = strdup(block->endpoint ? block->endpoint : provider->default_endpoint);
        if (!worker->endpoint)
                return -ENOMEM;
        size_t length = strlen(worker->endpoint);
        while (length > 0 && worker->endpoint[length - 1] == '/')
                worker->endpoint[--length] = '\0';
        http_endpoint_parse(worker->endpoint, &endpoint);
        struct http_options http = {.ca_file = block->ca_file,
                .may_be_plain = endpoint.is_plain && endpoint.is_loopback,
                .is_stopping = &worker->is_stopping,
                .timeout_sec = REQUEST_TIMEOUT_SEC};
        int r = http_new(&http, &worker->http);
        if (r == 0)
                r = credentials_init(&worker->credentials, worker->options.credentials, provider->is_token);
        if (r == 0)
                r = pace_init(
                        &worker->pace, provider->limits.requests, provider->limits.window_sec * USEC_PER_SEC);
        /* Requests of a process before this one may count still. */
        if (r == 0)
                pace_hold(&worker->pace, clock_monotonic_usec() + USEC_PER_SEC);
        if (r == 0)
                r = queue_new(&worker->orders);
        worker->session = (struct push_session){.provider = provider,
                .credentials = &worker->credentials,
                .http = worker->http,
                .endpoint = worker->endpoint};
        return r;
}

static void tear_down(struct worker *worker)
{
        while (worker->ways)
                remove_way(worker, worker->ways);
        while (worker->errands)
                remove_errand(worker);
        for (struct queue_item *item = worker->orders ? queue_take_all(worker->orders) : NULL, *next; item;
                item = next) {
                next = item->next;
                order_free((struct push_order *)item);
        }
        queue_free(worker->orders);
        table_free(&worker->by_target);
        buffer_free(&worker->session.answer.body);
        http_free(worker->http);
        credentials_clear(&worker->credentials);
        pace_clear(&worker->pace);
        free(worker->endpoint);
        free(worker);
}

int worker_new(const struct worker_options *options, struct worker **ret_worker)
{
        struct worker *worker = calloc(1, sizeof(*worker));
        sigset_t all, before;
        if (!worker)
                return -ENOMEM;
        worker->options = *options;
        worker->errands_end = &worker->errands;
        int r = set_up(worker);
        if (r == 0) {
                sigfillset(&all);
                pthread_sigmask(SIG_SETMASK, &all, &before);
                r = -pthread_create(&worker->thread, NULL, run, worker);
                pthread_sigmask(SIG_SETMASK, &before, NULL);
        }
        if (r < 0) {
                tear_down(worker);
                return r;
        }
        worker->options.block = NULL; /* of a configuration that may go */
        worker->options.credentials = NULL;
        *ret_worker = worker;
        return 0;
}

void worker_post(struct worker *worker, struct push_order *order)
{
        queue_put(worker->orders, &order->item);
}

struct worker *worker_free(struct worker *worker)
{
        if (!worker)
                return NULL;
        atomic_store(&worker->is_stopping, true);
        struct push_order *wake = calloc(1, sizeof(*wake));
        if (wake) {
                wake->kind = ORDER_LOOK; /* of nobody: it only wakes */
                queue_put(worker->orders, &wake->item);
        }
        pthread_join(worker->thread, NULL);
        tear_down(worker);
        return NULL;
}
