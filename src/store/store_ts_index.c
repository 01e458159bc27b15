/* store_ts_index.c -- groups, columns, metrics; who has which label.
 *
 * Memory is per group, of which there may be hundreds of thousands, so hash
 * tables hold eight bytes a slot and no keys: the key is where the number
 * points.  A posting with one group (the usual case of `id`) is one row. */
#include <stdlib.h>

#include "base/base_hash.h"
#include "base/base_map.h"
#include "base/base_mem.h"
#include "base/base_must.h"
#include "store/store_ts_private.h"

/* --- tables --- */

static uint32_t
index_hash(uint64_t seed, struct bytes name, struct bytes value)
{
    uint64_t hash = base_hash_xxh3(seed, name);
    return (uint32_t)(base_hash_xxh3(hash, value) >> 32);
}

static void
index_table_place(struct store_ts_table *table, uint64_t slot)
{
    uint32_t mask = table->room - 1, at = (uint32_t)(slot >> 32) & mask;
    while (table->slots[at] != 0)
        at = (at + 1) & mask;
    table->slots[at] = slot;
}

static void
index_table_add(struct store_ts_table *table, uint32_t hash, uint32_t number)
{
    if (table->count >= table->room / 4 * 3) {
        struct store_ts_table old = *table;
        table->room = old.room ? old.room * 2 : 64;
        table->slots = base_mem_zero(table->room * sizeof *table->slots);
        for (uint32_t i = 0; i < old.room; i++)
            if (old.slots[i] != 0)
                index_table_place(table, old.slots[i]);
        base_mem_free(old.slots);
    }
    index_table_place(table, (uint64_t)hash << 32 | (number + 1));
    table->count++;
}

/* The next number under this hash, from slot *at on; STORE_TS_ALL: no more. */
static uint32_t
index_table_next(const struct store_ts_table *table, uint32_t hash,
                 uint32_t *at)
{
    if (table->room == 0)
        return STORE_TS_ALL;
    for (;;) {
        uint64_t slot = table->slots[*at & (table->room - 1)];
        ++*at;
        if (slot == 0)
            return STORE_TS_ALL;
        if ((uint32_t)(slot >> 32) == hash)
            return (uint32_t)slot - 1;
    }
}

static void *
index_grow(void *at, uint32_t *room, uint32_t need, size_t size)
{
    if (need <= *room)
        return at;
    uint32_t more = *room ? *room : 1;
    while (more < need)
        more = more > UINT32_MAX / 2 ? need : more + more / 2 + 1;
    at = base_mem_resize(at, more * size);
    memset((char *)at + *room * size, 0, (more - *room) * size);
    *room = more;
    return at;
}

/* --- postings --- */

static struct bytes
index_metric_name(void)
{
    return base_bytes_text("__name__");
}

static void
index_posting_key(const struct store_ts_index *index,
                  const struct store_ts_posting *posting,
                  struct bytes *ret_name, struct bytes *ret_value)
{
    if (posting->group == STORE_TS_ALL) {
        *ret_name = index_metric_name();
        *ret_value = index->metrics[posting->label];
        return;
    }
    const struct model_label *label =
        &index->groups[posting->group]->labels->at[posting->label];
    *ret_name = label->name;
    *ret_value = label->value;
}

static struct store_ts_posting *
index_posting(const struct store_ts_index *index, struct bytes name,
              struct bytes value)
{
    uint32_t hash = index_hash(index->seed, name, value), at = hash;
    for (;;) {
        uint32_t number = index_table_next(&index->posting_table, hash, &at);
        if (number == STORE_TS_ALL)
            return NULL;
        struct bytes its_name, its_value;
        struct store_ts_posting *posting = &index->postings[number];
        index_posting_key(index, posting, &its_name, &its_value);
        if (base_bytes_equal(its_name, name) &&
            base_bytes_equal(its_value, value))
            return posting;
    }
}

static const uint32_t *
index_posting_groups(const struct store_ts_posting *posting)
{
    return posting->room == 0 ? &posting->groups.one : posting->groups.many;
}

static void
index_posting_insert(struct store_ts_posting *posting, uint32_t group)
{
    const uint32_t *old = index_posting_groups(posting);
    uint32_t low = 0, high = posting->count;
    if (high > 0 && old[high - 1] < group)
        low = high; /* the usual case */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (old[middle] < group)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < posting->count && old[low] == group)
        return;
    if (posting->count == 0) {
        posting->groups.one = group;
        posting->count = 1;
        return;
    }
    uint32_t one = posting->groups.one, room = posting->room;
    uint32_t *many = room ? posting->groups.many : NULL;
    many = index_grow(many, &posting->room, posting->count + 1, sizeof *many);
    if (room == 0)
        many[0] = one;
    memmove(many + low + 1, many + low, (posting->count - low) * sizeof *many);
    many[low] = group;
    posting->count++;
    posting->groups.many = many;
}

static void
index_posting_add(struct store_ts_index *index, uint32_t key_group,
                  uint32_t label, uint32_t group)
{
    struct store_ts_posting key = {.group = key_group, .label = label};
    struct bytes name, value;
    index_posting_key(index, &key, &name, &value);
    struct store_ts_posting *posting = index_posting(index, name, value);
    if (!posting) {
        index->postings =
            index_grow(index->postings, &index->posting_room,
                       index->posting_count + 1, sizeof *index->postings);
        index_table_add(&index->posting_table,
                        index_hash(index->seed, name, value),
                        index->posting_count);
        posting = &index->postings[index->posting_count++];
        *posting = key;
    }
    index_posting_insert(posting, group);
}

/* --- groups, metrics, columns --- */

static uint32_t
index_labels_hash(const struct store_ts_index *index,
                  const struct model_labels *labels)
{
    uint64_t hash = index->seed;
    for (uint32_t i = 0; i < labels->count; i++) {
        hash = base_hash_xxh3(hash, labels->at[i].name);
        hash = base_hash_xxh3(hash, labels->at[i].value);
    }
    return (uint32_t)(hash >> 32);
}

/* One piece of memory: the set, then the texts. */
static const struct model_labels *
index_labels_copy(const struct model_labels *labels)
{
    size_t head = sizeof *labels + labels->count * sizeof labels->at[0];
    size_t size = head;
    for (uint32_t i = 0; i < labels->count; i++)
        size += labels->at[i].name.size + labels->at[i].value.size;
    struct model_labels *copy = base_mem_new(size);
    uint8_t *text = (uint8_t *)copy + head;
    copy->count = labels->count;
    for (uint32_t i = 0; i < labels->count; i++) {
        struct bytes name = labels->at[i].name, value = labels->at[i].value;
        memcpy(text, name.at, name.size);
        copy->at[i].name = base_bytes(text, name.size);
        text += name.size;
        memcpy(text, value.at, value.size);
        copy->at[i].value = base_bytes(text, value.size);
        text += value.size;
    }
    return copy;
}

uint32_t
store_ts_index_find(const struct store_ts_index *index,
                    const struct model_labels *labels)
{
    uint32_t hash = index_labels_hash(index, labels), at = hash;
    for (;;) {
        uint32_t number = index_table_next(&index->group_table, hash, &at);
        if (number == STORE_TS_ALL ||
            model_label_compare(index->groups[number]->labels, labels) == 0)
            return number;
    }
}

struct store_ts_group *
store_ts_index_add(struct store_ts_index *index, uint32_t id,
                   const struct model_labels *labels)
{
    if (id < index->group_count && index->groups[id])
        return NULL;
    struct store_ts_group *group = base_mem_zero(sizeof *group);
    group->labels = index_labels_copy(labels);
    index->groups = index_grow(index->groups, &index->group_room, id + 1,
                               sizeof *index->groups);
    index->groups[id] = group;
    if (id >= index->group_count)
        index->group_count = id + 1;
    index_table_add(&index->group_table, index_labels_hash(index, labels), id);
    for (uint32_t i = 0; i < labels->count; i++)
        index_posting_add(index, id, i, id);
    return group;
}

uint32_t
store_ts_index_metric(struct store_ts_index *index, struct bytes metric,
                      bool make)
{
    struct bytes none = {NULL, 0};
    uint32_t hash = index_hash(index->seed, metric, none), at = hash;
    for (;;) {
        uint32_t number = index_table_next(&index->metric_table, hash, &at);
        if (number == STORE_TS_ALL)
            break;
        if (base_bytes_equal(index->metrics[number], metric))
            return number;
    }
    if (!make)
        return STORE_TS_ALL;
    index->metrics =
        index_grow(index->metrics, &index->metric_room, index->metric_count + 1,
                   sizeof *index->metrics);
    index->metrics[index->metric_count] =
        base_bytes(base_mem_copy(metric.at, metric.size), metric.size);
    index_table_add(&index->metric_table, hash, index->metric_count);
    return index->metric_count++;
}

uint32_t
store_ts_index_column(struct store_ts_index *index, uint32_t group_id,
                      uint32_t metric, bool make)
{
    struct store_ts_group *group = index->groups[group_id];
    for (uint32_t i = 0; i < group->column_count; i++)
        if (group->columns[i].metric == metric)
            return i;
    if (!make)
        return STORE_TS_ALL;
    group->columns =
        index_grow(group->columns, &group->column_room, group->column_count + 1,
                   sizeof *group->columns);
    group->columns[group->column_count] =
        (struct store_ts_column){.t = STORE_TS_NEVER, .metric = metric};
    index_posting_add(index, STORE_TS_ALL, metric, group_id);
    index->series++;
    return group->column_count++;
}

struct store_ts_group *
store_ts_index_group(const struct store_ts *ts, uint32_t group)
{
    must(group < ts->index.group_count && ts->index.groups[group]);
    return ts->index.groups[group];
}

void
store_ts_index_done(struct store_ts_index *index)
{
    for (uint32_t i = 0; i < index->group_count; i++) {
        struct store_ts_group *group = index->groups[i];
        if (!group)
            continue;
        store_ts_head_free(&group->active);
        store_ts_head_free(&group->sealing);
        for (struct store_ts_hide *h = group->hides, *next; h; h = next) {
            next = h->next;
            base_mem_free(h);
        }
        base_mem_free((void *)(uintptr_t)group->labels);
        base_mem_free(group->columns);
        base_mem_free(group);
    }
    for (uint32_t i = 0; i < index->metric_count; i++)
        base_mem_free((void *)(uintptr_t)index->metrics[i].at);
    for (uint32_t i = 0; i < index->posting_count; i++)
        if (index->postings[i].room > 0)
            base_mem_free(index->postings[i].groups.many);
    base_mem_free(index->groups);
    base_mem_free(index->metrics);
    base_mem_free(index->postings);
    base_mem_free(index->group_table.slots);
    base_mem_free(index->metric_table.slots);
    base_mem_free(index->posting_table.slots);
    *index = (struct store_ts_index){0};
}

/* --- matching --- */

struct index_match {
    const struct store_ts *ts;
    const struct model_matcher *matchers;
    unsigned count;
    uint8_t *metrics; /* 0 not asked yet, 1 fits, 2 does not */
};

static bool
index_group_fits(const struct index_match *match,
                 const struct store_ts_group *group)
{
    for (unsigned i = 0; i < match->count; i++) {
        const struct model_matcher *m = &match->matchers[i];
        if (base_bytes_equal(m->name, index_metric_name()))
            continue;
        if (!model_matcher_fits(m, model_label_get(group->labels, m->name)))
            return false;
    }
    return true;
}

static bool
index_metric_fits(const struct index_match *match, uint32_t metric)
{
    if (match->metrics[metric] != 0)
        return match->metrics[metric] == 1;
    bool fits = true;
    for (unsigned i = 0; i < match->count && fits; i++) {
        const struct model_matcher *m = &match->matchers[i];
        if (base_bytes_equal(m->name, index_metric_name()))
            fits = model_matcher_fits(m, match->ts->index.metrics[metric]);
    }
    match->metrics[metric] = fits ? 1 : 2;
    return fits;
}

/* Candidates: the smallest posting of an equality; all groups if there is
 * none. */
static void
index_candidates(const struct index_match *match, const uint32_t **ret_groups,
                 uint32_t *ret_count)
{
    const struct store_ts_index *index = &match->ts->index;
    *ret_groups = NULL;
    *ret_count = index->group_count;
    for (unsigned i = 0; i < match->count; i++) {
        const struct model_matcher *m = &match->matchers[i];
        if (m->op != MODEL_MATCH_EQUAL || m->value.size == 0)
            continue;
        const struct store_ts_posting *posting =
            index_posting(index, m->name, m->value);
        if (!posting) {
            *ret_count = 0;
            return;
        }
        if (posting->count <= *ret_count) {
            *ret_groups = index_posting_groups(posting);
            *ret_count = posting->count;
        }
    }
}

static bool
index_each(const struct index_match *match,
           bool (*fn)(void *self, uint32_t group, uint32_t column), void *self)
{
    const struct store_ts_index *index = &match->ts->index;
    const uint32_t *groups;
    uint32_t count;
    index_candidates(match, &groups, &count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = groups ? groups[i] : i;
        const struct store_ts_group *group = index->groups[id];
        if (!group || !index_group_fits(match, group))
            continue;
        for (uint32_t c = 0; c < group->column_count; c++)
            if (index_metric_fits(match, group->columns[c].metric) &&
                !fn(self, id, c))
                return false;
    }
    return true;
}

enum err
store_ts_index_each(struct store_ts *ts, const struct model_matcher *matchers,
                    unsigned count, struct base_arena *arena,
                    bool (*fn)(void *self, uint32_t group, uint32_t column),
                    void *self)
{
    struct index_match match = {.ts = ts, .matchers = matchers, .count = count};
    match.metrics = base_arena_alloc(arena, ts->index.metric_count + 1u);
    if (!match.metrics)
        return ERR_LIMIT;
    index_each(&match, fn, self);
    return ERR_OK;
}

/* --- store_ts_match --- */

struct index_series {
    struct store_ts *ts;
    struct store_ts_series *at;
    uint32_t count, room, limit;
    bool over;
};

static bool
index_series_add(void *self, uint32_t group, uint32_t column)
{
    struct index_series *list = self;
    if (list->count == list->limit) {
        list->over = true;
        return false;
    }
    list->at =
        index_grow(list->at, &list->room, list->count + 1, sizeof *list->at);
    list->at[list->count++] = (struct store_ts_series){
        .group = group,
        .column = column,
        .metric = store_ts_metric(list->ts, group, column),
        .labels = store_ts_labels(list->ts, group),
    };
    return true;
}

/* Labels with __name__ in its place among the sorted others. */
static struct model_label
index_label_at(const struct store_ts_series *series, uint32_t i, uint32_t place)
{
    if (i == place)
        return (struct model_label){index_metric_name(), series->metric};
    return series->labels->at[i < place ? i : i - 1];
}

static uint32_t
index_label_place(const struct model_labels *labels)
{
    uint32_t i = 0;
    while (i < labels->count &&
           base_bytes_compare(labels->at[i].name, index_metric_name()) < 0)
        i++;
    return i;
}

static int
index_series_compare(const void *a, const void *b)
{
    const struct store_ts_series *x = a, *y = b;
    uint32_t px = index_label_place(x->labels);
    uint32_t py = index_label_place(y->labels);
    uint32_t nx = x->labels->count + 1, ny = y->labels->count + 1;
    for (uint32_t i = 0; i < nx && i < ny; i++) {
        struct model_label lx = index_label_at(x, i, px);
        struct model_label ly = index_label_at(y, i, py);
        int order = base_bytes_compare(lx.name, ly.name);
        if (order == 0)
            order = base_bytes_compare(lx.value, ly.value);
        if (order != 0)
            return order;
    }
    return (nx > ny) - (nx < ny);
}

enum err
store_ts_match(struct store_ts *ts, const struct model_matcher *matchers,
               unsigned count, uint32_t limit, struct base_arena *arena,
               struct store_ts_series **ret_series, uint32_t *ret_count)
{
    struct index_series list = {.ts = ts, .limit = limit};
    enum err err = store_ts_index_each(ts, matchers, count, arena,
                                       index_series_add, &list);
    if (err != ERR_OK)
        return err;
    struct store_ts_series *to =
        base_arena_alloc(arena, list.count * sizeof *to);
    if (list.over || !to)
        err = ERR_LIMIT;
    if (err == ERR_OK && list.count > 0) {
        qsort(list.at, list.count, sizeof *list.at, index_series_compare);
        memcpy(to, list.at, list.count * sizeof *to);
    }
    base_mem_free(list.at);
    if (err != ERR_OK)
        return err;
    *ret_series = to;
    *ret_count = list.count;
    return ERR_OK;
}
