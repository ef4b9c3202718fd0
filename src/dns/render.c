/* Writes messages with compressed names (RFC 1035 s.4.1.4). A struct render belongs to one thread.
 *
 * Every suffix of a name written below 0x4000 goes into a table of hash slots (open addressing, a few
 * probes). A slot holds an offset alone: a candidate is compared with what stands in the message, octet by
 * octet, so that letter case comes through (RFC 5936 s.3.4). A slot counts only when its stamp is the
 * message's generation. */
#include "dns/render.h"

#include "base/buffer.h"
#include "dns/rdata_field.h"

#include <assert.h>
#include <string.h>

#define POINTER_LIMIT 0x4000u
#define PROBES 8u
#define RR_FIXED_SIZE 10u
#define OPTION_EDE 15u

static inline uint64_t load_u64(const uint8_t *bytes)
{
        uint64_t word;

        memcpy(&word, bytes, sizeof(word));
        return word;
}

/* Hash of the octets of a suffix; only its own octets are read. */
static inline uint32_t suffix_hash(const uint8_t *bytes, size_t length)
{
        const uint64_t factor = 0x9E3779B97F4A7C15u;
        uint64_t hash = length * factor;

        if (length < 8) {
                for (size_t i = 0; i < length; i++)
                        hash = (hash ^ bytes[i]) * factor;
        } else {
                for (size_t i = 0; i + 8 < length; i += 8) {
                        hash = (hash ^ load_u64(bytes + i)) * factor;
                        hash ^= hash >> 32;
                }
                hash = (hash ^ load_u64(bytes + length - 8)) * factor; /* overlaps what came before */
        }
        return (uint32_t)(hash >> 32);
}

/* Whether the message holds exactly this name at offset; pointers there are ours, and lead backwards. */
static bool message_has_name(const struct render *render, size_t offset, const uint8_t *name)
{
        const uint8_t *at = render->bytes + offset;

        for (;;) {
                size_t length = *at;

                if (length >= 0xC0) {
                        at = render->bytes + (read_u16(at) & 0x3FFF);
                        continue;
                }
                if (length != *name)
                        return false;
                if (length == 0)
                        return true;
                for (size_t i = 1; i <= length; i++)
                        if (at[i] != name[i])
                                return false;
                at += 1 + length;
                name += 1 + length;
        }
}

/* Finds the suffix, or remembers that it is about to stand at `offset` (0 = do not). Returns its offset, or
 * 0. */
static inline uint16_t find_or_remember(
        struct render *render, const uint8_t *suffix, size_t length, size_t offset)
{
        uint32_t slot = suffix_hash(suffix, length);

        for (unsigned probe = 0; probe < PROBES; probe++) {
                uint32_t i = (slot + probe) % RENDER_SLOTS;

                if (render->slot_generation[i] != render->generation) {
                        if (offset > 0 && offset < POINTER_LIMIT) {
                                render->slot_generation[i] = render->generation;
                                render->slot_offset[i] = (uint16_t)offset;
                        }
                        return 0;
                }
                if (message_has_name(render, render->slot_offset[i], suffix))
                        return render->slot_offset[i];
        }
        return 0;
}

/* Appends a name, its longest known suffix as a pointer. False where it does not fit. */
static bool append_name(struct render *render, const uint8_t *name, size_t length)
{
        size_t at = 0, left = render->limit - render->length;
        bool remember = left >= length;
        uint16_t target = 0;

        /* The whole name is put there first: a slot taken below may be compared with before this is done. At
         * the very end of a message, where only its pointer may fit, nothing is remembered. */
        if (remember)
                memcpy(render->bytes + render->length, name, length);
        while (name[at]) {
                target = find_or_remember(render, name + at, length - at, remember ? render->length + at : 0);
                if (target)
                        break;
                at += 1u + name[at];
        }
        if (!target) {
                render->length += remember ? length : 0;
                return remember;
        }
        if (left < at + 2)
                return false;
        if (!remember)
                memcpy(render->bytes + render->length, name, at);
        write_u16(render->bytes + render->length + at, 0xC000 | target);
        render->length += at + 2;
        return true;
}

static bool append_owner(struct render *render, const uint8_t *owner)
{
        size_t begin = render->length;

        if (render->last_owner_offset && message_has_name(render, render->last_owner_offset, owner)) {
                if (render->limit - render->length < 2)
                        return false;
                write_u16(render->bytes + render->length, 0xC000 | render->last_owner_offset);
                render->length += 2;
                return true;
        }
        if (!append_name(render, owner, name_length(owner)))
                return false;
        /* Where only a pointer was written, what it points to is as good: the run ahead wants no chain of
         * pointers. */
        if ((render->bytes[begin] & 0xC0) == 0xC0)
                begin = read_u16(render->bytes + begin) & 0x3FFF;
        render->last_owner_offset = begin < POINTER_LIMIT && *owner ? (uint16_t)begin : 0;
        return true;
}

static bool append_octets(struct render *render, const uint8_t *bytes, size_t length)
{
        if (render->limit - render->length < length)
                return false;
        if (length > 0)
                memcpy(render->bytes + render->length, bytes, length);
        render->length += length;
        return true;
}

/* RDATA with the names of RFC 1035's types compressed (RFC 3597 s.4). Malformed RDATA goes out as it stands.
 */
static bool append_rdata(struct render *render, const struct record *record)
{
        const uint8_t *fields = type_info(record->type)->fields;
        size_t at = 0, length = record->rdata_length;

        if (fields[0] == FIELD_U16 && fields[1] == FIELD_NAME_COMPRESSED && length > 2) { /* MX */
                if (!append_octets(render, record->rdata, 2))
                        return false;
                at = 2;
                fields++;
        }
        for (; *fields == FIELD_NAME_COMPRESSED; fields++) {
                size_t name_size = name_check(record->rdata + at, length - at);

                if (name_size == 0)
                        break;
                if (!append_name(render, record->rdata + at, name_size))
                        return false;
                at += name_size;
        }
        return append_octets(render, record->rdata + at, length - at);
}

/* Takes back what a record that did not fit has written. */
static void take_back(struct render *render, size_t length, uint16_t last_owner_offset)
{
        for (unsigned i = 0; i < RENDER_SLOTS; i++)
                if (render->slot_generation[i] == render->generation && render->slot_offset[i] >= length)
                        render->slot_generation[i] = render->generation - 1;
        render->length = length;
        render->last_owner_offset = last_owner_offset;
}

void render_begin(struct render *render, uint8_t *bytes, size_t limit, uint16_t id, uint16_t flags)
{
        assert(limit >= MESSAGE_HEADER_SIZE);
        if (++render->generation == 0) { /* 2^32 messages later: no stamp of long ago may count */
                memset(render->slot_generation, 0, sizeof(render->slot_generation));
                render->generation = 1;
        }
        render->bytes = bytes;
        render->length = MESSAGE_HEADER_SIZE;
        render->limit = limit < MESSAGE_MAX_SIZE ? limit : MESSAGE_MAX_SIZE;
        render->last_owner_offset = 0;
        memset(render->counts, 0, sizeof(render->counts));
        memset(bytes, 0, MESSAGE_HEADER_SIZE);
        write_u16(bytes, id);
        write_u16(bytes + 2, flags);
}

/* The question stands right behind the header: its suffixes begin the table. */
static void remember_question(struct render *render, size_t name_size)
{
        const uint8_t *name = render->bytes + MESSAGE_HEADER_SIZE;

        for (size_t at = 0; name[at]; at += 1u + name[at])
                find_or_remember(render, name + at, name_size - at, MESSAGE_HEADER_SIZE + at);
        render->counts[0] = 1;
}

int render_question(struct render *render, const struct request *request)
{
        size_t length = request->question_end - MESSAGE_HEADER_SIZE;

        assert(render->length == MESSAGE_HEADER_SIZE);
        if (request->qname_length == 0)
                return RENDER_OK;
        if (!append_octets(render, request->bytes + MESSAGE_HEADER_SIZE, length))
                return RENDER_FULL;
        remember_question(render, request->qname_length);
        return RENDER_OK;
}

int render_question_name(struct render *render, const uint8_t *name, uint16_t type)
{
        size_t length = name_length(name);

        assert(render->length == MESSAGE_HEADER_SIZE);
        if (render->limit - render->length < length + 4)
                return RENDER_FULL;
        append_octets(render, name, length);
        write_u16(render->bytes + render->length, type);
        write_u16(render->bytes + render->length + 2, CLASS_IN);
        render->length += 4;
        remember_question(render, length);
        return RENDER_OK;
}

int render_record(struct render *render, enum render_section section, const struct record *record)
{
        size_t begin = render->length, fixed;
        uint16_t last_owner_offset = render->last_owner_offset;

        if (render->counts[1 + section] == UINT16_MAX)
                return RENDER_FULL;
        if (!append_owner(render, record->owner) || render->limit - render->length < RR_FIXED_SIZE)
                goto full;
        fixed = render->length;
        write_u16(render->bytes + fixed, record->type);
        write_u16(render->bytes + fixed + 2, CLASS_IN);
        write_u32(render->bytes + fixed + 4, record->ttl);
        render->length += RR_FIXED_SIZE;
        if (!append_rdata(render, record))
                goto full;
        write_u16(render->bytes + fixed + 8, (uint16_t)(render->length - fixed - RR_FIXED_SIZE));
        render->counts[1 + section]++;
        return RENDER_OK;
full:
        take_back(render, begin, last_owner_offset);
        return RENDER_FULL;
}

int render_opt(struct render *render, uint16_t udp_size, bool dnssec_ok, uint16_t extended_rcode, int ede,
        const char *ede_text)
{
        size_t text_length = ede != EDE_NONE && ede_text ? strlen(ede_text) : 0;
        size_t options = ede == EDE_NONE ? 0 : 6 + text_length;
        uint8_t *out = render->bytes + render->length;

        if (render->limit - render->length < 1 + RR_FIXED_SIZE + options)
                return RENDER_FULL;
        out[0] = 0;
        write_u16(out + 1, TYPE_OPT);
        write_u16(out + 3, udp_size);
        out[5] = (uint8_t)(extended_rcode >> 4);
        out[6] = 0; /* version */
        write_u16(out + 7, dnssec_ok ? 0x8000 : 0);
        write_u16(out + 9, (uint16_t)options);
        if (options > 0) { /* RFC 8914 s.2 */
                write_u16(out + 11, OPTION_EDE);
                write_u16(out + 13, (uint16_t)(2 + text_length));
                write_u16(out + 15, (uint16_t)ede);
                if (text_length > 0)
                        memcpy(out + 17, ede_text, text_length);
        }
        render->length += 1 + RR_FIXED_SIZE + options;
        render->counts[3]++;
        return RENDER_OK;
}

size_t render_end(struct render *render)
{
        for (unsigned i = 0; i < 4; i++)
                write_u16(render->bytes + 4 + 2 * i, render->counts[i]);
        return render->length;
}
