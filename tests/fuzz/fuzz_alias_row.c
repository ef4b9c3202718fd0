/* A stored row of ALIAS answers: what is taken for one is the same when it is written and read again. */
#include "base/buffer.h"
#include "zonefile/alias.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct alias_answers *answers, *again;
        struct buffer first = {0}, second = {0};

        if (alias_answers_decode(data, size, &answers) < 0)
                return 0;
        alias_answers_encode(answers, &first);
        if (first.length > size || alias_answers_decode(first.data, first.length, &again) < 0)
                abort();
        alias_answers_encode(again, &second);
        if (first.length != second.length || memcmp(first.data, second.data, first.length) != 0)
                abort();
        alias_answers_unref(answers);
        alias_answers_unref(again);
        buffer_free(&first);
        buffer_free(&second);
        return 0;
}
