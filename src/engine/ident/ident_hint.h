/* ident_hint.h -- a name has changed: tell who may remember it.
 *
 * Why: a cache that waits for a ttl shows yesterday's address for a day.
 *
 *   commit here, or a hint from below --> the parent, and children that keep
 *   a hint from above ------------------> children that keep
 *
 * Who keeps  a child says so in each question (flag 2) and is told for a day
 *          from then on.  Whoever has a cache, or such children, keeps.
 * Lost     each destination has its own count; a hole in it, or another boot,
 *          means that everything from there may have changed.  Without changes
 *          a destination hears the count each 10 s; nothing from above for 60 s
 *          and what was asked there is fetched again before it is given.
 * Limits   changes are gathered for 20 ms or 512; 256 children that keep; a
 *          queue that is full drops (tier), which the count shows.
 * Threads  the state loop. */
#ifndef IDENT_HINT_H
#define IDENT_HINT_H

#include "base/base_loop.h"
#include "base/base_map.h"
#include "base/base_out.h"
#include "model/model_id.h"
#include "wire/names/wire_names.h"

struct ident;

enum { IDENT_HINT_CHILDREN = 256 };

struct ident_hint_told { /* a destination */
    char prefix[MODEL_PREFIX_MAX + 1];
    int64_t keeps_until_ms; /* a child: mono */
    uint64_t seq;           /* hints to it so far */
};

struct ident_hint_heard { /* the last one of a neighbour */
    uint64_t boot, seq;
};

struct ident_hint {
    struct ident *ident;
    uint64_t boot;
    struct base_timer flush, beat;
    struct base_out up, down; /* changes gathered for each way */
    unsigned up_count, down_count;
    struct ident_hint_told parent; /* prefix "" */
    struct ident_hint_told children[IDENT_HINT_CHILDREN];
    unsigned child_count;
    struct ident_hint_heard above;
    struct base_map below; /* folded prefix -> struct ident_hint_heard */
    bool beats, waits;
};

void ident_hint_init(struct ident_hint *hint, struct ident *ident);
void ident_hint_done(struct ident_hint *hint);
/* Changed here: this folded handle of this prefix; or (empty) all below it. */
void ident_hint_changed(struct ident_hint *hint, struct bytes prefix,
                        struct bytes folded);
/* A child asked and will remember. */
void ident_hint_keeps(struct ident_hint *hint, struct bytes child);

#endif
