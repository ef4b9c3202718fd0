/* A page of records from a provider: 'X' Route 53's XML, else Cloudflare's JSON ('I': what it holds of a zone
 * that it transfers). What could be read of a value is written and read once more without a change. */
#include "base/buffer.h"
#include "base/table.h"
#include "push/compare.h"
#include "push/route53_text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(const struct push_set *set, const struct push_value *value)
{
        static uint8_t rdata[65536];
        struct buffer text = {0};
        size_t length = 0;
        route53_value(set->type, value->rdata, value->length, &text);
        if (route53_value_parse(set->type, buffer_text(&text), rdata, &length) < 0 ||
                length != value->length || memcmp(rdata, value->rdata, length) != 0)
                abort();
        buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct push_listing listing = {0};
        struct table index = {0};
        struct push_incoming incoming = {0};
        if (size == 0)
                return 0;
        if (data[0] == 'I') {
                if (cloudflare_incoming_read(data + 1, size - 1, &incoming) < 0 &&
                        (incoming.serial || incoming.checked_usec))
                        abort();
                return 0;
        }
        if (data[0] == 'X')
                route53_list_read(&listing, data + 1, size - 1);
        else
                cloudflare_list_read(&listing, data + 1, size - 1);
        for (size_t i = 0; i < listing.count; i++)
                for (size_t n = 0; n < listing.sets[i]->count; n++)
                        if (listing.sets[i]->values[n].rdata)
                                write_again(listing.sets[i], &listing.sets[i]->values[n]);
        push_listing_index(&listing, &index);
        table_free(&index);
        push_listing_free(&listing);
        return 0;
}
