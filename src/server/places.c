/* transfers-out of secondary blocks: how many run for each, over all serving threads. A place is made at the
 * first transfer of a block that has a limit, and stays; names are few. */
#include "server/state.h"

#include <stdlib.h>
#include <string.h>

static struct place *place_get(struct places *places, const char *name)
{
        struct place *place;
        pthread_mutex_lock(&places->lock);
        for (place = places->first; place && strcmp(place->name, name) != 0;)
                place = place->next;
        if (!place) {
                place = calloc(1, sizeof(*place));
                if (place) {
                        strncpy(place->name, name, sizeof(place->name) - 1);
                        place->next = places->first;
                        places->first = place;
                }
        }
        pthread_mutex_unlock(&places->lock);
        return place;
}

struct place *place_take(struct places *places, const char *name, unsigned limit)
{
        struct place *place = place_get(places, name);
        if (!place)
                return NULL;
        if (atomic_fetch_add(&place->taken, 1) < limit)
                return place;
        atomic_fetch_sub(&place->taken, 1);
        return NULL;
}

void place_give(struct place *place)
{
        if (place)
                atomic_fetch_sub(&place->taken, 1);
}

void places_free(struct places *places)
{
        for (struct place *place = places->first, *next; place; place = next) {
                next = place->next;
                free(place);
        }
        places->first = NULL;
}
