/* Private to fleet/: the key of a row in the store. */
#pragma once

#include "conf/conf.h"

#include <stddef.h>
#include <stdint.h>

#define FLEET_KEY_MAX 320

/* Writes the key of a target's row; returns its length. */
size_t fleet_row_key(const struct conf_target *target, uint8_t ret_key[static FLEET_KEY_MAX]);
