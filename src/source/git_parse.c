/* git's output to values. Pure: any thread. */
#include "source/git_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool git_is_id(const char *text, size_t length)
{
        if (length != 40 && length != 64)
                return false;
        for (size_t i = 0; i < length; i++)
                if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
                        return false;
        return true;
}

static bool is_word(const char *text, size_t length, const char *word)
{
        return strlen(word) == length && memcmp(text, word, length) == 0;
}

static bool read_number(const char *text, size_t length, uint64_t *ret_number)
{
        uint64_t number = 0;
        if (length == 0 || length > 18)
                return false;
        for (size_t i = 0; i < length; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return false;
                number = number * 10 + (uint64_t)(text[i] - '0');
        }
        *ret_number = number;
        return true;
}

/* ---- cat-file ---- */

static int parse_object(const char *line, size_t length, struct git_header *header)
{
        const char *type = memchr(line, ' ', length);
        const char *size = type ? memchr(type + 1, ' ', (size_t)(line + length - type - 1)) : NULL;
        if (!size || !git_is_id(line, (size_t)(type - line)))
                return -EBADMSG;
        size_t type_length = (size_t)(size - type - 1);
        if (type_length == 0 || type_length >= sizeof(header->type) ||
                !read_number(size + 1, (size_t)(line + length - size - 1), &header->size_bytes))
                return -EBADMSG;
        memcpy(header->id, line, (size_t)(type - line));
        memcpy(header->type, type + 1, type_length);
        header->reply = GIT_REPLY_OBJECT;
        return 0;
}

int git_parse_header(const char *line, size_t length, struct git_header *ret_header)
{
        static const struct {
                const char *word;
                enum git_reply reply;
        } links[] = {
                {"symlink", GIT_REPLY_OUTSIDE},
                {"dangling", GIT_REPLY_NOWHERE},
                {"notdir", GIT_REPLY_NOWHERE},
                {"loop", GIT_REPLY_LOOP},
        };
        struct git_header header = {0};
        const char *last = memrchr(line, ' ', length);

        if (!last)
                return -EBADMSG;
        size_t last_length = (size_t)(line + length - last - 1);
        if (is_word(last + 1, last_length, "missing") || is_word(last + 1, last_length, "ambiguous")) {
                *ret_header = (struct git_header){.reply = GIT_REPLY_MISSING};
                return 0;
        }
        for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
                if (is_word(line, (size_t)(last - line), links[i].word)) {
                        header.reply = links[i].reply;
                        if (!read_number(last + 1, last_length, &header.size_bytes))
                                return -EBADMSG;
                        *ret_header = header;
                        return 0;
                }
        int r = parse_object(line, length, &header);
        if (r == 0)
                *ret_header = header;
        return r;
}

/* ---- lists: records that end in a NUL ---- */

struct list_reader {
        char *at, *end;
        struct git_files *files;
        size_t capacity;
};

/* The text up to the next `sign`, which becomes a NUL; NULL where there is none. */
static char *take_until(struct list_reader *reader, char sign)
{
        char *begin = reader->at;
        char *found = memchr(begin, sign, (size_t)(reader->end - begin));
        if (!found)
                return NULL;
        *found = '\0';
        reader->at = found + 1;
        return begin;
}

static bool read_mode(const char *text, unsigned *ret_mode)
{
        unsigned mode = 0;
        if (strlen(text) != 6)
                return false;
        for (; *text; text++) {
                if (*text < '0' || *text > '7')
                        return false;
                mode = mode * 8 + (unsigned)(*text - '0');
        }
        *ret_mode = mode;
        return true;
}

static int add(struct list_reader *reader, const char *path, const char *id, unsigned mode)
{
        struct git_files *files = reader->files;
        bool is_file = mode == 0 || (mode & GIT_MODE_TYPE) == GIT_MODE_FILE ||
                       (mode & GIT_MODE_TYPE) == GIT_MODE_LINK;
        if (!*path || *path == '/')
                return -EBADMSG;
        if (files->count == reader->capacity) {
                size_t capacity = reader->capacity ? reader->capacity * 2 : 64;
                void *items = reallocarray(files->items, capacity, sizeof(*files->items));
                if (!items)
                        return -ENOMEM;
                files->items = items;
                reader->capacity = capacity;
        }
        /* A submodule has no text here: as if it were not there. */
        files->items[files->count++] =
                (struct git_file){.path = path, .id = is_file && mode ? id : "", .mode = is_file ? mode : 0};
        return 0;
}

/* "MODE TYPE ID\tPATH\0" */
static int read_entry(struct list_reader *reader)
{
        const char *mode_text = take_until(reader, ' ');
        const char *type = mode_text ? take_until(reader, ' ') : NULL;
        const char *id = type ? take_until(reader, '\t') : NULL;
        const char *path = id ? take_until(reader, '\0') : NULL;
        unsigned mode;

        if (!path || !read_mode(mode_text, &mode) || !git_is_id(id, strlen(id)))
                return -EBADMSG;
        return strcmp(type, "blob") == 0 ? add(reader, path, id, mode) : 0;
}

/* ":MODE MODE ID ID STATUS\0PATH\0" */
static int read_change(struct list_reader *reader)
{
        const char *before = take_until(reader, ' ');
        const char *mode_text = before ? take_until(reader, ' ') : NULL;
        const char *id_before = mode_text ? take_until(reader, ' ') : NULL;
        const char *id = id_before ? take_until(reader, ' ') : NULL;
        const char *status = id ? take_until(reader, '\0') : NULL;
        const char *path = status ? take_until(reader, '\0') : NULL;
        unsigned mode;

        if (!path || *before != ':' || strlen(status) != 1 || !strchr("ADMT", *status) ||
                !read_mode(mode_text, &mode) || !git_is_id(id, strlen(id)))
                return -EBADMSG;
        return add(reader, path, id, *status == 'D' ? 0 : mode);
}

static int read_all(
        struct buffer *text, struct git_files *ret_files, int (*read_one)(struct list_reader *reader))
{
        struct git_files files = {0};
        struct list_reader reader = {
                .at = (char *)text->data, .end = (char *)text->data + text->length, .files = &files};
        int r = 0;

        while (r == 0 && reader.at != reader.end)
                r = read_one(&reader);
        if (r < 0) {
                free(files.items);
                return r;
        }
        files.text = *text;
        *text = (struct buffer){0};
        *ret_files = files;
        return 0;
}

int git_parse_list(struct buffer *text, struct git_files *ret_files)
{
        return read_all(text, ret_files, read_entry);
}

int git_parse_difference(struct buffer *text, struct git_files *ret_files)
{
        return read_all(text, ret_files, read_change);
}

void git_files_free(struct git_files *files)
{
        free(files->items);
        buffer_free(&files->text);
        *files = (struct git_files){0};
}

/* ---- commits ---- */

/* How many octets the UTF-8 character at text has; 0 = it is none. */
static size_t character_length(const unsigned char *text, size_t left)
{
        size_t length = text[0] < 0x80                       ? 1
                        : text[0] >= 0xc2 && text[0] <= 0xdf ? 2
                        : (text[0] & 0xf0) == 0xe0           ? 3
                        : text[0] >= 0xf0 && text[0] <= 0xf4 ? 4
                                                             : 0;
        if (length > left)
                return 0;
        for (size_t i = 1; i < length; i++)
                if ((text[i] & 0xc0) != 0x80)
                        return 0;
        if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
                (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
                return 0;
        /* U+0080 to U+009F control a terminal too */
        return length == 2 && text[0] == 0xc2 && text[1] < 0xa0 ? 0 : length;
}

/* Appends to a text of GIT_TEXT_MAX octets: what is no printable character is a "?". */
static void text_append(char ret_text[static GIT_TEXT_MAX], const char *from, size_t length)
{
        const unsigned char *at = (const unsigned char *)from;
        size_t to = strlen(ret_text);

        while (length > 0) {
                size_t n = character_length(at, length);
                bool is_shown = n > 1 || (n == 1 && *at >= 0x20 && *at != 0x7f);
                if (to + (is_shown ? n : 1) >= GIT_TEXT_MAX)
                        break;
                if (is_shown)
                        memcpy(ret_text + to, at, n);
                else
                        ret_text[to] = '?';
                to += is_shown ? n : 1;
                at += n ? n : 1;
                length -= n ? n : 1;
        }
        ret_text[to] = '\0';
}

/* "NAME <MAIL> SECONDS ZONE" */
static int read_person(const char *line, size_t length, size_t *ret_name_length, uint64_t *ret_sec)
{
        const char *mail_end = memrchr(line, '>', length);
        const char *end = line + length;
        if (!mail_end || mail_end + 2 > end || mail_end[1] != ' ')
                return -EBADMSG;
        const char *space = memchr(mail_end + 2, ' ', (size_t)(end - mail_end - 2));
        if (!read_number(mail_end + 2, (size_t)((space ? space : end) - mail_end - 2), ret_sec))
                *ret_sec = 0; /* before 1970, or nonsense */
        *ret_name_length = (size_t)(mail_end + 1 - line);
        return 0;
}

static const char *after_word(const char *line, size_t length, const char *word)
{
        size_t size = strlen(word);
        return length > size && memcmp(line, word, size) == 0 ? line + size : NULL;
}

static int read_commit_line(const char *line, size_t length, struct git_commit *commit)
{
        size_t name_length;
        uint64_t sec;
        const char *value = after_word(line, length, "tree ");
        const char *end = line + length;

        if (value && !*commit->tree) {
                if (!git_is_id(value, (size_t)(end - value)))
                        return -EBADMSG;
                memcpy(commit->tree, value, (size_t)(end - value));
                return 0;
        }
        value = after_word(line, length, "author ");
        if (value && !*commit->author && read_person(value, (size_t)(end - value), &name_length, &sec) == 0)
                text_append(commit->author, value, name_length);
        value = after_word(line, length, "committer ");
        if (value && commit->time_sec == 0 &&
                read_person(value, (size_t)(end - value), &name_length, &sec) == 0)
                commit->time_sec = sec;
        return 0;
}

/* The first paragraph, on one line. */
static void read_subject(const char *at, const char *end, struct git_commit *commit)
{
        while (at < end && *at == '\n')
                at++;
        while (at < end && *at != '\n') {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                const char *line_end = newline ? newline : end;
                if (*commit->subject)
                        text_append(commit->subject, " ", 1);
                text_append(commit->subject, at, (size_t)(line_end - at));
                at = newline ? newline + 1 : end;
        }
}

int git_parse_commit(const char *text, size_t length, struct git_commit *ret_commit)
{
        struct git_commit commit = {0};
        const char *at = text, *end = text + length;

        while (at < end && *at != '\n') {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                const char *line_end = newline ? newline : end;
                int r = read_commit_line(at, (size_t)(line_end - at), &commit);
                if (r < 0)
                        return r;
                at = newline ? newline + 1 : end;
        }
        if (!*commit.tree)
                return -EBADMSG;
        read_subject(at, end, &commit);
        memcpy(commit.id, ret_commit->id, sizeof(commit.id));
        *ret_commit = commit;
        return 0;
}
