/* The `secondary` blocks in use, and their public name servers: addresses as configured, and those that names
 * come to. Main loop; names are looked up on a thread of their own.
 *
 * Of a server that has not answered yet only a few questions are under way at once. One that is silent three
 * times in a row, for whatever zones, is down: then it is asked for one zone at
 * a time, after 1, 2, 4 ... 60 s, so that a dead one costs next to nothing. Any answer ends that, and so does
 * a question of the secondary to us. */
#include "fleet/survey_state.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SILENT_MAX 3
#define RUNNING_MAX 64u        /* questions to one server at once */
#define RUNNING_UNHEARD_MAX 4u /* to one that has not answered */
#define CANARY_FIRST USEC_PER_SEC
#define CANARY_MAX (60 * USEC_PER_SEC)
#define RESOLVE_EVERY (900 * USEC_PER_SEC)

static void server_free(struct post_server *server)
{
        free(server->name);
        free(server->nsid);
}

static void post_free(struct post *post)
{
        for (size_t i = 0; i < post->server_count; i++)
                server_free(&post->servers[i]);
        free(post->servers);
        free(post->name);
        free(post);
}

void posts_free(struct survey *survey)
{
        for (size_t i = 0; i < survey->post_count; i++)
                post_free(survey->posts[i]);
        free(survey->posts);
        survey->posts = NULL;
        survey->post_count = 0;
}

struct post *post_find(const struct survey *survey, const char *name)
{
        for (size_t i = 0; i < survey->post_count; i++)
                if (strcasecmp(survey->posts[i]->name, name) == 0)
                        return survey->posts[i];
        return NULL;
}

static int server_add(struct post_server **servers, size_t *count, const struct address *address,
        const char *name, const struct post *before)
{
        for (size_t i = 0; i < *count; i++)
                if (address_and_port_equal(&(*servers)[i].address, address))
                        return 0;
        struct post_server *grown = reallocarray(*servers, *count + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        *servers = grown;
        struct post_server *server = &grown[*count];
        *server = (struct post_server){.address = *address};
        for (size_t i = 0; before && i < before->server_count; i++) {
                const struct post_server *old = &before->servers[i];
                if (!address_and_port_equal(&old->address, address))
                        continue;
                *server = *old;
                server->running = 0;
                server->nsid = old->nsid ? strdup(old->nsid) : NULL;
        }
        server->name = name ? strdup(name) : NULL;
        if (name && !server->name)
                return -ENOMEM;
        (*count)++;
        return 0;
}

/* The servers are these from now on; sights of all zones follow. */
static void servers_replace(
        struct survey *survey, struct post *post, struct post_server *servers, size_t count)
{
        bool is_same = count == post->server_count;
        for (size_t i = 0; is_same && i < count; i++)
                is_same = address_and_port_equal(&servers[i].address, &post->servers[i].address);
        struct post_server *old = is_same ? servers : post->servers;
        size_t old_count = post->server_count;
        if (!is_same) {
                post->servers = servers;
                post->server_count = count;
                post->generation++;
                survey->conf_generation++; /* of all places, so that their sights follow */
                survey->fast_laps = FAST_LAPS;
        }
        for (size_t i = 0; i < old_count; i++)
                server_free(&old[i]);
        free(old);
}

static bool is_of_name(const struct post_server *server, const char *name)
{
        return server->name && strcasecmp(server->name, name) == 0;
}

/* Addresses as they stand; those of names as they were, until the lookup says. */
static int post_configure(struct survey *survey, struct post *post, const struct conf_secondary *conf)
{
        struct post_server *servers = NULL;
        size_t count = 0;
        int r = 0;
        post->conf = conf;
        post->has_names = false;
        for (size_t i = 0; i < conf->nameserver_count && r == 0 && conf->probe; i++) {
                const struct conf_host *host = &conf->nameservers[i];
                if (!host->name) {
                        r = server_add(&servers, &count, &host->address, NULL, post);
                        continue;
                }
                post->has_names = true;
                for (size_t n = 0; n < post->server_count && r == 0; n++)
                        if (is_of_name(&post->servers[n], host->name))
                                r = server_add(&servers, &count, &post->servers[n].address, host->name, post);
        }
        post->resolved_usec = 0;
        servers_replace(survey, post, servers, count);
        return r;
}

static int post_get(struct survey *survey, const struct conf_secondary *conf)
{
        struct post *post = post_find(survey, conf->name);
        if (!post) {
                struct post **posts =
                        reallocarray(survey->posts, survey->post_count + 1, sizeof(struct post *));
                if (!posts)
                        return -ENOMEM;
                survey->posts = posts;
                post = calloc(1, sizeof(*post));
                if (post)
                        post->name = strdup(conf->name);
                if (!post || !post->name) {
                        free(post);
                        return -ENOMEM;
                }
                survey->posts[survey->post_count++] = post;
        }
        post->is_wanted = true;
        return post_configure(survey, post, conf);
}

int posts_reconfigure(struct survey *survey)
{
        const struct conf *conf = fleet_conf(survey->options.fleet);
        int result = 0;
        for (size_t i = 0; i < survey->post_count; i++)
                survey->posts[i]->is_wanted = false;
        for (size_t i = 0; i < conf->secondary_count; i++) {
                int r = post_get(survey, conf->secondaries[i]);
                if (r < 0)
                        result = r;
        }
        for (size_t i = 0; i < survey->post_count; i++)
                if (!survey->posts[i]->is_wanted)
                        survey->posts[i]->conf = NULL;
        survey->conf_generation++;
        return result;
}

/* ---- names ---- */

/* The addresses of one name came: they take the place of those it had. */
static void name_resolved(
        struct survey *survey, struct post *post, const struct conf_host *host, const struct lookup *lookup)
{
        struct post_server *servers = NULL;
        size_t count = 0;
        for (size_t i = 0; i < post->server_count; i++)
                if (!is_of_name(&post->servers[i], host->name) &&
                        server_add(&servers, &count, &post->servers[i].address, post->servers[i].name, post) <
                                0)
                        break;
        for (size_t i = 0; i < lookup->count; i++) {
                struct address address = lookup->addresses[i];
                address.port = host->address.port;
                if (server_add(&servers, &count, &address, host->name, post) < 0)
                        break;
        }
        servers_replace(survey, post, servers, count);
}

static bool is_lookup_of(const struct lookup *lookup, const struct conf_host *host)
{
        size_t length = host->name ? strlen(host->name) : 0;
        return length > 0 && strncasecmp(lookup->name, host->name, length) == 0 &&
               strcmp(lookup->name + length, ".") == 0;
}

static int lookups_came(sd_event_source *source, int fd, uint32_t events, void *context)
{
        struct survey *survey = context;
        struct lookup *all = lookups_take(survey->lookups);
        (void)source, (void)fd, (void)events;
        for (struct lookup *lookup = all; lookup; lookup = (struct lookup *)lookup->item.next) {
                /* A failure keeps what was known. */
                for (size_t i = 0; i < survey->post_count && lookup->error == 0; i++) {
                        struct post *post = survey->posts[i];
                        for (size_t n = 0; post->is_wanted && n < post->conf->nameserver_count; n++)
                                if (is_lookup_of(lookup, &post->conf->nameservers[n]))
                                        name_resolved(survey, post, &post->conf->nameservers[n], lookup);
                }
        }
        lookup_list_free(all);
        return 0;
}

static int lookups_begin(struct survey *survey)
{
        if (survey->lookups)
                return 0;
        int r = lookups_new(&survey->lookups);
        if (r < 0)
                return r;
        return sd_event_add_io(survey->options.event, &survey->lookups_source, lookups_fd(survey->lookups),
                EPOLLIN, lookups_came, survey);
}

void posts_resolve(struct survey *survey, uint64_t now_usec)
{
        for (size_t i = 0; i < survey->post_count; i++) {
                struct post *post = survey->posts[i];
                if (!post->is_wanted || !post->has_names ||
                        (post->resolved_usec != 0 && now_usec - post->resolved_usec < RESOLVE_EVERY))
                        continue;
                post->resolved_usec = now_usec;
                if (lookups_begin(survey) < 0)
                        return;
                for (size_t n = 0; n < post->conf->nameserver_count; n++) {
                        char name[NAME_TEXT_MAX + 1];
                        const char *host = post->conf->nameservers[n].name;
                        if (!host || strlen(host) + 2 > sizeof(name))
                                continue;
                        strcpy(stpcpy(name, host), ".");
                        (void)lookups_ask(survey->lookups, name);
                }
        }
}

/* ---- whether a server answers ---- */

void post_heard(struct post *post)
{
        for (size_t i = 0; i < post->server_count; i++)
                post->servers[i].is_down = false;
}

enum post_leave post_server_may_be_asked(struct post_server *server, uint64_t now_usec)
{
        if (!server->is_down)
                return server->running < (server->has_answered ? RUNNING_MAX : RUNNING_UNHEARD_MAX)
                               ? POST_NOW
                               : POST_SOON;
        if (now_usec < server->canary_usec)
                return POST_NOT;
        server->canary_wait_usec *= 2;
        if (server->canary_wait_usec > CANARY_MAX)
                server->canary_wait_usec = CANARY_MAX;
        server->canary_usec = now_usec + server->canary_wait_usec;
        return POST_NOW;
}

void post_server_answered(struct post_server *server)
{
        server->silent_count = 0;
        server->has_answered = true;
        server->is_down = false;
}

void post_server_silent(struct post_server *server, uint64_t now_usec)
{
        server->silent_count++;
        server->has_answered = false;
        if (server->silent_count < SILENT_MAX || server->is_down)
                return;
        server->is_down = true;
        server->canary_wait_usec = CANARY_FIRST;
        server->canary_usec = now_usec + CANARY_FIRST;
}
