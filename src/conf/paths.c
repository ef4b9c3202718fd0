/* conf_check_paths(): what a valid configuration names and what is not there. For --check-config alone: a
 * daemon that starts before its files are there finds them later, and says so by itself. */
#include "conf/conf.h"

#include <errno.h>
#include <sys/stat.h>

/* Not there for anyone: what this user may not look into may be there for the daemon's. */
static bool is_absent(const char *path)
{
        struct stat status;
        return stat(path, &status) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

static void warn(
        struct diag_list *diags, const char *file, uint32_t line, const char *statement, const char *path)
{
        struct diag diag = {.severity = DIAG_WARNING, .code = "not-there", .file = file, .line = line};
        diag_add(diags, &diag, "%s: %s is not there", statement, path);
}

void conf_check_paths(const struct conf *conf, struct diag_list *diags)
{
        if (is_absent(conf->options.directory)) { /* all the others are beneath it */
                warn(diags, conf->files[0], 0, "directory", conf->options.directory);
                return;
        }
        if (conf->options.on_event && is_absent(conf->options.on_event))
                warn(diags, conf->files[0], 0, "on-event", conf->options.on_event);
        for (size_t i = 0; i < conf->zone_files_count; i++)
                if (is_absent(conf->zone_files[i].directory))
                        warn(diags, conf->files[0], 0, "zone-files", conf->zone_files[i].directory);
        for (size_t i = 0; i < conf->git_count; i++)
                if (is_absent(conf->git[i].repository))
                        warn(diags, conf->files[0], 0, "zone-files", conf->git[i].repository);
        for (size_t i = 0; i < conf->zone_count; i++)
                if (conf->zones[i].file && is_absent(conf->zones[i].file))
                        warn(diags, conf->zones[i].conf_file, conf->zones[i].conf_line, "file",
                                conf->zones[i].file);
}
