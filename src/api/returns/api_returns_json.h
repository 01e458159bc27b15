/* api_returns_json.h -- returns as JSON; for this folder only.
 *
 * Why: a return is shown when it is filed, checked, listed and refused; its
 * fields are named once.
 *
 * Memory   every json_t is the caller's (one reference). */
#ifndef API_RETURNS_JSON_H
#define API_RETURNS_JSON_H

#include "api/returns/api_returns.h"

/* whole: with items, explanations and the signed bytes. */
json_t *api_returns_json_view(struct api_returns *returns,
                              const struct rollup_return_view *view,
                              bool whole);
json_t *api_returns_json_receipt(struct api_returns *returns,
                                 const struct rollup_return_view *view);
/* Adds what filing has said to the return. */
void api_returns_json_verdict(json_t *to,
                              const struct rollup_return_verdict *verdict);
json_t *api_returns_json_checked(const struct rollup_return_verdict *verdict);
/* A problem document (RFC 9457). */
json_t *api_returns_json_refusal(const struct rollup_return_verdict *verdict,
                                 const struct base_note *note);
json_t *api_returns_json_form(const struct model_pack *pack, struct bytes unit,
                              struct bytes window,
                              const struct rollup_return_before *before);

#endif
