/* ctl_feed.c -- a loop, a client, and a source that is asked for more. */
#include "ctl/ctl_feed.h"

#include <curl/curl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_mem.h"
#include "door/mqtt/mqtt_client.h"

enum {
    FEED_KEPT = MQTT_CLIENT_KEPT - 100,
    FEED_FIRST_MS = 15000, /* for the first CONNACK */
    FEED_LAST_MS = 10000,  /* for the last PUBACKs after a signal */
    FEED_SECOND_MS = 1000,
    FEED_AGAIN_MS = 2000, /* between attempts, at most */
    FEED_BURST = 64,      /* messages made before the loop turns */
    FEED_SPACE = 5,       /* refusals for lack of space */
    FEED_ADDRESS = 64,
};

struct feed {
    const struct ctl_feed *source;
    struct sys_loop *sys;
    struct base_loop *loop;
    struct mqtt_client *client;
    struct base_stats stats;
    struct base_timer pump, second;
    struct base_task more;
    uint64_t made, acked, refused;
    int64_t give_up_ms; /* mono; 0: never */
    bool met, stopping, ended;
    enum ctl_exit result;
    const char *node;
};

static void
feed_stats(const struct feed *feed, struct ctl_feed_stats *ret)
{
    struct mqtt_client_stats stats;
    mqtt_client_stats(feed->client, &stats);
    *ret = (struct ctl_feed_stats){
        .made = feed->made,
        .acked = feed->acked,
        .refused = feed->refused,
        .waiting = stats.waiting,
        .sent = stats.sent,
        .on = stats.on,
    };
}

static void
feed_end(struct feed *feed, enum ctl_exit result)
{
    feed->result = result;
    sys_loop_stop(feed->sys);
}

/* --- making messages --- */

static unsigned
feed_waiting(const struct feed *feed)
{
    struct mqtt_client_stats stats;
    mqtt_client_stats(feed->client, &stats);
    return stats.waiting;
}

static void
feed_pump(struct feed *feed)
{
    struct ctl_feed_message message;
    for (unsigned i = 0; !feed->ended && feed_waiting(feed) < FEED_KEPT; i++) {
        if (i == FEED_BURST) {
            base_loop_post(feed->loop, &feed->more);
            return;
        }
        int got = feed->source->next(feed->source->self,
                                     base_loop_wall(feed->loop), &message);
        if (got > 0) {
            base_loop_timer(feed->loop, &feed->pump, got);
            return;
        }
        if (got == CTL_FEED_END) {
            feed->ended = true;
        } else {
            mqtt_client_publish(feed->client, message.topic, message.payload);
            feed->made++;
        }
    }
    if (feed->ended && feed_waiting(feed) == 0)
        feed_end(feed, CTL_OK);
}

static void
feed_more(struct base_task *task)
{
    feed_pump(BASE_OUTER(task, struct feed, more));
}

static void
feed_timer(struct base_timer *timer)
{
    feed_pump(BASE_OUTER(timer, struct feed, pump));
}

/* The door has answered: from now on it is waited for. */
static void
feed_meet(struct feed *feed)
{
    if (!feed->met && !feed->stopping)
        feed->give_up_ms = 0;
    feed->met = true;
}

static void
feed_answered(void *self, uint64_t number, uint8_t reason)
{
    struct feed *feed = self;
    feed_meet(feed);
    if (reason < 0x80)
        feed->acked++;
    else
        feed->refused++;
    feed->source->answered(feed->source->self, number, reason);
    base_loop_post(feed->loop, &feed->more);
}

/* --- once a second --- */

/* CONNACK codes that no waiting cures: client id, user, password, rights. */
static bool
feed_denied(uint8_t connack)
{
    return connack == 2 || connack == 4 || connack == 5 ||
           (connack >= 0x85 && connack <= 0x87) || connack == 0x8A;
}

/* Is it time to give up?  Says why. */
static bool
feed_hopeless(struct feed *feed, const struct mqtt_client_stats *stats)
{
    int64_t now_ms = base_loop_mono(feed->loop).ms;
    if (feed_denied(stats->connack)) {
        ctl_say("%s: the MQTT door refused the connection (code %02Xh): see "
                "--user, --password, --key",
                feed->node, stats->connack);
        feed_end(feed, CTL_REFUSED);
        return true;
    }
    if (stats->no_space >= FEED_SPACE) {
        ctl_say("%s has no space for more: see its limits and its disk",
                feed->node);
        feed_end(feed, CTL_REFUSED);
        return true;
    }
    if (feed->give_up_ms == 0 || now_ms < feed->give_up_ms)
        return false;
    if (!feed->met)
        ctl_say("cannot reach the MQTT door of %s (its base port + 1)",
                feed->node);
    feed_end(feed, feed->met ? CTL_OK : CTL_UNREACHED);
    return true;
}

static void
feed_second(struct base_timer *timer)
{
    struct feed *feed = BASE_OUTER(timer, struct feed, second);
    struct mqtt_client_stats client;
    struct ctl_feed_stats stats;
    mqtt_client_stats(feed->client, &client);
    if (client.on)
        feed_meet(feed);
    if (feed_hopeless(feed, &client))
        return;
    feed_stats(feed, &stats);
    if (feed->source->progress)
        feed->source->progress(feed->source->self, &stats);
    base_loop_timer(feed->loop, &feed->second, FEED_SECOND_MS);
}

static void
feed_signalled(void *self)
{
    struct feed *feed = self;
    feed->stopping = true;
    feed->source->stop(feed->source->self);
    feed->give_up_ms = base_loop_mono(feed->loop).ms + FEED_LAST_MS;
    feed_pump(feed);
}

/* --- where to --- */

/* The numeric address of a host; false: none. */
static bool
feed_resolve(const char *host, char *to)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    size_t size = strlen(host);
    char bare[256];
    if (size > 2 && host[0] == '[') /* [::1] */
        snprintf(bare, sizeof bare, "%.*s", (int)size - 2, host + 1);
    else
        snprintf(bare, sizeof bare, "%s", host);
    if (getaddrinfo(bare, NULL, &hints, &found) != 0)
        return false;
    bool good = getnameinfo(found->ai_addr, found->ai_addrlen, to, FEED_ADDRESS,
                            NULL, 0, NI_NUMERICHOST) == 0;
    freeaddrinfo(found);
    return good;
}

static enum ctl_exit
feed_door(const char *node, char *to, uint16_t *ret_port)
{
    char *host = NULL, *port = NULL, *scheme = NULL;
    enum ctl_exit result = CTL_OK;
    CURLU *url = curl_url();
    if (curl_url_set(url, CURLUPART_URL, node, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) !=
            CURLUE_OK ||
        atoi(port) >= 65535) {
        ctl_say("%s is not the URL of a node", node);
        result = CTL_USAGE;
    } else if (strcmp(scheme, "http") != 0) {
        ctl_say("%s: samples go through the plain MQTT door: give http://",
                node);
        result = CTL_USAGE;
    } else if (!feed_resolve(host, to)) {
        ctl_say("%s: the host has no address", node);
        result = CTL_UNREACHED;
    } else {
        *ret_port = (uint16_t)(atoi(port) + 1);
    }
    curl_free(host);
    curl_free(port);
    curl_free(scheme);
    curl_url_cleanup(url);
    return result;
}

/* --- the whole --- */

static enum ctl_exit
feed_loop(struct feed *feed, struct net *net, const char *address,
          uint16_t port, struct ctl_feed_stats *ret_stats)
{
    const struct ctl_feed *source = feed->source;
    struct mqtt_client_config config = {
        .loop = feed->loop,
        .net = net,
        .address = address,
        .port = port,
        .version = source->version,
        .wait_max_ms = FEED_AGAIN_MS,
        .id = source->id,
        .user = source->user,
        .password = source->password,
        .name = "feed",
        .stats = &feed->stats,
        .answered = feed_answered,
        .self = feed,
    };
    feed->client = mqtt_client_new(&config);
    feed->pump.fn = feed_timer;
    feed->second.fn = feed_second;
    feed->more.fn = feed_more;
    feed->give_up_ms = base_loop_mono(feed->loop).ms + FEED_FIRST_MS;
    base_loop_timer(feed->loop, &feed->pump, 0);
    base_loop_timer(feed->loop, &feed->second, FEED_SECOND_MS);
    sys_loop_run(feed->sys);
    feed_stats(feed, ret_stats);
    mqtt_client_free(feed->client);
    return feed->result;
}

enum ctl_exit
ctl_feed_run(const struct ctl *ctl, const struct ctl_feed *source,
             struct ctl_feed_stats *ret_stats)
{
    struct feed feed = {.source = source, .node = ctl->node};
    struct net *net = NULL;
    char address[FEED_ADDRESS];
    uint16_t port = 0;
    enum ctl_exit bad = feed_door(ctl->node, address, &port);
    if (bad != CTL_OK)
        return bad;
    base_stat_init(&feed.stats);
    if (sys_loop_new("feed", &feed.sys) != ERR_OK ||
        sys_loop_signal(feed.sys, SIGINT, feed_signalled, &feed) != ERR_OK ||
        sys_loop_signal(feed.sys, SIGTERM, feed_signalled, &feed) != ERR_OK ||
        net_new(feed.sys, &feed.stats, &net) != ERR_OK) {
        ctl_say("no event loop");
        return CTL_UNREACHED;
    }
    feed.loop = sys_loop_base(feed.sys);
    bad = feed_loop(&feed, net, address, port, ret_stats);
    net_free(net);
    sys_loop_free(feed.sys);
    base_stat_done(&feed.stats);
    return bad;
}

enum ctl_exit
ctl_feed_credentials(const struct ctl *ctl, struct ctl_feed *feed, char *room,
                     size_t size)
{
    const char *key = ctl_value(ctl, "key");
    feed->user = ctl_value(ctl, "user");
    feed->password = ctl_value(ctl, "password");
    if (key == NULL)
        return CTL_OK;
    FILE *file = fopen(key, "r");
    char *got = file ? fgets(room, (int)size, file) : NULL;
    char *colon = got ? strchr(got, ':') : NULL;
    if (file)
        fclose(file);
    if (colon == NULL || feed->user != NULL) {
        ctl_say("%s: --key is a file with one line, USER:PASSWORD, instead of "
                "--user and --password",
                key);
        return CTL_USAGE;
    }
    got[strcspn(got, "\r\n")] = '\0';
    *colon = '\0';
    feed->user = got;
    feed->password = colon + 1;
    return CTL_OK;
}
