/* Any file name, under some patterns: never out of bounds; a name that comes out goes back to a file name
 * that gives the same name, octet for octet. */
#include "source/source.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const patterns[] = {"%s.zone", "db.%s", "%s", "pri.%s.txt"};
        uint8_t name[NAME_MAX_LENGTH], again[NAME_MAX_LENGTH];
        char text[256];

        if (size == 0)
                return 0;
        const char *pattern = patterns[data[0] % 4];
        char *file_name = strndup((const char *)data + 1, size - 1);
        if (!file_name)
                return 0;
        if (source_zone_name(file_name, pattern, name) == 0 &&
                source_file_name(name, pattern, text, sizeof(text)) == 0) {
                if (source_zone_name(text, pattern, again) != 0 || !name_identical(name, again))
                        abort();
        }
        free(file_name);

        /* The other way: any well-formed name. */
        size_t length = name_check(data, size);
        if (length > 0 && source_file_name(data, "%s.zone", text, sizeof(text)) == 0 &&
                (source_zone_name(text, "%s.zone", again) != 0 || memcmp(data, again, length) != 0))
                abort();
        return 0;
}
