/* base_must.c -- the end of a process that has a bug. */
#include "base/base_must.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void
base_must_fail(const char *what, const char *file, int line,
               const char *function)
{
    fprintf(stderr, "must(%s) does not hold: %s:%d, %s\n", what, file, line,
            function);
    abort();
}
