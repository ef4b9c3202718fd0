/* Anything in place of git's output: never out of bounds, nothing that is no path or id, texts without
 * control characters. */
#include "base/buffer.h"
#include "publish/git_note.h"
#include "publish/provenance.h"
#include "source/git_parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_files(
        const uint8_t *data, size_t size, int (*parse)(struct buffer *text, struct git_files *ret_files))
{
        struct buffer text = {0};
        struct git_files files;

        buffer_append(&text, data, size);
        if (size > 0 && parse(&text, &files) == 0) {
                for (size_t i = 0; i < files.count; i++) {
                        const struct git_file *file = &files.items[i];
                        size_t length = strlen(file->id);
                        if (!*file->path || *file->path == '/' || (file->mode == 0) != (length == 0) ||
                                (length > 0 && !git_is_id(file->id, length)))
                                abort();
                }
                git_files_free(&files);
        }
        buffer_free(&text);
}

static void check_text(const char *text)
{
        if (strlen(text) >= GIT_TEXT_MAX)
                abort();
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        abort();
}

/* A note that was there stays, but for the line that is written anew; and that is read again. */
static void check_note(const char *data, size_t size)
{
        const struct git_note note = {
                .zone = "a.example", .serial = 7, .added = 1, .published_usec = 1000000};
        struct buffer once = {0}, twice = {0};
        uint8_t zone[NAME_MAX_LENGTH];
        uint32_t serial;
        char *text = strndup(data, size);
        if (!text)
                return;
        git_note_read(text, strcspn(text, "\n"), zone, &serial);
        git_note_merge(text, &note, 1, &once);
        git_note_merge(buffer_text(&once), &note, 1, &twice);
        if (once.length != twice.length || memcmp(once.data, twice.data, once.length) != 0)
                abort();
        const char *last = memrchr(once.data, '\n', once.length - 1);
        last = last ? last + 1 : (const char *)once.data;
        if (!git_note_read(last, strcspn(last, "\n"), zone, &serial) || serial != 7)
                abort();
        buffer_free(&once);
        buffer_free(&twice);
        free(text);
}

static void check_provenance(const char *data, size_t size)
{
        struct provenance provenance;
        char *text = strndup(data, size);
        if (!text)
                return;
        provenance_read(text, &provenance);
        if (provenance.has_commit && !git_is_id(provenance.commit.id, strlen(provenance.commit.id)))
                abort();
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct git_commit commit = {0};
        struct git_header header;

        if (size == 0)
                return 0;
        const char *text = (const char *)data + 1;
        switch (data[0] % 6) {
        case 0:
                if (git_parse_header(text, size - 1, &header) == 0 && header.reply == GIT_REPLY_OBJECT &&
                        !git_is_id(header.id, strlen(header.id)))
                        abort();
                break;
        case 1:
                check_files(data + 1, size - 1, git_parse_list);
                break;
        case 2:
                check_files(data + 1, size - 1, git_parse_difference);
                break;
        case 4:
                check_note(text, size - 1);
                break;
        case 5:
                check_provenance(text, size - 1);
                break;
        default:
                if (git_parse_commit(text, size - 1, &commit) == 0) {
                        check_text(commit.author);
                        check_text(commit.subject);
                        if (!git_is_id(commit.tree, strlen(commit.tree)))
                                abort();
                }
        }
        return 0;
}
