/* TSIG keys as a configuration has them. Private to conf/. */
#pragma once

#include "conf/keyfile.h"

#include <stdbool.h>

/* Text of a K*.key file: "NAME [TTL] [IN] KEY FLAGS 3 ALGORITHM BASE64". Fills the name too. As
 * keyfile_parse_private. */
int keyfile_parse_record(const char *text, size_t length, struct tsig_key *ret_key, const char **ret_why);
/* Whether the text begins as dnssec-keygen's private form does. */
bool keyfile_is_private(const char *text, size_t length);
/* The key's name out of "Kname.+163+12345.private" or ".key", as text into ret_name (room for NAME_TEXT_MAX).
 * False: no such file name. */
bool keyfile_name_from_path(const char *path, char *ret_name);
/* Base64 with blanks and line breaks in it. -EINVAL with the reason. */
int keyfile_decode_secret(const char *text, size_t length, struct tsig_key *ret_key, const char **ret_why);
