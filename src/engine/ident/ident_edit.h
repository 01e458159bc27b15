/* ident_edit.h -- every change of an identifier, by one entrance.
 *
 * Why: REST, bulk, the command line and (later) the Handle door change records
 * by the same rules and get the same DO-IRP codes.
 *
 *     (none) --create--> RESERVED | ACTIVE        delete: the name is free
 *     RESERVED -> ACTIVE <-> SUSPENDED -> RETIRED  RETIRED: for ever
 *     RESERVED --create--> ACTIVE;  ACTIVE -> RETIRED
 *
 * Order of refusal (spec identify 2): 102, 301, 202, 201, 101 / 100, 200, 401.
 * Values   what is created, added or modified is stamped with now.  A value
 *          CLASS is the object's class; values CODE.key are its codes, over
 *          those of its prefix: both go to rollup and stream (Law 4).
 * Commit   one batch: the record and, where class, codes or activity changed,
 *          the UNIT message, so that no crash parts them.
 * Limits   2,048 values, 128 KiB of them; a hosted prefix's quota: 401.
 * Threads  the state loop.  Memory: nothing kept; the note is the caller's. */
#ifndef IDENT_EDIT_H
#define IDENT_EDIT_H

#include "engine/ident/ident_resolve.h"
#include "engine/ident/ident.h"

enum ident_op {
    IDENT_OP_CREATE, /* with overwrite: or replace all values */
    IDENT_OP_ADD,    /* with overwrite: or replace those */
    IDENT_OP_MODIFY,
    IDENT_OP_REMOVE,
    IDENT_OP_DELETE,
    IDENT_OP_STATE,
    IDENT_OPS
};

struct ident_edit {
    enum ident_op op;
    struct bytes id;
    struct wire_hs_list values; /* create, add, modify */
    const uint32_t *indexes;    /* remove */
    unsigned index_count;
    bool overwrite;
    bool if_absent;         /* 101 when it is there, else what the op says */
    uint64_t if_revision;   /* 0: any; else 101 when it is another */
    enum ident_state state; /* state; create: RESERVED, or else active */
    struct bytes why;       /* state: the reason, at most 255 bytes */
    /* the answer */
    enum ident_code code;
    bool made;
    uint64_t revision;
    struct base_note note; /* where code is not OK: which field, why */
};

void ident_edit(struct ident *ident, struct ident_edit *edit,
                struct store_journal_wait *wait);

#endif
