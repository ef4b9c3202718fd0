/* The server as the main thread has it: which addresses are listened on, which configuration holds, the
 * threads' beginning and end. What changes is sent to the threads as commands, in an order that leaves no
 * moment without a listener. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "server/state.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What failed, for *ret_why; the caller says how, from the errno. */
static _Thread_local char why_text[ADDRESS_TEXT_MAX];

static int say_why(int r, const char *what, const char **ret_why)
{
        snprintf(why_text, sizeof(why_text), "%s", what);
        if (ret_why)
                *ret_why = why_text;
        return r;
}

static int say_why_not_bound(int r, const struct address *address, const char **ret_why)
{
        char text[ADDRESS_TEXT_MAX];
        return say_why(r, address_format(address, text), ret_why);
}

static unsigned core_count(void)
{
        cpu_set_t cores;
        if (sched_getaffinity(0, sizeof(cores), &cores) < 0)
                return 1;
        unsigned count = (unsigned)CPU_COUNT(&cores);
        return count < 1 ? 1 : count;
}

/* ---- listeners: bound here, then handed over ---- */

/* Sockets bound for one change, two a thread and listener, until all have succeeded. */
struct binding {
        struct listener *listeners;
        struct listen_socket **sockets; /* listener_count * sockets_each */
        size_t listener_count, sockets_each;
};

static void binding_free(struct binding *binding)
{
        for (size_t i = 0; binding->sockets && i < binding->listener_count * binding->sockets_each; i++)
                listen_socket_free(binding->sockets[i]);
        free(binding->sockets);
        free(binding->listeners);
        *binding = (struct binding){0};
}

static int binding_reserve(struct binding *binding, size_t listener_count, size_t sockets_each)
{
        binding->sockets_each = sockets_each;
        binding->listeners = calloc(listener_count + 1, sizeof(*binding->listeners));
        binding->sockets = calloc(listener_count * sockets_each + 1, sizeof(*binding->sockets));
        return binding->listeners && binding->sockets ? 0 : -ENOMEM;
}

static const struct listener *listener_find(const struct server *server, const struct address *configured)
{
        for (size_t i = 0; i < server->listener_count; i++)
                if (address_and_port_equal(&server->listeners[i].configured, configured))
                        return &server->listeners[i];
        return NULL;
}

/* From 127.0.0.1 to 0.0.0.0 at the same port, say: for a moment both are bound, and both are ours. */
static bool has_port(const struct server *server, uint16_t port)
{
        for (size_t i = 0; i < server->listener_count; i++)
                if (server->listeners[i].bound.port == port)
                        return true;
        return false;
}

static bool binding_has(const struct binding *binding, const struct address *configured)
{
        for (size_t i = 0; configured->port != 0 && i < binding->listener_count; i++)
                if (address_and_port_equal(&binding->listeners[i].configured, configured))
                        return true;
        return false;
}

/* "Every address" of a family that this machine does not have is none. */
static bool is_no_ipv6(const struct address *address, int r)
{
        static const uint8_t any[16];
        return address->family == AF_INET6 && memcmp(address->bytes, any, sizeof(any)) == 0 &&
               (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL);
}

/* Binds what the configuration lists and the server does not have yet. */
static int binding_make(
        struct server *server, const struct conf *conf, struct binding *binding, const char **ret_why)
{
        const struct conf_options *options = &conf->options;
        int r = binding_reserve(binding, options->listen_count, 2 * server->thread_count);
        if (r < 0)
                return say_why(r, "listening sockets", ret_why);
        for (size_t i = 0; i < options->listen_count; i++) {
                const struct address *address = &options->listen[i].address;
                if (listener_find(server, address) || binding_has(binding, address))
                        continue;
                struct listener *listener = &binding->listeners[binding->listener_count];
                *listener = (struct listener){.number = server->next_listener++, .configured = *address};
                bool is_shared = address->port != 0 && has_port(server, address->port);
                r = listen_open(address, is_shared, listener->number, server->thread_count,
                        binding->sockets + binding->listener_count * binding->sockets_each, &listener->bound);
                if (is_no_ipv6(address, r))
                        continue;
                if (r < 0)
                        return say_why_not_bound(r, address, ret_why);
                binding->listener_count++;
        }
        return 0;
}

/* Each thread has its own share of what systemd gave, on the same descriptors. */
static int binding_inherit(struct server *server, const struct server_options *options,
        struct binding *binding, const char **ret_why)
{
        int r = binding_reserve(binding, options->inherited_fd_count, server->thread_count);
        if (r < 0)
                return say_why(r, "listening sockets", ret_why);
        for (size_t i = 0; i < options->inherited_fd_count; i++) {
                struct listener *listener = &binding->listeners[i];
                struct listen_socket **sockets = binding->sockets + i * binding->sockets_each;
                listener->number = server->next_listener++;
                binding->listener_count++;
                for (unsigned t = 0; t < server->thread_count && r == 0; t++)
                        r = listen_inherit(options->inherited_fds[i], listener->number, &sockets[t]);
                if (r < 0)
                        return say_why(r, "a socket given by systemd", ret_why);
                listener->configured = listener->bound = sockets[0]->bound;
        }
        return 0;
}

/* Hands a socket to its thread: as a command, or straight while threads do not run yet. */
static int socket_give(struct server *server, struct thread *thread, struct listen_socket *socket)
{
        if (!server->is_started) {
                int r = thread_watch(thread, socket);
                if (r < 0)
                        return r;
                socket->next = thread->listeners;
                thread->listeners = socket;
                return 0;
        }
        struct command *command = calloc(1, sizeof(*command));
        if (!command)
                return -ENOMEM;
        command->kind = COMMAND_OPEN;
        command->socket = socket;
        thread_command(thread, command);
        return 0;
}

static int binding_give(struct server *server, struct binding *binding)
{
        size_t count = server->listener_count + binding->listener_count;
        struct listener *listeners = reallocarray(server->listeners, count + 1, sizeof(*listeners));
        if (!listeners)
                return -ENOMEM;
        server->listeners = listeners;
        for (size_t i = 0; i < binding->listener_count; i++)
                listeners[server->listener_count++] = binding->listeners[i];
        size_t sockets_a_thread = binding->sockets_each / server->thread_count;
        for (size_t i = 0; i < binding->listener_count * binding->sockets_each; i++) {
                struct thread *thread = &server->threads[i % binding->sockets_each / sockets_a_thread];
                int r = socket_give(server, thread, binding->sockets[i]);
                if (r < 0)
                        return r;
                binding->sockets[i] = NULL;
        }
        return 0;
}

/* ---- beginning ---- */

static int server_fill(struct server *server, const struct server_options *options, const char **ret_why)
{
        for (unsigned i = 0; i < server->thread_count; i++)
                server->threads[i].epoll = -1;
        for (unsigned i = 0; i < server->thread_count; i++) {
                int r = thread_begin(&server->threads[i], server, i);
                if (r < 0)
                        return say_why(r, "a serving thread", ret_why);
        }
        struct binding binding = {0};
        server->is_inheriting = options->inherited_fd_count > 0;
        int r = server->is_inheriting ? binding_inherit(server, options, &binding, ret_why)
                                      : binding_make(server, server->conf, &binding, ret_why);
        if (r == 0) {
                r = binding_give(server, &binding);
                if (r < 0)
                        say_why(r, "listening sockets", ret_why);
        }
        binding_free(&binding);
        return r;
}

int server_new(const struct server_options *options, struct conf *conf, struct server **ret_server,
        const char **ret_why)
{
        struct server *server = calloc(1, sizeof(*server));
        if (!server)
                return say_why(-ENOMEM, "listening sockets", ret_why);
        server->store = options->store;
        server->observations = options->observations;
        server->conf = conf_ref(conf);
        connection_counts_begin(&server->by_peer);
        pthread_mutex_init(&server->places.lock, NULL);
        server->thread_count = options->thread_count ? options->thread_count : core_count();
        if (server->thread_count > THREADS_MAX)
                server->thread_count = THREADS_MAX;
        server->threads = calloc(server->thread_count, sizeof(*server->threads));
        int r = -ENOMEM;
        if (server->threads)
                r = server_fill(server, options, ret_why);
        else
                say_why(r, "listening sockets", ret_why);
        if (r < 0) {
                server_free(server);
                return r;
        }
        *ret_server = server;
        return 0;
}

int server_start(struct server *server)
{
        server->is_started = true;
        for (unsigned i = 0; i < server->thread_count; i++) {
                struct thread *thread = &server->threads[i];
                atomic_store(&thread->heartbeat_usec, clock_monotonic_usec());
                int r = pthread_create(&thread->id, NULL, thread_run, thread);
                if (r != 0) {
                        server_stop(server, 0);
                        return -r;
                }
                thread->is_running = true;
                char name[24];
                snprintf(name, sizeof(name), "serve-%u", i);
                pthread_setname_np(thread->id, name);
        }
        return 0;
}

/* ---- change ---- */

static bool conf_lists(const struct conf *conf, const struct address *configured)
{
        for (size_t i = 0; i < conf->options.listen_count; i++)
                if (address_and_port_equal(&conf->options.listen[i].address, configured))
                        return true;
        return false;
}

/* Closes what the new configuration does not list: the threads' commands were made before anything changed.
 */
static void listeners_close_unlisted(struct server *server, const struct conf *conf)
{
        size_t kept = 0;
        for (size_t i = 0; i < server->listener_count; i++) {
                struct listener listener = server->listeners[i];
                if (conf_lists(conf, &listener.configured)) {
                        server->listeners[kept++] = listener;
                        continue;
                }
                for (unsigned t = 0; t < server->thread_count; t++) {
                        struct command *command = calloc(1, sizeof(*command));
                        if (!command)
                                continue; /* it stays open, and nothing worse */
                        command->kind = COMMAND_CLOSE;
                        command->listener = listener.number;
                        thread_command(&server->threads[t], command);
                }
        }
        server->listener_count = kept;
}

static int conf_send(struct server *server, struct conf *conf)
{
        struct command *commands[THREADS_MAX] = {0};
        for (unsigned i = 0; i < server->thread_count; i++) {
                commands[i] = calloc(1, sizeof(*commands[i]));
                if (commands[i])
                        continue;
                while (i-- > 0)
                        free(commands[i]);
                return -ENOMEM;
        }
        for (unsigned i = 0; i < server->thread_count; i++) {
                commands[i]->kind = COMMAND_CONF;
                commands[i]->conf = conf_ref(conf);
                thread_command(&server->threads[i], commands[i]);
        }
        conf_ref(conf);
        conf_unref(server->conf);
        server->conf = conf;
        return 0;
}

int server_reconfigure(struct server *server, struct conf *conf, const char **ret_why)
{
        struct binding binding = {0};
        int r = server->is_inheriting ? 0 : binding_make(server, conf, &binding, ret_why);
        if (r == 0) {
                r = conf_send(server, conf);
                if (r == 0 && binding.listener_count > 0)
                        r = binding_give(server, &binding);
                if (r < 0)
                        say_why(r, "the new configuration", ret_why);
        }
        if (r == 0 && !server->is_inheriting)
                listeners_close_unlisted(server, conf);
        binding_free(&binding);
        return r;
}

/* ---- end ---- */

void server_stop(struct server *server, uint64_t grace_usec)
{
        uint64_t stop_at = clock_monotonic_usec() + grace_usec;
        for (unsigned i = 0; i < server->thread_count; i++) {
                struct command *command = server->threads[i].is_running ? calloc(1, sizeof(*command)) : NULL;
                if (!command)
                        continue;
                command->kind = COMMAND_STOP;
                command->stop_at_usec = stop_at;
                thread_command(&server->threads[i], command);
        }
        for (unsigned i = 0; i < server->thread_count; i++) {
                if (!server->threads[i].is_running)
                        continue;
                pthread_join(server->threads[i].id, NULL);
                server->threads[i].is_running = false;
        }
}

struct server *server_free(struct server *server)
{
        if (!server)
                return NULL;
        server_stop(server, 0);
        for (unsigned i = 0; server->threads && i < server->thread_count; i++)
                thread_end(&server->threads[i]);
        free(server->threads);
        free(server->listeners);
        places_free(&server->places);
        conf_unref(server->conf);
        free(server);
        return NULL;
}

/* ---- what can be seen ---- */

static uint64_t counter_get(const _Atomic uint64_t *counter)
{
        return atomic_load_explicit(counter, memory_order_relaxed);
}

void server_counters(const struct server *server, struct server_counters *ret_counters)
{
        struct server_counters sum = {.transfers_running = atomic_load(&server->transfers)};
        for (unsigned i = 0; i < server->thread_count; i++) {
                const struct counters *one = &server->threads[i].counters;
                sum.udp_queries += counter_get(&one->udp_queries);
                sum.tcp_queries += counter_get(&one->tcp_queries);
                sum.tcp_connections += counter_get(&one->tcp_connections);
                sum.transfers += counter_get(&one->transfers);
                sum.transfer_bytes += counter_get(&one->transfer_bytes);
                sum.refusals += counter_get(&one->refusals);
                sum.dropped += counter_get(&one->dropped);
        }
        *ret_counters = sum;
}

bool server_is_alive(const struct server *server, uint64_t max_age_usec)
{
        uint64_t now = clock_monotonic_usec();
        for (unsigned i = 0; i < server->thread_count; i++) {
                uint64_t beat = counter_get(&server->threads[i].heartbeat_usec);
                if (now > beat && now - beat > max_age_usec)
                        return false;
        }
        return true;
}

size_t server_addresses(const struct server *server, struct address *ret_addresses, size_t size)
{
        for (size_t i = 0; i < server->listener_count && i < size; i++)
                ret_addresses[i] = server->listeners[i].bound;
        return server->listener_count;
}
