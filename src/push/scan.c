/* After a reload: zones of the store that were not pushed anywhere before and are now. Main loop. */
#include "push/follow.h"
#include "push/state.h"

#include "store/store.h"

#include <errno.h>

static bool pushes_anywhere(const struct conf *conf)
{
        for (size_t i = 0; i < conf->secondary_count; i++)
                if (conf_secondary_is_pushed(conf->secondaries[i]) || conf->secondaries[i]->api_token)
                        return true;
        return false;
}

int push_scan(struct push *push)
{
        struct store_read *read;
        struct store_zone row;
        uint64_t position = 0;
        if (!pushes_anywhere(push->conf))
                return 0;
        int r = store_read_begin(push->options.store, &read);
        if (r < 0)
                return r;
        while ((r = store_zone_next(read, &position, &row)) <= 0) {
                if (r == 0 && !table_get(&push->zones, row.name, name_length(row.name)))
                        push_zone_published(push, &row);
                else if (r == 0)
                        follows_published(push->follows, row.name, row.serial);
                if (r < 0 && r != -EUCLEAN)
                        break;
        }
        store_read_end(read);
        return r == 1 ? 0 : r;
}
