/* ALIAS targets: a table of targets with their answers, a table of the zones that name them, and one timer.
 *
 *     struct alias_zone -- its targets, by pointer        struct alias_target -- users: zone name ->
 * alias_zone
 */
#include "publish/alias_book.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "base/table.h"
#include "base/timers.h"
#include "conf/conf.h"
#include "resolve/stub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TTL_MAX_SEC 86400u
#define FIRST_RETRY_USEC (10 * USEC_PER_SEC)

struct alias_target {
        struct timer_node timer; /* first: a node is its target */
        struct alias_book *book;
        struct table users; /* zone name -> struct alias_zone */
        struct stub_question *question;
        struct alias_answers *answer; /* of this one target; NULL = none yet */
        bool is_failing;
        bool was_asked; /* an answer or a failure came */
        char why[100];  /* of the failure */
        char *name_text;
        uint8_t name[NAME_MAX_LENGTH];
};

struct alias_zone {
        uint8_t name[NAME_MAX_LENGTH];
        size_t count;
        struct alias_target *targets[]; /* may have one twice */
};

struct alias_book {
        struct sd_event *event;
        alias_changed changed;
        void *context;
        struct stub_resolver *resolver; /* made when the first target is asked for */
        struct address *servers;
        size_t server_count;
        uint64_t min_interval_usec;
        struct timers timers;
        struct table targets, zones;
};

static void ask(struct alias_target *target);

static int on_due(sd_event_source *source, uint64_t usec, void *context)
{
        struct alias_book *book = context;
        struct timer_node *node;
        uint64_t now_usec = clock_monotonic_usec();
        (void)source, (void)usec;

        while ((node = timers_take_due(&book->timers, now_usec)))
                ask((struct alias_target *)(void *)node);
        timers_arm(&book->timers, now_usec);
        return 0;
}

static void ask_in(struct alias_target *target, uint64_t delay_usec)
{
        uint64_t now_usec = clock_monotonic_usec();
        timers_set(&target->book->timers, &target->timer, now_usec + delay_usec);
        timers_arm(&target->book->timers, now_usec);
}

static void tell_users(struct alias_target *target)
{
        struct alias_zone *zone;
        for (size_t position = 0; (zone = table_next(&target->users, &position));)
                target->book->changed(target->book->context, zone->name);
}

static uint64_t retry_usec(const struct alias_target *target)
{
        uint64_t interval = target->book->min_interval_usec;
        return target->answer || interval < FIRST_RETRY_USEC ? interval : FIRST_RETRY_USEC;
}

static void failed(struct alias_target *target, const char *why)
{
        bool is_news = !target->is_failing || strcmp(target->why, why) != 0;
        bool is_first = !target->was_asked;

        target->is_failing = target->was_asked = true;
        strncpy(target->why, why, sizeof(target->why) - 1);
        ask_in(target, retry_usec(target));
        if (is_news)
                log_write(LOG_WARNING, &(struct log_fields){.message_id = MESSAGE_ALIAS_FAILED},
                        "ALIAS %s: %s; %s", target->name_text, why,
                        target->answer ? "the last good addresses stay" : "no address is known of it");
        if (!target->answer && (is_news || is_first))
                tell_users(target);
}

static bool is_same(const struct alias_target *target, const struct alias_addresses *addresses)
{
        struct alias_addresses before;
        return alias_answers_find(target->answer, target->name, &before) &&
               alias_addresses_equal(&before, addresses);
}

static void found(struct alias_target *target, const struct stub_answer *answer)
{
        const struct alias_addresses addresses = {.v4 = answer->v4,
                .v4_count = answer->v4_count,
                .v6 = answer->v6,
                .v6_count = answer->v6_count};
        uint64_t ttl_usec = (answer->ttl > TTL_MAX_SEC ? TTL_MAX_SEC : answer->ttl) * USEC_PER_SEC;
        uint64_t least_usec = target->book->min_interval_usec;
        bool was_failing = target->is_failing;

        target->was_asked = true;
        target->is_failing = false;
        ask_in(target, ttl_usec > least_usec ? ttl_usec : least_usec);
        if (was_failing)
                log_write(LOG_NOTICE, &(struct log_fields){.message_id = MESSAGE_ALIAS_RESOLVED},
                        "ALIAS %s: resolved again", target->name_text);
        if (is_same(target, &addresses))
                return;
        struct alias_answers *fresh = alias_answers_new();
        if (!fresh || alias_answers_add(fresh, target->name, &addresses) < 0) {
                alias_answers_unref(fresh); /* no memory: at the next answer */
                return;
        }
        alias_answers_unref(target->answer);
        target->answer = fresh;
        tell_users(target);
}

static void on_answer(void *context, const struct stub_answer *answer)
{
        struct alias_target *target = context;
        target->question = NULL;
        if (answer->result == STUB_FOUND)
                found(target, answer);
        else
                failed(target, answer->why);
}

static void ask(struct alias_target *target)
{
        struct alias_book *book = target->book;
        int r = 0;

        if (target->question)
                return;
        if (!book->resolver)
                r = stub_new(book->event, book->servers, book->server_count, &book->resolver);
        if (r == 0)
                r = stub_ask(book->resolver, target->name, on_answer, target, &target->question);
        if (r < 0)
                ask_in(target, retry_usec(target));
}

/* ---- targets and zones ---- */

static void target_free(struct alias_target *target)
{
        stub_cancel(target->question);
        timers_set(&target->book->timers, &target->timer, TIMER_NEVER);
        timers_release(&target->book->timers, &target->timer);
        table_remove(&target->book->targets, target->name, name_length(target->name));
        alias_answers_unref(target->answer);
        table_free(&target->users);
        free(target->name_text);
        free(target);
}

/* Made, and asked for, where it is not there. */
static struct alias_target *target_get(struct alias_book *book, const uint8_t *name)
{
        struct alias_target *target = table_get(&book->targets, name, name_length(name));
        char text[NAME_TEXT_MAX];

        if (target)
                return target;
        target = calloc(1, sizeof(*target));
        if (!target)
                return NULL;
        target->book = book;
        target->users.fold = true;
        name_fold(name, target->name);
        target->name_text = strdup(name_to_zone_text(name, text));
        if (!target->name_text || timers_reserve(&book->timers) < 0) {
                free(target->name_text);
                free(target);
                return NULL;
        }
        if (table_put(&book->targets, target->name, name_length(target->name), target, NULL) < 0) {
                target_free(target);
                return NULL;
        }
        ask_in(target, 0);
        return target;
}

/* Another one of that name may have taken its place. */
static void leave(struct table *zones, const struct alias_zone *zone)
{
        if (table_get(zones, zone->name, name_length(zone->name)) == zone)
                table_remove(zones, zone->name, name_length(zone->name));
}

static void zone_free(struct alias_book *book, struct alias_zone *zone)
{
        for (size_t i = 0; i < zone->count; i++)
                leave(&zone->targets[i]->users, zone);
        for (size_t i = 0; i < zone->count; i++) {
                struct alias_target *target = zone->targets[i];
                bool is_last = true;
                for (size_t j = i + 1; j < zone->count; j++)
                        is_last &= zone->targets[j] != target;
                if (is_last && target->users.count == 0)
                        target_free(target);
        }
        leave(&book->zones, zone);
        free(zone);
}

static bool names_the_same(const struct alias_zone *zone, const uint8_t *names, size_t count)
{
        if (!zone || zone->count != count)
                return false;
        for (size_t i = 0; i < count; i++, names += name_length(names))
                if (!name_equal(zone->targets[i]->name, names))
                        return false;
        return true;
}

static struct alias_zone *zone_new(
        struct alias_book *book, const uint8_t *name, const uint8_t *names, size_t count)
{
        struct alias_zone *zone = calloc(1, sizeof(*zone) + count * sizeof(zone->targets[0]));
        if (!zone)
                return NULL;
        name_fold(name, zone->name);
        for (size_t i = 0; i < count; i++, names += name_length(names)) {
                struct alias_target *target = target_get(book, names);
                if (target && table_put(&target->users, zone->name, name_length(zone->name), zone, NULL) == 0)
                        zone->targets[zone->count++] = target;
        }
        return zone;
}

static void take_kept(struct alias_zone *zone, const struct alias_answers *kept)
{
        for (size_t i = 0; i < zone->count; i++) {
                struct alias_target *target = zone->targets[i];
                struct alias_addresses addresses;
                if (target->answer || !alias_answers_find(kept, target->name, &addresses))
                        continue;
                target->answer = alias_answers_new();
                if (target->answer && alias_answers_add(target->answer, target->name, &addresses) < 0)
                        target->answer = alias_answers_unref(target->answer);
        }
}

int alias_book_set(struct alias_book *book, const uint8_t *zone, const uint8_t *names, size_t count,
        const struct alias_answers *kept)
{
        struct alias_zone *before = table_get(&book->zones, zone, name_length(zone)), *now = before;

        if (!before && count == 0)
                return 0;
        if (!names_the_same(before, names, count)) {
                now = count > 0 ? zone_new(book, zone, names, count) : NULL;
                if (count > 0 && !now)
                        return -ENOMEM;
                if (now && table_put(&book->zones, now->name, name_length(now->name), now, NULL) < 0) {
                        zone_free(book, now);
                        return -ENOMEM;
                }
                if (before)
                        zone_free(book, before); /* at last, so that what both name is not asked for anew */
        }
        if (now)
                take_kept(now, kept);
        return 0;
}

struct alias_answers *alias_book_answers(const struct alias_book *book, const uint8_t *name)
{
        const struct alias_zone *zone = table_get(&book->zones, name, name_length(name));
        struct alias_answers *answers = zone ? alias_answers_new() : NULL;
        struct alias_addresses addresses;

        for (size_t i = 0; answers && i < zone->count; i++) {
                const struct alias_target *target = zone->targets[i];
                if (alias_answers_find(target->answer, target->name, &addresses) &&
                        alias_answers_add(answers, target->name, &addresses) < 0)
                        answers = alias_answers_unref(answers);
        }
        return answers;
}

bool alias_book_waits(const struct alias_book *book, const uint8_t *name, struct buffer *out)
{
        const struct alias_zone *zone = table_get(&book->zones, name, name_length(name));
        const struct alias_target *failing = NULL;

        for (size_t i = 0; zone && i < zone->count; i++) {
                const struct alias_target *target = zone->targets[i];
                if (target->answer)
                        continue;
                if (!target->was_asked)
                        return true;
                failing = target;
        }
        if (failing)
                buffer_printf(out, "ALIAS %s: %s; asked again in %u s", failing->name_text, failing->why,
                        (unsigned)(retry_usec(failing) / USEC_PER_SEC));
        return false;
}

size_t alias_book_count(const struct alias_book *book)
{
        return book->targets.count;
}

/* ---- the book ---- */

static bool asks_the_same(const struct alias_book *book, const struct conf_options *options)
{
        if (book->server_count != options->alias_resolver_count)
                return false;
        for (size_t i = 0; i < book->server_count; i++)
                if (!address_and_port_equal(&book->servers[i], &options->alias_resolvers[i]))
                        return false;
        return true;
}

int alias_book_reconfigure(struct alias_book *book, const struct conf *conf)
{
        const struct conf_options *options = &conf->options;
        struct alias_target *target;

        book->min_interval_usec = options->alias_min_interval_usec;
        if (asks_the_same(book, options))
                return 0;
        size_t count = options->alias_resolver_count;
        struct address *servers = count > 0 ? calloc(count, sizeof(*servers)) : NULL;
        if (count > 0 && !servers)
                return -ENOMEM;
        if (count > 0)
                memcpy(servers, options->alias_resolvers, count * sizeof(*servers));
        free(book->servers);
        book->servers = servers;
        book->server_count = count;
        for (size_t position = 0; (target = table_next(&book->targets, &position));) {
                target->question = stub_cancel(target->question);
                ask_in(target, 0); /* of the new ones */
        }
        book->resolver = stub_free(book->resolver);
        return 0;
}

int alias_book_new(struct sd_event *event, const struct conf *conf, alias_changed changed, void *context,
        struct alias_book **ret_book)
{
        struct alias_book *book = calloc(1, sizeof(*book));
        if (!book)
                return -ENOMEM;
        book->event = event;
        book->changed = changed;
        book->context = context;
        book->targets.fold = book->zones.fold = true;
        int r = timers_open(&book->timers, event, on_due, book);
        if (r >= 0)
                r = alias_book_reconfigure(book, conf);
        if (r < 0) {
                alias_book_free(book);
                return r;
        }
        *ret_book = book;
        return 0;
}

struct alias_book *alias_book_free(struct alias_book *book)
{
        struct alias_zone *zone;
        if (!book)
                return NULL;
        for (size_t position = 0; (zone = table_next(&book->zones, &position));)
                zone_free(book, zone);
        table_free(&book->zones);
        table_free(&book->targets);
        timers_close(&book->timers);
        stub_free(book->resolver);
        free(book->servers);
        free(book);
        return NULL;
}
