/* zonecrier keygen: a key block as tsig-keygen prints it. The secret goes to standard output and nowhere else
 * (I8). */
#include "base/buffer.h"
#include "client/client.h"
#include "client/print.h"
#include "conf/keyfile.h"

#include <errno.h>
#include <string.h>

static void wipe(struct buffer *buffer)
{
        if (buffer->data)
                explicit_bzero(buffer->data, buffer->capacity);
        buffer_free(buffer);
}

int client_keygen(struct client *client, char **arguments, size_t count)
{
        const char *algorithm = client->algorithm ? client->algorithm : "hmac-sha256";
        enum tsig_algorithm known;
        uint16_t bits;
        struct buffer out = {0};
        (void)count;

        int r = keyfile_generate(arguments[0], algorithm, &out);
        if (r < 0) {
                fputs("zonecrier: ", stderr);
                if (r == -EINVAL && tsig_algorithm_from_text(algorithm, &known, &bits) < 0) {
                        print_text(stderr, algorithm);
                        fputs(" is no algorithm for TSIG; hmac-sha256 and hmac-sha512 are good ones\n",
                                stderr);
                } else if (r == -EINVAL) {
                        print_text(stderr, arguments[0]);
                        fputs(" is not a name for a key\n", stderr);
                } else
                        fprintf(stderr, "%s\n", strerror(-r));
                wipe(&out);
                return CLIENT_FAILED;
        }
        fwrite(out.data, 1, out.length, stdout);
        fflush(stdout);
        wipe(&out);
        return CLIENT_OK;
}
