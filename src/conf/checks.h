/* What is said of a zone's text, and how loudly: named.conf's check- statements, with BIND's defaults. */
#pragma once

#include <stdbool.h>

enum conf_check { CONF_CHECK_IGNORE, CONF_CHECK_WARN, CONF_CHECK_FAIL };

struct conf_checks {
        enum conf_check names;       /* names of hosts are letters, digits and hyphens (RFC 952, RFC 1123) */
        enum conf_check mx;          /* an MX that points at an address */
        enum conf_check mx_cname;    /* an MX that points at an alias in the zone */
        enum conf_check srv_cname;   /* the same of an SRV */
        enum conf_check dup_records; /* a record that is there twice */
        enum conf_check spf;         /* an SPF record without its TXT; never fails */
        bool integrity;              /* targets in the zone have addresses, delegations have glue */
        bool sibling;                /* glue in another delegation of the zone too */
        bool wildcard;               /* a "*" that is not the first label */
};

/* BIND's defaults. */
extern const struct conf_checks conf_checks_default;
