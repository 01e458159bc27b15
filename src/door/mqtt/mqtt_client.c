/* mqtt_client.c -- a publishing client that keeps what is not acknowledged. */
#include "door/mqtt/mqtt_client.h"

#include <stdio.h>

#include "base/base_mem.h"
#include "wire/mqtt/wire_mqtt.h"

enum client_state { CLIENT_OFF, CLIENT_GREETING, CLIENT_ON };
enum {
    CLIENT_WAIT_MS = 1000,
    CLIENT_WAIT_MAX_MS = 60000,
    CLIENT_PING_S = 20,
    CLIENT_KEEP_ALIVE_S = 60,
    CLIENT_PACKET_MAX = 65536,
    CLIENT_COUNTS = 4,
};

struct client_message {
    bool acked;
    uint16_t topic_size;
    uint32_t payload_size;
    uint8_t bytes[];
};

struct mqtt_client {
    struct mqtt_client_config config;
    struct net_conn *conn;
    enum client_state state;
    struct base_timer timer;
    int wait_ms, wait_max_ms;
    uint8_t version, connack;
    bool quiet; /* nothing heard since the last PINGREQ */
    bool freed; /* the connection's end is all it waits for */
    /* kept: a ring; first is the number of the oldest, packet id = number mod
     * 65,535 + 1 */
    struct client_message *kept[MQTT_CLIENT_KEPT];
    uint64_t first, count, next; /* next: the number to be sent next */
    unsigned window, no_space;
    struct base_out out;
    struct base_stat sent, acked, refused, dropped;
    char labels[64];
};

static struct client_message **
client_at(struct mqtt_client *client, uint64_t number)
{
    return &client->kept[number % MQTT_CLIENT_KEPT];
}

static uint16_t
client_id(uint64_t number)
{
    return (uint16_t)(number % 65535 + 1);
}

/* --- sending --- */

static void
client_send(struct mqtt_client *client, uint64_t number)
{
    const struct client_message *message = *client_at(client, number);
    struct wire_mqtt_outgoing out = {
        .version = client->version,
        .qos = 1,
        .id = client_id(number),
        .topic = base_bytes(message->bytes, message->topic_size),
        .payload = base_bytes(message->bytes + message->topic_size,
                              message->payload_size),
    };
    base_out_reset(&client->out);
    wire_mqtt_write_publish(&client->out, &out);
    net_conn_write(client->conn, base_out_bytes(&client->out));
    base_stat_inc(&client->sent, 1);
}

static void
client_pump(struct mqtt_client *client)
{
    if (client->state != CLIENT_ON)
        return;
    net_conn_cork(client->conn);
    while (client->next < client->first + client->count &&
           client->next < client->first + client->window) {
        if (!(*client_at(client, client->next))->acked)
            client_send(client, client->next);
        client->next++;
    }
    net_conn_uncork(client->conn);
}

static void
client_forget(struct mqtt_client *client)
{
    struct client_message **at = client_at(client, client->first);
    base_mem_free(*at);
    *at = NULL;
    client->first++;
    client->count--;
    if (client->next < client->first)
        client->next = client->first;
}

uint64_t
mqtt_client_publish(struct mqtt_client *client, struct bytes topic,
                    struct bytes payload)
{
    if (client->count == MQTT_CLIENT_KEPT) {
        client_forget(client);
        base_stat_inc(&client->dropped, 1);
    }
    struct client_message *message =
        base_mem_zero(sizeof *message + topic.size + payload.size);
    message->topic_size = (uint16_t)topic.size;
    message->payload_size = (uint32_t)payload.size;
    memcpy(message->bytes, topic.at, topic.size);
    if (payload.size)
        memcpy(message->bytes + topic.size, payload.at, payload.size);
    uint64_t number = client->first + client->count++;
    *client_at(client, number) = message;
    client_pump(client);
    return number;
}

/* --- receiving --- */

static bool
client_greeted(struct mqtt_client *client, struct bytes body)
{
    struct wire_mqtt_connack packet;
    if (wire_mqtt_read_connack(client->version, body, &packet) != WIRE_MQTT_OK)
        return false;
    client->connack = packet.code;
    if (packet.code != 0)
        return false;
    client->state = CLIENT_ON;
    client->wait_ms = CLIENT_WAIT_MS;
    client->window = packet.receive_max && packet.receive_max < MQTT_CLIENT_KEPT
                         ? packet.receive_max
                         : MQTT_CLIENT_KEPT;
    client->next = client->first;
    client_pump(client);
    return true;
}

static bool
client_acked(struct mqtt_client *client, struct bytes body)
{
    struct wire_mqtt_ack ack;
    if (wire_mqtt_read_ack(client->version, WIRE_MQTT_PUBACK, 0, body, &ack) !=
        WIRE_MQTT_OK)
        return false;
    if (ack.reason == WIRE_MQTT_QUOTA) {
        client->no_space++;
        return false; /* no space there now: later again */
    }
    client->no_space = 0;
    uint16_t ahead =
        (uint16_t)((ack.id + 65535u - client_id(client->first)) % 65535u);
    uint64_t number = client->first + ahead;
    if (number >= client->next || (*client_at(client, number))->acked)
        return true; /* of a message that was forgotten */
    (*client_at(client, number))->acked = true;
    base_stat_inc(ack.reason < 0x80 ? &client->acked : &client->refused, 1);
    while (client->count && (*client_at(client, client->first))->acked)
        client_forget(client);
    if (client->config.answered)
        client->config.answered(client->config.self, number, ack.reason);
    client_pump(client);
    return true;
}

static bool
client_packet(struct mqtt_client *client, uint8_t type, struct bytes body)
{
    if (client->state == CLIENT_GREETING)
        return type == WIRE_MQTT_CONNACK && client_greeted(client, body);
    if (type == WIRE_MQTT_PUBACK)
        return client_acked(client, body);
    return type == WIRE_MQTT_PINGRESP;
}

/* --- the connection --- */

static void
client_off(struct mqtt_client *client)
{
    client->state = CLIENT_OFF;
    client->conn = NULL;
    base_loop_timer(client->config.loop, &client->timer, client->wait_ms);
    client->wait_ms = client->wait_ms < client->wait_max_ms / 2
                          ? client->wait_ms * 2
                          : client->wait_max_ms;
}

static bool
client_open(struct net_conn *conn, void *self)
{
    struct mqtt_client *client = self;
    const struct mqtt_client_config *config = &client->config;
    struct wire_mqtt_greeting greeting = {
        .version = client->version,
        .keep_alive_s = CLIENT_KEEP_ALIVE_S,
        .id = base_bytes_text(config->id),
    };
    if (config->user) {
        greeting.user = base_bytes_text(config->user);
        greeting.password =
            base_bytes_text(config->password ? config->password : "");
    }
    base_out_reset(&client->out);
    wire_mqtt_write_connect(&client->out, &greeting);
    net_conn_write(conn, base_out_bytes(&client->out));
    net_conn_deadline(conn, CLIENT_PING_S);
    client->state = CLIENT_GREETING;
    client->quiet = true; /* no CONNACK by the deadline: given up */
    return true;
}

static size_t
client_input(struct net_conn *conn, const uint8_t *at, size_t size)
{
    struct mqtt_client *client = net_conn_door(conn);
    struct wire_mqtt_head head;
    size_t taken = 0;
    client->quiet = false;
    while (wire_mqtt_read_head(base_bytes(at + taken, size - taken), &head) ==
               ERR_OK &&
           head.size + (size_t)head.body <= size - taken) {
        struct bytes body = base_bytes(at + taken + head.size, head.body);
        if (!client_packet(client, head.type, body)) {
            net_conn_close(conn, NET_WHY_DONE);
            return size;
        }
        taken += head.size + (size_t)head.body;
    }
    return taken;
}

static void
client_deadline(struct net_conn *conn)
{
    struct mqtt_client *client = net_conn_door(conn);
    if (client->quiet) {
        net_conn_abort(conn, NET_WHY_TIMEOUT);
        return;
    }
    client->quiet = true;
    base_out_reset(&client->out);
    wire_mqtt_write_empty(&client->out, WIRE_MQTT_PINGREQ);
    net_conn_write(conn, base_out_bytes(&client->out));
    net_conn_deadline(conn, CLIENT_PING_S);
}

static void
client_closed(struct net_conn *conn, enum net_why why)
{
    struct mqtt_client *client = net_conn_door(conn);
    (void)why;
    (void)conn;
    if (client->freed)
        base_mem_free(client);
    else
        client_off(client);
}

static const struct net_proto client_proto = {
    .name = "mqtt-client",
    .partial_max = CLIENT_PACKET_MAX,
    .high = 1 << 20,
    .low = 1 << 19,
    .max = 64 << 20,
    .open = client_open,
    .input = client_input,
    .deadline = client_deadline,
    .closed = client_closed,
};

static void
client_connect(struct base_timer *timer)
{
    struct mqtt_client *client = BASE_OUTER(timer, struct mqtt_client, timer);
    const struct mqtt_client_config *config = &client->config;
    if (net_connect(config->net, config->address, config->port, &client_proto,
                    client, config->context, &client->conn) != ERR_OK)
        client_off(client);
}

/* --- life --- */

struct mqtt_client *
mqtt_client_new(const struct mqtt_client_config *config)
{
    struct mqtt_client *client = base_mem_zero(sizeof *client);
    client->config = *config;
    client->version = config->version ? config->version : 5;
    client->wait_max_ms =
        config->wait_max_ms ? config->wait_max_ms : CLIENT_WAIT_MAX_MS;
    client->wait_ms = CLIENT_WAIT_MS;
    client->timer.fn = client_connect;
    base_out_grow(&client->out, 1 << 20);
    snprintf(client->labels, sizeof client->labels, "client=\"%s\"",
             config->name);
    base_stat_add(config->stats, &client->sent, BASE_STAT_COUNTER,
                  "dougong_mqtt_client_sent_total", client->labels,
                  "PUBLISHes sent by the node itself, again included.");
    base_stat_add(config->stats, &client->acked, BASE_STAT_COUNTER,
                  "dougong_mqtt_client_acked_total", client->labels,
                  "PUBLISHes of the node itself that were acknowledged.");
    base_stat_add(config->stats, &client->refused, BASE_STAT_COUNTER,
                  "dougong_mqtt_client_refused_total", client->labels,
                  "PUBLISHes of the node itself that were refused.");
    base_stat_add(config->stats, &client->dropped, BASE_STAT_COUNTER,
                  "dougong_limit_hit_total", "limit=\"mqtt_client_kept\"",
                  "How often a stated limit was reached.");
    base_loop_timer(config->loop, &client->timer, 0);
    return client;
}

void
mqtt_client_free(struct mqtt_client *client)
{
    struct base_stats *stats = client->config.stats;
    base_loop_timer_clear(client->config.loop, &client->timer);
    while (client->count)
        client_forget(client);
    base_out_done(&client->out);
    base_stat_drop(stats, &client->sent);
    base_stat_drop(stats, &client->acked);
    base_stat_drop(stats, &client->refused);
    base_stat_drop(stats, &client->dropped);
    client->freed = true;
    if (client->conn)
        net_conn_abort(client->conn, NET_WHY_STOP);
    else
        base_mem_free(client);
}

void
mqtt_client_stats(const struct mqtt_client *client,
                  struct mqtt_client_stats *ret_stats)
{
    struct mqtt_client *c = (struct mqtt_client *)(uintptr_t)client;
    *ret_stats = (struct mqtt_client_stats){
        .on = client->state == CLIENT_ON,
        .waiting = (unsigned)client->count,
        .connack = client->connack,
        .no_space = client->no_space,
        .sent = base_stat_get(&c->sent),
        .acked = base_stat_get(&c->acked),
        .refused = base_stat_get(&c->refused),
        .dropped = base_stat_get(&c->dropped),
    };
}
