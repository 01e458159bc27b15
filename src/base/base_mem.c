/* base_mem.c -- malloc that does not fail. */
#include "base/base_mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void
mem_gone(size_t size)
{
    fprintf(stderr, "out of memory: %zu bytes were asked for\n", size);
    abort();
}

void *
base_mem_new(size_t size)
{
    void *at = malloc(size ? size : 1);
    if (!at)
        mem_gone(size);
    return at;
}

void *
base_mem_zero(size_t size)
{
    void *at = calloc(1, size ? size : 1);
    if (!at)
        mem_gone(size);
    return at;
}

void *
base_mem_resize(void *old, size_t size)
{
    void *at = realloc(old, size ? size : 1);
    if (!at)
        mem_gone(size);
    return at;
}

void *
base_mem_copy(const void *from, size_t size)
{
    void *at = base_mem_new(size);
    if (size)
        memcpy(at, from, size);
    return at;
}

char *
base_mem_text(const char *text)
{
    return base_mem_copy(text, strlen(text) + 1);
}

char *
base_mem_format(const char *fmt, ...)
{
    char *at = NULL;
    va_list list;
    va_start(list, fmt);
    int size = vasprintf(&at, fmt, list);
    va_end(list);
    if (size < 0 || !at)
        mem_gone(strlen(fmt));
    return at;
}

void
base_mem_free(void *old)
{
    free(old);
}

void
base_mem_free_at(void *address_of_pointer)
{
    void *old;
    memcpy(&old, address_of_pointer, sizeof old);
    free(old);
}
