/* Gives back what the map holds of the page cache. Any thread.
 *
 * Every page that was read through the map counts as the daemon's memory, though it is the page cache's and
 * stays there: the next reader finds it at the cost of a minor fault for each sixteen pages. LMDB does not
 * tell where its map is; the kernel does. */
#include "store/store_data.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define REST_ZONES 64 /* each shows some hundred KiB: with a page come its neighbours */

static bool is_map_of(const char *line, const struct stat *st, uintptr_t *ret_begin, uintptr_t *ret_end)
{
        unsigned device_major, device_minor;
        unsigned long inode;

        return sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %x:%x %lu", ret_begin, ret_end, &device_major,
                       &device_minor, &inode) == 5 &&
               makedev(device_major, device_minor) == st->st_dev && inode == st->st_ino;
}

int store_map_find(struct store *store)
{
        char *line = NULL;
        size_t room = 0;
        struct stat st;
        int fd, r = -ENOENT;

        if (mdb_env_get_fd(store->env, &fd) != 0 || fstat(fd, &st) < 0)
                return -errno;
        FILE *maps = fopen("/proc/self/maps", "re");
        if (!maps)
                return -errno;
        while (r == -ENOENT && getline(&line, &room, maps) > 0) {
                uintptr_t begin, end;

                if (is_map_of(line, &st, &begin, &end)) {
                        store->map = (void *)begin;
                        store->map_bytes = end - begin;
                        r = 0;
                }
        }
        free(line);
        fclose(maps);
        return r;
}

void store_rest_after(struct store *store, unsigned *zones, unsigned more)
{
        *zones += more;
        if (*zones < REST_ZONES)
                return;
        store_rest(store);
        *zones = 0;
}

int store_rest(struct store *store)
{
        if (!store->map)
                return -ENOENT;
        return madvise(store->map, store->map_bytes, MADV_DONTNEED) < 0 ? -errno : 0;
}
