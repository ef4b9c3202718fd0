/* Reads credentials files. Secrets are wiped where they are freed. */
#include "push/credentials.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_SIZE 65536

static void wipe(char **text)
{
        if (*text)
                OPENSSL_cleanse(*text, strlen(*text));
        free(*text);
        *text = NULL;
}

int credentials_init(struct credentials *credentials, const char *path, bool is_token)
{
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        *credentials = (struct credentials){.is_token = is_token};
        if (!strchr(path, '/') && directory) {
                if (asprintf(&credentials->path, "%s/%s", directory, path) < 0)
                        credentials->path = NULL;
        } else {
                credentials->path = strdup(path);
        }
        return credentials->path ? 0 : -ENOMEM;
}

/* [begin, end) without blanks around. */
static void trim(const char **begin, const char **end)
{
        while (*begin < *end && isspace((unsigned char)**begin))
                (*begin)++;
        while (*end > *begin && isspace((unsigned char)(*end)[-1]))
                (*end)--;
}

/* What goes into a header is one printable word. */
static bool is_word(const char *begin, const char *end)
{
        for (const char *at = begin; at < end; at++)
                if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
                        return false;
        return begin < end;
}

static bool span_is(const char *begin, const char *end, const char *word)
{
        return strlen(word) == (size_t)(end - begin) && strncasecmp(begin, word, strlen(word)) == 0;
}

static int take_field(const char *begin, const char *end, char **const targets[3])
{
        static const char *const names[] = {
                "aws_access_key_id", "aws_secret_access_key", "aws_session_token"};
        const char *equals = memchr(begin, '=', (size_t)(end - begin));
        if (!equals)
                return 0;
        const char *name_end = equals, *value = equals + 1;
        trim(&begin, &name_end);
        trim(&value, &end);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (!span_is(begin, name_end, names[i]))
                        continue;
                if (!is_word(value, end))
                        return -EINVAL;
                wipe(targets[i]);
                *targets[i] = strndup(value, (size_t)(end - value));
                return *targets[i] ? 0 : -ENOMEM;
        }
        return 0;
}

int credentials_parse_aws(const char *text, char **ret_key_id, char **ret_secret, char **ret_session_token,
        const char **ret_why)
{
        char *found[3] = {NULL};
        char **const targets[3] = {&found[0], &found[1], &found[2]};
        bool is_default = false;
        int r = 0;

        for (const char *line = text; *line && r == 0;) {
                size_t length = strcspn(line, "\n");
                const char *begin = line, *end = line + length;
                trim(&begin, &end);
                if (begin < end && *begin == '[')
                        is_default = span_is(begin, end, "[default]");
                else if (is_default && begin < end && *begin != '#' && *begin != ';')
                        r = take_field(begin, end, targets);
                line += length + (line[length] == '\n');
        }
        if (r == 0 && (!found[0] || !found[1])) {
                r = -EINVAL;
                *ret_why = "its [default] section needs aws_access_key_id and aws_secret_access_key";
        } else if (r == -EINVAL) {
                *ret_why = "a value of its [default] section is empty or has blanks in it";
        } else if (r < 0) {
                *ret_why = "memory is out";
        }
        if (r < 0) {
                for (size_t i = 0; i < ARRAY_SIZE(found); i++)
                        wipe(&found[i]);
                return r;
        }
        *ret_key_id = found[0];
        *ret_secret = found[1];
        *ret_session_token = found[2];
        return 0;
}

int credentials_parse_token(const char *text, char **ret_token, const char **ret_why)
{
        for (const char *line = text; *line;) {
                size_t length = strcspn(line, "\n");
                const char *begin = line, *end = line + length;
                trim(&begin, &end);
                line += length + (line[length] == '\n');
                if (begin == end || *begin == '#')
                        continue;
                if (!is_word(begin, end)) {
                        *ret_why = "its token has blanks in it";
                        return -EINVAL;
                }
                *ret_token = strndup(begin, (size_t)(end - begin));
                *ret_why = "memory is out";
                return *ret_token ? 0 : -ENOMEM;
        }
        *ret_why = "it holds no token";
        return -EINVAL;
}

static int say(struct credentials *credentials, int r, const char *what)
{
        snprintf(credentials->why, sizeof(credentials->why), "credentials %s: %s", credentials->path, what);
        return r;
}

static int read_text(struct credentials *credentials, int fd, char *text)
{
        size_t length = 0;
        while (length < FILE_MAX_SIZE) {
                ssize_t n = read(fd, text + length, FILE_MAX_SIZE - length);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return say(credentials, -errno, strerror(errno));
                if (n == 0)
                        break;
                length += (size_t)n;
        }
        if (length == FILE_MAX_SIZE || memchr(text, '\0', length))
                return say(credentials, -EINVAL, "this is no credentials file");
        text[length] = '\0';
        return 0;
}

static void forget(struct credentials *credentials)
{
        wipe(&credentials->key_id);
        wipe(&credentials->secret);
        wipe(&credentials->session_token);
        wipe(&credentials->token);
}

static int take_text(struct credentials *credentials, const char *text)
{
        char *key_id = NULL, *secret = NULL, *session_token = NULL, *token = NULL;
        const char *why = NULL;
        int r = credentials->is_token ? credentials_parse_token(text, &token, &why)
                                      : credentials_parse_aws(text, &key_id, &secret, &session_token, &why);
        if (r < 0)
                return say(credentials, r, why);
        forget(credentials);
        credentials->key_id = key_id;
        credentials->secret = secret;
        credentials->session_token = session_token;
        credentials->token = token;
        credentials->is_read = true;
        credentials->is_new = true;
        return 0;
}

static bool is_same_file(const struct stat *left, const struct stat *right)
{
        return left->st_dev == right->st_dev && left->st_ino == right->st_ino &&
               left->st_size == right->st_size && left->st_mtim.tv_sec == right->st_mtim.tv_sec &&
               left->st_mtim.tv_nsec == right->st_mtim.tv_nsec &&
               left->st_ctim.tv_sec == right->st_ctim.tv_sec &&
               left->st_ctim.tv_nsec == right->st_ctim.tv_nsec;
}

int credentials_refresh(struct credentials *credentials)
{
        struct stat status;
        CLEANUP_CLOSE int fd = open(credentials->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &status) < 0)
                return credentials->is_read ? 0 : say(credentials, -errno, strerror(errno));
        if (credentials->is_read && is_same_file(&status, &credentials->seen))
                return 0;
        if (!S_ISREG(status.st_mode))
                return say(credentials, -EINVAL, "this is no file");
        if (status.st_mode & (S_IROTH | S_IWOTH | S_IWGRP))
                return say(credentials, -EPERM,
                        "everybody may read it, or others may write it: chmod 640 or tighter");
        char *text = malloc(FILE_MAX_SIZE + 1);
        if (!text)
                return -ENOMEM;
        int r = read_text(credentials, fd, text);
        if (r == 0)
                r = take_text(credentials, text);
        OPENSSL_cleanse(text, FILE_MAX_SIZE + 1);
        free(text);
        if (r == 0)
                credentials->seen = status;
        return r < 0 && credentials->is_read && r != -ENOMEM ? 0 : r;
}

void credentials_clear(struct credentials *credentials)
{
        forget(credentials);
        free(credentials->path);
        *credentials = (struct credentials){0};
}
