/* base_mem.h -- memory that is there, or the process ends.
 *
 * Why: everything is bounded, so running out of memory means that the world is
 * broken, and going on would break more.  The abort says how much was asked.
 *
 * base_cleanup(fn) frees a local at the end of its scope; for app, store, ctl
 * and tests only (HOUSE: packet paths use arenas). */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *base_mem_new(size_t size) __attribute__((malloc, returns_nonnull));
void *base_mem_zero(size_t size) __attribute__((malloc, returns_nonnull));
void *base_mem_resize(void *old, size_t size) __attribute__((returns_nonnull));
void *base_mem_copy(const void *from, size_t size)
    __attribute__((malloc, returns_nonnull));
char *base_mem_text(const char *text) __attribute__((malloc, returns_nonnull));
char *base_mem_format(const char *fmt, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));
void base_mem_free(void *old);
void base_mem_free_at(void *address_of_pointer); /* for base_cleanup */

#define base_cleanup(function) __attribute__((cleanup(function)))
#define BASE_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BASE_OUTER(pointer, type, member)                                      \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
