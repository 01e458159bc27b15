/* base_must.h -- what must hold, always checked, in release too.
 *
 * must() is for bugs only: nothing that comes from outside may make it fail. */
#ifndef BASE_MUST_H
#define BASE_MUST_H

_Noreturn void base_must_fail(const char *what, const char *file, int line,
                              const char *function);

#define must(condition)                                                        \
    ((condition) ? (void)0                                                     \
                 : base_must_fail(#condition, __FILE__, __LINE__, __func__))

#endif
