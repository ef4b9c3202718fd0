/* options' statements for ALIAS and URL entries of zone files: whom to ask, how often at most, and where a
 * URL leads. */
#include "conf/reader.h"

#include <string.h>

static bool is_address(const struct acl_element *element)
{
        return element->kind == ACL_PREFIX && !element->negated &&
               element->prefix.bits == (element->prefix.address.family == AF_INET ? 32 : 128);
}

/* A block of addresses and nothing else. *ret_addresses: with that port. */
static bool read_addresses(struct reader *reader, const struct statement *statement, uint32_t at,
        uint16_t port, const struct address **ret_addresses, size_t *ret_count)
{
        const struct item *body = reader_block(reader, statement, at);
        const struct acl *acl = body ? acl_read(reader, statement, body) : NULL;
        struct address *addresses =
                acl && acl->count > 0 ? reader_alloc(reader, acl->count * sizeof(*addresses)) : NULL;

        if (!addresses) {
                if (acl && acl->count == 0)
                        reader_error(reader, item_position(statement, body), "empty-list", "{ 192.0.2.1; }",
                                "an address is missing");
                return false;
        }
        for (size_t i = 0; i < acl->count; i++) {
                if (!is_address(&acl->elements[i])) {
                        reader_error(reader, item_position(statement, body), "not-an-address",
                                "{ 192.0.2.1; }", "only single addresses may stand here");
                        return false;
                }
                addresses[i] = acl->elements[i].prefix.address;
                addresses[i].port = port;
        }
        *ret_addresses = addresses;
        *ret_count = acl->count;
        return true;
}

/* alias-resolver [port N] { ADDRESS; ... }; */
void read_alias_resolver(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        struct conf_options *options = &reader->whole->conf.options;
        uint16_t port = 53;
        uint32_t at = 1;
        if (reader_port(reader, statement, &at, &port))
                read_addresses(reader, statement, at, port, &options->alias_resolvers,
                        &options->alias_resolver_count);
}

void read_alias_min_interval(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        uint64_t seconds;
        if (reader_number(reader, statement, 1, 86400, &seconds))
                reader->whole->conf.options.alias_min_interval_usec = seconds * 1000000;
}

/* url-redirector { ADDRESS; ... }; */
void read_url_redirector(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        struct conf_options *options = &reader->whole->conf.options;
        read_addresses(reader, statement, 1, 0, &options->url_redirectors, &options->url_redirector_count);
}
