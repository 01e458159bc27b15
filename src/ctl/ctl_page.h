/* ctl_page.h -- lists of a node, page by page: --limit N and --next KEY.
 *
 * Every command that lists has these two options (CTL_PAGE in ctl_table.c) and
 * asks for one page.  Where more follows, the option that goes on is said on
 * standard error, so that standard output holds rows alone. */
#ifndef CTL_PAGE_H
#define CTL_PAGE_H

#include "base/base_out.h"
#include "ctl/ctl.h"

/* path has its "?" already, and no NUL; *ret_json owned by the caller. */
enum ctl_exit ctl_page_get(const struct ctl *ctl, struct base_out *path,
                           json_t **ret_json);
void ctl_page_more(const json_t *answer);

#endif
