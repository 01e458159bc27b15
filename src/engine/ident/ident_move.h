/* ident_move.h -- a hosted enterprise gets its own node; no name changes.
 *
 *   host                                   its own node
 *   export: no more changes here
 *     bundle (signed) ------------------>  import: names, values, states, key
 *     names are answered here still        join with a token of the host
 *   moved: row and record point there -->  names are answered there
 *
 * At every moment one of the two answers, and the other refers or forwards to
 * it; changes are refused (7) between export and moved.  `resume` at the host
 * takes an export back.
 *
 * Bundle   wire_move.h.  It holds the prefix's private key: who may fetch it
 *          may grant prefixes.  Its signature is the host's (302); import shows
 *          whose it is and refuses a bundle that was changed.
 * Figures  the bundle's part of rollup is made and read by it (rollup_move.h);
 *          import puts it before any name, so that what it refuses changes
 *          nothing.
 * Samples  stream's part (stream_move.h) is read after `begin`, from which on
 *          no door is told yes, and given to stream after `look`.
 * Again    import twice changes nothing: a row that is there with the same or a
 *          later revision stays.
 * Threads  the state loop.
 * Errors   ABSENT CONFLICT (not exported; another prefix) DENIED (signature)
 *          SYNTAX BIG (64 MiB). */
#ifndef IDENT_MOVE_H
#define IDENT_MOVE_H

#include "engine/ident/ident_step.h"

/* rollup's part; app or api put the two together. */
struct ident_move_figures {
    enum err (*take)(void *self, struct bytes prefix, struct base_out *out,
                     struct base_note *note);
    enum err (*put)(void *self, struct bytes figures, struct bytes signer,
                    struct base_note *note);
    void *self;
};

struct ident_moved {
    uint32_t rows, made; /* in the bundle; new or newer here */
    uint64_t signer;     /* key id */
};

/* No more changes here, nor samples. */
enum err ident_move_begin(struct ident *ident, struct bytes prefix,
                          const struct model_grant_principal *actor,
                          struct base_note *note);
/* After begin.  figures NULL: none here. */
enum err ident_move_export(struct ident *ident, struct bytes prefix,
                           const struct ident_move_figures *figures,
                           struct bytes samples, struct base_out *ret_bundle,
                           struct base_note *note);
/* Is it a bundle that this node may import?  Its samples, in the bundle. */
enum err ident_move_look(struct ident *ident, struct bytes prefix,
                         struct bytes bundle, struct bytes *ret_samples,
                         struct base_note *note);
enum err ident_move_import(struct ident *ident, struct bytes prefix,
                           struct bytes bundle,
                           const struct model_grant_principal *actor,
                           const struct ident_move_figures *figures,
                           struct ident_moved *ret_moved,
                           struct base_note *note);

#endif
