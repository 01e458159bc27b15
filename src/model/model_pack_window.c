/* model_pack_window.c -- the `window` of a pack.
 *
 *     freq: [minute, hour]      one or a list, at most four
 *     zone: "+08:00"            or Z
 *     merge: ["01", "02"]       months that are one window (freq month)
 *     shifts: shifts            FOLDER/shifts.csv (freq shift)
 *     due: 5s                   or "+16d12h", after the end; each of these is
 * one for all frequencies, or grace: 2m                 a map with every one of
 * them: keep: {minute: 7d, hour: 400d} seal: {minute: none, hour: auto} none,
 * manual, auto */
#include "base/base_mem.h"
#include "model/model_near.h"
#include "model/model_pack_load.h"

static const char *const window_seals[] = {
    [MODEL_PACK_SEAL_NONE] = "none",
    [MODEL_PACK_SEAL_MANUAL] = "manual",
    [MODEL_PACK_SEAL_AUTO] = "auto",
};

enum { WINDOW_EACH = MODEL_YAML_SCALAR | MODEL_YAML_MAP | MODEL_YAML_MUST };

static const struct model_yaml_key window_keys[] = {
    /* for each frequency: */
    {"due", WINDOW_EACH},       {"grace", WINDOW_EACH},
    {"keep", WINDOW_EACH},      {"seal", WINDOW_EACH},
    {"zone", MODEL_PACK_MUST},  {"freq", MODEL_PACK_MUST | MODEL_YAML_LIST},
    {"merge", MODEL_YAML_LIST}, {"shifts", MODEL_PACK_KEY},
    {"late", MODEL_PACK_LATER}, {"revise", MODEL_PACK_LATER},
};

enum { WINDOW_EACH_KEYS = 4 };
enum { WINDOW_ZONE_MAX_S = 14 * 3600 };
#define WINDOW_SPAN_MAX (INT64_C(100) * 366 * 86400000)

static void
window_freq(struct model_pack_loader *loader,
            const struct model_yaml_node *node)
{
    struct model_pack *pack = loader->pack;
    struct model_yaml *yaml = &loader->yaml;
    const char *name = model_yaml_text(yaml, node, "");
    enum model_freq freq = MODEL_FREQ_MINUTE;
    struct model_near near;
    enum err err = model_window_freq_parse(base_bytes_text(name), &freq);
    model_near_init(&near, base_bytes_text(name));
    for (unsigned i = MODEL_FREQ_MINUTE; i <= MODEL_FREQ_YEAR; i++)
        model_near_offer(&near, model_window_freq_name((enum model_freq)i));
    if (err != ERR_OK)
        model_yaml_fail(yaml, node, ERR_NAME, "unknown frequency %s%s", name,
                        model_near_hint(&near));
    else if (model_pack_freq(pack, freq))
        model_yaml_fail(yaml, node, ERR_NAME, "%s stands twice", name);
    else if (pack->freq_count == MODEL_PACK_FREQS)
        model_yaml_fail(yaml, node, ERR_LIMIT, "at most %d frequencies",
                        MODEL_PACK_FREQS);
    else
        pack->freqs[pack->freq_count++].freq = freq;
}

static void
window_zone(struct model_pack_loader *loader,
            const struct model_yaml_node *node)
{
    const char *text = model_yaml_text(&loader->yaml, node, "Z");
    struct bytes zone = base_bytes_text(text);
    uint64_t hours = 0, minutes = 0;
    if (base_bytes_is(zone, "Z"))
        return;
    if (zone.size != 6 || (text[0] != '+' && text[0] != '-') ||
        text[3] != ':' ||
        base_bytes_u64(base_bytes(text + 1, 2), &hours) != ERR_OK ||
        base_bytes_u64(base_bytes(text + 4, 2), &minutes) != ERR_OK ||
        minutes > 59 || hours * 3600 + minutes * 60 > WINDOW_ZONE_MAX_S)
        model_yaml_fail(&loader->yaml, node, ERR_SYNTAX,
                        "a zone is a fixed offset such as \"+08:00\", or Z");
    int32_t seconds = (int32_t)(hours * 3600 + minutes * 60);
    loader->pack->calendar.zone_s = text[0] == '-' ? -seconds : seconds;
}

/* What `key` says for this frequency: the value for all, or its member. */
static const struct model_yaml_node *
window_of(struct model_pack_loader *loader, const struct model_yaml_node *map,
          const char *key, enum model_freq freq)
{
    const char *name = model_window_freq_name(freq);
    const struct model_yaml_node *node = model_yaml_get(map, key);
    if (node->kind == MODEL_YAML_SCALAR)
        return node;
    const struct model_yaml_node *found = model_yaml_get(node, name);
    if (!found)
        model_yaml_fail(&loader->yaml, node, ERR_NAME,
                        "the frequency %s is missing here", name);
    return found;
}

/* No member but the pack's frequencies. */
static void
window_only(struct model_pack_loader *loader,
            const struct model_yaml_node *node)
{
    const struct model_yaml_node *member;
    enum model_freq freq;
    for (member = model_yaml_first(node); member; member = member->next)
        if (model_window_freq_parse(member->key->text, &freq) != ERR_OK ||
            !model_pack_freq(loader->pack, freq))
            model_yaml_fail(&loader->yaml, member->key, ERR_NAME,
                            "%s is not a frequency of this pack",
                            (const char *)member->key->text.at);
}

/* A span, which may begin with +. */
static int64_t
window_span(struct model_pack_loader *loader,
            const struct model_yaml_node *node, int64_t least)
{
    struct model_yaml_node span = *node;
    if (base_bytes_starts(span.text, base_bytes_text("+"))) {
        span.text = base_bytes_slice(span.text, 1, span.text.size);
        span.column++;
    }
    return model_yaml_span(&loader->yaml, &span, least, WINDOW_SPAN_MAX, 0);
}

static void
window_times(struct model_pack_loader *loader,
             const struct model_yaml_node *map, struct model_pack_freq *freq)
{
    struct model_yaml *yaml = &loader->yaml;
    const struct model_yaml_node *at[WINDOW_EACH_KEYS];
    for (unsigned i = 0; i < WINDOW_EACH_KEYS; i++)
        at[i] = window_of(loader, map, window_keys[i].name, freq->freq);
    if (!model_yaml_ok(yaml))
        return;
    freq->due_ms = window_span(loader, at[0], 0);
    freq->grace_ms = window_span(loader, at[1], 0);
    freq->keep_ms = window_span(loader, at[2], 1);
    freq->seal = (enum model_pack_seal)model_yaml_word(yaml, at[3],
                                                       window_seals, 3, 3, 0);
    if (freq->grace_ms < freq->due_ms)
        model_yaml_fail(yaml, at[1], ERR_RANGE,
                        "grace ends before the window is due: both count "
                        "from the window's end");
    if (freq->keep_ms <= freq->grace_ms)
        model_yaml_fail(yaml, at[2], ERR_RANGE,
                        "windows would be dropped before their grace ends");
}

/* ["01", "02"]: two or more months of a year that follow each other */
static void
window_merge(struct model_pack_loader *loader,
             const struct model_yaml_node *node)
{
    struct model_calendar *calendar = &loader->pack->calendar;
    const struct model_yaml_node *item;
    uint64_t month = 0, before = 0;
    for (item = model_yaml_first(node); item; item = item->next) {
        if (item->text.size != 2 ||
            base_bytes_u64(item->text, &month) != ERR_OK || month < 1 ||
            month > 12 || (before && month != before + 1)) {
            model_yaml_fail(&loader->yaml, item, ERR_SYNTAX,
                            "merge is a list of months that follow each "
                            "other, such as [\"01\", \"02\"]");
            return;
        }
        if (!before)
            calendar->merge_first = (uint8_t)month;
        before = month;
    }
    calendar->merge_last = (uint8_t)month;
    if (node && node->count < 2)
        model_yaml_fail(&loader->yaml, node, ERR_SYNTAX,
                        "merge has at least two months");
    else if (node && !model_pack_freq(loader->pack, MODEL_FREQ_MONTH))
        model_yaml_fail(&loader->yaml, node, ERR_NAME,
                        "merge is for the frequency month");
}

static void
window_shifts(struct model_pack_loader *loader,
              const struct model_yaml_node *map)
{
    const struct model_yaml_node *node = model_yaml_get(map, "shifts");
    bool asked = model_pack_freq(loader->pack, MODEL_FREQ_SHIFT) != NULL;
    if (asked && !node)
        model_yaml_fail(&loader->yaml, map, ERR_NAME,
                        "the frequency shift needs shifts: the name of a CSV");
    else if (node && !asked)
        model_yaml_fail(&loader->yaml, node, ERR_NAME,
                        "shifts are for the frequency shift");
    else if (node)
        model_pack_shift_load(loader, node);
}

void
model_pack_window_load(struct model_pack_loader *loader,
                       const struct model_yaml_node *node)
{
    const struct model_yaml_node *freq = model_yaml_get(node, "freq"), *item;
    struct model_pack *pack = loader->pack;
    model_yaml_map(&loader->yaml, node, window_keys, BASE_COUNT(window_keys),
                   NULL);
    if (!model_yaml_ok(&loader->yaml))
        return;
    if (freq->kind == MODEL_YAML_SCALAR)
        window_freq(loader, freq);
    for (item = model_yaml_first(freq); item; item = item->next)
        window_freq(loader, item);
    if (pack->freq_count == 0)
        model_yaml_fail(&loader->yaml, freq, ERR_NAME,
                        "a pack has at least one frequency");
    window_zone(loader, model_yaml_get(node, "zone"));
    window_merge(loader, model_yaml_get(node, "merge"));
    window_shifts(loader, node);
    for (unsigned i = 0; i < WINDOW_EACH_KEYS; i++)
        window_only(loader, model_yaml_get(node, window_keys[i].name));
    for (unsigned i = 0; i < pack->freq_count; i++)
        window_times(loader, node, &pack->freqs[i]);
}
