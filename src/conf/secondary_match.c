/* Which secondary a request comes from. Pure; any thread. */

#include "conf/reader.h"

#include <strings.h>

bool conf_secondary_has_key(const struct conf_secondary *secondary, const struct tsig_key *key)
{
        for (size_t i = 0; key && i < secondary->key_count; i++)
                if (secondary->keys[i] == key || name_equal(secondary->keys[i]->name, key->name))
                        return true;
        return false;
}

enum conf_secondary_match conf_secondary_match(const struct conf_secondary *secondary,
        const struct address *peer, const struct tsig_key *key, const struct acl_element **ret_element)
{
        const struct acl_element *element = acl_find(secondary->transfer_from, peer, key);
        bool has_address = acl_match(secondary->transfer_from, peer, key, NULL) == ACL_ALLOWED;
        bool has_key = secondary->key_count > 0 ? conf_secondary_has_key(secondary, key) : !key;
        if (ret_element)
                *ret_element = element;
        if (conf_secondary_is_pushed(secondary))
                return CONF_SECONDARY_NONE;
        if (has_address && has_key)
                return CONF_SECONDARY_BOTH;
        if (secondary->key_count > 0 && has_key)
                return CONF_SECONDARY_KEY;
        return has_address ? CONF_SECONDARY_ADDRESS : CONF_SECONDARY_NONE;
}

const struct conf_secondary *conf_secondary_of(const struct conf_policy *policy, const struct address *peer,
        const struct tsig_key *key, const struct acl_element **ret_element,
        const struct conf_secondary **ret_near)
{
        const struct conf_secondary *near = NULL;
        enum conf_secondary_match nearest = CONF_SECONDARY_NONE;
        for (size_t i = 0; i < policy->secondary_count; i++) {
                const struct acl_element *element;
                enum conf_secondary_match match =
                        conf_secondary_match(policy->secondaries[i], peer, key, &element);
                if (match == CONF_SECONDARY_BOTH) {
                        if (ret_element)
                                *ret_element = element;
                        return policy->secondaries[i];
                }
                if (match > nearest) {
                        nearest = match;
                        near = policy->secondaries[i];
                }
        }
        if (ret_near)
                *ret_near = near;
        return NULL;
}

const struct conf_secondary *conf_policy_secondary(const struct conf_policy *policy, const char *name)
{
        for (size_t i = 0; i < policy->secondary_count; i++)
                if (strcasecmp(policy->secondaries[i]->name, name) == 0)
                        return policy->secondaries[i];
        return NULL;
}
