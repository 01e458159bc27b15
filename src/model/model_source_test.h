/* model_source_test.h -- files for tests: real ones below a root, or texts.
 *
 * Texts come first, so that a test may put its own file in the place of a real
 * one.  At most 256 names of a folder. */
#ifndef MODEL_SOURCE_TEST_H
#define MODEL_SOURCE_TEST_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base_hash.h"
#include "base/base_mem.h"
#include "model/model_source.h"

struct source_test_file {
    const char *path, *text;
};

struct source_test {
    struct model_source source;
    const char *root;                     /* of the checkout */
    const struct source_test_file *files; /* before the root; path NULL ends */
};

static inline enum err
source_test_load(struct model_source *source, const char *path, size_t limit,
                 struct base_arena *arena, struct bytes *ret_data)
{
    struct source_test *test = BASE_OUTER(source, struct source_test, source);
    for (const struct source_test_file *file = test->files; file && file->path;
         file++)
        if (strcmp(file->path, path) == 0) {
            *ret_data = base_arena_bytes(arena, base_bytes_text(file->text));
            return ERR_OK;
        }
    char whole[4096];
    snprintf(whole, sizeof whole, "%s/%s", test->root ? test->root : "", path);
    FILE *file = test->root ? fopen(whole, "rb") : NULL;
    if (!file)
        return ERR_ABSENT;
    uint8_t *data = base_mem_new(limit + 1);
    size_t size = fread(data, 1, limit + 1, file);
    fclose(file);
    *ret_data = base_arena_bytes(arena, base_bytes(data, size));
    base_mem_free(data);
    return size > limit ? ERR_BIG : ERR_OK;
}

static inline int
source_test_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline enum err
source_test_list(struct model_source *source, const char *path,
                 struct base_arena *arena, char ***ret_names, size_t *ret_count)
{
    struct source_test *test = BASE_OUTER(source, struct source_test, source);
    char **names = base_arena_alloc(arena, 256 * sizeof *names);
    size_t count = 0;
    size_t folder = strlen(path);
    for (const struct source_test_file *file = test->files; file && file->path;
         file++)
        if (strncmp(file->path, path, folder) == 0 && file->path[folder] == '/')
            names[count++] = base_arena_text(
                arena, base_bytes_text(file->path + folder + 1));
    char whole[4096];
    snprintf(whole, sizeof whole, "%s/%s", test->root ? test->root : "", path);
    DIR *dir = test->root ? opendir(whole) : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && count < 256)
            names[count++] =
                base_arena_text(arena, base_bytes_text(entry->d_name));
    if (dir)
        closedir(dir);
    qsort(names, count, sizeof *names, source_test_order);
    *ret_names = names;
    *ret_count = count;
    return ERR_OK;
}

/* Not SHA-256: for fuzzers. */
static inline void
source_test_hash(struct bytes data, uint8_t to[32])
{
    for (unsigned i = 0; i < 4; i++) {
        uint64_t hash = base_hash_xxh3(i, data);
        memcpy(to + 8 * i, &hash, 8);
    }
}

static inline struct source_test
source_test(const char *root, const struct source_test_file *files)
{
    return (struct source_test){
        .source = {source_test_load, source_test_list, source_test_hash},
        .root = root,
        .files = files,
    };
}

#endif
