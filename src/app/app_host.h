/* app_host.h -- the machine that this node runs on, as a piece of equipment.
 *
 * Every 5 s one PUBLISH (MQTT 5, QoS 1) to the node's own MQTT door, with the
 * figures of sys_host: a real client of a real door (RULINGS 29).  It lives on
 * the HTTP loop, away from the door's thread. */
#ifndef APP_HOST_H
#define APP_HOST_H

#include "app/app_parts.h"

enum err app_host_new(struct app_parts *parts, struct app_host **ret_host);
void app_host_free(struct app_host *host);

#endif
