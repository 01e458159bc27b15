/* mqtt_session.c -- what a client has beyond its connection.
 *
 * A session is made when it is first needed and ends with its connection, for
 * now.  Calls under way to other threads (ident, stream_keep) outlive it: they
 * are told that it has gone. */
#include "base/base_mem.h"
#include "base/base_must.h"
#include "door/mqtt/mqtt_inner.h"

struct mqtt_session *
mqtt_session_of(const struct mqtt_conn *conn)
{
    struct mqtt_session *session = NULL;
    if (conn->has_session)
        memcpy(&session, conn->store, sizeof session);
    return session;
}

struct bytes
mqtt_session_id(const struct mqtt_conn *conn)
{
    const struct mqtt_session *session = mqtt_session_of(conn);
    if (session)
        return session->id;
    return base_bytes(conn->store,
                      strnlen((const char *)conn->store, MQTT_ID_INLINE));
}

struct mqtt_session *
mqtt_session_make(struct mqtt_conn *conn)
{
    struct mqtt_session *session = mqtt_session_of(conn);
    if (session)
        return session;
    struct bytes id = mqtt_session_id(conn);
    session = base_mem_zero(sizeof *session);
    session->conn = conn;
    session->door = mqtt_door_of(conn);
    session->id = base_bytes(base_mem_copy(id.at, id.size), id.size);
    session->receive_max = UINT16_MAX;
    session->window = MQTT_WINDOW;
    session->packet_max = UINT32_MAX;
    session->seen_s = conn->since_s;
    base_list_init(&session->keeps);
    base_list_init(&session->queue);
    base_list_init(&session->subs);
    base_stat_inc(&session->door->stats.sessions, 1);
    memcpy(conn->store, &session, sizeof session);
    conn->has_session = 1;
    return session;
}

void
mqtt_session_set_id(struct mqtt_conn *conn, struct bytes id)
{
    must(!conn->has_session);
    if (id.size <= MQTT_ID_INLINE) {
        memset(conn->store, 0, MQTT_ID_INLINE);
        memcpy(conn->store, id.at, id.size);
        return;
    }
    struct mqtt_session *session = mqtt_session_make(conn);
    base_mem_free((void *)(uintptr_t)session->id.at);
    session->id = base_bytes(base_mem_copy(id.at, id.size), id.size);
}

static void
session_leave(struct base_link *link)
{
    if (base_list_in(link))
        base_list_remove(link);
}

static void
session_drop_aliases(struct mqtt_session *session)
{
    unsigned count = mqtt_door_listener_of(session->conn)->profile.alias_max;
    for (unsigned i = 0; session->aliases && i < count; i++)
        base_mem_free(session->aliases[i]);
    base_mem_free(session->aliases);
    base_map_done(&session->aliases_out);
}

void
mqtt_session_end(struct mqtt_session *session)
{
    struct mqtt_conn *conn = session->conn;
    struct base_link *link;
    mqtt_subscribe_drop_all(session);
    mqtt_deliver_drop_queue(session);
    session_drop_aliases(session);
    session_leave(&session->owing);
    session_leave(&session->busy);
    if (base_list_in(&session->corked))
        net_conn_uncork(net_conn_of(conn));
    session_leave(&session->corked);
    if (session->ensure)
        session->ensure->session = NULL;
    while ((link = base_list_take(&session->keeps)) != NULL)
        BASE_OUTER(link, struct mqtt_keep, link)->session = NULL;
    base_stat_inc(&session->door->stats.waiting, -(int64_t)session->owed.count);
    base_stat_inc(&session->door->stats.sessions, -1);
    mqtt_owed_done(&session->owed);
    base_mem_free(session->taken);
    base_mem_free(session->sent);
    base_mem_free((void *)(uintptr_t)session->id.at);
    memset(conn->store, 0, sizeof conn->store);
    conn->has_session = 0;
    base_mem_free(session);
}
