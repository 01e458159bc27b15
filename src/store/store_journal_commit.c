/* store_journal_commit.c -- the committer: one for all streams.
 *
 *   wait    for `due` (first record + 1 ms, 64 KiB, close, flush), for the look
 *           at free space, for a reader's pass; meanwhile zero the spare
 *   begin   take one buffer of each stream that has data, seal the records'
 *           CRCs (their seed is known only now: the file's), write
 *   end     sync each, move `synced`, tell waits and watches, then barriers
 *
 * A write without space cuts; any other failure ends the journal's life as a
 * writer.  A sync that failed is never tried again: the kernel may have
 * dropped the pages and would say OK. */
#include "store/store_journal_private.h"

#include "base/base_must.h"
#include "base/base_rng.h"
#include "sys/sys_thread.h"

static const int64_t never_us = INT64_MAX;

static struct store_journal_buffer *
commit_other(struct store_journal_stream *stream)
{
    return &stream->buffers[1 - stream->fill];
}

/* Take what is oldest; stream.lock held. */
static bool
commit_take(struct store_journal_stream *stream)
{
    must(!stream->taken);
    if (!stream->sealed) {
        if (stream->buffers[stream->fill].size == 0)
            return false;
        stream->fill = 1 - stream->fill;
    }
    stream->sealed = false;
    stream->taken = true;
    return true;
}

static enum err
commit_write(struct store_journal *journal, struct store_journal_stream *stream)
{
    struct sys_files *files = journal->config.files;
    struct store_journal_buffer *group = commit_other(stream);
    struct store_journal_tail *tail = &stream->tail;
    if (!tail->file || tail->room - tail->end < group->size) {
        uint64_t first = atomic_load(&stream->synced) + 1;
        enum err err =
            store_journal_space_make(journal, stream, first, group->size);
        if (err != ERR_OK)
            return err;
        tail = &stream->next;
    } else {
        stream->written = group->size;
    }
    store_journal_file_seal(group->at, group->size, tail->seed);
    return files->ops->write(files, tail->file, tail->end,
                             base_bytes(group->at, group->size));
}

bool
store_journal_commit_begin(struct store_journal *journal)
{
    bool any = false;
    pthread_mutex_lock(&journal->lock);
    for (unsigned i = 0; i < journal->count; i++) {
        struct store_journal_stream *stream = &journal->streams[i];
        pthread_mutex_lock(&stream->lock);
        any |= commit_take(stream);
        pthread_mutex_unlock(&stream->lock);
    }
    journal->round += any;
    journal->active = any;
    pthread_mutex_unlock(&journal->lock);
    if (!any)
        return false;
    journal->round_us = sys_thread_now_us();
    journal->round_err = ERR_OK;
    for (unsigned i = 0; i < journal->count; i++) {
        struct store_journal_stream *stream = &journal->streams[i];
        if (stream->taken && journal->round_err == ERR_OK)
            journal->round_err = commit_write(journal, stream);
    }
    return true;
}

/* Move the waits up to synced to `told`; stream.lock held. */
static void
commit_due(struct store_journal_stream *stream, struct base_link *told)
{
    uint64_t synced = atomic_load(&stream->synced);
    while (!base_list_empty(&stream->waits)) {
        struct base_link *link = stream->waits.next;
        if (BASE_OUTER(link, struct store_journal_wait, link)->sequence >
            synced)
            return;
        base_list_remove(link);
        base_list_add(told, link);
    }
}

static void
commit_done(struct store_journal *journal, struct store_journal_stream *stream,
            uint64_t end)
{
    struct store_journal_buffer *group = commit_other(stream);
    struct base_link told;
    base_list_init(&told);
    stream->tail.end = end;
    stream->written = 0;
    base_stat_inc(&journal->counts.groups, 1);
    base_stat_inc(&journal->counts.bytes, (int64_t)group->size);
    pthread_mutex_lock(&stream->lock);
    atomic_store(&stream->synced, group->last);
    stream->tail_left = stream->tail.room - end;
    group->size = 0;
    stream->taken = false;
    commit_due(stream, &told);
    store_journal_tell_watches(stream);
    pthread_mutex_unlock(&stream->lock);
    store_journal_tell(&told, ERR_OK);
}

static enum err
commit_sync(struct store_journal *journal, struct store_journal_stream *stream)
{
    struct sys_files *files = journal->config.files;
    uint64_t size = commit_other(stream)->size;
    bool rotates = stream->next.file != NULL;
    struct store_journal_tail *tail = rotates ? &stream->next : &stream->tail;
    uint64_t end = tail->end + size;
    if (files->ops->sync(files, tail->file) != ERR_OK)
        return ERR_IO; /* whatever it said */
    if (rotates) {
        enum err err = store_journal_space_adopt(journal, stream);
        if (err != ERR_OK)
            return err;
    }
    commit_done(journal, stream, end);
    return ERR_OK;
}

/* All that is not synced is refused. */
static void
commit_drop(struct store_journal *journal, enum err err)
{
    struct base_link told;
    base_list_init(&told);
    for (unsigned i = 0; i < journal->count; i++) {
        struct store_journal_stream *stream = &journal->streams[i];
        pthread_mutex_lock(&stream->lock);
        stream->buffers[0].size = stream->buffers[1].size = 0;
        stream->sealed = stream->taken = false;
        atomic_store(&stream->appended, atomic_load(&stream->synced));
        atomic_store(&stream->asked, 0);
        struct base_link *link;
        while ((link = base_list_take(&stream->waits)))
            base_list_add(&told, link);
        pthread_mutex_unlock(&stream->lock);
    }
    pthread_mutex_lock(&journal->lock);
    struct base_link *link;
    while ((link = base_list_take(&journal->barriers)))
        base_list_add(&told, link);
    journal->owed = journal->rewinders;
    pthread_mutex_unlock(&journal->lock);
    store_journal_tell(&told, err);
    atomic_fetch_add(&journal->cuts, 1);
    base_stat_inc(&journal->counts.cuts, 1);
    for (unsigned i = 0; i < journal->count; i++) {
        struct store_journal_stream *stream = &journal->streams[i];
        pthread_mutex_lock(&stream->lock);
        store_journal_tell_watches(stream);
        pthread_mutex_unlock(&stream->lock);
    }
}

static void
commit_fail(struct store_journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    base_bytes_string(base_bytes_text("a write or a sync has failed"),
                      journal->health.why, sizeof journal->health.why);
    pthread_mutex_unlock(&journal->lock);
    store_journal_set_state(journal, STORE_JOURNAL_FAILED);
    commit_drop(journal, ERR_IO);
    base_log_say(journal->config.log, BASE_LOG_ERROR, "store", "journal_failed",
                 "cuts=%llu", (unsigned long long)atomic_load(&journal->cuts));
}

void
store_journal_commit_error(struct store_journal *journal, enum err err)
{
    if (atomic_load(&journal->state) == STORE_JOURNAL_FAILED)
        return;
    if (err == ERR_FULL) {
        /* First undo, then tell: what was refused does not come back. */
        store_journal_set_state(journal, STORE_JOURNAL_FULLD);
        for (unsigned i = 0; i < journal->count && err != ERR_IO; i++)
            err = store_journal_space_repair(journal, &journal->streams[i]);
        if (err != ERR_IO)
            commit_drop(journal, ERR_FULL);
        base_log_say(journal->config.log, BASE_LOG_ERROR, "store",
                     "journal_cut", "cuts=%llu",
                     (unsigned long long)atomic_load(&journal->cuts));
        if (err != ERR_IO)
            return;
    }
    commit_fail(journal);
}

void
store_journal_commit_end(struct store_journal *journal)
{
    enum err err = journal->round_err;
    struct base_link told;
    base_list_init(&told);
    for (unsigned i = 0; i < journal->count && err == ERR_OK; i++)
        if (journal->streams[i].taken)
            err = commit_sync(journal, &journal->streams[i]);
    if (err != ERR_OK)
        store_journal_commit_error(journal, err);
    else
        base_stat_observe(&journal->counts.seconds,
                          sys_thread_now_us() - journal->round_us);
    pthread_mutex_lock(&journal->lock);
    journal->active = false;
    while (!base_list_empty(&journal->barriers)) {
        struct base_link *link = journal->barriers.next;
        if (BASE_OUTER(link, struct store_journal_wait, link)->sequence >
            journal->round)
            break;
        base_list_remove(link);
        base_list_add(&told, link);
    }
    pthread_cond_broadcast(&journal->done);
    pthread_mutex_unlock(&journal->lock);
    store_journal_tell(&told, ERR_OK);
    if (!journal->spare && !atomic_load(&journal->tight))
        store_journal_space_check(journal);
}

/* What is due now; journal.lock held, and released around the work.  false:
 * nothing was. */
static bool
commit_work(struct store_journal *journal)
{
    int64_t now = sys_thread_now_us();
    bool round = journal->due_us <= now, check = journal->check_us <= now;
    bool trim = journal->trim;
    if (round)
        journal->due_us = never_us;
    journal->trim = false;
    pthread_mutex_unlock(&journal->lock);
    bool worked = round || check || trim;
    if (round && store_journal_commit_begin(journal))
        store_journal_commit_end(journal);
    if (check)
        store_journal_space_check(journal);
    if (trim)
        store_journal_space_trim(journal);
    if (!worked)
        worked = store_journal_space_zero(journal);
    pthread_mutex_lock(&journal->lock);
    return worked;
}

static void *
commit_thread(void *self)
{
    struct store_journal *journal = self;
    pthread_mutex_lock(&journal->lock);
    while (!journal->stopping) {
        if (commit_work(journal))
            continue;
        int64_t until = journal->due_us < journal->check_us ? journal->due_us
                                                            : journal->check_us;
        if (!journal->stopping && !journal->trim)
            sys_thread_wait(&journal->wake, &journal->lock, until);
    }
    pthread_mutex_unlock(&journal->lock);
    return NULL;
}

/* ---- the simulation's committer: two timers ---- */

static void
commit_timer(struct base_timer *timer)
{
    struct store_journal *journal =
        BASE_OUTER(timer, struct store_journal, timer);
    struct store_journal_config *config = &journal->config;
    if (journal->active) {
        store_journal_commit_end(journal);
        for (unsigned i = 0; i < journal->count; i++)
            if (atomic_load(&journal->streams[i].appended) >
                atomic_load(&journal->streams[i].synced))
                store_journal_commit_schedule(journal, 0);
        return;
    }
    if (!store_journal_commit_begin(journal))
        return;
    int64_t delay_ms = (int64_t)base_rng_range(
        config->random, (uint64_t)config->sync_delay_max_ms + 1);
    if (delay_ms == 0)
        store_journal_commit_end(journal);
    else
        base_loop_timer(config->loop, timer, delay_ms);
}

static void
commit_check(struct base_timer *timer)
{
    struct store_journal *journal =
        BASE_OUTER(timer, struct store_journal, check);
    store_journal_space_check(journal);
    base_loop_timer(journal->config.loop, timer, STORE_JOURNAL_CHECK_US / 1000);
}

void
store_journal_commit_schedule(struct store_journal *journal, int64_t after_us)
{
    struct base_loop *loop = journal->config.loop;
    int64_t after_ms = (after_us + 999) / 1000;
    if (journal->active)
        return; /* its end looks again */
    if (journal->timer.index != 0 &&
        journal->timer.at_ms <= base_loop_mono(loop).ms + after_ms)
        return;
    base_loop_timer(loop, &journal->timer, after_ms);
}

enum err
store_journal_commit_start(struct store_journal *journal)
{
    journal->due_us = never_us;
    journal->check_us = sys_thread_now_us() + STORE_JOURNAL_CHECK_US;
    journal->running = true;
    if (journal->config.threads)
        return sys_thread_start("journal", commit_thread, journal,
                                &journal->thread);
    journal->timer.fn = commit_timer;
    journal->check.fn = commit_check;
    base_loop_timer(journal->config.loop, &journal->check,
                    STORE_JOURNAL_CHECK_US / 1000);
    return ERR_OK;
}

void
store_journal_commit_stop(struct store_journal *journal)
{
    if (!journal->running)
        return;
    journal->running = false;
    if (journal->config.threads) {
        pthread_mutex_lock(&journal->lock);
        journal->stopping = true;
        pthread_cond_signal(&journal->wake);
        pthread_mutex_unlock(&journal->lock);
        sys_thread_join(journal->thread);
    } else {
        base_loop_timer_clear(journal->config.loop, &journal->timer);
        base_loop_timer_clear(journal->config.loop, &journal->check);
    }
}
