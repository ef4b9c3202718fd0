/* zonecrier check: what its two files share. */
#pragma once

#include "base/diag.h"
#include "base/table.h"
#include "dns/name.h"

#include <jansson.h>
#include <stdbool.h>

struct client;
struct conf;

enum check_format { CHECK_TEXT, CHECK_JSON, CHECK_GITHUB };

struct check {
        const struct client *client;
        enum check_format format;
        struct conf *conf;        /* --config; else NULL */
        const char *include_root; /* of what is read now; NULL = the file's folder */
        json_t *files;            /* CHECK_JSON; else NULL */
        struct table zones;       /* name -> path, to see two files for one zone */
        struct arena arena;       /* their names and paths */
        size_t file_count, broken_count, error_count, warning_count;
        bool has_failed; /* something could not be read */
        bool is_quiet;   /* a folder: clean files are not listed */
};

/* One file on its way. */
struct checked_file {
        const char *path;   /* as given */
        char *given_folder; /* with its final slash; "" = the current folder */
        char *folder;       /* absolute, without final slash; NULL = of a commit */
        uint8_t zone[NAME_MAX_LENGTH];
        bool has_zone; /* its name says which */
        struct diag_list diags;
        uint32_t serial;
        size_t record_count;
};

/* A file of that zone; found: its name came from a folder and may not lead out of it by a symlink (I8). */
void check_file(struct check *check, const char *path, const uint8_t *zone, bool is_found);
/* Every zone file of a folder whose name fits the pattern. */
void check_folder(struct check *check, const char *folder, const char *pattern);
/* Zone files of a commit or tree. */
struct git;
struct git_zones;
void check_git_zones(struct check *check, struct git *git, const char *tree, const char *folder,
        const struct git_zones *zones);
/* Could not be read: on standard error, exit status 2. */
void check_tell_unreadable(struct check *check, const char *path, const char *why);
/* check_conf.c: --config. CLIENT_OK, or CLIENT_FAILED after telling why. */
int check_conf_load(struct check *check, const char *path);
/* Every zone that the configuration names, and every file of its zone-files folders. */
void check_conf_zones(struct check *check);

/* In each diagnostic the absolute folder becomes the folder as it was given. */
void check_give_paths_back(struct checked_file *file);
void check_report_file(struct check *check, struct checked_file *file);
void check_report_totals(const struct check *check);
