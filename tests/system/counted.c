/* Loaded before the daemon whose instructions are counted.
 *
 * One processor: where a crew cuts a large zone depends on how many there are, and the cost of an edit on the
 * cuts. And valgrind as Debian 12 has it does not know openat2: the same open without `resolve`, which only a
 * hostile folder can tell from it. */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

long sysconf(int name)
{
        long (*next)(int) = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
        return name == _SC_NPROCESSORS_ONLN ? 1 : next(name);
}

long syscall(long number, ...)
{
        long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
        long argument[6];
        va_list list;

        va_start(list, number);
        for (int i = 0; i < 6; i++)
                argument[i] = va_arg(list, long);
        va_end(list);
        if (number != SYS_openat2)
                return next(
                        number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
        const struct open_how *how = (const struct open_how *)argument[2];
        return openat((int)argument[0], (const char *)argument[1], (int)how->flags, (mode_t)how->mode);
}
