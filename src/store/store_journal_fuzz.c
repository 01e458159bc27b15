/* store_journal_fuzz.c -- hostile journal files.
 *
 * An input is a folder of files.  It is opened by a journal, which must end
 * (no crash, no endless search) and either refuse the folder or make it whole:
 *
 *   - records come in order, each once, with `after` as without
 *   - the journal takes more, under sequences behind all it has seen
 *   - opened again it finds no damage, the same records and the new ones
 *   - nothing is deleted: every damaged file is in quarantine/ as it was
 *
 * An input is pieces of files:
 *
 *   off size
 *     0  1  bits 0..1  stream, modulo 3
 *           bit 5      (of the first piece) all is taken as it is
 *           bit 6      goes on in the file of the piece before
 *           bit 7      the file's name is one too high
 *     1  1  when it goes on: how many times 64 KiB are zero in between, 0..31
 *     2  2  n, little-endian; fewer bytes at the end
 *     4  n  bytes
 *
 * A file is named by the first sequence in its header.  A random file dies at
 * its first checksum, so without bit 5 the input is mended: its magics,
 * versions, streams and checksums are made right. */
#include <stdio.h>

#include "base/base_cur.h"
#include "base/base_hash.h"
#include "base/base_mem.h"
#include "base/base_must.h"
#include "base/base_rng.h"
#include "fault/fault_files.h"
#include "fault/fault_loop.h"
#include "store/store_journal.h"
#include "store/store_journal_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    STREAMS = 3,
    FILES = 16,
    HOLE = 64 << 10,
    AS_IT_IS = 1 << 5,
    GOES_ON = 1 << 6,
    MISNAMED = 1 << 7,
    NEW_SIZE = 11, /* of the record that is put behind */
};

struct fuzz_file {
    char path[64];
    struct base_out bytes;
};

struct fuzz_seen {
    unsigned count;
    uint64_t last, hash;
};

struct fuzz {
    bool mend;
    struct fault_files *disk;
    struct sys_files *files;
    struct fault_loop loop;
    struct base_rng rng;
    struct base_stats stats;
    struct store_journal_config config;
    struct store_journal *journal;
    struct fuzz_file inputs[FILES];
    unsigned input_count;
};

/* ---- the input, as files ---- */

static void
fuzz_put(uint8_t *at, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t
fuzz_get(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

/* A header that is right but for what it says. */
static void
fuzz_mend_header(uint8_t *at, unsigned stream)
{
    memcpy(at, "DGJNL1\r\n\1\0\0\0", 12);
    fuzz_put(at + 48, stream, 4);
    fuzz_put(at + 12, base_hash_crc32c(0, base_bytes(at + 16, 48)), 4);
}

/* The checksums of the records that stand one behind the other here. */
static void
fuzz_mend_records(uint8_t *at, size_t size, uint32_t seed)
{
    while (size > STORE_JOURNAL_FILE_FRAME) {
        uint64_t length = fuzz_get(at, 4);
        if (length == 0 || length > size - STORE_JOURNAL_FILE_FRAME)
            return;
        fuzz_put(at + 4, base_hash_crc32c(seed, base_bytes(at + 8, 8 + length)),
                 4);
        at += STORE_JOURNAL_FILE_FRAME + length;
        size -= STORE_JOURNAL_FILE_FRAME + length;
    }
}

/* The file of this name, emptied. */
static struct fuzz_file *
fuzz_file(struct fuzz *fuzz, unsigned stream, uint64_t first)
{
    char name[STORE_JOURNAL_FILE_NAME], path[sizeof fuzz->inputs[0].path];
    static const char *const folders[STREAMS] = {"records", "0", "1"};
    snprintf(path, sizeof path, "/data/journal/%s/%s", folders[stream],
             store_journal_file_name(first, name));
    unsigned i = 0;
    while (i < fuzz->input_count && strcmp(fuzz->inputs[i].path, path) != 0)
        i++;
    if (i == FILES)
        return NULL;
    struct fuzz_file *file = &fuzz->inputs[i];
    if (i == fuzz->input_count) {
        fuzz->input_count++;
        memcpy(file->path, path, sizeof path);
        base_out_grow(&file->bytes, 64 << 20);
    }
    base_out_reset(&file->bytes);
    return file;
}

static struct fuzz_file *
fuzz_piece(struct fuzz *fuzz, struct fuzz_file *file, const uint8_t head[4],
           struct bytes piece)
{
    bool goes_on = file && head[0] & GOES_ON;
    unsigned stream = (head[0] & 3U) % STREAMS;
    bool whole = piece.size >= STORE_JOURNAL_FILE_HEADER;
    if (!goes_on) {
        uint64_t first = whole ? fuzz_get(piece.at + 32, 8) : 1;
        file = fuzz_file(fuzz, stream, first + (head[0] & MISNAMED ? 1 : 0));
        if (!file)
            return NULL;
    } else {
        size_t hole = (size_t)(head[1] & 31) * HOLE;
        memset(base_out_space(&file->bytes, hole), 0, hole);
    }
    size_t at = file->bytes.size;
    base_out_bytes_add(&file->bytes, piece);
    must(base_out_ok(&file->bytes));
    if (!fuzz->mend || file->bytes.size < STORE_JOURNAL_FILE_HEADER)
        return file;
    uint8_t *start = file->bytes.at;
    if (!goes_on) {
        fuzz_mend_header(start, stream);
        at = STORE_JOURNAL_FILE_HEADER;
    }
    fuzz_mend_records(start + at, file->bytes.size - at,
                      (uint32_t)fuzz_get(start + 12, 4));
    return file;
}

static void
fuzz_write(struct fuzz *fuzz, const struct fuzz_file *input)
{
    struct sys_files *files = fuzz->files;
    struct sys_file *file;
    must(files->ops->open(files, input->path, SYS_FILE_WRITE, &file) == ERR_OK);
    must(files->ops->write(files, file, 0, base_out_bytes(&input->bytes)) ==
         ERR_OK);
    must(files->ops->sync(files, file) == ERR_OK);
    files->ops->shut(files, file);
}

static void
fuzz_disk(struct fuzz *fuzz, struct bytes input)
{
    struct base_cur cur;
    struct fuzz_file *file = NULL;
    base_cur_init(&cur, input);
    while (base_cur_left(&cur) >= 4) {
        struct bytes head = base_cur_take(&cur, 4);
        size_t size = (size_t)fuzz_get(head.at + 2, 2);
        if (size > base_cur_left(&cur))
            size = base_cur_left(&cur);
        file = fuzz_piece(fuzz, file, head.at, base_cur_take(&cur, size));
    }
    static const char *const folders[] = {"/data/journal/records",
                                          "/data/journal/0", "/data/journal/1"};
    for (unsigned i = 0; i < BASE_COUNT(folders); i++)
        must(sys_file_folders(fuzz->files, folders[i]) == ERR_OK);
    for (unsigned i = 0; i < fuzz->input_count; i++)
        fuzz_write(fuzz, &fuzz->inputs[i]);
    for (unsigned i = 0; i < BASE_COUNT(folders); i++)
        must(fuzz->files->ops->sync_folder(fuzz->files, folders[i]) == ERR_OK);
}

/* ---- what must hold ---- */

struct fuzz_replay {
    struct fuzz_seen all, late; /* late: with sequence > after */
    uint64_t after;
};

static void
fuzz_see(struct fuzz_seen *seen, uint64_t sequence, uint8_t type,
         struct bytes body)
{
    uint64_t head[2] = {sequence, type};
    must(sequence > seen->last);
    seen->last = sequence;
    seen->count++;
    seen->hash = base_hash_xxh3(seen->hash, base_bytes(head, sizeof head));
    seen->hash = base_hash_xxh3(seen->hash, body);
}

static enum err
fuzz_take(void *self, uint64_t sequence, uint8_t type, struct bytes body)
{
    struct fuzz_replay *replay = self;
    must(type != STORE_JOURNAL_CLEAN);
    fuzz_see(&replay->all, sequence, type, body);
    if (sequence > replay->after)
        fuzz_see(&replay->late, sequence, type, body);
    return ERR_OK;
}

static struct fuzz_seen
fuzz_replay(struct fuzz *fuzz, unsigned stream)
{
    uint64_t synced = store_journal_synced(fuzz->journal, stream);
    struct fuzz_replay whole = {.after = synced / 2}, rest = whole;
    must(store_journal_replay(fuzz->journal, stream, 0, fuzz_take, &whole) ==
         ERR_OK);
    must(store_journal_replay(fuzz->journal, stream, whole.after, fuzz_take,
                              &rest) == ERR_OK);
    must(whole.all.last <= synced);
    must(rest.all.count == whole.late.count &&
         rest.all.hash == whole.late.hash);
    return whole.all;
}

static enum err
fuzz_open(struct fuzz *fuzz, uint64_t *ret_quarantined)
{
    struct base_note note = {0};
    struct store_journal_health health;
    enum err err = store_journal_open(&fuzz->config, &fuzz->journal, &note);
    if (err != ERR_OK)
        return err;
    store_journal_health(fuzz->journal, &health);
    *ret_quarantined = health.quarantined;
    return ERR_OK;
}

/* The power fails; nothing is left but what was synced. */
static void
fuzz_crash(struct fuzz *fuzz)
{
    store_journal_crash(fuzz->journal);
    fuzz->journal = NULL;
    fault_loop_crash(&fuzz->loop);
    fault_files_crash(fuzz->disk, FAULT_FILES_ALL);
}

/* One record more in every stream. */
static void
fuzz_append(struct fuzz *fuzz, struct fuzz_seen *seen)
{
    static const uint8_t body[NEW_SIZE] = {1, 2, 3};
    struct bytes part = base_bytes(body, sizeof body);
    must(store_journal_start(fuzz->journal) == ERR_OK);
    for (unsigned i = 0; i < STREAMS; i++) {
        uint64_t before = store_journal_synced(fuzz->journal, i), sequence;
        must(store_journal_append(fuzz->journal, i, STORE_JOURNAL_OPAQUE, &part,
                                  1, &sequence) == ERR_OK);
        must(sequence == before + 1);
        must(store_journal_flush(fuzz->journal, i, sequence) == ERR_OK);
        fuzz_see(&seen[i], sequence, STORE_JOURNAL_OPAQUE, part);
    }
}

/* The journal is whole and holds exactly this. */
static void
fuzz_again(struct fuzz *fuzz, const struct fuzz_seen *seen)
{
    uint64_t quarantined;
    must(fuzz_open(fuzz, &quarantined) == ERR_OK);
    must(quarantined == 0);
    for (unsigned i = 0; i < STREAMS; i++) {
        struct fuzz_seen now = fuzz_replay(fuzz, i);
        must(now.count == seen[i].count && now.hash == seen[i].hash);
    }
}

static bool
fuzz_is(struct fuzz *fuzz, const char *path, struct bytes bytes, bool *ret_same)
{
    struct sys_files *files = fuzz->files;
    struct sys_file *file;
    size_t got = 0;
    if (files->ops->open(files, path, SYS_FILE_READ, &file) != ERR_OK)
        return false;
    uint8_t *read = base_mem_new(bytes.size + 1);
    must(files->ops->read(files, file, 0, read, bytes.size + 1, &got) ==
         ERR_OK);
    *ret_same = base_bytes_equal(base_bytes(read, got), bytes);
    base_mem_free(read);
    files->ops->shut(files, file);
    return true;
}

/* Every file is in its place or, as it was, in quarantine. */
static void
fuzz_kept(struct fuzz *fuzz, uint64_t quarantined)
{
    uint64_t found = 0;
    for (unsigned i = 0; i < fuzz->input_count; i++) {
        const struct fuzz_file *input = &fuzz->inputs[i];
        struct bytes bytes = base_out_bytes(&input->bytes);
        const char *name = strrchr(input->path, '/') + 1;
        unsigned stream = name[-2] == 's' ? 0 : (unsigned)(name[-2] - '0') + 1;
        bool same;
        char aside[sizeof input->path + 32];
        snprintf(aside, sizeof aside, "/data/journal/quarantine/%u-%s", stream,
                 name);
        if (fuzz_is(fuzz, aside, bytes, &same)) {
            must(same);
            found++;
        } else {
            must(fuzz_is(fuzz, input->path, bytes, &same));
        }
    }
    must(found == quarantined);
}

static void
fuzz_run(struct fuzz *fuzz)
{
    struct fuzz_seen seen[STREAMS];
    uint64_t quarantined;
    bool high = false;
    enum err err = fuzz_open(fuzz, &quarantined);
    must(err == ERR_OK || err == ERR_VERSION || err == ERR_CORRUPT);
    if (err != ERR_OK)
        return;
    fuzz_kept(fuzz, quarantined);
    for (unsigned i = 0; i < STREAMS; i++) {
        seen[i] = fuzz_replay(fuzz, i);
        high |= store_journal_synced(fuzz->journal, i) >=
                STORE_JOURNAL_FILE_FIRST_MAX;
    }
    if (high) { /* the next file would be refused */
        store_journal_crash(fuzz->journal);
        return;
    }
    fuzz_append(fuzz, seen);
    fuzz_crash(fuzz);
    fuzz_again(fuzz, seen);
    must(store_journal_start(fuzz->journal) == ERR_OK);
    store_journal_shut(fuzz->journal);
    fuzz_again(fuzz, seen);
    store_journal_crash(fuzz->journal);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {
        .mend = size > 0 && (data[0] & AS_IT_IS) == 0,
        .disk = fault_files_new(1),
    };
    fuzz.files = fault_files_base(fuzz.disk);
    fault_loop_init(&fuzz.loop, (struct wall){1763787600000});
    base_rng_seed(&fuzz.rng, 1);
    base_stat_init(&fuzz.stats);
    fuzz.config = (struct store_journal_config){
        .files = fuzz.files,
        .loop = &fuzz.loop.base,
        .random = &fuzz.rng.random,
        .stats = &fuzz.stats,
        .folder = "/data/journal",
        .shards = STREAMS - 1,
        .file_bytes = 64 << 10,
        .ignore_marks = true,
    };
    fuzz_disk(&fuzz, base_bytes(data, size));
    fuzz_run(&fuzz);
    for (unsigned i = 0; i < fuzz.input_count; i++)
        base_out_done(&fuzz.inputs[i].bytes);
    fault_loop_done(&fuzz.loop);
    base_stat_done(&fuzz.stats);
    fault_files_free(fuzz.disk);
    return 0;
}
