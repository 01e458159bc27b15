/* plant_check.h -- is what a node says of a plant what really happened?
 *
 * Series   every sample is fetched from the node (raw, an hour at a time) and
 *          counted: count, sum, first and last must be equal to the integer.
 * Figures  where the node has the packs kpi/iso22400 and energy/carbon, the
 * sums over machines of each minute and shift. Output   one line per
 * difference, at most 100 of them, then a summary; exit OK nothing differs, NO
 * something does or the truth is not whole. */
#ifndef PLANT_CHECK_H
#define PLANT_CHECK_H

#include "ctl/ctl.h"

enum ctl_exit plant_check_file(const struct ctl *ctl, const char *path);

#endif
