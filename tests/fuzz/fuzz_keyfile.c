/* Any text as a key file: dnssec-keygen's private form, its KEY record, and any text as its name. */

#include "conf/keys.h"
#include "dns/name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void check_result(int r, const struct tsig_key *key, const char *why)
{
        require(r == 0 || r == -EINVAL);
        if (r < 0) {
                require(why && *why);
                require(key->secret_length == 0);
                return;
        }
        require(key->secret_length > 0 && key->secret_length <= TSIG_SECRET_MAX);
        require(key->algorithm < TSIG_ALGORITHM_COUNT);
        require(key->mac_bits % 8 == 0 && key->mac_bits <= tsig_mac_size(key->algorithm) * 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        /* A copy without a NUL behind it, so that a read past the end is seen. */
        char *text = malloc(size > 0 ? size : 1);
        char *path = malloc(size + 1), name[NAME_TEXT_MAX];
        require(text && path);
        if (size > 0)
                memcpy(text, data, size);
        if (size > 0)
                memcpy(path, data, size);
        path[size] = '\0';

        struct tsig_key key = {0};
        const char *why = NULL;
        check_result(keyfile_parse_private(text, size, &key, &why), &key, why);
        key = (struct tsig_key){0};
        why = NULL;
        check_result(keyfile_parse_record(text, size, &key, &why), &key, why);
        if (keyfile_name_from_path(path, name))
                require(strlen(name) < size);
        free(text);
        free(path);
        return 0;
}
