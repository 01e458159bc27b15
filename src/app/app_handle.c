/* app_handle.c -- the Handle door, on a loop of its own. */
#include "app/app_parts.h"
#include "door/handle/handle_door.h"
#include "sys/sys_random.h"

static enum err
handle_loop(struct app_parts *parts)
{
    enum err err = sys_loop_new("handle", &parts->handle_loop);
    return err == ERR_OK
               ? net_new(parts->handle_loop, &parts->stats, &parts->handle_net)
               : err;
}

enum err
app_handle_open(struct app_parts *parts)
{
    const struct app_config *config = parts->config;
    const struct app_config_door *door = &config->doors[APP_DOOR_HANDLE];
    if (!door->on)
        return ERR_OK;
    enum err err = handle_loop(parts);
    if (err != ERR_OK)
        return base_err_note(parts->note, err, "the Handle door's loop");
    struct handle_door_config handle = {
        .loop = sys_loop_base(parts->handle_loop),
        .net = parts->handle_net,
        .ident = parts->ident,
        .random = sys_random(),
        .stats = &parts->stats,
        .address = config->bind,
        .port = door->port,
        .key = parts->keys.handle,
        .prefix = config->node,
        .recurse = config->handle.recurse,
        .china = config->handle.china,
        .connections = door->connections,
        .requests = config->handle.requests,
        .rate_bytes = config->handle.rate_bytes,
        .burst_bytes = config->handle.burst_bytes,
        .free_peers = config->handle.free.at,
        .free_count = config->handle.free.count,
    };
    return handle_door_new(&handle, &parts->handle, parts->note);
}

enum err
app_handle_start(struct app_parts *parts)
{
    if (parts->handle == NULL)
        return ERR_OK;
    enum err err = sys_loop_start(parts->handle_loop);
    parts->handle_runs = err == ERR_OK;
    return err;
}

void
app_handle_stop(struct app_parts *parts)
{
    if (!parts->handle_runs)
        return;
    sys_loop_stop(parts->handle_loop);
    sys_loop_join(parts->handle_loop);
    parts->handle_runs = false;
}

/* Its loop has ended. */
void
app_handle_shut(struct app_parts *parts)
{
    if (parts->handle != NULL)
        handle_door_shut(parts->handle);
    if (parts->handle_net != NULL)
        net_free(parts->handle_net);
}

/* After ident, which may hold its questions. */
void
app_handle_free(struct app_parts *parts)
{
    if (parts->handle != NULL)
        handle_door_free(parts->handle);
    if (parts->handle_loop != NULL)
        sys_loop_free(parts->handle_loop);
}
