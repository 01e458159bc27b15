/* model_code.h -- code lists: regions, industries, and what else dims run over.
 *
 * Shape    CSV code,parent,name_zh,name_en,valid_from,valid_to,flags (spec
 *          rollup 4): sorted here by code in byte order.  A code with no
 *          children is a leaf; units carry leaves, parents are read.
 *          Validity is half-open in days; empty ends are open.  Flags are
 *          words parted by |, each a subset of the list.
 * Limits   65,536 codes; depth 8; code [A-Za-z0-9_.-]{1,32}.
 * Errors   those of model_csv; NAME a code twice, an unknown parent (with a
 *          hint where leading zeros were lost); LIMIT too deep or in a circle;
 *          RANGE valid_to not after valid_from. */
#ifndef MODEL_CODE_H
#define MODEL_CODE_H

#include "base/base_arena.h"
#include "model/model_csv.h"

enum { MODEL_CODE_MAX = 65536, MODEL_CODE_DEPTH = 8, MODEL_CODE_TEXT = 32 };

struct model_code {
    const char *code, *zh, *en, *flags;
    int32_t parent;            /* index, or -1 */
    int32_t from_day, end_day; /* since 1970; INT32_MIN, INT32_MAX: open */
    bool leaf;
    uint32_t line;
};

struct model_code_list {
    const char *name;
    struct model_code *at;
    uint32_t count, leaf_count;
};

enum err model_code_read(struct base_arena *arena, const char *name,
                         const char *file, struct bytes text,
                         struct model_code_list *ret_list,
                         struct base_note *note);
/* NULL: there is none; the note says so, with a hint. */
const struct model_code *model_code_find(const struct model_code_list *list,
                                         struct bytes code,
                                         struct base_note *note);
/* YYYY-MM-DD in days since 1970; an empty cell is open. */
int32_t model_code_day(struct model_csv *csv, const struct model_csv_cell *cell,
                       int32_t open);

#endif
