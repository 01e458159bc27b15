/* model_event.h -- the events that engines of one process tell each other. */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include "model/model_attr.h"
#include "model/model_pack.h"
#include "model/model_port.h"

/* stream -> rollup.  The absolute state of all inputs of one (pack, unit,
 * window), folded from the durable samples in the shard up to `sequence`.
 * rollup compares with what it has; equal means nothing to do. */
struct model_event_fold {
    struct model_event event;
    uint32_t pack; /* index in the node's pack list */
    uint32_t window;
    uint32_t shard;
    uint64_t sequence; /* all samples <= this in this shard are folded in, for
                          this window */
    uint64_t token;    /* stream's, given back */
    uint64_t mask;     /* inputs present */
    int64_t values[MODEL_PACK_INPUTS]; /* in the input's unit * 10^-scale */
    /* What was folded: how many samples, from when to when, and SHA-256 of
     * their text: for every input that had any, in the pack's order, a line
     * with its name, then a line `MS VALUE` each, as they rise in time, with
     * the one before the window that the fold began at.  0 samples: too many
     * for that. */
    uint32_t samples;
    int64_t first_ms, last_ms;
    uint8_t digest[32];
    uint8_t unit_size;
    uint8_t unit[255]; /* identifier, registered spelling */
};

/* rollup -> stream.  sequence: every sample of the shard <= this has been
 * folded and stored durably; the journal may go that far.  token: that fold is
 * stored (OK), not in scope (NAME), or must come again (BUSY, FULL). */
struct model_event_folded {
    struct model_event event;
    uint32_t shard;
    uint64_t token;
    enum err err;
};

/* ident -> stream: an identifier was made or changed. */
struct model_event_object {
    struct model_event event;
    bool active;
    uint8_t class_size, id_size;
    uint16_t attributes_size; /* a line of model_attr */
    uint8_t class_name[64];
    uint8_t id[255];
    uint8_t attributes[MODEL_ATTR_MAX];
};

#endif
