/* A datagram as the answer to a NOTIFY, signed and unsigned. Without the key nothing that has a TSIG may
 * count but a complaint about the key, and nothing at all may count under another ID. */
#include "base/buffer.h"
#include "notify/state.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1700000000

static const uint8_t zone[] = "\7example\3com";
static const struct tsig_key key = {
        .name = "\2k1",
        .algorithm = TSIG_HMAC_SHA256,
        .secret_length = 32,
        .secret = "this is not known to the fuzzer",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tsig_context *context_of_a_notify(void)
{
        uint8_t bytes[MESSAGE_HEADER_SIZE + sizeof(zone) + 4 + TSIG_RR_MAX] = {0x12, 0x34, 0x24, 0, 0, 1};
        size_t length = MESSAGE_HEADER_SIZE + sizeof(zone) + 4;
        struct tsig_context *context;
        memcpy(bytes + MESSAGE_HEADER_SIZE, zone, sizeof(zone));
        bytes[length - 3] = 6;
        bytes[length - 1] = 1;
        if (tsig_context_new(&key, &context) < 0 || tsig_sign_request(context, bytes, &length, NOW) < 0)
                abort();
        return context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct tsig_context *context;
        struct reply reply;
        if (!context)
                context = context_of_a_notify();
        if (size < MESSAGE_HEADER_SIZE)
                return reply_judge(data, size, 0, zone, NULL, NOW, &reply) == REPLY_COUNTS ? abort(), 0 : 0;
        uint16_t id = read_u16(data);
        (void)reply_judge(data, size, id, zone, NULL, NOW, &reply);
        if (reply_judge(data, size, id, zone, context, NOW, &reply) == REPLY_COUNTS && !reply.is_unsigned &&
                (reply.rcode != RCODE_NOTAUTH || reply.tsig_error == 0))
                abort();
        if (reply_judge(data, size, id ^ 1, zone, context, NOW, &reply) != REPLY_IGNORED)
                abort();
        return 0;
}
