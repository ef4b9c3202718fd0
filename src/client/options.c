/* The command line: options before or behind the command, and a hint for a mistyped one. */
#include "client/options.h"

#include "base/cleanup.h"
#include "client/client.h"
#include "client/print.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const struct command commands[] = {
        {"status", client_status, 0, 1, "[ZONE]", "jA", "what is published, and who has it; worst first"},
        {"wait", client_wait, 1, 1, "ZONE", "jnCstVq", "until every secondary serves it"},
        {"reload", client_reload, 0, 1, "[ZONE]", "j", "look at its file (or all) now, tell the verdict"},
        {"notify", client_notify, 1, 1, "ZONE", "j", "send NOTIFY to every target of the zone again"},
        {"check", client_check, 0, SIZE_MAX, "FILE|DIR...", "jofcgp",
                "tell all that is wrong in zone files; no daemon"},
        {"plan", client_plan, 0, 1, "[A..B|REV|DIR|ZONE]", "jfcpsz",
                "what would change, before it is published"},
        {"hook", client_hook, 1, 2, "install REPO", "cbp", "refuse broken zones in pushes and commits"},
        {"show", client_show, 1, 1, "ZONE", "n", "the published zone as text"},
        {"log", client_log, 1, 1, "ZONE", "j", "its serials: when, whose edit, who has them"},
        {"diff", client_diff, 3, 3, "ZONE FROM TO", "", "what changed between two of its serials"},
        {"rollback", client_rollback, 1, 1, "ZONE --to N", "jn",
                "publish what it was under that serial again"},
        {"dump", client_dump, 1, 1, "ZONE", "", "its versions and journal steps, then its text"},
        {"freeze", client_freeze, 1, 1, "ZONE", "j", "let edits wait"},
        {"thaw", client_thaw, 1, 1, "ZONE", "j", "publish what waited"},
        {"push", client_push, 1, 1, "ZONE", "js", "push it to providers with an API now"},
        {"approve", client_approve, 1, 2, "ZONE HASH", "jsC",
                "release the change that is held under this hash"},
        {"serial", client_serial, 1, 1, "ZONE", "j", "the serial, and what each secondary says"},
        {"serial-set", client_serial_set, 1, 2, "ZONE [N]", "jTux", "go to serial N, back too, in steps"},
        {"doctor", client_doctor, 0, 1, "[ZONE]", "jr", "what an expert would look at, and the next step"},
        {"keygen", client_keygen, 1, 1, "NAME", "a", "make a TSIG key, on standard output"},
        {"provider", client_provider, 0, 3, "WHAT ...", "cS", "list, show NAME, form ZONE SECONDARY"},
};

const struct command *command_find(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
                if (strcmp(commands[i].name, name) == 0)
                        return &commands[i];
        return NULL;
}

/* Edits from one word to the other (Levenshtein); words of up to 31 letters. */
static size_t edit_distance(const char *left, const char *right)
{
        size_t row[32], columns = strlen(right);
        if (columns >= ARRAY_SIZE(row))
                return SIZE_MAX;
        for (size_t i = 0; i <= columns; i++)
                row[i] = i;
        for (size_t line = 1; *left; left++, line++) {
                size_t diagonal = row[0];
                row[0] = line;
                for (size_t i = 1; i <= columns; i++) {
                        size_t change = diagonal + (*left != right[i - 1]);
                        size_t step = (row[i] < row[i - 1] ? row[i] : row[i - 1]) + 1;
                        diagonal = row[i];
                        row[i] = change < step ? change : step;
                }
        }
        return row[columns];
}

const char *command_suggest(const char *name)
{
        const char *best = NULL;
        size_t limit = strlen(name) < 5 ? 2 : 3; /* must be nearer than this */
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                size_t distance = edit_distance(name, commands[i].name);
                if (distance < limit) {
                        best = commands[i].name;
                        limit = distance;
                }
        }
        return best;
}

static void print_usage(FILE *out)
{
        fputs("usage: zonecrier [--socket PATH] COMMAND [ARGUMENT...]\n\n", out);
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
                fprintf(out, "  %-10s %-12s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
        fputs("\n"
              "  --socket PATH         zonecrierd's control socket (default $ZONECRIER_SOCKET,\n"
              "                        else " CLIENT_SOCKET_DEFAULT ")\n"
              "  -j, --json            status, reload, check ...: JSON on standard output\n"
              "  -f, --format FORMAT   check: text, json, github; plan: text, diff, markdown,\n"
              "                        json\n"
              "  -o, --origin NAME     check: the zone's name, where the file's does not say it\n"
              "  -g, --git REV         check: the zone files of this revision\n"
              "  -p, --path FOLDER     check --git, plan, hook install: in this folder of it\n"
              "  -z, --zone ZONE       plan: this zone alone\n"
              "  -b, --branch BRANCH   hook install: the one that is published\n"
              "  -c, --config FILE     check, plan, hook install: policies as in this file\n"
              "  -s, --secondary NAME  push, plan, approve: at this secondary block\n"
              "  --serial N, --commit REV, --timeout 60s, --verify, --quiet\n"
              "                        wait: which one, how long; compare changed records too\n"
              "  --commit REV          approve: the zone as this commit has it\n"
              "  --all                 status: every zone, also those that are well\n"
              "  --serial N, --to N    show, rollback: as it was under this serial\n"
              "  -r, --resolver ADDR   doctor: ask this one, not those of /etc/resolv.conf\n"
              "  --show-secret         provider form: the key's secret too\n"
              "  --step max            serial-set: steps as long as can be\n"
              "  --assume NAME,...     serial-set: secondaries that are not waited for\n"
              "  --abort               serial-set: end it where it stands\n"
              "  -a, --algorithm ALG   keygen: hmac-sha256 (default), hmac-sha512 ...\n"
              "  --help, --version\n"
              "\n"
              "Exit status: 0 done; 1 a zone is broken, or an error was answered; 2 it could\n"
              "not be asked; 3 wait: not everywhere in time; 4 the change is held or frozen.\n"
              "plan: 0 nothing would change, 2 something would, 4 it would be held, 1 an\n"
              "error. See zonecrier(1).\n",
                out);
}

/* Tells why; CLIENT_FAILED. */
static int usage_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int usage_fault(const char *format, ...)
{
        char text[512];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        fputs("zonecrier: ", stderr);
        print_text(stderr, text);
        putc('\n', stderr);
        return CLIENT_FAILED;
}

static int find_command(struct invocation *invocation, char **arguments, size_t count)
{
        if (count == 0) {
                print_usage(stderr);
                return CLIENT_FAILED;
        }
        const struct command *command = command_find(arguments[0]);
        if (!command) {
                const char *near = command_suggest(arguments[0]);
                if (near)
                        return usage_fault("no command \"%s\"; did you mean %s?", arguments[0], near);
                return usage_fault("no command \"%s\"; zonecrier --help lists them", arguments[0]);
        }
        count--;
        if (count < command->arguments_min || count > command->arguments_max)
                return usage_fault("usage: zonecrier %s %s", command->name, command->arguments);
        invocation->command = command;
        invocation->arguments = arguments + 1;
        invocation->count = count;
        return CLIENT_OK;
}

/* Options with a value, by the letter that a command's row names them by. */
static const struct value_option {
        char letter;
        const char *name;
        size_t offset; /* in struct client */
} value_options[] = {
        {'a', "algorithm", offsetof(struct client, algorithm)},
        {'b', "branch", offsetof(struct client, branch)},
        {'c', "config", offsetof(struct client, config)},
        {'C', "commit", offsetof(struct client, commit)},
        {'f', "format", offsetof(struct client, format)},
        {'g', "git", offsetof(struct client, git)},
        {'n', "serial", offsetof(struct client, serial)},
        {'o', "origin", offsetof(struct client, origin)},
        {'p', "path", offsetof(struct client, path)},
        {'r', "resolver", offsetof(struct client, resolver)},
        {'s', "secondary", offsetof(struct client, secondary)},
        {'t', "timeout", offsetof(struct client, timeout)},
        {'z', "zone", offsetof(struct client, zone)},
        {'T', "step", offsetof(struct client, step)},
        {'u', "assume", offsetof(struct client, assume)},
};

static const char **option_value(struct client *client, const struct value_option *option)
{
        return (const char **)((char *)client + option->offset);
}

/* Options that the command does not take are told, not ignored. */
static int match_options(struct invocation *invocation)
{
        struct client *client = &invocation->client;
        const char *taken = invocation->command->options;

        if (client->shows_secret && !strchr(taken, 'S'))
                return usage_fault("%s takes no --show-secret", invocation->command->name);
        if (client->shows_all && !strchr(taken, 'A'))
                return usage_fault("%s takes no --all", invocation->command->name);
        if (client->is_quiet && !strchr(taken, 'q'))
                return usage_fault("%s takes no --quiet", invocation->command->name);
        if (client->is_verify && !strchr(taken, 'V'))
                return usage_fault("%s takes no --verify", invocation->command->name);
        if (client->is_json && !strchr(taken, 'j'))
                return usage_fault("%s takes no --json", invocation->command->name);
        if (client->aborts && !strchr(taken, 'x'))
                return usage_fault("%s takes no --abort", invocation->command->name);
        for (size_t i = 0; i < ARRAY_SIZE(value_options); i++)
                if (*option_value(client, &value_options[i]) && !strchr(taken, value_options[i].letter))
                        return usage_fault(
                                "%s takes no --%s", invocation->command->name, value_options[i].name);
        if (client->format && strcmp(client->format, "json") == 0)
                client->is_json = true;
        return CLIENT_OK;
}

/* To plan, 2 means that something changes: wrong usage is 1. */
static int usage_exit(int argc, char **argv, int exit_status)
{
        for (int i = 1; exit_status == CLIENT_FAILED && i < argc; i++)
                if (strcmp(argv[i], "plan") == 0)
                        return CLIENT_WRONG;
        return exit_status;
}

static bool take_value(struct client *client, int letter)
{
        for (size_t i = 0; i < ARRAY_SIZE(value_options); i++)
                if (value_options[i].letter == letter) {
                        *option_value(client, &value_options[i]) = optarg;
                        return true;
                }
        return false;
}

static void find_terminal(struct client *client)
{
        struct winsize size;
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        if (!isatty(STDOUT_FILENO))
                return;
        client->width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 ? size.ws_col : 80;
        client->has_color = !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

static int read_options(int argc, char **argv, struct invocation *ret_invocation)
{
        enum {
                OPTION_SOCKET = 256,
                OPTION_VERSION,
                OPTION_SHOW_SECRET,
                OPTION_ALL,
                OPTION_QUIET,
                OPTION_VERIFY
        };
        static const struct option options[] = {
                {"socket", required_argument, NULL, OPTION_SOCKET},
                {"json", no_argument, NULL, 'j'},
                {"algorithm", required_argument, NULL, 'a'},
                {"all", no_argument, NULL, OPTION_ALL},
                {"commit", required_argument, NULL, 'C'},
                {"quiet", no_argument, NULL, OPTION_QUIET},
                {"serial", required_argument, NULL, 'n'},
                {"timeout", required_argument, NULL, 't'},
                {"verify", no_argument, NULL, OPTION_VERIFY},
                {"branch", required_argument, NULL, 'b'},
                {"config", required_argument, NULL, 'c'},
                {"format", required_argument, NULL, 'f'},
                {"git", required_argument, NULL, 'g'},
                {"origin", required_argument, NULL, 'o'},
                {"path", required_argument, NULL, 'p'},
                {"to", required_argument, NULL, 'n'},
                {"resolver", required_argument, NULL, 'r'},
                {"secondary", required_argument, NULL, 's'},
                {"show-secret", no_argument, NULL, OPTION_SHOW_SECRET},
                {"zone", required_argument, NULL, 'z'},
                {"step", required_argument, NULL, 'T'},
                {"assume", required_argument, NULL, 'u'},
                {"abort", no_argument, NULL, 'x'},
                {"help", no_argument, NULL, 'h'},
                {"version", no_argument, NULL, OPTION_VERSION},
                {0},
        };
        struct invocation invocation = {.client.socket_path = getenv("ZONECRIER_SOCKET")};
        int option;

        optind = 0; /* tests call this more than once */
        while ((option = getopt_long(argc, argv, "ja:b:c:f:g:o:p:r:s:z:h", options, NULL)) != -1)
                switch (option) {
                case OPTION_SOCKET:
                        invocation.client.socket_path = invocation.client.socket_option = optarg;
                        break;
                case 'j':
                        invocation.client.is_json = true;
                        break;
                case OPTION_ALL:
                        invocation.client.shows_all = true;
                        break;
                case OPTION_QUIET:
                        invocation.client.is_quiet = true;
                        break;
                case OPTION_VERIFY:
                        invocation.client.is_verify = true;
                        break;
                case OPTION_SHOW_SECRET:
                        invocation.client.shows_secret = true;
                        break;
                case 'x':
                        invocation.client.aborts = true;
                        break;
                case 'h':
                        print_usage(stdout);
                        *ret_invocation = (struct invocation){0};
                        return CLIENT_OK;
                case OPTION_VERSION:
                        printf("zonecrier %s\n", ZONECRIER_VERSION);
                        *ret_invocation = (struct invocation){0};
                        return CLIENT_OK;
                default:
                        if (take_value(&invocation.client, option))
                                break;
                        fputs("zonecrier --help lists what it takes\n", stderr);
                        return CLIENT_FAILED;
                }
        if (!invocation.client.socket_path || !*invocation.client.socket_path)
                invocation.client.socket_path = CLIENT_SOCKET_DEFAULT;
        find_terminal(&invocation.client);
        int exit_status = find_command(&invocation, argv + optind, (size_t)(argc - optind));
        if (exit_status == CLIENT_OK)
                exit_status = match_options(&invocation);
        if (exit_status == CLIENT_OK)
                *ret_invocation = invocation;
        return exit_status;
}

int options_read(int argc, char **argv, struct invocation *ret_invocation)
{
        return usage_exit(argc, argv, read_options(argc, argv, ret_invocation));
}
