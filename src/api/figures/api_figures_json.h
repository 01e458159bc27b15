/* api_figures_json.h -- figures as JSON; for this folder only.
 *
 * Why: lists, explanations and packs show the same figure, so that what it is
 * called and how its value is written stands once.
 *
 * Shape    values are text, exact to the digit; counts, revisions and times
 * (ms) are integers; labels are {zh, en}. Memory   every json_t is the caller's
 * (one reference). */
#ifndef API_FIGURES_JSON_H
#define API_FIGURES_JSON_H

#include "api/figures/api_figures.h"

/* Pack, name, unit, digits, label: what all windows of an answer share. */
json_t *api_figures_json_name(const struct rollup_name *name);
/* Adds a window's own fields to `to`. */
void api_figures_json_window(json_t *to, const struct rollup_name *name,
                             const struct rollup_figure *figure);
/* request: who asks; units that he may not name have none.  NULL: all have. */
json_t *api_figures_json_parts(const struct rollup_name *name,
                               const struct rollup_figure *figure,
                               const struct net_http_request *request);
/* cell: [{dim, code, label}], in the order of the pack; [] for all cells. */
void api_figures_json_cell(json_t *to, const struct model_cells *cells);
/* {name, unit, scale, sum, label, expr} of an operand; a true: the first. */
json_t *api_figures_json_by(const struct rollup_by *by);
json_t *api_figures_json_operand(const struct rollup_name *name, bool a,
                                 bool has, __int128 sum);
json_t *api_figures_json_label(struct model_pack_text label);
/* api_figures_pack.c: {pack, version, title, shape, zone_s, freqs, scope,
 * metrics, measures, dims: [{name, codes: the list, leaves: [{code, label}]}],
 * checks: [{name, level, rule, message}], inputs: [{name, unit, scale, source,
 * label}]} */
json_t *api_figures_json_pack(const struct model_pack *pack);

#endif
