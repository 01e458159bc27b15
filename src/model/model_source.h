/* model_source.h -- where written files (packs, code lists) are read from.
 *
 * model may not know files; app hands in one of these, tests one over text. */
#ifndef MODEL_SOURCE_H
#define MODEL_SOURCE_H

#include "base/base_arena.h"

struct model_source {
    /* A whole file into the arena; ABSENT, BIG beyond limit, IO. */
    enum err (*load)(struct model_source *source, const char *path,
                     size_t limit, struct base_arena *arena,
                     struct bytes *ret_data);
    /* Names in a folder, sorted; an absent folder has none. */
    enum err (*list)(struct model_source *source, const char *path,
                     struct base_arena *arena, char ***ret_names,
                     size_t *ret_count);
    void (*sha256)(struct bytes data, uint8_t to[32]);
};

#endif
