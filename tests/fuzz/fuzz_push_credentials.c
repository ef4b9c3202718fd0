/* A credentials file: AWS's INI, and a token. */
#include "push/credentials.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *key_id = NULL, *secret = NULL, *session_token = NULL, *token = NULL;
        const char *why = NULL;
        char *text = malloc(size + 1);
        if (!text)
                return 0;
        memcpy(text, data, size);
        text[size] = '\0';
        if (credentials_parse_aws(text, &key_id, &secret, &session_token, &why) == 0 && (!key_id || !secret))
                abort();
        if (credentials_parse_token(text, &token, &why) == 0 && (!token || strchr(token, ' ')))
                abort();
        free(key_id);
        free(secret);
        free(session_token);
        free(token);
        free(text);
        return 0;
}
