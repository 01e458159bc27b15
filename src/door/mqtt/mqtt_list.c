/* mqtt_list.c -- who is on, and what was refused: for the console. */
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

void
mqtt_list_clients(struct mqtt_door *door,
                  void (*fn)(void *self, const struct mqtt_door_client *client),
                  void *self)
{
    int64_t now_s = base_loop_wall(door->config.loop).ms / 1000;
    struct mqtt_conn *conn;
    char peer[64];
    for (size_t i = 0; (conn = mqtt_ids_next(&door->ids, &i)) != NULL;) {
        const struct mqtt_session *session = mqtt_session_of(conn);
        struct mqtt_door_client client = {
            .id = mqtt_session_id(conn),
            .peer = net_conn_peer(net_conn_of(conn), peer),
            .version = list_version(conn->version),
            .since_ms = (int64_t)conn->since_s * 1000,
            .seen_ms = session ? (int64_t)session->seen_s * 1000
                               : list_seen_s(now_s, conn->seen) * 1000,
            .messages = session ? session->messages : 0,
            .subscriptions = session ? session->sub_count : 0,
        };
        fn(self, &client);
    }
}

void
mqtt_list_refusals(struct mqtt_door *door,
                   void (*fn)(void *self,
                              const struct mqtt_door_refusal *refusal),
                   void *self)
{
    uint64_t count = door->refusal_count;
    for (uint64_t i = 0; i < count && i < MQTT_REFUSALS; i++) {
        const struct mqtt_refusal *r =
            &door->refusals[(count - 1 - i) % MQTT_REFUSALS];
        struct mqtt_door_refusal refusal = {
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
