/* Why it could not start, and what to do about it, behind what failed. Private to daemon/. */
#pragma once

/* r: negative errno. */
const char *advice_on_listening(int r);
const char *advice_on_state(int r);   /* NULL: what failed says it all */
const char *advice_on_control(int r); /* NULL as above */
