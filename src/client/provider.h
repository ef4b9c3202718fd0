/* zonecrier provider: what its files share. */
#pragma once

#include "client/client.h"
#include "conf/conf.h"

/* What to type at the provider of that secondary for the zone, and what to set at the registrar. enum
 * client_exit. */
int provider_form(
        const struct client *client, const struct conf *conf, const char *zone, const char *secondary);
