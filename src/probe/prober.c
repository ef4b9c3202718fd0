/* The life of a probe, and the pace of all of them. Main loop.
 *
 *     queue -> udp_send -> waiting -(silent)-> queue -> udp_send -> waiting -(silent, cut short)-> queue
 *           -> tcp_begin (or for_stream, while all connections are taken) -> waiting -> told
 *
 * Each packet and each connection takes its turn in the queue, so that the rate holds over everything that is
 * sent, repeats included. Invariant: a probe is in exactly one list until it is told or cancelled. */
#include "probe/prober.h"

#include "base/clock.h"
#include "conf/conf.h"
#include "probe/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UDP_TRIES 2u
#define UDP_WAIT USEC_PER_SEC
#define TCP_WAIT (4 * USEC_PER_SEC)
#define STREAMS_MAX 128u
#define SENDS_A_TURN 64u

const char *probe_result_name(enum probe_result result)
{
        switch (result) {
        case PROBE_ANSWERED:
                return "answered";
        case PROBE_SILENT:
                return "silent";
        case PROBE_UNREACHABLE:
                return "unreachable";
        case PROBE_BAD_TSIG:
                return "bad TSIG";
        case PROBE_MALFORMED:
                return "malformed answer";
        case PROBE_NOT_SENT:
                return "not sent";
        }
        return "?";
}

static void list_remove(struct probe *probe)
{
        struct probe_list *list = probe->list;
        if (!list)
                return;
        if (probe->previous)
                probe->previous->next = probe->next;
        else
                list->first = probe->next;
        if (probe->next)
                probe->next->previous = probe->previous;
        else
                list->last = probe->previous;
        list->count--;
        probe->list = NULL;
        probe->next = probe->previous = NULL;
}

static void list_move(struct probe_list *list, struct probe *probe)
{
        bool is_first = probe->question.is_urgent;
        list_remove(probe);
        probe->list = list;
        probe->next = is_first ? list->first : NULL;
        probe->previous = is_first ? NULL : list->last;
        if (probe->previous)
                probe->previous->next = probe;
        else
                list->first = probe;
        if (probe->next)
                probe->next->previous = probe;
        else
                list->last = probe;
        list->count++;
}

static void submit(struct probe *probe)
{
        struct prober *prober = probe->prober;
        timers_set(&prober->timers, &probe->timer, TIMER_NEVER);
        list_move(&prober->queue, probe);
        timers_set(&prober->timers, &prober->pace, prober->next_send_usec);
}

void probe_go_tcp(struct probe *probe)
{
        probe_udp_close(probe);
        probe->goes_by_tcp = true;
        submit(probe);
}

void probe_wait(struct probe *probe, uint64_t usec)
{
        struct prober *prober = probe->prober;
        list_move(&prober->waiting, probe);
        timers_set(&prober->timers, &probe->timer, clock_monotonic_usec() + usec);
}

/* ---- the pace ---- */

static void send_one(struct prober *prober, struct probe *probe)
{
        if (probe->goes_by_tcp && prober->stream_count >= STREAMS_MAX) {
                list_move(&prober->for_stream, probe);
                return;
        }
        uint64_t now = clock_monotonic_usec(), interval = prober->interval_usec;
        /* A timer that comes late by less than ten intervals does not lower the rate. */
        bool is_late = now > prober->next_send_usec && now - prober->next_send_usec < 10 * interval;
        prober->next_send_usec = (is_late ? prober->next_send_usec : now) + interval;
        prober->sent++;
        if (probe->first_usec == 0)
                probe->first_usec = now;
        if (probe->goes_by_tcp)
                probe_tcp_begin(probe);
        else
                probe_udp_send(probe);
}

static void pace_run(struct prober *prober)
{
        for (unsigned i = 0; i < SENDS_A_TURN && prober->queue.first; i++) {
                if (clock_monotonic_usec() < prober->next_send_usec)
                        break;
                send_one(prober, prober->queue.first);
        }
        if (prober->queue.first)
                timers_set(&prober->timers, &prober->pace, prober->next_send_usec);
}

/* A connection ended: one that waited for its place is next in the queue. */
static void stream_freed(struct prober *prober)
{
        if (prober->for_stream.first && prober->stream_count < STREAMS_MAX)
                submit(prober->for_stream.first);
}

/* ---- the end ---- */

static void probe_free(struct probe *probe)
{
        struct prober *prober = probe->prober;
        list_remove(probe);
        probe_udp_close(probe);
        probe_tcp_close(probe);
        timers_release(&prober->timers, &probe->timer);
        stream_freed(prober);
        conf_unref(probe->question.conf);
        free(probe);
}

void probe_end(struct probe *probe, struct probe_answer *answer)
{
        struct prober *prober = probe->prober;
        probe_told told = probe->told;
        void *context = probe->context;
        answer->over_tcp = probe->goes_by_tcp;
        if (answer->result != PROBE_ANSWERED && answer->duration_usec == 0 && probe->first_usec > 0)
                answer->duration_usec = clock_monotonic_usec() - probe->first_usec;
        probe_free(probe); /* `answer` is not in it */
        told(context, answer);
        timers_arm(&prober->timers, clock_monotonic_usec());
}

void probe_end_with(struct probe *probe, enum probe_result result, int error)
{
        struct probe_answer answer = {.result = result, .error = error};
        if (probe->had_bad_tsig && result != PROBE_NOT_SENT)
                answer = (struct probe_answer){
                        .result = PROBE_BAD_TSIG,
                        .tsig = probe->bad_tsig,
                        .tsig_error = probe->bad_tsig_error,
                };
        probe_end(probe, &answer);
}

void probe_note_bad_tsig(struct probe *probe, const struct probe_answer *answer)
{
        probe->had_bad_tsig = true;
        probe->bad_tsig = answer->tsig;
        probe->bad_tsig_error = answer->tsig_error;
}

void probe_answered(struct probe *probe, struct probe_answer *answer, uint64_t sent_usec)
{
        bool knows_no_edns = answer->rcode == RCODE_FORMERR || answer->rcode == RCODE_NOTIMP;
        if (knows_no_edns && !probe->without_edns) { /* RFC 6891 s.7 */
                probe->without_edns = true;
                probe->sent_count = 0;
                probe_udp_close(probe);
                probe_tcp_close(probe);
                submit(probe);
                return;
        }
        answer->duration_usec = clock_monotonic_usec() - sent_usec;
        probe_end(probe, answer);
}

static void probe_late(struct probe *probe)
{
        unsigned tries = probe->question.udp_tries ? probe->question.udp_tries : UDP_TRIES;
        if (probe->goes_by_tcp)
                probe_end_with(probe, PROBE_SILENT, 0);
        else if (probe->sent_count < tries)
                submit(probe);
        else
                probe_go_tcp(probe);
}

/* ---- the loop ---- */

static void prober_turn(struct prober *prober)
{
        struct timer_node *node;
        while ((node = timers_take_due(&prober->timers, clock_monotonic_usec()))) {
                if (node->kind == NODE_PROBE) {
                        probe_late((struct probe *)node);
                        continue;
                }
                pace_run(prober);
                if (prober->queue.first && prober->next_send_usec <= clock_monotonic_usec())
                        break; /* the loop has others to serve */
        }
        timers_arm(&prober->timers, clock_monotonic_usec());
}

static int timer_came(sd_event_source *source, uint64_t usec, void *context)
{
        (void)source;
        (void)usec;
        prober_turn(context);
        return 0;
}

static void turn_ended(void *context)
{
        struct prober *prober = context;
        timers_arm(&prober->timers, clock_monotonic_usec());
}

int prober_new(struct sd_event *event, unsigned rate, struct prober **ret_prober)
{
        struct prober *prober = calloc(1, sizeof(*prober));
        if (!prober)
                return -ENOMEM;
        struct udp_pools_owner owner = {
                .received = probe_udp_received,
                .turn_ended = turn_ended,
                .context = prober,
        };
        prober->event = sd_event_ref(event);
        prober->pace.kind = NODE_PACE;
        prober_set_rate(prober, rate);
        int r = timers_open(&prober->timers, event, timer_came, prober);
        if (r >= 0)
                r = timers_reserve(&prober->timers);
        if (r >= 0)
                r = udp_pools_new(event, &owner, &prober->pools);
        if (r < 0) {
                prober_free(prober);
                return r;
        }
        *ret_prober = prober;
        return 0;
}

void prober_set_rate(struct prober *prober, unsigned rate)
{
        prober->interval_usec = USEC_PER_SEC / (rate > 0 ? rate : 1);
}

int probe_start(struct prober *prober, const struct probe_question *question, probe_told told, void *context,
        struct probe **ret_probe)
{
        struct probe *probe = calloc(1, sizeof(*probe));
        if (!probe)
                return -ENOMEM;
        int r = timers_reserve(&prober->timers);
        if (r < 0) {
                free(probe);
                return r;
        }
        probe->timer.kind = NODE_PROBE;
        probe->prober = prober;
        probe->question = *question;
        probe->question.conf = question->conf ? conf_ref(question->conf) : NULL;
        memcpy(probe->name, question->name, name_length(question->name));
        probe->question.name = probe->name;
        if (probe->question.udp_tries > PROBE_UDP_TRIES_MAX)
                probe->question.udp_tries = PROBE_UDP_TRIES_MAX;
        if (probe->question.udp_wait_usec == 0)
                probe->question.udp_wait_usec = UDP_WAIT;
        if (probe->question.tcp_wait_usec == 0)
                probe->question.tcp_wait_usec = TCP_WAIT;
        probe->goes_by_tcp = question->tcp_only;
        probe->told = told;
        probe->context = context;
        submit(probe);
        timers_arm(&prober->timers, clock_monotonic_usec());
        if (ret_probe)
                *ret_probe = probe;
        return 0;
}

struct probe *probe_cancel(struct probe *probe)
{
        if (!probe)
                return NULL;
        struct prober *prober = probe->prober;
        probe_free(probe);
        timers_arm(&prober->timers, clock_monotonic_usec());
        return NULL;
}

size_t prober_count(const struct prober *prober)
{
        return prober->queue.count + prober->for_stream.count + prober->waiting.count;
}

uint64_t prober_sent(const struct prober *prober)
{
        return prober->sent;
}

struct prober *prober_free(struct prober *prober)
{
        if (!prober)
                return NULL;
        struct probe_list *const lists[] = {&prober->for_stream, &prober->queue, &prober->waiting};
        for (unsigned i = 0; i < 3; i++)
                while (lists[i]->first)
                        probe_free(lists[i]->first);
        table_free(&prober->exchanges);
        udp_pools_free(prober->pools);
        timers_close(&prober->timers);
        sd_event_unref(prober->event);
        free(prober);
        return NULL;
}
