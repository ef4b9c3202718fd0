/* The content digest: a sum of record hashes. Pure; any thread.
 *
 * Hashed of a record:  owner (wire) | type 16 | TTL 32 | RDLENGTH 16 | RDATA, an SOA's serial as zero.
 *
 * SHA256_* and not EVP: a million records are hashed when a zone is loaded, most of them of one or two
 * blocks, and EVP's set-up of each would cost several times the hash; even SHA256_Update and SHA256_Final
 * cost as much as a block, so short ones are padded here. No key is involved. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "dns/digest.h"

#include "base/buffer.h"
#include "base/crew.h"
#include "dns/name.h"
#include "dns/type.h"

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)SHA256_CBLOCK)
#define PIECE_MAX (4 * BLOCK_SIZE) /* longer records are hashed in pieces */
#define PADDING_MIN 9u             /* an octet and the length: FIPS 180-4 s.5.1.1 */
#define LIST_IN_PARTS 4096         /* records */

static bool hash_pieces(
        SHA256_CTX *context, const struct record *record, const uint8_t *head, size_t head_size)
{
        static const uint8_t zero_serial[4];
        size_t length = record->rdata_length, serial;

        if (!SHA256_Update(context, head, head_size))
                return false;
        if (record->type != TYPE_SOA || length < 20)
                return SHA256_Update(context, record->rdata, length);
        serial = SOA_SERIAL_OFFSET(length);
        return SHA256_Update(context, record->rdata, serial) &&
               SHA256_Update(context, zero_serial, sizeof(zero_serial)) &&
               SHA256_Update(context, record->rdata + serial + 4, length - serial - 4);
}

/* piece has room for its padding. */
static void hash_piece(SHA256_CTX *context, uint8_t *piece, size_t size, uint8_t ret_hash[static DIGEST_SIZE])
{
        size_t padded = (size + PADDING_MIN + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;

        piece[size] = 0x80;
        memset(piece + size + 1, 0, padded - size - PADDING_MIN);
        write_u64(piece + padded - 8, (uint64_t)size * 8);
        for (size_t at = 0; at < padded; at += BLOCK_SIZE)
                SHA256_Transform(context, piece + at);
        for (unsigned i = 0; i < DIGEST_SIZE / 4; i++)
                write_u32(ret_hash + (size_t)4 * i, context->h[i]);
}

static int record_hash(const struct record *record, uint8_t ret_hash[static DIGEST_SIZE])
{
        size_t owner_size = name_length(record->owner), length = record->rdata_length;
        uint8_t piece[PIECE_MAX + BLOCK_SIZE]; /* an owner and 8 octets at least */
        SHA256_CTX context;
        bool done;

        memcpy(piece, record->owner, owner_size);
        write_u16(piece + owner_size, record->type);
        write_u32(piece + owner_size + 2, record->ttl);
        write_u16(piece + owner_size + 6, record->rdata_length);
        if (!SHA256_Init(&context))
                return -EIO;
        if (record->type != TYPE_SOA && owner_size + 8 + length + PADDING_MIN <= PIECE_MAX) {
                if (length > 0)
                        memcpy(piece + owner_size + 8, record->rdata, length);
                hash_piece(&context, piece, owner_size + 8 + length, ret_hash);
                return 0;
        }
        done = hash_pieces(&context, record, piece, owner_size + 8);
        return done && SHA256_Final(ret_hash, &context) ? 0 : -EIO;
}

static void sum_add(uint8_t sum[static DIGEST_SIZE], const uint8_t number[static DIGEST_SIZE])
{
        bool carry = false;

        for (size_t i = DIGEST_SIZE; i > 0; i -= 8) {
                uint64_t limb;
                bool over = __builtin_add_overflow(read_u64(sum + i - 8), read_u64(number + i - 8), &limb);

                carry = __builtin_add_overflow(limb, (uint64_t)carry, &limb) || over;
                write_u64(sum + i - 8, limb);
        }
}

static void sum_remove(uint8_t sum[static DIGEST_SIZE], const uint8_t number[static DIGEST_SIZE])
{
        bool borrow = false;

        for (size_t i = DIGEST_SIZE; i > 0; i -= 8) {
                uint64_t limb;
                bool under = __builtin_sub_overflow(read_u64(sum + i - 8), read_u64(number + i - 8), &limb);

                borrow = __builtin_sub_overflow(limb, (uint64_t)borrow, &limb) || under;
                write_u64(sum + i - 8, limb);
        }
}

int digest_add(struct digest *digest, const struct record *record)
{
        uint8_t hash[DIGEST_SIZE];
        int r = record_hash(record, hash);

        if (r == 0)
                sum_add(digest->bytes, hash);
        return r;
}

int digest_remove(struct digest *digest, const struct record *record)
{
        uint8_t hash[DIGEST_SIZE];
        int r = record_hash(record, hash);

        if (r == 0)
                sum_remove(digest->bytes, hash);
        return r;
}

/* ---- lists: sums of parts, in any order ---- */

struct list_sum {
        const struct record_list *list;
        unsigned part_count;
        struct digest sums[CREW_SIZE_MAX];
        int results[CREW_SIZE_MAX];
};

static void sum_part(void *context, unsigned part)
{
        struct list_sum *all = context;
        size_t end = all->list->count * (part + 1) / all->part_count;
        struct digest sum = {0};
        int r = 0;

        for (size_t i = all->list->count * part / all->part_count; r == 0 && i < end; i++) {
                record_prefetch(all->list->items, end, i);
                r = digest_add(&sum, &all->list->items[i]);
        }
        all->sums[part] = sum;
        all->results[part] = r;
}

static int sum_list(const struct record_list *list, struct crew *crew, struct digest *ret_sum)
{
        struct list_sum all = {.list = list, .part_count = 1};
        int r = 0;

        if (list->count >= LIST_IN_PARTS)
                all.part_count = crew_size(crew);
        crew_run(crew, sum_part, &all, all.part_count);
        for (unsigned i = 0; r == 0 && i < all.part_count; i++) {
                r = all.results[i];
                sum_add(ret_sum->bytes, all.sums[i].bytes);
        }
        return r;
}

int digest_add_list(struct digest *digest, const struct record_list *list, struct crew *crew)
{
        struct digest sum = {0};
        int r = sum_list(list, crew, &sum);

        if (r == 0)
                sum_add(digest->bytes, sum.bytes);
        return r;
}

int digest_remove_list(struct digest *digest, const struct record_list *list, struct crew *crew)
{
        struct digest sum = {0};
        int r = sum_list(list, crew, &sum);

        if (r == 0)
                sum_remove(digest->bytes, sum.bytes);
        return r;
}
