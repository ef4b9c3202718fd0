/* Two octets of type and any RDATA: the check, the names and the text agree on whether it is well-formed, the
 * record survives being rendered and walked, and its order is that of itself. */
#include "base/arena.h"
#include "base/buffer.h"
#include "dns/name.h"
#include "dns/rdata.h"
#include "dns/render.h"
#include "dns/type.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void check_text(const struct record *record, bool is_wellformed)
{
        struct buffer text = {0};

        rdata_to_text(record->type, record->rdata, record->rdata_length, &text);
        require(is_wellformed || strncmp(buffer_text(&text), "\\# ", 3) == 0);
        for (size_t i = 0; i < text.length; i++)
                require(text.data[i] >= ' ' && text.data[i] < 0x7F);
        record_to_text(record, &text);
        require(buffer_status(&text) == 0);
        buffer_free(&text);
}

static void check_names(const struct record *record, bool is_wellformed)
{
        struct rdata_name names[RDATA_NAMES_MAX];
        int n = rdata_names(record->type, record->rdata, record->rdata_length, names);

        require((n >= 0) == is_wellformed);
        for (int i = 0; i < n; i++) {
                require(names[i].offset + names[i].length <= record->rdata_length);
                require(name_check(record->rdata + names[i].offset, names[i].length) == names[i].length);
        }
}

static void check_message(const struct record *record, bool is_wellformed)
{
        static struct render render;
        static uint8_t bytes[MESSAGE_MAX_SIZE];
        struct arena arena = {0};
        struct message_walk walk;
        struct record again;
        int r;

        render_begin(&render, bytes, sizeof(bytes), 0, 0);
        if (render_record(&render, RENDER_ANSWER, record) == RENDER_OK) {
                require(render_record(&render, RENDER_ANSWER, record) == RENDER_OK);
                require(message_walk_begin(&walk, bytes, render_end(&render)) == 0);
                r = message_walk_next(&walk, &arena, &again);
                require(!is_wellformed || (r == 0 && record_is_identical(record, &again)));
        }
        arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct record record = {.owner = (const uint8_t *)"\1a\1b", .ttl = 1};
        uint8_t *rdata;
        bool is_wellformed;

        if (size < 2 || size > 20000)
                return 0;
        rdata = malloc(size - 2 ? size - 2 : 1); /* of that size exactly: a read behind it is found */
        require(rdata);
        memcpy(rdata, data + 2, size - 2);
        record.type = read_u16(data);
        record.rdata = rdata;
        record.rdata_length = (uint16_t)(size - 2);
        is_wellformed = rdata_is_wellformed(record.type, rdata, record.rdata_length);
        check_text(&record, is_wellformed);
        check_names(&record, is_wellformed);
        check_message(&record, is_wellformed);
        require(record_is_same(&record, &record) && record_compare(&record, &record) == 0);
        require(record_is_same_rrset(&record, &record));
        free(rdata);
        return 0;
}
