/* zonecrier: one command, one answer, one exit status. */
#include "client/options.h"

#include <curl/curl.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <string.h>

/* What was printed is out, or the exit status says that it is not (a full disk behind a redirect). */
static int finish_output(int exit_status)
{
        if (fflush(stdout) == 0 && !ferror(stdout))
                return exit_status;
        fprintf(stderr, "zonecrier: standard output: %s\n", strerror(errno));
        return exit_status == CLIENT_OK ? CLIENT_FAILED : exit_status;
}

int main(int argc, char **argv)
{
        struct invocation invocation;

        setlocale(LC_CTYPE, "");
        int exit_status = options_read(argc, argv, &invocation);
        if (exit_status != CLIENT_OK || !invocation.command)
                return finish_output(exit_status);
        if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK) {
                fputs("zonecrier: libcurl does not start\n", stderr);
                return CLIENT_FAILED;
        }
        exit_status = finish_output(
                invocation.command->run(&invocation.client, invocation.arguments, invocation.count));
        curl_global_cleanup();
        return exit_status;
}
