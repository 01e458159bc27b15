/* store_ts_head.c -- rows in memory, as bytes.
 *
 * A group that is written once in five seconds costs a few bytes a row here;
 * arrays of (t, value) would cost sixteen a value.  Chunks are small (64 rows),
 * so that a read of the last minutes decodes little. */
#include "store/store_ts_private.h"

#include "base/base_mem.h"
#include "base/base_must.h"

enum { HEAD_CHUNK_FIRST = 48, HEAD_CREATED = -1 };

struct store_ts_scratch *
store_ts_scratch_new(void)
{
    struct store_ts_scratch *scratch = base_mem_zero(sizeof *scratch);
    scratch->state = (struct wire_rows_state){
        .cells = scratch->cells,
        .stride = sizeof scratch->cells[0],
        .room = WIRE_ROWS_COLUMNS,
    };
    return scratch;
}

/* --- taking in --- */

bool
store_ts_head_late(const struct store_ts_group *group,
                   const struct store_ts_row *row)
{
    const struct store_ts_head *head = &group->active;
    if (head->main && row->t < head->main->t1)
        return true;
    if (head->late && row->t <= head->late_t1)
        return true;
    for (uint32_t i = 0; i < row->count; i++) {
        int64_t t = group->columns[row->columns[i]].t;
        if (t == STORE_TS_UNKNOWN || row->t < t)
            return true;
    }
    return false;
}

static bool
head_full(const struct store_ts_chunk *chunk)
{
    return !chunk || chunk->rows >= STORE_TS_CHUNK_ROWS ||
           chunk->size >= STORE_TS_CHUNK_BYTES;
}

static void
head_room(struct store_ts *ts, struct store_ts_chunk **at, uint32_t size)
{
    struct store_ts_chunk *chunk = *at;
    uint32_t room = chunk->room;
    if (chunk->size + size <= room)
        return;
    while (chunk->size + size > room)
        room += room / 2 > 24 ? room / 2 : 24;
    ts->head_bytes += room - chunk->room;
    chunk = base_mem_resize(chunk, sizeof *chunk + room);
    chunk->room = room;
    *at = chunk;
}

static struct store_ts_chunk *
head_chunk(struct store_ts *ts, struct store_ts_chunk *before, uint32_t first,
           int64_t t)
{
    struct store_ts_chunk *chunk =
        base_mem_new(sizeof *chunk + HEAD_CHUNK_FIRST);
    *chunk = (struct store_ts_chunk){
        .before = before,
        .t0 = t,
        .t1 = t,
        .room = HEAD_CHUNK_FIRST,
        .first = first,
    };
    ts->head_bytes += sizeof *chunk + HEAD_CHUNK_FIRST;
    return chunk;
}

/* The row as bytes in ts->out. */
static void
head_write(struct store_ts *ts, struct store_ts_group *group, bool late,
           bool created, const struct store_ts_row *row)
{
    base_out_reset(&ts->out);
    if (late) {
        wire_rows_lone_write(&ts->out, row->t, row->columns, row->values,
                             row->count);
        return;
    }
    struct wire_rows_state state = {
        .cells = &group->columns[0].cell,
        .stride = sizeof group->columns[0],
        .room = group->column_count,
        .stamp = group->stamp,
        .t = group->active.main->t1,
    };
    wire_rows_body_write(&ts->out, &state, created || group->fresh, row->t,
                         row->columns, row->values, row->count);
    group->stamp = state.stamp;
    group->fresh = false;
}

/* The newest value of each column, for store_ts_last. */
static void
head_newest(struct store_ts_group *group, bool late,
            const struct store_ts_row *row)
{
    for (uint32_t i = 0; i < row->count; i++) {
        struct store_ts_column *column = &group->columns[row->columns[i]];
        if (column->t == STORE_TS_UNKNOWN || row->t < column->t)
            continue;
        column->t = row->t;
        if (!late)
            continue; /* the writer has noted it */
        column->cell = (struct wire_rows_cell){
            .mantissa = row->values[i].mantissa,
            .exponent = row->values[i].exponent,
            .kind = row->values[i].kind,
        };
    }
}

struct store_ts_chunk *
store_ts_head_add(struct store_ts *ts, struct store_ts_group *group, bool late,
                  const struct store_ts_row *row, uint32_t *ret_before)
{
    struct store_ts_head *head = &group->active;
    struct store_ts_chunk **at = late ? &head->late : &head->main;
    uint32_t *rows = late ? &head->late_rows : &head->main_rows;
    bool created = head_full(*at);
    if (late)
        head->late_t1 =
            head->late && head->late_t1 > row->t ? head->late_t1 : row->t;
    if (created)
        *at = head_chunk(ts, *at, *rows, row->t);
    *ret_before = created ? (uint32_t)HEAD_CREATED : (*at)->size;
    head_write(ts, group, late, created, row);
    must(base_out_ok(&ts->out));
    head_room(ts, at, (uint32_t)ts->out.size);
    struct store_ts_chunk *chunk = *at;
    memcpy(chunk->data + chunk->size, ts->out.at, ts->out.size);
    chunk->size += (uint32_t)ts->out.size;
    chunk->rows++;
    chunk->t0 = row->t < chunk->t0 ? row->t : chunk->t0;
    chunk->t1 = row->t > chunk->t1 ? row->t : chunk->t1;
    ++*rows;
    head_newest(group, late, row);
    return chunk;
}

uint32_t
store_ts_head_undo(struct store_ts_head *head, bool late, uint32_t before)
{
    struct store_ts_chunk **at = late ? &head->late : &head->main;
    struct store_ts_chunk *chunk = *at;
    must(chunk && chunk->rows > 0);
    chunk->rows--;
    --*(late ? &head->late_rows : &head->main_rows);
    if (before != (uint32_t)HEAD_CREATED) {
        chunk->size = before;
        return 0;
    }
    must(chunk->rows == 0);
    uint32_t bytes = (uint32_t)sizeof *chunk + chunk->room;
    *at = chunk->before;
    base_mem_free(chunk);
    return bytes;
}

uint64_t
store_ts_head_free(struct store_ts_head *head)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct store_ts_chunk *chunk = i ? head->late : head->main;
        while (chunk) {
            struct store_ts_chunk *before = chunk->before;
            bytes += sizeof *chunk + chunk->room;
            base_mem_free(chunk);
            chunk = before;
        }
    }
    *head = (struct store_ts_head){0};
    return bytes;
}

/* --- reading --- */

static enum err
head_walk_chunk(const struct store_ts_chunk *chunk,
                struct store_ts_head_walk *walk)
{
    struct base_cur cur;
    struct wire_rows_row row = {0};
    uint32_t ordinal = chunk->first;
    base_cur_init(&cur, base_bytes(chunk->data, chunk->size));
    while (wire_rows_body_read(&cur, &walk->scratch->state, &row,
                               &walk->scratch->room)) {
        enum err err = walk->fn(walk, ordinal++, &row, &walk->scratch->room);
        if (err != ERR_OK)
            return err;
    }
    must(base_cur_ok(&cur)); /* it is our own writing */
    return ERR_OK;
}

enum { HEAD_WALK_STEP = 64 };

/* The chunks are linked from the last to the first: from `last` back to (not
 * including) `stop`, in order of time. */
static enum err
head_walk_part(const struct store_ts_chunk *last,
               const struct store_ts_chunk *stop,
               struct store_ts_head_walk *walk)
{
    const struct store_ts_chunk *part[HEAD_WALK_STEP];
    unsigned count = 0;
    for (const struct store_ts_chunk *c = last; c != stop; c = c->before)
        part[count++] = c;
    enum err err = ERR_OK;
    while (count > 0 && err == ERR_OK) {
        const struct store_ts_chunk *chunk = part[--count];
        if (chunk->t1 >= walk->from && chunk->t0 <= walk->to)
            err = head_walk_chunk(chunk, walk);
    }
    return err;
}

enum err
store_ts_head_walk(const struct store_ts_chunk *last,
                   struct store_ts_head_walk *walk)
{
    /* Marks at every 64th chunk, so that long lists are walked in order in
     * linear time without recursion. */
    unsigned count = 0, room = 0;
    const struct store_ts_chunk **marks = NULL, *stop = NULL;
    for (const struct store_ts_chunk *c = last; c; c = c->before) {
        if (walk->sorted && c->t1 < walk->from) {
            stop = c;
            break;
        }
        if (count++ % HEAD_WALK_STEP == 0 && count > 1) {
            if (room % 16 == 0)
                marks = base_mem_resize(marks, (room + 16) * sizeof *marks);
            marks[room++] = c;
        }
    }
    enum err err = ERR_OK;
    while (room > 0 && err == ERR_OK) {
        err = head_walk_part(marks[--room], stop, walk);
        stop = marks[room];
    }
    if (err == ERR_OK)
        err = head_walk_part(last, stop, walk);
    base_mem_free(marks);
    return err;
}

bool
store_ts_head_hidden(const struct store_ts_hide *hides, uint64_t gen, bool late,
                     uint32_t ordinal, uint32_t column, int64_t t)
{
    for (const struct store_ts_hide *h = hides; h; h = h->next) {
        if (h->gen < gen || t < h->from || t > h->to ||
            (h->column != STORE_TS_ALL && h->column != column))
            continue;
        if (h->gen > gen || ordinal < (late ? h->late_rows : h->main_rows))
            return true;
    }
    return false;
}
