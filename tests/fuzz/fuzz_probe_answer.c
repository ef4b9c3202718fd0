/* What a server sends to a probe's question, signed and unsigned. Without the key nothing may count against a
 * signed question, nothing at all may count under another ID, and what counts has whole records. */
#include "base/arena.h"
#include "base/buffer.h"
#include "dns/type.h"
#include "probe/state.h"

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

static struct tsig_context *context_of_a_question(void)
{
        uint8_t bytes[PROBE_MESSAGE_MAX];
        size_t length = probe_message_build(bytes, 0x1234, zone, TYPE_SOA, true, true);
        struct tsig_context *context;
        if (tsig_context_new(&key, &context) < 0 || tsig_sign_request(context, bytes, &length, NOW) < 0)
                abort();
        return context;
}

static void look_at(const struct probe_answer *answer, uint16_t type)
{
        if (answer->nsid_length > PROBE_NSID_MAX)
                abort();
        for (size_t i = 0; i < answer->record_count; i++) {
                const struct record *record = &answer->records[i];
                volatile uint8_t sum = 0;
                if (record->type != type || !name_equal(record->owner, zone))
                        abort();
                for (size_t n = 0; n < record->rdata_length; n++)
                        sum = (uint8_t)(sum + record->rdata[n]);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct tsig_context *context;
        static const uint16_t types[] = {TYPE_SOA, TYPE_A, TYPE_MX, TYPE_TXT, TYPE_NAPTR};
        if (!context)
                context = context_of_a_question();
        uint16_t id = size >= 2 ? read_u16(data) : 0;
        for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
                struct arena arena = {0};
                struct probe_answer answer;
                if (probe_judge(data, size, id, zone, types[i], NULL, NOW, &arena, &answer) == JUDGED_COUNTS)
                        look_at(&answer, types[i]);
                if (probe_judge(data, size, id, zone, types[i], context, NOW, &arena, &answer) ==
                        JUDGED_COUNTS)
                        abort();
                if (size >= 2 && probe_judge(data, size, id ^ 1, zone, types[i], NULL, NOW, &arena,
                                         &answer) != JUDGED_IGNORED)
                        abort();
                arena_free(&arena);
        }
        return 0;
}
