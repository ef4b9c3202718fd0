/* Files of a configuration: each is opened once, checked (a regular file, not too large, no secret that all
 * may read, no cycle) and read whole. `include` takes globs; a relative path is looked for beside the
 * including file, then under `directory`. */

#include "conf/include.h"

#include "base/cleanup.h"
#include "conf/conf.h"
#include "conf/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)16 << 20)
#define ALL_FILES_MAX ((size_t)64 << 20)
#define FILES_MAX 10000
#define INCLUDE_DEPTH_MAX 64

char *path_join(struct arena *arena, const char *base, const char *path)
{
        if (path[0] == '/' || base[0] == '\0' || strcmp(base, ".") == 0)
                return arena_text(arena, path, strlen(path));
        size_t length = strlen(base);
        return arena_printf(arena, base[length - 1] == '/' ? "%s%s" : "%s/%s", base, path);
}

char *path_folder(struct arena *arena, const char *path)
{
        const char *slash = strrchr(path, '/');
        if (!slash)
                return arena_text(arena, ".", 1);
        return slash == path ? arena_text(arena, "/", 1) : arena_text(arena, path, (size_t)(slash - path));
}

static struct source *source_new(
        struct tree *tree, const char *path, const struct source *parent, uint32_t line)
{
        if (tree->source_count == tree->source_capacity) {
                size_t capacity = tree->source_capacity ? tree->source_capacity * 2 : 8;
                struct source **sources = realloc(tree->sources, capacity * sizeof(struct source *));
                if (!sources)
                        return NULL;
                tree->sources = sources;
                tree->source_capacity = capacity;
        }
        struct source *source = arena_alloc(&tree->arena, sizeof(*source));
        char *name = arena_text(&tree->arena, path, strlen(path));
        if (!source || !name)
                return NULL;
        *source = (struct source){
                .path = name,
                .parent = parent,
                .parent_line = line,
                .index = (unsigned)tree->source_count,
        };
        tree->sources[tree->source_count++] = source;
        return source;
}

/* Reads up to the file's size as fstat told it; a file that grows meanwhile is read as it was. */
static int read_all(int fd, size_t size, char **ret_text, size_t *ret_length)
{
        CLEANUP_FREE char *text = malloc(size + 1);
        if (!text)
                return -ENOMEM;
        size_t length = 0;
        while (length < size) {
                ssize_t count = read(fd, text + length, size - length);
                if (count < 0 && errno == EINTR)
                        continue;
                if (count < 0)
                        return -errno;
                if (count == 0)
                        break;
                length += (size_t)count;
        }
        text[length] = '\0';
        *ret_text = TAKE(text);
        *ret_length = length;
        return 0;
}

/* Beneath the main file's folder, links followed: only such files are quoted (I8). */
static bool is_beneath(const char *path, const char *folder)
{
        CLEANUP_FREE char *real_path = realpath(path, NULL);
        CLEANUP_FREE char *real_folder = realpath(folder, NULL);
        if (!real_path || !real_folder)
                return false;
        size_t length = strlen(real_folder);
        return strncmp(real_path, real_folder, length) == 0 && (real_path[length] == '/' || length == 1);
}

static const char *find_fault(const struct tree *tree, const struct source *parent, const struct stat *status)
{
        if (!S_ISREG(status->st_mode))
                return S_ISDIR(status->st_mode) ? "is a directory" : "is not a regular file";
        if ((size_t)status->st_size > FILE_MAX || (size_t)status->st_size + tree->text_bytes > ALL_FILES_MAX)
                return "is too large for a configuration";
        if (tree->source_count >= FILES_MAX)
                return "is one file too many";
        unsigned depth = 0;
        for (const struct source *source = parent; source; source = source->parent, depth++)
                if (source->device == status->st_dev && source->inode == status->st_ino)
                        return "includes itself";
        return depth > INCLUDE_DEPTH_MAX ? "is included too deep" : NULL;
}

static const char *unreadable_hint(int error, struct position at)
{
        if (error == EACCES)
                return "the user that zonecrierd runs as must be able to read it: chgrp, chmod 0640";
        return error == ENOENT && !at.source ? "-c FILE names another one" : NULL;
}

/* NULL = told, or memory is out. */
static struct source *source_read(struct tree *tree, struct position at, const char *path)
{
        CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat status;
        if (fd < 0 || fstat(fd, &status) < 0) {
                int error = errno;
                report_add(tree->report, DIAG_ERROR, "file", at, unreadable_hint(error, at),
                        "cannot read %s: %s", path, strerror(error));
                return NULL;
        }
        const char *fault = find_fault(tree, at.source, &status);
        if (fault) {
                report_add(tree->report, DIAG_ERROR, "file", at, NULL, "%s %s", path, fault);
                return NULL;
        }
        struct source *source = source_new(tree, path, at.source, at.line);
        if (!source) {
                tree->failed = true;
                return NULL;
        }
        source->device = status.st_dev;
        source->inode = status.st_ino;
        source->mode = status.st_mode & 07777;
        source->is_hidden = at.source && !is_beneath(path, tree->folder);
        int r = read_all(fd, (size_t)status.st_size, &source->text, &source->length);
        if (r == -ENOMEM)
                tree->failed = true;
        else if (r < 0)
                report_add(
                        tree->report, DIAG_ERROR, "file", at, NULL, "cannot read %s: %s", path, strerror(-r));
        if (r < 0)
                return NULL;
        tree->text_bytes += source->length;
        if (memchr(source->text, '\0', source->length)) {
                report_add(
                        tree->report, DIAG_ERROR, "file", at, NULL, "%s is no text: it has NUL octets", path);
                return NULL;
        }
        return source;
}

void tree_check_secret(struct tree *tree, struct source *source)
{
        source->has_secret = true;
        if (tree->without_secrets_check || tree->without_files || (source->mode & 0007) == 0)
                return;
        struct position at = {source, 0, 0};
        report_add(tree->report, DIAG_ERROR, "secret-readable", at, NULL,
                "this file holds a secret, and everyone may read it (mode %04o): chmod %04o %s",
                (unsigned)source->mode, (unsigned)source->mode & ~0037u, source->path);
}

/* Beside the file of the statement, then under directory. */
static const char *find_path(
        struct tree *tree, struct position at, const char *path, bool (*is_there)(const char *))
{
        char *folder = path_folder(&tree->arena, at.source->path);
        const char *beside = folder ? path_join(&tree->arena, folder, path) : NULL;
        const char *under = tree->directory ? path_join(&tree->arena, tree->directory, path) : beside;
        if (!beside || !under) {
                tree->failed = true;
                return NULL;
        }
        return is_there(beside) || !is_there(under) ? beside : under;
}

static bool is_file_there(const char *path)
{
        return access(path, F_OK) == 0;
}

static bool is_match_there(const char *pattern)
{
        glob_t found = {0};
        bool is_there = glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0;
        globfree(&found);
        return is_there;
}

static bool tell_without_files(struct tree *tree, struct position at)
{
        if (tree->without_files)
                report_add(tree->report, DIAG_ERROR, "file", at, NULL, "no file is read here");
        return tree->without_files;
}

struct source *tree_read_file(struct tree *tree, struct position at, const char *path)
{
        if (tell_without_files(tree, at))
                return NULL;
        const char *found = find_path(tree, at, path, is_file_there);
        return found ? source_read(tree, at, found) : NULL;
}

/* A statement `key` that stands for a K*.private or K*.key file. */
static struct statement *key_statement(struct tree *tree, struct position at, struct source *source)
{
        const char *why = "";
        char name[NAME_TEXT_MAX];
        struct tsig_key *key = arena_alloc(&tree->arena, sizeof(*key));
        struct statement *statement = arena_alloc(&tree->arena, sizeof(*statement));
        struct item *item = arena_alloc(&tree->arena, sizeof(*item));
        if (!key || !statement || !item) {
                tree->failed = true;
                return NULL;
        }
        *key = (struct tsig_key){0};
        tree_remember_secret(tree, key, sizeof(*key));
        size_t length;
        static const uint8_t root[] = {0};
        uint8_t wire[NAME_MAX_LENGTH];
        bool is_private = keyfile_is_private(source->text, source->length);
        int r = is_private ? keyfile_parse_private(source->text, source->length, key, &why)
                           : keyfile_parse_record(source->text, source->length, key, &why);
        if (r == 0 && is_private) {
                if (keyfile_name_from_path(source->path, name) &&
                        name_from_text(name, strlen(name), root, wire, &length, NULL) == NAME_OK) {
                        name_fold(wire, key->name);
                } else {
                        why = "the key's name is not in the file's name (Kname.+163+12345.private)";
                        r = -EINVAL;
                }
        }
        if (r < 0) {
                report_add(tree->report, DIAG_ERROR, "key-file", at,
                        "to name it: key \"NAME\" { file \"...\"; };", "%s: %s", source->path, why);
                return NULL;
        }
        *item = (struct item){.kind = ITEM_WORD, .line = at.line, .column = at.column, .text = "key"};
        *statement = (struct statement){.items = item, .count = 1, .source = at.source, .key = key};
        return statement;
}

static bool is_key_file(const struct source *source)
{
        char name[NAME_TEXT_MAX];
        return keyfile_is_private(source->text, source->length) || keyfile_name_from_path(source->path, name);
}

static struct statement **include_file(struct tree *tree, struct position at, const char *path,
        struct statement **tail, unsigned depth, const struct statement *owner)
{
        struct source *source = source_read(tree, at, path);
        if (!source) {
                tree->has_unread = true;
                return tail;
        }
        if (!is_key_file(source))
                return tree_read_source(tree, source, tail, depth, owner);
        source->is_hidden = true;
        tree_check_secret(tree, source);
        struct statement *statement = key_statement(tree, at, source);
        if (!statement) {
                tree->has_unread = true;
                return tail;
        }
        *tail = statement;
        return &statement->next;
}

struct statement **include_read(struct tree *tree, const struct statement *include, struct statement **tail,
        unsigned depth, const struct statement *owner)
{
        struct position at = item_position(include, &include->items[1]);
        const char *pattern = include->items[1].text;
        if (tell_without_files(tree, at))
                return tail;
        if (!strpbrk(pattern, "*?[")) {
                const char *path = find_path(tree, at, pattern, is_file_there);
                return path ? include_file(tree, at, path, tail, depth, owner) : tail;
        }
        const char *path = find_path(tree, at, pattern, is_match_there);
        if (!path)
                return tail;
        glob_t found = {0};
        int r = glob(path, 0, NULL, &found);
        if (r == GLOB_NOSPACE)
                tree->failed = true;
        else if (r != 0)
                report_add(tree->report, DIAG_NOTE, "no-match", at, NULL, "no file matches %s", path);
        for (size_t i = 0; r == 0 && i < found.gl_pathc && !tree->failed; i++)
                tail = include_file(tree, at, found.gl_pathv[i], tail, depth, owner);
        globfree(&found);
        return tail;
}

/* The folder of the main file, absolute. */
static char *absolute_folder(struct tree *tree, const char *path)
{
        char *folder = path_folder(&tree->arena, path);
        if (!folder || folder[0] == '/')
                return folder;
        CLEANUP_FREE char *here = getcwd(NULL, 0);
        if (!here)
                return NULL;
        return strcmp(folder, ".") == 0 ? arena_text(&tree->arena, here, strlen(here))
                                        : path_join(&tree->arena, here, folder);
}

void tree_load(struct tree *tree, const char *path, const struct conf_load_options *options)
{
        struct position nowhere = {0};
        struct source *source;
        tree->without_files = options && options->without_files;
        tree->without_secrets_check = options && options->without_secrets_check;
        if (tree->without_files) {
                tree->folder = "";
                source = source_new(tree, path, NULL, 0);
                if (source)
                        source->text = malloc(options->text_length + 1);
                if (source && source->text) {
                        if (options->text_length > 0)
                                memcpy(source->text, options->text, options->text_length);
                        source->text[options->text_length] = '\0';
                        source->length = options->text_length;
                } else {
                        source = NULL;
                        tree->failed = true;
                }
        } else {
                tree->folder = absolute_folder(tree, path);
                tree->failed = !tree->folder;
                source = tree->failed ? NULL : source_read(tree, nowhere, path);
        }
        if (source)
                tree_read_source(tree, source, &tree->first, 0, NULL);
}

void tree_free(struct tree *tree)
{
        for (struct secret_text *secret = tree->secrets; secret; secret = secret->next)
                explicit_bzero(secret->bytes, secret->size);
        for (size_t i = 0; i < tree->source_count; i++) {
                struct source *source = tree->sources[i];
                if (source->text)
                        explicit_bzero(source->text, source->length);
                free(source->text);
        }
        free(tree->sources);
        arena_free(&tree->arena);
        *tree = (struct tree){0};
}
