/* Zones for the bench: the same arguments give the same octets.
 *
 *      genzone one ORIGIN RECORDS SLOTS FILE          one zone
 *      genzone many SUFFIX ZONES RECORDS FOLDER       z000000.SUFFIX and on, each in FOLDER/NAME.zone
 *
 * The serial and the text of each slot (a TXT record) have ten digits, so that an edit is a write in place of
 * the same length. Their offsets are told on standard output; of `many`, one line each holds for all zones,
 * as their heads are alike. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
        FILE *file;
        const char *origin;
        uint64_t seed;
        long sequence; /* makes owners unique */
        long block;    /* number of the $ORIGIN at hand; -1 = the apex */
        char host[64]; /* an owner of addresses that others point to */
        bool owner_has_a;
};

#define WORDS 48
static const char *const words[WORDS] = {"www", "mail", "api", "db", "cache", "edge", "vpn", "proxy", "login",
        "img", "cdn", "app", "dev", "test", "stage", "git", "build", "logs", "mon", "shop", "pay", "blog",
        "docs", "help", "wiki", "chat", "meet", "cam", "sensor", "print", "wifi", "sw", "core", "rack", "pod",
        "kube", "search", "index", "queue", "worker", "batch", "report", "backup", "files", "media", "auth",
        "ns", "lab"};
static const char *const towns[12] = {
        "ams", "ber", "bru", "dub", "fra", "hel", "lis", "lon", "mad", "osl", "par", "zrh"};

/* xorshift64* */
static uint32_t draw(struct writer *writer, uint32_t below)
{
        writer->seed ^= writer->seed >> 12;
        writer->seed ^= writer->seed << 25;
        writer->seed ^= writer->seed >> 27;
        return (uint32_t)((writer->seed * 0x2545f4914f6cdd1dull) >> 33) % below;
}

static void head(struct writer *writer, long *ret_serial_at)
{
        fprintf(writer->file, "$ORIGIN %s.\n$TTL 3600\n@\tIN\tSOA\tns0 hostmaster (\n\t\t", writer->origin);
        *ret_serial_at = ftell(writer->file);
        fprintf(writer->file, "2026010101\t; serial\n\t\t7200 900 1209600 3600 )\n");
        fprintf(writer->file,
                "\tIN\tNS\tns1.dns-host.example.\n\tIN\tNS\tns2.dns-host.example.\nns0\tIN\tA\t192.0.2.53\n");
        snprintf(writer->host, sizeof(writer->host), "ns0.%s.", writer->origin);
}
#define HEAD_RECORDS 4

static long slot(struct writer *writer, long number)
{
        fprintf(writer->file, "$ORIGIN %s.\nslot-%ld\t300\tIN\tTXT\t\"", writer->origin, number);
        long at = ftell(writer->file);
        fprintf(writer->file, "0000000000\"\n");
        writer->block = -1;
        writer->owner_has_a = false;
        return at;
}

static void text_of(struct writer *writer, char *text, size_t length)
{
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for (size_t i = 0; i < length; i++)
                text[i] = letters[draw(writer, 64)];
        text[length] = '\0';
}

static void owner(struct writer *writer, char text[static 64])
{
        const char *word = words[draw(writer, WORDS)];
        switch (draw(writer, 4)) {
        case 0:
                snprintf(text, 64, "%s%ld.%s", word, writer->sequence, towns[draw(writer, 12)]);
                break;
        case 1:
                snprintf(text, 64, "host-%04x-%lx", draw(writer, 65536), (unsigned long)writer->sequence);
                break;
        default:
                snprintf(text, 64, "%s-%ld", word, writer->sequence);
        }
}

static void txt(struct writer *writer, const char *own, const char *ttl)
{
        char blob[400];
        switch (draw(writer, 20)) {
        case 0: /* DKIM, over two lines */
                text_of(writer, blob, 392);
                fprintf(writer->file,
                        "s%ld._domainkey.%s\t%sTXT\t( \"v=DKIM1; k=rsa; p=%.220s\"\n\t\t\t\"%s\" )\n",
                        writer->sequence, own, ttl, blob, blob + 220);
                break;
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
        case 6:
                fprintf(writer->file,
                        "%s\t%sTXT\t\"v=spf1 ip4:10.%u.%u.0/24 include:_spf.mail-host.example -all\"\n", own,
                        ttl, draw(writer, 256), draw(writer, 256));
                break;
        default:
                text_of(writer, blob, 43);
                fprintf(writer->file, "_acme-challenge.%s\t%sTXT\t\"%s\"\n", own, ttl, blob);
        }
}

static void address(struct writer *writer, const char *own, const char *ttl, bool is_six)
{
        if (is_six)
                fprintf(writer->file, "%s\t%sAAAA\t2001:db8:%x:%x::%lx\n", writer->owner_has_a ? "" : own,
                        ttl, draw(writer, 65536), draw(writer, 65536),
                        (unsigned long)writer->sequence & 0xffff);
        else
                fprintf(writer->file, "%s\t%sA\t10.%u.%u.%u\n", own, ttl, draw(writer, 256),
                        draw(writer, 256), draw(writer, 256));
        writer->owner_has_a = !is_six;
        if (!is_six && draw(writer, 16) == 0 && strlen(own) < sizeof(writer->host))
                strcpy(writer->host, own);
}

/* A 55, AAAA 15, CNAME 10, TXT 10, MX 5, and 5 % of others. */
static void record(struct writer *writer, bool has_blocks)
{
        char own[64];
        const char *ttl = draw(writer, 10) < 8 ? "IN\t" : draw(writer, 2) ? "300\tIN\t" : "1d\tIN\t";
        if (has_blocks && writer->sequence / 1500 != writer->block) {
                writer->block = writer->sequence / 1500;
                fprintf(writer->file, "$ORIGIN %s%ld.%s.\n", towns[writer->block % 12], writer->block / 12,
                        writer->origin);
                snprintf(writer->host, sizeof(writer->host), "mx.dns-host.example.");
                writer->owner_has_a = false;
        }
        writer->sequence++;
        owner(writer, own);
        uint32_t kind = draw(writer, 100);
        if (kind < 70) {
                address(writer, own, ttl, kind >= 55);
                return;
        }
        writer->owner_has_a = false;
        if (kind < 80)
                fprintf(writer->file, "%s\t%sCNAME\t%s\n", own, ttl, writer->host);
        else if (kind < 90)
                txt(writer, own, ttl);
        else if (kind < 95)
                fprintf(writer->file, "%s\t%sMX\t10 in%u.mail-host.example.\n", own, ttl, draw(writer, 40));
        else if (kind < 96)
                fprintf(writer->file, "sub%ld\t%sNS\tns%u.dns-host.example.\n", writer->sequence, ttl,
                        1 + draw(writer, 4));
        else if (kind < 98)
                fprintf(writer->file, "_sip._tcp.%s\t%sSRV\t10 %u 5060 sip%u.dns-host.example.\n", own, ttl,
                        draw(writer, 100), draw(writer, 9));
        else if (kind < 99)
                fprintf(writer->file, "%s\t%sCAA\t0 issue \"ca%u.example\"\n", own, ttl, draw(writer, 5));
        else
                fprintf(writer->file, "%ld.%ld.ptr\t%sPTR\t%s\n", writer->sequence & 255,
                        writer->sequence >> 8, ttl, writer->host);
}

static void zone(const char *path, const char *origin, long records, long slots, uint64_t seed, bool tells)
{
        struct writer writer = {.file = fopen(path, "we"),
                .origin = origin,
                .seed = seed * 0x9e3779b97f4a7c15ull + 1,
                .block = -1};
        if (!writer.file) {
                perror(path);
                exit(1);
        }
        setvbuf(writer.file, NULL, _IOFBF, records > 1000 ? 1 << 20 : 1 << 13);
        long serial_at, slots_done = 0;
        head(&writer, &serial_at);
        if (tells)
                printf("serial %ld\n", serial_at);
        for (long i = HEAD_RECORDS; i < records; i++) {
                /* The middle of each of `slots` equal parts; of a small zone, at its head. */
                bool is_due = records < 100 ? i == HEAD_RECORDS
                                            : slots_done < slots &&
                                                      i >= (2 * slots_done + 1) * records / (2 * slots);
                if (is_due) {
                        long at = slot(&writer, slots_done++);
                        if (tells)
                                printf("slot %ld\n", at);
                        continue;
                }
                record(&writer, records > 5000);
        }
        if (fclose(writer.file) != 0) {
                perror(path);
                exit(1);
        }
}

int main(int count, char **words_given)
{
        if (count == 6 && strcmp(words_given[1], "one") == 0) {
                zone(words_given[5], words_given[2], atol(words_given[3]), atol(words_given[4]), 1, true);
                return 0;
        }
        if (count == 6 && strcmp(words_given[1], "many") == 0) {
                for (long i = 0; i < atol(words_given[3]); i++) {
                        char origin[256], path[1024];
                        snprintf(origin, sizeof(origin), "z%06ld.%s", i, words_given[2]);
                        snprintf(path, sizeof(path), "%s/%s.zone", words_given[5], origin);
                        zone(path, origin, atol(words_given[4]), 1, (uint64_t)i + 2, i == 0);
                }
                return 0;
        }
        fprintf(stderr,
                "usage: genzone one ORIGIN RECORDS SLOTS FILE | genzone many SUFFIX ZONES RECORDS FOLDER\n");
        return 2;
}
