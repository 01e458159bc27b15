/* handle_own.c -- our own HS_SITE, kept at hand.
 *
 * Why: every reply carries its serial, and GET_SITEINFO is the first thing that
 * many clients send: neither may wait for another thread. */
#include "base/base_mem.h"
#include "door/handle/handle_inner.h"
#include "wire/handle/wire_hs_site.h"

#include <stdio.h>

static const struct bytes own_type = {(const uint8_t *)"HS_SITE", 7};

static void
own_take(struct handle_door *door, struct bytes data)
{
    struct wire_hs_site site;
    if (wire_hs_site_read(data, &site) != ERR_OK)
        return;
    base_out_reset(&door->site);
    base_out_bytes_add(&door->site, data);
    if (!base_out_ok(&door->site)) {
        base_out_reset(&door->site);
        return;
    }
    door->serial = site.serial;
    door->primary = site.mask & WIRE_HS_SITE_PRIMARY;
    door->own_ticks = HANDLE_SITE_TICKS;
}

static void
own_done(struct ident_resolve *call)
{
    struct handle_door *door = BASE_OUTER(call, struct handle_door, own);
    struct wire_hs_value value;
    if (call->code == IDENT_CODE_OK && wire_hs_next(&call->values, &value))
        own_take(door, value.data);
    ident_resolve_done(call);
    door->own_asked = false;
}

void
handle_own_tick(struct handle_door *door)
{
    if (door->own_ticks > 0)
        door->own_ticks--;
    if (door->own_ticks > 0 || door->own_asked)
        return;
    door->own = (struct ident_resolve){
        .done = own_done,
        .loop = door->config.loop,
        .handle = base_bytes_text(door->own_name),
        .types = &own_type,
        .type_count = 1,
        .public_only = true,
        .no_referral = true,
    };
    door->own_asked = true;
    ident_resolve(door->config.ident, &door->own);
}

void
handle_own_init(struct handle_door *door)
{
    door->serial = HANDLE_NO_SERIAL;
    base_out_grow(&door->site, HANDLE_SITE);
    snprintf(door->own_name, sizeof door->own_name, "0.NA/%s",
             door->config.prefix);
}

void
handle_own_done(struct handle_door *door)
{
    if (door->own_asked)
        ident_resolve_done(&door->own);
    base_out_done(&door->site);
}
