/* stream_feed.c -- which metrics feed which inputs of which packs.
 *
 * Most metrics feed nothing: one look into a map says so, once per series.
 * The others have one of few sets of inputs, so a series keeps its number. */
#include "base/base_mem.h"
#include "engine/stream/stream_private.h"

void
stream_feed_init(struct stream_feeds *feeds,
                 const struct model_pack_list *packs, uint64_t seed)
{
    *feeds = (struct stream_feeds){0};
    base_map_init(&feeds->metrics, seed);
    for (unsigned p = 0; p < packs->count; p++)
        for (unsigned i = 0; i < packs->at[p]->input_count; i++)
            if (packs->at[p]->inputs[i].source == MODEL_PACK_SERIES)
                base_map_put(&feeds->metrics, packs->at[p]->inputs[i].metric,
                             packs->at[p]);
}

void
stream_feed_done(struct stream_feeds *feeds)
{
    for (unsigned i = 0; i < feeds->count; i++)
        base_mem_free(feeds->at[i]);
    base_mem_free(feeds->at);
    base_map_done(&feeds->metrics);
}

static bool
feed_fits(const struct model_pack_input *input,
          const struct model_labels *labels, struct bytes metric)
{
    for (unsigned i = 0; i < input->matcher_count; i++) {
        const struct model_matcher *m = &input->matchers[i];
        bool name = base_bytes_is(m->name, "__name__");
        if (!model_matcher_fits(m, name ? metric
                                        : model_label_get(labels, m->name)))
            return false;
    }
    return true;
}

/* The number of this set of inputs, which is taken over. */
static unsigned
feed_number(struct stream_feeds *feeds, struct stream_feed *feed)
{
    size_t size = feed->count * sizeof feed->at[0];
    for (unsigned i = 0; i < feeds->count; i++)
        if (feeds->at[i]->count == feed->count &&
            memcmp(feeds->at[i]->at, feed->at, size) == 0) {
            base_mem_free(feed);
            return i;
        }
    feeds->at = base_mem_resize(feeds->at, (feeds->count + 1) * sizeof(void *));
    feeds->at[feeds->count] = feed;
    return feeds->count++;
}

static uint16_t
feed_look(struct stream *stream, const struct stream_unit *unit,
          uint32_t column)
{
    const struct model_pack_list *packs = stream->config.packs;
    const struct model_labels *labels =
        store_ts_labels(stream->ts, unit->group);
    struct bytes metric = store_ts_metric(stream->ts, unit->group, column);
    if (!base_map_get(&stream->feeds.metrics, metric))
        return STREAM_FEED_NONE;
    struct stream_feed *feed =
        base_mem_zero(sizeof *feed + packs->count * (size_t)MODEL_PACK_INPUTS *
                                         sizeof feed->at[0]);
    for (unsigned p = 0; p < packs->count; p++)
        for (unsigned i = 0; i < packs->at[p]->input_count; i++)
            if (packs->at[p]->inputs[i].source == MODEL_PACK_SERIES &&
                feed_fits(&packs->at[p]->inputs[i], labels, metric))
                feed->at[feed->count++] = (struct stream_feed_input){
                    .pack = (uint16_t)p, .input = (uint16_t)i};
    if (feed->count == 0) {
        base_mem_free(feed);
        return STREAM_FEED_NONE;
    }
    unsigned number = feed_number(&stream->feeds, feed);
    return number < UINT16_MAX - STREAM_FEED_FIRST
               ? (uint16_t)(STREAM_FEED_FIRST + number)
               : STREAM_FEED_NONE;
}

const struct stream_feed *
stream_feed_of(struct stream *stream, struct stream_unit *unit, uint32_t column)
{
    if (column >= unit->feed_count) {
        uint32_t count = unit->feed_count ? unit->feed_count * 2 : 1;
        count = count > column ? count : column + 1;
        unit->feeds = base_mem_resize(unit->feeds, count * sizeof *unit->feeds);
        memset(unit->feeds + unit->feed_count, 0,
               (count - unit->feed_count) * sizeof *unit->feeds);
        unit->feed_count = count;
    }
    if (unit->feeds[column] == STREAM_FEED_UNKNOWN)
        unit->feeds[column] = feed_look(stream, unit, column);
    uint16_t feed = unit->feeds[column];
    return feed == STREAM_FEED_NONE
               ? NULL
               : stream->feeds.at[feed - STREAM_FEED_FIRST];
}
