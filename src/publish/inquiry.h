/* What serial of a zone do its secondaries hold? Asked over TCP, with TSIG where there is a key, paced. Main
 * loop. Private to publish/.
 *
 * A server that is silent is asked once, not once a zone: until it answers one question is under way at a
 * time, and when that ends in silence all that wait for it end with it. */
#pragma once

#include "conf/conf.h"
#include "zone/lost_state.h"

struct inquiry;
struct inquiry_round;
struct sd_event;

#define INQUIRY_NAME_MAX 160
#define INQUIRY_SERVERS_MAX 64 /* of one zone */

/* Somebody to ask. Strings and keys are the configuration's. */
struct inquiry_server {
        const char *secondary;  /* its block; NULL = an also-notify target */
        const char *host;       /* NULL = an address */
        struct address address; /* with its port; family 0 where it is a host */
        const struct tsig_key *key;
};
/* "hetzner (ns1.example)", "192.0.2.1#53". */
const char *inquiry_server_format(const struct inquiry_server *server, char text[static INQUIRY_NAME_MAX]);
/* The servers of a policy: those that are probed, else those that take NOTIFY. Without blocks whose serial is
 * their own, that are pushed, or that say "probe no". Returns how many, INQUIRY_SERVERS_MAX at most. */
size_t inquiry_servers(
        const struct conf_policy *policy, struct inquiry_server ret_servers[static INQUIRY_SERVERS_MAX]);

struct inquiry_answer {
        struct inquiry_server server;
        struct lost_answer told;
        const char *why; /* LOST_UNKNOWN, LOST_NOT_THERE: "silent", "REFUSED" ...; static */
};
typedef void (*inquiry_told)(void *context, const struct inquiry_answer *answers, size_t count);

int inquiry_new(struct sd_event *event, const struct conf *conf, struct inquiry **ret_inquiry);
/* Sources of the new configuration; what runs goes on. */
void inquiry_reconfigure(struct inquiry *inquiry, const struct conf *conf);
/* `told` is called once, perhaps before the call returns; answers are valid during the call. *ret_round (may
 * be NULL) is good until then, and NULL where it was called already. */
int inquiry_start(struct inquiry *inquiry, struct conf *conf, const uint8_t *zone, inquiry_told told,
        void *context, struct inquiry_round **ret_round);
/* It will not be told; NULL is fine. */
void inquiry_cancel(struct inquiry_round *round);
struct inquiry *inquiry_free(struct inquiry *inquiry); /* what still runs is not told */
