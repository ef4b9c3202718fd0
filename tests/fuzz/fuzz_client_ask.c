/* What a DNS server answers to doctor's questions. */
#include "client/ask.h"
#include "dns/name.h"
#include "dns/rdata.h"
#include "dns/type.h"

#include <stdlib.h>

static void read_as(const uint8_t *data, size_t size, uint16_t type)
{
        static const uint8_t name[] = "\1a\7example";
        const struct ask_question question = {.name = name, .type = type};
        struct ask_answer answer = {0};
        struct arena arena = {0};
        bool truncated = false;

        int r = ask_read(data, size, 0x1234, &question, &arena, &answer, &truncated);
        if (r == 0 && answer.result != ASK_ANSWERED)
                abort();
        for (size_t i = 0; r == 0 && i < answer.records.count; i++) {
                const struct record *record = &answer.records.items[i];
                if (record->type == TYPE_NS && name_check(record->rdata, record->rdata_length) == 0)
                        abort(); /* names are whole, as facts are made of them */
                if (record->type == TYPE_DS || record->type == TYPE_DNSKEY)
                        (void)rdata_key_tag(record->rdata, record->rdata_length);
        }
        ask_answer_free(&answer);
        arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        read_as(data, size, TYPE_NS);
        read_as(data, size, TYPE_DS);
        return 0;
}
