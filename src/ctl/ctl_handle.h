/* ctl_handle.h -- asking a node by the Handle protocol, and waiting for it.
 *
 * Fill ask.handle, and what else narrows the question (handle_client.h); then
 * ctl_handle_ask; look at ask.err and the answer; ctl_handle_end.
 * Errors   NAME: HOST:PORT is not understood or HOST not known; then those of
 *          handle_client.h. */
#ifndef CTL_HANDLE_H
#define CTL_HANDLE_H

#include "ctl/ctl.h"
#include "door/handle/handle_client.h"

struct ctl_handle {
    struct handle_client_ask ask;
    char address[64];
    struct sys_loop *loop;
    struct net *net;
    struct base_stats stats;
};

/* where: "HOST:PORT", "[::1]:2641".  Within 13 s. */
enum err ctl_handle_ask(struct ctl_handle *handle, const char *where,
                        struct base_note *note);
void ctl_handle_end(struct ctl_handle *handle);
/* `dougong resolve ID --handle HOST:PORT`: as the same question over HTTP is
 * answered, status and JSON. */
enum ctl_exit ctl_handle_resolve(const struct ctl *ctl, long *ret_status,
                                 json_t **ret_answer);

#endif
