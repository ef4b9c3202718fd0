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

static bool hash_rdata(SHA256_CTX *context, const struct record *record)
{
        static const uint8_t zero_serial[4];
        size_t length = record->rdata_length, serial;

        if (record->type != TYPE_SOA || length < 20)
                return SHA256_Update(context, record->rdata, length);
        serial = SOA_SERIAL_OFFSET(length);
        return SHA256_Update(context, record->rdata, serial) &&
               SHA256_Update(context, zero_serial, sizeof(zero_serial)) &&
               SHA256_Update(context, record->rdata + serial + 4, length - serial - 4);
}

static int record_hash(const struct record *record, uint8_t ret_hash[static DIGEST_SIZE])
{
        SHA256_CTX context;
        uint8_t fixed[8];

        write_u16(fixed, record->type);
        write_u32(fixed + 2, record->ttl);
        write_u16(fixed + 6, record->rdata_length);
        if (!SHA256_Init(&context) || !SHA256_Update(&context, record->owner, name_length(record->owner)) ||
                !SHA256_Update(&context, fixed, sizeof(fixed)) || !hash_rdata(&context, record) ||
                !SHA256_Final(ret_hash, &context))
                return -EIO;
        return 0;
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
