/* fault_inode.h -- one file of the disk in memory: two images, and what lies
 * between them.
 *
 * `kept` is what a loss of power would leave at least, `now` is what reads see,
 * and the list of changes leads from one to the other.  Only written bytes take
 * memory. */
#ifndef FAULT_INODE_H
#define FAULT_INODE_H

#include "base/base_list.h"
#include "base/base_rng.h"
#include "fault/fault_files.h"

struct fault_inode_image {
    uint8_t *at;
    size_t room;
    uint64_t written; /* beyond it, up to size: zeros */
    uint64_t size;
};

struct fault_inode {
    struct fault_inode_image kept, now;
    struct base_link changes;
    bool folder, locked;
    char *path;    /* its name now, or its last */
    unsigned uses; /* in tables, in the log of names, open */
};

/* Used by nobody yet. */
struct fault_inode *fault_inode_new(bool folder);
/* One use less; the last one frees. */
void fault_inode_drop(struct fault_inode *inode);
/* A write of data at offset, or a change of size to offset. */
void fault_inode_change(struct fault_inode *inode, bool resize, uint64_t offset,
                        struct bytes data);
/* All changes are kept. */
void fault_inode_keep(struct fault_inode *inode);
void fault_inode_crash(struct base_rng *rng, struct fault_inode *inode,
                       enum fault_files_loss loss);
bool fault_inode_rot(struct fault_inode *inode, uint64_t offset, uint8_t flip);

#endif
