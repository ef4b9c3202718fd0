/* zonecrier hook: what its two files share. */
#pragma once

struct client;
struct git;

/* Of the repository's configuration, NULL = not set. malloc'ed. */
char *hook_setting(struct git *git, const char *name);
/* hook_install.c: writes the hooks and their settings into a repository. enum client_exit. */
int hook_install(const struct client *client, const char *repository);
