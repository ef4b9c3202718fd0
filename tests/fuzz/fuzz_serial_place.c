/* Where a text's serial stands: what is found are digits, and with others in their place the text has that
 * serial and no other. */
#include "zonefile/serial_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct zone_text text_of(size_t length)
{
        struct zone_text text = {.bytes = calloc(1, length + ZONEFILE_PADDING), .length = length};
        if (!text.bytes)
                abort();
        text.bytes[length] = '\n';
        return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const uint8_t zone[] = "\7example\3com";
        static const char digits[] = "4294967295";
        struct zone_text text = text_of(size);
        struct serial_place place, again;

        memcpy(text.bytes, data, size);
        if (zonefile_serial_place(zone, &text, &place) == 0) {
                struct zone_text changed = text_of(size - place.length + strlen(digits));
                size_t behind = place.offset + place.length;
                if (place.length == 0 || behind > size ||
                        strspn(text.bytes + place.offset, "0123456789") < place.length)
                        abort();
                memcpy(changed.bytes, data, place.offset);
                memcpy(changed.bytes + place.offset, digits, strlen(digits));
                memcpy(changed.bytes + place.offset + strlen(digits), data + behind, size - behind);
                if (zonefile_serial_place(zone, &changed, &again) < 0 || again.offset != place.offset ||
                        again.serial != 4294967295u)
                        abort();
                free(changed.bytes);
        }
        free(text.bytes);
        return 0;
}
