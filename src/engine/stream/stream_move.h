/* stream_move.h -- the samples of a hosted enterprise go to its own node.
 *
 * Why: a counter's next figure needs the sample before it, and a curve has one
 * home.  So a prefix moves with all of its samples, or not at all.
 *
 *   host  shut: nothing more is taken --all is synced--> read, an identifier a
 *         turn --> wire/rows/wire_samples.h
 *   node  rows are written as they were --> the windows that the host had still
 *         to fold are dirty here --> done when all is durable
 *
 * Shut     from export on, its identifiers are unknown here, so that a door
 *          asks ident, which refuses: what was acknowledged is in the bundle.
 *          Until opened, or a restart; after that they are asked for anyway.
 * Windows  what the host had folded stays as it was folded: import dirties only
 *          the windows that were dirty there, and what a restart would.
 * Again    import twice changes nothing: equal samples replace each other.
 * Limits   STREAM_MOVE_MAX bytes, 2 to 8 a sample.  Of a unit 2^18 samples are
 *          in memory at once.
 * Threads  the ingest loop; done runs there, never inside the call.
 * Errors   BIG; CORRUPT a block is damaged; SYNTAX VERSION SHORT; DENIED of
 *          another prefix; LIMIT series; FULL IO.  note says it. */
#ifndef STREAM_MOVE_H
#define STREAM_MOVE_H

#include "engine/stream/stream.h"
#include "wire/rows/wire_samples.h"

enum { STREAM_MOVE_MAX = 48 << 20 };

struct stream_move_out {
    void (*done)(struct stream_move_out *move, enum err err);
    struct bytes prefix; /* must outlive it */
    struct base_out out;
    uint64_t samples;
    struct base_note note;
    /* stream's: */
    struct stream *stream;
    struct base_task task;
    struct store_journal_wait wait;
    struct base_out rows;
    uint32_t group;
};

struct stream_move_in {
    void (*done)(struct stream_move_in *move, enum err err);
    struct bytes samples; /* must outlive it */
    uint64_t taken, old;  /* old: than what is kept here */
    struct base_note note;
    /* stream's: */
    struct stream *stream;
    struct base_task task;
    struct base_timer timer;
    struct store_journal_wait wait;
    struct base_cur cur, rows;
    struct wire_samples_unit unit;
    struct wire_samples_room room;
    uint32_t columns[WIRE_SAMPLES_COLUMNS];
    uint64_t first, last; /* sequences of the unit's rows; 0: none yet */
    struct stream_unit *at;
    bool more, row; /* blocks of the unit; row: it has not been written yet */
    enum err err;
};

/* Nothing of this prefix is taken from now on, or again. */
void stream_move_shut(struct stream *stream, struct bytes prefix, bool shut);
bool stream_move_is_shut(struct stream *stream, struct bytes id);
void stream_move_export(struct stream *stream, struct stream_move_out *move);
void stream_move_import(struct stream *stream, struct stream_move_in *move);

#endif
