/* plant_check.h -- is what a node says of a plant what really happened?
 *
 * Series   every sample is fetched from the node (raw, half an hour at a time)
 *          and counted: count, sum, first and last are equal to the integer.
 * Figures  where the node has the packs kpi/iso22400 and energy/carbon: each
 *          minute and shift, per machine that it names and as a sum, its
 *          ratios, and each whole hour's electricity.  With several files
 *          (works): of the windows that all of them hold.
 * Output   a line per difference, at most 100 of them, then a summary; exit
 *          OK nothing differs, NO something does or a truth is not whole. */
#ifndef PLANT_CHECK_H
#define PLANT_CHECK_H

#include "ctl/ctl.h"

/* The files that the command names; figures are of all of them together. */
enum ctl_exit plant_check_files(const struct ctl *ctl);

#endif
