/* Zone files of a commit. One thread. What it costs goes with what changed, but for two listings of names: a
 * zone whose file did not change is read only where it has an $INCLUDE and some file changed. */
#include "client/git_zones.h"

#include "base/cleanup.h"
#include "base/table.h"
#include "client/print.h"
#include "source/source.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_PATTERN "%s.zone"

void git_zones_free(struct git_zones *zones)
{
        free(zones->items);
        arena_free(&zones->arena);
        *zones = (struct git_zones){0};
}

static int tell(const char *what, const char *why, int r)
{
        fputs("zonecrier: ", stderr);
        print_text(stderr, what);
        fputs(": ", stderr);
        print_text(stderr, why);
        putc('\n', stderr);
        return r;
}

/* A folder with .git in it (a work tree), or a bare repository; else its parents. */
static bool is_repository(const char *folder)
{
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s/.git", folder) < (int)sizeof(path) && access(path, F_OK) == 0)
                return true;
        if (snprintf(path, sizeof(path), "%s/HEAD", folder) >= (int)sizeof(path) || access(path, F_OK) != 0)
                return false;
        return snprintf(path, sizeof(path), "%s/objects", folder) < (int)sizeof(path) &&
               access(path, F_OK) == 0;
}

static char *find_repository(void)
{
        char *folder = realpath(".", NULL);

        while (folder && !is_repository(folder)) {
                char *slash = strrchr(folder, '/');

                if (!slash || !slash[1]) {
                        free(folder);
                        return NULL;
                }
                slash[slash == folder] = '\0';
        }
        return folder;
}

bool git_zones_is_here(void)
{
        CLEANUP_FREE char *folder = find_repository();

        return folder != NULL;
}

int git_zones_open(const char *path, bool is_hook, struct git **ret_git)
{
        const struct git_options options = {.is_hook = is_hook};
        CLEANUP_FREE char *folder = path ? realpath(path, NULL) : find_repository();
        CLEANUP_FREE char *why = NULL;

        if (!folder)
                return tell(path ? path : ".",
                        path ? strerror(errno) : "no git repository here, nor in a folder above", -ENOENT);
        int r = git_open(folder, &options, ret_git, &why);
        return r < 0 ? tell("git", why ? why : strerror(-r), r) : 0;
}

int git_zones_commit(struct git *git, const char *revision, struct git_commit *ret_commit)
{
        int r = git_commit_find(git, revision, ret_commit);

        return r < 0 ? tell(revision, r == -ENOENT || r == -EINVAL ? "no such commit" : strerror(-r), r) : 0;
}

static int zones_add(struct git_zones *zones, const char *path, const uint8_t *name)
{
        if (zones->count == zones->capacity) {
                size_t capacity = zones->capacity ? zones->capacity * 2 : 64;
                void *items = reallocarray(zones->items, capacity, sizeof(*zones->items));

                if (!items)
                        return -ENOMEM;
                zones->items = items;
                zones->capacity = capacity;
        }
        struct git_zone *zone = &zones->items[zones->count];
        *zone = (struct git_zone){
                .path = arena_text(&zones->arena, path, strlen(path)), .is_misnamed = !name};
        if (!zone->path)
                return -ENOMEM;
        if (name)
                name_fold(name, zone->name);
        zones->count++;
        return 0;
}

static bool is_below(const char *path, const char *folder)
{
        size_t length = strlen(folder);

        while (length > 0 && folder[length - 1] == '/')
                length--;
        return length == 0 || (strncmp(path, folder, length) == 0 && path[length] == '/');
}

/* 0 and *ret_name: a zone file; 1: none; -EINVAL: its name is wrong. */
static int zone_of(const char *path, uint8_t *ret_name)
{
        const char *slash = strrchr(path, '/');

        return source_zone_name(slash ? slash + 1 : path, FILE_PATTERN, ret_name);
}

int git_zones_list(struct git *git, const char *tree, const char *folder, struct git_zones *ret_zones)
{
        CLEANUP(git_files_free) struct git_files files = {0};
        struct git_zones zones = {0};
        uint8_t name[NAME_MAX_LENGTH];
        int r = git_list(git, tree, folder, &files);

        for (size_t i = 0; r == 0 && i < files.count; i++) {
                int is = zone_of(files.items[i].path, name);

                if (is <= 0)
                        r = zones_add(&zones, files.items[i].path, is < 0 ? NULL : name);
        }
        if (r < 0) {
                git_zones_free(&zones);
                return r;
        }
        *ret_zones = zones;
        return 0;
}

int git_zones_parse_grep(const char *text, size_t length, size_t prefix, struct table *paths)
{
        const char *end = text + length;

        for (const char *at = text, *nul; at < end && (nul = memchr(at, '\0', (size_t)(end - at)));
                at = nul + 1) {
                const char *path = at + prefix;

                if ((size_t)(nul - at) > prefix &&
                        table_put(paths, path, (size_t)(nul - path), (void *)(uintptr_t)path, NULL) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Paths of files with an $INCLUDE. `git grep` names them "TREE:PATH". */
static int find_includers(
        struct git *git, const char *tree, const char *folder, struct table *paths, struct buffer *text)
{
        const char *const command[] = {
                "grep", "-l", "-z", "-i", "-F", "-e", "$INCLUDE", tree, "--", *folder ? folder : NULL, NULL};
        int r = git_run(git, command, NULL, 0, 0, text, NULL);

        if (r != 0)
                return r == 1 ? 0 : r < 0 ? r : -EIO; /* 1: there is none */
        return git_zones_parse_grep((const char *)text->data, text->length, strlen(tree) + 1, paths);
}

struct change {
        struct git *git;
        const char *folder;
        struct git_files files; /* that changed */
        struct table changed;   /* their paths */
        struct table includers; /* paths of files that include */
        struct buffer includers_text;
        struct table present; /* zones of `to`, by name */
        struct git_zones to;
};

static void change_free(struct change *change)
{
        git_files_free(&change->files);
        table_free(&change->changed);
        table_free(&change->includers);
        buffer_free(&change->includers_text);
        table_free(&change->present);
        git_zones_free(&change->to);
}

static int note_present(struct change *change, struct git_zone *zone)
{
        struct git_zone *other = table_get(&change->present, zone->name, name_length(zone->name));

        if (other)
                other->is_doubled = zone->is_doubled = true;
        return table_put(&change->present, zone->name, name_length(zone->name), zone, NULL);
}

static int change_load(struct change *change, const char *from, const char *to)
{
        int r = git_difference(change->git, from, to, &change->files);

        for (size_t i = 0; r == 0 && i < change->files.count; i++) {
                const char *path = change->files.items[i].path;

                r = table_put(&change->changed, path, strlen(path), (void *)(uintptr_t)path, NULL);
        }
        if (r == 0 && change->files.count > 0)
                r = find_includers(
                        change->git, to, change->folder, &change->includers, &change->includers_text);
        for (size_t i = 0; r == 0 && i < change->to.count; i++) {
                struct git_zone *zone = &change->to.items[i];

                if (!zone->is_misnamed)
                        r = note_present(change, zone);
        }
        return r;
}

static int select_changed(const struct change *change, struct git_zones *changed)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < change->to.count; i++) {
                const struct git_zone *zone = &change->to.items[i];
                size_t length = strlen(zone->path);

                if (!zone->is_doubled && !table_get(&change->changed, zone->path, length) &&
                        !table_get(&change->includers, zone->path, length))
                        continue;
                r = zones_add(changed, zone->path, zone->is_misnamed ? NULL : zone->name);
                if (r == 0)
                        changed->items[changed->count - 1].is_doubled = zone->is_doubled;
        }
        return r;
}

static int select_gone(const struct change *change, struct git_zones *gone)
{
        uint8_t name[NAME_MAX_LENGTH];
        int r = 0;

        for (size_t i = 0; r == 0 && i < change->files.count; i++) {
                const struct git_file *file = &change->files.items[i];

                if (file->mode != 0 || !is_below(file->path, change->folder) ||
                        zone_of(file->path, name) != 0)
                        continue;
                name_fold(name, name);
                if (!table_get(&change->present, name, name_length(name)))
                        r = zones_add(gone, file->path, name);
        }
        return r;
}

int git_zones_changed(struct git *git, const char *from, const char *to, const char *folder,
        struct git_zones *ret_changed, struct git_zones *ret_gone)
{
        CLEANUP(change_free) struct change change = {.git = git, .folder = folder};
        int r = git_zones_list(git, to, folder, from ? &change.to : ret_changed);

        if (r < 0 || !from)
                return r;
        r = change_load(&change, from, to);
        if (r == 0)
                r = select_changed(&change, ret_changed);
        if (r == 0)
                r = select_gone(&change, ret_gone);
        if (r < 0) {
                git_zones_free(ret_changed);
                git_zones_free(ret_gone);
        }
        return r;
}
