/* Which elements of address lists let somebody in last, and when: what nobody comes from any more can be
 * dropped. Main loop.
 *
 *     key    'U' | owner: name of the secondary block, "" for allow-transfer | 0 | the element as written
 *     value  format 1 | realtime microseconds, 8
 *
 * Rows of no zone in the store; written when a minute has passed since the element's last one. */
#include "base/buffer.h"
#include "base/clock.h"
#include "fleet/survey_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_FORMAT 1
#define WRITE_SPACING (60 * USEC_PER_SEC)
#define USES_MAX 4096

static size_t key_make(const char *owner, const char *element, uint8_t key[static ACL_USE_KEY_MAX])
{
        size_t owner_size = strlen(owner), element_size = strlen(element);
        if (owner_size + element_size + 2 > ACL_USE_KEY_MAX)
                return 0;
        key[0] = 'U';
        memcpy(key + 1, owner, owner_size);
        key[1 + owner_size] = 0;
        memcpy(key + 2 + owner_size, element, element_size);
        return 2 + owner_size + element_size;
}

int acl_use_decode(const void *key, size_t key_size, const void *value, size_t size, const char **ret_element,
        uint64_t *ret_usec)
{
        const uint8_t *octets = key, *stamp = value;
        if (key_size < 3 || key_size > ACL_USE_KEY_MAX || octets[0] != 'U' || size != 9 ||
                stamp[0] != VALUE_FORMAT)
                return -EBADMSG;
        const uint8_t *end = memchr(octets + 1, 0, key_size - 1);
        if (!end || end + 1 == octets + key_size || memchr(end + 1, 0, (size_t)(octets + key_size - end - 1)))
                return -EBADMSG;
        *ret_element = (const char *)end + 1;
        *ret_usec = read_u64(stamp + 1);
        return 0;
}

static struct acl_use *use_new(struct survey *survey, const uint8_t *key, size_t key_size)
{
        if (survey->acl_uses.count >= USES_MAX)
                return NULL;
        struct acl_use *use = calloc(1, sizeof(*use));
        if (!use)
                return NULL;
        memcpy(use->key, key, key_size);
        use->key_size = key_size;
        use->owner = (const char *)use->key + 1;
        use->element = use->owner + strlen(use->owner) + 1; /* `key` ends in zeros */
        if (table_put(&survey->acl_uses, use->key, key_size, use, NULL) < 0) {
                free(use);
                return NULL;
        }
        return use;
}

void acl_use_load(struct survey *survey)
{
        struct store_read *read;
        struct buffer position = {0};
        const void *value;
        const char *element;
        size_t size;
        uint64_t usec;
        if (store_read_begin(survey->options.store, &read) < 0)
                return;
        while (store_state_next(read, 0, &position, &value, &size) == 0) {
                if (position.length >= ACL_USE_KEY_MAX ||
                        acl_use_decode(position.data, position.length, value, size, &element, &usec) < 0)
                        continue;
                struct acl_use *use = use_new(survey, position.data, position.length);
                if (use)
                        use->usec = use->written_usec = usec;
        }
        buffer_free(&position);
        store_read_end(read);
}

void acl_use_note(struct survey *survey, const char *owner, const char *element, uint64_t usec)
{
        uint8_t key[ACL_USE_KEY_MAX];
        size_t size = key_make(owner, element, key);
        if (size == 0 || size == ACL_USE_KEY_MAX)
                return;
        struct acl_use *use = table_get(&survey->acl_uses, key, size);
        if (!use)
                use = use_new(survey, key, size);
        if (!use)
                return;
        use->usec = usec;
        if (use->is_dirty || usec - use->written_usec < WRITE_SPACING)
                return;
        use->is_dirty = true;
        survey->acl_dirty_count++;
}

void acl_use_take_dirty(struct survey *survey, struct fleet_write *writes, size_t *count)
{
        struct acl_use *use;
        if (survey->acl_dirty_count == 0)
                return;
        for (size_t position = 0; (use = table_next(&survey->acl_uses, &position));) {
                if (!use->is_dirty)
                        continue;
                struct fleet_write *write = &writes[(*count)++];
                memcpy(write->key, use->key, use->key_size);
                write->key_size = use->key_size;
                write->value[0] = VALUE_FORMAT;
                write_u64(write->value + 1, use->usec);
                write->size = 9;
                use->is_dirty = false;
                use->written_usec = use->usec;
        }
        survey->acl_dirty_count = 0;
}

bool survey_acl_use_next(const struct survey *survey, size_t *position, const char **ret_owner,
        const char **ret_element, uint64_t *ret_usec)
{
        const struct acl_use *use = table_next(&survey->acl_uses, position);
        if (!use)
                return false;
        *ret_owner = use->owner;
        *ret_element = use->element;
        *ret_usec = use->usec;
        return true;
}

void acl_use_free(struct survey *survey)
{
        struct acl_use *use;
        for (size_t position = 0; (use = table_next(&survey->acl_uses, &position));)
                free(use);
        table_free(&survey->acl_uses);
}
