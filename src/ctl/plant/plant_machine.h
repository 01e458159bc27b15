/* plant_machine.h -- what a works says of its machines.
 *
 * Order    instants of one machine never go back; what is said of one instant
 *          goes out in one message.
 * Memory   the plant's queue; a second never fills it (must()). */
#ifndef PLANT_MACHINE_H
#define PLANT_MACHINE_H

#include "ctl/plant/plant.h"

/* prefix: instead of the works' own, or NULL.  Begins at t_ms, whole minute. */
void plant_machine_open(struct plant *plant, const struct plant_works *works,
                        const char *prefix, uint64_t seed, int64_t t_ms,
                        FILE *truth);
void plant_machine_shut(struct plant *plant);
/* One second of the plant; its messages are in the queue. */
void plant_machine_second(struct plant *plant);

/* The machine's first words, inside start(). */
void plant_machine_begin(struct plant_machine *machine, int64_t t_ms,
                         int64_t ideal_ms, enum plant_state state,
                         bool planned);
void plant_machine_enter(struct plant_machine *machine, int64_t t_ms,
                         enum plant_state state, bool planned);
/* defect: an index, when not good. */
void plant_machine_piece(struct plant_machine *machine, int64_t t_ms, bool good,
                         unsigned defect);
/* So many watts for so long; told when the meter is read. */
void plant_machine_use(struct plant_machine *machine, int64_t watts,
                       int64_t ms);
/* A process value, rounded to the metric's decimals. */
void plant_machine_set(struct plant_machine *machine, int64_t t_ms,
                       unsigned metric, double value);

/* Chance, all from this machine's generator. */
double plant_machine_noise(struct plant_machine *machine); /* about N(0, 1) */
int64_t plant_machine_between(struct plant_machine *machine, int64_t low,
                              int64_t high);
/* True once in `mean` trials. */
bool plant_machine_once_in(struct plant_machine *machine, uint64_t mean);

#endif
