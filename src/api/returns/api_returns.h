/* api_returns.h -- returns over HTTP: the form, filing, what stands, receipts.
 *
 * GET  /api/returns         pack, window, unit (it, and those below it), state
 *      (accepted, queried), limit (1..500; 50), next.  {returns[], next}, in
 *      order of pack, window and unit; one is {id pack window unit state
 *      revision counted reason filed_at applied_at filed_by}.
 * POST /api/returns         {pack, window, unit, items: {name: "text"},
 *      reason?, revision?, explanations?: {check: "text"}}.  201, or 200 when
 *      the same return stands already: the return as GET gives it, with
 *      problems[] (soft ones) and vintage, the version that it will be in when
 *      its window was sealed before.
 * POST /api/returns/check   the same body; what filing would answer, and
 *      nothing is kept.
 * GET  /api/returns/forms/{pack...}   unit, window.  The items in groups, each
 *      with label, unit, decimals, bounds, and what this unit filed for the
 *      window before and for the year before; due.
 * GET  /api/returns/{id}    revision (none: the newest).  Adds items {name:
 *      "text"}, explanations, return (base64 of the signed bytes), sha256, key
 *      id, public key and verdict of the signature.
 * GET  /api/returns/{id}/receipts    newest first: {receipt (base64), sha256,
 *      verdict, revision, applied_at, node, results[], key id, public key,
 *      signature}; with the return's bytes this is all that `dougong return
 *      verify` needs.
 *
 * Problems 422 with `code` of rollup_return.h (unknown_unit, check_failed,
 *          ...) and errors[]: {code, item, check, level, given, zh, en}.  404
 *          no such return; what somebody may not see is 404 too.
 * Rights   reading: the unit's name (NAMES); filing: RETURNS over the unit.
 * Threads  rollup's loop. */
#ifndef API_RETURNS_H
#define API_RETURNS_H

#include "crypt/crypt_key.h"
#include "engine/rollup/rollup_return.h"
#include "net/http/net_http.h"

struct api_returns {
    struct rollup *rollup;
    /* The public key (DER) with this id, if this node has it: its own, or that
     * of the enterprise hosted here whose unit this is. */
    enum err (*public_key)(void *self, struct bytes unit, uint64_t key_id,
                           struct base_out *out);
    void *self;
};

enum { API_RETURNS_ROUTES = 6, API_RETURNS_BODY = 64 << 10 };

void api_returns_routes(struct api_returns *returns, struct base_loop *loop,
                        struct net_http_route routes[API_RETURNS_ROUTES]);

#endif
