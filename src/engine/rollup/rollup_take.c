/* rollup_take.c -- a child's batch is applied, in turns, then answered.
 *
 *            message -> checks of the whole -> job, in a queue
 *            job: 256 records a turn, each turn one kv batch, each cell whole
 *                 in one; the child's row moves in the last (RULINGS 25)
 *            last batch durable -> ack {seq, applied, skipped, refused}
 *
 * A crash in between leaves some records applied and the child's seq where it
 * was: it sends again, and what was applied is skipped.  Per record: an older
 * (epoch, revision) is skipped, an equal one too if it is the same, else it is
 * a conflict.  The removals of a resync and of placeholders happen only in a
 * batch that is newer than the child's last. */
#include "base/base_mem.h"
#include "engine/rollup/rollup_inner.h"
#include "engine/rollup/rollup_move.h"
#include "model/model_id.h"
#include "wire/figure/wire_explain.h"
#include "wire/figure/wire_figure.h"

struct rollup_job {
    struct rollup_waiting waiting;
    struct base_link link; /* in rollup->jobs */
    struct model_answer *answer;
    struct base_out body; /* a copy; the reader points into it */
    struct wire_figure_head head;
    struct wire_figure_reader reader;
    struct wire_figure_record record;
    char from[MODEL_PREFIX_MAX + 1];
    unsigned pack;
    bool opened;   /* its first turn is over */
    bool fresh;    /* seq is above the child's last */
    bool held;     /* record is read, not yet applied */
    bool absorbed; /* this node has no units of its prefix any more */
    bool begun, ended;
    uint32_t index;   /* of the record */
    uint64_t at, end; /* cells to be removed: [at, end) */
    bool all_goes;    /* else only placeholders */
    bool tried;       /* to keep it */
    bool kept;        /* its row of BATCH was put by this job */
    uint8_t verdict;  /* enum wire_explain_verdict */
    struct wire_figure_ack ack;
};

/* --- answers --- */

static void
take_answer(struct model_answer *answer, const struct wire_figure_ack *ack)
{
    uint8_t room[WIRE_FIGURE_ACK];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    wire_figure_ack_write(&out, ack);
    answer->answer(answer, out.failed, base_out_bytes(&out));
}

static void
take_free(struct rollup_job *job)
{
    base_out_done(&job->body);
    base_mem_free(job);
}

/* The whole batch is refused, for good. */
static void
take_refuse(struct rollup *rollup, struct rollup_job *job,
            enum wire_figure_status status, const char *why)
{
    struct rollup_stats *stats = &rollup->stats;
    struct base_stat *const counts[] = {
        [WIRE_FIGURE_OK] = NULL,
        [WIRE_FIGURE_MISMATCH] = &stats->batch_mismatch,
        [WIRE_FIGURE_FOREIGN] = &stats->batch_foreign,
        [WIRE_FIGURE_OLD] = &stats->batch_old,
        [WIRE_FIGURE_BAD] = &stats->batch_bad,
        [WIRE_FIGURE_UNSIGNED] = &stats->batch_unsigned,
    };
    bool shape = status == WIRE_FIGURE_MISMATCH;
    uint8_t room[1024];
    struct base_out wanted;
    base_out_fixed(&wanted, room, sizeof room);
    for (unsigned i = 0; shape && i < rollup->pack_count && wanted.size < 900;
         i++)
        wire_figure_want(&wanted, rollup->packs[i].name,
                         rollup->packs[i].pack->shape8);
    base_stat_inc(counts[status], 1);
    base_log_say(rollup->config.log, BASE_LOG_ERROR, "rollup",
                 shape ? "pack_mismatch" : "batch_refused",
                 "from=%s why=\"%s\"", job->from, why);
    job->ack.status = (uint8_t)status;
    job->ack.wanted = base_out_bytes(&wanted);
    take_answer(job->answer, &job->ack);
    take_free(job);
}

/* An error of the channel: tier sends the link's states again after a pause. */
static void
take_later(struct rollup *rollup, struct rollup_job *job, enum err err)
{
    base_stat_inc(&rollup->stats.batch_later, 1);
    base_log_say(rollup->config.log, BASE_LOG_WARN, "rollup", "batch_waits",
                 "from=%s why=%s", job->from, base_err_name(err));
    job->answer->answer(job->answer, err, (struct bytes){0});
    take_free(job);
}

static void
take_durable(struct store_journal_wait *wait, enum err err)
{
    struct rollup_job *job = BASE_OUTER(wait, struct rollup_job, waiting.wait);
    struct rollup *rollup = job->waiting.rollup;
    if (!rollup) {
        take_free(job);
        return;
    }
    base_list_remove(&job->waiting.link);
    if (err != ERR_OK) {
        take_later(rollup, job, err);
        return;
    }
    base_stat_inc(&rollup->stats.batches, 1);
    base_stat_inc(&rollup->stats.applied, (int64_t)job->ack.applied);
    base_stat_inc(&rollup->stats.skipped, (int64_t)job->ack.skipped);
    base_stat_inc(&rollup->stats.refused, (int64_t)job->ack.refused);
    take_answer(job->answer, &job->ack);
    take_free(job);
}

/* --- one record --- */

static void
take_refused(struct rollup *rollup, struct rollup_job *job,
             enum wire_figure_code code)
{
    static const char *const words[] = {
        [WIRE_FIGURE_CONFLICT] = "conflict",
        [WIRE_FIGURE_RANGE] = "range",
        [WIRE_FIGURE_CELL] = "cell",
        [WIRE_FIGURE_GONE] = "gone",
    };
    struct wire_figure_ack *ack = &job->ack;
    ack->refused++;
    if (ack->code_count < WIRE_FIGURE_REFUSED)
        ack->codes[ack->code_count++] = (struct wire_figure_refusal){
            .index = job->index, .code = (uint8_t)code};
    if (code == WIRE_FIGURE_CONFLICT)
        base_log_say(rollup->config.log, BASE_LOG_ERROR, "rollup", words[code],
                     "from=%s pack=%s window=%08x cell=%u epoch=%u "
                     "revision=%llu",
                     job->from, rollup->packs[job->pack].pack->name,
                     job->head.window, job->record.cell, job->head.epoch,
                     (unsigned long long)job->record.revision);
}

/* Its last `expected`, for windows that do not come (RULINGS 27). */
static void
take_expected(struct rollup *rollup, struct rollup_job *job, uint32_t cell,
              const struct model_figure *figure)
{
    struct rollup_key key;
    struct rollup_row_pair row = {0};
    enum err err =
        rollup_get(rollup, STORE_TABLE_CHILD,
                   rollup_row_expected_key(
                       &key, job->head.child, rollup->packs[job->pack].name,
                       model_window_freq(job->head.window), cell),
                   ROLLUP_ROW_IS_PAIR, &row, 0);
    if (err == ERR_OK && job->head.window < row.a)
        return;
    row.a = job->head.window;
    row.b = 0;
    if (figure && figure->mask >> MODEL_FIGURE_EXPECTED & 1)
        row.b = (uint64_t)figure->slots[MODEL_FIGURE_EXPECTED].sum;
    rollup_put(rollup->merge.batch, STORE_TABLE_CHILD, base_out_bytes(&key.out),
               ROLLUP_ROW_IS_PAIR, &row, 0);
}

/* <0 the record is older than what is stored, 0 the same revision. */
static int
take_order(const struct rollup_job *job, const struct rollup_row_contrib *old)
{
    if (job->head.epoch != old->epoch)
        return job->head.epoch < old->epoch ? -1 : 1;
    return (job->record.revision > old->revision) -
           (job->record.revision < old->revision);
}

static enum err
take_state(struct rollup *rollup, struct rollup_job *job)
{
    struct rollup_row_contrib *now = &rollup->merge.now;
    bool gone = (job->record.marks & WIRE_FIGURE_TOMBSTONE) != 0;
    *now = (struct rollup_row_contrib){
        .flags =
            (uint8_t)(ROLLUP_ROW_BATCH | (gone ? ROLLUP_ROW_TOMBSTONE : 0)),
        .seq = job->head.seq,
        .cell = job->record.cell,
        .epoch = job->head.epoch,
        .revision = job->record.revision,
        .reason = job->record.reason,
    };
    struct base_cur cur;
    base_cur_init(&cur, job->record.state);
    if (!gone)
        model_figure_read(&cur, &now->figure, rollup->packs[job->pack].slots);
    return cur.failed;
}

/* AGAIN: the merge must end first. */
static enum err
take_record(struct rollup *rollup, struct rollup_job *job)
{
    struct rollup_row_contrib *old = &rollup->merge.old,
                              *now = &rollup->merge.now;
    struct rollup_pack *pack = &rollup->packs[job->pack];
    struct rollup_key room;
    if (job->record.cell >= pack->pack->cells) {
        take_refused(rollup, job, WIRE_FIGURE_CELL);
        return ERR_OK;
    }
    struct bytes key = rollup_row_contrib_key(
        &room, pack->name, job->head.window, job->head.child, job->record.cell);
    if (take_state(rollup, job) != ERR_OK) {
        take_refused(rollup, job, WIRE_FIGURE_RANGE);
        return ERR_OK;
    }
    enum err err = rollup_merge_old(rollup, job->pack, key, old);
    if (err != ERR_OK && err != ERR_ABSENT)
        return err;
    bool some = err == ERR_OK;
    int order = some ? take_order(job, old) : 1;
    if (order == 0 && !model_figure_equal(&old->figure, &now->figure)) {
        take_refused(rollup, job, WIRE_FIGURE_CONFLICT);
        return ERR_OK;
    }
    if (order <= 0) {
        job->ack.skipped++;
        return ERR_OK;
    }
    err = rollup_merge_put(rollup, job->pack, job->head.window, key,
                           some ? old : NULL, now);
    if (err == ERR_RANGE) {
        take_refused(rollup, job, WIRE_FIGURE_RANGE);
        return ERR_OK;
    }
    if (err == ERR_OK) {
        job->ack.applied++;
        take_expected(rollup, job, job->record.cell, &now->figure);
    }
    return err;
}

/* --- removals --- */

struct take_cells {
    uint32_t cells[ROLLUP_PUTS];
    unsigned count;
    uint64_t end, next;
    size_t all;
};

static bool
take_cell(void *self, struct bytes key, struct bytes value)
{
    struct take_cells *cells = self;
    uint32_t cell = rollup_row_tail(key);
    (void)value;
    cells->next = (uint64_t)cell + 1;
    if (cell >= cells->end)
        return false;
    cells->cells[cells->count++] = cell;
    return true;
}

/* Removes what the child holds no more in [at, end), as far as the merge has
 * room; at moves on. */
static enum err
take_remove(struct rollup *rollup, struct rollup_job *job)
{
    struct bytes name = rollup->packs[job->pack].name;
    struct rollup_row_contrib *old = &rollup->merge.old;
    struct rollup_key room, from;
    struct take_cells *cells = base_mem_new(sizeof *cells);
    cells->count = 0;
    cells->end = cells->next = job->end;
    enum err err = store_kv_scan(
        rollup_snap(rollup), STORE_TABLE_CONTRIB,
        rollup_row_contrib_all(&room, name, job->head.window, job->head.child),
        rollup_row_contrib_key(&from, name, job->head.window, job->head.child,
                               (uint32_t)job->at),
        ROLLUP_PUTS - rollup->merge.puts, take_cell, cells, NULL);
    if (err == ERR_AGAIN || err == ERR_ABSENT || err == ERR_OK) {
        bool more = err == ERR_AGAIN && cells->next < job->end;
        job->at = more ? cells->next : job->end;
        err = ERR_OK;
    }
    for (unsigned i = 0; i < cells->count && err == ERR_OK; i++) {
        if (rollup_merge_full(rollup)) {
            job->at = cells->cells[i];
            break;
        }
        struct bytes key = rollup_row_contrib_key(
            &room, name, job->head.window, job->head.child, cells->cells[i]);
        err = rollup_merge_old(rollup, job->pack, key, old);
        if (err == ERR_OK &&
            (job->all_goes || old->flags & ROLLUP_ROW_PLACEHOLDER)) {
            err = rollup_merge_put(rollup, job->pack, job->head.window, key,
                                   old, NULL);
            take_expected(rollup, job, cells->cells[i], NULL);
        } else if (err == ERR_AGAIN || err == ERR_ABSENT) {
            err = ERR_OK; /* just put, so it is real; or gone already */
        }
    }
    base_mem_free(cells);
    return err;
}

/* --- a job's turn --- */

/* The records and removals in order; OK: one thing done, ABSENT: all is. */
static enum err
take_next(struct rollup *rollup, struct rollup_job *job)
{
    bool resync = job->fresh && job->head.flags & WIRE_FIGURE_RESYNC;
    bool last = job->fresh && job->head.flags & WIRE_FIGURE_COMPLETE;
    if (!job->absorbed) {
        enum err err = rollup_move_absorb(rollup, job->pack, job->head.window,
                                          job->head.child);
        job->absorbed = err == ERR_OK;
        return err;
    }
    if (job->at < job->end)
        return take_remove(rollup, job);
    if (job->held) {
        enum err err = take_record(rollup, job);
        job->held = err == ERR_AGAIN;
        job->index += err == ERR_OK;
        return err;
    }
    if (job->ended)
        return ERR_ABSENT;
    uint64_t next = job->begun ? (uint64_t)job->record.cell + 1 : 0;
    enum err err = wire_figure_next(
        &job->reader, rollup->packs[job->pack].slots, &job->record);
    if (err == ERR_OK) {
        job->held = true;
        job->at = next;
        job->end = resync && job->begun ? job->record.cell : next;
        job->begun = job->all_goes = true;
        return ERR_OK;
    }
    job->ended = true; /* the whole was checked: this is the right end */
    job->all_goes = resync;
    job->at = resync ? next : 0;
    job->end = last ? WIRE_FIGURE_CELLS : job->at;
    return ERR_OK;
}

/* The batch itself, before anything of it is applied: it is the proof.  One kv
 * batch of its own, as there is no room for both. */
static enum err
take_keep(struct rollup *rollup, struct rollup_job *job)
{
    struct rollup_key room;
    struct bytes value, message = base_out_bytes(&job->body);
    struct rollup_row_batch row = {
        .at_ms = rollup_now(rollup),
        .verdict = job->verdict,
        .key_id = job->head.key_id,
        .message = message.size <= ROLLUP_KEPT ? message : (struct bytes){0}};
    struct bytes key = rollup_row_batch_key(
        &room, rollup->packs[job->pack].name, job->head.window, job->head.child,
        job->head.epoch, job->head.seq);
    enum err err =
        store_kv_get(rollup_snap(rollup), STORE_TABLE_BATCH, key, &value);
    if (err != ERR_ABSENT)
        return err; /* a repetition */
    if (job->verdict == WIRE_EXPLAIN_SIGNED)
        row.key =
            rollup->config.key_of(rollup->config.key_self, job->head.child);
    struct store_kv_batch *batch = store_kv_batch_new(rollup->config.kv);
    struct base_out out;
    base_out_grow(&out, ROLLUP_KEPT + ROLLUP_ROW_MAX);
    store_kv_put(batch, STORE_TABLE_BATCH, key,
                 rollup_row_write_to(&out, ROLLUP_ROW_IS_BATCH, &row, 0));
    base_out_done(&out);
    err = store_kv_commit(rollup->config.kv, batch, NULL, NULL);
    job->kept = err == ERR_OK;
    return err;
}

static void
take_finish(struct rollup *rollup, struct rollup_job *job)
{
    struct store_kv_batch *batch = rollup->merge.batch;
    struct rollup_key key;
    if (job->kept && job->ack.applied == 0)
        store_kv_del(batch, STORE_TABLE_BATCH,
                     rollup_row_batch_key(&key, rollup->packs[job->pack].name,
                                          job->head.window, job->head.child,
                                          job->head.epoch, job->head.seq));
    struct rollup_row_child row = {.epoch = job->head.epoch,
                                   .seq = job->head.seq,
                                   .at_ms = rollup_now(rollup),
                                   .name = job->head.child};
    struct rollup_row_pair said = {.b = (uint64_t)rollup_now(rollup)};
    if (!job->fresh)
        return;
    rollup_put(batch, STORE_TABLE_CHILD,
               rollup_row_child_key(&key, ROLLUP_ROW_CHILD, job->head.child),
               ROLLUP_ROW_IS_CHILD, &row, 0);
    if (job->head.flags & WIRE_FIGURE_COMPLETE)
        rollup_put(batch, STORE_TABLE_WINDOW,
                   rollup_row_said_key(&key, rollup->packs[job->pack].name,
                                       job->head.window, job->head.child),
                   ROLLUP_ROW_IS_PAIR, &said, 0);
}

/* The first turn: is the batch newer than the child's last, is its window one
 * that is kept?  err: what rollup_merge_window said. */
static enum wire_figure_status
take_open(struct rollup *rollup, struct rollup_job *job, enum err err,
          const char **ret_why)
{
    struct rollup_row_child child = {0};
    struct rollup_key key;
    enum err known = rollup_get(
        rollup, STORE_TABLE_CHILD,
        rollup_row_child_key(&key, ROLLUP_ROW_CHILD, job->head.child),
        ROLLUP_ROW_IS_CHILD, &child, 0);
    job->opened = true;
    job->fresh = known == ERR_ABSENT || job->head.epoch > child.epoch ||
                 job->head.seq > child.seq;
    *ret_why = "of a lower epoch: an older copy of the node?";
    if (known == ERR_OK && job->head.epoch < child.epoch)
        return WIRE_FIGURE_OLD;
    *ret_why = "of a node that has not imported what was exported last";
    if (job->head.epoch < rollup_move_epoch(rollup, job->head.child))
        return WIRE_FIGURE_OLD;
    *ret_why = "not a window of the pack";
    if (err == ERR_NAME)
        return WIRE_FIGURE_BAD;
    *ret_why = "the window has another shape of the pack";
    return err == ERR_MISMATCH ? WIRE_FIGURE_MISMATCH : WIRE_FIGURE_OK;
}

/* The window is no longer kept: nothing to do, and nothing to send again. */
static void
take_gone(struct rollup_job *job)
{
    job->ack.refused = job->head.records;
    job->ack.code_count = job->head.records > 0;
    job->ack.codes[0].code = WIRE_FIGURE_GONE;
    job->fresh = false;
}

static void
take_leave(struct rollup *rollup, struct rollup_job *job)
{
    base_list_remove(&job->link);
    rollup->job_count--;
}

/* One kv batch of a job; it leaves the queue with the last. */
static void
take_turn(struct rollup *rollup, struct rollup_job *job)
{
    struct rollup_touched *touched;
    const char *why;
    rollup_fold_flush(rollup);
    rollup_merge_begin(rollup);
    enum err err = rollup_merge_window(rollup, job->pack, job->head.window,
                                       true, &touched);
    enum wire_figure_status status =
        job->opened ? WIRE_FIGURE_OK : take_open(rollup, job, err, &why);
    if (status != WIRE_FIGURE_OK) {
        rollup_merge_drop(rollup);
        take_leave(rollup, job);
        take_refuse(rollup, job, status, why);
        return;
    }
    if (err == ERR_OK && !job->tried)
        err = take_keep(rollup, job);
    job->tried = true;
    while (err == ERR_OK && !rollup_merge_full(rollup))
        err = take_next(rollup, job);
    bool done = err == ERR_ABSENT || err == ERR_STALE;
    if (err == ERR_STALE)
        take_gone(job);
    if (done) {
        take_finish(rollup, job);
        take_leave(rollup, job);
        rollup_wait_begin(rollup, &job->waiting, take_durable);
    }
    if (done || err == ERR_OK || err == ERR_AGAIN)
        err = rollup_merge_end(rollup, done ? &job->waiting.wait : NULL);
    else
        rollup_merge_drop(rollup);
    if (err == ERR_OK)
        return;
    if (done)
        base_list_remove(&job->waiting.link);
    else
        take_leave(rollup, job);
    take_later(rollup, job, err);
}

static void
take_run(struct rollup *rollup)
{
    if (!base_list_empty(&rollup->jobs))
        take_turn(rollup,
                  BASE_OUTER(rollup->jobs.next, struct rollup_job, link));
    if (!base_list_empty(&rollup->jobs) && !rollup->job_posted) {
        rollup->job_posted = true;
        base_loop_post(rollup->config.loop, &rollup->job_task);
    }
}

void
rollup_take_task(struct base_task *task)
{
    struct rollup *rollup = BASE_OUTER(task, struct rollup, job_task);
    rollup->job_posted = false;
    take_run(rollup);
}

void
rollup_take_drop(struct rollup *rollup, enum err err)
{
    while (!base_list_empty(&rollup->jobs)) {
        struct rollup_job *job =
            BASE_OUTER(rollup->jobs.next, struct rollup_job, link);
        take_leave(rollup, job);
        if (rollup->ending)
            take_free(job);
        else
            take_later(rollup, job, err);
    }
}

/* --- a message --- */

/* Whose key is known must have signed. */
static enum err
take_verify(struct rollup *rollup, struct rollup_job *job)
{
    const struct rollup_config *config = &rollup->config;
    struct bytes key = {0};
    struct base_out text;
    if (config->key_of)
        key = config->key_of(config->key_self, job->head.child);
    job->verdict = WIRE_EXPLAIN_UNKNOWN;
    if (key.size == 0)
        return ERR_OK;
    if (!(job->head.flags & WIRE_FIGURE_SIGNED))
        return ERR_DENIED;
    base_out_grow(&text, job->body.size + WIRE_FIGURE_DOMAIN);
    wire_figure_text(base_out_bytes(&job->body), &text);
    enum err err =
        crypt_key_verify(key, base_out_bytes(&text), job->head.signature);
    base_out_done(&text);
    if (err == ERR_OK)
        job->verdict = WIRE_EXPLAIN_SIGNED;
    return err;
}

/* What refuses the whole without a look at the store. */
static enum wire_figure_status
take_check(struct rollup *rollup, struct rollup_job *job, const char **ret_why)
{
    struct wire_figure_record record;
    enum err err =
        wire_figure_read(base_out_bytes(&job->body), &job->head, &job->reader);
    *ret_why = base_err_text(err);
    if (err != ERR_OK)
        return WIRE_FIGURE_BAD;
    struct bytes child = job->head.child;
    *ret_why = "its figures are of a prefix that is not the sender's";
    if (!base_bytes_equal_folded(child, base_bytes_text(job->from)) ||
        model_id_prefix_check(child) != ERR_OK ||
        base_bytes_equal_folded(child, rollup->own))
        return WIRE_FIGURE_FOREIGN;
    *ret_why = "not signed with the sender's key";
    if (take_verify(rollup, job) != ERR_OK)
        return WIRE_FIGURE_UNSIGNED;
    *ret_why = "no pack of this shape here";
    while (job->pack < rollup->pack_count &&
           rollup->packs[job->pack].pack->shape8 != job->head.shape8)
        job->pack++;
    if (job->pack == rollup->pack_count)
        return WIRE_FIGURE_MISMATCH;
    struct wire_figure_reader reader = job->reader;
    do
        err =
            wire_figure_next(&reader, rollup->packs[job->pack].slots, &record);
    while (err == ERR_OK);
    *ret_why = base_err_text(err);
    return err == ERR_ABSENT ? WIRE_FIGURE_OK : WIRE_FIGURE_BAD;
}

void
rollup_take_batch(void *engine, const struct model_message *message,
                  struct model_answer *answer)
{
    struct rollup *rollup = engine;
    const char *why;
    if (rollup->job_count >= ROLLUP_JOBS) {
        base_stat_inc(&rollup->stats.limit_jobs, 1);
        answer->answer(answer, ERR_BUSY, (struct bytes){0});
        return;
    }
    struct rollup_job *job = base_mem_zero(sizeof *job);
    base_out_grow(&job->body, WIRE_FIGURE_HEAD + WIRE_FIGURE_BODY);
    base_out_bytes_add(&job->body, message->body);
    base_bytes_string(message->from, job->from, sizeof job->from);
    job->answer = answer;
    job->ack.seq = message->seq;
    enum wire_figure_status status = take_check(rollup, job, &why);
    if (status != WIRE_FIGURE_OK) {
        take_refuse(rollup, job, status, why);
        return;
    }
    base_list_add(&rollup->jobs, &job->link);
    if (rollup->job_count++ == 0)
        take_run(rollup);
}
