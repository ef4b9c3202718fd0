/* A secondary's side of an edit, timed: writes the edit, runs the reload command if there is one, takes
 * NOTIFY over UDP and TCP at one address or a thousand, asks for the SOA, and fetches an IXFR for each
 * address that heard.
 *
 *      stopwatch SERVER:PORT SINK:PORT [TARGETS [DEAD]]
 *
 * TARGETS listen at consecutive addresses from SINK on; behind them DEAD ones that take everything in and
 * never answer. Between edits every NOTIFY is answered. An edit is one line on standard input, its words
 * parted by tabs:
 *
 *      edit  ZONE  SERIAL  PLAN  SECONDS  [COMMAND ...]
 *      many  COUNT -       PLAN  SECONDS  [COMMAND ...]
 *
 * The first is over when all targets hold what follows SERIAL; the second when NOTIFY has come for COUNT
 * zones zNNNNNN.*. PLAN is a file of lines "write PATH OFFSET TEXT" and "rename FROM TO". The answer is one
 * line of JSON, times in ms from just before the first write. One thread, epoll. */
#include "wire.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/wait.h>

extern char **environ;

enum watched { ON_STDIN, ON_PROBE, ON_UDP, ON_LISTENER, ON_TCP, ON_TRANSFER };

struct target {
        int udp, listener, transfer;
        double notified, fetched, retry_at;
        struct answer answer;
        uint8_t *buffer;
        size_t have, size;
        bool is_sent;
};

struct connection { /* that NOTIFY comes over */
        int fd;
        size_t target, have;
        uint8_t bytes[1024];
};

#define CONNECTIONS 4096
#define ZONES (1 << 20)

static struct sockaddr_in server, sink;
static struct target *targets;
static size_t target_count;
static struct connection connections[CONNECTIONS];
static int epoll_fd, probe_fd;

/* The edit at hand. */
static bool is_running;
static char *zone;
static uint8_t zone_name[256]; /* octets of it */
static size_t zone_name_length;
static uint32_t old_serial, new_serial;
static size_t wanted_zones, seen_zones, fetched_count;
static uint8_t *zone_seen;
static uint64_t messages;
static double begun, written, first_notify, last_notify, half_notify, soa_seen, probe_at;
static pid_t command;
static double command_ended;
static int command_status;

static void watch(int fd, enum watched kind, size_t index, uint32_t events)
{
        struct epoll_event event = {.events = events, .data.u64 = (uint64_t)kind << 32 | index};
        must(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static struct sockaddr_in target_address(size_t index, bool any_port)
{
        struct sockaddr_in address = sink;
        /* 250 addresses of each /24, so that none ends in 0 or 255. */
        address.sin_addr.s_addr =
                htonl(ntohl(sink.sin_addr.s_addr) + (uint32_t)(index / 250 * 256 + index % 250));
        if (any_port)
                address.sin_port = 0;
        return address;
}

static int listen_at(const struct sockaddr_in *address, int type)
{
        int on = 1, room = 16 << 20;
        int fd = must(socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (type == SOCK_DGRAM)
                setsockopt(
                        fd, SOL_SOCKET, target_count == 1 ? SO_RCVBUFFORCE : SO_RCVBUF, &room, sizeof(room));
        must(bind(fd, (const struct sockaddr *)address, sizeof(*address)), "bind");
        if (type == SOCK_STREAM)
                must(listen(fd, 1024), "listen");
        return fd;
}

static void targets_begin(size_t dead)
{
        targets = calloc(target_count, sizeof(*targets));
        for (size_t i = 0; i < target_count + dead; i++) {
                struct sockaddr_in address = target_address(i, false);
                int udp = listen_at(&address, SOCK_DGRAM), tcp = listen_at(&address, SOCK_STREAM);
                if (i >= target_count) /* the kernel takes it in; nobody reads it */
                        continue;
                targets[i] = (struct target){.udp = udp, .listener = tcp, .transfer = -1};
                watch(udp, ON_UDP, i, EPOLLIN);
                watch(tcp, ON_LISTENER, i, EPOLLIN);
        }
}

static void transfer_end(struct target *target)
{
        if (target->transfer >= 0)
                close(target->transfer);
        target->transfer = -1;
}

static void transfer_begin(size_t index)
{
        struct target *target = &targets[index];
        struct sockaddr_in from = target_address(index, true);
        int on = 1, fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        must(bind(fd, (struct sockaddr *)&from, sizeof(from)), "bind");
        if (connect(fd, (struct sockaddr *)&server, sizeof(server)) < 0 && errno != EINPROGRESS)
                fail("connect");
        target->transfer = fd;
        target->have = 0;
        target->is_sent = false;
        target->answer = (struct answer){.is_ixfr = true, .asked = old_serial};
        watch(fd, ON_TRANSFER, index, EPOLLOUT);
}

static void transfer_ready(size_t index)
{
        struct target *target = &targets[index];
        if (target->transfer < 0)
                return;
        if (!target->is_sent) {
                uint8_t query[600];
                size_t length = (size_t)(put_query(query + 2, 77, zone, TYPE_IXFR, old_serial) - query);
                put16(query, (unsigned)(length - 2));
                target->is_sent = true;
                struct epoll_event event = {
                        .events = EPOLLIN, .data.u64 = (uint64_t)ON_TRANSFER << 32 | index};
                epoll_ctl(epoll_fd, EPOLL_CTL_MOD, target->transfer, &event);
                if (write(target->transfer, query, length) == (ssize_t)length)
                        return;
        }
        if (target->size - target->have < 2048) {
                target->size = target->size ? 2 * MESSAGE_SIZE + 2 : 4096;
                target->buffer = realloc(target->buffer, target->size);
        }
        ssize_t n = read(target->transfer, target->buffer + target->have, target->size - target->have);
        if (n < 0 && errno == EAGAIN)
                return;
        if (n > 0) {
                target->have = answer_stream(&target->answer, target->buffer, target->have + (size_t)n);
                if (!target->answer.is_done && !target->answer.fault)
                        return;
        }
        bool is_good = target->answer.is_done && !target->answer.fault && target->answer.serial != old_serial;
        transfer_end(target);
        if (is_good && target->fetched == 0) {
                target->fetched = now_sec();
                new_serial = target->answer.serial;
                fetched_count++;
        } else if (!is_good) {
                target->retry_at = now_sec() + 0.001;
        }
}

/* Counts a NOTIFY and makes it its own answer; false where it is none. */
static bool notify_take(size_t index, uint8_t *message, size_t length)
{
        uint32_t serial = 0;
        if (length < 17 || (message[2] & 0xf8) != 0x20)
                return false;
        bool is_other =
                is_running && wanted_zones == 0 &&
                (length < 12 + zone_name_length || memcmp(message + 12, zone_name, zone_name_length) != 0);
        bool is_stale = is_running && wanted_zones == 0 && first_soa(message, length, &serial) &&
                        serial == old_serial;
        message[2] |= 0x84;
        if (!is_running || is_stale || is_other)
                return true;
        messages++;
        last_notify = now_sec();
        if (first_notify == 0)
                first_notify = last_notify;
        if (wanted_zones > 0) {
                size_t id = message[13] == 'z' ? (size_t)atol((char *)message + 14) : ZONES;
                if (id < ZONES && !zone_seen[id]) {
                        zone_seen[id] = 1;
                        if (++seen_zones == (wanted_zones + 1) / 2)
                                half_notify = last_notify;
                }
        } else if (targets[index].notified == 0) {
                targets[index].notified = last_notify;
                transfer_begin(index);
        }
        return true;
}

static void udp_ready(size_t index)
{
        uint8_t message[4096];
        struct sockaddr_in from;
        socklen_t size = sizeof(from);
        ssize_t n;
        while ((n = recvfrom(targets[index].udp, message, sizeof(message) - 1, 0, (struct sockaddr *)&from,
                        &size)) >= 0) {
                message[n] = 0;
                if (notify_take(index, message, (size_t)n))
                        sendto(targets[index].udp, message, (size_t)n, 0, (struct sockaddr *)&from, size);
        }
}

static void listener_ready(size_t index)
{
        int on = 1, fd;
        while ((fd = accept4(targets[index].listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
                size_t i = 0;
                while (i < CONNECTIONS && connections[i].fd > 0)
                        i++;
                if (i == CONNECTIONS) {
                        close(fd);
                        continue;
                }
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
                connections[i] = (struct connection){.fd = fd, .target = index};
                watch(fd, ON_TCP, i, EPOLLIN);
        }
}

static void connection_ready(struct connection *connection)
{
        ssize_t n = read(connection->fd, connection->bytes + connection->have,
                sizeof(connection->bytes) - connection->have);
        if (n < 0 && errno == EAGAIN)
                return;
        if (n <= 0) {
                close(connection->fd);
                connection->fd = 0;
                return;
        }
        connection->have += (size_t)n;
        while (connection->have >= 2 && connection->have >= 2 + get16(connection->bytes)) {
                size_t length = 2 + get16(connection->bytes);
                if (notify_take(connection->target, connection->bytes + 2, length - 2) &&
                        write(connection->fd, connection->bytes, length) < 0)
                        break;
                connection->have -= length;
                memmove(connection->bytes, connection->bytes + length, connection->have);
        }
}

static void probe_ready(void)
{
        uint8_t message[4096];
        uint32_t serial;
        ssize_t n;
        while ((n = recv(probe_fd, message, sizeof(message), 0)) > 0)
                if (is_running && soa_seen == 0 && first_soa(message, (size_t)n, &serial) &&
                        serial != old_serial)
                        soa_seen = now_sec();
}

static void probe_send(double now)
{
        uint8_t query[600];
        if (wanted_zones > 0 || soa_seen > 0 || now < probe_at)
                return;
        size_t length = (size_t)(put_query(query, 78, zone, TYPE_SOA, 0) - query);
        if (send(probe_fd, query, length, 0) < 0 && errno != ECONNREFUSED && errno != EAGAIN)
                fail("send");
        probe_at = now + 0.001;
}

static void command_start(char **words)
{
        posix_spawn_file_actions_t actions;
        if (!words[0])
                return;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, 1, 2);
        if ((errno = posix_spawnp(&command, words[0], &actions, NULL, words, environ)) != 0)
                fail(words[0]);
        posix_spawn_file_actions_destroy(&actions);
}

static void dispatch(const struct epoll_event *event)
{
        size_t index = (uint32_t)event->data.u64;
        switch ((enum watched)(event->data.u64 >> 32)) {
        case ON_STDIN:
                break;
        case ON_PROBE:
                probe_ready();
                break;
        case ON_UDP:
                udp_ready(index);
                break;
        case ON_LISTENER:
                listener_ready(index);
                break;
        case ON_TCP:
                connection_ready(&connections[index]);
                break;
        case ON_TRANSFER:
                transfer_ready(index);
                break;
        }
}

/* Everything that is ready, or after wait_ms; true when standard input has something. */
static bool turn(int wait_ms)
{
        struct epoll_event events[256];
        bool has_input = false;
        int n = epoll_wait(epoll_fd, events, 256, wait_ms);
        for (int i = 0; i < n; i++) {
                has_input |= events[i].data.u64 >> 32 == ON_STDIN;
                dispatch(&events[i]);
        }
        return has_input;
}

static void plan_carry_out(const char *path)
{
        char line[4096], from[2048], to[2048];
        long offset, lines = 0;
        FILE *plan = fopen(path, "re");
        if (!plan)
                fail(path);
        while (fgets(line, sizeof(line), plan)) {
                if (++lines % 32 == 0) /* NOTIFY of the first ones may come while the last are written */
                        turn(0);
                if (sscanf(line, "write %2047s %ld %2047s", from, &offset, to) == 3) {
                        int fd = must(open(from, O_WRONLY | O_CLOEXEC), from);
                        must((int)pwrite(fd, to, strlen(to), offset), from);
                        close(fd);
                } else if (sscanf(line, "rename %2047s %2047s", from, to) == 2) {
                        must(rename(from, to), from);
                }
        }
        fclose(plan);
}

static double since(double then)
{
        return then > 0 ? (then - begun) * 1e3 : -1;
}

static void percentiles_print(const char *what, double *values, size_t count)
{
        qsort(values, count, sizeof(*values), by_value);
        printf(", \"%s_p50_ms\": %.3f, \"%s_p99_ms\": %.3f, \"%s_last_ms\": %.3f", what,
                percentile(values, count, 0.5), what, percentile(values, count, 0.99), what,
                percentile(values, count, 1));
}

static void answer_print(void)
{
        printf("{\"write_ms\": %.3f, \"first_notify_ms\": %.3f, \"last_notify_ms\": %.3f, \"messages\": %lu, "
               "\"command_ms\": %.3f, "
               "\"command_status\": %d",
                since(written), since(first_notify), since(last_notify), (unsigned long)messages,
                since(command_ended), command_status);
        if (wanted_zones > 0) {
                printf(", \"zones\": %zu, \"half_ms\": %.3f, \"all_ms\": %.3f}\n", seen_zones,
                        since(half_notify), seen_zones == wanted_zones ? since(last_notify) : -1);
                return;
        }
        double *heard = calloc(target_count, sizeof(*heard)), *held = calloc(target_count, sizeof(*held));
        size_t heard_count = 0, held_count = 0;
        for (size_t i = 0; i < target_count; i++) {
                if (targets[i].notified > 0)
                        heard[heard_count++] = since(targets[i].notified);
                if (targets[i].fetched > 0)
                        held[held_count++] = since(targets[i].fetched);
        }
        printf(", \"soa_ms\": %.3f, \"ixfr_ms\": %.3f, \"serial\": %u, \"form\": \"%s\", \"ixfr_bytes\": "
               "%lu, \"heard\": %zu, "
               "\"fetched\": %zu",
                since(soa_seen), since(targets[0].fetched), new_serial, answer_form(&targets[0].answer),
                (unsigned long)targets[0].answer.bytes, heard_count, held_count);
        percentiles_print("heard", heard, heard_count);
        percentiles_print("fetched", held, held_count);
        printf("}\n");
        free(heard);
        free(held);
}

static void edit_begin(const char *plan, char **words)
{
        for (size_t i = 0; i < target_count; i++)
                targets[i].notified = targets[i].fetched = targets[i].retry_at = 0;
        memset(zone_seen, 0, ZONES);
        seen_zones = fetched_count = 0;
        messages = 0;
        first_notify = last_notify = half_notify = soa_seen = probe_at = command_ended = 0;
        command = 0;
        command_status = -1;
        while (turn(0)) /* what came late of the last edit */
                break;
        is_running = true;
        begun = now_sec();
        plan_carry_out(plan);
        written = now_sec();
        command_start(words);
}

static bool edit_is_over(void)
{
        if (command > 0 && waitpid(command, &command_status, WNOHANG) == command) {
                command = 0;
                command_ended = now_sec();
        }
        if (wanted_zones > 0)
                return seen_zones >= wanted_zones;
        return fetched_count == target_count && soa_seen > 0;
}

static void edit_run(const char *plan, double seconds, char **words)
{
        edit_begin(plan, words);
        while (!edit_is_over() && now_sec() - begun < seconds) {
                double now = now_sec();
                probe_send(now);
                turn(1);
                if (wanted_zones == 0 && fetched_count < target_count)
                        for (size_t i = 0; i < target_count; i++)
                                if (targets[i].retry_at > 0 && targets[i].retry_at < now &&
                                        targets[i].transfer < 0) {
                                        targets[i].retry_at = 0;
                                        transfer_begin(i);
                                }
        }
        while (command > 0 && !(edit_is_over() && command == 0) && now_sec() - begun < seconds + 5)
                turn(1);
        is_running = false;
        for (size_t i = 0; i < target_count; i++)
                transfer_end(&targets[i]);
        answer_print();
}

static void line_take(char *line)
{
        char *words[64] = {0};
        size_t count = 0;
        line[strcspn(line, "\n")] = '\0';
        for (char *word = strtok(line, "\t"); word && count < 63; word = strtok(NULL, "\t"))
                words[count++] = word;
        if (count < 5) {
                fprintf(stderr, "stopwatch: edit|many WHAT SERIAL PLAN SECONDS [COMMAND ...]\n");
                exit(2);
        }
        bool is_many = strcmp(words[0], "many") == 0;
        wanted_zones = is_many ? (size_t)atol(words[1]) : 0;
        zone = is_many ? NULL : words[1];
        zone_name_length = is_many ? 0 : (size_t)(put_name(zone_name, zone) - zone_name);
        old_serial = is_many ? 0 : (uint32_t)strtoul(words[2], NULL, 10);
        edit_run(words[3], atof(words[4]), words + 5);
        fflush(stdout);
}

int main(int count, char **words)
{
        char line[16384];
        struct rlimit files;
        if (count < 3) {
                fprintf(stderr, "usage: stopwatch SERVER:PORT SINK:PORT [TARGETS [DEAD]]\n");
                return 2;
        }
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        server = address_parse(words[1]);
        sink = address_parse(words[2]);
        target_count = count > 3 ? (size_t)atol(words[3]) : 1;
        zone_seen = calloc(ZONES, 1);
        epoll_fd = must(epoll_create1(EPOLL_CLOEXEC), "epoll");
        targets_begin(count > 4 ? (size_t)atol(words[4]) : 0);
        probe_fd = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
        must(connect(probe_fd, (struct sockaddr *)&server, sizeof(server)), "connect");
        watch(probe_fd, ON_PROBE, 0, EPOLLIN);
        watch(0, ON_STDIN, 0, EPOLLIN);
        setvbuf(stdin, NULL, _IONBF, 0);
        printf("{\"ready\": true}\n");
        fflush(stdout);
        for (;;)
                if (turn(-1)) {
                        if (!fgets(line, sizeof(line), stdin))
                                return 0;
                        line_take(line);
                }
}
