/* What the machine can do at best, in the units in which the contenders are measured.
 *
 *      floor file PATH         reads PATH from the page cache, compares it with an earlier copy
 *      floor hmac [SECONDS]    HMAC-SHA256 over 16 KiB, one core
 *      floor files FOLDER      opens and reads every file of FOLDER
 *      floor sync FOLDER       overwrites 4 KiB of a file there and has it on the disk (fdatasync)
 *
 * One line of JSON; of several rounds. */
#include "wire.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>

enum { PIECE = 256 * 1024, ROUNDS = 9 };

static double file_once(int fd, const uint8_t *copy, size_t size)
{
        static uint8_t piece[PIECE];
        double begun = now_sec();
        for (size_t at = 0; at < size;) {
                ssize_t n = pread(fd, piece, PIECE, (off_t)at);
                if (n <= 0 || memcmp(piece, copy + at, (size_t)n) != 0)
                        fail("the file changed");
                at += (size_t)n;
        }
        return now_sec() - begun;
}

static void file(const char *path)
{
        struct stat status;
        double took[ROUNDS];
        int fd = must(open(path, O_RDONLY | O_CLOEXEC), path);
        must(fstat(fd, &status), path);
        size_t size = (size_t)status.st_size;
        uint8_t *copy = malloc(size);
        for (size_t at = 0; at < size;)
                at += (size_t)must(
                        (int)pread(fd, copy + at, size - at < 1 << 30 ? size - at : 1 << 30, (off_t)at),
                        path);
        for (int i = 0; i < ROUNDS; i++)
                took[i] = file_once(fd, copy, size) * 1e3;
        qsort(took, ROUNDS, sizeof(*took), by_value);
        printf("{\"bytes\": %zu, \"min_ms\": %.3f, \"median_ms\": %.3f, \"max_ms\": %.3f}\n", size, took[0],
                took[ROUNDS / 2], took[ROUNDS - 1]);
        free(copy);
}

static void hmac(double seconds)
{
        static uint8_t block[16384];
        uint8_t mac[EVP_MAX_MD_SIZE], key[32] = "thirty-two octets of a bench key";
        double best = 0;
        for (int i = 0; i < 5; i++) {
                uint64_t bytes = 0;
                double begun = now_sec(), wall = 0;
                for (; wall < seconds / 5; wall = now_sec() - begun)
                        for (int n = 0; n < 64; n++, bytes += sizeof(block))
                                HMAC(EVP_sha256(), key, sizeof(key), block, sizeof(block), mac, NULL);
                best = (double)bytes / wall > best ? (double)bytes / wall : best;
        }
        printf("{\"bytes_per_sec\": %.0f}\n", best);
}

static void files(const char *folder)
{
        static uint8_t piece[PIECE];
        double best = 1e9;
        size_t count = 0, bytes = 0;
        for (int i = 0; i < 3; i++) {
                DIR *names = opendir(folder);
                if (!names)
                        fail(folder);
                count = bytes = 0;
                double begun = now_sec();
                for (struct dirent *entry; (entry = readdir(names));) {
                        if (entry->d_name[0] == '.')
                                continue;
                        int fd = must(
                                openat(dirfd(names), entry->d_name, O_RDONLY | O_CLOEXEC), entry->d_name);
                        for (ssize_t n; (n = read(fd, piece, PIECE)) > 0;)
                                bytes += (size_t)n;
                        close(fd);
                        count++;
                }
                double took = now_sec() - begun;
                best = took < best ? took : best;
                closedir(names);
        }
        printf("{\"files\": %zu, \"bytes\": %zu, \"ms\": %.3f}\n", count, bytes, best * 1e3);
}

static void sync_floor(const char *folder)
{
        enum { SYNCS = 51 };
        static uint8_t block[4096];
        char path[4096];
        double took[SYNCS];
        snprintf(path, sizeof(path), "%s/floor.sync", folder);
        int fd = must(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), path);
        for (int i = 0; i < SYNCS; i++) {
                double begun = now_sec();
                block[0]++;
                must((int)pwrite(fd, block, sizeof(block), 0), path);
                must(fdatasync(fd), path);
                took[i] = (now_sec() - begun) * 1e3;
        }
        unlink(path);
        /* The first one made the file longer. */
        qsort(took + 1, SYNCS - 1, sizeof(*took), by_value);
        printf("{\"min_ms\": %.3f, \"median_ms\": %.3f, \"max_ms\": %.3f}\n", took[1], took[SYNCS / 2],
                took[SYNCS - 1]);
}

int main(int count, char **words)
{
        if (count == 3 && strcmp(words[1], "file") == 0)
                file(words[2]);
        else if (count >= 2 && strcmp(words[1], "hmac") == 0)
                hmac(count > 2 ? atof(words[2]) : 2);
        else if (count == 3 && strcmp(words[1], "files") == 0)
                files(words[2]);
        else if (count == 3 && strcmp(words[1], "sync") == 0)
                sync_floor(words[2]);
        else {
                fprintf(stderr, "usage: floor file PATH | hmac [SECONDS] | files FOLDER | sync FOLDER\n");
                return 2;
        }
        return 0;
}
