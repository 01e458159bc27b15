/* ctl_handle.c -- see ctl_handle.h. */
#include "ctl/ctl_handle.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/base_mem.h"
#include "sys/sys_random.h"

enum { HANDLE_HOST = 256 };

/* "HOST:PORT" into a numeric address and a port. */
static enum err
handle_where(struct ctl_handle *handle, const char *where)
{
    struct addrinfo want = {.ai_socktype = SOCK_DGRAM}, *found = NULL;
    char host[HANDLE_HOST], port[8];
    uint64_t number = 0;
    const char *colon = strrchr(where, ':');
    if (!colon || (size_t)(colon - where) >= sizeof host)
        return ERR_NAME;
    struct bytes name = base_bytes(where, (size_t)(colon - where));
    if (name.size > 2 && name.at[0] == '[' && name.at[name.size - 1] == ']')
        name = base_bytes(name.at + 1, name.size - 2);
    base_bytes_string(name, host, sizeof host);
    if (base_bytes_u64(base_bytes_text(colon + 1), &number) != ERR_OK ||
        number == 0 || number > UINT16_MAX)
        return ERR_NAME;
    handle->ask.port = (uint16_t)number;
    if (getaddrinfo(host, NULL, &want, &found) != 0)
        return ERR_NAME;
    int bad = getnameinfo(found->ai_addr, found->ai_addrlen, handle->address,
                          sizeof handle->address, port, sizeof port,
                          NI_NUMERICHOST | NI_NUMERICSERV);
    freeaddrinfo(found);
    handle->ask.address = handle->address;
    return bad ? ERR_NAME : ERR_OK;
}

static void
handle_done(struct handle_client_ask *ask)
{
    struct ctl_handle *handle = BASE_OUTER(ask, struct ctl_handle, ask);
    sys_loop_stop(handle->loop);
}

enum err
ctl_handle_ask(struct ctl_handle *handle, const char *where,
               struct base_note *note)
{
    enum err err = handle_where(handle, where);
    handle->loop = NULL;
    handle->net = NULL;
    base_stat_init(&handle->stats);
    if (err != ERR_OK)
        return base_err_note(
            note, err, "\"%s\" is no HOST:PORT of a Handle server", where);
    err = sys_loop_new("handle", &handle->loop);
    if (err == ERR_OK)
        err = net_new(handle->loop, &handle->stats, &handle->net);
    if (err != ERR_OK)
        return base_err_note(note, err, "cannot ask: %s", base_err_text(err));
    handle->ask.done = handle_done;
    handle->ask.loop = sys_loop_base(handle->loop);
    handle->ask.net = handle->net;
    handle->ask.random = sys_random();
    handle_client_ask(&handle->ask);
    sys_loop_run(handle->loop);
    if (handle->ask.err == ERR_OK)
        return ERR_OK;
    return base_err_note(note, handle->ask.err, "no answer from %s: %s", where,
                         base_err_text(handle->ask.err));
}

void
ctl_handle_end(struct ctl_handle *handle)
{
    if (handle->net) {
        handle_client_end(&handle->ask);
        net_free(handle->net);
    }
    if (handle->loop)
        sys_loop_free(handle->loop);
    base_stat_done(&handle->stats);
}
