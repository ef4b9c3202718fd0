/* The serial file. The publisher's thread alone, but for serial_file_get before it starts.
 *
 *   # zonecrier serials, format 1: ZONE SERIAL [removed] CHECKSUM
 *   example.com. 2026112101 5ad1c0de
 *   old.example. 17 removed 0badcafe
 *
 * The checksum is the CRC32C of the line before its last space, in hexadecimal. The last good line of a zone
 * counts.
 *
 * What is in memory is what is known to be durable. After a failed write the file is cut back to what it was;
 * where that fails too, or a sync failed (then the kernel may have dropped what was written, and say so once
 * only), or somebody removed the file, the next append writes the whole file anew beside it and renames. */
#include "store/serial_file.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/fault.h"
#include "base/table.h"
#include "dns/name.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER "# zonecrier serials, format 1: ZONE SERIAL [removed] CHECKSUM\n"
#define REMOVED_WORD "removed"
#define CHECKSUM_DIGITS 8
/* Rewritten when it has this many lines more than twice the zones. */
#define SPARE_LINES 1000

struct serial_file {
        char *path;
        int fd;
        off_t size; /* up to the last durable line */
        size_t lines;
        bool needs_newline; /* its last line was cut */
        bool needs_rewrite;
        struct table entries; /* folded name -> struct serial_entry in the arena */
        struct arena arena;
};

static int entry_set(struct serial_file *file, const struct serial_entry *entry)
{
        size_t length = name_length(entry->name);
        struct serial_entry *known = table_get(&file->entries, entry->name, length);

        if (!known) {
                known = arena_alloc(&file->arena, sizeof(*known));
                uint8_t *name = arena_copy(&file->arena, entry->name, length);

                if (!known || !name)
                        return -ENOMEM;
                name_fold(name, name);
                known->name = name;
                int r = table_put(&file->entries, name, length, known, NULL);
                if (r < 0)
                        return r;
        }
        known->serial = entry->serial;
        known->is_tombstone = entry->is_tombstone;
        return 0;
}

/* ---- reading ---- */

/* The field up to the next space; *text moves behind it. */
static size_t field_take(const char **text, const char *end, const char **ret_field)
{
        const char *space = memchr(*text, ' ', (size_t)(end - *text));
        size_t length = (size_t)((space ? space : end) - *text);

        *ret_field = *text;
        *text += length + (space != NULL);
        return length;
}

/* Decimal or hexadecimal digits, all of the field and no more than 32 bits. */
static bool number_parse(const char *field, size_t length, uint64_t base, uint32_t *ret_number)
{
        uint64_t number = 0;

        if (length == 0 || length > 10)
                return false;
        for (size_t i = 0; i < length; i++) {
                const char *digits = "0123456789abcdef", *digit = field[i] ? strchr(digits, field[i]) : NULL;

                if (!digit || (uint64_t)(digit - digits) >= base)
                        return false;
                number = number * base + (uint64_t)(digit - digits);
        }
        *ret_number = (uint32_t)number;
        return number <= UINT32_MAX;
}

static bool line_parse(const char *line, const char *end, uint8_t name[static NAME_MAX_LENGTH],
        struct serial_entry *ret_entry)
{
        const char *space = memrchr(line, ' ', (size_t)(end - line)), *field;
        uint32_t checksum;
        size_t length;

        if (!space || end - space - 1 != CHECKSUM_DIGITS ||
                !number_parse(space + 1, CHECKSUM_DIGITS, 16, &checksum) ||
                checksum != crc32c(0, line, (size_t)(space - line)))
                return false;
        length = field_take(&line, space, &field);
        if (name_from_text(field, length, NULL, name, NULL, NULL) != NAME_OK)
                return false;
        length = field_take(&line, space, &field);
        if (!number_parse(field, length, 10, &ret_entry->serial))
                return false;
        length = field_take(&line, space, &field);
        ret_entry->is_tombstone = length > 0;
        ret_entry->name = name;
        return line == space &&
               (length == 0 || (length == strlen(REMOVED_WORD) && memcmp(field, REMOVED_WORD, length) == 0));
}

static int text_parse(struct serial_file *file, const char *text, size_t size, size_t *damaged)
{
        const char *end = text + size;

        while (text < end) {
                const char *newline = memchr(text, '\n', (size_t)(end - text));
                const char *line_end = newline ? newline : end;
                uint8_t name[NAME_MAX_LENGTH];
                struct serial_entry entry;

                file->lines++;
                if (line_end - text >= 2 && text[0] == '#' && text[1] == ' ') {
                        /* A remark: a name would be followed by its final dot. */
                } else if (line_parse(text, line_end, name, &entry)) { /* if need be without newline */
                        int r = entry_set(file, &entry);

                        if (r < 0)
                                return r;
                } else if (line_end > text) {
                        ++*damaged;
                }
                text = newline ? newline + 1 : end;
        }
        return 0;
}

static int file_read(struct serial_file *file, struct buffer *text)
{
        for (;;) {
                uint8_t *place = buffer_reserve(text, 65536);
                ssize_t got = place ? read(file->fd, place, 65536) : -1;

                if (!place)
                        return -ENOMEM;
                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        return got < 0 ? -errno : 0;
                text->length += (size_t)got;
        }
}

/* ---- writing ---- */

static int write_all(int fd, const uint8_t *bytes, size_t length)
{
        int r = fault_point("serial-file-write");

        while (r == 0 && length > 0) {
                ssize_t written = write(fd, bytes, length);

                if (written < 0 && errno != EINTR)
                        return -errno;
                bytes += written > 0 ? written : 0;
                length -= written > 0 ? (size_t)written : 0;
        }
        return r;
}

static int sync_file(int fd)
{
        int r = fault_point("serial-file-sync");

        return r == 0 && fsync(fd) < 0 ? -errno : r;
}

static int sync_folder(const char *path)
{
        CLEANUP_FREE char *copy = strdup(path);
        CLEANUP_CLOSE int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

        if (fd < 0)
                return copy ? -errno : -ENOMEM;
        return fsync(fd) < 0 ? -errno : 0;
}

static void line_append(const struct serial_entry *entry, struct buffer *out)
{
        size_t begin = out->length;
        char text[NAME_TEXT_MAX];

        buffer_printf(out, "%s %" PRIu32, name_to_text(entry->name, text), entry->serial);
        if (entry->is_tombstone)
                buffer_append_text(out, " " REMOVED_WORD);
        if (buffer_status(out) == 0)
                buffer_printf(out, " %08" PRIx32 "\n", crc32c(0, out->data + begin, out->length - begin));
}

/* All that is known goes into a new file, which takes the old one's place. */
static int rewrite(struct serial_file *file)
{
        CLEANUP(buffer_free) struct buffer text = {0};
        CLEANUP(buffer_free) struct buffer path = {0};
        CLEANUP_CLOSE int fd = -1;
        const struct serial_entry *entry;
        size_t position = 0;
        int r;

        buffer_append_text(&text, HEADER);
        while ((entry = table_next(&file->entries, &position)))
                line_append(entry, &text);
        buffer_printf(&path, "%s.new", file->path);
        if (!buffer_text(&path) || buffer_status(&text) < 0)
                return -ENOMEM;
        fd = open(buffer_text(&path), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        r = write_all(fd, text.data, text.length);
        if (r == 0)
                r = sync_file(fd);
        if (r == 0 && rename(buffer_text(&path), file->path) < 0)
                r = -errno;
        if (r < 0) {
                unlink(buffer_text(&path));
                return r;
        }
        close(file->fd);
        file->fd = TAKE_FD(fd);
        file->size = (off_t)text.length;
        file->lines = file->entries.count + 1;
        file->needs_newline = false;
        r = sync_folder(file->path);
        file->needs_rewrite = r < 0; /* the name may not be durable */
        return r;
}

/* ---- the interface ---- */

static int file_load(struct serial_file *file, bool *ret_was_missing, size_t *ret_damaged_lines)
{
        CLEANUP(buffer_free) struct buffer text = {0};
        int r;

        file->fd = open(file->path, O_RDWR | O_APPEND | O_CLOEXEC);
        if (file->fd < 0 && errno == ENOENT) {
                file->fd = open(file->path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
                if (file->fd < 0)
                        return -errno;
                *ret_was_missing = true;
                return rewrite(file);
        }
        if (file->fd < 0)
                return -errno;
        r = file_read(file, &text);
        if (r == 0 && text.length > 0)
                r = text_parse(file, (const char *)text.data, text.length, ret_damaged_lines);
        file->size = (off_t)text.length;
        file->needs_newline = text.length > 0 && text.data[text.length - 1] != '\n';
        return r;
}

int serial_file_open(
        const char *path, struct serial_file **ret_file, bool *ret_was_missing, size_t *ret_damaged_lines)
{
        struct serial_file *file = calloc(1, sizeof(*file));
        bool was_missing = false;
        size_t damaged_lines = 0;
        int r = -ENOMEM;

        if (!file)
                return -ENOMEM;
        file->fd = -1;
        /* Where the file is a link, what it leads to is replaced, not the link. */
        file->path = realpath(path, NULL);
        if (!file->path)
                file->path = strdup(path);
        if (file->path)
                r = file_load(file, &was_missing, &damaged_lines);
        if (r < 0) {
                serial_file_close(file);
                return r;
        }
        *ret_file = file;
        *ret_was_missing = was_missing;
        *ret_damaged_lines = damaged_lines;
        return 0;
}

int serial_file_get(const struct serial_file *file, const uint8_t *name, struct serial_entry *ret_entry)
{
        uint8_t folded[NAME_MAX_LENGTH];
        const struct serial_entry *entry;

        name_fold(name, folded);
        entry = table_get(&file->entries, folded, name_length(folded));
        if (!entry)
                return -ENOENT;
        *ret_entry = *entry;
        return 0;
}

static bool is_known(const struct serial_file *file, const struct serial_entry *entry)
{
        struct serial_entry known;

        return serial_file_get(file, entry->name, &known) == 0 && known.serial == entry->serial &&
               known.is_tombstone == entry->is_tombstone;
}

static int append(struct serial_file *file, const struct buffer *text)
{
        int r = write_all(file->fd, text->data, text->length);

        if (r < 0) {
                file->needs_rewrite = ftruncate(file->fd, file->size) < 0;
                return r;
        }
        r = sync_file(file->fd);
        if (r < 0) {
                file->needs_rewrite = true;
                return r;
        }
        file->size += (off_t)text->length;
        file->needs_newline = false;
        return 0;
}

int serial_file_append(struct serial_file *file, const struct serial_entry *entries, size_t count)
{
        CLEANUP(buffer_free) struct buffer text = {0};
        struct stat status;
        size_t added = 0;
        int r = 0;

        if (file->needs_newline)
                buffer_append_u8(&text, '\n');
        for (size_t i = 0; i < count; i++) {
                if (is_known(file, &entries[i]))
                        continue;
                line_append(&entries[i], &text);
                added++;
        }
        if (buffer_status(&text) < 0)
                return -ENOMEM;
        if (added == 0)
                return 0;
        if (fstat(file->fd, &status) < 0 || status.st_nlink == 0 || status.st_size != file->size)
                file->needs_rewrite = true;
        if (file->needs_rewrite)
                r = rewrite(file);
        if (r == 0)
                r = append(file, &text);
        for (size_t i = 0; r == 0 && i < count; i++)
                r = entry_set(file, &entries[i]);
        if (r < 0)
                return r;
        file->lines += added;
        /* Housekeeping: what was asked for is durable, whatever comes of it. */
        if (file->lines > 2 * file->entries.count + SPARE_LINES && rewrite(file) < 0)
                file->lines = file->entries.count; /* not at each append */
        return 0;
}

struct serial_file *serial_file_close(struct serial_file *file)
{
        if (!file)
                return NULL;
        if (file->fd >= 0)
                close(file->fd);
        table_free(&file->entries);
        arena_free(&file->arena);
        free(file->path);
        free(file);
        return NULL;
}
