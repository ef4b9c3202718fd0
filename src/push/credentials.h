/* Credentials of an account, from a file: read when it is first used and again when it changes. A worker's
 * thread. Never printed (I8). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct credentials {
        char *path;
        bool is_token;
        char *key_id, *secret, *session_token; /* AWS; session_token NULL = none */
        char *token;
        struct stat seen; /* of what was read */
        bool is_read;
        bool is_new; /* it changed since credentials_take_new */
        char why[320];
};

/* "NAME" without a slash is $CREDENTIALS_DIRECTORY/NAME (systemd's LoadCredential). -ENOMEM. */
int credentials_init(struct credentials *credentials, const char *path, bool is_token);
/* Reads the file where it is new or has changed: 0, or a negative errno with credentials->why. What was read
 * before stays in use while a new text is wrong. */
int credentials_refresh(struct credentials *credentials);
void credentials_clear(struct credentials *credentials);

/* The [default] section of an AWS credentials file. Foreign bytes: 0, -EINVAL with *ret_why (static). */
int credentials_parse_aws(const char *text, char **ret_key_id, char **ret_secret, char **ret_session_token,
        const char **ret_why);
/* The first line that is no comment. */
int credentials_parse_token(const char *text, char **ret_token, const char **ret_why);
