/* app_mqtt.c -- the MQTT doors, and this machine as their first client. */
#include "app/app_host.h"
#include "app/app_node.h"
#include "app/app_parts.h"
#include "base/base_mem.h"
#include "door/mqtt/mqtt_door.h"
#include "sys/sys_random.h"

static enum err
mqtt_listen(struct app_parts *parts, enum app_config_door_kind kind,
            struct net_listener **ret_listener)
{
    const struct app_config_door *door = &parts->config->doors[kind];
    if (!door->on)
        return ERR_OK;
    struct mqtt_profile profile =
        door->open ? mqtt_door_profile_open : mqtt_door_profile;
    profile.register_auto = door->auto_register;
    struct mqtt_listener *listener = mqtt_door_listener(parts->mqtt, &profile);
    struct net_listener_config config = {
        .address = parts->config->bind,
        .port = door->port,
        .proto = mqtt_door_proto(listener),
        .door = listener,
        .plain = kind == APP_DOOR_MQTT,
        .tls = kind == APP_DOOR_MQTTS,
        .tls_first = kind == APP_DOOR_MQTTS,
        .context = kind == APP_DOOR_MQTTS ? parts->door_tls : NULL,
        .connections_max = door->connections,
    };
    return net_listen(parts->ingest_net, &config, ret_listener, parts->note);
}

enum err
app_mqtt_open(struct app_parts *parts)
{
    const struct app_config *config = parts->config;
    if (!config->doors[APP_DOOR_MQTT].on && !config->doors[APP_DOOR_MQTTS].on)
        return ERR_OK;
    if (parts->stream == NULL)
        return base_err_note(parts->note, ERR_CONFLICT,
                             "the doors mqtt and mqtts need the engine stream");
    struct mqtt_door_config door = {
        .loop = parts->ingest,
        .stream = parts->stream,
        .keep = parts->keep,
        .ident = parts->ident,
        .random = sys_random(),
        .stats = &parts->stats,
        .log = &parts->log->log,
        .version = "dougong " DOUGONG_VERSION,
        .clients_max = config->doors[APP_DOOR_MQTT].connections +
                       config->doors[APP_DOOR_MQTTS].connections,
    };
    enum err err = mqtt_door_new(&door, &parts->mqtt);
    if (err == ERR_OK)
        err = mqtt_listen(parts, APP_DOOR_MQTT, &parts->mqtt_listener);
    if (err == ERR_OK)
        err = mqtt_listen(parts, APP_DOOR_MQTTS, &parts->mqtts_listener);
    if (err == ERR_OK && config->host)
        err = app_host_new(parts, &parts->host);
    if (err != ERR_OK && parts->note->text[0] == '\0')
        base_err_note(parts->note, err, "MQTT: %s", base_err_text(err));
    return err;
}

static void
mqtt_stop_task(struct base_task *task)
{
    struct app_parts *parts = BASE_OUTER(task, struct app_parts, mqtt_stop);
    mqtt_door_shut(parts->mqtt);
}

void
app_mqtt_stop(struct app_parts *parts)
{
    if (parts->mqtt == NULL)
        return;
    parts->mqtt_stop.fn = mqtt_stop_task;
    base_loop_post(parts->ingest, &parts->mqtt_stop);
}

/* Its loops have ended; before net_free. */
void
app_mqtt_shut(struct app_parts *parts)
{
    if (parts->host != NULL)
        app_host_free(parts->host);
    if (parts->mqtt != NULL && parts->mqtt_stop.fn == NULL)
        mqtt_door_shut(parts->mqtt);
}

/* After net_free. */
void
app_mqtt_free(struct app_parts *parts)
{
    if (parts->mqtt != NULL)
        mqtt_door_free(parts->mqtt);
}
