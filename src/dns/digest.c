/* The content digest: a sum of record hashes. Pure; any thread.
 *
 * Hashed of a record:  owner (wire) | type 16 | TTL 32 | RDLENGTH 16 | RDATA, an SOA's serial as zero.
 *
 * SHA256_* and not EVP: a million records are hashed when a zone is loaded, most of them of one or two
 * blocks, and EVP's set-up of each would cost several times the hash. No key is involved. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "dns/digest.h"

#include "base/buffer.h"
#include "dns/name.h"
#include "dns/type.h"

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

/* Most records are hashed as one piece: three small updates cost as much as the hash itself. */
#define PIECE_MAX 320u

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

static int record_hash(const struct record *record, uint8_t ret_hash[static DIGEST_SIZE])
{
        size_t owner_size = name_length(record->owner), length = record->rdata_length;
        uint8_t piece[PIECE_MAX];
        SHA256_CTX context;
        bool done;

        memcpy(piece, record->owner, owner_size);
        write_u16(piece + owner_size, record->type);
        write_u32(piece + owner_size + 2, record->ttl);
        write_u16(piece + owner_size + 6, record->rdata_length);
        if (!SHA256_Init(&context))
                return -EIO;
        if (record->type != TYPE_SOA && owner_size + 8 + length <= PIECE_MAX) {
                if (length > 0)
                        memcpy(piece + owner_size + 8, record->rdata, length);
                done = SHA256_Update(&context, piece, owner_size + 8 + length);
        } else {
                done = hash_pieces(&context, record, piece, owner_size + 8);
        }
        return done && SHA256_Final(ret_hash, &context) ? 0 : -EIO;
}

int digest_add(struct digest *digest, const struct record *record)
{
        uint8_t hash[DIGEST_SIZE];
        unsigned carry = 0;
        int r = record_hash(record, hash);

        if (r < 0)
                return r;
        for (size_t i = DIGEST_SIZE; i-- > 0; carry >>= 8) {
                carry += digest->bytes[i] + hash[i];
                digest->bytes[i] = (uint8_t)carry;
        }
        return 0;
}

int digest_remove(struct digest *digest, const struct record *record)
{
        uint8_t hash[DIGEST_SIZE];
        int borrow = 0;
        int r = record_hash(record, hash);

        if (r < 0)
                return r;
        for (size_t i = DIGEST_SIZE; i-- > 0;) {
                int difference = (int)digest->bytes[i] - (int)hash[i] - borrow;

                borrow = difference < 0;
                digest->bytes[i] = (uint8_t)difference;
        }
        return 0;
}
