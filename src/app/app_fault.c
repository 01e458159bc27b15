/* app_fault.c -- see app_fault.h. */
#include "app/app_fault.h"

#include "app/app_parts.h"
#include "base/base_mem.h"

enum {
    FAULT_LOOK_MS = 200,
    FAULT_TELL = 5, /* looks */
    FAULT_FILE = 64 << 10,
    FAULT_ARENA = 256 << 10,
    FAULT_PATH = 600,
    FAULT_DELAY_MS = 60000,
};

static const char *
fault_path(struct app_parts *parts, char *to, const char *name,
           const char *prefix)
{
    snprintf(to, FAULT_PATH, "%s/%s%s%s.json", parts->config->demonstration,
             name, prefix[0] ? "-" : "", prefix);
    return to;
}

/* --- what api/break may not know --- */

static enum err
fault_status(void *self, struct base_arena *arena, struct bytes *ret_json)
{
    struct app_fault *fault = self;
    char path[FAULT_PATH];
    return sys_file_load(fault->parts->files,
                         fault_path(fault->parts, path, "status", ""),
                         FAULT_FILE, arena, ret_json);
}

static enum err
fault_wish(void *self, struct bytes json)
{
    struct app_fault *fault = self;
    char path[FAULT_PATH];
    return sys_file_save(fault->parts->files,
                         fault_path(fault->parts, path, "wish", ""), json,
                         false);
}

/* --- what is done to this node --- */

static unsigned
fault_number(const json_t *from, const char *name, unsigned most)
{
    json_int_t value = json_integer_value(json_object_get(from, name));
    return value <= 0 ? 0 : value > most ? most : (unsigned)value;
}

/* What is not there, not read, or over, is no fault. */
static struct tier_fault_plan
fault_plan(struct bytes text, struct wall now)
{
    struct tier_fault_plan plan = {0};
    json_t *from = json_loadb((const char *)text.at, text.size, 0, NULL);
    if (json_integer_value(json_object_get(from, "until_ms")) > now.ms)
        plan = (struct tier_fault_plan){
            .repeat = fault_number(from, "repeat", 1000),
            .delay = fault_number(from, "delay", 1000),
            .reorder = fault_number(from, "reorder", 1000),
            .delay_ms = fault_number(from, "delay_ms", FAULT_DELAY_MS),
            .cut = json_is_true(json_object_get(from, "cut")),
        };
    json_decref(from);
    return plan;
}

static void
fault_tell(struct app_fault *fault)
{
    struct app_parts *parts = fault->parts;
    struct tier_fault_counts counts = tier_fault_counts(parts->tier);
    char path[FAULT_PATH], text[256];
    if (memcmp(&counts, &fault->told, sizeof counts) == 0)
        return;
    int size = snprintf(
        text, sizeof text,
        "{\"repeated\":%llu,\"delayed\":%llu,"
        "\"reordered\":%llu,\"cuts\":%llu}\n",
        (unsigned long long)counts.repeated, (unsigned long long)counts.delayed,
        (unsigned long long)counts.reordered, (unsigned long long)counts.cuts);
    if (sys_file_save(parts->files,
                      fault_path(parts, path, "counts", parts->config->node),
                      base_bytes(text, (size_t)size), false) == ERR_OK)
        fault->told = counts;
}

static void
fault_look(struct base_timer *timer)
{
    struct app_fault *fault = BASE_OUTER(timer, struct app_fault, timer);
    struct app_parts *parts = fault->parts;
    char path[FAULT_PATH];
    struct base_arena arena;
    struct bytes text = {0};
    base_arena_init(&arena, FAULT_ARENA);
    if (sys_file_load(parts->files,
                      fault_path(parts, path, "faults", parts->config->node),
                      FAULT_FILE, &arena, &text) != ERR_OK)
        text = (struct bytes){0};
    struct tier_fault_plan plan =
        fault_plan(text, base_loop_wall(parts->state));
    tier_fault_set(parts->tier, &plan);
    base_arena_done(&arena);
    if (fault->looks++ % FAULT_TELL == 0)
        fault_tell(fault);
    base_loop_timer(parts->state, &fault->timer, FAULT_LOOK_MS);
}

/* --- opening --- */

enum err
app_fault_open(struct app_parts *parts)
{
    struct app_fault *fault = &parts->fault;
    bool demonstration = parts->config->demonstration[0] != '\0';
    fault->parts = parts;
    fault->api = (struct api_break){
        .demonstration = demonstration,
        .audit = &parts->audit.log.model,
        .node = parts->config->node,
        .status = fault_status,
        .wish = fault_wish,
        .self = fault,
    };
    if (!demonstration)
        return ERR_OK;
    enum err err = sys_file_folders(parts->files, parts->config->demonstration);
    if (err != ERR_OK)
        return base_err_note(parts->note, err, "%s: %s",
                             parts->config->demonstration, base_err_text(err));
    tier_fault_open(parts->tier);
    fault->timer.fn = fault_look;
    base_loop_timer(parts->state, &fault->timer, 0);
    return ERR_OK;
}

enum err
app_fault_http(struct app_parts *parts)
{
    struct net_http_route routes[API_BREAK_ROUTES];
    api_break_routes(&parts->fault.api, parts->state, routes);
    return net_http_routes(parts->http, routes, API_BREAK_ROUTES);
}
