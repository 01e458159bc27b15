/* ctl_plant.c -- `dougong plant pump|machining|electronics|check`.
 *
 *   from          now (start)                    live
 *    |---- N h ----->|------------------------------------->
 *    sent --speed times as fast; it never runs ahead of the clock:
 *    an end of `hours` at speed N is reached when it is the present. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/base_mem.h"
#include "base/base_num.h"
#include "ctl/ctl_feed.h"
#include "ctl/plant/plant_check.h"
#include "ctl/plant/plant_machine.h"
#include "ctl/plant/plant_register.h"

enum { PLANT_TOPIC = 160, PLANT_SPEED_MAX = 1000000, PLANT_WAIT_MS = 250 };

static const struct plant_works *const plant_list[] = {
    &plant_pump, &plant_machining, &plant_electronics};

struct plant_run {
    struct plant plant;
    uint64_t seed, speed;
    int64_t hours_ms, start_ms, from_ms, to_ms; /* to_ms: INT64_MAX: no end */
    int64_t began_ms;                           /* by the clock */
    bool live, stopped, terminal;
    unsigned next; /* in the queue */
    uint64_t messages, acked;
    char topic[PLANT_TOPIC];
};

/* --- options --- */

static bool
plant_number(const struct ctl *ctl, const char *name, uint64_t low,
             uint64_t high, uint64_t *ret_value)
{
    const char *text = ctl_value(ctl, name);
    if (text == NULL)
        return true;
    if (base_bytes_u64(base_bytes_text(text), ret_value) == ERR_OK &&
        *ret_value >= low && *ret_value <= high)
        return true;
    ctl_say("--%s %s: a whole number from %" PRIu64 " to %" PRIu64, name, text,
            low, high);
    return false;
}

static bool
plant_hours(const struct ctl *ctl, int64_t *ret_ms)
{
    const char *text = ctl_value(ctl, "hours");
    struct dec hours;
    int64_t milli;
    if (text == NULL)
        return true;
    if (base_dec_parse(base_bytes_text(text), &hours) == ERR_OK &&
        base_dec_to(hours, 3, BASE_DEC_CUT, &milli) == ERR_OK && milli > 0 &&
        milli <= 10000000) {
        *ret_ms = milli * 3600;
        return true;
    }
    ctl_say("--hours %s: a number of hours, like 8 or 0.5, at most 10,000",
            text);
    return false;
}

static bool
plant_start(const struct ctl *ctl, int64_t *ret_ms)
{
    const char *text = ctl_value(ctl, "start");
    struct wall start;
    if (text == NULL)
        return true;
    if (base_time_parse(base_bytes_text(text), &start) == ERR_OK) {
        *ret_ms = start.ms;
        return true;
    }
    ctl_say("--start %s: a time like 2026-11-22T08:00:00Z", text);
    return false;
}

static bool
plant_options(const struct ctl *ctl, struct plant_run *run)
{
    run->seed = run->speed = 1;
    run->live = ctl_value(ctl, "live") != NULL;
    if (!plant_number(ctl, "seed", 0, UINT64_MAX, &run->seed) ||
        !plant_number(ctl, "speed", 1, PLANT_SPEED_MAX, &run->speed) ||
        !plant_hours(ctl, &run->hours_ms) || !plant_start(ctl, &run->start_ms))
        return false;
    if (run->hours_ms == 0 &&
        (run->speed > 1 || run->start_ms || ctl_value(ctl, "dry-run"))) {
        ctl_say("--speed, --start and --dry-run need --hours: how much there "
                "is to tell");
        return false;
    }
    return true;
}

/* When it begins and ends; both whole, on minutes and seconds. */
static void
plant_span(struct plant_run *run, int64_t now_ms)
{
    int64_t back_ms = run->hours_ms - run->hours_ms / (int64_t)run->speed;
    run->began_ms = now_ms;
    run->from_ms = run->start_ms ? run->start_ms : now_ms - back_ms;
    run->from_ms -= run->from_ms % 60000;
    run->to_ms =
        run->hours_ms && !run->live ? run->from_ms + run->hours_ms : INT64_MAX;
    run->to_ms -= run->to_ms % 1000;
}

/* --- messages --- */

/* What may have happened by now. */
static int64_t
plant_until(const struct plant_run *run, int64_t now_ms)
{
    int64_t gone_ms = now_ms - run->began_ms, until_ms = now_ms;
    if (gone_ms < (now_ms - run->from_ms) / (int64_t)run->speed)
        until_ms = run->from_ms + gone_ms * (int64_t)run->speed;
    return until_ms < run->to_ms ? until_ms : run->to_ms;
}

static struct ctl_feed_message
plant_message(struct plant_run *run, unsigned index)
{
    struct plant *plant = &run->plant;
    const struct plant_message *message = &plant->queue[index];
    int size = snprintf(run->topic, sizeof run->topic, "d/%s/t",
                        plant->machines[message->machine].id);
    return (struct ctl_feed_message){
        .topic = base_bytes(run->topic, (size_t)size),
        .payload = base_bytes(plant->payloads.at + message->at, message->size),
    };
}

static int
plant_next(void *self, struct wall now, struct ctl_feed_message *ret)
{
    struct plant_run *run = self;
    struct plant *plant = &run->plant;
    while (run->next == plant->queued) {
        if (run->stopped || plant->now_ms >= run->to_ms)
            return CTL_FEED_END;
        if (plant->now_ms + 1000 > plant_until(run, now.ms))
            return PLANT_WAIT_MS;
        run->next = 0;
        plant_machine_second(plant);
    }
    *ret = plant_message(run, run->next++);
    run->messages++;
    return CTL_FEED_MESSAGE;
}

static void
plant_answered(void *self, uint64_t number, uint8_t reason)
{
    struct plant_run *run = self;
    (void)number;
    if (reason < 0x80)
        run->acked++;
    else if (run->messages - run->acked < 5)
        ctl_say("a message was refused with %02Xh: is the node's prefix that "
                "of the plant (--prefix), and may it register machines?",
                reason);
}

static void
plant_stop(void *self)
{
    struct plant_run *run = self;
    run->stopped = true;
}

static void
plant_progress(void *self, const struct ctl_feed_stats *stats)
{
    struct plant_run *run = self;
    char text[BASE_TIME_TEXT];
    if (!run->terminal)
        return;
    fprintf(stderr,
            "\r%s (simulated): %.19sZ  %" PRIu64 " told, %" PRIu64
            " acknowledged%s\033[K",
            run->plant.works->name,
            base_time_text((struct wall){run->plant.now_ms}, 0, text),
            stats->made, stats->acked, stats->on ? "" : ", waiting for node");
}

/* --- the whole --- */

static void
plant_print(struct plant_run *run)
{
    struct ctl_feed_message message;
    while (run->plant.now_ms < run->to_ms) {
        plant_machine_second(&run->plant);
        for (unsigned i = 0; i < run->plant.queued; i++) {
            message = plant_message(run, i);
            printf("%.*s %.*s\n", (int)message.topic.size, message.topic.at,
                   (int)message.payload.size, message.payload.at);
            run->messages++;
        }
    }
}

static enum ctl_exit
plant_feed(const struct ctl *ctl, struct plant_run *run)
{
    char id[96], room[512];
    struct ctl_feed_stats stats = {0};
    struct ctl_feed feed = {
        .id = id,
        .version = run->plant.works->mqtt,
        .next = plant_next,
        .answered = plant_answered,
        .stop = plant_stop,
        .progress = plant_progress,
        .self = run,
    };
    enum ctl_exit result = ctl_feed_credentials(ctl, &feed, room, sizeof room);
    if (result == CTL_OK)
        result = plant_register_machines(ctl, &run->plant);
    if (result != CTL_OK)
        return result;
    /* an identifier, or one with ":" behind it (spec connect 7) */
    snprintf(id, sizeof id, "%s:plant-%s", feed.user ? feed.user : "gateway",
             run->plant.works->name);
    result = ctl_feed_run(ctl, &feed, &stats);
    if (run->terminal)
        fputc('\n', stderr);
    if (result == CTL_OK)
        printf("%s (simulated): %" PRIu64 " messages, %" PRIu64
               " acknowledged, %" PRIu64 " refused, %" PRId64 " sent\n",
               run->plant.works->name, stats.made, stats.acked, stats.refused,
               stats.sent);
    if (result == CTL_OK && stats.acked < stats.made)
        result = stats.refused ? CTL_REFUSED : CTL_NO;
    return result;
}

static enum ctl_exit
plant_go(const struct ctl *ctl, struct plant_run *run,
         const struct plant_works *works, FILE *truth)
{
    const char *prefix = ctl_value(ctl, "prefix");
    struct timespec now;
    enum ctl_exit result = CTL_OK;
    clock_gettime(CLOCK_REALTIME, &now);
    plant_span(run, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    run->terminal = isatty(STDERR_FILENO) != 0;
    if (truth)
        fprintf(truth,
                "{\"truth\":\"plant\",\"simulated\":true,\"works\":\"%s\","
                "\"prefix\":\"%s\",\"seed\":%" PRIu64 ",\"from_ms\":%" PRId64
                "}\n",
                works->name, prefix ? prefix : works->prefix, run->seed,
                run->from_ms);
    plant_machine_open(&run->plant, works, prefix, run->seed, run->from_ms,
                       truth);
    if (ctl_value(ctl, "dry-run"))
        plant_print(run);
    else
        result = plant_feed(ctl, run);
    plant_truth_end(&run->plant.truth, run->plant.now_ms, run->messages,
                    run->acked);
    plant_machine_shut(&run->plant);
    return result;
}

enum ctl_exit
ctl_plant(struct ctl *ctl)
{
    const char *name = ctl->command->verb, *path = ctl_value(ctl, "truth");
    unsigned which = 0;
    while (which + 1 < BASE_COUNT(plant_list) &&
           strcmp(plant_list[which]->name, name) != 0)
        which++;
    struct plant_run *run = base_mem_zero(sizeof *run);
    FILE *truth = NULL;
    enum ctl_exit result = CTL_USAGE;
    if (!plant_options(ctl, run)) {
        /* said */
    } else if (path && !(truth = fopen(path, "w"))) {
        ctl_say("%s cannot be written", path);
    } else {
        result = plant_go(ctl, run, plant_list[which], truth);
    }
    if (truth && (fflush(truth) != 0 || ferror(truth))) {
        ctl_say("%s was not written whole", path);
        result = CTL_NO;
    }
    if (truth)
        fclose(truth);
    base_mem_free(run);
    return result;
}

enum ctl_exit
ctl_plant_check(struct ctl *ctl)
{
    return plant_check_files(ctl);
}
