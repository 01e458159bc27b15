/* api_figures_table.h -- a window's table, and a contribution's revisions.
 *
 * CSV: window, from (empty: this node's sum), a column per dim with its code,
 * epoch, revision, expected, reported, then every measure in its unit; absent
 * is empty.  Lines as rollup_table gives them, ended by \n; a field is quoted
 * where RFC 4180 asks for it.  The same instant gives the same bytes. */
#ifndef API_FIGURES_TABLE_H
#define API_FIGURES_TABLE_H

#include <jansson.h>

#include "base/base_out.h"
#include "engine/rollup/rollup.h"

void api_figures_table_head(struct base_out *out,
                            const struct model_pack *pack);
void api_figures_table_line(struct base_out *out, const struct model_pack *pack,
                            uint32_t window, const struct rollup_line *line);
/* {from, cell{}, epoch, revision, expected, reported, measures{}} */
json_t *api_figures_table_json(const struct model_pack *pack,
                               const struct rollup_line *line);
/* What the above says, and applied, state, reason; of a unit its inputs and
 * where its samples stood. */
json_t *api_figures_table_revision(const struct model_pack *pack,
                                   const struct rollup_line *line);

#endif
