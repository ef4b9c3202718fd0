/* The whole parse: normal form, warnings and notes, flags, includes, and RDATA of a single record. What is an
 * error is in test_broken.c; every type and form is compared with BIND in
 * tests/system/test_zonefile_peers.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns/type.h"
#include "source/source.h"
#include "zonefile/rdata_text.h"
#include "zonetext.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "$TTL 3600\n@ SOA ns1 host 7 3600 600 604800 300\n@ NS ns1\nns1 A 192.0.2.1\n"

static const uint8_t example_com[] = "\7example\3com";

struct parsed {
        struct zone_text text;
        struct zonefile_result result;
        struct diag_list diags;
        int r;
};

static struct parsed parse_zone(const uint8_t *origin, const char *bytes, size_t length)
{
        struct zonefile_request request = {.origin = origin, .file = "z.zone", .wants_chunks = true};
        struct parsed parsed = {.text = text_from(bytes, length)};

        parsed.r = zonefile_parse(&request, &parsed.text, &parsed.diags, &parsed.result);
        return parsed;
}

static struct parsed parse(const char *text)
{
        return parse_zone(example_com, text, strlen(text));
}

static void parsed_free(struct parsed *parsed)
{
        zonefile_result_free(&parsed->result);
        zone_text_free(&parsed->text);
        diag_free(&parsed->diags);
}

static const struct diag *find_diag(const struct parsed *parsed, const char *code)
{
        for (size_t i = 0; i < parsed->diags.count; i++)
                if (strcmp(parsed->diags.items[i].code, code) == 0)
                        return &parsed->diags.items[i];
        return NULL;
}

/* The text parses; the one thing told is `code` (NULL = nothing), in that line and column. */
static struct parsed parse_telling(
        const char *text, enum diag_severity severity, const char *code, uint32_t line, uint32_t column)
{
        struct parsed parsed = parse(text);
        const struct diag *diag;

        assert_int_equal(parsed.r, 0);
        assert_int_equal(parsed.diags.count, code != NULL);
        if (!code)
                return parsed;
        diag = find_diag(&parsed, code);
        assert_non_null(diag);
        assert_int_equal(diag->severity, severity);
        assert_int_equal(diag->line, line);
        assert_int_equal(diag->column, column);
        assert_non_null(diag->source_line);
        return parsed;
}

static void assert_records(const struct parsed *parsed, const char *expected)
{
        struct buffer out = {0};

        for (size_t i = 0; i < parsed->result.records.count; i++) {
                record_to_text(&parsed->result.records.items[i], &out);
                buffer_append_u8(&out, '\n');
        }
        assert_string_equal(buffer_text(&out), expected);
        buffer_free(&out);
}

static void test_result(void **state)
{
        struct parsed parsed = parse_telling(HEAD "www A 192.0.2.3\nWWW A 192.0.2.2\n", 0, NULL, 0, 0);

        (void)state;
        assert_records(&parsed, "example.com. 3600 IN NS ns1.example.com.\n"
                                "ns1.example.com. 3600 IN A 192.0.2.1\n"
                                "WWW.example.com. 3600 IN A 192.0.2.2\n"
                                "www.example.com. 3600 IN A 192.0.2.3\n");
        assert_int_equal(parsed.result.soa_serial, 7);
        assert_int_equal(parsed.result.soa.ttl, 3600);
        assert_int_equal(parsed.result.soa.type, TYPE_SOA);
        assert_false(parsed.result.has_duplicates || parsed.result.has_ttl_mends ||
                     parsed.result.has_directives || parsed.result.has_out_of_zone ||
                     parsed.result.ends_without_newline || parsed.result.is_signed);
        assert_int_equal(parsed.result.chunk_count, 1);
        assert_int_equal(parsed.result.chunks[0].length, parsed.text.length);
        parsed_free(&parsed);
}

static void test_duplicates(void **state)
{
        struct parsed parsed = parse_telling(HEAD "a MX 1 B\nc A 192.0.2.9\na MX 1 b\nb A 192.0.2.1\n",
                DIAG_WARNING, "duplicate-record", 7, 3);

        (void)state;
        assert_true(parsed.result.has_duplicates);
        assert_int_equal(parsed.result.records.count, 5);
        assert_null(parsed.result.chunks);
        parsed_free(&parsed);
}

static void test_ttl_mends(void **state)
{
        struct parsed parsed = parse_telling(
                HEAD "a 300 A 192.0.2.3\na 60 A 192.0.2.2\n", DIAG_WARNING, "ttl-mismatch", 6, 6);

        (void)state;
        assert_true(parsed.result.has_ttl_mends);
        for (size_t i = 2; i < 4; i++)
                assert_true(parsed.result.records.items[i].type != TYPE_A ||
                            parsed.result.records.items[i].ttl != 300);
        assert_null(parsed.result.chunks);
        parsed_free(&parsed);
        /* RRSIGs go by the type that they cover. */
        parsed = parse_telling(HEAD
                "a RRSIG A 13 3 60 20380101000000 20200101000000 1 example.com. AQID\n"
                "a 60 RRSIG TXT 13 3 60 20380101000000 20200101000000 1 example.com. AQID\n",
                0, NULL, 0, 0);
        assert_false(parsed.result.has_ttl_mends);
        assert_false(parsed.result.is_signed);
        parsed_free(&parsed);
}

static void test_is_signed(void **state)
{
        struct parsed parsed =
                parse(HEAD "@ RRSIG SOA 13 2 3600 20380101000000 20200101000000 1 example.com. AQID\n");

        (void)state;
        assert_true(parsed.result.is_signed);
        parsed_free(&parsed);
        parsed = parse(HEAD "@ ZONEMD 7 1 240 0102030405060708090a0b0c\n");
        assert_true(parsed.result.is_signed);
        parsed_free(&parsed);
        parsed = parse(HEAD "sub ZONEMD 7 1 240 0102030405060708090a0b0c\n");
        assert_false(parsed.result.is_signed);
        parsed_free(&parsed);
}

static void test_warnings(void **state)
{
        static const struct {
                const char *text;
                const char *code; /* NULL = nothing is told */
                uint32_t line, column;
                enum diag_severity severity;
        } cases[] = {
                {HEAD "www.example.com A 192.0.2.1\n", "missing-final-dot", 5, 1, DIAG_WARNING},
                {HEAD "www CNAME mail.Example.COM\n", "missing-final-dot", 5, 11, DIAG_WARNING},
                {HEAD "a.example.net. A 192.0.2.1\n TXT x\n", "out-of-zone", 5, 1, DIAG_WARNING},
                {HEAD "@ MX 10 mail\n", "target-without-address", 5, 3, DIAG_WARNING},
                {HEAD "@ NS ns2\n", "target-without-address", 5, 3, DIAG_WARNING},
                {HEAD "@ MX 10 mail\nmail CNAME ns1\n", "target-is-alias", 5, 3, DIAG_WARNING},
                {HEAD "sub NS ns.sub\n", "missing-glue", 5, 5, DIAG_WARNING},
                {HEAD "sub NS ns.sub\nns.sub A 192.0.2.5\n", NULL, 0, 0, 0},
                {HEAD "sub NS ns.other\nother NS ns1\n", "missing-sibling-glue", 5, 5, DIAG_WARNING},
                {HEAD "@ MX 1 m.other\nother NS ns1\n", NULL, 0, 0, 0}, /* behind a delegation */
                {HEAD "@ MX 10 x.wild\n*.wild A 192.0.2.5\n", NULL, 0, 0, 0},
                {HEAD "_x._tcp SRV 0 0 0 .\n@ MX 0 .\n", NULL, 0, 0, 0},
                {HEAD "@ MX 10 mail.example.net.\n", NULL, 0, 0, 0},
                {HEAD "x.sub TXT occluded\nsub NS ns1\n", NULL, 0, 0, 0},
                {HEAD "a A 192.0.2.1\r\n", "crlf", 1, 1, DIAG_NOTE},
                {"\xef\xbb\xbf" HEAD, "byte-order-mark", 1, 1, DIAG_NOTE},
                {"@ SOA ns1 host 7 3600 600 604800 300\n@ NS ns1\nns1 A 192.0.2.1\n", "no-default-ttl", 1, 3,
                        DIAG_NOTE},
                {"$TTL 5\n@ SOA ns1 host 0 3600 600 604800 300\n@ NS ns1\nns1 A 192.0.2.1\n", "serial-zero",
                        2, 3, DIAG_NOTE},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct parsed parsed = parse_telling(
                        cases[i].text, cases[i].severity, cases[i].code, cases[i].line, cases[i].column);

                parsed_free(&parsed);
        }
}

static void test_reverse_target(void **state)
{
        static const uint8_t reverse[] = "\0012\0010\003192\7in-addr\4arpa";
        static const char text[] = "$TTL 5\n@ SOA ns.x. h.x. 1 2 3 4 5\n@ NS ns.x.\n1 PTR host.example.net\n";
        struct parsed parsed = parse_zone(reverse, text, strlen(text));

        (void)state;
        assert_int_equal(parsed.r, 0);
        assert_non_null(find_diag(&parsed, "missing-final-dot"));
        parsed_free(&parsed);
}

static void test_hints(void **state)
{
        static const struct {
                const char *text, *hint;
        } cases[] = {
                {HEAD "a CNMAE b\n", "did you mean CNAME?"},
                {HEAD "a txtt b\n", "did you mean TXT?"},
                {HEAD "a DNSKEYS 1\n", "did you mean DNSKEY?"},
                {HEAD "a 2001:db8::1\n", "seconds, or units: 1w2d3h4m5s"},
                {HEAD "b\xc3\xbc"
                      "cher A 192.0.2.1\n",
                        "write it as xn--bcher-kva"},
                {HEAD "a CNAME www.B\xc3\x9c"
                      "cher.example.\n",
                        "write it as www.xn--bcher-kva.example."},
                {HEAD "\xe4\xbe\x8b\xe3\x81\x88 A 192.0.2.1\n", "write it as xn--r8jz45g"},
                {HEAD "\xd0\x9f\xd0\xa0\xd0\x98\xd0\x9c\xd0\x95\xd0\xa0 A 192.0.2.1\n",
                        "write it as xn--e1afmkfd"},
                {HEAD "a A 2001:db8::1\n", "an IPv6 address has type AAAA"},
                {HEAD " $TTL 5\n", "a directive begins in the first column"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct parsed parsed = parse(cases[i].text);
                const struct diag *diag = diag_first_error(&parsed.diags);

                assert_int_equal(parsed.r, -EINVAL);
                assert_non_null(diag);
                assert_string_equal(diag->hint ? diag->hint : "", cases[i].hint);
                parsed_free(&parsed);
        }
}

static void test_shown_form(void **state)
{
        struct parsed parsed = parse(HEAD "bad A 300.1.1.1 ; why\n");
        struct buffer out = {0};

        (void)state;
        assert_int_equal(parsed.diags.count, 1);
        diag_format(&parsed.diags.items[0], &out);
        assert_string_equal(buffer_text(&out), "z.zone:5:7: error: '300.1.1.1' is not an IPv4 address\n"
                                               "    5 | bad A 300.1.1.1 ; why\n"
                                               "      |       ^\n"
                                               "      = hint: four numbers from 0 to 255, as in 192.0.2.1\n");
        buffer_free(&out);
        parsed_free(&parsed);
}

/* A thousand errors and more: all counted, the limit kept, and in time that grows with the text alone. */
static void test_many_errors(void **state)
{
        struct buffer text = {0};
        struct parsed parsed;

        (void)state;
        buffer_append_text(&text, HEAD);
        for (unsigned i = 0; i < 50000; i++)
                buffer_append_text(&text, i % 2 ? "x A 1.2.3\n" : "y TXT ( \"open\"\n");
        parsed = parse_zone(example_com, (const char *)text.data, text.length);
        assert_int_equal(parsed.r, -EINVAL);
        assert_true(parsed.diags.error_count >= 17 && parsed.diags.count <= 1000);
        parsed_free(&parsed);
        buffer_free(&text);
}

static void write_file(const char *folder, const char *name, const char *text)
{
        char path[400];
        FILE *file;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
}

static struct parsed parse_file(const char *folder, const char *name)
{
        struct zonefile_request request = {.origin = example_com};
        struct source_identity identity;
        struct parsed parsed = {0};
        char path[400];
        int fd;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        request.file = path;
        assert_int_equal(source_snapshot_folder(folder, NULL, &request.snapshot), 0);
        assert_int_equal(source_open(request.snapshot, path, &fd, &identity), 0);
        assert_int_equal(zone_text_read(fd, 0, 1000000, NULL, &parsed.text), 0);
        close(fd);
        parsed.r = zonefile_parse(&request, &parsed.text, &parsed.diags, &parsed.result);
        source_snapshot_free(request.snapshot);
        return parsed;
}

static void test_include(void **state)
{
        char folder[] = "/tmp/zonefile-XXXXXX", path[400];
        struct parsed parsed;
        const struct diag *diag;

        (void)state;
        assert_non_null(mkdtemp(folder));
        write_file(folder, "z.zone", HEAD "$INCLUDE a.inc sub\n TXT after\n");
        write_file(folder, "a.inc", "x A 192.0.2.7\n$INCLUDE \"b.inc\"\n");
        write_file(folder, "b.inc", "y A 192.0.2.8\n");
        parsed = parse_file(folder, "z.zone");
        assert_int_equal(parsed.r, 0);
        assert_true(parsed.result.has_directives);
        assert_records(&parsed, "example.com. 3600 IN NS ns1.example.com.\n"
                                "ns1.example.com. 3600 IN A 192.0.2.1\n"
                                "ns1.example.com. 3600 IN TXT \"after\"\n"
                                "x.sub.example.com. 3600 IN A 192.0.2.7\n"
                                "y.sub.example.com. 3600 IN A 192.0.2.8\n");
        parsed_free(&parsed);
        write_file(folder, "b.inc", "\n  \ny A 192.0.2\n");
        parsed = parse_file(folder, "z.zone");
        assert_int_equal(parsed.r, -EINVAL);
        diag = diag_first_error(&parsed.diags);
        assert_int_equal(diag->line, 3);
        assert_int_equal(diag->column, 5);
        assert_non_null(strstr(diag->file, "b.inc"));
        assert_non_null(strstr(diag->included_from, "a.inc:2, "));
        assert_non_null(strstr(diag->included_from, "z.zone:5"));
        parsed_free(&parsed);
        /* Endless doubling ends. */
        write_file(folder, "b.inc", "$INCLUDE c.inc\n$INCLUDE c.inc\n");
        write_file(folder, "c.inc", "$INCLUDE b.inc\n");
        parsed = parse_file(folder, "z.zone");
        assert_string_equal(diag_first_error(&parsed.diags)->code, "include-loop");
        parsed_free(&parsed);
        for (size_t i = 0; i < 4; i++) {
                snprintf(path, sizeof(path), "%s/%s", folder,
                        (const char *const[]){"z.zone", "a.inc", "b.inc", "c.inc"}[i]);
                unlink(path);
        }
        rmdir(folder);
}

/* I8: of a file that include-root lets in, but that is outside the zone folder, nothing is quoted. */
static void test_include_outside(void **state)
{
        char folder[] = "/tmp/zonefile-XXXXXX", zones[400], path[500];
        struct zonefile_request request = {.origin = example_com, .file = path};
        static const char text[] = HEAD "$INCLUDE ../secret.inc\n";
        struct zonefile_result result;
        struct diag_list diags = {0};
        struct buffer shown = {0};
        struct zone_text zone = text_from(text, strlen(text));

        (void)state;
        assert_non_null(mkdtemp(folder));
        snprintf(zones, sizeof(zones), "%s/zones", folder);
        assert_int_equal(mkdir(zones, 0700), 0);
        write_file(zones, "z.zone", text);
        write_file(folder, "secret.inc", "user:hunter2 TXTT hunter2\nhunter2.example.com A 192.0.2.1\n");
        snprintf(path, sizeof(path), "%s/z.zone", zones);
        assert_int_equal(source_snapshot_folder(zones, folder, &request.snapshot), 0);
        assert_int_equal(zonefile_parse(&request, &zone, &diags, &result), -EINVAL);
        assert_int_equal(diags.count, 2);
        for (size_t i = 0; i < diags.count; i++)
                diag_format(&diags.items[i], &shown);
        assert_non_null(strstr(buffer_text(&shown), "secret.inc:1:14: error: unknown-type"));
        assert_null(strstr(buffer_text(&shown), "hunter2"));
        buffer_free(&shown);
        diag_free(&diags);
        zone_text_free(&zone);
        source_snapshot_free(request.snapshot);
        unlink(path);
        rmdir(zones);
        snprintf(path, sizeof(path), "%s/secret.inc", folder);
        unlink(path);
        rmdir(folder);
}

static void test_read_limit(void **state)
{
        struct zone_text text;
        int pipes[2];

        (void)state;
        assert_int_equal(pipe(pipes), 0);
        assert_int_equal(write(pipes[1], "0123456789", 10), 10);
        assert_int_equal(zone_text_read(pipes[0], 0, 9, NULL, &text), -EFBIG);
        assert_int_equal(write(pipes[1], "0123456789", 10), 10);
        close(pipes[1]);
        assert_int_equal(zone_text_read(pipes[0], 1, 10, NULL, &text), 0);
        assert_int_equal(text.length, 10);
        assert_int_equal(text.bytes[10], '\n');
        zone_text_free(&text);
        close(pipes[0]);
}

static void test_rdata_from_text(void **state)
{
        static const uint8_t mx[] = "\0\12\4mail\7example\3com";
        uint8_t rdata[65535];
        size_t length, at;
        const char *why;

        (void)state;
        assert_int_equal(rdata_from_text(TYPE_MX, "10 mail", 7, example_com, rdata, &length, &why, &at), 0);
        assert_int_equal(length, sizeof(mx));
        assert_memory_equal(rdata, mx, sizeof(mx));
        assert_int_equal(rdata_from_text(TYPE_MX, "10 mail", 7, NULL, rdata, &length, &why, &at), -EINVAL);
        assert_int_equal(at, 3);
        assert_int_equal(
                rdata_from_text(TYPE_MX, "70000 mail.", 11, NULL, rdata, &length, &why, &at), -EINVAL);
        assert_int_equal(at, 0);
        assert_non_null(strstr(why, "0 to 65535"));
        assert_int_equal(rdata_from_text(TYPE_A, "1.2.3.4\n", 8, NULL, rdata, &length, &why, &at), -EINVAL);
        assert_int_equal(rdata_from_text(TYPE_TXT, "(\"a\"\n\"b\")", 9, NULL, rdata, &length, &why, &at), 0);
        assert_int_equal(length, 4);
        assert_int_equal(rdata_from_text(TYPE_A, "", 0, NULL, rdata, &length, &why, &at), -EINVAL);
        assert_int_equal(rdata_from_text(65280, "\\# 2 0102", 9, NULL, rdata, &length, &why, &at), 0);
}

/* The largest record that a signed message has room for, and one octet more. */
static void test_record_size(void **state)
{
        (void)state;
        for (unsigned octets = 64880; octets < 65000; octets++) {
                struct buffer text = {0};
                struct parsed parsed;
                size_t wire = 2 + 1 + sizeof(example_com) + 10 + octets - 1;

                buffer_printf(&text, HEAD "aa TYPE65280 \\# %u ", octets);
                for (unsigned i = 0; i < octets; i++)
                        buffer_append_text(&text, "00");
                buffer_append_u8(&text, '\n');
                parsed = parse_zone(example_com, (const char *)text.data, text.length);
                /* header, question, EDNS, TSIG with the longest names */
                bool fits =
                        wire + 12 + sizeof(example_com) + 4 + 11 + (255 + 10 + 255 + 16 + 64 + 6) <= 65535;

                assert_int_equal(parsed.r, fits ? 0 : -EINVAL);
                parsed_free(&parsed);
                buffer_free(&text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_result),
                cmocka_unit_test(test_duplicates),
                cmocka_unit_test(test_ttl_mends),
                cmocka_unit_test(test_is_signed),
                cmocka_unit_test(test_warnings),
                cmocka_unit_test(test_reverse_target),
                cmocka_unit_test(test_hints),
                cmocka_unit_test(test_shown_form),
                cmocka_unit_test(test_many_errors),
                cmocka_unit_test(test_include),
                cmocka_unit_test(test_include_outside),
                cmocka_unit_test(test_read_limit),
                cmocka_unit_test(test_rdata_from_text),
                cmocka_unit_test(test_record_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
