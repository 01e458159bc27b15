/* fault_name.h -- the names on the disk in memory, and their journal.
 *
 * Two tables, kept and now, and one ordered list of changes between them: as
 * in a journalling file system, what is kept of it is always its beginning. */
#ifndef FAULT_NAME_H
#define FAULT_NAME_H

#include "fault/fault_inode.h"

struct fault_name {
    char *path;
    struct fault_inode *inode;
};

struct fault_name_table {
    struct fault_name *names; /* sorted by path */
    size_t count, room;
};

struct fault_names {
    struct fault_name_table now, kept;
    struct base_link renamings;
};

void fault_name_init(struct fault_names *names);
void fault_name_done(struct fault_names *names);
/* NULL: not there. */
struct fault_inode *fault_name_get(const struct fault_name_table *table,
                                   const char *path);
void fault_name_put(struct fault_name_table *table, const char *path,
                    struct fault_inode *inode);
/* Create (from ""), rename, or remove (to ""); seen at once, kept later. */
void fault_name_change(struct fault_names *names, const char *from,
                       const char *to, struct fault_inode *inode);
/* Does path lie in this folder, not deeper? */
bool fault_name_in(const char *path, const char *folder);
void fault_name_sync(struct fault_names *names, const char *folder);
void fault_name_crash(struct fault_names *names, struct base_rng *rng,
                      enum fault_files_loss loss);

#endif
