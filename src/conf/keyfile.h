/* Key files: named.conf key blocks and the K*.private form of dnssec-keygen; and making a new key. */
#pragma once

#include "base/diag.h"
#include "dns/tsig.h"

struct buffer;

/* Text of a K*.private file. The algorithm comes from its Algorithm line (157 MD5, 161 SHA1, 162 SHA224, 163
 * SHA256, 164 SHA384, 165 SHA512: BIND's dst.h); the name is not in it. -EINVAL with the reason in *ret_why
 * (static text, never of the file). */
int keyfile_parse_private(const char *text, size_t length, struct tsig_key *ret_key, const char **ret_why);

/* A key block in tsig-keygen's form with a fresh random secret as long as the algorithm's MAC. -EINVAL,
 * -ENOMEM. */
int keyfile_generate(const char *name, const char *algorithm, struct buffer *out);
