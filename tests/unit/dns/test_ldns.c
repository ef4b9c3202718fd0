/* libldns reads what we write of RDATA, and finds the octets that we hold: an independent reader beside
 * dnspython's vectors. Where libldns 1.8.3 does not know a type, or has a fault of its own, the table says
 * so. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "vectors.h"
#include "wire.h"

#include <ldns/ldns.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Types of which libldns reads some text otherwise, or not at all. */
static const struct {
        unsigned type;
        const char *why;
} differs[] = {
        {23, "NSAP-PTR: taken for a character-string"},
        {56, "NINFO: one string alone"},
        {64, "SVCB: a comma escaped in alpn"},
        {65, "HTTPS: dohpath and ohttp are younger"},
        {66, "DSYNC is younger"},
        {259, "DOA is not known"},
        {260, "AMTRELAY is not known"},
        {261, "RESINFO is younger"},
        {262, "WALLET is younger"},
        {32768, "TA is not known"},
};

static bool is_known_to_differ(unsigned type)
{
        for (size_t i = 0; i < ARRAY_SIZE(differs); i++)
                if (differs[i].type == type)
                        return true;
        return false;
}

static bool is_equal(const ldns_rr *rr, const uint8_t *rdata, size_t length)
{
        size_t at = 0;

        for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
                const ldns_rdf *field = ldns_rr_rdf(rr, i);
                size_t size = ldns_rdf_size(field);

                if (size > length - at || (size > 0 && memcmp(ldns_rdf_data(field), rdata + at, size) != 0))
                        return false;
                at += size;
        }
        return at == length;
}

static void libldns_reads_the_same(void **state)
{
        unsigned same = 0, told = 0;
        (void)state;

        for (size_t i = 0; i < ARRAY_SIZE(rdata_vectors); i++) {
                const struct rdata_vector *vector = &rdata_vectors[i];
                CLEANUP(buffer_free) struct buffer line = {0};
                size_t length;
                CLEANUP_FREE uint8_t *rdata = wire_from_hex(vector->hex, &length);
                ldns_rr *rr = NULL;

                buffer_printf(
                        &line, "owner.example. 3600 IN %s ", type_info((uint16_t)vector->type)->mnemonic);
                rdata_to_text((uint16_t)vector->type, rdata, length, &line);
                ldns_status status = ldns_rr_new_frm_str(&rr, buffer_text(&line), 0, NULL, NULL);
                bool equal = status == LDNS_STATUS_OK && is_equal(rr, rdata, length);
                if (!equal && !is_known_to_differ(vector->type)) {
                        print_message("%u: %s: %s\n", vector->type, buffer_text(&line),
                                ldns_get_errorstr_by_id(status));
                        told++;
                }
                same += equal;
                ldns_rr_free(rr);
        }
        assert_int_equal(told, 0);
        assert_true(same > ARRAY_SIZE(rdata_vectors) / 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(libldns_reads_the_same)};
        return cmocka_run_group_tests_name("dns/ldns", tests, NULL, NULL);
}
