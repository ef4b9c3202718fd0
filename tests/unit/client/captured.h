/* Standard output and error of a call, as text. */
#pragma once

#include "../cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct captured {
        FILE *file[2];
        int saved[2];
        char text[2][16384]; /* out, err */
};

static inline void capture_begin(struct captured *captured)
{
        fflush(stdout);
        fflush(stderr);
        for (int i = 0; i < 2; i++) {
                captured->file[i] = tmpfile();
                assert_non_null(captured->file[i]);
                captured->saved[i] = dup(i + 1);
                dup2(fileno(captured->file[i]), i + 1);
        }
}

static inline void capture_end(struct captured *captured)
{
        fflush(stdout);
        fflush(stderr);
        for (int i = 0; i < 2; i++) {
                dup2(captured->saved[i], i + 1);
                close(captured->saved[i]);
                rewind(captured->file[i]);
                size_t length = fread(captured->text[i], 1, sizeof(captured->text[i]) - 1, captured->file[i]);
                captured->text[i][length] = '\0';
                fclose(captured->file[i]);
        }
}
