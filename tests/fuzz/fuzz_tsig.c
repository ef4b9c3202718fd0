/* Any octets as a signed message: parsed, verified as a request and as a reply, and answered where it is one
 * to answer. The first octet chooses the algorithm and the truncation; the key is that of the unit tests, so
 * that the corpus gets past the MAC. */

#include "base/buffer.h"
#include "dns/tsig.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1700000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static struct tsig_key key_for(uint8_t choice)
{
        struct tsig_key key = {.algorithm = choice % TSIG_ALGORITHM_COUNT, .secret_length = 32};
        memcpy(key.name, "\010transfer\007example", 18);
        for (uint8_t i = 0; i < 32; i++)
                key.secret[i] = (uint8_t)(i + 1);
        if (key.algorithm == TSIG_HMAC_SHA512)
                for (key.secret_length = 0; key.secret_length < 200; key.secret_length++)
                        key.secret[key.secret_length] = (uint8_t)(7 * key.secret_length);
        if (choice & 0x80)
                key.mac_bits = (uint16_t)(tsig_mac_size(key.algorithm) * 8 - 16);
        return key;
}

/* What we sign parses and says what it should. */
static void check_answer(const struct request *request, struct tsig_context *context, enum tsig_result result)
{
        uint8_t answer[MESSAGE_HEADER_SIZE + TSIG_RR_MAX] = {0};
        size_t length = MESSAGE_HEADER_SIZE;
        struct request reply = {0};
        write_u16(answer, request->id);
        answer[2] = 0x80;
        int r = context ? tsig_sign_response(context, answer, &length, result, NOW)
                        : tsig_append_unsigned(request, result, NOW, answer, &length);
        require(r == 0 && length <= sizeof(answer));
        require(request_parse(answer, length, true, &reply) == MESSAGE_OK && reply.tsig.present);
        require(reply.tsig.error == tsig_result_rcode(result));
        require((reply.tsig.mac_length == 0) == !context);
}

static void check_request(const struct tsig_key *key, const uint8_t *data, size_t size)
{
        struct request request = {0};
        if (request_parse(data, size, false, &request) != MESSAGE_OK || !request.tsig.present)
                return;
        struct tsig_context *context = NULL;
        int r = tsig_verify_request(key, &request, NOW, &context);
        require(r >= 0);
        if (r != TSIG_FORMERR)
                check_answer(&request, context, (enum tsig_result)r);
        require((context != NULL) == (r == TSIG_OK || r == TSIG_BADTIME || r == TSIG_BADTRUNC));
        tsig_context_free(context);
}

static void check_reply(const struct tsig_key *key, const uint8_t *data, size_t size)
{
        struct request reply = {0};
        struct tsig_context *context = NULL;
        uint8_t query[MESSAGE_HEADER_SIZE + TSIG_RR_MAX] = {0x12, 0x34};
        size_t length = MESSAGE_HEADER_SIZE;
        if (request_parse(data, size, true, &reply) != MESSAGE_OK)
                return;
        require(tsig_context_new(key, &context) == 0);
        require(tsig_sign_request(context, query, &length, NOW) == 0);
        require(tsig_verify_response(context, &reply, NOW) >= 0);
        tsig_context_free(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size < 1)
                return 0;
        struct tsig_key key = key_for(data[0]);
        check_request(&key, data + 1, size - 1);
        check_reply(&key, data + 1, size - 1);
        return 0;
}
