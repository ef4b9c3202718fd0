/* zonecrierd: options, and the modes that end by themselves. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/daemon.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_CONF "/etc/zonecrier/zonecrier.conf"
#define MMAP_FROM_BYTES (32 << 20) /* the most that glibc takes */
#define KEPT_BYTES (1 << 30)

enum exit_status { EXIT_OK = 0, EXIT_WRONG = 1, EXIT_USAGE = 2 };

static void print_usage(FILE *out)
{
        fputs("usage: zonecrierd [-c FILE] [--check-config | --verify-store]\n"
              "\n"
              "  -c, --config FILE   configuration (default " DEFAULT_CONF ")\n"
              "      --check-config  read the configuration, tell what is wrong, end\n"
              "      --verify-store  check every value in the state directory, end\n"
              "      --version       print the version, end\n"
              "  -d, --debug         log what is normal too\n"
              "\n"
              "It stays in the foreground. SIGHUP reloads, SIGTERM ends in order. See zonecrierd(8).\n",
                out);
}

static void print_diags(struct diag_list *diags)
{
        struct buffer text = {0};
        diag_sort(diags);
        for (size_t i = 0; i < diags->count; i++)
                diag_format(&diags->items[i], &text);
        const char *all = buffer_text(&text);
        if (all)
                fputs(all, stderr);
        buffer_free(&text);
}

static int check_config(const char *path)
{
        struct diag_list diags = {0};
        struct conf *conf = NULL;
        int r = conf_load(path, NULL, &diags, &conf);

        if (r == 0)
                conf_check_paths(conf, &diags);
        print_diags(&diags);
        if (r == 0)
                printf("%s is valid; zone blocks: %zu, zone folders: %zu, git branches: %zu, keys: %zu, "
                       "warnings: %zu\n",
                        path, conf->zone_count, conf->zone_files_count, conf->git_count, conf->key_count,
                        diags.warning_count);
        diag_free(&diags);
        conf_unref(conf);
        return r == 0 ? EXIT_OK : EXIT_WRONG;
}

static void print_fault(void *context, const char *line)
{
        (void)context;
        fprintf(stderr, "%s\n", line);
}

static int verify_store(const char *path)
{
        struct diag_list diags = {0};
        struct conf *conf = NULL;
        struct store *store = NULL;
        const char *why = NULL;

        int r = conf_load(path, NULL, &diags, &conf);
        if (r < 0) {
                print_diags(&diags);
                diag_free(&diags);
                return EXIT_WRONG;
        }
        diag_free(&diags);
        struct store_options options = {.directory = conf->options.state_directory,
                .limit_bytes = conf->options.store_limit_bytes,
                .read_only = true};
        r = store_open(&options, &store, &why);
        if (r < 0)
                fprintf(stderr, "zonecrierd: %s: %s: %s\n", conf->options.state_directory,
                        why ? why : "it cannot be opened", strerror(-r));
        else {
                r = store_verify(store, print_fault, NULL);
                if (r == 0)
                        printf("%s: every value is as it was written\n", conf->options.state_directory);
                else if (r > 0)
                        printf("%s: %d faults\n", conf->options.state_directory, r);
                else
                        fprintf(stderr, "zonecrierd: %s: %s\n", conf->options.state_directory, strerror(-r));
        }
        store_close(store);
        conf_unref(conf);
        return r == 0 ? EXIT_OK : EXIT_WRONG;
}

/* The steps of a load free what the next one asks for: kept, it need not be faulted in and cleared once more.
 * The publisher gives it back when it rests. */
static void keep_freed_memory(void)
{
        mallopt(M_MMAP_THRESHOLD, MMAP_FROM_BYTES);
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

int main(int argc, char **argv)
{
        enum { OPTION_CHECK = 256, OPTION_VERIFY, OPTION_VERSION, OPTION_HELP };
        static const struct option options[] = {
                {"config", required_argument, NULL, 'c'},
                {"check-config", no_argument, NULL, OPTION_CHECK},
                {"verify-store", no_argument, NULL, OPTION_VERIFY},
                {"version", no_argument, NULL, OPTION_VERSION},
                {"debug", no_argument, NULL, 'd'},
                {"help", no_argument, NULL, OPTION_HELP},
                {0},
        };
        const char *conf_path = DEFAULT_CONF;
        int mode = 0, lowest = LOG_INFO, option;

        while ((option = getopt_long(argc, argv, "c:dh", options, NULL)) != -1)
                switch (option) {
                case 'c':
                        conf_path = optarg;
                        break;
                case 'd':
                        lowest = LOG_DEBUG;
                        break;
                case OPTION_CHECK:
                case OPTION_VERIFY:
                        mode = option;
                        break;
                case OPTION_VERSION:
                        printf("zonecrierd %s\n", ZONECRIER_VERSION);
                        return EXIT_OK;
                case 'h':
                case OPTION_HELP:
                        print_usage(stdout);
                        return EXIT_OK;
                default:
                        print_usage(stderr);
                        return EXIT_USAGE;
                }
        if (optind < argc) {
                fprintf(stderr, "zonecrierd: what is \"%s\"? It takes options alone.\n", argv[optind]);
                return EXIT_USAGE;
        }
        log_open("zonecrierd", lowest);
        signal(SIGPIPE, SIG_IGN);
        if (mode == OPTION_CHECK)
                return check_config(conf_path);
        if (mode == OPTION_VERIFY)
                return verify_store(conf_path);
        keep_freed_memory();
        return daemon_run(conf_path);
}
