/* The long-lived child that commits and blobs are asked of. Any thread; one question at a time.
 *
 * A child that ended (killed, or the repository was replaced) is started anew once for a question. One that
 * does not answer in time is killed, and for a while nobody waits for a new one. */
#include "source/git_state.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define STUCK_USEC (10 * USEC_PER_SEC)
#define COMMIT_LIMIT_BYTES ((uint64_t)4 << 20)
#define BLOB_LIMIT_BYTES ((uint64_t)8 << 30)
#define HEADER_MAX 8192
#define PIPE_BYTES (1 << 20)

/* ---- the child ---- */

void git_reader_stop(struct git *git)
{
        struct git_reader *reader = &git->reader;
        piped_end(&reader->child);
        free(reader->bytes);
        reader->bytes = NULL;
        reader->begin = reader->end = 0;
}

void git_renew(struct git *git)
{
        pthread_mutex_lock(&git->lock);
        git_reader_stop(git);
        git->reader.stuck_until_usec = 0;
        pthread_mutex_unlock(&git->lock);
}

static int reader_start(struct git *git)
{
        static const char *const command[] = {"cat-file", "--batch-command", "--follow-symlinks", NULL};
        const char *arguments[32];
        struct git_reader *reader = &git->reader;

        if (reader->child.child.pid)
                return 0;
        reader->bytes = malloc(GIT_READER_BYTES);
        int r = reader->bytes ? git_arguments(git, command, arguments, ARRAY_SIZE(arguments)) : -ENOMEM;
        if (r == 0)
                r = piped_start(&(struct piped_program){.arguments = arguments,
                                        .environment = git->environment,
                                        .is_talked_to = true},
                        &reader->child);
        if (r < 0)
                git_reader_stop(git);
        else
                fcntl(reader->child.out_fd, F_SETPIPE_SZ, PIPE_BYTES); /* fewer turns; may be refused */
        return r;
}

static uint64_t deadline(const struct git *git)
{
        return clock_monotonic_usec() + git->options.timeout_usec;
}

/* -EPIPE: it ended. */
static int fill(struct git *git)
{
        struct git_reader *reader = &git->reader;
        int r = piped_poll(reader->child.out_fd, POLLIN, deadline(git), git->cancel_fd);
        if (r < 0)
                return r;
        if (reader->begin == reader->end)
                reader->begin = reader->end = 0;
        ssize_t n = read(reader->child.out_fd, reader->bytes + reader->end, GIT_READER_BYTES - reader->end);
        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        reader->end += (size_t)n;
        return n == 0 ? -EPIPE : 0;
}

static int read_header(struct git *git, struct git_header *ret_header)
{
        struct git_reader *reader = &git->reader;
        for (;;) {
                char *at = reader->bytes + reader->begin;
                size_t have = reader->end - reader->begin;
                char *newline = memchr(at, '\n', have);
                if (newline) {
                        reader->begin += (size_t)(newline + 1 - at);
                        return git_parse_header(at, (size_t)(newline - at), ret_header);
                }
                if (have > HEADER_MAX)
                        return -EBADMSG;
                if (reader->begin > 0 && have > 0) {
                        memmove(reader->bytes, at, have);
                        reader->begin = 0;
                        reader->end = have;
                }
                int r = fill(git);
                if (r < 0)
                        return r;
        }
}

static int write_all(int fd, const char *bytes, size_t length)
{
        while (length > 0) {
                ssize_t n = write(fd, bytes, length);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                bytes += n;
                length -= (size_t)n;
        }
        return 0;
}

/* What follows a header: into the file (-1 = dropped), or into the buffer. And its newline. */
static int read_body(struct git *git, uint64_t size_bytes, int fd, struct buffer *into)
{
        struct git_reader *reader = &git->reader;
        int failed = 0;

        for (uint64_t left = size_bytes + 1; left > 0;) {
                size_t have = reader->end - reader->begin;
                if (have == 0) {
                        int r = fill(git);
                        if (r < 0)
                                return r;
                        continue;
                }
                size_t taken = have < left ? have : (size_t)left;
                size_t text = taken < left ? taken : taken - 1; /* without the newline */
                if (into)
                        buffer_append(into, reader->bytes + reader->begin, text);
                else if (fd >= 0 && failed == 0)
                        failed = write_all(fd, reader->bytes + reader->begin, text);
                reader->begin += taken;
                left -= taken;
        }
        return failed;
}

static int ask(struct git *git, const char *verb, const char *what)
{
        CLEANUP(buffer_free) struct buffer line = {0};
        size_t sent = 0;

        buffer_printf(&line, "%s %s\n", verb, what);
        if (buffer_status(&line) < 0)
                return -ENOMEM;
        while (sent < line.length) {
                int r = piped_poll(git->reader.child.in_fd, POLLOUT, deadline(git), git->cancel_fd);
                if (r < 0)
                        return r;
                ssize_t n = send(git->reader.child.in_fd, line.data + sent, line.length - sent,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n < 0 && errno != EINTR && errno != EAGAIN)
                        return -EPIPE;
                sent += n > 0 ? (size_t)n : 0;
        }
        return 0;
}

/* ---- one question ---- */

struct question {
        const char *what;
        bool wants_body;
        uint64_t limit_bytes;
        struct buffer *into; /* the body: here, */
        int *ret_fd;         /* or into a new memory file */
        struct git_header header;
};

static int reply_error(enum git_reply reply)
{
        switch (reply) {
        case GIT_REPLY_OBJECT:
                return 0;
        case GIT_REPLY_MISSING:
        case GIT_REPLY_NOWHERE:
                return -ENOENT;
        case GIT_REPLY_OUTSIDE:
                return -EXDEV;
        case GIT_REPLY_LOOP:
                return -ELOOP;
        }
        return -EBADMSG;
}

/* Results that are about the object, not about the child. */
static bool is_answer(int r)
{
        return r == 0 || r == -ENOENT || r == -EXDEV || r == -ELOOP || r == -EISDIR || r == -EINVAL ||
               r == -EFBIG;
}

/* A body has to be read whatever is thought of it. */
static int read_object(struct git *git, struct question *question)
{
        const struct git_header *header = &question->header;
        CLEANUP_CLOSE int fd = -1;
        bool is_too_large = header->size_bytes > question->limit_bytes;

        if (question->ret_fd && !is_too_large) {
                fd = memfd_create("blob", MFD_CLOEXEC);
                if (fd < 0)
                        return -errno;
        }
        int r = read_body(git, header->size_bytes, fd, is_too_large ? NULL : question->into);
        if (r == 0 && is_too_large)
                return -EFBIG;
        if (r == 0 && fd >= 0 && lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        if (r == 0 && fd >= 0)
                *question->ret_fd = TAKE_FD(fd);
        return r;
}

static int ask_once(struct git *git, struct question *question)
{
        int r = reader_start(git);
        if (r == 0)
                r = ask(git, question->wants_body ? "contents" : "info", question->what);
        if (r == 0)
                r = read_header(git, &question->header);
        if (r < 0)
                return r;
        r = reply_error(question->header.reply);
        if (r == -EXDEV || r == -ELOOP || question->header.reply == GIT_REPLY_NOWHERE) {
                int drained = read_body(git, question->header.size_bytes, -1, NULL);
                return drained < 0 ? drained : r;
        }
        return r == 0 && question->wants_body ? read_object(git, question) : r;
}

static int ask_locked(struct git *git, struct question *question)
{
        struct git_reader *reader = &git->reader;
        if (clock_monotonic_usec() < reader->stuck_until_usec)
                return -ETIMEDOUT;
        int r = ask_once(git, question);
        if (r == -EPIPE) {
                git_reader_stop(git);
                if (question->into)
                        buffer_clear(question->into);
                r = ask_once(git, question);
        }
        if (!is_answer(r)) /* what it still has to say belongs to no question */
                git_reader_stop(git);
        if (r == -ETIMEDOUT)
                reader->stuck_until_usec = clock_monotonic_usec() + STUCK_USEC;
        return r;
}

static int ask_about(struct git *git, struct question *question)
{
        if (!*question->what || strchr(question->what, '\n'))
                return -EINVAL;
        pthread_mutex_lock(&git->lock);
        int r = ask_locked(git, question);
        pthread_mutex_unlock(&git->lock);
        return r;
}

/* ---- what others ask ---- */

int git_commit_find(struct git *git, const char *revision, struct git_commit *ret_commit)
{
        CLEANUP(buffer_free) struct buffer text = {0};
        CLEANUP(buffer_free) struct buffer peeled = {0};
        struct git_commit commit = {0};

        if (!*revision || *revision == '-' || strchr(revision, ':'))
                return -EINVAL;
        buffer_printf(&peeled, "%s^{commit}", revision);
        struct question question = {.what = buffer_text(&peeled),
                .wants_body = true,
                .limit_bytes = COMMIT_LIMIT_BYTES,
                .into = &text};
        if (!question.what)
                return -ENOMEM;
        int r = ask_about(git, &question);
        if (r == 0)
                r = buffer_status(&text);
        if (r < 0)
                return r;
        memcpy(commit.id, question.header.id, sizeof(commit.id));
        if (strcmp(question.header.type, "commit") != 0)
                return -EINVAL;
        r = git_parse_commit((const char *)text.data, text.length, &commit);
        if (r == 0)
                *ret_commit = commit;
        return r;
}

/* A question for a folder's contents would give its tree: what it is is asked first where nobody knows. */
int git_blob(struct git *git, const char *revision_path, int *ret_fd, char ret_id[static GIT_ID_MAX + 1],
        uint64_t *ret_size_bytes)
{
        CLEANUP_CLOSE int fd = -1;
        struct question question = {.what = revision_path,
                .wants_body = ret_fd != NULL,
                .limit_bytes = BLOB_LIMIT_BYTES,
                .ret_fd = &fd};
        int r = ask_about(git, &question);
        if (r < 0)
                return r;
        if (strcmp(question.header.type, "blob") != 0)
                return strcmp(question.header.type, "tree") == 0 ? -EISDIR : -EINVAL;
        memcpy(ret_id, question.header.id, sizeof(question.header.id));
        *ret_size_bytes = question.header.size_bytes;
        if (ret_fd)
                *ret_fd = TAKE_FD(fd);
        return 0;
}

int git_text(struct git *git, const char *revision_path, uint64_t limit_bytes, struct buffer *out)
{
        CLEANUP(buffer_free) struct buffer text = {0};
        struct question question = {
                .what = revision_path, .wants_body = true, .limit_bytes = limit_bytes, .into = &text};
        int r = ask_about(git, &question);
        if (r == 0)
                r = buffer_status(&text);
        if (r < 0)
                return r;
        if (strcmp(question.header.type, "blob") != 0)
                return -EINVAL;
        buffer_append(out, text.data, text.length);
        return buffer_status(out);
}
