/* What git tells a hook: the lines of pre-receive, and the list of `git grep -lz`. */
#include "base/table.h"
#include "client/git_zones.h"
#include "client/hook.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *line = malloc(size + 1);
        const char *before, *after, *ref;
        struct table paths = {0};

        assert(line);
        if (size > 0)
                memcpy(line, data, size);
        line[size] = '\0';
        assert(git_zones_parse_grep(line, size, 3, &paths) == 0);
        for (size_t position = 0; table_next(&paths, &position);)
                ;
        if (hook_split_line(line, &before, &after, &ref)) {
                assert(strspn(before, "0123456789abcdef") == strlen(before) && *ref);
                assert(strlen(before) == 40 || strlen(before) == 64);
                assert(ref + strlen(ref) <= line + size);
        }
        table_free(&paths);
        free(line);
        return 0;
}
