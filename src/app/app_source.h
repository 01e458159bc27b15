/* app_source.h -- packs and code lists from the file system.
 *
 * Why: model reads what people wrote and may know no files (model_source.h);
 * this gives it sys_file's, and the hash of what was read.
 *
 * Memory   in the arena of the asker; `files` outlives it. */
#ifndef APP_SOURCE_H
#define APP_SOURCE_H

#include "model/model_source.h"
#include "sys/sys_file.h"

struct app_source {
    struct model_source source; /* first */
    struct sys_files *files;
};

void app_source_init(struct app_source *source, struct sys_files *files);

#endif
