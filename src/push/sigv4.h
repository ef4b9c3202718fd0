/* AWS Signature Version 4: the Authorization header of one request. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buffer;

struct sigv4_request {
        const char *method;
        const char *host;  /* as the Host header has it: with the port where it is not the scheme's own */
        const char *path;  /* percent-encoded, as it is sent */
        const char *query; /* percent-encoded fields, as they are sent; "" = none */
        const void *body;
        size_t body_length;
        uint64_t at_usec; /* realtime */
};

struct sigv4_credentials {
        const char *key_id;
        const char *secret;
        const char *token; /* of temporary credentials; NULL = none */
};

#define SIGV4_DATE_MAX 17 /* "20150830T123600Z" and a NUL */

/* Appends the value of the Authorization header; ret_date is the value of X-Amz-Date. Signed are host,
 * x-amz-date and, where there is one, x-amz-security-token. 0, -ENOMEM, -EIO from OpenSSL. */
int sigv4_sign(const struct sigv4_request *request, const struct sigv4_credentials *credentials,
        const char *region, const char *service, struct buffer *authorization,
        char ret_date[static SIGV4_DATE_MAX]);
