/* Between a stream and libmicrohttpd's content reader, which asks for at most BLOCK octets a turn of the main
 * loop. */
#include "control/stream.h"

#include <microhttpd.h>
#include <string.h>

#define BLOCK 16384

static void stream_free(void *context)
{
        struct stream *stream = context;
        buffer_free(&stream->pending);
        stream->free(stream);
}

static ssize_t stream_read(void *context, uint64_t position, char *bytes, size_t size)
{
        struct stream *stream = context;
        (void)position;

        if (stream->sent == stream->pending.length) {
                buffer_clear(&stream->pending);
                stream->sent = 0;
        }
        while (!stream->has_ended && stream->pending.length - stream->sent < size) {
                int r = stream->next(stream);
                if (r < 0 || buffer_status(&stream->pending) < 0)
                        return MHD_CONTENT_READER_END_WITH_ERROR;
                stream->has_ended = r == 1;
                if (r == 2)
                        break;
        }
        size_t length = stream->pending.length - stream->sent;
        if (length == 0)
                return MHD_CONTENT_READER_END_OF_STREAM;
        if (length > size)
                length = size;
        memcpy(bytes, stream->pending.data + stream->sent, length);
        stream->sent += length;
        return (ssize_t)length;
}

struct MHD_Response *stream_response(struct stream *stream)
{
        struct MHD_Response *response =
                MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, stream_read, stream, stream_free);
        if (!response)
                stream_free(stream);
        return response;
}
