/* Any octets as a message: parsed as a request and as a response, and walked. What is told points into the
 * message. */
#include "base/arena.h"
#include "base/buffer.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/render.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void check_tsig(const struct request *request)
{
        const struct tsig_view *tsig = &request->tsig;
        const uint8_t *end = request->bytes + request->length;

        require(tsig->offset >= request->question_end && tsig->offset < request->length);
        require(tsig->mac >= request->bytes && tsig->mac_length <= end - tsig->mac);
        require(tsig->other >= request->bytes && tsig->other_length == end - tsig->other);
        require(name_check(tsig->key_name, NAME_MAX_LENGTH) > 0 &&
                name_check(tsig->algorithm, NAME_MAX_LENGTH) > 0);
}

/* The question of any request that is answered can be repeated. */
static void check_answer(const struct request *request)
{
        static struct render render;
        static uint8_t bytes[512];

        require(request->question_end >= MESSAGE_HEADER_SIZE && request->question_end <= request->length);
        render_begin(&render, bytes, sizeof(bytes), request->id, FLAG_QR);
        require(render_question(&render, request) == RENDER_OK);
        require(render_end(&render) == (request->qname_length ? request->question_end : MESSAGE_HEADER_SIZE));
}

static void parse(const uint8_t *bytes, size_t size, bool want_response)
{
        struct request request;
        int outcome = request_parse(bytes, size, want_response, &request);

        if (outcome == MESSAGE_DROP)
                return;
        check_answer(&request);
        if (request.tsig.present) {
                require(outcome == MESSAGE_OK);
                check_tsig(&request);
        }
}

static void walk(const uint8_t *bytes, size_t size)
{
        struct arena arena = {0};
        struct message_walk walk;
        struct record record;

        if (message_walk_begin(&walk, bytes, size) == 0)
                for (unsigned n = 0; n < 2000 && message_walk_next(&walk, &arena, &record) == 0; n++) {
                        size_t owner_size = name_check(record.owner, NAME_MAX_LENGTH);

                        require(owner_size > 0 && walk.offset <= size);
                        require(record_wire_size(&record) == owner_size + 10 + record.rdata_length);
                        rdata_is_wellformed(record.type, record.rdata, record.rdata_length);
                }
        arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *bytes = malloc(size ? size : 1);

        require(bytes);
        if (size > 0)
                memcpy(bytes, data, size);
        parse(bytes, size, false);
        parse(bytes, size, true);
        walk(bytes, size);
        free(bytes);
        return 0;
}
