/* plant_register.h -- a plant's machines get their names before they speak.
 *
 * Register first, then report: each machine is made an identifier of class
 * `machine` (which is what packs count), with a value DESC that says that it is
 * simulated.  What is there already stays as it is.
 *
 * Exit     OK also where the node has no such path or does not let this asker
 *          register (said): its MQTT door then decides. */
#ifndef PLANT_REGISTER_H
#define PLANT_REGISTER_H

#include "ctl/ctl.h"
#include "ctl/plant/plant.h"

enum ctl_exit plant_register_machines(const struct ctl *ctl,
                                      const struct plant *plant);

#endif
