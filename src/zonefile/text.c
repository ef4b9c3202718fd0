/* Zone text in memory: read from a file, with room behind it for the scanner. Never mapped: the user's file
 * can shrink under us. */
#include "zonefile/zonefile.h"

#include "base/arena.h"
#include "base/crew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_BYTES ((size_t)64 * 1024)
#define LARGE_BYTES ((size_t)4 * 1024 * 1024)

static size_t first_size(int fd, size_t size_hint)
{
        struct stat status;

        if (size_hint == 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
                size_hint = (size_t)status.st_size;
        return size_hint > 0 ? size_hint + 1 : FIRST_BYTES; /* one more: the end is met without growing */
}

static int text_grow(struct zone_text *text, size_t *room)
{
        char *bytes = large_alloc(*room * 2 + ZONEFILE_PADDING);

        if (!bytes)
                return -ENOMEM;
        memcpy(bytes, text->bytes, text->length);
        free(text->bytes);
        text->bytes = bytes;
        *room *= 2;
        return 0;
}

static int read_all(int fd, size_t limit_bytes, size_t room, struct zone_text *text)
{
        for (;;) {
                size_t left = room - text->length;
                ssize_t length;

                if (left == 0) {
                        int r = text_grow(text, &room);

                        if (r < 0)
                                return r;
                        continue;
                }
                length = read(fd, text->bytes + text->length, left);
                if (length < 0 && errno == EINTR)
                        continue;
                if (length < 0)
                        return -errno;
                if (length == 0)
                        return 0;
                text->length += (size_t)length;
                if (text->length > limit_bytes)
                        return -EFBIG;
        }
}

struct read_parts {
        int fd;
        char *bytes;
        size_t size;
        unsigned count;
        _Atomic bool is_short;
};

static void read_part(void *context, unsigned index)
{
        struct read_parts *parts = context;
        size_t at = parts->size / parts->count * index;
        size_t end = index + 1 == parts->count ? parts->size : parts->size / parts->count * (index + 1);

        while (at < end) {
                ssize_t length = pread(parts->fd, parts->bytes + at, end - at, (off_t)at);

                if (length < 0 && errno == EINTR)
                        continue;
                if (length <= 0) { /* whoever reads on from the begin is told what it is */
                        parts->is_short = true;
                        return;
                }
                at += (size_t)length;
        }
}

/* The first `size` octets of a large file, by a crew: half of the time is the memory's first touch. What is
 * behind them is read by read_all. */
static void read_large(int fd, size_t size, struct crew *crew, struct zone_text *text)
{
        struct read_parts parts = {.fd = fd, .bytes = text->bytes, .size = size, .count = crew_size(crew)};

        if (parts.count < 2 || size < LARGE_BYTES || lseek(fd, 0, SEEK_CUR) != 0)
                return;
        crew_run(crew, read_part, &parts, parts.count);
        if (!parts.is_short && lseek(fd, (off_t)size, SEEK_SET) == (off_t)size)
                text->length = size;
}

int zone_text_read(
        int fd, size_t size_hint, size_t limit_bytes, struct crew *crew, struct zone_text *ret_text)
{
        size_t room = first_size(fd, size_hint);
        struct zone_text text = {0};
        int r;

        /* Positions are kept in 32 bits. */
        if (limit_bytes > UINT32_MAX - ZONEFILE_PADDING)
                limit_bytes = UINT32_MAX - ZONEFILE_PADDING;
        if (room > limit_bytes + 1)
                room = limit_bytes + 1;
        text.bytes = large_alloc(room + ZONEFILE_PADDING);
        if (!text.bytes)
                return -ENOMEM;
        read_large(fd, room - 1, crew, &text);
        r = read_all(fd, limit_bytes, room, &text);
        if (r < 0) {
                free(text.bytes);
                return r;
        }
        memset(text.bytes + text.length, '\n', ZONEFILE_PADDING);
        *ret_text = text;
        return 0;
}

void zone_text_free(struct zone_text *text)
{
        if (!text)
                return;
        free(text->bytes);
        *text = (struct zone_text){0};
}
