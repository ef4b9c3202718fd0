/* For the tests of conf/: a configuration loaded from text or from a folder of its own, and what was told of
 * it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct loaded {
        int r;
        struct conf *conf;
        struct buffer told; /* "LINE:COLUMN: SEVERITY: MESSAGE" a line */
        struct diag_list diags;
};

static inline void loaded_free(struct loaded *loaded)
{
        conf_unref(loaded->conf);
        buffer_free(&loaded->told);
        diag_free(&loaded->diags);
}
#define LOADED CLEANUP(loaded_free) struct loaded

static inline void loaded_tell(struct loaded *loaded, bool with_file)
{
        for (size_t i = 0; i < loaded->diags.count; i++) {
                const struct diag *diag = &loaded->diags.items[i];
                const char *base = diag->file ? strrchr(diag->file, '/') : NULL;
                if (with_file && diag->file)
                        buffer_printf(&loaded->told, "%s:", base ? base + 1 : diag->file);
                buffer_printf(&loaded->told, "%u:%u: %s: %s\n", diag->line, diag->column,
                        diag_severity_name(diag->severity), diag->message);
        }
}

static inline struct loaded load_octets(const char *text, size_t length)
{
        struct loaded loaded = {0};
        struct conf_load_options options = {.without_files = true, .text = text, .text_length = length};
        loaded.r = conf_load("test.conf", &options, &loaded.diags, &loaded.conf);
        loaded_tell(&loaded, false);
        return loaded;
}

static inline struct loaded load_text(const char *text)
{
        return load_octets(text, strlen(text));
}

static inline struct loaded load_file(const char *path, bool with_secrets_check)
{
        struct loaded loaded = {0};
        struct conf_load_options options = {.without_secrets_check = !with_secrets_check};
        loaded.r = conf_load(path, &options, &loaded.diags, &loaded.conf);
        loaded_tell(&loaded, true);
        return loaded;
}

static inline const char *told(struct loaded *loaded)
{
        return buffer_text(&loaded->told);
}

#define KEY "key \"k\" { algorithm hmac-sha256; secret \"MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\"; };\n"

/* A folder that is removed with all that is in it. */
struct folder {
        char path[64];
};

static inline void folder_remove(struct folder *folder)
{
        char command[128];
        snprintf(command, sizeof(command), "rm -rf %s", folder->path);
        assert_int_equal(system(command), 0);
}
#define FOLDER CLEANUP(folder_remove) struct folder

static inline struct folder folder_make(void)
{
        struct folder folder = {"/tmp/zonecrier-conf-XXXXXX"};
        assert_non_null(mkdtemp(folder.path));
        return folder;
}

/* "FOLDER/name"; one of four rotating texts. */
static inline const char *folder_path(const struct folder *folder, const char *name)
{
        static char paths[4][256];
        static unsigned next;
        char *path = paths[next++ % 4];
        snprintf(path, 256, "%s/%s", folder->path, name);
        return path;
}

static inline const char *folder_write(
        const struct folder *folder, const char *name, mode_t mode, const char *text)
{
        const char *path = folder_path(folder, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        assert_int_equal(fchmod(fd, mode), 0);
        close(fd);
        return path;
}
