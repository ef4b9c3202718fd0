/* What an operator does about a start that failed. Values in, words out. */
#include "daemon/advice.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

const char *advice_on_listening(int r)
{
        switch (-r) {
        case EADDRINUSE:
                return "another server has it (ss -lntup tells which): stop that one, or set another address "
                       "or port in listen-on";
        case EACCES:
        case EPERM:
                return "permission denied: a port below 1024 needs CAP_NET_BIND_SERVICE, as "
                       "zonecrierd.service "
                       "gives it, or root; or set another in listen-on";
        case EADDRNOTAVAIL:
                return "this machine has no such address (ip address shows its own): correct listen-on";
        default:
                return strerror(-r);
        }
}

const char *advice_on_state(int r)
{
        switch (-r) {
        case EBUSY:
                return "stop that one first, or set another state-directory";
        case EACCES:
        case EPERM:
                return "permission denied: the user that zonecrierd runs as must be able to write there";
        case ENOENT:
                return "the folder above it is not there: make it, or correct the path";
        case EUCLEAN:
        case ENOTSUP:
                return NULL;
        default:
                return strerror(-r);
        }
}

const char *advice_on_control(int r)
{
        return r == -EADDRINUSE ? "stop that one first, or set another path in controls" : NULL;
}
