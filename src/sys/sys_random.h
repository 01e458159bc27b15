/* sys_random.h -- the kernel's randomness, as a struct base_random. */
#ifndef SYS_RANDOM_H
#define SYS_RANDOM_H

#include "base/base_rng.h"

struct base_random *sys_random(void);

#endif
