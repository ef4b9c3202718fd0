/* Views: what one secondary gets of a zone. Today one of two: all of it, or all but what DNSSEC added.
 *
 *     key    'V' | the secondary's name, folded
 *     value  format 1 | flags (1 = stripped) | version, 8
 *
 * Leaving records out by their type alone keeps differences right: what is left of a difference is the
 * difference of what is left (I3). Pure but for reading the store. */
#include "transfer/state.h"

#include "base/buffer.h"
#include "dns/type.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define VIEW_FORMAT 1
#define VIEW_STRIPPED 1

size_t transfer_view_key(const char *secondary, uint8_t ret_key[static TRANSFER_VIEW_KEY_MAX])
{
        size_t length = 0;
        ret_key[length++] = 'V';
        for (; *secondary && length < TRANSFER_VIEW_KEY_MAX; secondary++)
                ret_key[length++] = (uint8_t)tolower((unsigned char)*secondary);
        return length;
}

void transfer_view_encode(const struct transfer_view *view, uint8_t ret_value[static TRANSFER_VIEW_SIZE])
{
        ret_value[0] = VIEW_FORMAT;
        ret_value[1] = view->strip_dnssec ? VIEW_STRIPPED : 0;
        write_u64(ret_value + 2, view->since_version);
}

int transfer_view_decode(const void *value, size_t size, struct transfer_view *ret_view)
{
        const uint8_t *bytes = value;
        if (size != TRANSFER_VIEW_SIZE || bytes[0] != VIEW_FORMAT || bytes[1] > VIEW_STRIPPED)
                return -EBADMSG;
        *ret_view = (struct transfer_view){
                .strip_dnssec = bytes[1] == VIEW_STRIPPED,
                .since_version = read_u64(bytes + 2),
        };
        return 0;
}

bool view_strips(uint16_t type)
{
        switch (type) {
        case TYPE_RRSIG:
        case TYPE_NSEC:
        case TYPE_NSEC3:
        case TYPE_NSEC3PARAM:
        case TYPE_DNSKEY:
        case TYPE_CDS:
        case TYPE_CDNSKEY:
        case TYPE_ZONEMD:
                return true;
        default:
                return false;
        }
}

/* What the secondary was sent last. A row that cannot be read counts as the other view: the whole is sent
 * once more. */
static int view_load(const struct transfer *transfer, const char *secondary, bool wanted_stripped,
        struct transfer_view *ret_view)
{
        uint8_t key[TRANSFER_VIEW_KEY_MAX];
        size_t key_size = transfer_view_key(secondary, key), size;
        const void *value;
        *ret_view = (struct transfer_view){0};
        int r = store_state_get(transfer->read, transfer->zone.id, key, key_size, &value, &size);
        if (r == -ENOENT)
                return 0;
        if (r == -ENOMEM)
                return r;
        if (r < 0 || transfer_view_decode(value, size, ret_view) < 0)
                *ret_view = (struct transfer_view){.strip_dnssec = !wanted_stripped};
        return 0;
}

int view_plan(
        struct transfer *transfer, const struct transfer_request *wanted, const struct store_step *first)
{
        struct transfer_summary *summary = &transfer->summary;
        struct transfer_view held;
        if (!wanted->secondary)
                return 0;
        int r = view_load(transfer, wanted->secondary, wanted->strip_dnssec, &held);
        if (r < 0)
                return r;
        transfer->strip_dnssec = wanted->strip_dnssec;
        bool is_other = held.strip_dnssec != wanted->strip_dnssec;
        bool is_older = first && first->version <= held.since_version;
        if (summary->kind == TRANSFER_IXFR && (wanted->without_ixfr || is_other || is_older))
                summary->kind = TRANSFER_IXFR_WHOLE;
        summary->begins_view =
                is_other && (summary->kind == TRANSFER_AXFR || summary->kind == TRANSFER_IXFR_WHOLE);
        summary->view = (struct transfer_view){
                .strip_dnssec = wanted->strip_dnssec,
                .since_version = transfer->zone.version,
        };
        return 0;
}
