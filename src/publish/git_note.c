/* Notes to text and back. Pure. */
#include "publish/git_note.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_OCTETS 2048

static void append_time(struct buffer *out, const char *word, uint64_t usec)
{
        time_t sec = (time_t)(usec / USEC_PER_SEC);
        struct tm tm;
        char text[32];

        if (usec > 0 && gmtime_r(&sec, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
                buffer_printf(out, ", %s %s", word, text);
}

static void append_note(struct buffer *out, const struct git_note *note)
{
        buffer_printf(out, "%s: serial %u, %llu added, %llu removed", note->zone, note->serial,
                (unsigned long long)note->added, (unsigned long long)note->removed);
        append_time(out, "published", note->published_usec);
        append_time(out, "everywhere", note->everywhere_usec);
        buffer_append_u8(out, '\n');
}

/* "ZONE: serial N" at the front of the line: where N ends, or NULL. */
static const char *read_front(
        const char *line, size_t length, char ret_zone[static NAME_TEXT_MAX], uint32_t *ret_serial)
{
        static const char word[] = ": serial ";
        const char *found = memmem(line, length, word, sizeof(word) - 1);
        uint64_t serial = 0;

        if (!found || (size_t)(found - line) >= NAME_TEXT_MAX || length > LINE_MAX_OCTETS)
                return NULL;
        const char *at = found + sizeof(word) - 1, *end = line + length, *digits = at;
        while (at < end && *at >= '0' && *at <= '9' && serial <= UINT32_MAX)
                serial = serial * 10 + (uint64_t)(*at++ - '0');
        if (at == digits || serial == 0 || serial > UINT32_MAX || (at < end && *at != ','))
                return NULL;
        memcpy(ret_zone, line, (size_t)(found - line));
        ret_zone[found - line] = '\0';
        *ret_serial = (uint32_t)serial;
        return at;
}

bool git_note_read(
        const char *line, size_t length, uint8_t ret_zone[static NAME_MAX_LENGTH], uint32_t *ret_serial)
{
        static const uint8_t root[1] = {0};
        char text[NAME_TEXT_MAX];
        uint8_t name[NAME_MAX_LENGTH];
        uint32_t serial;
        size_t size;

        if (!read_front(line, length, text, &serial) || !*text ||
                name_from_text(text, strlen(text), root, name, &size, NULL) != NAME_OK)
                return false;
        name_fold(name, ret_zone);
        *ret_serial = serial;
        return true;
}

static bool is_replaced(const char *line, size_t length, const struct git_note *notes, size_t count)
{
        char zone[NAME_TEXT_MAX];
        uint32_t serial;

        if (!read_front(line, length, zone, &serial))
                return false;
        for (size_t i = 0; i < count; i++)
                if (notes[i].serial == serial && strcmp(notes[i].zone, zone) == 0)
                        return true;
        return false;
}

void git_note_merge(const char *before, const struct git_note *notes, size_t count, struct buffer *out)
{
        while (*before) {
                size_t length = strcspn(before, "\n");
                if (length > 0 && !is_replaced(before, length, notes, count)) {
                        buffer_append(out, before, length);
                        buffer_append_u8(out, '\n');
                }
                before += length + (before[length] == '\n');
        }
        for (size_t i = 0; i < count; i++)
                append_note(out, &notes[i]);
}
