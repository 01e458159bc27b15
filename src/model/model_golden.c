/* model_golden.c -- running a pack's examples. */
#include "model/model_golden.h"

#include <stdio.h>

#include "base/base_mem.h"
#include "model/model_attr.h"
#include "model/model_fold.h"
#include "model/model_return.h"
#include "model/model_yaml.h"

enum { GOLDEN_MEMORY = 64 << 20 };

struct golden_fault { /* a unit fails a check */
    struct golden_fault *next;
    struct bytes unit;
    int check, item; /* as in model_return_result */
};

struct golden {
    const struct model_pack *pack;
    struct model_yaml yaml;
    struct model_golden_sink *sink;
    struct model_golden_count count;
    const char *name; /* of the case under way */
    struct wall start, end;
    struct model_figure total;
    uint32_t window;
    uint64_t measures_seen, checks_seen;
    struct golden_fault *faults; /* of the case, the last first */
    bool metrics_seen[MODEL_PACK_METRICS];
};

static const struct model_yaml_key golden_keys[] = {
    {"cases", MODEL_YAML_LIST | MODEL_YAML_MUST},
};

static const struct model_yaml_key case_keys[] = {
    {"name", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
    {"window", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
    {"units", MODEL_YAML_MAP | MODEL_YAML_MUST},
    {"expect", MODEL_YAML_MAP | MODEL_YAML_MUST},
};

static const struct model_yaml_key unit_keys[] = {
    {"class", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
    {"codes", MODEL_YAML_MAP},
    {"inputs", MODEL_YAML_MAP},
    {"samples", MODEL_YAML_MAP},
};

static const struct model_yaml_key expect_keys[] = {
    {"expected", MODEL_YAML_SCALAR}, {"reported", MODEL_YAML_SCALAR},
    {"measures", MODEL_YAML_MAP},    {"metrics", MODEL_YAML_MAP},
    {"checks", MODEL_YAML_MAP},
};

static void
golden_say(struct golden *golden, const struct model_yaml_node *at,
           const char *kind, const char *name, const char *expected,
           const char *got)
{
    char what[80];
    snprintf(what, sizeof what, "%s%s%s", kind, *name ? " " : "", name);
    struct model_golden_result result = {
        .file = at ? at->file : "",
        .line = at ? at->line : 0,
        .name = golden->name,
        .what = what,
        .expected = expected,
        .got = got,
        .passed = strcmp(expected, got) == 0,
    };
    golden->count.checks++;
    golden->count.failures += !result.passed;
    if (golden->sink)
        golden->sink->take(golden->sink, &result);
}

/* The input that a key names, or -1. */
static int
golden_input(struct golden *golden, const struct model_yaml_node *node)
{
    for (unsigned i = 0; i < golden->pack->input_count; i++)
        if (base_bytes_is(node->key->text, golden->pack->inputs[i].name))
            return (int)i;
    model_yaml_fail(&golden->yaml, node->key, ERR_NAME,
                    "the pack has no input %s",
                    (const char *)node->key->text.at);
    return -1;
}

/* "-5s", "55s", "0s" */
static int64_t
golden_time(struct golden *golden, const struct model_yaml_node *node)
{
    const char *text = model_yaml_text(&golden->yaml, node, "0s");
    bool before = text[0] == '-';
    int64_t span = 0;
    if (base_time_span(base_bytes_text(text + before), &span) != ERR_OK ||
        span > INT64_C(400) * 86400000)
        model_yaml_fail(&golden->yaml, node, ERR_TYPE,
                        "expected a span from the window's start, such as "
                        "-5s or 55s, found %s",
                        text);
    return golden->start.ms + (before ? -span : span);
}

/* [[time, value], ...] folded into one input's value. */
static void
golden_fold(struct golden *golden, const struct model_yaml_node *list,
            unsigned input, uint64_t *mask, int64_t *value)
{
    struct model_yaml *yaml = &golden->yaml;
    const struct model_yaml_node *pair;
    size_t count = 0;
    if (!model_yaml_is(yaml, list, MODEL_YAML_LIST))
        return;
    struct model_fold_sample *samples =
        base_arena_alloc(yaml->arena, list->count * sizeof *samples);
    if (!samples) {
        model_yaml_full(yaml);
        return;
    }
    for (pair = model_yaml_first(list); pair; pair = pair->next) {
        struct model_fold_sample *sample = &samples[count];
        if (pair->kind != MODEL_YAML_LIST || pair->count != 2) {
            model_yaml_fail(yaml, pair, ERR_TYPE, "expected [time, value]");
            return;
        }
        sample->t_ms = golden_time(golden, pair->first);
        const char *text = model_yaml_text(yaml, pair->first->next, "0");
        if (base_num_parse(base_bytes_text(text), &sample->num) != ERR_OK)
            model_yaml_fail(yaml, pair->first->next, ERR_TYPE,
                            "expected a number, found %s", text);
        if (count > 0 && samples[count - 1].t_ms > sample->t_ms)
            model_yaml_fail(yaml, pair, ERR_TIME, "samples rise in time");
        count++;
    }
    if (model_yaml_ok(yaml) &&
        model_fold(&golden->pack->inputs[input], golden->start, golden->end,
                   samples, count, value, NULL) == ERR_OK)
        *mask |= UINT64_C(1) << input;
}

/* {region: "310000"} as a line of model_attr. */
static struct bytes
golden_codes(struct golden *golden, const struct model_yaml_node *map)
{
    const struct model_yaml_node *member;
    uint8_t rooms[2][MODEL_ATTR_MAX];
    struct bytes line = base_bytes_text("");
    unsigned turn = 0;
    for (member = model_yaml_first(map); member;
         member = member->next, turn ^= 1) {
        const char *pair = base_arena_format(
            golden->yaml.arena, "%s=%s", (const char *)member->key->text.at,
            model_yaml_text(&golden->yaml, member, ""));
        struct base_out out;
        base_out_fixed(&out, rooms[turn], sizeof rooms[turn]);
        if (!pair || model_attr_check(base_bytes_text(pair)) != ERR_OK) {
            model_yaml_fail(&golden->yaml, member, ERR_NAME, "not a code");
            break;
        }
        model_attr_merge(line, base_bytes_text(pair), &out);
        line = base_out_bytes(&out);
    }
    return base_arena_bytes(golden->yaml.arena, line);
}

static void
golden_checks(struct golden *golden, struct bytes unit,
              const struct model_value_row *row)
{
    struct model_return_result *results;
    unsigned count = 0;
    if (model_return_check(golden->pack, row, golden->yaml.arena, &results,
                           &count) != ERR_OK)
        model_yaml_full(&golden->yaml);
    for (unsigned i = 0; i < count; i++) {
        struct golden_fault *fault =
            base_arena_alloc(golden->yaml.arena, sizeof *fault);
        if (!fault)
            return;
        *fault = (struct golden_fault){golden->faults, unit, results[i].check,
                                       results[i].item};
        golden->faults = fault;
    }
}

/* One unit's values, into the total; its checks. */
static void
golden_count_unit(struct golden *golden, const struct model_yaml_node *node,
                  uint64_t mask, const int64_t *values)
{
    struct model_yaml *yaml = &golden->yaml;
    struct model_figure figure;
    struct model_value_row row = {
        .mask = mask, .values = values, .window = golden->window};
    struct bytes codes = golden_codes(golden, model_yaml_get(node, "codes"));
    if (!model_yaml_ok(yaml) ||
        !model_pack_in_scope(golden->pack, node->key->text,
                             model_yaml_get(node, "class")->text, codes))
        return;
    if (!model_pack_cell(golden->pack, codes, &row.cell)) {
        model_yaml_fail(yaml, node, ERR_NAME,
                        "the unit has no place in the pack's dims: codes");
        return;
    }
    model_value_unit(golden->pack, &row, &figure);
    if (model_figure_add(&golden->total, &figure, 1) != ERR_OK)
        model_yaml_fail(yaml, node, ERR_RANGE, "the sum is out of range");
    golden_checks(golden, node->key->text, &row);
}

static void
golden_unit(struct golden *golden, const struct model_yaml_node *node)
{
    const struct model_yaml_node *member;
    struct model_yaml *yaml = &golden->yaml;
    int64_t values[MODEL_PACK_INPUTS] = {0};
    uint64_t mask = 0;
    int input;
    model_yaml_map(yaml, node, unit_keys, BASE_COUNT(unit_keys), NULL);
    for (member = model_yaml_first(model_yaml_get(node, "inputs")); member;
         member = member->next) {
        struct dec value = model_yaml_dec(yaml, member, (struct dec){0});
        if ((input = golden_input(golden, member)) < 0)
            return;
        if (base_dec_to(value, golden->pack->inputs[input].scale,
                        BASE_DEC_HALF_EVEN, &values[input]) != ERR_OK)
            model_yaml_fail(yaml, member, ERR_RANGE, "too big");
        mask |= UINT64_C(1) << input;
    }
    for (member = model_yaml_first(model_yaml_get(node, "samples")); member;
         member = member->next) {
        if ((input = golden_input(golden, member)) < 0)
            return;
        golden_fold(golden, member, (unsigned)input, &mask, &values[input]);
    }
    if (model_yaml_ok(yaml))
        golden_count_unit(golden, node, mask, values);
}

static const char *
golden_text(enum err err, struct dec value, unsigned digits, char *to)
{
    return err == ERR_OK ? base_dec_text(value, (int)digits, to)
                         : base_err_name(err);
}

static void
golden_count(struct golden *golden, const struct model_yaml_node *expect,
             const char *what, unsigned slot)
{
    const struct model_yaml_node *node = model_yaml_get(expect, what);
    char got[BASE_DEC_TEXT];
    if (node)
        golden_say(golden, node, what, "",
                   model_yaml_text(&golden->yaml, node, ""),
                   base_dec_int_text(golden->total.slots[slot].sum, got));
}

static void
golden_value(struct golden *golden, const struct model_yaml_node *node,
             bool metric)
{
    const struct model_pack *pack = golden->pack;
    struct dec value = {0};
    char got[BASE_DEC_TEXT];
    int index = metric ? model_pack_metric_find(pack, node->key->text)
                       : model_pack_measure_find(pack, node->key->text);
    const char *name = (const char *)node->key->text.at;
    if (index < 0) {
        model_yaml_fail(&golden->yaml, node->key, ERR_NAME,
                        "the pack has no %s %s", metric ? "metric" : "measure",
                        name);
        return;
    }
    enum err err =
        metric
            ? model_value_metric(pack, (unsigned)index, &golden->total, &value)
            : model_value_total(pack, (unsigned)index, &golden->total, &value);
    unsigned digits =
        metric ? pack->metrics[index].digits : pack->measures[index].scale;
    golden_say(golden, node, metric ? "metric" : "measure", name,
               model_yaml_text(&golden->yaml, node, ""),
               golden_text(err, value, digits, got));
    if (metric)
        golden->metrics_seen[index] = true;
    else
        golden->measures_seen |= UINT64_C(1) << index;
}

static int
golden_check_find(const struct model_pack *pack, struct bytes name)
{
    for (unsigned i = 0; i < pack->check_count; i++)
        if (base_bytes_is(name, pack->checks[i].name))
            return (int)i;
    return -1;
}

/* Who fails it: "88.31.1001/a 88.31.1001/b". */
static void
golden_check(struct golden *golden, const struct model_yaml_node *node)
{
    int check = golden_check_find(golden->pack, node->key->text), item = -1;
    const char *got = "";
    if (check < 0 && (item = golden_input(golden, node)) < 0)
        return;
    for (struct golden_fault *fault = golden->faults; fault && got;
         fault = fault->next)
        if (fault->check == check && (check >= 0 || fault->item == item))
            got = base_arena_format(
                golden->yaml.arena, "%.*s%s%s", (int)fault->unit.size,
                (const char *)fault->unit.at, *got ? " " : "", got);
    if (check >= 0 && got && *got)
        golden->checks_seen |= UINT64_C(1) << check;
    golden_say(golden, node, "check", (const char *)node->key->text.at,
               (const char *)node->text.at, got ? got : "too much");
}

static void
golden_case(struct golden *golden, const struct model_yaml_node *node)
{
    struct model_yaml *yaml = &golden->yaml;
    const struct model_yaml_node *at = model_yaml_get(node, "window"), *member,
                                 *expect = model_yaml_get(node, "expect");
    model_yaml_map(yaml, node, case_keys, BASE_COUNT(case_keys), NULL);
    model_yaml_map(yaml, expect, expect_keys, BASE_COUNT(expect_keys), NULL);
    golden->name = model_yaml_text(yaml, model_yaml_get(node, "name"), "");
    golden->total = (struct model_figure){0};
    golden->faults = NULL;
    golden->count.cases++;
    if (!model_yaml_ok(yaml))
        return;
    if (model_calendar_parse(&golden->pack->calendar, at->text,
                             &golden->window) != ERR_OK ||
        !model_pack_freq(golden->pack, model_window_freq(golden->window)) ||
        model_calendar_bounds(&golden->pack->calendar, golden->window,
                              &golden->start, &golden->end) != ERR_OK)
        model_yaml_fail(yaml, at, ERR_SYNTAX, "not a window of this pack");
    for (member = model_yaml_first(model_yaml_get(node, "units")); member;
         member = member->next)
        if (model_yaml_ok(yaml))
            golden_unit(golden, member);
    if (!model_yaml_ok(yaml))
        return;
    golden_count(golden, expect, "expected", MODEL_FIGURE_EXPECTED);
    golden_count(golden, expect, "reported", MODEL_FIGURE_REPORTED);
    for (member = model_yaml_first(model_yaml_get(expect, "measures")); member;
         member = member->next)
        golden_value(golden, member, false);
    for (member = model_yaml_first(model_yaml_get(expect, "metrics")); member;
         member = member->next)
        golden_value(golden, member, true);
    for (member = model_yaml_first(model_yaml_get(expect, "checks")); member;
         member = member->next)
        golden_check(golden, member);
}

static void
golden_file(struct golden *golden, struct model_source *source,
            const char *path)
{
    const struct model_yaml_node *at[1], *item, top = {.file = path};
    struct bytes text;
    enum err err =
        source->load(source, path, MODEL_YAML_SIZE, golden->yaml.arena, &text);
    if (err != ERR_OK) {
        model_yaml_fail(&golden->yaml, &top, err, "%s", base_err_text(err));
        return;
    }
    const struct model_yaml_node *root =
        model_yaml_read(&golden->yaml, text, path);
    model_yaml_map(&golden->yaml, root, golden_keys, 1, at);
    for (item = model_yaml_first(at[0]); item; item = item->next)
        if (model_yaml_ok(&golden->yaml))
            golden_case(golden, item);
}

/* What no case has asked for. */
static void
golden_unseen(struct golden *golden)
{
    const struct model_pack *pack = golden->pack;
    golden->name = "";
    for (unsigned i = 0; i < pack->measure_count; i++)
        if (!(golden->measures_seen >> i & 1))
            golden_say(golden, NULL, "measure", pack->measures[i].name,
                       "in some case", "in none");
    for (unsigned i = 0; i < pack->metric_count; i++)
        if (!golden->metrics_seen[i])
            golden_say(golden, NULL, "metric", pack->metrics[i].name,
                       "in some case", "in none");
    for (unsigned i = 0; i < pack->check_count; i++)
        if (!(golden->checks_seen >> i & 1))
            golden_say(golden, NULL, "check", pack->checks[i].name,
                       "to fail in some case", "in none");
}

enum err
model_golden_run(const struct model_pack *pack, struct model_source *source,
                 const char *folder, struct model_golden_sink *sink,
                 struct model_golden_count *ret_count, struct base_note *note)
{
    struct base_arena arena;
    struct golden golden = {
        .pack = pack,
        .yaml = {.arena = &arena, .note = note},
        .sink = sink,
        .name = "",
    };
    char **names = NULL;
    size_t count = 0;
    base_arena_init(&arena, GOLDEN_MEMORY);
    const char *golden_folder = base_arena_format(&arena, "%s/golden", folder);
    struct model_yaml_node at = {.file = golden_folder};
    enum err err = source->list(source, golden_folder, &arena, &names, &count);
    if (err != ERR_OK)
        model_yaml_fail(&golden.yaml, &at, err, "%s", base_err_text(err));
    for (size_t i = 0; i < count && model_yaml_ok(&golden.yaml); i++)
        if (strlen(names[i]) > 5 &&
            strcmp(names[i] + strlen(names[i]) - 5, ".yaml") == 0)
            golden_file(
                &golden, source,
                base_arena_format(&arena, "%s/%s", golden_folder, names[i]));
    if (model_yaml_ok(&golden.yaml))
        golden_unseen(&golden);
    if (model_yaml_ok(&golden.yaml) && golden.count.failures)
        model_yaml_fail(&golden.yaml, &at, ERR_MISMATCH,
                        "%u of %u checks failed", golden.count.failures,
                        golden.count.checks);
    *ret_count = golden.count;
    if (note) /* `where` is copied; nothing points into the arena */
        note->code = golden.yaml.failed;
    base_arena_done(&arena);
    return golden.yaml.failed;
}
