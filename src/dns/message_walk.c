/* The walk over the records of a message: leaves of the store, answers. Any thread. Decompressed records go
 * to the arena in one piece each. */
#include "dns/message.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "dns/rdata_field.h"
#include "dns/rr_header.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* RDATA up to the end of its last name: at most NAPTR's two numbers, three strings and a name. */
#define HEAD_MAX (4 + 3 * 256 + 2 * NAME_MAX_LENGTH)

int message_walk_begin(struct message_walk *walk, const uint8_t *bytes, size_t length)
{
        size_t offset = MESSAGE_HEADER_SIZE;

        if (length < MESSAGE_HEADER_SIZE)
                return -EBADMSG;
        for (unsigned n = read_u16(bytes + 4); n > 0; n--) {
                uint8_t name[NAME_MAX_LENGTH];
                size_t ignored, taken = name_decompress(bytes, length, offset, name, &ignored);

                if (taken == 0 || length - offset - taken < 4)
                        return -EBADMSG;
                offset += taken + 4;
        }
        *walk = (struct message_walk){
                .bytes = bytes,
                .length = length,
                .offset = offset,
                .left = (unsigned)read_u16(bytes + 6) + read_u16(bytes + 8) + read_u16(bytes + 10),
        };
        return 0;
}

/* How many fields reach up to the last name that a sender may have compressed (RFC 3597 s.4); most types have
 * none. */
static unsigned fields_to_expand(const struct type_info *info)
{
        unsigned n = 0;

        for (unsigned i = 0; i < TYPE_FIELDS_MAX && info->fields[i] != FIELD_END; i++)
                if (info->fields[i] == FIELD_NAME_COMPRESSED || info->fields[i] == FIELD_NAME_FOLDED)
                        n = i + 1;
        return n;
}

struct expanded {
        uint8_t head[HEAD_MAX];
        size_t head_length;
        size_t taken; /* octets of the message that the head stands for */
};

/* Decompresses the names of RDATA; what is behind the last of them is left where it is. */
static bool expand(const struct message_walk *walk, const struct rr_header *header,
        const struct type_info *info, struct expanded *ret_expanded)
{
        size_t begin = header->rdata_offset, end = begin + header->rdata_length, at = begin, filled = 0;
        unsigned n = fields_to_expand(info);

        for (unsigned i = 0; i < n; i++) {
                size_t name_size;
                ssize_t size;

                if (field_is_name(info->fields[i])) {
                        size = (ssize_t)name_decompress(
                                walk->bytes, end, at, ret_expanded->head + filled, &name_size);
                        if (size == 0)
                                return false;
                        filled += name_size;
                } else {
                        size = field_size(info->fields[i], walk->bytes + at, end - at);
                        if (size < 0)
                                return false;
                        memcpy(ret_expanded->head + filled, walk->bytes + at, (size_t)size);
                        filled += (size_t)size;
                }
                at += (size_t)size;
        }
        ret_expanded->head_length = filled;
        ret_expanded->taken = at - begin;
        return true;
}

int message_walk_next(struct message_walk *walk, struct arena *arena, struct record *ret_record)
{
        struct rr_header header;
        struct expanded expanded;
        size_t next, rest_length, rdata_length;
        uint8_t *bytes;

        if (walk->left == 0)
                return 1;
        next = rr_header_read(walk->bytes, walk->length, walk->offset, &header);
        if (next == 0 || !expand(walk, &header, type_info(header.type), &expanded))
                return -EBADMSG;
        rest_length = header.rdata_length - expanded.taken;
        rdata_length = expanded.head_length + rest_length;
        if (rdata_length > UINT16_MAX)
                return -EBADMSG;
        bytes = arena_alloc(arena, header.owner_length + rdata_length);
        if (!bytes)
                return -ENOMEM;
        memcpy(bytes, header.owner, header.owner_length);
        memcpy(bytes + header.owner_length, expanded.head, expanded.head_length);
        memcpy(bytes + header.owner_length + expanded.head_length,
                walk->bytes + header.rdata_offset + expanded.taken, rest_length);
        *ret_record = (struct record){
                .owner = bytes,
                .rdata = bytes + header.owner_length,
                .ttl = header.ttl,
                .type = header.type,
                .rdata_length = (uint16_t)rdata_length,
        };
        walk->offset = next;
        walk->left--;
        return 0;
}

const char *rcode_to_text(unsigned rcode, char text[static RCODE_TEXT_MAX])
{
        static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE", "DSOTYPENI", NULL, NULL, NULL, NULL,
                "BADSIG", "BADKEY", "BADTIME", "BADMODE", "BADNAME", "BADALG", "BADTRUNC", "BADCOOKIE"};

        if (rcode < sizeof(names) / sizeof(names[0]) && names[rcode])
                snprintf(text, RCODE_TEXT_MAX, "%s", names[rcode]);
        else
                snprintf(text, RCODE_TEXT_MAX, "RCODE%u", rcode);
        return text;
}
