/* Scrubs lines of curl's. What is hidden is found by name and by value, for curl writes a header in several
 * ways: as it is sent, and as "[authorization: ...]" of HTTP/2. */
#include "push/trace.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define HIDDEN "(hidden)"
#define WORD_MIN 8
#define WORDS_MAX 32

struct word {
        const char *text;
        size_t length;
};

struct words {
        struct word items[WORDS_MAX];
        size_t count;
};

static bool begins_with(const char *text, size_t length, const char *beginning)
{
        size_t size = strlen(beginning);
        return length >= size && strncasecmp(text, beginning, size) == 0;
}

static bool is_public(const char *header)
{
        static const char *const names[] = {"X-Amz-Date:", "Content-Type:", "Accept:"};
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                if (begins_with(header, strlen(header), names[i]))
                        return true;
        return false;
}

static void add_word(struct words *words, const char *text, size_t length)
{
        if (length > 0 && words->count < WORDS_MAX)
                words->items[words->count++] = (struct word){text, length};
}

/* The value, what follows its first word ("Bearer ..."), and its longer words. */
static void add_value(struct words *words, const char *value)
{
        value += strspn(value, " ");
        add_word(words, value, strlen(value));
        const char *space = strchr(value, ' ');
        if (space)
                add_word(words, space + 1, strlen(space + 1));
        for (const char *at = value; *at;) {
                size_t length = strcspn(at, " ,=");
                if (length >= WORD_MIN)
                        add_word(words, at, length);
                at += length;
                at += strspn(at, " ,=");
        }
}

static struct words hidden_words(const char *const *headers)
{
        struct words words = {0};
        for (; headers && *headers; headers++) {
                const char *colon = strchr(*headers, ':');
                if (colon && !is_public(*headers))
                        add_value(&words, colon + 1);
        }
        return words;
}

/* The octets of the longest hidden word at text; 0 = none. */
static size_t word_at(const struct words *words, const char *text, size_t length)
{
        size_t longest = 0;
        for (size_t i = 0; i < words->count; i++) {
                const struct word *word = &words->items[i];
                if (word->length > longest && word->length <= length &&
                        memcmp(word->text, text, word->length) == 0)
                        longest = word->length;
        }
        return longest;
}

/* The octets of such a name at text, with its colon; 0 = none. */
static size_t name_at(const char *text, size_t length)
{
        static const char *const names[] = {
                "authorization:", "x-amz-security-token:", "cookie:", "signature:", "x-auth-key:"};
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                if (begins_with(text, length, names[i]))
                        return strlen(names[i]);
        return 0;
}

void trace_append_line(struct buffer *out, const char *line, size_t length, const char *const *headers)
{
        struct words words = hidden_words(headers);
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
                length--;
        for (size_t i = 0; i < length;) {
                size_t hidden = word_at(&words, line + i, length - i);
                size_t name = hidden ? 0 : name_at(line + i, length - i);
                if (hidden > 0) {
                        buffer_append_text(out, HIDDEN);
                        i += hidden;
                } else if (name > 0) {
                        buffer_append(out, line + i, name);
                        buffer_append_text(out, " " HIDDEN);
                        return;
                } else {
                        bool is_plain = line[i] >= ' ' && line[i] < 0x7f;
                        buffer_append_u8(out, (uint8_t)(is_plain ? line[i] : '.'));
                        i++;
                }
        }
}
