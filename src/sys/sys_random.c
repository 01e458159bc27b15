/* sys_random.c -- getrandom(2). */
#include "sys/sys_random.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/base_must.h"

static void
random_fill(struct base_random *self, void *to, size_t size)
{
    (void)self;
    unsigned char *at = to;
    while (size) {
        ssize_t got = getrandom(at, size, 0);
        must(got > 0 || (got < 0 && errno == EINTR));
        if (got < 0)
            continue;
        at += got;
        size -= (size_t)got;
    }
}

struct base_random *
sys_random(void)
{
    static struct base_random kernel = {.fill = random_fill};
    return &kernel;
}
