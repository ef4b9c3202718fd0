/* zonecrier hook: what its two files share. */
#pragma once

#include <stdbool.h>

struct client;
struct git;

/* Of the repository's configuration, NULL = not set. malloc'ed. */
char *hook_setting(struct git *git, const char *name);
/* A line of git's to pre-receive, "ID ID REF\n", cut into its words. False where it is none. */
bool hook_split_line(char *line, const char **ret_before, const char **ret_after, const char **ret_ref);
/* hook_install.c: writes the hooks and their settings into a repository. enum client_exit. */
int hook_install(const struct client *client, const char *repository);
