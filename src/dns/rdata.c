/* RDATA field by field: how far each reaches, whether it is whole, where its names are. Pure; any thread. */
#include "dns/rdata.h"

#include "base/buffer.h"
#include "dns/name.h"
#include "dns/rdata_field.h"

#include <ctype.h>
#include <errno.h>

size_t field_fixed_size(uint8_t field)
{
        switch (field) {
        case FIELD_U8:
        case FIELD_ALGORITHM:
        case FIELD_SCHEME:
                return 1;
        case FIELD_U16:
        case FIELD_TYPE:
        case FIELD_CERT_TYPE:
                return 2;
        case FIELD_U32:
        case FIELD_TTL32:
        case FIELD_TIME:
        case FIELD_IPV4:
                return 4;
        case FIELD_EUI48:
                return 6;
        case FIELD_EUI64:
        case FIELD_NODE64:
                return 8;
        case FIELD_IPV6:
                return 16;
        default:
                return 0;
        }
}

/* One length octet and what it counts. */
static ssize_t counted_size(const uint8_t *bytes, size_t left)
{
        if (left < 1 || left - 1 < bytes[0])
                return -EBADMSG;
        return 1 + bytes[0];
}

static bool is_tag(const uint8_t *bytes)
{
        for (size_t i = 1; i <= bytes[0]; i++)
                if (!isascii(bytes[i]) || !isalnum(bytes[i]))
                        return false;
        return bytes[0] > 0;
}

static bool are_strings(const uint8_t *bytes, size_t left)
{
        size_t at = 0;

        while (at < left)
                at += 1u + bytes[at];
        return at == left && left > 0;
}

ssize_t field_size(uint8_t field, const uint8_t *bytes, size_t left)
{
        size_t size = field_fixed_size(field);
        ssize_t counted;

        if (size > 0)
                return left >= size ? (ssize_t)size : -EBADMSG;
        switch ((enum type_field)field) {
        case FIELD_NAME_COMPRESSED:
        case FIELD_NAME_FOLDED:
        case FIELD_NAME:
                size = name_check(bytes, left);
                return size ? (ssize_t)size : -EBADMSG;
        case FIELD_STRING:
        case FIELD_HEX_LENGTH8:
                return counted_size(bytes, left);
        case FIELD_BASE32_LENGTH8:
                counted = counted_size(bytes, left);
                return counted == 1 ? -EBADMSG : counted;
        case FIELD_TAG:
                counted = counted_size(bytes, left);
                return counted > 0 && is_tag(bytes) ? counted : -EBADMSG;
        case FIELD_STRINGS:
                return are_strings(bytes, left) ? (ssize_t)left : -EBADMSG;
        case FIELD_HEX_REST:
        case FIELD_BASE64_REST:
        case FIELD_NSAP:
                return left > 0 ? (ssize_t)left : -EBADMSG;
        case FIELD_STRING_REST:
        case FIELD_UNKNOWN:
                return (ssize_t)left;
        case FIELD_BITMAP:
        case FIELD_APL:
        case FIELD_LOC:
        case FIELD_SVCPARAMS:
        case FIELD_IPSECKEY:
        case FIELD_AMTRELAY:
        case FIELD_HIP:
                return odd_field_is_wellformed(field, bytes, left) ? (ssize_t)left : -EBADMSG;
        case FIELD_END:
        case FIELD_U8:
        case FIELD_U16:
        case FIELD_U32:
        case FIELD_TTL32:
        case FIELD_TYPE:
        case FIELD_ALGORITHM:
        case FIELD_CERT_TYPE:
        case FIELD_TIME:
        case FIELD_IPV4:
        case FIELD_IPV6:
        case FIELD_EUI48:
        case FIELD_EUI64:
        case FIELD_NODE64:
        case FIELD_SCHEME:
                break;
        }
        return -EBADMSG;
}

bool rdata_is_wellformed(uint16_t type, const uint8_t *rdata, size_t length)
{
        const struct type_info *info = type_info(type);
        size_t at = 0;

        for (size_t i = 0; i < TYPE_FIELDS_MAX && info->fields[i] != FIELD_END; i++) {
                ssize_t size = field_size(info->fields[i], rdata + at, length - at);

                if (size < 0)
                        return false;
                at += (size_t)size;
        }
        return at == length;
}

int rdata_names(uint16_t type, const uint8_t *rdata, size_t length,
        struct rdata_name ret_names[static RDATA_NAMES_MAX])
{
        const struct type_info *info = type_info(type);
        size_t at = 0;
        int n = 0;

        for (size_t i = 0; i < TYPE_FIELDS_MAX && info->fields[i] != FIELD_END; i++) {
                uint8_t field = info->fields[i];
                ssize_t size = field_size(field, rdata + at, length - at);
                size_t offset = at, name_size = (size_t)size;
                bool has_name = field_is_name(field);

                if (size < 0)
                        return -EBADMSG;
                if (field == FIELD_IPSECKEY || field == FIELD_AMTRELAY || field == FIELD_HIP) {
                        offset = odd_field_name_offset(field, rdata, length);
                        has_name = offset > 0;
                        name_size = has_name ? name_length(rdata + offset) : 0;
                        field = FIELD_NAME;
                }
                if (has_name && n < RDATA_NAMES_MAX)
                        ret_names[n++] = (struct rdata_name){(uint16_t)offset, (uint16_t)name_size, field};
                at += (size_t)size;
        }
        return at == length ? n : -EBADMSG;
}

uint16_t rdata_key_tag(const uint8_t *rdata, size_t length)
{
        uint32_t sum = 0;
        for (size_t i = 0; i < length; i++)
                sum += i % 2 ? rdata[i] : (uint32_t)rdata[i] << 8;
        return (uint16_t)(sum + (sum >> 16));
}
