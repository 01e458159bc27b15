/* store_ts_seal.c -- the head becomes a segment; old segments go.
 *
 *   owner    freeze: active -> sealing, gen + 1
 *            | journal has synced all of it (or a cut has taken rows back)
 *            dictionary and hides as rows
 *   worker   tmp/ID: write, sync -> rename -> sync folder
 *            | kv: dictionary in batches, then one with SEGMENT and state
 *            | durable
 *   owner    map it, free the sealing head, pass the journal
 *
 * A crash at any step leaves either no row of the manifest (the file is then
 * deleted at open, the rows replayed) or all of it.  A failure keeps the
 * sealing head where it is and tries again after 10 s.
 */
#include "base/base_mem.h"
#include "base/base_must.h"
#include "store/store_ts_job.h"

enum {
    SEAL_RETRY_MS = 10000,
    SEAL_CHECK_MS = 5000,
    SEAL_FORGET_MS = 3600000,
    /* A late sample as old as retention allows has its window folded again,
     * from samples as old as the window and an input's `stale` before it (a
     * day each): they must still be there, or the figure would shrink. */
    SEAL_MARGIN_MS = 2 * 86400000,
};

/* Beyond this much journal the head is sealed, whatever its age. */
static const uint64_t seal_journal_bytes = UINT64_C(4) << 30;

static void seal_back(struct base_task *task);

/* --- names of files, mapping --- */

char *
store_ts_seal_path(const char *folder, bool tmp, uint64_t id)
{
    return base_mem_format("%s/%s%016llx.seg", folder, tmp ? "tmp/" : "",
                           (unsigned long long)id);
}

enum err
store_ts_seal_map(struct store_ts *ts, struct store_ts_file *file)
{
    struct sys_files *files = ts->config.files;
    struct sys_file *handle;
    char *path = store_ts_seal_path(ts->folder, false, file->id);
    enum err err = files->ops->open(files, path, SYS_FILE_READ, &handle);
    base_mem_free(path);
    if (err != ERR_OK)
        return err;
    uint64_t size = 0;
    err = files->ops->size(files, handle, &size);
    /* A shorter file than the manifest says is never mapped. */
    file->damaged = err != ERR_OK || size != file->bytes;
    if (!file->damaged)
        err = files->ops->map(files, handle, size, &file->map);
    files->ops->shut(files, handle);
    if (file->damaged || err != ERR_OK) {
        file->damaged = true;
        return ERR_OK;
    }
    const struct store_ts_segment *segment = &file->segment;
    file->damaged = store_ts_segment_open(base_bytes(file->map, size),
                                          &file->segment) != ERR_OK ||
                    segment->id != file->id || segment->check != file->check;
    return ERR_OK;
}

void
store_ts_seal_unmap(struct store_ts *ts, struct store_ts_file *file)
{
    if (file->map)
        ts->config.files->ops->unmap(ts->config.files, file->map, file->bytes);
    file->map = NULL;
}

static void
seal_count(struct store_ts *ts)
{
    int64_t bytes = 0;
    for (uint32_t i = 0; i < ts->file_count; i++)
        bytes += (int64_t)ts->files[i].bytes;
    base_stat_set(&ts->counts.segments, ts->file_count);
    base_stat_set(&ts->counts.segment_bytes, bytes);
    base_stat_set(&ts->counts.head_bytes,
                  (int64_t)(ts->head_bytes + ts->sealing_bytes));
}

void
store_ts_seal_list(struct store_ts *ts, const struct store_ts_file *file)
{
    if (ts->file_count == ts->file_room) {
        ts->file_room = ts->file_room ? ts->file_room * 2 : 16;
        ts->files =
            base_mem_resize(ts->files, ts->file_room * sizeof *ts->files);
    }
    must(ts->file_count == 0 || ts->files[ts->file_count - 1].id < file->id);
    ts->files[ts->file_count++] = *file;
    ts->first_t = file->t0 < ts->first_t ? file->t0 : ts->first_t;
    ts->last_t = file->t1 > ts->last_t ? file->t1 : ts->last_t;
    if (file->damaged) {
        base_stat_inc(&ts->counts.corrupt, 1);
        base_log_say(ts->config.log, BASE_LOG_ERROR, "store", "segment_damaged",
                     "segment=%016llx", (unsigned long long)file->id);
    }
    seal_count(ts);
}

/* --- owner: freeze --- */

static void
seal_put(struct store_ts_job *job, const struct base_out *key,
         const struct base_out *value)
{
    base_out_varint(&job->rows, key->size);
    base_out_bytes_add(&job->rows, base_out_bytes(key));
    base_out_varint(&job->rows, value->size);
    base_out_bytes_add(&job->rows, base_out_bytes(value));
}

static void
seal_key(struct store_ts_job *job, struct base_out *key,
         enum store_ts_row_kind kind)
{
    base_out_reset(key);
    base_out_u8(key, (uint8_t)kind);
    base_out_u8(key, (uint8_t)job->config.shard);
}

static void
seal_group_rows(struct store_ts_job *job, uint32_t id,
                struct store_ts_group *group, struct base_out *key,
                struct base_out *value)
{
    if (!group->kept) {
        seal_key(job, key, STORE_TS_ROW_GROUP);
        base_out_u32be(key, id);
        base_out_reset(value);
        for (uint32_t i = 0; i < group->labels->count; i++) {
            const struct model_label *label = &group->labels->at[i];
            base_out_varint(value, label->name.size);
            base_out_bytes_add(value, label->name);
            base_out_varint(value, label->value.size);
            base_out_bytes_add(value, label->value);
        }
        seal_put(job, key, value);
    }
    if (group->columns_kept < group->column_count) {
        seal_key(job, key, STORE_TS_ROW_COLUMN);
        base_out_u32be(key, id);
        base_out_reset(value);
        for (uint32_t i = 0; i < group->column_count; i++)
            base_out_varint(value, group->columns[i].metric);
        seal_put(job, key, value);
    }
    for (struct store_ts_hide *h = group->hides; h; h = h->next) {
        if (h->kept || h->gen > job->gen)
            continue;
        seal_key(job, key, STORE_TS_ROW_HIDE);
        base_out_u64be(key, h->gen);
        base_out_u64be(key, h->sequence);
        base_out_u32be(key, id);
        base_out_u32be(key, h->column);
        base_out_reset(value);
        base_out_zigzag(value, h->from);
        base_out_zigzag(value, h->to);
        seal_put(job, key, value);
    }
}

/* Everything that kv does not have yet. */
static void
seal_dictionary(struct store_ts *ts, struct store_ts_job *job)
{
    struct store_ts_index *index = &ts->index;
    struct base_out key, value;
    base_out_grow(&key, 64);
    base_out_grow(&value, 1 << 19);
    for (uint32_t i = index->metrics_kept; i < index->metric_count; i++) {
        seal_key(job, &key, STORE_TS_ROW_METRIC);
        base_out_u32be(&key, i);
        base_out_reset(&value);
        base_out_bytes_add(&value, index->metrics[i]);
        seal_put(job, &key, &value);
    }
    for (uint32_t i = 0; i < index->group_count; i++)
        if (index->groups[i])
            seal_group_rows(job, i, index->groups[i], &key, &value);
    must(base_out_ok(&key) && base_out_ok(&value) && base_out_ok(&job->rows));
    base_out_done(&key);
    base_out_done(&value);
    job->metrics_kept = index->metric_count;
}

/* What the worker needs of the hides of the head being sealed. */
static const struct store_ts_hide *
seal_hides(const struct store_ts_group *group, uint64_t gen)
{
    size_t count = 0, made = 0;
    for (const struct store_ts_hide *h = group->hides; h; h = h->next)
        count += h->gen == gen;
    if (count == 0)
        return NULL;
    struct store_ts_hide *copies = base_mem_new(count * sizeof *copies);
    for (const struct store_ts_hide *h = group->hides; h; h = h->next) {
        if (h->gen != gen)
            continue;
        copies[made] = *h;
        copies[made].next = made + 1 < count ? &copies[made + 1] : NULL;
        made++;
    }
    return copies;
}

static void
seal_freeze_groups(struct store_ts *ts, struct store_ts_job *job)
{
    size_t series = ts->index.series, made = 0;
    job->groups =
        base_mem_zero((ts->index.group_count + 1u) * sizeof *job->groups);
    job->metrics = base_mem_new((series + 1) * sizeof *job->metrics);
    for (uint32_t i = 0; i < ts->index.group_count; i++) {
        struct store_ts_group *group = ts->index.groups[i];
        if (!group || (!group->active.main && !group->active.late))
            continue;
        struct store_ts_job_group *to = &job->groups[job->group_count++];
        group->sealing = group->active;
        group->active = (struct store_ts_head){0};
        *to = (struct store_ts_job_group){
            .group = i,
            .column_count = group->column_count,
            .first_metric = made,
        };
        for (uint32_t c = 0; c < group->column_count; c++)
            job->metrics[made++] = group->columns[c].metric;
    }
}

/* The journal has synced (or cut) what the head has. */
static void
seal_synced(struct store_journal_wait *wait, enum err err)
{
    struct store_ts_job *job = BASE_OUTER(wait, struct store_ts_job, wait);
    if (atomic_load(&job->left)) {
        store_ts_job_free(job);
        return;
    }
    struct store_ts *ts = job->ts;
    if (err == ERR_IO) { /* for ever: no seal will help */
        job->step = STORE_TS_JOB_FAILED;
        return;
    }
    store_ts_rewind(ts);
    uint64_t synced = store_journal_synced(ts->config.journal, ts->stream);
    job->sequence = synced < job->sequence ? synced : job->sequence;
    for (size_t i = 0; i < job->group_count; i++) {
        const struct store_ts_group *group =
            store_ts_index_group(ts, job->groups[i].group);
        job->groups[i].head = group->sealing;
        job->groups[i].hides = seal_hides(group, job->gen);
    }
    seal_dictionary(ts, job);
    store_ts_job_post(job);
}

static void
seal_start(struct store_ts *ts)
{
    store_ts_rewind(ts);
    struct store_ts_job *job = store_ts_job_new(ts);
    job->back = seal_back;
    job->gen = ts->gen;
    job->next_gen = ts->gen + 1;
    job->sequence = store_journal_appended(ts->config.journal, ts->stream);
    job->file.id = (uint64_t)ts->config.shard << 56 | ts->gen;
    job->done = ts->done;
    ts->done = NULL;
    ts->done_last = &ts->done;
    seal_freeze_groups(ts, job);
    if (job->group_count == 0)
        job->file.id = 0;
    ts->gen++;
    ts->is_sealing = true;
    ts->sealing_bytes = ts->head_bytes;
    ts->sealing_rows = ts->head_rows;
    ts->head_bytes = ts->head_rows = 0;
    ts->head_since_ms = 0;
    ts->job = job;
    job->step = STORE_TS_JOB_SYNC;
    job->wait =
        (struct store_journal_wait){.fn = seal_synced, .loop = ts->config.loop};
    store_journal_wait(ts->config.journal, ts->stream, job->sequence,
                       &job->wait);
}

/* --- owner: done --- */

static void
seal_kept(struct store_ts *ts, const struct store_ts_job *job)
{
    ts->index.metrics_kept = job->metrics_kept;
    struct base_cur cur;
    base_cur_init(&cur, base_out_bytes(&job->rows));
    while (base_cur_left(&cur) > 0) {
        struct base_cur key;
        base_cur_init(&key, store_ts_job_piece(&cur));
        struct bytes value = store_ts_job_piece(&cur);
        uint8_t kind = base_cur_u8(&key);
        base_cur_u8(&key);
        if (kind == STORE_TS_ROW_GROUP) {
            store_ts_index_group(ts, base_cur_u32be(&key))->kept = true;
        } else if (kind == STORE_TS_ROW_COLUMN) {
            uint32_t columns = 0;
            for (size_t i = 0; i < value.size; i++)
                columns += value.at[i] < 128; /* varints */
            store_ts_index_group(ts, base_cur_u32be(&key))->columns_kept =
                columns;
        } else if (kind == STORE_TS_ROW_HIDE) {
            base_cur_u64be(&key);
            uint64_t sequence = base_cur_u64be(&key);
            struct store_ts_group *group =
                store_ts_index_group(ts, base_cur_u32be(&key));
            for (struct store_ts_hide *h = group->hides; h; h = h->next)
                if (h->sequence == sequence)
                    h->kept = true;
        }
    }
}

static void
seal_tell_done(struct store_ts *ts, struct base_task *done)
{
    while (done) {
        struct base_task *next = done->next;
        done->next = NULL;
        base_loop_post(ts->config.loop, done);
        done = next;
    }
}

static void
seal_finish(struct store_ts *ts, struct store_ts_job *job)
{
    if (job->file.id != 0) {
        /* It was written a moment ago: if it cannot be mapped now, its reads
         * answer CORRUPT until the next start. */
        if (store_ts_seal_map(ts, &job->file) != ERR_OK)
            job->file.damaged = true;
        store_ts_seal_list(ts, &job->file);
    }
    for (size_t i = 0; i < job->group_count; i++)
        store_ts_head_free(
            &store_ts_index_group(ts, job->groups[i].group)->sealing);
    ts->is_sealing = false;
    ts->sealing_bytes = ts->sealing_rows = 0;
    ts->sealed = job->sequence;
    seal_kept(ts, job);
    store_journal_pass(ts->config.journal, ts->stream, STORE_JOURNAL_SEGMENTS,
                       ts->sealed);
    base_stat_inc(&ts->counts.sealed, 1);
    seal_count(ts);
}

static void
seal_back(struct base_task *task)
{
    struct store_ts_job *job = BASE_OUTER(task, struct store_ts_job, task);
    struct store_ts *ts = job->ts;
    if (atomic_load(&job->left)) {
        store_ts_job_free(job);
        return;
    }
    struct base_task *done = job->done;
    job->done = NULL;
    if (job->err != ERR_OK) {
        base_stat_inc(&ts->counts.seal_errors, 1);
        base_log_say(ts->config.log, BASE_LOG_ERROR, "store", "seal_failed",
                     "err=%s", base_err_name(job->err));
        job->step = STORE_TS_JOB_FAILED;
        ts->retry_ms = base_loop_mono(ts->config.loop).ms + SEAL_RETRY_MS;
        seal_tell_done(ts, done);
        return;
    }
    if (!job->old)
        seal_finish(ts, job);
    ts->job = NULL;
    store_ts_job_free(job);
    seal_tell_done(ts, done);
    if (ts->seal_wanted) {
        ts->seal_wanted = false;
        seal_start(ts);
    }
}

/* --- when --- */

static bool
seal_due(struct store_ts *ts)
{
    struct store_journal_health health;
    if (ts->head_bytes > ts->config.head_bytes / 2)
        return true;
    if (ts->head_rows == 0)
        return false;
    if (base_loop_mono(ts->config.loop).ms - ts->head_since_ms >=
        ts->config.seal_ms)
        return true;
    store_journal_health(ts->config.journal, &health);
    return health.bytes > seal_journal_bytes &&
           ts->head_bytes > ts->config.head_bytes / 64;
}

/* --- retention --- */

/* Whole segments older than t go. */
static void
seal_forget_before(struct store_ts *ts, int64_t t)
{
    struct store_ts_job *job = store_ts_job_new(ts);
    uint32_t left = 0;
    job->back = seal_back;
    job->old = base_mem_new((ts->file_count + 1u) * sizeof *job->old);
    for (uint32_t i = 0; i < ts->file_count; i++) {
        if (ts->files[i].t1 >= t) {
            ts->files[left++] = ts->files[i];
            continue;
        }
        job->old[job->old_count++] = ts->files[i].id;
        store_ts_seal_unmap(ts, &ts->files[i]);
    }
    ts->file_count = left;
    if (job->old_count == 0) {
        store_ts_job_free(job);
        return;
    }
    for (uint32_t i = 0; i < ts->index.group_count; i++)
        for (uint32_t c = 0;
             ts->index.groups[i] && c < ts->index.groups[i]->column_count; c++)
            if (ts->index.groups[i]->columns[c].t < t)
                ts->index.groups[i]->columns[c].t = STORE_TS_UNKNOWN;
    ts->job = job;
    store_ts_job_post(job);
}

/* Counted from the newest sample in segments, or from now if that is ahead: a
 * clock that leaps takes nothing with it. */
static void
seal_forget(struct store_ts *ts)
{
    int64_t mono = base_loop_mono(ts->config.loop).ms;
    if (ts->config.retention_ms == 0 || mono < ts->forget_ms)
        return;
    int64_t now = base_loop_wall(ts->config.loop).ms, newest = INT64_MIN;
    ts->forget_ms = mono + SEAL_FORGET_MS;
    for (uint32_t i = 0; i < ts->file_count; i++)
        newest = ts->files[i].t1 > newest ? ts->files[i].t1 : newest;
    if (newest != INT64_MIN)
        seal_forget_before(ts, (newest < now ? newest : now) -
                                   ts->config.retention_ms - SEAL_MARGIN_MS);
}

void
store_ts_seal_check(struct store_ts *ts)
{
    struct store_ts_job *job = ts->job;
    if (job && job->step == STORE_TS_JOB_FAILED &&
        base_loop_mono(ts->config.loop).ms >= ts->retry_ms &&
        store_journal_state(ts->config.journal) != STORE_JOURNAL_FAILED) {
        job->file.id = job->group_count > 0 && !job->old
                           ? (uint64_t)ts->config.shard << 56 | job->gen
                           : 0;
        store_ts_job_post(job);
    } else if (!job && seal_due(ts)) {
        seal_start(ts);
    } else if (!job) {
        seal_forget(ts);
    }
    seal_count(ts);
}

void
store_ts_seal(struct store_ts *ts, struct base_task *done)
{
    if (done) {
        done->next = NULL;
        *ts->done_last = done;
        ts->done_last = &done->next;
    }
    if (ts->job) {
        ts->seal_wanted = true;
        ts->retry_ms = 0;
        store_ts_seal_check(ts);
    } else {
        seal_start(ts);
    }
}

void
store_ts_seal_leave(struct store_ts *ts, bool crash)
{
    struct store_ts_job *job = ts->job;
    ts->job = NULL;
    if (!job)
        return;
    bool rests = job->step == STORE_TS_JOB_FAILED;
    if (crash && base_list_in(&job->wait.link)) {
        base_list_remove(&job->wait.link);
        rests = true;
    }
    /* The worker may be reading the sealing heads: they go with the job. */
    for (size_t i = 0; i < job->group_count; i++) {
        struct store_ts_group *group =
            store_ts_index_group(ts, job->groups[i].group);
        if (job->step == STORE_TS_JOB_SYNC)
            job->groups[i].head = group->sealing;
        group->sealing = (struct store_ts_head){0};
    }
    job->ts = NULL;
    atomic_store(&job->left, true);
    if (rests || crash)
        store_ts_job_free(job);
}
