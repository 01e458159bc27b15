/* store_journal_space.c -- the spare file, rotation, free space and deletion.
 *
 * A file is made aside and gets its name only when its header and first group
 * are synced, so a file with a journal's name always begins well.
 *
 *   spare      DATA/journal/spare: reserved beforehand, so that a full disk
 *              does not stop the group that needs a new file; zeroed in slices
 *              while the committer is idle, as a sync is a third cheaper when
 *              no block changes from reserved to written
 *   spare.K    the same for stream K, when two streams need one at once
 *
 * A spare without a name is worth nothing: open removes it. */
#include "store/store_journal_private.h"

#include "base/base_mem.h"
#include "base/base_must.h"
#include "sys/sys_thread.h"

enum {
    MARK_SHARE = 20, /* the first mark: 1/20 of the disk, */
    MARK_FIRST = 256 << 20,
    MARK_SECOND = 64 << 20,
    ZERO_SLICE = 1 << 20,
};

/* An empty file of this size, reading as zeros. */
static enum err
space_file(struct store_journal *journal, const char *path, uint64_t size,
           struct sys_file **ret_file)
{
    struct sys_files *files = journal->config.files;
    struct sys_file *file;
    enum err err = files->ops->open(files, path, SYS_FILE_WRITE, &file);
    if (err != ERR_OK)
        return err;
    err = files->ops->truncate(files, file, 0);
    if (err == ERR_OK)
        err = files->ops->reserve(files, file, size);
    if (err != ERR_OK) {
        files->ops->shut(files, file);
        files->ops->remove(files, path);
        return err;
    }
    *ret_file = file;
    return ERR_OK;
}

static char *
space_spare_path(const struct store_journal *journal)
{
    return base_mem_format("%s/spare", journal->folder);
}

/* Make the spare if there is none.  Without one no group is taken in that
 * might need a new file. */
static enum err
space_spare(struct store_journal *journal)
{
    if (journal->spare)
        return ERR_OK;
    char *path = space_spare_path(journal);
    enum err err =
        space_file(journal, path, journal->config.file_bytes, &journal->spare);
    base_mem_free(path);
    journal->spare_zeroed = 0;
    atomic_store(&journal->tight, err != ERR_OK);
    return err;
}

enum err
store_journal_space_make(struct store_journal *journal,
                         struct store_journal_stream *stream, uint64_t first,
                         uint64_t group_size)
{
    struct sys_files *files = journal->config.files;
    struct store_journal_tail next = {
        .first = first,
        .gap_after = stream->gap_after,
    };
    enum err err = ERR_OK;
    if (stream->tail.first == first) /* an empty file is replaced */
        next.gap_after = stream->tail.gap_after;
    next.room = journal->config.file_bytes;
    if (journal->spare && STORE_JOURNAL_FILE_HEADER + group_size <= next.room) {
        next.file = journal->spare;
        journal->spare = NULL;
        stream->next_path = space_spare_path(journal);
    } else {
        if (next.room < STORE_JOURNAL_FILE_HEADER + group_size)
            next.room = STORE_JOURNAL_FILE_HEADER + group_size;
        stream->next_path =
            base_mem_format("%s/spare.%u", journal->folder, stream->index);
        err = space_file(journal, stream->next_path, next.room, &next.file);
    }
    if (err == ERR_OK) {
        uint8_t head[STORE_JOURNAL_FILE_HEADER];
        struct store_journal_file_header header = {
            .first = first,
            .created_ms = journal->wall_ms +
                          (sys_thread_now_us() - journal->wall_us) / 1000,
            .stream = stream->index,
            .gap_after = next.gap_after,
        };
        if (!journal->config.threads)
            header.created_ms = base_loop_wall(journal->config.loop).ms;
        memcpy(header.store_id, journal->store_id, STORE_JOURNAL_FILE_ID);
        next.seed = store_journal_file_header_write(&header, head);
        next.end = STORE_JOURNAL_FILE_HEADER;
        stream->next = next;
        err = files->ops->write(files, next.file, 0,
                                base_bytes(head, sizeof head));
    }
    if (err != ERR_OK)
        store_journal_space_discard(journal, stream);
    return err;
}

void
store_journal_space_discard(struct store_journal *journal,
                            struct store_journal_stream *stream)
{
    struct sys_files *files = journal->config.files;
    if (stream->next.file) {
        files->ops->shut(files, stream->next.file);
        files->ops->remove(files, stream->next_path);
    }
    base_mem_free(stream->next_path);
    stream->next_path = NULL;
    stream->next = (struct store_journal_tail){0};
}

/* The new last file of a stream; it may have taken the name of an empty one. */
void
store_journal_space_known(struct store_journal *journal,
                          struct store_journal_stream *stream, uint64_t first,
                          uint64_t bytes)
{
    struct store_journal_counts *counts = &journal->counts;
    struct store_journal_known *last = NULL;
    if (stream->file_count > 0)
        last = &stream->files[stream->file_count - 1];
    base_stat_inc(&counts->disk_bytes, (int64_t)bytes);
    if (last && last->first == first) {
        base_stat_inc(&counts->disk_bytes, -(int64_t)last->bytes);
        last->bytes = bytes;
        return;
    }
    if (!stream->files || stream->file_count == stream->file_room) {
        stream->file_room = stream->file_room ? stream->file_room * 2 : 8;
        stream->files = base_mem_resize(
            stream->files, stream->file_room * sizeof *stream->files);
    }
    stream->files[stream->file_count++] =
        (struct store_journal_known){first, bytes};
    base_stat_inc(&counts->disk_files, 1);
}

enum err
store_journal_space_adopt(struct store_journal *journal,
                          struct store_journal_stream *stream)
{
    struct sys_files *files = journal->config.files;
    char *path = store_journal_path(stream, stream->next.first);
    enum err err = files->ops->rename(files, stream->next_path, path);
    base_mem_free(path);
    if (err != ERR_OK)
        return err;
    /* From here it is a file of the journal, whatever comes. */
    if (stream->tail.file)
        files->ops->shut(files, stream->tail.file);
    stream->tail = stream->next;
    stream->next = (struct store_journal_tail){0};
    base_mem_free(stream->next_path);
    stream->next_path = NULL;
    stream->gap_after = 0;
    pthread_mutex_lock(&journal->lock);
    store_journal_space_known(journal, stream, stream->tail.first,
                              stream->tail.room);
    pthread_mutex_unlock(&journal->lock);
    err = files->ops->sync_folder(files, stream->folder);
    return err == ERR_OK ? ERR_OK : ERR_IO;
}

enum err
store_journal_space_repair(struct store_journal *journal,
                           struct store_journal_stream *stream)
{
    struct sys_files *files = journal->config.files;
    struct store_journal_tail *tail = &stream->tail;
    store_journal_space_discard(journal, stream);
    if (!tail->file || stream->written == 0)
        return ERR_OK;
    uint64_t room = tail->room;
    enum err err = files->ops->truncate(files, tail->file, tail->end);
    if (err != ERR_OK)
        return ERR_IO;
    tail->room = tail->end; /* if it stays so, the next group makes a file */
    err = files->ops->reserve(files, tail->file, room);
    if (err == ERR_OK)
        tail->room = room;
    else if (err != ERR_FULL)
        return ERR_IO;
    if (files->ops->sync(files, tail->file) != ERR_OK)
        return ERR_IO;
    stream->written = 0;
    pthread_mutex_lock(&stream->lock);
    stream->tail_left = tail->room - tail->end;
    pthread_mutex_unlock(&stream->lock);
    return ERR_OK;
}

/* What the free space alone would have the state be. */
static enum store_journal_state
space_mark(struct store_journal *journal)
{
    struct sys_files *files = journal->config.files;
    uint64_t free_bytes, size;
    enum store_journal_state now =
        (enum store_journal_state)atomic_load(&journal->state);
    if (journal->config.ignore_marks)
        return STORE_JOURNAL_OK;
    if (files->ops->space(files, journal->folder, &free_bytes, &size) != ERR_OK)
        return now;
    uint64_t first = size / MARK_SHARE;
    if (first < MARK_FIRST)
        first = MARK_FIRST;
    if (free_bytes >= first)
        return STORE_JOURNAL_OK;
    if (free_bytes < MARK_SECOND || now == STORE_JOURNAL_FULLD)
        return STORE_JOURNAL_FULLD;
    return STORE_JOURNAL_LOW;
}

void
store_journal_space_check(struct store_journal *journal)
{
    int state = atomic_load(&journal->state);
    if (state == STORE_JOURNAL_FAILED)
        return;
    bool spare = space_spare(journal) == ERR_OK;
    enum store_journal_state want = space_mark(journal);
    pthread_mutex_lock(&journal->lock);
    bool held = state == STORE_JOURNAL_FULLD && (journal->owed != 0 || !spare);
    journal->check_us = sys_thread_now_us() + STORE_JOURNAL_CHECK_US;
    pthread_mutex_unlock(&journal->lock);
    store_journal_set_state(journal, held ? STORE_JOURNAL_FULLD : want);
}

bool
store_journal_space_zero(struct store_journal *journal)
{
    struct sys_files *files = journal->config.files;
    uint64_t size = journal->config.file_bytes;
    if (!journal->spare || journal->spare_zeroed >= size)
        return false;
    uint64_t left = size - journal->spare_zeroed;
    size_t slice = left < ZERO_SLICE ? (size_t)left : ZERO_SLICE;
    void *zeros = base_mem_zero(slice);
    enum err err = files->ops->write(
        files, journal->spare, journal->spare_zeroed, base_bytes(zeros, slice));
    base_mem_free(zeros);
    journal->spare_zeroed += slice;
    if (err == ERR_OK && files->ops->sync(files, journal->spare) != ERR_OK)
        err = ERR_IO;
    if (err == ERR_FULL) /* it is reserved: as good as without zeros */
        journal->spare_zeroed = size;
    else if (err != ERR_OK)
        store_journal_commit_error(journal, err);
    return true;
}

/* The oldest file of a stream, if all its readers have passed it. */
static bool
space_passed(struct store_journal *journal, struct store_journal_stream *stream,
             struct store_journal_known *ret_file)
{
    uint64_t passed = UINT64_MAX;
    bool there = false;
    pthread_mutex_lock(&journal->lock);
    for (unsigned i = 0; i < STORE_JOURNAL_READERS; i++)
        if (stream->needed & 1U << i && stream->passed[i] < passed)
            passed = stream->passed[i];
    if (stream->needed && stream->file_count > 1 &&
        stream->files[1].first - 1 <= passed) {
        there = true;
        *ret_file = stream->files[0];
        stream->file_count--;
        memmove(stream->files, stream->files + 1,
                stream->file_count * sizeof *stream->files);
    }
    pthread_mutex_unlock(&journal->lock);
    return there;
}

/* One by one, each removal synced: after a crash no file is missing between
 * two others. */
void
store_journal_space_trim(struct store_journal *journal)
{
    struct sys_files *files = journal->config.files;
    if (atomic_load(&journal->state) == STORE_JOURNAL_FAILED)
        return;
    for (unsigned i = 0; i < journal->count; i++) {
        struct store_journal_stream *stream = &journal->streams[i];
        struct store_journal_known file;
        while (space_passed(journal, stream, &file)) {
            char *path = store_journal_path(stream, file.first);
            enum err err = files->ops->remove(files, path);
            base_mem_free(path);
            if (err == ERR_OK)
                err = files->ops->sync_folder(files, stream->folder);
            base_stat_inc(&journal->counts.disk_files, -1);
            base_stat_inc(&journal->counts.disk_bytes, -(int64_t)file.bytes);
            if (err != ERR_OK && err != ERR_ABSENT) {
                store_journal_commit_error(journal, ERR_IO);
                return;
            }
        }
    }
}

void
store_journal_space_sweep(struct store_journal *journal)
{
    struct sys_files *files = journal->config.files;
    char *path = space_spare_path(journal);
    files->ops->remove(files, path);
    base_mem_free(path);
    for (unsigned i = 0; i < STORE_JOURNAL_STREAMS; i++) {
        path = base_mem_format("%s/spare.%u", journal->folder, i);
        files->ops->remove(files, path);
        base_mem_free(path);
    }
}
