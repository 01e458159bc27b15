/* store_journal_replay.c -- records back, in order.
 *
 * Before start: all there are.  Afterwards: what was synced when it was called;
 * kv reads so after a cut. */
#include "store/store_journal_private.h"

#include "base/base_mem.h"

struct replay {
    struct store_journal *journal;
    struct store_journal_stream *stream;
    uint64_t after, until;
    enum err (*fn)(void *self, uint64_t sequence, uint8_t type,
                   struct bytes body);
    void *self;
};

static enum err
replay_records(struct replay *replay, struct store_journal_file_scan *scan)
{
    struct store_journal_file_record record;
    enum err err = ERR_OK;
    while (err == ERR_OK && scan->sequence <= replay->until) {
        err = store_journal_file_next(scan, &record);
        if (err != ERR_OK)
            break;
        if (record.sequence > replay->after &&
            record.type != STORE_JOURNAL_CLEAN)
            err = replay->fn(replay->self, record.sequence, record.type,
                             record.body);
        else
            err = ERR_OK;
        if (err != ERR_OK)
            return err;
    }
    return err == ERR_ABSENT ? ERR_OK : err; /* a gap or the next file */
}

static enum err
replay_file(struct replay *replay, uint64_t first)
{
    struct store_journal_file_scan scan;
    char *path = store_journal_path(replay->stream, first);
    enum err err =
        store_journal_file_open(&scan, replay->journal->config.files, path);
    base_mem_free(path);
    if (err == ERR_ABSENT)
        return ERR_OK; /* all its readers have passed it meanwhile */
    if (err == ERR_OK)
        err = replay_records(replay, &scan);
    else if (err != ERR_CORRUPT && err != ERR_VERSION)
        return err;
    store_journal_file_shut(&scan);
    return err;
}

enum err
store_journal_replay(struct store_journal *journal, unsigned stream,
                     uint64_t after,
                     enum err (*fn)(void *self, uint64_t sequence, uint8_t type,
                                    struct bytes body),
                     void *self)
{
    struct replay replay = {
        .journal = journal,
        .stream = &journal->streams[stream],
        .after = after,
        .until = store_journal_synced(journal, stream),
        .fn = fn,
        .self = self,
    };
    pthread_mutex_lock(&journal->lock);
    unsigned count = replay.stream->file_count;
    struct store_journal_known *files =
        base_mem_new((count + 1) * sizeof *files);
    if (count)
        memcpy(files, replay.stream->files, count * sizeof *files);
    pthread_mutex_unlock(&journal->lock);
    enum err err = ERR_OK;
    for (unsigned i = 0; i < count && err == ERR_OK; i++) {
        bool behind = i + 1 < count && files[i + 1].first <= after + 1;
        if (!behind && files[i].first <= replay.until)
            err = replay_file(&replay, files[i].first);
    }
    base_mem_free(files);
    return err;
}
