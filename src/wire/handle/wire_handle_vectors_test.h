/* wire_handle_vectors_test.h -- exchanges with a deployed Handle server.
 *
 * The folder (VECTORS in the environment) is not part of the checkout: data of
 * somebody else, used but not published.  Where it is absent, tests that need
 * it say "skipped" and pass.  Its README draws the keys of a file. */
#ifndef WIRE_HANDLE_VECTORS_TEST_H
#define WIRE_HANDLE_VECTORS_TEST_H

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_b64.h"
#include "base/base_mem.h"

enum { VECTORS_MAX = 400, VECTORS_PARTS = 16 };

struct vector {
    const char *name, *transport, *server, *differs;
    bool udp, header_only; /* compare: header */
    int64_t order, op, code;
    unsigned request_count, response_count;
    struct bytes request[VECTORS_PARTS], response[VECTORS_PARTS];
    json_t *json;
};

struct vectors {
    struct vector at[VECTORS_MAX];
    unsigned count;
    json_t *state; /* state.json */
};

/* Bytes of hex, on the heap. */
static inline struct bytes
vectors_unhex(const char *hex)
{
    size_t size = strlen(hex) / 2;
    uint8_t *at = base_mem_new(size + 1);
    if (base_b64_unhex(base_bytes_text(hex), at, size) != ERR_OK)
        abort();
    return base_bytes(at, size);
}

static inline unsigned
vectors_parts(const json_t *from, struct bytes *to)
{
    if (json_is_string(from)) {
        to[0] = vectors_unhex(json_string_value(from));
        return 1;
    }
    unsigned count = (unsigned)json_array_size(from);
    if (count > VECTORS_PARTS)
        abort();
    for (unsigned i = 0; i < count; i++)
        to[i] = vectors_unhex(json_string_value(json_array_get(from, i)));
    return count;
}

static inline json_t *
vectors_load(const char *folder, const char *name)
{
    char path[4096];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    json_t *json = json_load_file(path, 0, &error);
    if (!json)
        abort();
    return json;
}

static inline void
vectors_take(struct vectors *vectors, json_t *json)
{
    if (vectors->count == VECTORS_MAX)
        abort();
    struct vector *v = &vectors->at[vectors->count++];
    const char *compare = json_string_value(json_object_get(json, "compare"));
    v->json = json;
    v->name = json_string_value(json_object_get(json, "name"));
    v->transport = json_string_value(json_object_get(json, "transport"));
    v->server = json_string_value(json_object_get(json, "server"));
    v->differs = json_string_value(json_object_get(json, "differs"));
    v->udp = strcmp(v->transport, "udp") == 0;
    v->header_only = compare && strcmp(compare, "header") == 0;
    v->order = json_integer_value(json_object_get(json, "order"));
    v->op = json_integer_value(json_object_get(json, "op"));
    v->code = json_integer_value(json_object_get(json, "rc"));
    v->request_count =
        vectors_parts(json_object_get(json, "request_hex"), v->request);
    v->response_count =
        vectors_parts(json_object_get(json, "response_hex"), v->response);
}

static inline int
vectors_order(const void *a, const void *b)
{
    const struct vector *x = a, *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* All of them in order, NULL (and a word about it): they are not here. */
static inline struct vectors *
vectors_open(void)
{
    const char *folder = getenv("VECTORS");
    DIR *dir = folder ? opendir(folder) : NULL;
    if (!dir) {
        printf("skipped: the identify vectors are not here\n");
        return NULL;
    }
    struct vectors *vectors = base_mem_new(sizeof *vectors);
    memset(vectors, 0, sizeof *vectors);
    vectors->state = vectors_load(folder, "state.json");
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        size_t size = strlen(e->d_name);
        if (size < 6 || strcmp(e->d_name + size - 5, ".json") != 0 ||
            strcmp(e->d_name, "state.json") == 0 ||
            strcmp(e->d_name, "sm.json") == 0)
            continue;
        vectors_take(vectors, vectors_load(folder, e->d_name));
    }
    closedir(dir);
    qsort(vectors->at, vectors->count, sizeof vectors->at[0], vectors_order);
    return vectors;
}

static inline void
vectors_shut(struct vectors *vectors)
{
    for (unsigned i = 0; i < vectors->count; i++) {
        struct vector *v = &vectors->at[i];
        for (unsigned k = 0; k < v->request_count; k++)
            base_mem_free((void *)(uintptr_t)v->request[k].at);
        for (unsigned k = 0; k < v->response_count; k++)
            base_mem_free((void *)(uintptr_t)v->response[k].at);
        json_decref(v->json);
    }
    json_decref(vectors->state);
    base_mem_free(vectors);
}

#endif
