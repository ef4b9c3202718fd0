/* Resource records: equality, the canonical order, lists. Pure; any thread.
 *
 * Names inside RDATA count folded for the types that RFC 4034 s.6.2 lists (as RFC 6840 s.5.1 mends it). Each
 * of those types has one unbroken range of names, so comparing folds one range of octets and no more; in
 * malformed RDATA the range may lie anywhere, but is the same for the same octets: the order stays a total
 * one. */
#include "dns/record.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "dns/name.h"
#include "dns/record_order.h"
#include "dns/type.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_FIXED_SIZE 10u /* type, class, TTL, RDLENGTH */
#define SIG_SIGNER_OFFSET 18u

int record_list_add(struct record_list *list, const struct record *record)
{
        if (list->count == list->capacity) {
                size_t capacity = list->capacity ? list->capacity * 2 : 64;
                struct record *items = reallocarray(list->items, capacity, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                list->items = items;
                list->capacity = capacity;
        }
        list->items[list->count++] = *record;
        return 0;
}

size_t record_list_find(const struct record_list *list, const struct record *record)
{
        size_t low = 0, high = list->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (record_compare(&list->items[middle], record) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

void record_list_free(struct record_list *list)
{
        free(list->items);
        *list = (struct record_list){0};
}

int record_copy(struct arena *arena, const struct record *record, struct record *ret_record)
{
        size_t owner_length = name_length(record->owner);
        uint8_t *bytes = arena_alloc(arena, owner_length + record->rdata_length);

        if (!bytes)
                return -ENOMEM;
        memcpy(bytes, record->owner, owner_length);
        if (record->rdata_length > 0)
                memcpy(bytes + owner_length, record->rdata, record->rdata_length);
        *ret_record = *record;
        ret_record->owner = bytes;
        ret_record->rdata = bytes + owner_length;
        return 0;
}

struct range {
        size_t begin;
        size_t end;
};

/* NAPTR: the replacement stands behind two numbers and three strings. */
static size_t naptr_name_offset(const uint8_t *rdata, size_t length)
{
        size_t at = 4;

        for (unsigned i = 0; i < 3 && at < length; i++)
                at += 1u + rdata[at];
        return at;
}

/* The octets of RDATA that count folded. */
static struct range folded_range(uint16_t type, const uint8_t *rdata, size_t length)
{
        struct range range = {0, length};

        switch (type) {
        case TYPE_NS:
        case 3: /* MD */
        case 4: /* MF */
        case TYPE_CNAME:
        case 7:  /* MB */
        case 8:  /* MG */
        case 9:  /* MR */
        case 14: /* MINFO */
        case TYPE_PTR:
        case 17: /* RP */
        case TYPE_DNAME:
                return range;
        case TYPE_SOA:
                range.end = length > 20 ? length - 20 : 0;
                return range;
        case TYPE_MX:
        case 18: /* AFSDB */
        case 21: /* RT */
        case 26: /* PX */
        case 36: /* KX */
                range.begin = 2;
                break;
        case TYPE_SRV:
                range.begin = 6;
                break;
        case TYPE_NAPTR:
                range.begin = naptr_name_offset(rdata, length);
                break;
        case TYPE_SIG:
                range.begin = SIG_SIGNER_OFFSET;
                if (length > SIG_SIGNER_OFFSET)
                        range.end = range.begin + name_check(rdata + range.begin, length - range.begin);
                break;
        default:
                range.end = 0;
                break;
        }
        if (range.begin > range.end)
                range.begin = range.end = 0;
        return range;
}

static inline uint8_t fold(uint8_t octet)
{
        return (uint8_t)(octet - 'A') < 26 ? octet | 0x20 : octet;
}

static int compare_lengths(size_t left, size_t right)
{
        return (left > right) - (left < right);
}

static int octets_compare(const uint8_t *left, size_t left_length, const uint8_t *right, size_t right_length)
{
        size_t shorter = left_length < right_length ? left_length : right_length;
        int order = shorter ? memcmp(left, right, shorter) : 0;

        return order ? order : compare_lengths(left_length, right_length);
}

static int rdata_compare(const struct record *left, const struct record *right)
{
        struct range left_range = folded_range(left->type, left->rdata, left->rdata_length);
        struct range right_range = folded_range(right->type, right->rdata, right->rdata_length);
        size_t shorter = left->rdata_length < right->rdata_length ? left->rdata_length : right->rdata_length;

        if (left_range.end == 0 && right_range.end == 0)
                return octets_compare(left->rdata, left->rdata_length, right->rdata, right->rdata_length);
        for (size_t i = 0; i < shorter; i++) {
                uint8_t a = left->rdata[i], b = right->rdata[i];

                if (i >= left_range.begin && i < left_range.end)
                        a = fold(a);
                if (i >= right_range.begin && i < right_range.end)
                        b = fold(b);
                if (a != b)
                        return (int)a - (int)b;
        }
        return compare_lengths(left->rdata_length, right->rdata_length);
}

int record_compare_inside_owner(const struct record *left, const struct record *right)
{
        if (left->type != right->type)
                return (int)left->type - (int)right->type;
        return rdata_compare(left, right);
}

int record_compare_octets(const struct record *left, const struct record *right)
{
        int order = 0;

        if (left->owner != right->owner)
                order = octets_compare(
                        left->owner, name_length(left->owner), right->owner, name_length(right->owner));
        if (order == 0)
                order = octets_compare(left->rdata, left->rdata_length, right->rdata, right->rdata_length);
        if (order == 0)
                order = (left->ttl > right->ttl) - (left->ttl < right->ttl);
        return order;
}

int record_compare(const struct record *left, const struct record *right)
{
        int order = name_compare(left->owner, right->owner);

        return order ? order : record_compare_inside_owner(left, right);
}

bool record_is_same(const struct record *left, const struct record *right)
{
        return left->type == right->type && left->rdata_length == right->rdata_length &&
               name_equal(left->owner, right->owner) && rdata_compare(left, right) == 0;
}

bool record_is_identical(const struct record *left, const struct record *right)
{
        return left->type == right->type && left->ttl == right->ttl &&
               left->rdata_length == right->rdata_length && name_identical(left->owner, right->owner) &&
               (left->rdata_length == 0 || memcmp(left->rdata, right->rdata, left->rdata_length) == 0);
}

uint16_t record_covered_type(const struct record *record)
{
        if (record->type == TYPE_RRSIG && record->rdata_length >= 2)
                return read_u16(record->rdata);
        return record->type;
}

bool record_is_same_rrset(const struct record *left, const struct record *right)
{
        return left->type == right->type && record_covered_type(left) == record_covered_type(right) &&
               name_equal(left->owner, right->owner);
}

size_t record_wire_size(const struct record *record)
{
        return name_length(record->owner) + RECORD_FIXED_SIZE + record->rdata_length;
}

int soa_parse(const uint8_t *rdata, size_t length, struct soa *ret_soa)
{
        size_t mname_length = name_check(rdata, length), rname_length;
        const uint8_t *numbers;

        if (mname_length == 0)
                return -EBADMSG;
        rname_length = name_check(rdata + mname_length, length - mname_length);
        if (rname_length == 0 || length - mname_length - rname_length != 20)
                return -EBADMSG;
        numbers = rdata + mname_length + rname_length;
        *ret_soa = (struct soa){
                .mname = rdata,
                .rname = rdata + mname_length,
                .serial = read_u32(numbers),
                .refresh = read_u32(numbers + 4),
                .retry = read_u32(numbers + 8),
                .expire = read_u32(numbers + 12),
                .minimum = read_u32(numbers + 16),
        };
        return 0;
}
