/* store_journal.c -- the journal as its users see it: open, append, wait, shut.
 *
 * The shape of its inside is drawn in store_journal_private.h. */
#include "store/store_journal_private.h"

#include "base/base_mem.h"
#include "base/base_must.h"
#include "base/base_out.h"
#include "sys/sys_thread.h"

enum {
    JOURNAL_FILE = 64 << 20,
    JOURNAL_BUFFER =
        STORE_JOURNAL_FILE_FRAME + STORE_JOURNAL_RECORD_MAX, /* one at least */
};

static const uint64_t any_cuts = UINT64_MAX;

/* ---- open and shut ---- */

static void
journal_count(struct store_journal *journal, bool add)
{
    struct store_journal_counts *counts = &journal->counts;
    const struct base_stat_row rows[] = {
        {&counts->seconds, BASE_STAT_HISTOGRAM, "dougong_commit_seconds", "",
         "Time to write and sync one round of groups"},
        {&counts->bytes, BASE_STAT_COUNTER, "dougong_commit_bytes_total", "",
         "Bytes of groups synced"},
        {&counts->groups, BASE_STAT_COUNTER, "dougong_commit_groups_total", "",
         "Groups synced"},
        {&counts->cuts, BASE_STAT_COUNTER, "dougong_commit_cuts_total", "",
         "Times that all unsynced records were refused"},
        {&counts->full, BASE_STAT_COUNTER, "dougong_limit_hit_total",
         "limit=\"journal_full\"", "Times a limit was hit"},
        {&counts->busy, BASE_STAT_COUNTER, "dougong_limit_hit_total",
         "limit=\"journal_busy\"", "Times a limit was hit"},
        {&counts->disk_bytes, BASE_STAT_GAUGE, "dougong_journal_bytes", "",
         "Size of the journal's files"},
        {&counts->disk_files, BASE_STAT_GAUGE, "dougong_journal_files", "",
         "Files of the journal"},
        {&counts->state, BASE_STAT_GAUGE, "dougong_journal_state", "",
         "0 well, 1 little space, 2 no space, 3 failed"},
    };
    counts->seconds.histogram = &counts->histogram;
    base_stat_rows(journal->config.stats, rows, BASE_COUNT(rows), add);
}

static void
journal_stream_init(struct store_journal *journal, unsigned index)
{
    struct store_journal_stream *stream = &journal->streams[index];
    must(pthread_mutex_init(&stream->lock, NULL) == 0);
    base_list_init(&stream->waits);
    stream->index = index;
    stream->folder = index == STORE_JOURNAL_RECORDS
                         ? base_mem_format("%s/records", journal->folder)
                         : base_mem_format("%s/%u", journal->folder,
                                           index - STORE_JOURNAL_SAMPLES);
}

static struct store_journal *
journal_new(const struct store_journal_config *config)
{
    struct store_journal *journal = base_mem_zero(sizeof *journal);
    must(config->shards >= 1 &&
         config->shards + STORE_JOURNAL_SAMPLES <= STORE_JOURNAL_STREAMS);
    journal->config = *config;
    journal->folder = base_mem_text(config->folder);
    journal->config.folder = journal->folder;
    if (config->file_bytes == 0)
        journal->config.file_bytes = JOURNAL_FILE;
    journal->count = config->shards + STORE_JOURNAL_SAMPLES;
    journal->wall_ms = base_loop_wall(config->loop).ms;
    journal->wall_us = sys_thread_now_us();
    must(pthread_mutex_init(&journal->lock, NULL) == 0);
    sys_thread_condition(&journal->wake);
    sys_thread_condition(&journal->done);
    base_list_init(&journal->barriers);
    journal_count(journal, true);
    for (unsigned i = 0; i < journal->count; i++)
        journal_stream_init(journal, i);
    return journal;
}

static void
journal_stream_free(struct store_journal *journal,
                    struct store_journal_stream *stream)
{
    struct sys_files *files = journal->config.files;
    while (base_list_take(&stream->waits))
        ; /* never told: their owners may free them */
    files->ops->shut(files, stream->tail.file);
    files->ops->shut(files, stream->next.file);
    base_mem_free(stream->next_path);
    base_mem_free(stream->folder);
    base_mem_free(stream->files);
    base_mem_free(stream->buffers[0].at);
    base_mem_free(stream->buffers[1].at);
    pthread_mutex_destroy(&stream->lock);
}

static void
journal_free(struct store_journal *journal)
{
    struct sys_files *files = journal->config.files;
    while (base_list_take(&journal->barriers))
        ;
    for (unsigned i = 0; i < journal->count; i++)
        journal_stream_free(journal, &journal->streams[i]);
    files->ops->shut(files, journal->spare);
    files->ops->shut(files, journal->owner);
    journal_count(journal, false);
    pthread_cond_destroy(&journal->wake);
    pthread_cond_destroy(&journal->done);
    pthread_mutex_destroy(&journal->lock);
    base_mem_free(journal->folder);
    base_mem_free(journal);
}

/* The folders, and the lock that keeps a second journal out. */
static enum err
journal_own(struct store_journal *journal, struct base_note *note)
{
    struct sys_files *files = journal->config.files;
    char *path = base_mem_format("%s/lock", journal->folder);
    enum err err = sys_file_folders(files, journal->folder);
    for (unsigned i = 0; i < journal->count && err == ERR_OK; i++)
        err = sys_file_folders(files, journal->streams[i].folder);
    if (err == ERR_OK)
        err = files->ops->sync_folder(files, journal->folder);
    if (err == ERR_OK)
        err = files->ops->open(files, path, SYS_FILE_WRITE, &journal->owner);
    if (err == ERR_BUSY)
        base_err_note_at(note, err, path, 0, 0,
                         "another process has this journal open");
    else if (err != ERR_OK)
        base_err_note_at(note, err, path, 0, 0, "%s", base_err_text(err));
    base_mem_free(path);
    return err;
}

enum err
store_journal_open(const struct store_journal_config *config,
                   struct store_journal **ret_journal, struct base_note *note)
{
    struct store_journal *journal = journal_new(config);
    enum err err = journal_own(journal, note);
    if (err == ERR_OK)
        err = store_journal_recover(journal, note);
    if (err != ERR_OK) {
        journal_free(journal);
        return err;
    }
    *ret_journal = journal;
    return ERR_OK;
}

enum err
store_journal_start(struct store_journal *journal)
{
    must(!journal->started);
    store_journal_space_check(journal);
    enum err err = store_journal_commit_start(journal);
    journal->started = err == ERR_OK;
    return err;
}

static void
journal_drain(struct store_journal *journal)
{
    if (journal->active)
        store_journal_commit_end(journal);
    while (store_journal_commit_begin(journal))
        store_journal_commit_end(journal);
}

/* A CLEAN in every stream that has a file; then the file needs no more room. */
static void
journal_clean(struct store_journal *journal)
{
    struct sys_files *files = journal->config.files;
    uint64_t sequence;
    for (unsigned i = 0; i < journal->count; i++)
        if (journal->streams[i].tail.file)
            store_journal_append(journal, i, STORE_JOURNAL_CLEAN, NULL, 0,
                                 &sequence);
    journal_drain(journal);
    if (store_journal_state(journal) == STORE_JOURNAL_FAILED)
        return;
    for (unsigned i = 0; i < journal->count; i++) {
        struct store_journal_tail *tail = &journal->streams[i].tail;
        if (tail->file)
            files->ops->truncate(files, tail->file, tail->end);
    }
}

void
store_journal_shut(struct store_journal *journal)
{
    if (!journal)
        return;
    if (journal->started) {
        store_journal_commit_stop(journal);
        journal_drain(journal);
        journal_clean(journal);
        if (journal->spare)
            store_journal_space_sweep(journal);
    }
    journal_free(journal);
}

void
store_journal_crash(struct store_journal *journal)
{
    if (!journal)
        return;
    store_journal_commit_stop(journal);
    journal_free(journal);
}

/* ---- small questions ---- */

const uint8_t *
store_journal_store_id(struct store_journal *journal)
{
    return journal->store_id;
}

uint64_t
store_journal_appended(struct store_journal *journal, unsigned stream)
{
    return atomic_load(&journal->streams[stream].appended);
}

uint64_t
store_journal_synced(struct store_journal *journal, unsigned stream)
{
    return atomic_load(&journal->streams[stream].synced);
}

enum store_journal_state
store_journal_state(struct store_journal *journal)
{
    return (enum store_journal_state)atomic_load(&journal->state);
}

uint64_t
store_journal_cuts(struct store_journal *journal)
{
    return atomic_load(&journal->cuts);
}

void
store_journal_health(struct store_journal *journal,
                     struct store_journal_health *ret_health)
{
    pthread_mutex_lock(&journal->lock);
    *ret_health = journal->health;
    ret_health->files = ret_health->bytes = 0;
    for (unsigned i = 0; i < journal->count; i++) {
        const struct store_journal_stream *stream = &journal->streams[i];
        ret_health->files += stream->file_count;
        for (unsigned j = 0; j < stream->file_count; j++)
            ret_health->bytes += stream->files[j].bytes;
    }
    pthread_mutex_unlock(&journal->lock);
    ret_health->state = store_journal_state(journal);
}

void
store_journal_set_state(struct store_journal *journal,
                        enum store_journal_state state)
{
    static const char *const names[] = {"ok", "low", "full", "failed"};
    int before = atomic_exchange(&journal->state, (int)state);
    if (before == (int)state)
        return;
    base_stat_set(&journal->counts.state, (int64_t)state);
    for (unsigned i = 0; i < journal->count; i++) {
        struct store_journal_stream *stream = &journal->streams[i];
        pthread_mutex_lock(&stream->lock);
        store_journal_tell_watches(stream);
        pthread_mutex_unlock(&stream->lock);
    }
    base_log_say(journal->config.log, BASE_LOG_WARN, "store", "journal_state",
                 "state=%s", names[state]);
}

char *
store_journal_path(const struct store_journal_stream *stream, uint64_t first)
{
    char name[STORE_JOURNAL_FILE_NAME];
    return base_mem_format("%s/%s", stream->folder,
                           store_journal_file_name(first, name));
}

/* ---- append ---- */

void
store_journal_kick(struct store_journal *journal, int64_t after_us)
{
    if (!journal->config.threads) {
        if (journal->running)
            store_journal_commit_schedule(journal, after_us);
        return;
    }
    int64_t due_us = after_us ? sys_thread_now_us() + after_us : 0;
    pthread_mutex_lock(&journal->lock);
    if (due_us < journal->due_us) {
        journal->due_us = due_us;
        pthread_cond_signal(&journal->wake);
    }
    pthread_mutex_unlock(&journal->lock);
}

/* The buffer that takes `need` bytes; stream.lock held. */
static enum err
append_buffer(struct store_journal *journal,
              struct store_journal_stream *stream, uint64_t cuts, size_t need,
              struct store_journal_buffer **ret_buffer)
{
    struct store_journal_buffer *fill = &stream->buffers[stream->fill],
                                *other = &stream->buffers[1 - stream->fill];
    int state = atomic_load(&journal->state);
    if (state == STORE_JOURNAL_FAILED)
        return ERR_IO;
    if (cuts != any_cuts && cuts != atomic_load(&journal->cuts))
        return ERR_STALE;
    if (state == STORE_JOURNAL_FULLD)
        return ERR_FULL;
    if (atomic_load(&journal->tight) &&
        fill->size + other->size + need > stream->tail_left)
        return ERR_FULL;
    if (fill->size == 0 || fill->size + need <= STORE_JOURNAL_GROUP_MAX) {
        *ret_buffer = fill;
        return ERR_OK;
    }
    if (stream->sealed || stream->taken)
        return ERR_BUSY;
    stream->sealed = true;
    stream->fill = 1 - stream->fill;
    *ret_buffer = other;
    return ERR_OK;
}

/* How soon this record makes its group due: us, -1 for no sooner than it is. */
static int64_t
append_due_us(size_t before, size_t after)
{
    if (before < STORE_JOURNAL_GROUP_GOOD && after >= STORE_JOURNAL_GROUP_GOOD)
        return 0;
    return before == 0 ? STORE_JOURNAL_GROUP_US : -1;
}

static void
append_refused(struct store_journal *journal, enum err err)
{
    if (err == ERR_FULL)
        base_stat_inc(&journal->counts.full, 1);
    if (err == ERR_BUSY)
        base_stat_inc(&journal->counts.busy, 1);
}

enum err
store_journal_append_since(struct store_journal *journal, unsigned stream_index,
                           uint64_t cuts, uint8_t type,
                           const struct bytes *parts, unsigned count,
                           uint64_t *ret_sequence)
{
    struct store_journal_stream *stream = &journal->streams[stream_index];
    size_t body = 0;
    must(journal->started && stream_index < journal->count);
    for (unsigned i = 0; i < count; i++)
        body += parts[i].size;
    if (body + 1 > STORE_JOURNAL_RECORD_MAX)
        return ERR_BIG;
    size_t need = STORE_JOURNAL_FILE_FRAME + 1 + body;
    struct store_journal_buffer *buffer;
    pthread_mutex_lock(&stream->lock);
    enum err err = append_buffer(journal, stream, cuts, need, &buffer);
    if (err != ERR_OK) {
        pthread_mutex_unlock(&stream->lock);
        append_refused(journal, err);
        return err;
    }
    if (!buffer->at) /* many streams never have a record */
        buffer->at = base_mem_new(JOURNAL_BUFFER);
    uint64_t sequence = atomic_load(&stream->appended) + 1;
    uint8_t *to = buffer->at + buffer->size;
    store_journal_file_frame(to, sequence, type, body);
    to += STORE_JOURNAL_FILE_FRAME + 1;
    for (unsigned i = 0; i < count; i++) {
        if (parts[i].size)
            memcpy(to, parts[i].at, parts[i].size);
        to += parts[i].size;
    }
    int64_t due_us = append_due_us(buffer->size, buffer->size + need);
    buffer->size += need;
    buffer->last = sequence;
    atomic_store(&stream->appended, sequence);
    pthread_mutex_unlock(&stream->lock);
    if (due_us >= 0)
        store_journal_kick(journal, due_us);
    if (ret_sequence)
        *ret_sequence = sequence;
    return ERR_OK;
}

enum err
store_journal_append(struct store_journal *journal, unsigned stream,
                     uint8_t type, const struct bytes *parts, unsigned count,
                     uint64_t *ret_sequence)
{
    return store_journal_append_since(journal, stream, any_cuts, type, parts,
                                      count, ret_sequence);
}

void
store_journal_close(struct store_journal *journal, unsigned stream_index)
{
    struct store_journal_stream *stream = &journal->streams[stream_index];
    uint64_t appended = atomic_load(&stream->appended);
    if (appended <= atomic_load(&stream->synced) ||
        appended == atomic_load(&stream->asked))
        return;
    atomic_store(&stream->asked, appended);
    store_journal_kick(journal, 0);
}

/* ---- flush ---- */

static enum err
flush_threads(struct store_journal *journal,
              struct store_journal_stream *stream, uint64_t sequence)
{
    uint64_t cuts = atomic_load(&journal->cuts);
    enum err err = ERR_OK;
    pthread_mutex_lock(&journal->lock);
    while (atomic_load(&stream->synced) < sequence && err == ERR_OK) {
        if (atomic_load(&journal->state) == STORE_JOURNAL_FAILED)
            err = ERR_IO;
        else if (atomic_load(&journal->cuts) != cuts ||
                 atomic_load(&stream->appended) < sequence)
            err = ERR_FULL;
        if (err != ERR_OK)
            break;
        journal->due_us = 0;
        pthread_cond_signal(&journal->wake);
        pthread_cond_wait(&journal->done, &journal->lock);
    }
    pthread_mutex_unlock(&journal->lock);
    return err;
}

enum err
store_journal_flush(struct store_journal *journal, unsigned stream_index,
                    uint64_t sequence)
{
    struct store_journal_stream *stream = &journal->streams[stream_index];
    if (atomic_load(&stream->synced) >= sequence)
        return ERR_OK;
    must(journal->started);
    if (journal->config.threads)
        return flush_threads(journal, stream, sequence);
    while (atomic_load(&stream->synced) < sequence) {
        if (store_journal_state(journal) == STORE_JOURNAL_FAILED)
            return ERR_IO;
        if (atomic_load(&stream->appended) < sequence)
            return ERR_FULL;
        if (journal->active || store_journal_commit_begin(journal))
            store_journal_commit_end(journal);
    }
    return ERR_OK;
}

/* ---- waits ---- */

static void
wait_task(struct base_task *task)
{
    struct store_journal_wait *wait =
        BASE_OUTER(task, struct store_journal_wait, task);
    wait->fn(wait, wait->err);
}

void
store_journal_tell(struct base_link *waits, enum err err)
{
    struct base_link *link;
    while ((link = base_list_take(waits))) {
        struct store_journal_wait *wait =
            BASE_OUTER(link, struct store_journal_wait, link);
        wait->err = err;
        base_loop_post(wait->loop, &wait->task);
    }
}

static void
wait_init(struct store_journal_wait *wait, uint64_t sequence)
{
    wait->task = (struct base_task){.fn = wait_task};
    wait->link = (struct base_link){0};
    wait->sequence = sequence;
    wait->err = ERR_OK;
}

/* There is nothing to wait for. */
static void
wait_now(struct store_journal_wait *wait, enum err err)
{
    wait->err = err;
    if (base_loop_inside(wait->loop))
        wait->fn(wait, err);
    else
        base_loop_post(wait->loop, &wait->task);
}

/* By sequence, from the end, where it mostly belongs. */
static void
wait_insert(struct base_link *waits, struct store_journal_wait *wait)
{
    struct base_link *after = waits->prev;
    while (after != waits &&
           BASE_OUTER(after, struct store_journal_wait, link)->sequence >
               wait->sequence)
        after = after->prev;
    base_list_add(after->next, &wait->link); /* before the next one */
}

static enum err
wait_refusal(struct store_journal *journal)
{
    return store_journal_state(journal) == STORE_JOURNAL_FAILED ? ERR_IO
                                                                : ERR_FULL;
}

void
store_journal_wait(struct store_journal *journal, unsigned stream_index,
                   uint64_t sequence, struct store_journal_wait *wait)
{
    struct store_journal_stream *stream = &journal->streams[stream_index];
    enum err err = ERR_AGAIN;
    wait_init(wait, sequence);
    pthread_mutex_lock(&stream->lock);
    if (sequence <= atomic_load(&stream->synced))
        err = ERR_OK;
    else if (sequence > atomic_load(&stream->appended))
        err = wait_refusal(journal); /* it was cut meanwhile */
    else
        wait_insert(&stream->waits, wait);
    pthread_mutex_unlock(&stream->lock);
    if (err != ERR_AGAIN)
        wait_now(wait, err);
}

/* The round after which the stream has synced what it has now; 0: it has. */
static uint64_t
barrier_round(struct store_journal *journal,
              struct store_journal_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    unsigned rounds =
        (unsigned)stream->sealed + (stream->buffers[stream->fill].size > 0);
    bool taken = stream->taken;
    pthread_mutex_unlock(&stream->lock);
    return rounds > 0 || taken ? journal->round + rounds : 0;
}

void
store_journal_barrier(struct store_journal *journal,
                      struct store_journal_wait *wait)
{
    enum err err = ERR_OK;
    wait_init(wait, 0);
    pthread_mutex_lock(&journal->lock);
    for (unsigned i = 0; i < journal->count; i++) {
        uint64_t round = barrier_round(journal, &journal->streams[i]);
        if (round > wait->sequence)
            wait->sequence = round;
    }
    if (journal->owed)
        err = wait_refusal(journal);
    else if (wait->sequence > 0)
        err = ERR_AGAIN;
    if (err == ERR_AGAIN)
        wait_insert(&journal->barriers, wait);
    pthread_mutex_unlock(&journal->lock);
    if (err != ERR_AGAIN)
        wait_now(wait, err);
}

/* ---- watches ---- */

static void
watch_task(struct base_task *task)
{
    struct store_journal_watch *watch =
        BASE_OUTER(task, struct store_journal_watch, task);
    __atomic_store_n(&watch->posted, false, __ATOMIC_SEQ_CST);
    watch->fn(watch);
}

void
store_journal_tell_watches(struct store_journal_stream *stream)
{
    struct store_journal_watch *watch = stream->watches;
    for (; watch; watch = watch->next)
        if (!__atomic_exchange_n(&watch->posted, true, __ATOMIC_SEQ_CST))
            base_loop_post(watch->loop, &watch->task);
}

void
store_journal_watch(struct store_journal *journal, unsigned stream_index,
                    struct store_journal_watch *watch)
{
    struct store_journal_stream *stream = &journal->streams[stream_index];
    watch->task = (struct base_task){.fn = watch_task};
    watch->posted = false;
    pthread_mutex_lock(&stream->lock);
    watch->next = stream->watches;
    stream->watches = watch;
    pthread_mutex_unlock(&stream->lock);
}

/* ---- readers ---- */

void
store_journal_need(struct store_journal *journal, unsigned stream_index,
                   enum store_journal_reader reader)
{
    struct store_journal_stream *stream = &journal->streams[stream_index];
    pthread_mutex_lock(&journal->lock);
    stream->needed |= 1U << reader;
    pthread_mutex_unlock(&journal->lock);
}

void
store_journal_pass(struct store_journal *journal, unsigned stream_index,
                   enum store_journal_reader reader, uint64_t sequence)
{
    struct store_journal_stream *stream = &journal->streams[stream_index];
    pthread_mutex_lock(&journal->lock);
    must(stream->needed & 1U << reader);
    if (sequence > stream->passed[reader])
        stream->passed[reader] = sequence;
    bool trim = stream->file_count > 1 &&
                stream->files[1].first - 1 <= stream->passed[reader];
    bool threads = journal->running && journal->config.threads;
    if (trim && threads) {
        journal->trim = true;
        pthread_cond_signal(&journal->wake);
    }
    pthread_mutex_unlock(&journal->lock);
    if (trim && journal->running && !threads)
        store_journal_space_trim(journal);
}

void
store_journal_rewinder(struct store_journal *journal,
                       enum store_journal_reader reader, bool on)
{
    pthread_mutex_lock(&journal->lock);
    if (on)
        journal->rewinders |= 1U << reader;
    else
        journal->rewinders &= ~(1U << reader);
    journal->owed &= journal->rewinders;
    pthread_mutex_unlock(&journal->lock);
}

void
store_journal_rewound(struct store_journal *journal,
                      enum store_journal_reader reader, uint64_t cuts)
{
    pthread_mutex_lock(&journal->lock);
    if (cuts == atomic_load(&journal->cuts))
        journal->owed &= ~(1U << reader);
    pthread_mutex_unlock(&journal->lock);
}

void
store_journal_skip(struct store_journal *journal, unsigned stream_index,
                   uint64_t sequence)
{
    struct store_journal_stream *stream = &journal->streams[stream_index];
    struct sys_files *files = journal->config.files;
    uint64_t last = atomic_load(&stream->synced);
    must(!journal->started);
    if (sequence <= last)
        return;
    if (stream->gap_after == 0)
        stream->gap_after = last;
    files->ops->shut(files, stream->tail.file);
    stream->tail = (struct store_journal_tail){0};
    stream->tail_left = 0;
    atomic_store(&stream->appended, sequence);
    atomic_store(&stream->synced, sequence);
    base_log_say(journal->config.log, BASE_LOG_ERROR, "store", "journal_skip",
                 "stream=%u after=%llu to=%llu", stream_index,
                 (unsigned long long)last, (unsigned long long)sequence);
    pthread_mutex_lock(&journal->lock);
    if (journal->health.lost_first == 0) {
        journal->health.lost_first = last + 1;
        journal->health.lost_last = sequence;
    }
    pthread_mutex_unlock(&journal->lock);
}
