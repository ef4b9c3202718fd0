/* Signature Version 4, step by step as AWS's guide has it: canonical request, string to sign, key, signature.
 * Pure; any thread. */
#include "push/sigv4.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HASH_SIZE 32
#define FIELDS_MAX 32

static int append_hash(struct buffer *out, const void *bytes, size_t length)
{
        uint8_t hash[HASH_SIZE];
        char text[2 * HASH_SIZE + 1];
        if (EVP_Digest(bytes, length, hash, NULL, EVP_sha256(), NULL) != 1)
                return -EIO;
        hex_encode(hash, sizeof(hash), text);
        buffer_append_text(out, text);
        return 0;
}

static int hmac(const void *key, size_t key_length, const char *text, uint8_t ret[static HASH_SIZE])
{
        unsigned length = HASH_SIZE;
        return HMAC(EVP_sha256(), key, (int)key_length, (const uint8_t *)text, strlen(text), ret, &length)
                       ? 0
                       : -EIO;
}

/* The path's segments are percent-encoded once more than they are sent (all services but S3). */
static void append_path(struct buffer *out, const char *path)
{
        for (const char *at = *path ? path : "/"; *at; at++) {
                if (*at == '%')
                        buffer_append_text(out, "%25");
                else
                        buffer_append_u8(out, (uint8_t)*at);
        }
}

struct field {
        const char *begin;
        size_t name_length, length;
};

static int compare_spans(const char *left, size_t left_length, const char *right, size_t right_length)
{
        size_t shorter = left_length < right_length ? left_length : right_length;
        int order = memcmp(left, right, shorter);
        return order ? order : (left_length > right_length) - (left_length < right_length);
}

static int compare_fields(const void *left_pointer, const void *right_pointer)
{
        const struct field *left = left_pointer, *right = right_pointer;
        int order = compare_spans(left->begin, left->name_length, right->begin, right->name_length);
        return order ? order : compare_spans(left->begin, left->length, right->begin, right->length);
}

/* By name, then by value; a field without "=" gets one. */
static int append_query(struct buffer *out, const char *query)
{
        struct field fields[FIELDS_MAX];
        size_t count = 0;
        for (const char *at = query; *at;) {
                size_t length = strcspn(at, "&");
                if (count == FIELDS_MAX)
                        return -EINVAL;
                if (length > 0)
                        fields[count++] = (struct field){at, strcspn(at, "=&"), length};
                at += length + (at[length] == '&');
        }
        if (count > 1)
                qsort(fields, count, sizeof(*fields), compare_fields);
        for (size_t i = 0; i < count; i++) {
                if (i > 0)
                        buffer_append_u8(out, '&');
                buffer_append(out, fields[i].begin, fields[i].length);
                if (fields[i].name_length == fields[i].length)
                        buffer_append_u8(out, '=');
        }
        return 0;
}

static const char *signed_headers(const struct sigv4_credentials *credentials)
{
        return credentials->token ? "host;x-amz-date;x-amz-security-token" : "host;x-amz-date";
}

static int append_canonical_request(struct buffer *out, const struct sigv4_request *request,
        const struct sigv4_credentials *credentials, const char *date)
{
        buffer_printf(out, "%s\n", request->method);
        append_path(out, request->path);
        buffer_append_u8(out, '\n');
        int r = append_query(out, request->query);
        if (r < 0)
                return r;
        buffer_printf(out, "\nhost:%s\nx-amz-date:%s\n", request->host, date);
        if (credentials->token)
                buffer_printf(out, "x-amz-security-token:%s\n", credentials->token);
        buffer_printf(out, "\n%s\n", signed_headers(credentials));
        r = append_hash(out, request->body ? request->body : "", request->body_length);
        return r < 0 ? r : buffer_status(out);
}

/* The secret, narrowed to a day, a region and a service. */
static int derive_key(const char *secret, const char *day, const char *region, const char *service,
        uint8_t ret_key[static HASH_SIZE])
{
        struct buffer first = {0};
        uint8_t key[HASH_SIZE];

        buffer_printf(&first, "AWS4%s", secret);
        int r = buffer_status(&first);
        if (r == 0)
                r = hmac(first.data, first.length, day, key);
        if (r == 0)
                r = hmac(key, sizeof(key), region, ret_key);
        if (r == 0)
                r = hmac(ret_key, HASH_SIZE, service, key);
        if (r == 0)
                r = hmac(key, sizeof(key), "aws4_request", ret_key);
        if (first.data)
                OPENSSL_cleanse(first.data, first.capacity);
        buffer_free(&first);
        OPENSSL_cleanse(key, sizeof(key));
        return r;
}

int sigv4_sign(const struct sigv4_request *request, const struct sigv4_credentials *credentials,
        const char *region, const char *service, struct buffer *authorization,
        char ret_date[static SIGV4_DATE_MAX])
{
        CLEANUP(buffer_free) struct buffer canonical = {0};
        CLEANUP(buffer_free) struct buffer scope = {0};
        CLEANUP(buffer_free) struct buffer to_sign = {0};
        uint8_t key[HASH_SIZE], signature[HASH_SIZE];
        char day[9], text[2 * HASH_SIZE + 1];
        time_t seconds = (time_t)(request->at_usec / USEC_PER_SEC);
        struct tm utc;

        if (!gmtime_r(&seconds, &utc) ||
                strftime(ret_date, SIGV4_DATE_MAX, "%Y%m%dT%H%M%SZ", &utc) != SIGV4_DATE_MAX - 1)
                return -EINVAL;
        memcpy(day, ret_date, 8);
        day[8] = '\0';
        buffer_printf(&scope, "%s/%s/%s/aws4_request", day, region, service);
        int r = append_canonical_request(&canonical, request, credentials, ret_date);
        if (r < 0 || (r = buffer_status(&scope)) < 0)
                return r;
        buffer_printf(&to_sign, "AWS4-HMAC-SHA256\n%s\n%s\n", ret_date, buffer_text(&scope));
        r = append_hash(&to_sign, canonical.data, canonical.length);
        if (r == 0)
                r = buffer_text(&to_sign) ? 0 : -ENOMEM;
        if (r == 0)
                r = derive_key(credentials->secret, day, region, service, key);
        if (r == 0)
                r = hmac(key, sizeof(key), buffer_text(&to_sign), signature);
        OPENSSL_cleanse(key, sizeof(key));
        if (r < 0)
                return r;
        hex_encode(signature, sizeof(signature), text);
        buffer_printf(authorization, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                credentials->key_id, buffer_text(&scope), signed_headers(credentials), text);
        return buffer_status(authorization);
}
