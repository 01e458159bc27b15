/* api_figures.h -- figures over HTTP: what they are, and where they are from.
 *
 * GET /api/figures           pack, metric (a metric or a measure), at (a
 *     window; none: the newest complete one of freq), freq, last (windows,
 *     1..1000), vintage, asof (RFC 3339 or ms: as this node had it then),
 *     parts (0..256; 64), cell (DIM=CODE,...: of these cells only; a code above
 *     others means all below it), by (a dim: rows for its codes), where (a
 *     truth over dims).  One object: the newest window
 *     (RULINGS 32: pack name window freq from to value unit digits n reported
 *     expected epoch revision shape state vintage pending parts[], and cell[]);
 *     with `last` also figures[], oldest first.  from, to: ms; value: text or
 *     null.
 * GET /api/figures/explain   pack, metric, at, freq, asof, cell: every level
 *     then answers for these cells only.  {value, n, reported, expected, a, b:
 *     the operands with their sums, times, minus, formula, asof, cell[]: {dim,
 *     code, label}, entries[]}; an
 *     entry is {kind node|part|unit|input, name, value, a, b, n, reported,
 *     expected, epoch, revision, why, changed, shard, sequence, samples, first,
 *     last, digest (of a unit: model_event.h), below[]}, or
 *     {kind batch, name: who signed, epoch, seq, verdict signed|unknown|gone,
 *     key_id, key: his public key, batch: the message; base64, "" when it is
 *     too large; drawn in doc/formats/dgf1.md}, or, below a unit that filed
 *     one, {kind return, name: the unit, epoch, revision, filed_at (ms),
 *     sha256: of the return's bytes, key_id, key, verdict
 *     signed|wrong|unknown|gone: its signature here and now, receipt
 *     accepted|queried: what it got, return: the bytes; base64, "" when they
 *     are too large; drawn in wire_return.h}.  Every level answers as it was
 *     when it had told what is counted above it; `changed`: it cannot any more.
 *     A unit that the asker may not name has name null and nothing below it.
 * GET /api/figures/coverage  pack, at, freq, parts, cell.  {expected, reported,
 *     complete, parts[]}, who is missing first.
 * GET /api/figures/packs     what packs this node has, and in which shape.
 * GET /api/figures/windows   pack, metric, freq, limit (1..1000; 60), next.
 *     {windows[], next}, newest first; next: null at the end.
 * GET /api/figures/table     pack, at, freq, asof, parts (0 or 1; 0), format
 *     (json, csv).  Every cell of a window, and with parts whom it is from;
 *     `asof` (CSV: the header Dougong-Asof) is the instant with which the same
 *     bytes are got again.  Lines of units that the asker may not name are left
 *     out, and counted in `hidden`.
 * GET /api/figures/history   pack, at, freq, from (a child's prefix or a unit).
 *     revisions[], by cell, oldest first: applied (ms), state (given, waiting:
 *     a placeholder, gone), reason, values; of a unit its inputs.  1,000, then
 *     `more`.
 * POST /api/figures/{pack}/seal   at (a window; in the query or as a form).
 *     The figure `reported` of the window as it is then, with vintage and
 *     root.
 *
 * Problems 404 unknown pack, metric, window, vintage, dim or code; 400 a
 *          malformed parameter; 409 sealed already, or still open; each names
 *          what was expected.
 * Threads  handlers run on rollup's loop. */
#ifndef API_FIGURES_H
#define API_FIGURES_H

#include "engine/rollup/rollup.h"
#include "net/http/net_http.h"

enum { API_FIGURES_ROUTES = 8 };

void api_figures_routes(struct rollup *rollup, struct base_loop *loop,
                        struct net_http_route routes[API_FIGURES_ROUTES]);

/* For tests: the JSON of an explanation's entries, nested.  request: who asks;
 * units that he may not name have none, and nothing below them.  NULL: all. */
json_t *api_figures_entries(const struct rollup_name *name,
                            struct bytes entries,
                            const struct net_http_request *request);

#endif
