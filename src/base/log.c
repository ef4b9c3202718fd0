/* The log. Any thread: a line is built on the caller's stack (or heap, where it is long) and leaves in one
 * call.
 *
 * Which of the two ways is settled once, in log_open: systemd names our standard error's stream in
 * JOURNAL_STREAM
 * ("DEVICE:INODE", systemd.exec(5)); where that is still the stream we hold, journald gets fields, else
 * standard error gets text with the local time. */
#include "base/log.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The place in the source is no field: one function writes every line. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#define LINE_BYTES 1024 /* a longer message is made on the heap */
#define HELD_BYTES 16384
#define FIELDS_MAX 16
#define INDENT "    "

typedef void log_sink(int priority, const struct log_fields *fields, const char *message);

static struct {
        const char *identifier;
        _Atomic int lowest;
        bool is_journal;
        _Atomic(log_sink *) sink;
} log_state = {.identifier = "zonecrier", .lowest = LOG_INFO};

static const char *priority_word(int priority)
{
        static const char *const words[] = {
                "emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"};
        return words[priority & LOG_PRIMASK];
}

static bool stderr_is_journal(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        uint64_t device, inode;
        struct stat status;
        return stream && sscanf(stream, "%" SCNu64 ":%" SCNu64, &device, &inode) == 2 &&
               fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void log_open(const char *identifier, int lowest)
{
        log_state.identifier = identifier;
        log_state.is_journal = stderr_is_journal();
        atomic_store(&log_state.lowest, lowest);
}

bool log_is_on(int priority)
{
        return priority <= atomic_load_explicit(&log_state.lowest, memory_order_relaxed) ||
               atomic_load_explicit(&log_state.sink, memory_order_relaxed);
}

void log_redirect(log_sink *sink)
{
        atomic_store(&log_state.sink, sink);
}

/* The fields of one journal entry: "NAME=value" each. What formats a number keeps its text here. */
struct entry {
        struct iovec fields[FIELDS_MAX];
        int count;
        char numbers[4][48];
        int number_count;
        char texts[8][320]; /* a zone's name as text can take 1,009 bytes: those that do not fit go to the
                               heap */
        int text_count;
        char *heap[FIELDS_MAX];
        int heap_count;
};

static void entry_add_text(struct entry *entry, const char *name, const char *value)
{
        if (!value)
                return;
        char *text = NULL;
        size_t length = strlen(name) + 1 + strlen(value);
        if (entry->text_count < (int)ARRAY_SIZE(entry->texts) && length < sizeof(entry->texts[0]))
                text = entry->texts[entry->text_count++];
        else if ((text = malloc(length + 1)))
                entry->heap[entry->heap_count++] = text;
        else
                return; /* a line without one of its fields is better than none */
        snprintf(text, length + 1, "%s=%s", name, value);
        entry->fields[entry->count++] = (struct iovec){.iov_base = text, .iov_len = length};
}

/* The address alone: a peer asks from another port each time, and `journalctl SECONDARY=` shall find them
 * all. */
static void entry_add_secondary(struct entry *entry, const char *value)
{
        char address[320];
        size_t length = value ? strcspn(value, "#") : 0;
        if (length == 0 || length >= sizeof(address)) {
                entry_add_text(entry, "SECONDARY", value);
                return;
        }
        memcpy(address, value, length);
        address[length] = 0;
        entry_add_text(entry, "SECONDARY", address);
}

static void entry_add_number(struct entry *entry, const char *name, int64_t value)
{
        char *text = entry->numbers[entry->number_count++];
        int length = snprintf(text, sizeof(entry->numbers[0]), "%s=%" PRId64, name, value);
        entry->fields[entry->count++] = (struct iovec){.iov_base = text, .iov_len = (size_t)length};
}

static int write_journal(int priority, const struct log_fields *fields, const char *message)
{
        struct entry entry = {0};
        entry_add_text(&entry, "MESSAGE", message);
        entry_add_number(&entry, "PRIORITY", priority & LOG_PRIMASK);
        entry_add_text(&entry, "SYSLOG_IDENTIFIER", log_state.identifier);
        if (fields) {
                entry_add_text(&entry, "ZONE", fields->zone);
                entry_add_secondary(&entry, fields->secondary);
                entry_add_text(&entry, "KEY", fields->key);
                entry_add_text(&entry, "RULE", fields->rule);
                entry_add_text(&entry, "FILE", fields->file);
                entry_add_text(&entry, "MESSAGE_ID", fields->message_id);
                entry_add_text(&entry, "COMMIT", fields->commit);
                if (fields->serial != 0)
                        entry_add_number(&entry, "SERIAL", fields->serial);
                if (fields->bytes != 0)
                        entry_add_number(&entry, "BYTES", fields->bytes);
                if (fields->duration_usec != 0)
                        entry_add_number(&entry, "DURATION_USEC", fields->duration_usec);
        }
        int r = sd_journal_sendv(entry.fields, entry.count);
        for (int i = 0; i < entry.heap_count; i++)
                free(entry.heap[i]);
        return r;
}

/* "2026-11-21 12:00:00.123 ", local time. */
static size_t format_time(char *text, size_t size)
{
        static _Thread_local struct { /* many lines are of one second */
                time_t seconds;
                char text[sizeof("2026-11-21 12:00:00")];
        } last;
        uint64_t now = clock_realtime_usec();
        time_t seconds = (time_t)(now / USEC_PER_SEC);

        if (seconds != last.seconds) {
                struct tm local;
                localtime_r(&seconds, &local);
                if (strftime(last.text, sizeof(last.text), "%F %T", &local) == 0)
                        last.text[0] = '\0';
                last.seconds = seconds;
        }
        int r = snprintf(text, size, "%s.%03u ", last.text, (unsigned)(now % USEC_PER_SEC / USEC_PER_MSEC));
        return r < 0 ? 0 : (size_t)r < size ? (size_t)r : size - 1;
}

/* Copies message into line: further lines indented, control characters (which have no business here) as '?'.
 */
static size_t copy_indented(char *line, const char *message)
{
        char *end = line;
        for (; *message; message++) {
                unsigned char character = (unsigned char)*message;
                if (character == '\n')
                        end = stpcpy(end, "\n" INDENT);
                else
                        *end++ =
                                (character < 0x20 && character != '\t') || character == 0x7f ? '?' : *message;
        }
        return (size_t)(end - line);
}

/* Lines of this thread that wait for log_release(). */
static _Thread_local struct {
        char bytes[HELD_BYTES];
        size_t length;
        bool is_on;
} held;

static void write_held(void)
{
        if (held.length > 0)
                (void)!write(STDERR_FILENO, held.bytes, held.length);
        held.length = 0;
}

void log_hold(void)
{
        held.is_on = true;
}

void log_release(void)
{
        write_held();
        held.is_on = false;
}

/* One write(2), so that lines of several threads do not mix. */
static void write_line(int priority, const char *line, size_t length)
{
        if (held.is_on && length > sizeof(held.bytes) - held.length)
                write_held();
        if (!held.is_on || length > sizeof(held.bytes)) {
                (void)!write(STDERR_FILENO, line, length);
                return;
        }
        memcpy(held.bytes + held.length, line, length);
        held.length += length;
        if (priority <= LOG_ERR) /* whatever it leads to, it is told */
                write_held();
}

static void write_stderr(int priority, const char *message)
{
        char small[LINE_BYTES];
        char head[64];
        size_t length = 0;
        if (log_state.is_journal) /* journald did not take the entry: its stream takes the level in this form
                                   */
                length = (size_t)snprintf(head, sizeof(head), "<%d>", priority & LOG_PRIMASK);
        else
                length = format_time(head, sizeof(head));
        length += (size_t)snprintf(head + length, sizeof(head) - length, "%s: ", priority_word(priority));

        size_t room = length + strlen(message) + 1;
        for (const char *at = message; *at; at++)
                room += *at == '\n' ? strlen(INDENT) : 0;
        CLEANUP_FREE char *large = room > sizeof(small) ? malloc(room) : NULL;
        if (room > sizeof(small) && !large) {
                struct iovec parts[] = {
                        {head, length}, {(char *)message, strlen(message)}, {(char *)"\n", 1}};
                (void)!writev(STDERR_FILENO, parts, ARRAY_SIZE(parts));
                return;
        }
        char *line = large ? large : small;
        memcpy(line, head, length);
        length += copy_indented(line + length, message);
        line[length++] = '\n';
        write_line(priority, line, length);
}

static void log_deliver(int priority, const struct log_fields *fields, const char *message)
{
        log_sink *sink = atomic_load(&log_state.sink);
        if (sink)
                sink(priority, fields, message);
        else if (!log_state.is_journal || write_journal(priority, fields, message) < 0)
                write_stderr(priority, message);
}

void log_write(int priority, const struct log_fields *fields, const char *format, ...)
{
        if (!log_is_on(priority))
                return;
        char small[LINE_BYTES];
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(small, sizeof(small), format, arguments);
        va_end(arguments);
        if (length < 0)
                return;
        char *message = small;
        CLEANUP_FREE char *large = NULL;
        if ((size_t)length >= sizeof(small)) {
                large = malloc((size_t)length + 1);
                if (large) {
                        va_start(arguments, format);
                        vsnprintf(large, (size_t)length + 1, format, arguments);
                        va_end(arguments);
                        message = large;
                }
        }
        size_t end = strlen(message);
        if (end > 0 && message[end - 1] == '\n')
                message[end - 1] = '\0';
        log_deliver(priority, fields, message);
}
