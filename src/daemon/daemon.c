/* The daemon's life: made in the order of an edit's way, ended in the other. Main loop.
 *
 * Signals are blocked before any thread is made, so that only the loop gets them. */
#include "daemon/daemon.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_ids.h"
#include "daemon/advice.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#define OBSERVED_EVERY_USEC (5 * USEC_PER_MSEC)
#define STOP_GRACE_USEC (10 * USEC_PER_SEC)

static char *diags_text(struct diag_list *diags)
{
        struct buffer text = {0};
        diag_sort(diags);
        for (size_t i = 0; i < diags->count; i++)
                diag_format(&diags->items[i], &text);
        const char *all = buffer_text(&text);
        char *copy = strdup(all ? all : "");
        buffer_free(&text);
        return copy;
}

/* What stands in no file begins with its severity, which the log has too. */
static const char *without_severity(const char *text)
{
        static const char severity[] = "error: ";
        return strncmp(text, severity, strlen(severity)) == 0 ? text + strlen(severity) : text;
}

/* Loads and logs; *ret_text (malloc'ed) has the diagnostics. */
static int load_conf(const char *path, struct conf **ret_conf, char **ret_text)
{
        struct diag_list diags = {0};
        int r = conf_load(path, NULL, &diags, ret_conf);
        char *text = diags_text(&diags);

        if (text && *text)
                log_write(r < 0 ? LOG_ERR : LOG_WARNING,
                        &(struct log_fields){.message_id = r < 0 ? MESSAGE_CONFIG_WRONG : NULL, .file = path},
                        "%s", without_severity(text));
        diag_free(&diags);
        *ret_text = text;
        return r;
}

static void on_published(void *context, const struct store_zone *row)
{
        struct daemon *daemon = context;
        notify_zone_published(daemon->notify, row);
        survey_zone_published(daemon->survey, row);
        push_zone_published(daemon->push, row);
}

static void on_removed(void *context, const uint8_t *name)
{
        struct daemon *daemon = context;
        daemon_tell_removed(daemon, name);
        notify_zone_forget(daemon->notify, name);
        push_zone_forget(daemon->push, name);
        survey_zone_forget(daemon->survey, name);
        fleet_zone_forget(daemon->fleet, name);
}

/* The one line that says why it does not start; more may be NULL. */
static void tell_failure(struct daemon *daemon, const char *what, const char *why, const char *more)
{
        log_write(LOG_ERR, NULL, "cannot start: %s%s%s%s", what, why, more ? ": " : "", more ? more : "");
        daemon->is_failure_told = true;
}

static int open_state(struct daemon *daemon, bool *ret_serials_missing)
{
        const struct conf_options *options = &daemon->conf->options;
        struct store_options store = {
                .directory = options->state_directory, .limit_bytes = options->store_limit_bytes};
        const char *why = NULL;
        size_t damaged = 0;

        int r = store_open(&store, &daemon->store, &why);
        if (r < 0) {
                CLEANUP_FREE char *what = NULL;
                if (asprintf(&what, "state-directory %s: ", options->state_directory) < 0)
                        return -ENOMEM;
                tell_failure(daemon, what, why, advice_on_state(r));
                return r;
        }
        r = serial_file_open(options->serial_file, &daemon->serial_file, ret_serials_missing, &damaged);
        if (r < 0)
                tell_failure(daemon, "serial-file ", options->serial_file, advice_on_state(r));
        if (damaged > 0)
                log_write(LOG_WARNING, &(struct log_fields){.message_id = MESSAGE_STORE_DAMAGED},
                        "serial-file %s: %zu damaged lines were skipped", options->serial_file, damaged);
        return r;
}

static void take_inherited(struct daemon *daemon)
{
        int count = sd_listen_fds(true);

        daemon->inherited_control = -1;
        for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; fd++) {
                if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, true) > 0)
                        daemon->inherited_control = fd;
                else if (daemon->inherited_count < INHERITED_FDS_MAX)
                        daemon->inherited[daemon->inherited_count++] = fd;
        }
}

static int make_server(struct daemon *daemon)
{
        struct server_options options = {
                .store = daemon->store,
                .observations = daemon->observations,
                .inherited_fds = daemon->inherited_count ? daemon->inherited : NULL,
                .inherited_fd_count = daemon->inherited_count,
        };
        const char *why = NULL;
        int r = server_new(&options, daemon->conf, &daemon->server, &why);
        if (r < 0)
                tell_failure(daemon, "listen-on: ", why ? why : "a socket", advice_on_listening(r));
        return r;
}

static int make_control(struct daemon *daemon)
{
        struct control_options options = {
                .event = daemon->event,
                .store = daemon->store,
                .registry = daemon->registry,
                .fleet = daemon->fleet,
                .survey = daemon->survey,
                .notify = daemon->notify,
                .push = daemon->push,
                .server = daemon->server,
                .events = daemon->events,
                .reload_configuration = daemon_reload,
                .context = daemon,
                .inherited_fd = daemon->inherited_control,
        };
        const char *why = NULL;
        int r = control_new(&options, daemon->conf, &daemon->control, &why);
        if (r < 0)
                tell_failure(daemon, "control socket: ", why ? why : strerror(-r), advice_on_control(r));
        return r;
}

static int make_parts(struct daemon *daemon)
{
        bool serials_missing = false;
        sd_event_source *source = NULL;
        int r = open_state(daemon, &serials_missing);
        if (r == 0)
                r = queue_new(&daemon->observations);
        if (r == 0)
                r = sd_event_add_io(daemon->event, &source, queue_fd(daemon->observations), EPOLLIN,
                        daemon_on_observations, daemon);
        if (r >= 0) /* under load many at a time: each wake of this loop costs more than what it hears */
                r = sd_event_source_set_ratelimit(source, OBSERVED_EVERY_USEC, 1);
        if (r >= 0)
                r = sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
        if (r >= 0)
                r = make_server(daemon);
        if (r == 0)
                r = events_new(daemon->conf, &daemon->events);
        if (r == 0)
                r = fleet_new(daemon->store, daemon->conf, &daemon->fleet);
        if (r == 0)
                r = notify_new(daemon->event, daemon->store, daemon->fleet, &daemon->notify);
        if (r == 0)
                r = daemon_survey_new(daemon);
        if (r == 0) {
                struct registry_options options = {
                        .event = daemon->event,
                        .store = daemon->store,
                        .serial_file = daemon->serial_file,
                        .fleet = daemon->fleet,
                        .serial_file_was_missing = serials_missing,
                        .published = on_published,
                        .removed = on_removed,
                        .news = daemon_on_news,
                        .is_everywhere = daemon_is_everywhere,
                        .context = daemon,
                };
                r = registry_new(&options, daemon->conf, &daemon->registry);
        }
        if (r == 0)
                r = daemon_push_new(daemon);
        return r == 0 ? make_control(daemon) : r;
}

static void warn_fixed(const struct conf *before, const struct conf *now)
{
        if (strcmp(before->options.state_directory, now->options.state_directory) != 0 ||
                strcmp(before->options.serial_file, now->options.serial_file) != 0)
                log_write(LOG_WARNING, NULL,
                        "state-directory and serial-file are read at start alone: restart to use the new "
                        "ones");
}

static int reload(struct daemon *daemon, char **ret_text)
{
        struct conf *conf = NULL;
        CLEANUP_FREE char *text = NULL;
        const char *why = NULL;

        int r = load_conf(daemon->conf_path, &conf, &text);
        if (r < 0) {
                log_write(LOG_ERR, &(struct log_fields){.message_id = MESSAGE_CONFIG_WRONG},
                        "the configuration has errors; the one in use stays");
                *ret_text = TAKE(text);
                return r;
        }
        r = server_reconfigure(daemon->server, conf, &why);
        const char *advice = r < 0 ? advice_on_listening(r) : NULL;
        if (r == 0) {
                r = control_reconfigure(daemon->control, conf, &why);
                advice = r < 0 ? advice_on_control(r) : NULL;
        }
        if (r < 0) {
                if (asprintf(ret_text, "%s%s%s\n", why ? why : strerror(-r), advice ? ": " : "",
                            advice ? advice : "") < 0)
                        *ret_text = NULL;
                log_write(LOG_ERR, &(struct log_fields){.message_id = MESSAGE_CONFIG_WRONG},
                        "%sthe configuration in use stays", *ret_text ? *ret_text : "");
                server_reconfigure(daemon->server, daemon->conf, &why);
                conf_unref(conf);
                return r;
        }
        warn_fixed(daemon->conf, conf);
        events_reconfigure(daemon->events, conf);
        fleet_reconfigure(daemon->fleet, conf);
        notify_reconfigure(daemon->notify);
        survey_reconfigure(daemon->survey);
        registry_reconfigure(daemon->registry, conf);
        push_reconfigure(daemon->push, conf);
        conf_unref(daemon->conf);
        daemon->conf = conf;
        log_write(LOG_NOTICE, NULL, "configuration %s is in use", daemon->conf_path);
        *ret_text = TAKE(text);
        return 0;
}

int daemon_reload(void *context, char **ret_text)
{
        sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_monotonic_usec());
        int r = reload(context, ret_text);
        sd_notify(false, "READY=1");
        return r;
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
        struct daemon *daemon = context;
        CLEANUP_FREE char *text = NULL;
        (void)source, (void)info;

        if (daemon_reload(daemon, &text) == 0)
                registry_reload_all(daemon->registry, NULL, NULL);
        return 0;
}

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
        struct daemon *daemon = context;
        (void)source;

        log_write(LOG_NOTICE, NULL, "%s: transfers under way may end, then it stops",
                info->ssi_signo == SIGINT ? "interrupted" : "terminated");
        sd_notify(false, "STOPPING=1");
        return sd_event_exit(daemon->event, 0);
}

static int add_signals(struct daemon *daemon)
{
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGHUP);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigprocmask(SIG_BLOCK, &set, NULL);
        int r = sd_event_add_signal(daemon->event, NULL, SIGHUP, on_hangup, daemon);
        if (r >= 0)
                r = sd_event_add_signal(daemon->event, NULL, SIGTERM, on_terminate, daemon);
        if (r >= 0)
                r = sd_event_add_signal(daemon->event, NULL, SIGINT, on_terminate, daemon);
        return r < 0 ? r : 0;
}

/* Sockets of NOTIFY, transfers and watched folders: as many files as we may. */
static void raise_file_limit(void)
{
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
                limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
                setrlimit(RLIMIT_NOFILE, &limit);
        }
}

static void tell_listening(const struct daemon *daemon)
{
        struct address addresses[16];
        char text[ADDRESS_TEXT_MAX];
        size_t count = server_addresses(daemon->server, addresses, ARRAY_SIZE(addresses));
        for (size_t i = 0; i < count && i < ARRAY_SIZE(addresses); i++)
                log_write(LOG_INFO, NULL, "listening on %s", address_format(&addresses[i], text));
}

static void unmake(struct daemon *daemon)
{
        daemon->control = control_free(daemon->control);
        if (daemon->server)
                server_stop(daemon->server, STOP_GRACE_USEC);
        if (daemon->observations)
                daemon_on_observations(NULL, -1, 0, daemon);
        daemon->push = push_free(daemon->push); /* writes its last rows */
        if (daemon->registry) {
                daemon_write_rows(daemon);
                registry_stop(daemon->registry);
        }
        daemon->notify = notify_free(daemon->notify);
        daemon->registry = registry_free(daemon->registry);
        daemon->survey = survey_free(daemon->survey);
        daemon->prober = prober_free(daemon->prober);
        daemon->fleet = fleet_free(daemon->fleet);
        daemon->events = events_free(daemon->events);
        daemon->server = server_free(daemon->server);
        queue_free(daemon->observations);
        serial_file_close(daemon->serial_file);
        store_close(daemon->store);
        conf_unref(daemon->conf);
        sd_event_unref(daemon->event);
}

static int run(struct daemon *daemon)
{
        CLEANUP_FREE char *text = NULL;
        int r = load_conf(daemon->conf_path, &daemon->conf, &text);
        if (r < 0)
                return r;
        r = sd_event_new(&daemon->event);
        if (r >= 0)
                r = add_signals(daemon);
        if (r >= 0)
                r = make_parts(daemon);
        if (r >= 0)
                r = server_start(daemon->server);
        if (r >= 0)
                r = registry_start(daemon->registry);
        if (r >= 0)
                r = daemon_beat_start(daemon);
        if (r < 0) {
                if (!daemon->is_failure_told)
                        tell_failure(daemon, "", strerror(-r), NULL);
                return r;
        }
        tell_listening(daemon);
        log_write(LOG_NOTICE, NULL, "zonecrierd %s serves; %zu zones to look at", ZONECRIER_VERSION,
                registry_count(daemon->registry));
        sd_notify(false, "READY=1");
        return sd_event_loop(daemon->event);
}

/* Port 53 is ours alone: git and the program of on-event get no capability. (Our own sets stay.) */
static void drop_inheritance(void)
{
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

int daemon_run(const char *conf_path)
{
        struct daemon daemon = {.conf_path = conf_path, .inherited_control = -1};

        umask(0027);
        drop_inheritance();
        raise_file_limit();
        take_inherited(&daemon);
        int r = run(&daemon);
        unmake(&daemon);
        return r < 0 ? 1 : 0;
}
