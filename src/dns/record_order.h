/* Private to dns/: the two halves of the order inside one owner. */
#pragma once

#include "dns/record.h"

/* Type, then RDATA with the names of the types that fold: record_compare for records of equal owners. */
int record_compare_inside_owner(const struct record *left, const struct record *right);
/* Breaks ties of record_compare: the owner's octets, RDATA's, the TTL. */
int record_compare_octets(const struct record *left, const struct record *right);
