/* The log: a line for a person on a terminal, a pipe or in a file; the same line with fields in journald.
 *
 * Under systemd (JOURNAL_STREAM names our standard error) a line goes to journald with the fields below
 * beside MESSAGE, PRIORITY and SYSLOG_IDENTIFIER. Elsewhere "2026-11-21 12:00:00.123 notice: text", in local
 * time, goes to standard error, without the fields: the message tells what matters.
 *
 * Callable on any thread. A secret is never a field and never in a message (I8). Text from outside (names,
 * peers) arrives already escaped: names by name_to_text(), addresses by address_format(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h> /* LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG */

struct log_fields {
        const char *zone;       /* ZONE=, text without the final dot */
        uint32_t serial;        /* SERIAL=, 0 = none (a serial is never 0: I2) */
        const char *secondary;  /* SECONDARY=, the address of a target or peer (its port left out), or a
                                   secondary's name */
        const char *key;        /* KEY=, a TSIG key's name */
        const char *rule;       /* RULE=, the ACL element or limit that decided */
        const char *file;       /* FILE=, the user's file */
        const char *message_id; /* MESSAGE_ID=, one of log_ids.h */
        const char *commit;     /* COMMIT= */
        int64_t bytes;          /* BYTES=, 0 = none */
        int64_t duration_usec;  /* DURATION_USEC=, 0 = none */
};

/* Reads JOURNAL_STREAM; lines below `lowest` (LOG_DEBUG is the lowest) are dropped. Before other threads
 * start; the identifier is not copied. */
void log_open(const char *identifier, int lowest);
bool log_is_on(int priority);
/* fields may be NULL. A newline in the message is written as a new line that is indented. */
void log_write(int priority, const struct log_fields *fields, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Between the two, lines of this thread below LOG_ERR that go to standard error may wait, so that many are
 * one write(2). Not nested. */
void log_hold(void);
void log_release(void);

/* Test hook: every line goes to the function instead; NULL ends that. */
void log_redirect(void (*sink)(int priority, const struct log_fields *fields, const char *message));
