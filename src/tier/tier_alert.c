/* tier_alert.c -- what a person must know: the log, a counter, a row.
 *
 * STORE_TABLE_ALERT, in the node's environment; the newest TIER_ALERTS stay:
 *   key    8 number, BE, rising
 *   value  0 1 version 1   1 8 time, ms (LE)   9 1 length, 10 - event word
 *          then the text */
#include <stdarg.h>
#include <stdio.h>

#include "tier/tier_inner.h"

enum { ALERT_VERSION = 1, ALERT_TEXT = 400, ALERT_ROW = 512 };

static struct bytes
alert_key(uint64_t number, uint8_t to[8])
{
    struct base_out out;
    base_out_fixed(&out, to, 8);
    base_out_u64be(&out, number);
    return base_out_bytes(&out);
}

static uint64_t
alert_next(struct tier *tier)
{
    uint8_t last[8];
    struct bytes key, value;
    if (tier->alert_next == 0) {
        tier->alert_next = 1;
        if (store_kv_last(store_kv_now(tier->config.kvs[0]), STORE_TABLE_ALERT,
                          base_bytes(NULL, 0), alert_key(UINT64_MAX, last),
                          &key, &value) == ERR_OK) {
            struct base_cur cur;
            base_cur_init(&cur, key);
            tier->alert_next = base_cur_u64be(&cur) + 1;
        }
    }
    return tier->alert_next++;
}

static void
alert_put(struct tier *tier, const char *event, const char *text)
{
    uint8_t key[8], room[ALERT_ROW];
    struct store_kv *kv = tier->config.kvs[0];
    struct base_out out;
    uint64_t number = alert_next(tier);
    base_out_fixed(&out, room, sizeof room);
    base_out_u8(&out, ALERT_VERSION);
    base_out_u64le(&out, (uint64_t)base_loop_wall(tier->config.loop).ms);
    wire_hello_text_write(&out, base_bytes_text(event));
    base_out_text(&out, text);
    struct store_kv_batch *batch = store_kv_batch_new(kv);
    store_kv_put(batch, STORE_TABLE_ALERT, alert_key(number, key),
                 base_out_bytes(&out));
    if (number > TIER_ALERTS)
        store_kv_del(batch, STORE_TABLE_ALERT,
                     alert_key(number - TIER_ALERTS, key));
    store_kv_commit(kv, batch, NULL, NULL); /* the log has it anyway */
}

void
tier_alert_raise(struct tier *tier, const char *event, const char *fmt, ...)
{
    char text[ALERT_TEXT];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    tier_inner_count(tier, TIER_STAT_ALERTS, 1);
    base_log_say(tier->config.log, BASE_LOG_WARN, "tier", event, "%s", text);
    alert_put(tier, event, text);
}

void
tier_alert(struct tier *tier, const char *event, const char *text)
{
    tier_alert_raise(tier, event, "%s", text);
}

void
tier_alert_refused(struct tier_peer *peer, const char *fmt, ...)
{
    char text[ALERT_TEXT];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    char **at = &peer->refusals[peer->refusal_at++ % TIER_REFUSALS];
    base_mem_free(*at);
    *at = base_mem_text(text);
    base_log_say(peer->tier->config.log, BASE_LOG_INFO, "tier", "refused",
                 "peer=%s %s", peer->prefix, text);
}

/* false: of a version that is not known here. */
static bool
alert_read(struct bytes key, struct bytes value,
           struct tier_alert_view *ret_view)
{
    struct base_cur cur;
    base_cur_init(&cur, key);
    ret_view->number = base_cur_u64be(&cur);
    base_cur_init(&cur, value);
    uint8_t version = base_cur_u8(&cur);
    ret_view->time_ms = (int64_t)base_cur_u64le(&cur);
    ret_view->event = base_cur_take(&cur, base_cur_u8(&cur));
    ret_view->text = base_cur_rest(&cur);
    return base_cur_ok(&cur) && version == ALERT_VERSION;
}

void
tier_alert_list(struct tier *tier, uint64_t before, unsigned limit,
                void (*fn)(void *self, const struct tier_alert_view *view),
                void *self)
{
    struct store_kv_snap *snap = store_kv_now(tier->config.kvs[0]);
    uint64_t number = before - 1; /* of 0: the greatest */
    for (unsigned i = 0; i < limit && i < TIER_ALERTS && number > 0; i++) {
        uint8_t last[8];
        struct bytes key, value;
        struct tier_alert_view view;
        if (store_kv_last(snap, STORE_TABLE_ALERT, base_bytes(NULL, 0),
                          alert_key(number, last), &key, &value) != ERR_OK)
            return;
        bool known = alert_read(key, value, &view);
        number = view.number - 1;
        if (known)
            fn(self, &view);
    }
}
