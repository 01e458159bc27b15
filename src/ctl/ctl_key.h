/* ctl_key.h -- which node is asked, and what is shown to it.
 *
 * Node     --node; else that of --config; else $DOUGONG_NODE; else
 *          http://127.0.0.1:8100.
 * Shown    $DOUGONG_KEY; else DATA/keys/operator.key of --config; else the
 *          session kept by `dougong login` for that node, in
 *          $XDG_STATE_HOME/dougong/sessions.json (0600; default
 *          ~/.local/state). */
#ifndef CTL_KEY_H
#define CTL_KEY_H

#include "ctl/ctl.h"

/* Fills node and key, before the command runs. */
enum ctl_exit ctl_key_find(struct ctl *ctl);
/* Keep a session's cookie ("name=value") for the node; "": forget it. */
enum ctl_exit ctl_key_keep(const struct ctl *ctl, const char *cookie);

#endif
