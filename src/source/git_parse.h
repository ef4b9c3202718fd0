/* What git prints, to values: pure. Foreign octets: never trusted, never out of bounds. */
#pragma once

#include "source/git.h"

/* A header of cat-file: "ID TYPE SIZE", "NAME missing", "symlink SIZE" ... */
enum git_reply {
        GIT_REPLY_OBJECT,
        GIT_REPLY_MISSING, /* "missing", "ambiguous" */
        GIT_REPLY_OUTSIDE, /* "symlink SIZE": of a link that leads out of the commit */
        GIT_REPLY_NOWHERE, /* "dangling SIZE", "notdir SIZE" */
        GIT_REPLY_LOOP,    /* "loop SIZE" */
};

struct git_header {
        enum git_reply reply;
        char id[GIT_ID_MAX + 1];
        char type[8];        /* blob, tree, commit, tag */
        uint64_t size_bytes; /* of the object; of the text that follows where the reply is about a link */
};

/* line: without its newline. -EBADMSG. */
int git_parse_header(const char *line, size_t length, struct git_header *ret_header);
/* `ls-tree -r -z`. -EBADMSG, -ENOMEM. Takes text, which is changed, into ret_files. */
int git_parse_list(struct buffer *text, struct git_files *ret_files);
/* `diff-tree -r -z --raw`. The same. */
int git_parse_difference(struct buffer *text, struct git_files *ret_files);
/* A raw commit; ret_commit->id is not touched. -EBADMSG. */
int git_parse_commit(const char *text, size_t length, struct git_commit *ret_commit);
bool git_is_id(const char *text, size_t length);
