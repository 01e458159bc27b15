/* store_ts_job.c -- what the worker does: the file, then the manifest. */
#include <stdio.h>
#include <stdlib.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "store/store_ts_job.h"

enum { JOB_BATCH_BYTES = 256 << 10 };

struct store_ts_job *
store_ts_job_new(struct store_ts *ts)
{
    struct store_ts_job *job = base_mem_zero(sizeof *job);
    job->ts = ts;
    job->config = ts->config;
    job->folder = base_mem_text(ts->folder);
    base_out_grow(&job->rows, SIZE_MAX / 2);
    return job;
}

void
store_ts_job_free(struct store_ts_job *job)
{
    if (atomic_load(&job->left)) /* its owner would have freed them */
        for (size_t i = 0; i < job->group_count; i++)
            store_ts_head_free(&job->groups[i].head);
    for (size_t i = 0; i < job->group_count; i++)
        base_mem_free((void *)(uintptr_t)job->groups[i].hides);
    base_mem_free(job->groups);
    base_mem_free(job->metrics);
    base_mem_free(job->old);
    base_mem_free(job->folder);
    base_out_done(&job->rows);
    base_mem_free(job);
}

static void
job_back(struct store_ts_job *job, enum err err)
{
    job->err = err;
    job->task.fn = job->back;
    base_loop_post(job->config.loop, &job->task);
}

/* --- worker: the file --- */

struct job_cells {
    struct store_ts_head_walk walk;
    const struct store_ts_job *job;
    const struct store_ts_job_group *group;
    bool late;
    struct store_ts_segment_cell *at;
    size_t count, room;
};

static enum err
job_row(struct store_ts_head_walk *walk, uint32_t ordinal,
        const struct wire_rows_row *row, const struct wire_rows_room *room)
{
    struct job_cells *cells = BASE_OUTER(walk, struct job_cells, walk);
    const struct store_ts_job_group *group = cells->group;
    for (uint32_t i = 0; i < row->count; i++) {
        uint32_t column = room->columns[i];
        if (store_ts_head_hidden(group->hides, cells->job->gen, cells->late,
                                 ordinal, column, row->t))
            continue;
        if (cells->count == cells->room) {
            cells->room = cells->room ? cells->room * 2 : 1024;
            cells->at =
                base_mem_resize(cells->at, cells->room * sizeof *cells->at);
        }
        cells->at[cells->count] = (struct store_ts_segment_cell){
            .t = row->t,
            .metric = cells->job->metrics[group->first_metric + column],
            .order = (uint32_t)cells->count,
            .value = room->values[i],
        };
        cells->count++;
    }
    return ERR_OK;
}

static int
job_by_time(const void *a, const void *b)
{
    const struct store_ts_segment_cell *x = a, *y = b;
    if (x->t != y->t)
        return x->t < y->t ? -1 : 1;
    if (x->metric != y->metric)
        return x->metric < y->metric ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* By (t, metric), the last of equal ones kept. */
static void
job_cells_order(struct job_cells *cells)
{
    size_t made = 0;
    if (cells->count > 0)
        qsort(cells->at, cells->count, sizeof *cells->at, job_by_time);
    for (size_t i = 0; i < cells->count; i++) {
        if (made > 0 && cells->at[made - 1].t == cells->at[i].t &&
            cells->at[made - 1].metric == cells->at[i].metric)
            made--;
        cells->at[made++] = cells->at[i];
    }
    cells->count = made;
}

static void
job_blocks(struct store_ts_job *job, struct store_ts_segment_writer *writer)
{
    struct job_cells cells = {
        .job = job,
        .walk = {.scratch = store_ts_scratch_new(),
                 .from = INT64_MIN,
                 .to = INT64_MAX,
                 .fn = job_row},
    };
    for (size_t i = 0; i < job->group_count && writer->err == ERR_OK; i++) {
        cells.group = &job->groups[i];
        cells.count = 0;
        cells.late = false;
        store_ts_head_walk(cells.group->head.main, &cells.walk);
        cells.late = true;
        store_ts_head_walk(cells.group->head.late, &cells.walk);
        job_cells_order(&cells);
        if (cells.count > 0)
            store_ts_segment_group(writer, cells.group->group, cells.at,
                                   cells.count);
    }
    base_mem_free(cells.walk.scratch);
    base_mem_free(cells.at);
}

/* The oldest sample gives the segment's day. */
static int64_t
job_first_t(const struct store_ts_job *job)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < job->group_count; i++) {
        const struct store_ts_head *head = &job->groups[i].head;
        for (const struct store_ts_chunk *c = head->main; c; c = c->before)
            first = c->t0 < first ? c->t0 : first;
        for (const struct store_ts_chunk *c = head->late; c; c = c->before)
            first = c->t0 < first ? c->t0 : first;
    }
    return first;
}

static enum err
job_write(struct store_ts_job *job, const char *path)
{
    struct sys_files *files = job->config.files;
    struct sys_file *handle;
    struct store_ts_segment_writer writer;
    enum err err = files->ops->open(files, path, SYS_FILE_WRITE, &handle);
    if (err == ERR_OK)
        err = files->ops->truncate(files, handle, 0);
    else
        return err;
    store_ts_segment_begin(
        &writer, files, handle,
        &(struct store_ts_segment_about){
            .id = job->file.id,
            .shard = job->config.shard,
            .store = store_journal_store_id(job->config.journal),
            .sequence = job->sequence,
            .t0 = job_first_t(job)});
    writer.err = err;
    job_blocks(job, &writer);
    err = store_ts_segment_end(&writer, &job->file.bytes, &job->file.check);
    if (err == ERR_OK)
        err = files->ops->sync(files, handle);
    files->ops->shut(files, handle);
    job->file.t0 = writer.t0;
    job->file.t1 = writer.t1;
    if (writer.blocks == 0)
        job->file.id = 0; /* all of it was dropped */
    return err;
}

static enum err
job_file(struct store_ts_job *job)
{
    struct sys_files *files = job->config.files;
    char *tmp = store_ts_seal_path(job->folder, true, job->file.id);
    char *path = store_ts_seal_path(job->folder, false, job->file.id);
    enum err err = job_write(job, tmp);
    if (err == ERR_OK && job->file.id != 0) {
        err = files->ops->rename(files, tmp, path);
        if (err == ERR_OK)
            err = files->ops->sync_folder(files, job->folder);
    } else {
        files->ops->remove(files, tmp);
    }
    base_mem_free(tmp);
    base_mem_free(path);
    return err;
}

/* --- worker: the manifest --- */

static void
job_u64be(uint8_t *to, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* The key is the id, big-endian; the value: */
static void
job_manifest(const struct store_ts_job *job, struct store_kv_batch *batch)
{
    const struct store_ts_file *file = &job->file;
    uint8_t key[8], value[64];
    struct base_out out;
    base_out_fixed(&out, value, sizeof value);
    base_out_u8(&out, 1); /* version */
    base_out_u8(&out, 0); /* level */
    base_out_u64le(&out, (uint64_t)file->t0);
    base_out_u64le(&out, (uint64_t)file->t1);
    base_out_u64le(&out, file->bytes);
    base_out_u32le(&out, file->check);
    base_out_u64le(&out, job->sequence);
    must(base_out_ok(&out));
    job_u64be(key, file->id);
    store_kv_put(batch, STORE_TABLE_SEGMENT, base_bytes(key, sizeof key),
                 base_out_bytes(&out));
}

static void
job_state(const struct store_ts_job *job, struct store_kv_batch *batch)
{
    uint8_t key[2] = {STORE_TS_ROW_STATE, (uint8_t)job->config.shard};
    uint8_t value[32];
    struct base_out out;
    base_out_fixed(&out, value, sizeof value);
    base_out_varint(&out, job->sequence);
    base_out_varint(&out, job->next_gen);
    store_kv_put(batch, STORE_TABLE_TS_STATE, base_bytes(key, sizeof key),
                 base_out_bytes(&out));
}

struct bytes
store_ts_job_piece(struct base_cur *cur)
{
    return base_cur_take(cur, (size_t)base_cur_varint(cur));
}

/* The dictionary first, in as many batches as it takes: alone it says nothing.
 * The last one makes the segment part of the store. */
static enum err
job_commit(struct store_ts_job *job)
{
    struct store_kv *kv = job->config.kv;
    struct store_kv_batch *batch = store_kv_batch_new(kv);
    struct base_cur cur;
    enum err err = ERR_OK;
    base_cur_init(&cur, base_out_bytes(&job->rows));
    while (base_cur_left(&cur) > 0 && err == ERR_OK) {
        struct bytes key = store_ts_job_piece(&cur),
                     value = store_ts_job_piece(&cur);
        must(base_cur_ok(&cur));
        store_kv_put(batch, STORE_TABLE_TS_STATE, key, value);
        if (store_kv_batch_size(batch) < JOB_BATCH_BYTES)
            continue;
        err = store_kv_commit(kv, batch, NULL, NULL);
        batch = store_kv_batch_new(kv);
    }
    if (err != ERR_OK) {
        store_kv_batch_free(batch);
        return err;
    }
    if (job->file.id != 0)
        job_manifest(job, batch);
    job_state(job, batch);
    return store_kv_commit(kv, batch, &job->wait, NULL);
}

static enum err
job_forget(struct store_ts_job *job)
{
    struct store_kv_batch *batch = store_kv_batch_new(job->config.kv);
    for (size_t i = 0; i < job->old_count; i++) {
        uint8_t key[8];
        job_u64be(key, job->old[i]);
        store_kv_del(batch, STORE_TABLE_SEGMENT, base_bytes(key, sizeof key));
    }
    return store_kv_commit(job->config.kv, batch, &job->wait, NULL);
}

static void
job_remove(struct store_ts_job *job)
{
    struct sys_files *files = job->config.files;
    for (size_t i = 0; i < job->old_count; i++) {
        char *path = store_ts_seal_path(job->folder, false, job->old[i]);
        files->ops->remove(files, path);
        base_mem_free(path);
    }
}

static void
job_committed(struct store_journal_wait *wait, enum err err)
{
    struct store_ts_job *job = BASE_OUTER(wait, struct store_ts_job, wait);
    if (atomic_load(&job->left)) {
        store_ts_job_free(job);
        return;
    }
    if (err == ERR_OK && job->old)
        job_remove(job);
    job_back(job, err);
}

static void
job_work(struct base_task *task)
{
    struct store_ts_job *job = BASE_OUTER(task, struct store_ts_job, task);
    enum err err = ERR_OK;
    if (atomic_load(&job->left)) {
        store_ts_job_free(job);
        return;
    }
    if (job->group_count > 0 && !job->old)
        err = job_file(job);
    job->wait = (struct store_journal_wait){.fn = job_committed,
                                            .loop = job->config.worker};
    if (err == ERR_OK)
        err = job->old ? job_forget(job) : job_commit(job);
    if (err != ERR_OK)
        job_back(job, err);
}

void
store_ts_job_post(struct store_ts_job *job)
{
    job->step = STORE_TS_JOB_WORK;
    job->task.fn = job_work;
    base_loop_post(job->config.worker, &job->task);
}
