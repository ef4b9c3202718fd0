/* Lines that begin with '$': $ORIGIN, $TTL, $INCLUDE (RFC 1035 s.5.1, RFC 2308 s.4), $GENERATE and BIND's
 * $DATE, which says nothing.
 *
 * An included file begins with the origin and owner of the including line (or the origin named there); both
 * are restored behind it, the default TTL is not: as BIND. */
#include "zonefile/parse.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "source/source.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INCLUDE_DEPTH_MAX 16
#define INCLUDE_COUNT_MAX 10000
#define INCLUDE_BYTES_MAX ((size_t)1 << 30)

static int check_line_end(struct scan *scan)
{
        struct token token;

        switch (scan_token(scan, &token)) {
        case TOKEN_END:
                return 0;
        case TOKEN_WRONG:
                return -EINVAL;
        case TOKEN_WORD:
        case TOKEN_QUOTED:
                break;
        }
        return scan_fail_word(
                scan, &token, "text-behind-directive", NULL, "stands behind the end of the directive");
}

static int read_origin(struct parse *parse)
{
        uint8_t name[NAME_MAX_LENGTH + 16];
        struct scan *scan = &parse->scan;
        struct token token;
        size_t length;
        int r = scan_word(scan, "a name", &token);

        if (r == 0)
                r = scan_name(scan, &token, name, &length);
        if (r == 0)
                r = check_line_end(scan);
        if (r < 0)
                return r;
        if (scan->doubled)
                parse_tell(parse, DIAG_WARNING, scan->doubled, "missing-final-dot",
                        "does the final dot miss? A name without it gets the old origin appended",
                        "the zone's own name is in this origin twice");
        parse_set_origin(parse, name);
        return 0;
}

static int read_ttl(struct parse *parse)
{
        struct scan *scan = &parse->scan;
        struct token token;
        uint32_t ttl;
        int r = scan_word(scan, "a TTL", &token);

        if (r < 0)
                return r;
        switch (token_ttl(&token, INT32_MAX, &ttl)) {
        case TTL_OK:
                break;
        case TTL_NONE:
                return scan_fail_word(
                        scan, &token, "bad-ttl", "seconds, or units: 1w2d3h4m5s", "is not a TTL");
        case TTL_TOO_LARGE:
                return scan_fail_word(scan, &token, "ttl-too-large", "a TTL is at most 2147483647 (RFC 2181)",
                        "is too large");
        }
        r = check_line_end(scan);
        if (r < 0)
                return r;
        parse->state.default_ttl = ttl;
        parse->state.has_default_ttl = true;
        return 0;
}

static int fail_include(struct scan *scan, const struct token *token, int error)
{
        switch (error) {
        case -ENOMEM:
                return error;
        case -ENOENT:
                return scan_fail_word(scan, token, "include-not-found",
                        "it is looked for beside this file, then in the zone folder", "is not there");
        case -EXDEV:
                return scan_fail_word(scan, token, "include-outside",
                        "include-root widens what may be included", "lies outside the zone folder");
        case -EFBIG:
                return scan_fail_word(scan, token, "include-too-large", NULL, "makes more text than is read");
        default:
                return scan_fail(scan, token->start, "include-unreadable", NULL, "cannot be read: %s",
                        strerror(-error));
        }
}

static bool is_open(const struct parse *parse, const char *path)
{
        for (uint32_t file = parse->file;; file = parse->files[file].parent) {
                if (strcmp(parse->files[file].path, path) == 0)
                        return true;
                if (file == parse->files[file].parent)
                        return false;
        }
}

/* The file's name, its escapes resolved. */
static int include_path(struct scan *scan, struct token *token, char path[static PATH_MAX])
{
        size_t length;
        int r = scan_text(scan, "a file name", token);

        if (r == 0)
                r = rdata_octets(scan, token, PATH_MAX - 1, (uint8_t *)path, &length);
        if (r < 0)
                return r;
        path[length] = '\0';
        if (length == 0 || strlen(path) != length)
                return scan_fail(scan, token->start, "include-not-found", NULL, "this is no file name");
        return 0;
}

/* Whether a path as it is shown lies outside the zone folder: by its text, ".." and all. */
static bool is_outside_folder(const char *path, const char *root)
{
        size_t length = strlen(root);
        int depth = 0;

        if (path[0] == '/') {
                if (strncmp(path, root, length) != 0)
                        return true;
                path += length;
                if (length > 0 && root[length - 1] != '/' && *path != '/')
                        return true;
        }
        for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
                size_t size = strcspn(path, "/");

                if (size == 2 && path[0] == '.' && path[1] == '.')
                        depth--;
                else if (size > 1 || path[0] != '.')
                        depth++;
                if (depth < 0)
                        return true;
                path += size;
        }
        return false;
}

static int open_include(
        struct parse *parse, const struct token *token, const char *path, struct parse_file *file)
{
        struct scan *scan = &parse->scan;
        CLEANUP_CLOSE int fd = -1;
        int r;

        if (!parse->request->snapshot)
                return scan_fail(scan, token->start, "include-not-possible", NULL,
                        "$INCLUDE is not possible in a text that is no file");
        if (parse->include_depth >= INCLUDE_DEPTH_MAX || parse->include_count >= INCLUDE_COUNT_MAX)
                return scan_fail(
                        scan, token->start, "include-too-deep", NULL, "too many $INCLUDEs, or too deep");
        r = source_open_include(
                parse->request->snapshot, parse->files[parse->file].path, path, &fd, &file->path);
        if (r < 0)
                return fail_include(scan, token, r);
        file->is_outside = is_outside_folder(file->path, source_snapshot_root(parse->request->snapshot));
        if (is_open(parse, file->path))
                return scan_fail_word(scan, token, "include-loop", NULL, "includes itself");
        r = zone_text_read(fd, 0, INCLUDE_BYTES_MAX - parse->included_bytes, NULL, &file->text);
        return r < 0 ? fail_include(scan, token, r) : 0;
}

static int add_file(struct parse *parse, const char *at, struct parse_file *file)
{
        const struct parse_file *from = &parse->files[parse->file];

        if (parse->file_count == parse->file_capacity) {
                size_t capacity = parse->file_capacity * 2;
                struct parse_file *files = reallocarray(parse->files, capacity, sizeof(*files));

                if (!files)
                        return -ENOMEM;
                parse->files = files;
                parse->file_capacity = capacity;
                from = &files[parse->file];
        }
        file->is_owned = true;
        file->parent = parse->file;
        file->included_from =
                arena_printf(parse->arena, "%s:%u%s%s", from->path, parse_line(parse, parse_place(parse, at)),
                        from->included_from ? ", " : "", from->included_from ? from->included_from : "");
        if (!file->included_from)
                return -ENOMEM;
        parse->files[parse->file_count++] = *file;
        parse->included_bytes += file->text.length;
        return 0;
}

static int read_included(struct parse *parse, const uint8_t *origin)
{
        struct scan saved = parse->scan;
        uint8_t saved_origin[NAME_MAX_LENGTH];
        const uint8_t *saved_owner = parse->owner;
        size_t saved_owner_length = parse->owner_length;
        bool saved_outside = parse->owner_is_outside;
        uint32_t saved_file = parse->file;
        int r;

        memcpy(saved_origin, parse->state.origin, sizeof(saved_origin));
        parse->file = (uint32_t)parse->file_count - 1;
        parse->include_depth++;
        parse->include_count++;
        parse->scan.at = parse->files[parse->file].text.bytes;
        parse->scan.end = parse->scan.at + parse->files[parse->file].text.length;
        if (origin)
                parse_set_origin(parse, origin);
        r = parse_entries(parse);
        parse->file = saved_file;
        parse->include_depth--;
        parse->owner = saved_owner;
        parse->owner_length = saved_owner_length;
        parse->owner_is_outside = saved_outside;
        saved.has_cr |= parse->scan.has_cr;
        parse->scan = saved;
        parse_set_origin(parse, saved_origin);
        return r;
}

/* "$INCLUDE file [origin]". */
static int read_include(struct parse *parse)
{
        struct scan *scan = &parse->scan;
        struct parse_file file = {0};
        struct token token, name_token;
        uint8_t origin[NAME_MAX_LENGTH + 16];
        bool has_origin = false;
        char path[PATH_MAX];
        size_t length;
        int r = include_path(scan, &token, path);

        if (r < 0)
                return r;
        parse->has_include = true;
        if (!scan_is_at_end(scan)) {
                r = scan_word(scan, "an origin", &name_token);
                if (r == 0)
                        r = scan_name(scan, &name_token, origin, &length);
                if (r < 0)
                        return r;
                has_origin = true;
        }
        r = check_line_end(scan);
        if (r == 0)
                r = open_include(parse, &token, path, &file);
        if (r < 0)
                return r;
        r = add_file(parse, token.start, &file);
        if (r < 0) {
                zone_text_free(&file.text);
                return r;
        }
        return read_included(parse, has_origin ? origin : NULL);
}

int parse_directive(struct parse *parse, const struct token *word)
{
        struct scan *scan = &parse->scan;

        if (parse->generate_at)
                return scan_fail_word(
                        scan, word, "bad-generate", NULL, "would be a directive made by $GENERATE");
        if (token_is(word, "$ORIGIN"))
                return read_origin(parse);
        if (token_is(word, "$TTL"))
                return read_ttl(parse);
        if (token_is(word, "$INCLUDE"))
                return read_include(parse);
        if (token_is(word, "$GENERATE"))
                return parse_generate(parse, word->begin);
        if (token_is(word, "$DATE")) {
                scan->at = rawmemchr(scan->at, '\n');
                return 0;
        }
        return scan_fail_word(scan, word, "unknown-directive",
                "$ORIGIN, $TTL, $INCLUDE and $GENERATE are known; an owner that begins with $ is written \\$",
                "is not a directive");
}
