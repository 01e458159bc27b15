/* store_journal_recover.c -- what a journal does when it is opened.
 *
 * Each stream's files are read to their ends.  Where a length, checksum or
 * sequence is wrong:
 *
 *   torn tail  in the last file, no CLEAN behind it, nothing valid more than
 *              1 MiB (one unsynced group) behind it: what a crash leaves.  Cut
 *              off; nobody was told that it was stored.
 *   damage     anything else.  What precedes it is kept; the damaged file is
 *              copied whole into quarantine/ and then cut; files behind it are
 *              moved there.  Nothing is deleted.  Sequences go on behind the
 *              highest lost one, in a new file whose header names the gap.
 *
 * The copy is made before the cut and the cut before the moves, so that a crash
 * in between is found as damage again.
 *
 * Whatever is kept is synced before open returns: a record that was only in
 * the page cache must not reach LMDB first. */
#include "store/store_journal_private.h"

#include <stdio.h>

#include "base/base_mem.h"

enum { RECOVER_NAMES = 8 << 20, RECOVER_COPY = 1 << 20 };

struct recover {
    struct store_journal *journal;
    struct store_journal_stream *stream;
    struct base_note *note;
    uint64_t *firsts; /* of the files, in order */
    size_t count;
    uint64_t last;   /* sequence read so far */
    uint64_t lost;   /* the highest that was lost */
    bool ends_clean; /* the last record is a CLEAN */
    bool any;        /* a record or a file was read */
};

static void
recover_scan_shut(struct store_journal_file_scan **scan)
{
    if (*scan)
        store_journal_file_shut(*scan);
}

static enum err
recover_note(struct recover *at, enum err err, const char *path,
             const char *what)
{
    return base_err_note_at(at->note, err, path, 0, 0, "%s: %s", what,
                            base_err_text(err));
}

/* A name that no journal gives: this is not ours to repair. */
static enum err
recover_strange(const struct recover *at, uint64_t first)
{
    char *path = store_journal_path(at->stream, first);
    base_err_note_at(at->note, ERR_CORRUPT, path, 0, 0,
                     "no journal counts so: take the file away");
    base_mem_free(path);
    return ERR_CORRUPT;
}

/* Names that are files of a journal, sorted. */
static enum err
recover_list(struct recover *at)
{
    struct sys_files *files = at->journal->config.files;
    struct base_arena arena;
    char **names;
    size_t count = 0;
    base_arena_init(&arena, RECOVER_NAMES);
    enum err err =
        files->ops->list(files, at->stream->folder, &arena, &names, &count);
    if (err == ERR_OK) {
        at->firsts = base_mem_new((count + 1) * sizeof *at->firsts);
        for (size_t i = 0; i < count; i++) {
            uint64_t first;
            if (store_journal_file_name_read(names[i], &first) != ERR_OK)
                continue;
            at->firsts[at->count++] = first;
            if (first == 0 || first > STORE_JOURNAL_FILE_FIRST_MAX)
                err = recover_strange(at, first);
        }
    } else {
        recover_note(at, err, at->stream->folder, "listing");
    }
    base_arena_done(&arena);
    return err;
}

/* Is this the file that must come now? */
static bool
recover_header_fits(const struct recover *at,
                    const struct store_journal_file_header *header,
                    uint64_t name)
{
    if (header->first != name || header->stream != at->stream->index ||
        memcmp(header->store_id, at->journal->store_id,
               STORE_JOURNAL_FILE_ID) != 0)
        return false;
    if (!at->any || header->first == at->last + 1)
        return true;
    return header->first > at->last && header->gap_after == at->last;
}

/* ---- quarantine ---- */

/* The highest sequence that a file may have held: the highest in its records
 * from here on; all it has room for, if its header cannot be read. */
static void
recover_lost(struct recover *at, uint64_t first,
             struct store_journal_file_scan *scan, bool readable)
{
    struct store_journal_file_rest rest;
    uint64_t last = first;
    if (!readable)
        last += store_journal_file_room(scan->size);
    else if (store_journal_file_rest(scan, &rest) == ERR_OK &&
             rest.last_sequence > last)
        last = rest.last_sequence;
    if (last > at->lost)
        at->lost = last;
}

/* A file that was damaged before, and cut, has a copy there already: the next
 * one tells by `end` which it is. */
static char *
recover_quarantine_path(const struct recover *at, uint64_t first, uint64_t end)
{
    struct sys_files *files = at->journal->config.files;
    struct sys_file *there = NULL;
    char name[STORE_JOURNAL_FILE_NAME];
    char *path = base_mem_format("%s/quarantine/%u-%s", at->journal->folder,
                                 at->stream->index,
                                 store_journal_file_name(first, name));
    if (files->ops->open(files, path, SYS_FILE_READ, &there) != ERR_OK)
        return path;
    files->ops->shut(files, there);
    char *other = base_mem_format("%s.%llu", path, (unsigned long long)end);
    base_mem_free(path);
    return other;
}

static enum err
recover_copy_bytes(struct sys_files *files, struct sys_file *from,
                   struct sys_file *to)
{
    uint8_t *buffer = base_mem_new(RECOVER_COPY);
    uint64_t offset = 0;
    size_t got = 0;
    enum err err;
    do {
        err = files->ops->read(files, from, offset, buffer, RECOVER_COPY, &got);
        if (err == ERR_OK && got > 0)
            err = files->ops->write(files, to, offset, base_bytes(buffer, got));
        offset += got;
    } while (err == ERR_OK && got > 0);
    if (err == ERR_OK)
        err = files->ops->sync(files, to);
    base_mem_free(buffer);
    return err;
}

static enum err
recover_copy(struct recover *at, const char *from, const char *to)
{
    struct sys_files *files = at->journal->config.files;
    struct sys_file *in = NULL, *out = NULL;
    char *aside = base_mem_format("%s.part", to);
    enum err err = files->ops->open(files, from, SYS_FILE_READ, &in);
    if (err == ERR_OK)
        err = files->ops->open(files, aside, SYS_FILE_WRITE, &out);
    if (err == ERR_OK)
        err = files->ops->truncate(files, out, 0);
    if (err == ERR_OK)
        err = recover_copy_bytes(files, in, out);
    files->ops->shut(files, in);
    files->ops->shut(files, out);
    if (err == ERR_OK)
        err = files->ops->rename(files, aside, to);
    base_mem_free(aside);
    return err;
}

static enum err
recover_cut(struct recover *at, const char *path, uint64_t end)
{
    struct sys_files *files = at->journal->config.files;
    struct sys_file *file;
    enum err err = files->ops->open(files, path, SYS_FILE_WRITE, &file);
    if (err != ERR_OK)
        return err;
    err = files->ops->truncate(files, file, end);
    if (err == ERR_OK)
        err = files->ops->sync(files, file);
    files->ops->shut(files, file);
    return err;
}

/* Move file `index` and all behind it away; of the first keep what lies before
 * `end`, if that is any record. */
static enum err
recover_quarantine(struct recover *at, size_t index, uint64_t end)
{
    struct store_journal *journal = at->journal;
    struct sys_files *files = journal->config.files;
    char *folder = base_mem_format("%s/quarantine", journal->folder);
    enum err err = files->ops->make_folder(files, folder);
    if (err == ERR_EXISTS)
        err = ERR_OK;
    size_t first = index;
    for (size_t i = first; i < at->count && err == ERR_OK; i++) {
        char *from = store_journal_path(at->stream, at->firsts[i]);
        char *to =
            recover_quarantine_path(at, at->firsts[i], i == first ? end : 0);
        if (i == first && end > STORE_JOURNAL_FILE_HEADER) {
            err = recover_copy(at, from, to);
            if (err == ERR_OK)
                err = files->ops->sync_folder(files, folder);
            if (err == ERR_OK)
                err = recover_cut(at, from, end);
            index++;
        } else {
            err = files->ops->rename(files, from, to);
        }
        journal->health.quarantined += err == ERR_OK;
        base_mem_free(from);
        base_mem_free(to);
    }
    if (err == ERR_OK)
        err = files->ops->sync_folder(files, folder);
    if (err == ERR_OK)
        err = files->ops->sync_folder(files, at->stream->folder);
    base_mem_free(folder);
    at->count = index;
    return err;
}

/* If nothing of file `index` stays, the one before it comes before a gap, where
 * nothing may be behind its end.  What is there did not matter as long as the
 * next file went on from it; now it is cut with the rest. */
static enum err
recover_before(const struct recover *at, size_t *index, uint64_t *end)
{
    struct store_journal_file_scan scan;
    struct store_journal_file_record record;
    struct store_journal_file_rest rest = {0};
    if (*index == 0 || *end > STORE_JOURNAL_FILE_HEADER)
        return ERR_OK;
    char *path = store_journal_path(at->stream, at->firsts[*index - 1]);
    enum err err =
        store_journal_file_open(&scan, at->journal->config.files, path);
    base_mem_free(path);
    if (err != ERR_OK)
        return err;
    while ((err = store_journal_file_next(&scan, &record)) == ERR_OK)
        continue;
    bool dirty = err == ERR_CORRUPT;
    if (err == ERR_CORRUPT || err == ERR_ABSENT)
        err = store_journal_file_rest(&scan, &rest);
    if (err == ERR_OK && (dirty || rest.dirty)) {
        --*index;
        *end = scan.offset;
    }
    store_journal_file_shut(&scan);
    return err;
}

/* Damage at `end` of file `index`, whose scan stands there, or could not read
 * its header. */
static enum err
recover_damage(struct recover *at, size_t index,
               struct store_journal_file_scan *scan, bool readable,
               uint64_t end)
{
    struct store_journal_health *health = &at->journal->health;
    uint64_t lost_first = scan->sequence;
    at->lost = lost_first;
    recover_lost(at, at->firsts[index], scan, readable);
    for (size_t i = index + 1; i < at->count; i++) {
        struct store_journal_file_scan rest;
        char *path = store_journal_path(at->stream, at->firsts[i]);
        enum err err =
            store_journal_file_open(&rest, at->journal->config.files, path);
        base_mem_free(path);
        if (err == ERR_OK || err == ERR_CORRUPT || err == ERR_VERSION) {
            rest.sequence = 0;
            recover_lost(at, at->firsts[i], &rest, err == ERR_OK);
            store_journal_file_shut(&rest);
        } else if (at->firsts[i] > at->lost) {
            at->lost = at->firsts[i];
        }
    }
    if (health->lost_first == 0) {
        health->lost_first = lost_first;
        health->lost_last = at->lost;
    }
    char *path = store_journal_path(at->stream, at->firsts[index]);
    char why[sizeof health->why + 512];
    snprintf(why, sizeof why,
             "damage in %s at byte %llu: sequences %llu to %llu of stream %u "
             "are in quarantine",
             path, (unsigned long long)end, (unsigned long long)lost_first,
             (unsigned long long)at->lost, at->stream->index);
    base_bytes_string(base_bytes_text(why), health->why, sizeof health->why);
    base_log_say(at->journal->config.log, BASE_LOG_ERROR, "store",
                 "journal_quarantine",
                 "stream=%u offset=%llu lost_first=%llu lost_last=%llu",
                 at->stream->index, (unsigned long long)end,
                 (unsigned long long)lost_first, (unsigned long long)at->lost);
    enum err err = recover_before(at, &index, &end);
    if (err == ERR_OK)
        err = recover_quarantine(at, index, end);
    if (err != ERR_OK)
        recover_note(at, err, path, "moving damage to quarantine");
    base_mem_free(path);
    return err;
}

/* ---- reading ---- */

/* The file ends here, well or not, and no other goes on from here: torn, or
 * damaged? */
static enum err
recover_end(struct recover *at, struct store_journal_file_scan *scan,
            enum err why, bool last, bool *ret_damage, bool *ret_cut)
{
    struct store_journal_file_rest rest;
    enum err err = store_journal_file_rest(scan, &rest);
    if (err != ERR_OK)
        return err;
    if (!last) { /* before a known gap there is nothing */
        *ret_damage = rest.dirty || why == ERR_CORRUPT;
        return ERR_OK;
    }
    bool far = rest.records > 0 &&
               rest.last_offset > scan->offset + STORE_JOURNAL_GROUP_MAX;
    *ret_cut = rest.dirty || why == ERR_CORRUPT;
    *ret_damage = far || rest.clean || (at->ends_clean && *ret_cut);
    return ERR_OK;
}

/* One file; false in *ret_more when damage ended the stream. */
static enum err
recover_file(struct recover *at, size_t index, bool *ret_more)
{
    struct store_journal *journal = at->journal;
    char *path base_cleanup(base_mem_free_at) =
        store_journal_path(at->stream, at->firsts[index]);
    struct store_journal_file_scan room,
        *scan base_cleanup(recover_scan_shut) = NULL;
    enum err err = store_journal_file_open(&room, journal->config.files, path);
    if (err == ERR_OK || err == ERR_CORRUPT || err == ERR_VERSION)
        scan = &room;
    if (err == ERR_VERSION || !scan)
        return recover_note(at, err, path, "a file of the journal");
    if (err == ERR_CORRUPT ||
        !recover_header_fits(at, &scan->header, at->firsts[index])) {
        *ret_more = false;
        scan->sequence = at->last + 1;
        return recover_damage(at, index, scan, err == ERR_OK, 0);
    }
    uint64_t before = at->last;
    at->any = true;
    at->ends_clean = false;
    at->last = scan->header.first - 1;
    struct store_journal_file_record record;
    while ((err = store_journal_file_next(scan, &record)) == ERR_OK) {
        at->last = record.sequence;
        at->ends_clean = record.type == STORE_JOURNAL_CLEAN;
    }
    if (err != ERR_ABSENT && err != ERR_CORRUPT)
        return recover_note(at, err, path, "a file of the journal");
    bool last = index + 1 == at->count, damage = err == ERR_CORRUPT,
         cut = false;
    if (last || at->firsts[index + 1] != at->last + 1) {
        err = recover_end(at, scan, err, last, &damage, &cut);
        if (err != ERR_OK)
            return recover_note(at, err, path, "a file of the journal");
    }
    if (damage) {
        *ret_more = false;
        if (scan->offset == STORE_JOURNAL_FILE_HEADER)
            at->last = before; /* nothing of it stays */
        return recover_damage(at, index, scan, true, scan->offset);
    }
    if (cut)
        base_log_say(journal->config.log, BASE_LOG_WARN, "store",
                     "journal_torn", "stream=%u offset=%llu sequence=%llu",
                     at->stream->index, (unsigned long long)scan->offset,
                     (unsigned long long)at->last);
    if (last) {
        at->stream->tail.end = scan->offset;
        at->stream->tail.seed = scan->seed;
        at->stream->tail.first = scan->header.first;
        at->stream->tail.gap_after = scan->header.gap_after;
        at->stream->written = cut; /* something is there to be cut */
    }
    return ERR_OK;
}

/* The last file takes records again: nothing behind its end, all of it
 * synced. */
static enum err
recover_tail(struct recover *at)
{
    struct store_journal_stream *stream = at->stream;
    struct sys_files *files = at->journal->config.files;
    struct store_journal_tail *tail = &stream->tail;
    char *path base_cleanup(base_mem_free_at) =
        store_journal_path(stream, tail->first);
    enum err err = files->ops->open(files, path, SYS_FILE_WRITE, &tail->file);
    if (err != ERR_OK)
        return recover_note(at, err, path, "opening the journal's tail");
    err = files->ops->size(files, tail->file, &tail->room);
    if (err == ERR_OK && stream->written) {
        err = files->ops->truncate(files, tail->file, tail->end);
        tail->room = tail->end;
    }
    if (err == ERR_OK && tail->room < at->journal->config.file_bytes) {
        err = files->ops->reserve(files, tail->file,
                                  at->journal->config.file_bytes);
        if (err == ERR_OK)
            tail->room = at->journal->config.file_bytes;
        else if (err == ERR_FULL)
            err = ERR_OK; /* the next group needs a new file */
    }
    if (err == ERR_OK)
        err = files->ops->sync(files, tail->file);
    if (err != ERR_OK)
        return recover_note(at, err, path, "cutting the journal's tail");
    stream->written = 0;
    stream->tail_left = tail->room - tail->end;
    return ERR_OK;
}

/* A new file now, before any group: for the store id, or to keep a gap. */
static enum err
recover_first(struct recover *at)
{
    struct store_journal_stream *stream = at->stream;
    struct sys_files *files = at->journal->config.files;
    enum err err =
        store_journal_space_make(at->journal, stream, stream->appended + 1, 0);
    if (err == ERR_OK)
        err = files->ops->sync(files, stream->next.file);
    if (err == ERR_OK)
        err = store_journal_space_adopt(at->journal, stream);
    if (err != ERR_OK) {
        store_journal_space_discard(at->journal, stream);
        return recover_note(at, err, stream->folder,
                            "making a file of the journal");
    }
    stream->tail_left = stream->tail.room - stream->tail.end;
    return ERR_OK;
}

static enum err
recover_stream(struct recover *at)
{
    struct store_journal_stream *stream = at->stream;
    struct sys_files *files = at->journal->config.files;
    enum err err = recover_list(at);
    bool more = true;
    for (size_t i = 0; i < at->count && more && err == ERR_OK; i++)
        err = recover_file(at, i, &more);
    if (err != ERR_OK)
        return err;
    for (size_t i = 0; i < at->count; i++) {
        char *path = store_journal_path(stream, at->firsts[i]);
        struct sys_file *file;
        uint64_t size = 0;
        if (files->ops->open(files, path, SYS_FILE_READ, &file) == ERR_OK) {
            files->ops->size(files, file, &size);
            files->ops->shut(files, file);
        }
        base_mem_free(path);
        store_journal_space_known(at->journal, stream, at->firsts[i], size);
    }
    bool gap = !more;
    stream->gap_after = gap ? at->last : 0;
    uint64_t last = gap ? at->lost : at->last;
    atomic_store(&stream->appended, last);
    atomic_store(&stream->synced, last);
    if (gap || at->ends_clean || at->count == 0)
        stream->tail = (struct store_journal_tail){0};
    else
        return recover_tail(at);
    if (gap || (stream->index == 0 && at->count == 0))
        return recover_first(at);
    return ERR_OK;
}

/* The store id: of the first file whose header can be read; a new one. */
static enum err
recover_id(struct store_journal *journal, struct base_note *note)
{
    struct base_random *random = journal->config.random;
    for (unsigned i = 0; i < journal->count; i++) {
        struct recover at = {journal, &journal->streams[i], note};
        bool found = false;
        enum err err = recover_list(&at);
        for (size_t j = 0; j < at.count && err == ERR_OK && !found; j++) {
            struct store_journal_file_scan scan;
            char *path = store_journal_path(at.stream, at.firsts[j]);
            enum err opened =
                store_journal_file_open(&scan, journal->config.files, path);
            base_mem_free(path);
            if (opened == ERR_OK) {
                memcpy(journal->store_id, scan.header.store_id,
                       STORE_JOURNAL_FILE_ID);
                found = true;
            }
            if (opened == ERR_OK || opened == ERR_CORRUPT ||
                opened == ERR_VERSION)
                store_journal_file_shut(&scan);
        }
        base_mem_free(at.firsts);
        if (err != ERR_OK)
            return err;
        if (found)
            return ERR_OK;
    }
    random->fill(random, journal->store_id, STORE_JOURNAL_FILE_ID);
    return ERR_OK;
}

enum err
store_journal_recover(struct store_journal *journal, struct base_note *note)
{
    store_journal_space_sweep(journal);
    enum err err = recover_id(journal, note);
    for (unsigned i = 0; i < journal->count && err == ERR_OK; i++) {
        struct recover at = {journal, &journal->streams[i], note};
        err = recover_stream(&at);
        base_mem_free(at.firsts);
    }
    return err;
}
