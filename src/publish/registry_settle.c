/* Who asks whether an edit is served everywhere asks first whether it is published: an edit of a moment ago
 * may not have reached the watcher yet, or its settle time runs. Main loop. */
#include "publish/git_state.h"

#include <errno.h>

int registry_settle(struct registry *registry, const uint8_t *name, registry_done done, void *context)
{
        struct registry_entry *entry = registry_entry_find(registry, name);
        if (!entry) {
                /* A file that inotify has not told of yet. */
                int r = registry_scan(registry);
                if (r < 0)
                        return r;
                entry = registry_entry_find(registry, name);
        }
        struct git_source *source = entry ? entry->git : registry->git->first;
        if (source) /* the branch is looked at, and the zone behind it */
                return git_source_reload(source, name, done, context);
        if (!entry)
                return -ENOENT;
        if (entry->has_been_looked_at && watch_is_being_written(registry->watch, entry->path)) {
                done(context, &entry->zone, &entry->zone.verdict);
                return 0;
        }
        return registry_look(registry, entry, false, done, context);
}
