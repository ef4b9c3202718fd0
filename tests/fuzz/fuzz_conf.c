/* Any text as a configuration, without files: it loads, or says what is wrong. */

#include "base/buffer.h"
#include "conf/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

/* Lists of a loaded configuration are whole: every address can be matched and formatted. */
static void check_policy(const struct conf_policy *policy)
{
        struct address peer;
        char text[ADDRESS_TEXT_MAX];
        require(address_parse("192.0.2.1", &peer) == 0);
        acl_has_key_only(policy->allow_transfer);
        acl_allows_address(policy->allow_query, &peer);
        for (size_t i = 0; i < policy->also_notify_count; i++) {
                require(policy->also_notify[i].address.port != 0);
                address_format(&policy->also_notify[i].address, text);
        }
        for (size_t i = 0; i < policy->secondary_count; i++) {
                require(policy->secondaries[i]->name != NULL);
                require(conf_policy_secondary(policy, policy->secondaries[i]->name) != NULL);
        }
        const struct conf_secondary *near = NULL;
        const struct acl_element *element = NULL;
        const struct conf_secondary *found = conf_secondary_of(policy, &peer, NULL, &element, &near);
        require(!found || (found->transfer_from && element));
}

static void check_conf(const struct conf *conf)
{
        require(conf->options.directory && conf->options.state_directory && conf->options.serial_file);
        require(conf->options.control_socket != NULL);
        check_policy(&conf->policy);
        for (size_t i = 0; i < conf->zone_count; i++) {
                require(conf_zone_find(conf, conf->zones[i].name) == &conf->zones[i]);
                require(conf->zones[i].file && *conf->zones[i].file);
                check_policy(&conf->zones[i].policy);
        }
        for (size_t i = 0; i < conf->template_count; i++)
                check_policy(&conf->templates[i].policy);
        for (size_t i = 0; i < conf->secondary_count; i++) {
                const struct conf_secondary *secondary = conf->secondaries[i];
                require(conf_secondary_find(conf, secondary->name) == secondary);
                require(secondary->transfer_from || conf_secondary_is_pushed(secondary));
                for (size_t k = 0; k < secondary->also_notify_count; k++)
                        require(secondary->also_notify[k].host.name ||
                                secondary->also_notify[k].host.address.family);
        }
        for (size_t i = 0; i < conf->provider_count; i++) {
                require(conf_provider_find(conf, conf->providers[i]->name) == conf->providers[i]);
                provider_date(conf->providers[i]);
        }
        check_policy(conf_policy_for(conf, (const uint8_t *)"\1a\7example"));
        for (size_t i = 0; i < conf->key_count; i++) {
                require(conf_key_find(conf, conf->keys[i]->name) == conf->keys[i]);
                require(conf->keys[i]->secret_length > 0);
        }
        for (size_t i = 0; i < conf->zone_files_count; i++)
                require(conf->zone_files[i].directory && strstr(conf->zone_files[i].file_name, "%s"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct conf_load_options options = {
                .without_files = true,
                .text = (const char *)data,
                .text_length = size,
        };
        struct diag_list diags = {0};
        struct buffer text = {0};
        struct conf *conf = NULL;
        int r = conf_load("fuzz.conf", &options, &diags, &conf);
        require(r == 0 || r == -EINVAL);
        require((r == 0) == (diags.error_count == 0) && (r == 0) == (conf != NULL));
        for (size_t i = 0; i < diags.count; i++)
                diag_format(&diags.items[i], &text);
        if (conf)
                check_conf(conf);
        conf_unref(conf);
        buffer_free(&text);
        diag_free(&diags);
        return 0;
}
