/* mqtt_list.c -- who is on, ending one, and what was refused: for the console.
 *
 * Clients are kept by a hash of their ids; a page of them is picked in one walk
 * over all, and costs no memory beyond the page. */
#include "base/base_mem.h"
#include "door/mqtt/mqtt_inner.h"

/* The latest time <= now with these low 16 bits of seconds. */
static int64_t
list_seen_s(int64_t now_s, uint16_t seen)
{
    return now_s - (uint16_t)((uint16_t)now_s - seen);
}

static const char *
list_version(unsigned version)
{
    return version == 5 ? "5.0" : version == 4 ? "3.1.1" : "3.1";
}

static bool
list_fits(struct mqtt_conn *conn, const struct model_client_query *query)
{
    struct bytes id = mqtt_session_id(conn);
    return (query->after.size == 0 ||
            base_bytes_compare(id, query->after) > 0) &&
           base_bytes_starts(id, query->start) &&
           (query->user.size == 0 ||
            base_bytes_equal_folded(query->user, mqtt_auth_name(conn))) &&
           model_grant_within(query->scope, mqtt_auth_scope(conn));
}

/* The first of a page, in order of their ids. */
struct list_page {
    unsigned limit, count;
    struct mqtt_conn *conns[MODEL_CLIENT_PAGE_MAX];
};

static void
list_insert(struct list_page *page, struct mqtt_conn *conn)
{
    struct bytes id = mqtt_session_id(conn);
    unsigned low = 0, high = page->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (base_bytes_compare(mqtt_session_id(page->conns[middle]), id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == page->limit)
        return; /* behind all of a full page */
    page->count -= page->count == page->limit;
    memmove(page->conns + low + 1, page->conns + low,
            (page->count - low) * sizeof(struct mqtt_conn *));
    page->conns[low] = conn;
    page->count++;
}

static struct model_client
list_client(struct mqtt_conn *conn, char peer[64])
{
    const struct mqtt_session *session = mqtt_session_of(conn);
    struct net_conn *net = net_conn_of(conn);
    int64_t now_s = base_loop_wall(mqtt_door_of(conn)->config.loop).ms / 1000;
    struct model_client client = {
        .id = mqtt_session_id(conn),
        .kind = mqtt_auth_kind(conn),
        .name = mqtt_auth_name(conn),
        .address = net_conn_peer(net, peer),
        .version = list_version(conn->version),
        .tls = net_conn_ssl(net) != NULL,
        .since_ms = (int64_t)conn->since_s * 1000,
        .seen_ms = list_seen_s(now_s, conn->seen) * 1000,
        .keep_alive_s = conn->keep_alive_s,
    };
    if (session) {
        client.seen_ms = (int64_t)session->seen_s * 1000;
        client.in = session->messages;
        client.out = session->delivered;
        client.unacknowledged = session->sent_count;
        client.queued = session->queue_count;
        client.owed = session->owed.count;
        client.subscriptions = session->sub_count;
    }
    return client;
}

void
mqtt_list_clients(struct mqtt_door *door,
                  const struct model_client_query *query, model_client_fn *fn,
                  void *self)
{
    struct list_page *page = base_mem_zero(sizeof *page);
    struct mqtt_conn *conn;
    char peer[64];
    page->limit = query->limit < MODEL_CLIENT_PAGE_MAX ? query->limit
                                                       : MODEL_CLIENT_PAGE_MAX;
    for (size_t i = 0; (conn = mqtt_ids_next(&door->ids, &i)) != NULL;)
        if (list_fits(conn, query))
            list_insert(page, conn);
    bool more = true;
    for (unsigned i = 0; i < page->count && more; i++) {
        struct model_client client = list_client(page->conns[i], peer);
        more = fn(self, &client);
    }
    base_mem_free(page);
}

enum err
mqtt_list_end(struct mqtt_door *door, struct bytes id, struct bytes scope)
{
    struct mqtt_conn *conn = mqtt_ids_find(&door->ids, id);
    if (!conn || !model_grant_within(scope, mqtt_auth_scope(conn)))
        return ERR_ABSENT;
    mqtt_stat_refused(door, WIRE_MQTT_CONNECT, WIRE_MQTT_ADMINISTRATIVE);
    mqtt_door_end(conn, WIRE_MQTT_ADMINISTRATIVE, true);
    mqtt_door_uncork(door);
    return ERR_OK;
}

void
mqtt_list_refusals(struct mqtt_door *door, model_client_refusal_fn *fn,
                   void *self)
{
    uint64_t count = door->refusal_count;
    for (uint64_t i = 0; i < count && i < MQTT_REFUSALS; i++) {
        const struct mqtt_refusal *r =
            &door->refusals[(count - 1 - i) % MQTT_REFUSALS];
        struct model_client_refusal refusal = {
            .t_ms = r->t_ms,
            .what = r->what,
            .client = base_bytes(r->client, r->client_size),
            .topic = base_bytes(r->topic, r->topic_size),
            .payload = base_bytes(r->payload, r->payload_size),
            .why = r->why,
        };
        fn(self, &refusal);
    }
}
