/* The ALIAS targets of all zones: who asks for their addresses, when again, and what was said last. Main
 * loop.
 *
 * A target is asked for once, whatever the number of zones that name it: at once when a zone first names it,
 * again when the TTL of the answer is over (alias-min-interval at the least), and after a failure some
 * seconds later where nothing is known of it, else after alias-min-interval: a good answer is kept until
 * another comes. A zone is told of when the addresses of one of its targets have changed, or when it has
 * become clear that there are none to be had. */
#pragma once

#include "zonefile/alias.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct alias_book;
struct buffer;
struct conf;
struct sd_event;

/* The zone is worth another look. Never from within a function below. */
typedef void (*alias_changed)(void *context, const uint8_t *zone);

int alias_book_new(struct sd_event *event, const struct conf *conf, alias_changed changed, void *context,
        struct alias_book **ret_book);
/* Other resolvers, another interval: what was said stays. */
int alias_book_reconfigure(struct alias_book *book, const struct conf *conf);
/* What the zone's text names now: `count` names, one behind the other in wire form; none: forgets the zone.
 * kept (may be NULL): answers of before, for targets of which nothing better is known. -ENOMEM. */
int alias_book_set(struct alias_book *book, const uint8_t *zone, const uint8_t *names, size_t count,
        const struct alias_answers *kept);
/* What is known of the zone's targets, for its next look; NULL where the zone has none, or no memory. The
 * caller's reference. */
struct alias_answers *alias_book_answers(const struct alias_book *book, const uint8_t *zone);
/* Is a target without any answer still being asked for? If not, and one has none: it is described to out,
 * "ALIAS host.example.net: no resolver answered in time; asked again in 60 s". */
bool alias_book_waits(const struct alias_book *book, const uint8_t *zone, struct buffer *out);
size_t alias_book_count(const struct alias_book *book); /* targets */
struct alias_book *alias_book_free(struct alias_book *book);
