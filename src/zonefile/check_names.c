/* check-names and check-mx: names of hosts and mailboxes, record by record, as BIND checks a primary's zone.
 * One thread a call.
 *
 * A host's name is letters, digits and hyphens, none of these at a label's ends (RFC 952, RFC 1123 s.2.1). It
 * is asked of the owners of A, AAAA and MX, where a first label "*" may stand, and of names in RDATA that are
 * looked up as hosts. */
#include "zonefile/check_zone.h"

#include <arpa/inet.h>
#include <string.h>

enum { INSIDE = 1, AT_ENDS = 2 };

static const uint8_t host_octets[256] = {
        ['-'] = INSIDE,
        ['0' ... '9'] = INSIDE | AT_ENDS,
        ['A' ... 'Z'] = INSIDE | AT_ENDS,
        ['a' ... 'z'] = INSIDE | AT_ENDS,
};

static bool is_host_label(const uint8_t *label)
{
        unsigned length = *label++;
        uint8_t all = host_octets[label[0]] & host_octets[label[length - 1]];

        if (!(all & AT_ENDS))
                return false;
        for (unsigned i = 1; i + 1 < length; i++)
                all &= host_octets[label[i]];
        return all & INSIDE;
}

static bool is_host(const uint8_t *name)
{
        for (; *name; name += *name + 1)
                if (!is_host_label(name))
                        return false;
        return true;
}

/* The first label is the mailbox: anything printable. */
static bool is_mailbox(const uint8_t *name)
{
        for (unsigned i = 1; i <= *name; i++)
                if (name[i] <= 0x20 || name[i] >= 0x7f)
                        return false;
        if (*name == 0)
                return true;
        name += *name + 1;
        return *name != 0 && is_host(name);
}

/* gc._msdcs.FOREST of Active Directory has addresses. */
static bool is_global_catalog(const uint8_t *owner)
{
        static const uint8_t prefix[] = "\2gc\6_msdcs";

        for (size_t i = 0; i < sizeof(prefix) - 1; i++)
                if ((owner[i] >= 'A' && owner[i] <= 'Z' ? owner[i] | 0x20 : owner[i]) != prefix[i])
                        return false;
        return is_host(owner + sizeof(prefix) - 1);
}

static bool is_host_owner(const uint8_t *owner, uint16_t type)
{
        if (owner[0] == 1 && owner[1] == '*')
                owner += 2;
        return is_host(owner) || (type != TYPE_MX && is_global_catalog(owner));
}

/* Where the n-th word of the RDATA stands; the type where it is written in another way. */
static const char *field_at(const struct parse *parse, const char *type_at, unsigned n)
{
        struct scan scan = parse->scan;
        struct token token;

        scan.at = type_at;
        scan.depth = 1; /* the type may stand in parentheses */
        for (unsigned i = 0; i <= n + 1; i++)
                if (scan_token(&scan, &token) != TOKEN_WORD || (i == 1 && token_is(&token, "\\#")))
                        return type_at;
        return token.start;
}

static void tell_name(struct parse *parse, const char *at, const uint8_t *name, const char *what)
{
        char text[NAME_TEXT_MAX];

        parse_tell(parse, check_severity(parse->checks->names), at, "bad-host-name",
                "letters, digits and hyphens (RFC 1123); where it is meant: check-names warn; or ignore;",
                "%s is no name of a %s", name_to_text(name, text), what);
}

struct checked_name {
        uint16_t type;
        uint8_t offset; /* in RDATA */
        uint8_t field;  /* which word of it */
        bool is_mailbox;
};

static const struct checked_name checked_names[] = {
        {TYPE_NS, 0, 0, false}, {TYPE_MX, 2, 1, false}, {TYPE_SRV, 6, 3, false},
        {18, 2, 1, false}, /* AFSDB */
        {21, 2, 1, false}, /* RT */
        {TYPE_SVCB, 2, 1, false}, {TYPE_HTTPS, 2, 1, false}, {TYPE_SOA, 0, 0, false},
        {17, 0, 0, true}, /* RP */
};

static void check_name(
        struct parse *parse, const char *type_at, const uint8_t *name, unsigned field, bool mailbox)
{
        if (mailbox ? is_mailbox(name) : is_host(name))
                return;
        tell_name(parse, field_at(parse, type_at, field), name, mailbox ? "mailbox" : "host");
}

static void check_rdata(struct parse *parse, uint16_t type, const char *type_at)
{
        const uint8_t *rdata = parse->rdata->bytes;

        for (size_t i = 0; i < sizeof(checked_names) / sizeof(checked_names[0]); i++)
                if (checked_names[i].type == type)
                        check_name(parse, type_at, rdata + checked_names[i].offset, checked_names[i].field,
                                checked_names[i].is_mailbox);
        if (type == TYPE_SOA) {
                check_name(parse, type_at, rdata + name_length(rdata), 1, true);
        } else if (type == 14) { /* MINFO */
                check_name(parse, type_at, rdata, 0, true);
                check_name(parse, type_at, rdata + name_length(rdata), 1, true);
        } else if (type == TYPE_PTR && parse->apex_is_reverse) {
                check_name(parse, type_at, rdata, 0, false);
        }
}

static bool is_octet_label(const uint8_t *label)
{
        unsigned value = 0;

        if (*label == 0 || *label > 3)
                return false;
        for (unsigned i = 1; i <= *label; i++) {
                if (label[i] < '0' || label[i] > '9')
                        return false;
                value = value * 10 + label[i] - '0';
        }
        return value <= 255;
}

/* Written as an address, with or without a final dot: what follows it is the root or the origin. */
static bool is_address(const struct parse *parse, const uint8_t *name)
{
        const uint8_t *rest = name;
        char label[NAME_MAX_LABEL + 1];
        struct in6_addr address;

        memcpy(label, name + 1, *name);
        label[*name] = '\0';
        if (*name > 0 && inet_pton(AF_INET6, label, &address) == 1) {
                rest = name + *name + 1;
        } else {
                for (unsigned i = 0; i < 4; i++) {
                        if (!is_octet_label(rest))
                                return false;
                        rest += *rest + 1;
                }
        }
        return *rest == 0 || name_equal(rest, parse->state.origin);
}

static bool has_host_owner(uint16_t type)
{
        return type == TYPE_A || type == TYPE_AAAA || type == TYPE_MX;
}

void parse_check_names(struct parse *parse, uint16_t type, const char *type_at)
{
        const struct conf_checks *checks = parse->checks;

        if (checks->names != CONF_CHECK_IGNORE) {
                if (has_host_owner(type) && !is_host_owner(parse->owner, type))
                        tell_name(parse, parse->owner_at ? parse->owner_at : type_at, parse->owner, "host");
                if (type != TYPE_A && type != TYPE_AAAA)
                        check_rdata(parse, type, type_at);
        }
        if (type == TYPE_MX && checks->mx != CONF_CHECK_IGNORE && is_address(parse, parse->rdata->bytes + 2))
                parse_tell(parse, check_severity(checks->mx), field_at(parse, type_at, 1), "mx-is-address",
                        "an MX points at a name that has A or AAAA records", "this MX points at an address");
}

void parse_check_wildcard(struct parse *parse, const char *at, const uint8_t *owner)
{
        if (!parse->checks->wildcard || *owner == 0)
                return;
        for (owner += *owner + 1; *owner; owner += *owner + 1)
                if (owner[0] == 1 && owner[1] == '*') {
                        parse_tell(parse, DIAG_WARNING, at, "inner-wildcard",
                                "RFC 4592: only a first label \"*\" matches other names",
                                "a \"*\" that is not the first label is no wildcard");
                        return;
                }
}
