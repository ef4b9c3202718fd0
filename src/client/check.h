/* zonecrier check: what its two files share. */
#pragma once

#include "base/diag.h"
#include "base/table.h"
#include "dns/name.h"

#include <jansson.h>
#include <stdbool.h>

struct client;

struct check {
        const struct client *client;
        json_t *files;      /* --json; else NULL */
        struct table zones; /* name -> path, to see two files for one zone */
        struct arena arena; /* their names and paths */
        size_t file_count, broken_count, error_count, warning_count;
        bool has_failed; /* something could not be read */
        bool is_quiet;   /* a folder: clean files are not listed */
};

/* One file on its way. */
struct checked_file {
        const char *path;   /* as given */
        char *given_folder; /* with its final slash; "" = the current folder */
        char *folder;       /* absolute, without final slash */
        uint8_t zone[NAME_MAX_LENGTH];
        bool has_zone; /* its name says which */
        struct diag_list diags;
        uint32_t serial;
        size_t record_count;
};

/* In each diagnostic the absolute folder becomes the folder as it was given. */
void check_give_paths_back(struct checked_file *file);
void check_report_file(struct check *check, struct checked_file *file);
void check_report_totals(const struct check *check);
