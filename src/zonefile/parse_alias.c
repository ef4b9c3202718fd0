/* ALIAS and URL entries: they become address records while they are read, where the addresses are known. */
#include "zonefile/parse.h"

#include "dns/type.h"

#include <errno.h>
#include <string.h>

enum parse_alias parse_alias_kind(const struct token *token)
{
        return token_is(token, "ALIAS") ? PARSE_ALIAS : token_is(token, "URL") ? PARSE_URL : PARSE_NO_ALIAS;
}

/* Letters, digits, hyphens, underscores: a name that resolvers are asked for as it is written. */
static bool is_host_name(const uint8_t *name)
{
        if (*name == 0)
                return false;
        for (const uint8_t *label = name; *label != 0; label += *label + 1)
                for (unsigned i = 1; i <= *label; i++) {
                        uint8_t octet = label[i], letter = octet | 0x20;
                        if (!(letter >= 'a' && letter <= 'z') && !(octet >= '0' && octet <= '9') &&
                                octet != '-' && octet != '_')
                                return false;
                }
        return true;
}

static int add_addresses(
        struct parse *parse, const struct alias_addresses *addresses, const char *type_at, uint32_t ttl)
{
        int r = 0;
        parse_check_names(parse, TYPE_A, type_at); /* the owner of an address */
        for (size_t i = 0; r == 0 && i < addresses->v4_count; i++) {
                memcpy(parse->rdata->bytes, addresses->v4[i], 4);
                parse->rdata->length = 4;
                r = parse_add_record(parse, TYPE_A, type_at, ttl);
        }
        for (size_t i = 0; r == 0 && i < addresses->v6_count; i++) {
                memcpy(parse->rdata->bytes, addresses->v6[i], 16);
                parse->rdata->length = 16;
                r = parse_add_record(parse, TYPE_AAAA, type_at, ttl);
        }
        return r;
}

static int note_target(struct parse *parse, const uint8_t *target, bool is_known, const char *at)
{
        struct zonefile_alias *alias = arena_alloc(parse->arena, sizeof(*alias));
        const uint8_t *copy = arena_copy(parse->arena, target, name_length(target));
        if (!alias || !copy)
                return -ENOMEM;
        if (++parse->alias_count > ALIAS_TARGETS_MAX)
                return scan_fail(&parse->scan, at, "too-many-aliases", NULL,
                        "a zone has at most %u ALIAS entries", ALIAS_TARGETS_MAX);
        *alias = (struct zonefile_alias){
                .target = copy, .owner = parse->owner, .is_known = is_known, .next = parse->aliases};
        parse->aliases = alias;
        return 0;
}

/* What is checked of an entry whose addresses are not known: that an address record may stand there. */
static const uint8_t nowhere[1][4];

static int read_alias(struct parse *parse, const char *type_at, uint32_t ttl)
{
        struct scan *scan = &parse->scan;
        struct alias_addresses addresses = {.v4 = nowhere, .v4_count = 1};
        uint8_t target[NAME_MAX_LENGTH + 16];
        struct token token;
        size_t length;

        int r = scan_word(scan, "the name that it is an alias of", &token);
        if (r == 0)
                r = scan_name(scan, &token, target, &length);
        if (r == 0)
                r = rdata_scan_end(scan);
        if (r < 0)
                return r;
        if (!is_host_name(target))
                return scan_fail_word(scan, &token, "alias-target",
                        "letters, digits and hyphens: a resolver is asked for its addresses",
                        "is no host name");
        if (parse->owner_is_outside)
                return 0;
        if (name_equal(target, parse->owner))
                return scan_fail_word(scan, &token, "alias-of-itself", NULL, "is the owner itself");
        bool is_known = alias_answers_find(parse->request->aliases, target, &addresses);
        r = note_target(parse, target, is_known, token.begin);
        return r < 0 ? r : add_addresses(parse, &addresses, type_at, ttl);
}

static int read_url(struct parse *parse, const char *type_at, uint32_t ttl)
{
        const struct alias_addresses *redirector = parse->request->redirector;
        struct token token;
        int r = scan_text(&parse->scan, "the address to redirect to", &token);

        if (r == 0)
                r = rdata_scan_end(&parse->scan);
        if (r < 0 || parse->owner_is_outside)
                return r;
        if (parse->request->knows_redirector && !redirector)
                return scan_fail(&parse->scan, type_at, "no-redirector",
                        "options { url-redirector { ADDRESS; }; }; or write the redirector's A and AAAA",
                        "a URL entry, and no redirector is configured for it");
        return add_addresses(parse,
                redirector ? redirector : &(struct alias_addresses){.v4 = nowhere, .v4_count = 1}, type_at,
                ttl);
}

int parse_alias(struct parse *parse, enum parse_alias kind, const char *type_at, uint32_t ttl)
{
        parse->has_made = true;
        return kind == PARSE_ALIAS ? read_alias(parse, type_at, ttl) : read_url(parse, type_at, ttl);
}
