/* What the bench's programs share: a clock, DNS messages octet by octet, and the state of one transfer's
 * answer. Header only: each program is one file. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TYPE_SOA = 6, TYPE_TSIG = 250, TYPE_IXFR = 251, TYPE_AXFR = 252 };
#define MESSAGE_SIZE 65535

static inline double now_sec(void)
{
        struct timespec time;
        clock_gettime(CLOCK_MONOTONIC, &time);
        return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static inline double own_cpu_sec(void)
{
        struct rusage used;
        getrusage(RUSAGE_SELF, &used);
        return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

static inline void fail(const char *what)
{
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(2);
}

static inline int must(int r, const char *what)
{
        if (r < 0)
                fail(what);
        return r;
}

static inline int by_value(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;
        return (x > y) - (x < y);
}

/* Of sorted values; -1 = there are none. */
static inline double percentile(const double *sorted, size_t count, double share)
{
        return count ? sorted[(size_t)(share * (double)(count - 1) + 0.5)] : -1;
}

static inline unsigned get16(const uint8_t *bytes)
{
        return (unsigned)bytes[0] << 8 | bytes[1];
}

static inline uint32_t get32(const uint8_t *bytes)
{
        return (uint32_t)get16(bytes) << 16 | get16(bytes + 2);
}

static inline uint8_t *put16(uint8_t *bytes, unsigned value)
{
        bytes[0] = (uint8_t)(value >> 8);
        bytes[1] = (uint8_t)value;
        return bytes + 2;
}

static inline uint8_t *put32(uint8_t *bytes, uint32_t value)
{
        return put16(put16(bytes, value >> 16), value & 0xffff);
}

/* Names of our own making, so without escapes. */
static inline uint8_t *put_name(uint8_t *bytes, const char *text)
{
        while (*text && *text != '.') {
                size_t length = strcspn(text, ".");
                *bytes++ = (uint8_t)length;
                memcpy(bytes, text, length);
                bytes += length;
                text += length + (text[length] == '.');
        }
        *bytes++ = 0;
        return bytes;
}

/* Behind the name, or NULL where it leads out of the message. */
static inline const uint8_t *skip_name(const uint8_t *at, const uint8_t *end)
{
        while (at && at < end) {
                if (*at == 0)
                        return at + 1;
                if (*at >= 0xc0)
                        return at + 2 <= end ? at + 2 : NULL;
                at += *at + 1;
        }
        return NULL;
}

/* A query's octets; type IXFR carries `serial`. Returns the end. */
static inline uint8_t *put_query(
        uint8_t *bytes, unsigned id, const char *zone, unsigned type, uint32_t serial)
{
        uint8_t *at = put16(put16(bytes, id), 0);
        at = put16(put16(put16(put16(at, 1), 0), type == TYPE_IXFR), 0);
        at = put16(put16(put_name(at, zone), type), 1);
        if (type == TYPE_IXFR) {
                at = put32(put16(put16(put16(at, 0xc00c), TYPE_SOA), 1), 0);
                at = put16(put16(at, 22), 0); /* MNAME and RNAME are the root */
                at = put32(at, serial);
                memset(at, 0, 16);
                at += 16;
        }
        return at;
}

static inline bool soa_serial(const uint8_t *rdata, const uint8_t *end, uint32_t *ret_serial)
{
        const uint8_t *at = skip_name(skip_name(rdata, end), end);
        if (!at || at + 4 > end)
                return false;
        *ret_serial = get32(at);
        return true;
}

/* The serial of the SOA that is the first answer of a message (a NOTIFY may carry one too). */
static inline bool first_soa(const uint8_t *message, size_t length, uint32_t *ret_serial)
{
        const uint8_t *end = message + length;
        if (length < 12 || get16(message + 4) != 1 || get16(message + 6) == 0)
                return false;
        const uint8_t *at = skip_name(message + 12, end);
        at = at ? skip_name(at + 4, end) : NULL;
        return at && at + 10 <= end && get16(at) == TYPE_SOA && soa_serial(at + 10, end, ret_serial);
}

/* One AXFR's or IXFR's answer, message by message. RFC 1995 s.4: the second record tells the form.
 *
 *      FIRST --SOA, other serial--> REMOVING <--SOA--> ADDING --SOA with the new serial--> done
 *            --anything else------> WHOLE ----------------------SOA---------------------> done */
struct answer {
        bool is_ixfr;
        uint32_t asked, serial;
        enum { FIRST, WHOLE, REMOVING, ADDING } form;
        bool is_done;
        const char *fault;
        uint64_t records, messages, bytes;
};

static inline void answer_soa(struct answer *answer, uint32_t serial)
{
        if (answer->records == 1) {
                answer->serial = serial;
                answer->is_done = answer->is_ixfr && serial == answer->asked;
        } else if (answer->is_ixfr && answer->form == FIRST && serial != answer->serial) {
                answer->form = REMOVING;
        } else if (answer->form == REMOVING) {
                answer->form = ADDING;
        } else if (answer->form == ADDING && serial != answer->serial) {
                answer->form = REMOVING;
        } else {
                if (answer->form == FIRST)
                        answer->form = WHOLE;
                answer->is_done = true;
        }
}

static inline void answer_message(struct answer *answer, const uint8_t *message, size_t length)
{
        const uint8_t *end = message + length, *at = message + 12;
        answer->messages++;
        if (length < 12 || (message[3] & 15)) {
                answer->fault = length < 12 ? "a message without a header" : "an RCODE";
                return;
        }
        for (unsigned i = get16(message + 4); at && i > 0; i--)
                at = (at = skip_name(at, end)) ? at + 4 : NULL;
        for (unsigned i = get16(message + 6); i > 0; i--) {
                at = skip_name(at, end);
                if (!at || at + 10 > end || at + 10 + get16(at + 8) > end) {
                        answer->fault = "a record cut short";
                        return;
                }
                unsigned type = get16(at);
                uint32_t serial = 0;
                answer->records++;
                if (type == TYPE_SOA && soa_serial(at + 10, end, &serial))
                        answer_soa(answer, serial);
                else if (answer->records == 1)
                        answer->fault = "no SOA at the beginning";
                else if (answer->form == FIRST)
                        answer->form = WHOLE;
                at += 10 + get16(at + 8);
        }
}

/* Takes the whole messages (each behind its length) out of a stream's buffer; returns how many octets stay.
 */
static inline size_t answer_stream(struct answer *answer, uint8_t *buffer, size_t have)
{
        size_t at = 0;
        while (have - at >= 2 && have - at - 2 >= get16(buffer + at) && !answer->fault) {
                size_t length = get16(buffer + at);
                answer_message(answer, buffer + at + 2, length);
                answer->bytes += 2 + length;
                at += 2 + length;
        }
        memmove(buffer, buffer + at, have - at);
        return have - at;
}

static inline const char *answer_form(const struct answer *answer)
{
        return answer->form == WHOLE ? "whole" : answer->form == FIRST ? "up-to-date" : "incremental";
}

/* "ADDRESS:PORT" */
static inline struct sockaddr_in address_parse(const char *text)
{
        struct sockaddr_in address = {.sin_family = AF_INET};
        char host[64];
        int port;
        if (sscanf(text, "%63[0-9.]:%d", host, &port) != 2 ||
                inet_pton(AF_INET, host, &address.sin_addr) != 1) {
                fprintf(stderr, "%s: ADDRESS:PORT, please\n", text);
                exit(2);
        }
        address.sin_port = htons((uint16_t)port);
        return address;
}
