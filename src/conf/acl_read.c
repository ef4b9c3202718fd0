/* Address match lists out of the syntax tree: elements, nesting, named lists, and this machine's own
 * addresses. */

#include "conf/reader.h"
#include "conf/value.h"

#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Matching walks nested lists again and again: the number of elements that one match may visit is bounded
 * here. */
#define WEIGHT_MAX 100000
#define LIST_DEPTH_MAX 32

static struct acl *list_of_interfaces(struct reader *reader, bool with_networks);

const struct acl *acl_localhost(struct reader *reader)
{
        if (!reader->localhost)
                reader->localhost = list_of_interfaces(reader, false);
        return reader->localhost;
}

static const struct acl *acl_localnets(struct reader *reader)
{
        if (!reader->localnets)
                reader->localnets = list_of_interfaces(reader, true);
        return reader->localnets;
}

static uint8_t netmask_bits(const struct sockaddr *netmask)
{
        struct address mask;
        if (!netmask || address_from_sockaddr(netmask, &mask) < 0)
                return 0;
        uint8_t bits = 0;
        for (size_t i = 0; i < sizeof(mask.bytes); i++)
                bits = (uint8_t)(bits + __builtin_popcount(mask.bytes[i]));
        return bits;
}

static struct prefix prefix_of(const struct address *address, uint8_t bits)
{
        struct prefix prefix = {.address = *address, .bits = bits};
        prefix.address.port = 0;
        prefix.address.scope = 0;
        for (unsigned i = 0; i < 16; i++) {
                unsigned keep = bits > 8 * i ? bits - 8 * i : 0;
                if (keep < 8)
                        prefix.address.bytes[i] &= (uint8_t)(0xff00u >> keep);
        }
        return prefix;
}

static void add_interface(struct acl *acl, const struct ifaddrs *interface, bool with_networks)
{
        struct address address;
        if (!interface->ifa_addr || address_from_sockaddr(interface->ifa_addr, &address) < 0)
                return;
        uint8_t full = address.family == AF_INET ? 32 : 128;
        uint8_t bits = with_networks ? netmask_bits(interface->ifa_netmask) : full;
        acl->elements[acl->count++] = (struct acl_element){
                .kind = ACL_PREFIX,
                .prefix = prefix_of(&address, bits == 0 ? full : bits),
                .text = with_networks ? "localnets" : "localhost",
        };
}

static struct acl *list_of_interfaces(struct reader *reader, bool with_networks)
{
        struct acl *acl = reader_alloc(reader, sizeof(*acl));
        struct ifaddrs *interfaces = NULL;
        if (!acl || getifaddrs(&interfaces) < 0)
                return acl;
        size_t count = 0;
        for (const struct ifaddrs *at = interfaces; at; at = at->ifa_next)
                count++;
        acl->elements = reader_alloc(reader, count * sizeof(*acl->elements));
        for (const struct ifaddrs *at = interfaces; at && acl->elements; at = at->ifa_next)
                add_interface(acl, at, with_networks);
        freeifaddrs(interfaces);
        return acl;
}

struct list_in_work {
        struct acl *acl;
        size_t weight;
};

static bool read_elements(struct reader *reader, const struct source *source, const struct statement *first,
        struct list_in_work *list);

void acl_read_named(struct reader *reader, struct named_list *named)
{
        if (named->state != LIST_UNREAD)
                return;
        struct list_in_work list = {.acl = named->acl};
        named->state = LIST_READING;
        read_elements(reader, named->statement->source, named->body->block, &list);
        named->weight = list.weight;
        named->state = LIST_READ;
}

/* The list that a name stands for. False = told. */
static bool read_named(struct reader *reader, const struct statement *statement, const struct item *item,
        struct acl_element *element, size_t *weight)
{
        struct position at = item_position(statement, item);
        struct named_list *named = list_find(&reader->acls, item->text);
        if (!named) {
                struct suggestion near = {.text = item->text};
                char hint[128];
                list_suggest(&reader->acls, &near);
                if (near.best)
                        snprintf(hint, sizeof(hint), "did you mean \"%.64s\"?", near.best);
                bool is_address = isdigit((unsigned char)item->text[0]) || strchr(item->text, ':');
                if (is_address)
                        reader_error(reader, at, "address", near.best ? hint : NULL,
                                "%s is no address and no prefix",
                                report_quote(reader->report, at, item->text));
                else
                        reader_undefined(reader, at, near.best ? hint : NULL, "there is no acl %s",
                                report_quote(reader->report, at, item->text));
                return false;
        }
        if (named->state == LIST_READING) {
                reader_error(reader, at, "cycle", NULL, "acl \"%s\" contains itself", named->name);
                return false;
        }
        acl_read_named(reader, named);
        element->kind = ACL_NESTED;
        element->nested = named->acl;
        *weight += named->weight;
        return true;
}

/* FIRST-LAST, both addresses of one family: a name with "-" in it is none. */
static bool is_range(const char *text)
{
        const char *sign = strchr(text, '-');
        struct address address;
        char first[ADDRESS_TEXT_MAX];
        if (!sign || (size_t)(sign - text) >= sizeof(first))
                return false;
        snprintf(first, sizeof(first), "%.*s", (int)(sign - text), text);
        return address_parse(first, &address) == 0;
}

static bool read_range(struct reader *reader, const struct statement *statement, const struct item *item,
        struct acl_element *element)
{
        char first[ADDRESS_TEXT_MAX];
        const char *sign = strchr(item->text, '-');
        snprintf(first, sizeof(first), "%.*s", (int)(sign - item->text), item->text);
        bool is_good =
                address_parse(first, &element->prefix.address) == 0 &&
                address_parse(sign + 1, &element->last) == 0 &&
                element->prefix.address.family == element->last.family &&
                element->prefix.address.scope == 0 && element->last.scope == 0 &&
                memcmp(element->prefix.address.bytes, element->last.bytes, sizeof(element->last.bytes)) <= 0;
        struct position at = item_position(statement, item);
        element->kind = ACL_RANGE;
        element->prefix.bits = element->last.family == AF_INET ? 32 : 128;
        if (!is_good)
                reader_error(reader, at, "address", "192.0.2.10-192.0.2.20, the lower one first",
                        "%s is no range of addresses", report_quote(reader->report, at, item->text));
        return is_good;
}

/* [until "YEAR-MONTH-DAY"] behind an address. */
static bool read_until(
        struct reader *reader, const struct statement *statement, uint32_t *at, struct acl_element *element)
{
        if (*at >= statement->count || !item_is_word(&statement->items[*at], "until"))
                return true;
        const struct item *item = *at + 1 < statement->count ? &statement->items[*at + 1] : NULL;
        if (!item || !item_is_text(item) || value_parse_date(item->text) < 0) {
                reader_error(reader, item_position(statement, &statement->items[*at]), "value",
                        "until \"2026-12-01\"", "\"until\" needs a date");
                return false;
        }
        element->until = reader_text(reader, item->text);
        *at += 2;
        return element->until != NULL;
}

static bool read_word(struct reader *reader, const struct statement *statement, const struct item *item,
        struct acl_element *element, size_t *weight)
{
        struct position at = item_position(statement, item);
        if (strcasecmp(item->text, "any") == 0) {
                element->kind = ACL_ANY;
        } else if (strcasecmp(item->text, "none") == 0) {
                element->kind = ACL_ANY;
                element->negated = !element->negated;
        } else if (strcasecmp(item->text, "localhost") == 0) {
                element->kind = ACL_LOCALHOST;
                element->nested = acl_localhost(reader);
        } else if (strcasecmp(item->text, "localnets") == 0) {
                element->kind = ACL_LOCALNETS;
                element->nested = acl_localnets(reader);
        } else if (is_range(item->text)) {
                return read_range(reader, statement, item, element);
        } else {
                int r = prefix_parse(item->text, &element->prefix);
                if (r == -ERANGE) {
                        reader_error(reader, at, "address",
                                "the bits behind the prefix must be zero, as in 192.0.2.0/24",
                                "%s has bits set behind its prefix",
                                report_quote(reader->report, at, item->text));
                        return false;
                }
                if (r < 0)
                        return read_named(reader, statement, item, element, weight);
                element->kind = ACL_PREFIX;
        }
        return true;
}

static const char *element_text(struct reader *reader, bool negated, const char *prefix, const char *text)
{
        char *copy = arena_printf(reader->arena, "%s%s%s", negated ? "!" : "", prefix, text);
        if (!copy)
                reader->failed = true;
        return copy ? copy : "";
}

static bool read_nested(struct reader *reader, const struct statement *statement, const struct item *item,
        struct acl_element *element, size_t *weight)
{
        struct list_in_work list = {.acl = reader_alloc(reader, sizeof(*list.acl))};
        if (!list.acl || !read_elements(reader, statement->source, item->block, &list))
                return false;
        element->kind = ACL_NESTED;
        element->nested = list.acl;
        *weight += list.weight;
        return true;
}

/* ["!"] ( ADDRESS | PREFIX | NAME | key NAME | { ... } ) ; */
static bool read_element(
        struct reader *reader, const struct statement *statement, struct acl_element *element, size_t *weight)
{
        uint32_t at = 0;
        bool negated = false;
        for (; at < statement->count && statement->items[at].kind == ITEM_NOT; at++)
                negated = !negated;
        if (at == statement->count) {
                reader_error(
                        reader, statement_position(statement), "syntax", NULL, "nothing stands behind \"!\"");
                return false;
        }
        const struct item *item = &statement->items[at];
        element->negated = negated;
        *weight += 1;
        if (item->kind == ITEM_BLOCK) {
                element->text = element_text(reader, negated, "", "{ ... }");
                return read_nested(reader, statement, item, element, weight) &&
                       reader_end(reader, statement, at + 1);
        }
        if (item_is_word(item, "key")) {
                if (at + 1 >= statement->count || !item_is_text(&statement->items[at + 1])) {
                        reader_error(reader, item_position(statement, item), "syntax", NULL,
                                "a key's name is missing behind \"key\"");
                        return false;
                }
                const struct item *name = &statement->items[at + 1];
                element->kind = ACL_KEY;
                element->key = reader_key(reader, statement, name);
                element->text = element_text(reader, negated, "key ", name->text);
                return element->key && reader_end(reader, statement, at + 2);
        }
        element->text = element_text(reader, negated, "", item->text);
        at++;
        return read_until(reader, statement, &at, element) && reader_end(reader, statement, at) &&
               read_word(reader, statement, item, element, weight);
}

/* False where something in it was told (the rest is read all the same). */
static bool read_elements(struct reader *reader, const struct source *source, const struct statement *first,
        struct list_in_work *list)
{
        size_t count = 0;
        for (const struct statement *at = first; at; at = at->next)
                count++;
        if (first && reader->depth == LIST_DEPTH_MAX) {
                reader_error(reader, statement_position(first), "syntax", NULL,
                        "address lists nested deeper than %d", LIST_DEPTH_MAX);
                return false;
        }
        list->acl->elements = reader_alloc(reader, count * sizeof(*list->acl->elements));
        if (!list->acl->elements)
                return false;
        reader->depth++;
        bool is_good = true;
        for (const struct statement *at = first; at && list->weight <= WEIGHT_MAX; at = at->next) {
                struct acl_element element = {0};
                if (read_element(reader, at, &element, &list->weight))
                        list->acl->elements[list->acl->count++] = element;
                else
                        is_good = false;
        }
        reader->depth--;
        if (list->weight > WEIGHT_MAX) {
                struct position at = first ? statement_position(first) : (struct position){.source = source};
                reader_error(reader, at, "too-large", NULL, "more than %d elements in an address list",
                        WEIGHT_MAX);
                list->acl->count = 0;
                list->weight = 0;
                return false;
        }
        return is_good;
}

const struct acl *acl_read(struct reader *reader, const struct statement *statement, const struct item *body)
{
        struct list_in_work list = {.acl = reader_alloc(reader, sizeof(*list.acl))};
        if (!list.acl || !read_elements(reader, statement->source, body->block, &list))
                return NULL;
        return list.acl;
}
