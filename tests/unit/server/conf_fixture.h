/* A configuration from text, for the tests of server/. */
#pragma once

#include "base/diag.h"
#include "conf/conf.h"

#include "../transfer/fixture.h"

/* 32 octets 'k', 'o', 'w': the secrets of the keys "k", "other" and "wrong". */
#define KEY_BLOCKS                                                                                           \
        "key \"k\" { algorithm hmac-sha256; secret \"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=\"; };\n"   \
        "key \"other\" { algorithm hmac-sha256; secret \"b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28=\"; "   \
        "};\n"                                                                                               \
        "key \"short\" { algorithm hmac-sha256-128; secret "                                                 \
        "\"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=\"; };\n"

static UNUSED struct conf *conf_make(const char *text)
{
        struct diag_list diags = {0};
        struct conf *conf = NULL;
        struct conf_load_options options = {.without_files = true, .text = text, .text_length = strlen(text)};
        int r = conf_load("test.conf", &options, &diags, &conf);
        if (r < 0) {
                const struct diag *diag = diag_first_error(&diags);
                fail_msg("configuration: %u: %s", diag ? diag->line : 0, diag ? diag->message : "?");
        }
        diag_free(&diags);
        /* 65535 stands for "any free one", which named.conf has no word for. */
        for (size_t i = 0; i < conf->options.listen_count; i++)
                if (conf->options.listen[i].address.port == 65535)
                        conf->options.listen[i].address.port = 0;
        return conf;
}
