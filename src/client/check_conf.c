/* zonecrier check --config: the severities of a zonecrier.conf, and the zones that it names. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "client/check.h"
#include "client/client.h"
#include "conf/conf.h"

#include <errno.h>
#include <string.h>

int check_conf_load(struct check *check, const char *path)
{
        struct diag_list diags = {0};
        struct buffer text = {0};
        int r = conf_load(path, NULL, &diags, &check->conf);

        for (size_t i = 0; r < 0 && i < diags.count; i++)
                if (diags.items[i].severity == DIAG_ERROR)
                        diag_format(&diags.items[i], &text);
        if (r < 0 && text.length == 0)
                buffer_printf(&text, "zonecrier: %s: %s\n", path, strerror(-r));
        if (text.length > 0)
                fwrite(text.data, 1, text.length, stderr);
        buffer_free(&text);
        diag_free(&diags);
        return r < 0 ? CLIENT_FAILED : CLIENT_OK;
}

/* A block without a file statement is about a zone of a folder. */
static bool has_been_checked(const struct check *check, const struct conf_zone *zone)
{
        const char *path = table_get(&check->zones, zone->name, name_length(zone->name));

        return path && strcmp(path, zone->file) == 0;
}

void check_conf_zones(struct check *check)
{
        const struct conf *conf = check->conf;

        check->is_quiet = true;
        for (size_t i = 0; i < conf->zone_files_count; i++) {
                const struct conf_zone_files *folder = &conf->zone_files[i];

                check->include_root = folder->include_root;
                check_folder(check, folder->directory, folder->file_name);
        }
        check->include_root = conf->options.include_root;
        for (size_t i = 0; i < conf->zone_count; i++)
                if (conf->zones[i].file && !has_been_checked(check, &conf->zones[i]))
                        check_file(check, conf->zones[i].file, conf->zones[i].name, false);
}
