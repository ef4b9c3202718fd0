/* Questions for serials (inquiry.h). Main loop.
 *
 *     round (one zone) --- ask, ask ... (one a server of it)
 *                           |
 *     server ---------------+ asks that wait, in a list; those under way
 *
 * A round ends when its last ask ends. Names of servers are looked up on a thread of their own, and kept for
 * some minutes. */
#include "publish/inquiry.h"

#include "base/clock.h"
#include "base/table.h"
#include "dns/type.h"
#include "probe/lookup.h"
#include "probe/prober.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#define RATE 250                        /* connections a second, over all servers */
#define SERVER_ASKS_MAX 16              /* at a time at one server that answers */
#define SILENT_USEC (10 * USEC_PER_SEC) /* so long nobody else is kept waiting for it */
#define NAME_KEPT_USEC (300 * USEC_PER_SEC)

struct server {
        char key[INQUIRY_NAME_MAX]; /* address and port, or the name */
        struct address address;     /* family 0: not looked up yet */
        bool is_name, is_looked_up_now;
        uint64_t known_until_usec;  /* of a name's address; monotonic */
        uint64_t silent_until_usec; /* monotonic */
        bool answers;               /* it did, the last time */
        unsigned under_way;
        struct ask *first, *last; /* that wait */
};

struct ask {
        struct ask *next;
        struct server *server;
        struct inquiry_round *round; /* NULL = cancelled */
        struct probe *probe;
        size_t index; /* of its answer */
        bool is_unsigned;
};

struct inquiry_round {
        struct inquiry *inquiry;
        struct inquiry_round *next, *previous;
        struct conf *conf; /* a reference */
        inquiry_told told;
        void *context;
        size_t left, count;
        struct ask *asks; /* count */
        struct inquiry_answer *answers;
        bool is_starting;
        uint8_t zone[NAME_MAX_LENGTH];
};

struct inquiry {
        struct sd_event *event;
        struct prober *prober;
        struct lookups *lookups; /* NULL until a name is asked for */
        sd_event_source *lookups_source;
        struct table servers; /* key -> struct server */
        struct inquiry_round *rounds;
        struct address source, source_v6;
};

/* ---- rounds ---- */

static void round_free(struct inquiry_round *round)
{
        if (round->previous)
                round->previous->next = round->next;
        else if (round->inquiry->rounds == round)
                round->inquiry->rounds = round->next;
        if (round->next)
                round->next->previous = round->previous;
        conf_unref(round->conf);
        free(round->asks);
        free(round->answers);
        free(round);
}

static void ask_end(struct ask *ask, const struct lost_answer *told, const char *why)
{
        struct inquiry_round *round = ask->round;

        round->answers[ask->index].told = *told;
        round->answers[ask->index].why = why;
        if (--round->left > 0 || round->is_starting)
                return;
        round->told(round->context, round->answers, round->count);
        round_free(round);
}

static void ask_end_unknown(struct ask *ask, const char *why)
{
        ask_end(ask, &(struct lost_answer){.kind = LOST_UNKNOWN}, why);
}

/* ---- servers ---- */

static void server_run(struct inquiry *inquiry, struct server *server);

static void server_wait(struct server *server, struct ask *ask)
{
        ask->next = NULL;
        if (server->last)
                server->last->next = ask;
        else
                server->first = ask;
        server->last = ask;
}

static struct ask *server_take(struct server *server)
{
        struct ask *ask = server->first;

        server->first = ask->next;
        if (!server->first)
                server->last = NULL;
        return ask;
}

/* Nobody else waits for it. */
static void server_is_silent(struct server *server, const char *why)
{
        server->answers = false;
        server->silent_until_usec = clock_monotonic_usec() + SILENT_USEC;
        while (server->first)
                ask_end_unknown(server_take(server), why);
}

static const char *rcode_text(unsigned rcode)
{
        switch (rcode) {
        case 0:
                return "not authoritative";
        case 1:
                return "FORMERR";
        case 2:
                return "SERVFAIL";
        case 3:
                return "NXDOMAIN";
        case 4:
                return "NOTIMP";
        case 5:
                return "REFUSED";
        case 9:
                return "NOTAUTH";
        default:
                return "an error";
        }
}

/* What an answer says of the zone. A server that is set up for it and does not have it yet says SERVFAIL. */
static struct lost_answer read_answer(const struct probe_answer *answer, bool is_signed)
{
        if (answer->rcode == 0 && answer->is_authoritative && answer->has_serial)
                return (struct lost_answer){
                        .kind = LOST_SERIAL, .serial = answer->serial, .is_signed = is_signed};
        if (answer->rcode == 1 || answer->rcode == 4)
                return (struct lost_answer){.kind = LOST_UNKNOWN};
        return (struct lost_answer){.kind = LOST_NOT_THERE};
}

static int ask_send(struct inquiry *inquiry, struct ask *ask);

static void on_answer(void *context, const struct probe_answer *answer)
{
        struct ask *ask = context;
        struct server *server = ask->server;
        struct inquiry *inquiry = ask->round->inquiry;

        ask->probe = NULL;
        server->under_way--;
        switch (answer->result) {
        case PROBE_ANSWERED: {
                bool is_signed = !ask->is_unsigned && ask->round->answers[ask->index].server.key;
                struct lost_answer told = read_answer(answer, is_signed);
                server->answers = true;
                ask_end(ask, &told, told.kind == LOST_SERIAL ? NULL : rcode_text(answer->rcode));
                break;
        }
        case PROBE_BAD_TSIG:
                /* Public name servers rarely know the key of the transfers. */
                server->answers = true;
                if (ask->is_unsigned) {
                        ask_end_unknown(ask, "an answer with a wrong signature");
                        break;
                }
                ask->is_unsigned = true;
                if (ask_send(inquiry, ask) < 0)
                        ask_end_unknown(ask, "no memory");
                break;
        case PROBE_MALFORMED:
                server->answers = true;
                ask_end_unknown(ask, "no sensible answer");
                break;
        case PROBE_SILENT:
                ask_end_unknown(ask, "silent");
                server_is_silent(server, "silent");
                break;
        case PROBE_UNREACHABLE:
        case PROBE_NOT_SENT:
                ask_end_unknown(ask, "cannot be reached");
                server_is_silent(server, "cannot be reached");
                break;
        }
        server_run(inquiry, server);
}

static int ask_send(struct inquiry *inquiry, struct ask *ask)
{
        const struct tsig_key *key = ask->round->answers[ask->index].server.key;
        const struct probe_question question = {
                .server = ask->server->address,
                .source = ask->server->address.family == AF_INET6 ? inquiry->source_v6 : inquiry->source,
                .name = ask->round->zone,
                .type = TYPE_SOA,
                .key = ask->is_unsigned ? NULL : key,
                .conf = ask->round->conf,
                .tcp_only = true,
        };
        int r = probe_start(inquiry->prober, &question, on_answer, ask, &ask->probe);
        if (r == 0)
                ask->server->under_way++;
        return r;
}

static int on_lookups(sd_event_source *source, int fd, uint32_t events, void *context)
{
        struct inquiry *inquiry = context;
        struct lookup *answers = lookups_take(inquiry->lookups);
        (void)source, (void)fd, (void)events;

        for (struct lookup *answer = answers; answer; answer = (struct lookup *)answer->item.next) {
                size_t length = strlen(answer->name);
                struct server *server =
                        length > 0 ? table_get(&inquiry->servers, answer->name, length - 1) : NULL;
                if (!server)
                        continue;
                server->is_looked_up_now = false;
                if (answer->error != 0 || answer->count == 0) {
                        server_is_silent(server, "its name has no address");
                        continue;
                }
                server->address = answer->addresses[0];
                server->address.port = 53;
                server->known_until_usec = clock_monotonic_usec() + NAME_KEPT_USEC;
                server_run(inquiry, server);
        }
        lookup_list_free(answers);
        return 0;
}

static int server_look_up(struct inquiry *inquiry, struct server *server)
{
        char name[INQUIRY_NAME_MAX + 1];
        int r = 0;

        if (!inquiry->lookups) {
                r = lookups_new(&inquiry->lookups);
                if (r == 0)
                        r = sd_event_add_io(inquiry->event, &inquiry->lookups_source,
                                lookups_fd(inquiry->lookups), EPOLLIN, on_lookups, inquiry);
        }
        snprintf(name, sizeof(name), "%s.", server->key);
        if (r >= 0)
                r = lookups_ask(inquiry->lookups, name);
        server->is_looked_up_now = r >= 0;
        return r < 0 ? r : 0;
}

/* Sends what may be sent to it now. */
static void server_run(struct inquiry *inquiry, struct server *server)
{
        uint64_t now = clock_monotonic_usec();

        if (!server->first || server->is_looked_up_now)
                return;
        if (server->is_name && now >= server->known_until_usec) {
                if (server_look_up(inquiry, server) < 0)
                        server_is_silent(server, "its name cannot be looked up");
                return;
        }
        while (server->first && server->under_way < (server->answers ? SERVER_ASKS_MAX : 1)) {
                struct ask *ask = server_take(server);
                if (ask_send(inquiry, ask) < 0)
                        ask_end_unknown(ask, "no memory");
        }
}

static struct server *server_get(struct inquiry *inquiry, const struct inquiry_server *asked)
{
        char key[INQUIRY_NAME_MAX];
        char address[ADDRESS_TEXT_MAX];
        struct server *server;

        snprintf(key, sizeof(key), "%.150s",
                asked->host ? asked->host : address_format(&asked->address, address));
        server = table_get(&inquiry->servers, key, strlen(key));
        if (server)
                return server;
        server = calloc(1, sizeof(*server));
        if (!server)
                return NULL;
        memcpy(server->key, key, sizeof(key));
        server->address = asked->address;
        server->is_name = asked->host != NULL;
        if (table_put(&inquiry->servers, server->key, strlen(server->key), server, NULL) < 0) {
                free(server);
                return NULL;
        }
        return server;
}

/* ---- the interface ---- */

static struct inquiry_round *round_new(struct inquiry *inquiry, struct conf *conf, const uint8_t *zone)
{
        struct inquiry_server servers[INQUIRY_SERVERS_MAX];
        size_t count = inquiry_servers(conf_policy_for(conf, zone), servers);
        struct inquiry_round *round = calloc(1, sizeof(*round));

        if (!round)
                return NULL;
        round->inquiry = inquiry;
        round->asks = calloc(count + 1, sizeof(*round->asks));
        round->answers = calloc(count + 1, sizeof(*round->answers));
        if (!round->asks || !round->answers) {
                free(round->asks);
                free(round->answers);
                free(round);
                return NULL;
        }
        round->conf = conf_ref(conf);
        round->count = round->left = count;
        memcpy(round->zone, zone, name_length(zone));
        for (size_t i = 0; i < count; i++) {
                round->answers[i].server = servers[i];
                round->asks[i] = (struct ask){.round = round, .index = i};
        }
        round->next = inquiry->rounds;
        if (round->next)
                round->next->previous = round;
        inquiry->rounds = round;
        return round;
}

int inquiry_start(struct inquiry *inquiry, struct conf *conf, const uint8_t *zone, inquiry_told told,
        void *context, struct inquiry_round **ret_round)
{
        struct inquiry_round *round = round_new(inquiry, conf, zone);
        uint64_t now = clock_monotonic_usec();

        if (!round)
                return -ENOMEM;
        round->told = told;
        round->context = context;
        round->is_starting = true;
        if (ret_round)
                *ret_round = round;
        for (size_t i = 0; i < round->count; i++) {
                struct ask *ask = &round->asks[i];
                ask->server = server_get(inquiry, &round->answers[i].server);
                if (!ask->server || now < ask->server->silent_until_usec) {
                        ask_end_unknown(ask, ask->server ? "silent" : "no memory");
                        continue;
                }
                server_wait(ask->server, ask);
                server_run(inquiry, ask->server);
        }
        round->is_starting = false;
        if (round->left > 0)
                return 0;
        if (ret_round)
                *ret_round = NULL;
        told(context, round->answers, round->count);
        round_free(round);
        return 0;
}

static void ask_leave(struct ask *ask)
{
        struct server *server = ask->server;
        struct ask *before = NULL;

        if (ask->probe) {
                ask->probe = probe_cancel(ask->probe);
                server->under_way--;
                return;
        }
        for (struct ask *at = server ? server->first : NULL; at; before = at, at = at->next)
                if (at == ask) {
                        if (before)
                                before->next = ask->next;
                        else
                                server->first = ask->next;
                        if (server->last == ask)
                                server->last = before;
                        return;
                }
}

void inquiry_cancel(struct inquiry_round *round)
{
        if (!round)
                return;
        for (size_t i = 0; i < round->count; i++)
                ask_leave(&round->asks[i]);
        for (size_t i = 0; i < round->count; i++)
                if (round->asks[i].server)
                        server_run(round->inquiry, round->asks[i].server);
        round_free(round);
}

void inquiry_reconfigure(struct inquiry *inquiry, const struct conf *conf)
{
        inquiry->source = conf->options.probe_source;
        inquiry->source_v6 = conf->options.probe_source_v6;
}

int inquiry_new(struct sd_event *event, const struct conf *conf, struct inquiry **ret_inquiry)
{
        struct inquiry *inquiry = calloc(1, sizeof(*inquiry));

        if (!inquiry)
                return -ENOMEM;
        inquiry->event = event;
        inquiry_reconfigure(inquiry, conf);
        int r = prober_new(event, RATE, &inquiry->prober);
        if (r < 0) {
                free(inquiry);
                return r;
        }
        *ret_inquiry = inquiry;
        return 0;
}

struct inquiry *inquiry_free(struct inquiry *inquiry)
{
        struct server *server;
        size_t position = 0;

        if (!inquiry)
                return NULL;
        prober_free(inquiry->prober);
        while (inquiry->rounds)
                round_free(inquiry->rounds);
        while ((server = table_next(&inquiry->servers, &position)))
                free(server);
        table_free(&inquiry->servers);
        sd_event_source_unref(inquiry->lookups_source);
        lookups_free(inquiry->lookups);
        free(inquiry);
        return NULL;
}
