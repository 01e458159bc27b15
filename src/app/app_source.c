/* app_source.c -- see app_source.h. */
#include "app/app_source.h"

#include "crypt/crypt_hash.h"

static enum err
source_load(struct model_source *self, const char *path, size_t limit,
            struct base_arena *arena, struct bytes *ret_data)
{
    struct app_source *source = (struct app_source *)(void *)self;
    return sys_file_load(source->files, path, limit, arena, ret_data);
}

static enum err
source_list(struct model_source *self, const char *path,
            struct base_arena *arena, char ***ret_names, size_t *ret_count)
{
    struct app_source *source = (struct app_source *)(void *)self;
    enum err err = source->files->ops->list(source->files, path, arena,
                                            ret_names, ret_count);
    if (err != ERR_ABSENT)
        return err;
    *ret_names = NULL;
    *ret_count = 0;
    return ERR_OK;
}

void
app_source_init(struct app_source *source, struct sys_files *files)
{
    *source = (struct app_source){
        .source = {source_load, source_list, crypt_hash_sha256},
        .files = files,
    };
}
