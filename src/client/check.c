/* zonecrier check: reads zone files as zonecrierd would, and tells all errors of all of them. No daemon,
 * nothing is written.
 *
 * Paths are shown as they were given: files are opened by absolute path (that is what $INCLUDE is relative
 * to), and the diagnostics get the given folder back. */
#include "client/check.h"

#include "base/cleanup.h"
#include "client/client.h"
#include "client/git_zones.h"
#include "client/print.h"
#include "conf/conf.h"
#include "source/source.h"
#include "zonefile/zonefile.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_PATTERN "%s.zone"
#define FILE_BYTES_MAX (4ull << 30)

DEFINE_CLEANUP(struct source_snapshot *, source_snapshot_free);
DEFINE_CLEANUP(struct git *, git_unref);

void check_tell_unreadable(struct check *check, const char *path, const char *why)
{
        check->has_failed = true;
        fputs("zonecrier: ", stderr);
        print_text(stderr, path);
        fprintf(stderr, ": %s\n", why);
}

/* ---- one file ---- */

/* What zonecrierd's guard would hold is worth telling before. */
static void warn_of_guard(struct checked_file *file, const char *path, const struct zonefile_result *result)
{
        struct diag diag = {.severity = DIAG_WARNING,
                .code = "no-final-newline",
                .file = path,
                .hint = "a text that is cut off looks the same; zonecrierd holds it until it is approved"};
        if (result->ends_without_newline)
                diag_add(&file->diags, &diag, "the file does not end in a newline");
}

static int parse_file(const struct check *check, struct checked_file *file, struct source_snapshot *snapshot,
        const char *path, bool is_found)
{
        CLEANUP_CLOSE int fd = -1;
        struct source_identity identity;
        struct zone_text text = {0};
        struct zonefile_result result = {0};
        struct zonefile_request request = {.origin = file->zone,
                .file = path,
                .snapshot = snapshot,
                .checks = check->conf ? &conf_policy_for(check->conf, file->zone)->checks : NULL};

        int r = (is_found ? source_open_found : source_open)(snapshot, path, &fd, &identity);
        if (r == 0)
                r = zone_text_read(fd, identity.size_bytes, FILE_BYTES_MAX, NULL, &text);
        if (r < 0)
                return r;
        r = zonefile_parse(&request, &text, &file->diags, &result);
        if (r == 0) {
                file->serial = result.soa_serial;
                file->record_count = result.records.count + (result.soa.owner != NULL);
                warn_of_guard(file, path, &result);
        }
        zonefile_result_free(&result);
        zone_text_free(&text);
        return r == -EINVAL && file->diags.error_count > 0 ? 0 : r;
}

static void note_zone(struct check *check, struct checked_file *file)
{
        size_t length = name_length(file->zone);
        const char *other = table_get(&check->zones, file->zone, length);
        if (other) {
                struct diag diag = {.severity = DIAG_ERROR,
                        .code = "two-files",
                        .file = file->path,
                        .hint = "remove one of them"};
                diag_add(&file->diags, &diag, "%s is a file for the same zone", other);
                return;
        }
        uint8_t *name = arena_copy(&check->arena, file->zone, length);
        char *path = arena_text(&check->arena, file->path, strlen(file->path));
        if (name && path)
                table_put(&check->zones, name, length, path, NULL);
}

/* Folder and name of a path: absolute for opening, as given for showing. */
static int split_path(struct checked_file *file, char **ret_absolute)
{
        const char *slash = strrchr(file->path, '/');
        const char *name = slash ? slash + 1 : file->path;

        file->given_folder = strndup(file->path, (size_t)(name - file->path));
        if (!file->given_folder)
                return -ENOMEM;
        file->folder = realpath(*file->given_folder ? file->given_folder : ".", NULL);
        if (!file->folder)
                return -errno;
        if (strcmp(file->folder, "/") == 0)
                file->folder[0] = '\0';
        return asprintf(ret_absolute, "%s/%s", file->folder, name) < 0 ? -ENOMEM : 0;
}

static void finish_file(struct check *check, struct checked_file *file)
{
        check_give_paths_back(file);
        diag_sort(&file->diags);
        check->file_count++;
        check->error_count += file->diags.error_count;
        check->warning_count += file->diags.warning_count;
        check->broken_count += file->diags.error_count > 0;
        check_report_file(check, file);
}

static int read_file(const struct check *check, struct checked_file *file, bool is_found)
{
        CLEANUP_FREE char *absolute = NULL;
        CLEANUP(source_snapshot_free_later) struct source_snapshot *snapshot = NULL;

        int r = split_path(file, &absolute);
        if (r == 0)
                r = source_snapshot_folder(
                        *file->folder ? file->folder : "/", check->include_root, &snapshot);
        return r == 0 ? parse_file(check, file, snapshot, absolute, is_found) : r;
}

static const char *unreadable_reason(const char *path, int r)
{
        struct stat status;
        if (r == -EINVAL && stat(path, &status) == 0 && !S_ISREG(status.st_mode))
                return "not a regular file";
        if (r == -EXDEV)
                return "leads out of its folder by a symlink: zonecrierd does not follow it";
        return r == -EFBIG ? "larger than zonecrierd reads" : strerror(-r);
}

/* What became of the file is told and counted. */
static void conclude_file(struct check *check, struct checked_file *file, int r)
{
        if (r < 0)
                check_tell_unreadable(check, file->path, unreadable_reason(file->path, r));
        else
                finish_file(check, file);
        diag_free(&file->diags);
        free(file->given_folder);
        free(file->folder);
}

static struct checked_file begin_file(struct check *check, const char *path, const uint8_t *zone)
{
        struct checked_file file = {.path = path, .has_zone = true};

        name_fold(zone, file.zone);
        note_zone(check, &file);
        return file;
}

void check_file(struct check *check, const char *path, const uint8_t *zone, bool is_found)
{
        struct checked_file file = begin_file(check, path, zone);
        int r = read_file(check, &file, is_found);

        conclude_file(check, &file, r);
}

/* The file looks like a zone file and its name is no zone's. */
static void tell_wrong_name(struct check *check, const char *path)
{
        struct checked_file file = {.path = path};
        struct diag diag = {.severity = DIAG_ERROR,
                .code = "file-name",
                .file = path,
                .hint = "NAME.zone, with %2F for a slash in the name; the root is %2E.zone"};

        diag_add(&file.diags, &diag, "the file's name is not the name of a zone");
        finish_file(check, &file);
        diag_free(&file.diags);
}

void check_git_zones(struct check *check, struct git *git, const char *tree, const char *folder,
        const struct git_zones *zones)
{
        for (size_t i = 0; i < zones->count; i++) {
                CLEANUP(source_snapshot_free_later) struct source_snapshot *snapshot = NULL;
                const struct git_zone *zone = &zones->items[i];

                if (zone->is_misnamed) {
                        tell_wrong_name(check, zone->path);
                        continue;
                }
                struct checked_file file = begin_file(check, zone->path, zone->name);
                int r = source_snapshot_git(git, tree, folder, &snapshot);
                if (r == 0)
                        r = parse_file(check, &file, snapshot, zone->path, true);
                conclude_file(check, &file, r);
        }
}

/* ---- what was named on the command line ---- */

static int compare_entries(const struct dirent **left, const struct dirent **right)
{
        return strcmp((*left)->d_name, (*right)->d_name);
}

/* The revision's zones beneath --path. */
static void check_git(struct check *check)
{
        CLEANUP(git_unref_later) struct git *git = NULL;
        CLEANUP(git_zones_free) struct git_zones zones = {0};
        const char *folder = check->client->path ? check->client->path : "";
        struct git_commit commit;
        int r = git_zones_open(NULL, false, &git);

        if (r == 0)
                r = git_zones_commit(git, check->client->git, &commit);
        if (r < 0) {
                check->has_failed = true;
                return;
        }
        check->is_quiet = true;
        r = git_zones_list(git, commit.id, folder, &zones);
        if (r < 0)
                check_tell_unreadable(check, check->client->git, strerror(-r));
        else if (zones.count == 0)
                check_tell_unreadable(check, *folder ? folder : check->client->git,
                        "no zone file (NAME.zone) in this tree");
        check_git_zones(check, git, commit.id, folder, &zones);
}

static void check_entry(
        struct check *check, const char *folder, const char *pattern, const char *name, size_t *count)
{
        uint8_t zone[NAME_MAX_LENGTH];
        CLEANUP_FREE char *path = NULL;
        struct stat status;
        bool has_slash = folder[strlen(folder) - 1] == '/';

        int r = source_zone_name(name, pattern, zone);
        if (r > 0 || asprintf(&path, "%s%s%s", folder, has_slash ? "" : "/", name) < 0)
                return;
        if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
                return;
        (*count)++;
        if (r < 0)
                tell_wrong_name(check, path);
        else
                check_file(check, path, zone, true);
}

void check_folder(struct check *check, const char *folder, const char *pattern)
{
        struct dirent **entries;
        size_t count = 0;

        int entry_count = scandir(folder, &entries, NULL, compare_entries);
        if (entry_count < 0) {
                check_tell_unreadable(check, folder, strerror(errno));
                return;
        }
        check->is_quiet = true;
        for (int i = 0; i < entry_count; i++) {
                check_entry(check, folder, pattern, entries[i]->d_name, &count);
                free(entries[i]);
        }
        free(entries);
        if (count == 0)
                check_tell_unreadable(check, folder, "no zone file (NAME.zone) in this folder");
}

static void check_path(struct check *check, const char *path)
{
        static const uint8_t root[] = {0};
        uint8_t zone[NAME_MAX_LENGTH];
        const char *origin = check->client->origin;
        struct stat status;
        size_t length;

        if (stat(path, &status) < 0) {
                check_tell_unreadable(check, path, strerror(errno));
                return;
        }
        if (S_ISDIR(status.st_mode)) {
                if (origin)
                        check_tell_unreadable(
                                check, path, "--origin names the zone of one file, and this is a folder");
                else
                        check_folder(check, path, FILE_PATTERN);
                return;
        }
        const char *slash = strrchr(path, '/');
        if (origin && name_from_text(origin, strlen(origin), root, zone, &length, NULL) != NAME_OK)
                check_tell_unreadable(check, origin, "--origin: not a zone's name");
        else if (!origin && source_zone_name(slash ? slash + 1 : path, FILE_PATTERN, zone) != 0)
                check_tell_unreadable(check, path,
                        "the file's name (NAME.zone) does not say which zone it is; --origin does");
        else
                check_file(check, path, zone, false);
}

/* CLIENT_OK, or CLIENT_FAILED after telling why. */
static int read_format(struct check *check)
{
        const char *format = check->client->format;

        if (format && strcmp(format, "github") == 0)
                check->format = CHECK_GITHUB;
        else if (check->client->is_json)
                check->format = CHECK_JSON;
        else if (format && strcmp(format, "text") != 0) {
                fputs("zonecrier: --format of check is text, json or github\n", stderr);
                return CLIENT_FAILED;
        }
        if (check->format == CHECK_JSON)
                check->files = json_array();
        return CLIENT_OK;
}

static int prepare(struct check *check, size_t count)
{
        const struct client *client = check->client;

        if (client->origin && count > 1) {
                fputs("zonecrier: --origin names the zone of one file\n", stderr);
                return CLIENT_FAILED;
        }
        if (count > 0 && client->git) {
                fputs("zonecrier: --git checks the zone files of a revision; --path names the folder in it\n",
                        stderr);
                return CLIENT_FAILED;
        }
        if (client->path && !client->git) {
                fputs("zonecrier: --path is a folder in the revision of --git\n", stderr);
                return CLIENT_FAILED;
        }
        if (count == 0 && !client->config && !client->git) {
                fputs("zonecrier: check what? Name files or folders, a revision with --git, or a "
                      "configuration with --config\n",
                        stderr);
                return CLIENT_FAILED;
        }
        int exit_status = read_format(check);
        return exit_status == CLIENT_OK && client->config ? check_conf_load(check, client->config)
                                                          : exit_status;
}

int client_check(struct client *client, char **arguments, size_t count)
{
        struct check check = {.client = client, .zones.fold = true};
        int exit_status = prepare(&check, count);

        if (exit_status == CLIENT_OK) {
                for (size_t i = 0; i < count; i++)
                        check_path(&check, arguments[i]);
                if (client->git)
                        check_git(&check);
                else if (count == 0)
                        check_conf_zones(&check);
                if (check.file_count > 0 || check.files)
                        check_report_totals(&check);
                exit_status = check.has_failed        ? CLIENT_FAILED
                              : check.error_count > 0 ? CLIENT_WRONG
                                                      : CLIENT_OK;
        }
        json_decref(check.files);
        conf_unref(check.conf);
        table_free(&check.zones);
        arena_free(&check.arena);
        return exit_status;
}
