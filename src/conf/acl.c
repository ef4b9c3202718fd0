/* Matching of address match lists. Pure; any thread, no locks: a list never changes once its configuration is
 * loaded. */

#include "conf/reader.h"

#include <string.h>

static bool element_matches(
        const struct acl_element *element, const struct address *peer, const struct tsig_key *key)
{
        switch (element->kind) {
        case ACL_ANY:
                return true;
        case ACL_PREFIX:
                return prefix_contains(&element->prefix, peer);
        case ACL_RANGE:
                return element->prefix.address.family == peer->family &&
                       memcmp(element->prefix.address.bytes, peer->bytes, sizeof(peer->bytes)) <= 0 &&
                       memcmp(peer->bytes, element->last.bytes, sizeof(peer->bytes)) <= 0;
        case ACL_KEY:
                return key && element->key && name_equal(key->name, element->key->name);
        case ACL_LOCALHOST:
        case ACL_LOCALNETS:
        case ACL_NESTED:
                /* As in BIND a denial inside a nested list is "no match" outside it, so that a negated list
                 * never lets in whom its own negations name. */
                return acl_match(element->nested, peer, key, NULL) == ACL_ALLOWED;
        }
        return false;
}

int acl_match(
        const struct acl *acl, const struct address *peer, const struct tsig_key *key, const char **ret_rule)
{
        for (size_t i = 0; acl && i < acl->count; i++) {
                const struct acl_element *element = &acl->elements[i];
                if (!element_matches(element, peer, key))
                        continue;
                if (ret_rule)
                        *ret_rule = element->text;
                return element->negated ? ACL_DENIED : ACL_ALLOWED;
        }
        return ACL_NO_MATCH;
}

const struct acl_element *acl_find(
        const struct acl *acl, const struct address *peer, const struct tsig_key *key)
{
        for (size_t i = 0; acl && i < acl->count; i++) {
                const struct acl_element *element = &acl->elements[i];
                if (!element_matches(element, peer, key))
                        continue;
                const struct acl_element *inner =
                        element->kind == ACL_NESTED ? acl_find(element->nested, peer, key) : NULL;
                return inner ? inner : element;
        }
        return NULL;
}

/* True where the element, being negated, turns away all but a few: "!any", and the idiom of "!{ !192.0.2.1;
 * any; }". */
static bool is_closed_by(const struct acl_element *element)
{
        return element->negated &&
               (element->kind == ACL_ANY || (element->kind == ACL_NESTED && acl_is_open(element->nested)));
}

static bool is_everywhere(const struct acl_element *element)
{
        static const uint8_t none[16];
        if (element->kind == ACL_PREFIX)
                return element->prefix.bits == 0;
        size_t size = element->last.family == AF_INET ? 4 : 16;
        for (size_t i = 0; i < size && element->kind == ACL_RANGE; i++)
                if (element->last.bytes[i] != 0xff)
                        return false;
        return element->kind == ACL_RANGE && memcmp(element->prefix.address.bytes, none, size) == 0;
}

bool acl_is_open(const struct acl *acl)
{
        for (size_t i = 0; acl && i < acl->count; i++) {
                const struct acl_element *element = &acl->elements[i];
                if (is_closed_by(element))
                        return false;
                if (element->negated)
                        continue;
                if (element->kind == ACL_ANY || is_everywhere(element) ||
                        (element->kind == ACL_NESTED && acl_is_open(element->nested)))
                        return true;
        }
        return false;
}

bool acl_has_key_only(const struct acl *acl)
{
        for (size_t i = 0; acl && i < acl->count; i++) {
                const struct acl_element *element = &acl->elements[i];
                if (is_closed_by(element))
                        return false;
                if (element->negated)
                        continue;
                if (element->kind == ACL_ANY)
                        return false;
                if (element->kind == ACL_KEY ||
                        (element->kind == ACL_NESTED && acl_has_key_only(element->nested)))
                        return true;
        }
        return false;
}

bool acl_allows_address(const struct acl *acl, const struct address *peer)
{
        return acl_match(acl, peer, NULL, NULL) == ACL_ALLOWED;
}

static bool has_key(const struct acl *acl)
{
        for (size_t i = 0; i < acl->count; i++) {
                const struct acl_element *element = &acl->elements[i];
                if (!element->negated && (element->kind == ACL_KEY ||
                                                 (element->kind == ACL_NESTED && has_key(element->nested))))
                        return true;
        }
        return false;
}

static bool has_address(const struct acl_element *element)
{
        if (element->negated)
                return false;
        if (element->kind != ACL_NESTED)
                return element->kind != ACL_KEY && element->kind != ACL_ANY;
        for (size_t i = 0; i < element->nested->count; i++) {
                if (is_closed_by(&element->nested->elements[i]))
                        return false;
                if (has_address(&element->nested->elements[i]))
                        return true;
        }
        return false;
}

const struct acl_element *acl_address_beside_key(const struct acl *acl)
{
        if (!acl || !has_key(acl))
                return NULL;
        for (size_t i = 0; i < acl->count; i++) {
                if (is_closed_by(&acl->elements[i]))
                        return NULL;
                if (has_address(&acl->elements[i]))
                        return &acl->elements[i];
        }
        return NULL;
}
