/* model_pack.h -- a pack as loaded: checked whole, then never changed.
 *
 * Why: domain knowledge is data.  Loading reads packs/NAME/pack.yaml and its
 * CSVs into a new object; any mistake refuses the whole with file, line, column
 * and what was expected; a good one is swapped in (RULINGS 35, spec rollup 4).
 *
 * Shape    everything points into the pack's arena; strings end with NUL too.
 * Limits   file 1 MiB, 64 inputs and 62 measures here (256 and 512 by the
 *          format), 6 dims, 2^20 cells, 4 frequencies.
 * Not yet  kinds, metrics and keys outside the spine are refused by name
 *          (UNSUPPORTED).
 * Keys     packs/host/pack.yaml is the worked example; spec rollup 4.
 * Errors   ABSENT SYNTAX NAME TYPE UNIT RANGE LIMIT BIG UNSUPPORTED. */
#ifndef MODEL_PACK_H
#define MODEL_PACK_H

#include "model/model_calendar.h"
#include "model/model_code.h"
#include "model/model_expr.h"
#include "model/model_label.h"
#include "model/model_source.h"
#include "model/model_unit.h"

enum {
    MODEL_PACK_INPUTS = 64,
    MODEL_PACK_MEASURES = 62,
    MODEL_PACK_FREQS = 4,
    MODEL_PACK_DIMS = 6,
    MODEL_PACK_METRICS = 256,
    MODEL_PACK_TABLES = 16,
    MODEL_PACK_CHECKS = 64,
    MODEL_PACK_SUMS = 32, /* of one check */
    MODEL_PACK_STATES = 32,
    MODEL_PACK_CELLS = 1 << 20,
    MODEL_PACK_MEMORY = 64 << 20
};

enum model_pack_seal {
    MODEL_PACK_SEAL_NONE,
    MODEL_PACK_SEAL_MANUAL,
    MODEL_PACK_SEAL_AUTO, /* at end + grace */
};

struct model_pack_text { /* title, label */
    const char *zh, *en;
};

struct model_pack_freq {
    enum model_freq freq;
    enum model_pack_seal seal;
    int64_t due_ms, grace_ms, keep_ms;
};

enum model_pack_fold {                        /* source: series */
                       MODEL_PACK_FOLD_DELTA, /* counter: rise over the window;
                                                 a fall is a reset */
                       MODEL_PACK_FOLD_LAST,  /* last sample at or before the
                                                 window's end */
                       MODEL_PACK_FOLD_COUNT, /* samples in the window */
                       MODEL_PACK_FOLD_SUM,
                       MODEL_PACK_FOLD_MIN,
                       MODEL_PACK_FOLD_MAX,
                       /* A value holds until the next sample, at most stale:
                          ms in some states; power times time. */
                       MODEL_PACK_FOLD_TIME_IN,
                       MODEL_PACK_FOLD_INTEGRAL,
};

enum model_pack_kind { MODEL_PACK_FLOW, MODEL_PACK_COUNT, MODEL_PACK_STOCK };

enum model_pack_source {
    MODEL_PACK_SERIES, /* folded from samples */
    MODEL_PACK_RETURN, /* an item of a filed return */
};

enum model_pack_carry {
    MODEL_PACK_PARTIAL, /* cell totals go up */
    MODEL_PACK_MICRO,   /* signed returns go up whole */
};

struct model_pack_input {
    const char *name;
    struct model_unit unit;
    unsigned scale; /* 0..12: an integer of 10^-scale */
    enum model_pack_kind kind;
    enum model_pack_source source;
    /* return: the item before it, in the same period of last year */
    bool base;
    /* series: */
    enum model_pack_fold fold;
    struct model_matcher *matchers; /* sorted; one is __name__= */
    unsigned matcher_count;
    struct bytes metric;   /* that __name__ */
    int64_t stale_ms;      /* 5 min; delta 24 h */
    const int64_t *states; /* time_in: these; none: the time without one */
    unsigned state_count;
    int64_t ratio_num, ratio_den; /* integral: value * ms to the unit */
    int64_t min, max;             /* one unit's value; default +-(2^43-1) */
    bool required;
    struct model_pack_text label, help, group; /* help, group: or NULLs */
};

/* Numbers that the inputs are put together with: factors, prices.  A row is
 * found by the unit's codes in the dims that are keys, and by the newest year
 * that is not after the window's. */
struct model_pack_table {
    const char *name;
    struct model_unit unit;
    bool dims[MODEL_PACK_DIMS], by_year; /* its keys */
    struct model_pack_table_row {
        uint32_t place; /* the codes' ranks, mixed radix as in cells */
        int32_t year;   /* 0 without that key */
        struct dec value;
    } * rows; /* by place, year */
    uint32_t row_count;
};

enum model_pack_level {
    MODEL_PACK_HARD, /* refused */
    MODEL_PACK_SOFT, /* an explanation is needed */
    MODEL_PACK_INFO, /* shown */
};

/* A stated total and the items that must add up to it. */
struct model_pack_sum {
    uint32_t total;
    const uint32_t *parts;
    unsigned count;
};

/* What a return is held against: expr, or sums (one of them). */
struct model_pack_check {
    const char *name;
    enum model_pack_level level;
    const struct model_expr *expr; /* must be true; NULL: sums */
    const char *expr_text;
    struct model_pack_sum *sums;
    unsigned sum_count;
    struct dec tolerance;  /* of sums */
    const uint32_t *items; /* inputs it is about; the first is {item} */
    unsigned item_count;
    struct model_pack_text
        message; /* {item} {value}; sums: {sum} {difference} */
};

struct model_pack_measure {
    const char *name;
    enum model_pack_kind agg;
    struct model_unit unit;
    unsigned scale;
    const struct model_expr *expr; /* slots: enum model_pack_slot */
    const char *expr_text;
    struct model_pack_text label;
};

/* ratio: [a, b] of measures, minus, times.  Value = (sum a - minus * sum b) *
 * times / sum b: exact decimals, and the division last, so that it is rounded
 * once (model_value_metric).
 * derived: an expression over ratios and measures, brought to the declared
 * unit; a and b are then those of its first ratio,
 * or both its first measure. */
struct model_pack_metric {
    const char *name;
    uint32_t a, b; /* measure indexes */
    struct dec minus, times;
    const struct model_expr *derived; /* slots: enum model_pack_metric_slot */
    const char *derived_text;
    struct dec num, den; /* derived: from the expression's unit */
    unsigned digits;
    const char *unit;
    struct model_pack_text label;
};

struct model_pack_dim {
    const char *name, *list; /* code list */
    const char **codes;      /* leaf codes in byte order */
    uint32_t count;
    const struct model_code **leaves;      /* the same, as entries */
    const struct model_code_list *entries; /* all of the list */
};

struct model_pack {
    struct base_arena arena;
    const char *name, *version, *agency, *folder;
    struct model_pack_text title;
    struct model_calendar calendar;
    struct model_pack_freq freqs[MODEL_PACK_FREQS];
    unsigned freq_count;
    const char *scope_text;
    const struct model_expr *scope; /* bool over `class`, `id`, `prefix` */
    enum model_pack_carry carry;
    struct model_pack_dim dims[MODEL_PACK_DIMS];
    unsigned dim_count;
    uint32_t cells; /* 1 without dims */
    struct model_pack_input *inputs;
    unsigned input_count;
    struct model_pack_table *tables;
    unsigned table_count;
    struct model_pack_measure *measures;
    unsigned measure_count;
    struct model_pack_metric *metrics;
    unsigned metric_count;
    struct model_pack_check *checks;
    unsigned check_count;
    uint8_t shape[32]; /* SHA-256, doc/formats/shape.md */
    uint64_t shape8;   /* its first 8 bytes, little-endian */
};

/* Slots of the names that measures and checks may use. */
enum model_pack_slot {
    MODEL_PACK_SLOT_INPUT = 0,
    MODEL_PACK_SLOT_TABLE = MODEL_PACK_INPUTS,
    MODEL_PACK_SLOT_DIM = MODEL_PACK_SLOT_TABLE + MODEL_PACK_TABLES,
    MODEL_PACK_SLOTS = MODEL_PACK_SLOT_DIM + MODEL_PACK_DIMS
};

enum model_pack_metric_slot {
    MODEL_PACK_METRIC_SLOT_METRIC = 0,
    MODEL_PACK_METRIC_SLOT_MEASURE = MODEL_PACK_METRICS,
    MODEL_PACK_METRIC_SLOTS =
        MODEL_PACK_METRIC_SLOT_MEASURE + MODEL_PACK_MEASURES
};

/* Attributes that a scope expression sees; slots of its names.  From
 * MODEL_PACK_ATTRIBUTE_DIM on: the unit's codes, by dim. */
enum model_pack_attribute {
    MODEL_PACK_ATTRIBUTE_CLASS,
    MODEL_PACK_ATTRIBUTE_ID,
    MODEL_PACK_ATTRIBUTE_PREFIX,
    MODEL_PACK_ATTRIBUTE_DIM,
};

/* folder: packs/host; codes: the folder of code lists, packs/codes. */
enum err model_pack_load(struct model_source *source, const char *folder,
                         const char *codes, struct model_pack **ret_pack,
                         struct base_note *note);
void model_pack_free(struct model_pack *pack);
/* codes: a line of model_attr; what it does not say is absent. */
bool model_pack_in_scope(const struct model_pack *pack, struct bytes id,
                         struct bytes class_name, struct bytes codes);
/* Where a unit of these codes stands: mixed radix over dims, first most
 * significant (RULINGS 27).  false: it has no code that is a leaf in some
 * dim. */
bool model_pack_cell(const struct model_pack *pack, struct bytes codes,
                     uint32_t *ret_cell);
/* The code that a cell has in a dim. */
const struct model_code *model_pack_cell_code(const struct model_pack *pack,
                                              uint32_t cell, unsigned dim);
const struct model_pack_freq *model_pack_freq(const struct model_pack *pack,
                                              enum model_freq freq);
/* Index, or -1. */
int model_pack_measure_find(const struct model_pack *pack, struct bytes name);
int model_pack_metric_find(const struct model_pack *pack, struct bytes name);
int model_pack_dim_find(const struct model_pack *pack, struct bytes name);
int model_pack_input_find(const struct model_pack *pack, struct bytes name);

/* The packs of a node, in the order of its role. */
struct model_pack_list {
    struct model_pack **at;
    unsigned count;
};

struct model_pack *model_pack_list_find(const struct model_pack_list *list,
                                        struct bytes name, unsigned *ret_index);

#endif
