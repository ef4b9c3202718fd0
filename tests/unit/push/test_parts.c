/* The small parts of a push: rows, pace, credentials, XML, endpoints, and values as the providers write them.
 */
#include "push/row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/random.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "push/cloudflare_text.h"
#include "push/credentials.h"
#include "push/pace.h"
#include "push/route53_text.h"
#include "push/xml.h"
#include "zonefile/rdata_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void rows_come_back(void **state)
{
        struct push_row row = {.version = 7,
                .era = 1,
                .serial = 2026112201,
                .is_begun = true,
                .has_names = true,
                .is_signed = true,
                .in_sync_usec = 5,
                .compared_usec = 6,
                .skipped = 2,
                .zone_id = "Z0123",
                .change_id = "0123456789012345678901234567890123456789"};
        struct push_row read;
        CLEANUP(buffer_free) struct buffer out = {0};
        (void)state;
        push_row_encode(&row, &out);
        assert_true(out.length <= PUSH_ROW_MAX);
        assert_int_equal(push_row_decode(out.data, out.length, &read), 0);
        assert_int_equal(read.serial, row.serial);
        assert_true(read.is_begun && read.has_names && read.is_signed && !read.is_serial_refused);
        assert_string_equal(read.change_id, row.change_id);
        for (size_t i = 0; i < out.length; i++)
                assert_int_equal(push_row_decode(out.data, i, &read), -EBADMSG);
        out.data[out.length - 1] = '/'; /* an id becomes part of a path */
        assert_int_equal(push_row_decode(out.data, out.length, &read), -EBADMSG);
}

static void keys_of_names(void **state)
{
        uint8_t key[PUSH_KEY_MAX];
        size_t length;
        (void)state;
        size_t size = push_name_key("Aws", "ns-1.example", key);
        const char *name = push_name_of_key("aws", key, size, &length);
        assert_non_null(name);
        assert_int_equal(length, strlen("ns-1.example"));
        assert_memory_equal(name, "ns-1.example", length);
        assert_null(push_name_of_key("aw", key, size, &length));
        assert_null(push_name_of_key("aws", key, 5, &length));
}

/* Any window holds at most as many as may be, however long each was under way. */
static void pace_keeps_every_window(void **state)
{
        struct pace pace;
        uint64_t arrivals[400], now = USEC_PER_SEC;
        (void)state;
        random_fix(7);
        assert_int_equal(pace_init(&pace, 5, USEC_PER_SEC), 0);
        for (size_t i = 0; i < ARRAY_SIZE(arrivals); i++) {
                if (pace_next(&pace) > now)
                        now = pace_next(&pace);
                uint64_t under_way = random_below(300000);
                arrivals[i] = now + random_below((uint32_t)under_way + 1);
                now += under_way;
                pace_done(&pace, now);
                if (i >= 5)
                        assert_true(arrivals[i] - arrivals[i - 5] >= USEC_PER_SEC);
        }
        pace_hold(&pace, now + 9 * USEC_PER_SEC);
        assert_int_equal(pace_next(&pace), now + 9 * USEC_PER_SEC);
        pace_clear(&pace);
        random_fix(0);
}

static void credentials_files(void **state)
{
        char *key_id = NULL, *secret = NULL, *token = NULL;
        const char *why;
        (void)state;
        assert_int_equal(
                credentials_parse_aws("[a]\naws_access_key_id=x\n[default]\n# c\n"
                                      "aws_access_key_id = K\r\naws_secret_access_key= s/+=\nregion = r\n",
                        &key_id, &secret, &token, &why),
                0);
        assert_string_equal(key_id, "K");
        assert_string_equal(secret, "s/+=");
        assert_null(token);
        free(key_id);
        free(secret);
        assert_int_equal(
                credentials_parse_aws("[default]\naws_access_key_id = K\n", &key_id, &secret, &token, &why),
                -EINVAL);
        assert_non_null(strstr(why, "aws_secret_access_key"));
        assert_int_equal(
                credentials_parse_aws("[default]\naws_access_key_id = K K\n", &key_id, &secret, &token, &why),
                -EINVAL);
        assert_int_equal(credentials_parse_token("\n# x\n  T-1_2 \n", &token, &why), 0);
        assert_string_equal(token, "T-1_2");
        free(token);
        assert_int_equal(credentials_parse_token("# x\n", &token, &why), -EINVAL);
        assert_int_equal(credentials_parse_token("a b\n", &token, &why), -EINVAL);
}

static void xml_trees(void **state)
{
        CLEANUP(arena_free) struct arena arena = {0};
        struct xml_node *root;
        static const char text[] = "<?xml version=\"1.0\"?><a xmlns=\"u\"><b>1 &amp; 2</b><c/><b>3</b></a>";
        static const char entity[] = "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>";
        (void)state;
        assert_int_equal(xml_parse(text, strlen(text), &arena, &root), 0);
        const struct xml_node *b = xml_child(root, "b");
        assert_string_equal(b->text, "1 & 2");
        assert_string_equal(xml_next(b)->text, "3");
        assert_null(xml_next(xml_next(b)));
        assert_null(xml_child_text(root, "d"));
        for (size_t i = 0; i + 1 < strlen(text); i++)
                assert_int_equal(xml_parse(text, i, &arena, &root), -EBADMSG);
        assert_int_equal(xml_parse(entity, strlen(entity), &arena, &root), -EBADMSG);
        struct buffer deep = {0};
        for (unsigned i = 0; i < 40; i++)
                buffer_append_text(&deep, "<a>");
        for (unsigned i = 0; i < 40; i++)
                buffer_append_text(&deep, "</a>");
        assert_int_equal(xml_parse(deep.data, deep.length, &arena, &root), -EBADMSG);
        buffer_free(&deep);
}

static void endpoints(void **state)
{
        struct http_endpoint endpoint;
        (void)state;
        assert_true(http_endpoint_parse("https://route53.amazonaws.com/", &endpoint));
        assert_int_equal(endpoint.path_length, 0);
        assert_false(endpoint.is_loopback || endpoint.is_plain);
        assert_true(http_endpoint_parse("http://[::1]:8080/a/b/", &endpoint));
        assert_true(endpoint.is_loopback && endpoint.is_plain);
        assert_int_equal(endpoint.path_length, 4);
        assert_true(http_endpoint_parse("http://127.0.0.2:1", &endpoint) && endpoint.is_loopback);
        assert_false(http_endpoint_parse("ftp://x", &endpoint));
        assert_false(http_endpoint_parse("https://u:p@x", &endpoint));
        assert_false(http_endpoint_parse("https://x/?a", &endpoint));
}

/* Text of each type, as a zone file has it, through the provider's form and back. */
static const struct {
        const char *type, *text, *there; /* there: what Route 53 shall have; NULL = not looked at */
} values[] = {
        {"A", "192.0.2.1", "192.0.2.1"},
        {"AAAA", "2001:db8::1", "2001:db8::1"},
        {"CNAME", "a\\.b.example.", NULL},
        {"MX", "10 mail.example.", "10 mail.example."},
        {"TXT", "\"a;b\" \"q\\\"\\\\\\226\\001\"", "\"a;b\" \"q\\\"\\\\\\342\\001\""},
        {"CAA", "0 issue \"ca.example; x=\\\"y\\\"\"", "0 issue \"ca.example; x=\\\"y\\\"\""},
        {"SRV", "1 2 5060 sip.example.", NULL},
        {"NAPTR", "10 20 \"u\" \"E2U+sip\" \"!^(.*)$!sip:\\\\1@x!\" .", NULL},
        {"DS", "1 13 2 abababababababababababababababababababababababababababababababab", NULL},
        {"TLSA", "3 1 1 abababababababababababababababababababababababababababababababab", NULL},
        {"SSHFP", "4 2 abababababababababababababababababababababababababababababababab", NULL},
        {"HTTPS", "1 . alpn=\"h2,h3\" port=443", NULL},
        {"LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m", NULL},
        {"URI", "10 1 \"ftp://ftp.example/a\"", NULL},
};

static void values_come_back(void **state)
{
        static const uint8_t root[] = {0};
        static uint8_t rdata[65536], back[65536];
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
                CLEANUP(buffer_free) struct buffer text = {0};
                uint16_t type;
                size_t length, back_length, at;
                const char *why;
                assert_int_equal(type_from_text(values[i].type, strlen(values[i].type), &type), 0);
                assert_int_equal(rdata_from_text(type, values[i].text, strlen(values[i].text), root, rdata,
                                         &length, &why, &at),
                        0);
                route53_value(type, rdata, length, &text);
                if (values[i].there)
                        assert_string_equal(buffer_text(&text), values[i].there);
                assert_int_equal(route53_value_parse(type, buffer_text(&text), back, &back_length), 0);
                assert_int_equal(back_length, length);
                assert_memory_equal(back, rdata, length);
                if (!cloudflare_takes_type(type))
                        continue;
                json_t *record = json_object();
                assert_int_equal(cloudflare_record_fill(record, type, rdata, length), 0);
                assert_int_equal(cloudflare_record_parse(record, type, back, &back_length), 0);
                assert_int_equal(back_length, length);
                assert_memory_equal(back, rdata, length);
                json_decref(record);
        }
}

static void names_of_route53(void **state)
{
        uint8_t name[NAME_MAX_LENGTH];
        CLEANUP(buffer_free) struct buffer text = {0};
        (void)state;
        assert_int_equal(route53_name_parse("\\052.a\\056b.example", name), 0);
        route53_name(name, &text);
        assert_string_equal(buffer_text(&text), "\\052.a\\056b.example.");
        assert_int_equal(route53_name_parse("a..b", name), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rows_come_back),
                cmocka_unit_test(keys_of_names),
                cmocka_unit_test(pace_keeps_every_window),
                cmocka_unit_test(credentials_files),
                cmocka_unit_test(xml_trees),
                cmocka_unit_test(endpoints),
                cmocka_unit_test(values_come_back),
                cmocka_unit_test(names_of_route53),
        };
        return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
