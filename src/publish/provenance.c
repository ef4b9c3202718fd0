/* The provenance of a serial to text and back. Pure. */
#include "publish/provenance.h"

#include "source/git_parse.h"

#include <stdlib.h>
#include <string.h>

/* A control character, which a file's name may have, would be another line. */
static void line(struct buffer *out, const char *word, const char *value)
{
        if (!*value)
                return;
        buffer_printf(out, "%s%s ", out->length ? "\n" : "", word);
        for (; *value; value++)
                buffer_append_u8(out, (unsigned char)*value < ' ' ? '?' : (uint8_t)*value);
}

void provenance_write(const struct provenance *provenance, struct buffer *out)
{
        line(out, "file", provenance->file);
        line(out, "by", provenance->by);
        if (!provenance->has_commit)
                return;
        line(out, "commit", provenance->commit.id);
        line(out, "author", provenance->commit.author);
        if (provenance->commit.time_sec > 0)
                buffer_printf(out, "\ntime %llu", (unsigned long long)provenance->commit.time_sec);
        line(out, "subject", provenance->commit.subject);
}

static void take(char *ret_text, size_t size, const char *value, size_t length)
{
        if (length >= size)
                length = size - 1;
        memcpy(ret_text, value, length);
        ret_text[length] = '\0';
}

static void read_line(
        const char *word, size_t word_length, const char *value, size_t length, struct provenance *provenance)
{
        struct git_commit *commit = &provenance->commit;
        const struct {
                const char *word;
                char *text;
                size_t size;
        } fields[] = {
                {"file", provenance->file, sizeof(provenance->file)},
                {"by", provenance->by, sizeof(provenance->by)},
                {"author", commit->author, sizeof(commit->author)},
                {"subject", commit->subject, sizeof(commit->subject)},
        };
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
                if (strlen(fields[i].word) == word_length && memcmp(word, fields[i].word, word_length) == 0)
                        take(fields[i].text, fields[i].size, value, length);
        if (word_length == 6 && memcmp(word, "commit", 6) == 0 && git_is_id(value, length)) {
                take(commit->id, sizeof(commit->id), value, length);
                provenance->has_commit = true;
        }
        if (word_length == 4 && memcmp(word, "time", 4) == 0)
                commit->time_sec = strtoull(value, NULL, 10);
}

void provenance_read(const char *text, struct provenance *ret_provenance)
{
        *ret_provenance = (struct provenance){0};
        for (const char *at = text; *at;) {
                size_t length = strcspn(at, "\n");
                const char *space = memchr(at, ' ', length);
                if (space)
                        read_line(at, (size_t)(space - at), space + 1, (size_t)(at + length - space - 1),
                                ret_provenance);
                at += length + (at[length] == '\n');
        }
}
