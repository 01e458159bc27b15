/* store_journal_file.c -- see store_journal_file.h for the format. */
#include "store/store_journal_file.h"

#include <stdio.h>

#include "base/base_cur.h"
#include "base/base_hash.h"
#include "base/base_mem.h"
#include "base/base_out.h"
#include "store/store_journal.h"

enum {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_CRC = 12,
    AT_ID = 16,
    AT_FIRST = 32,
    AT_CREATED = 40,
    AT_STREAM = 48,
    AT_ZERO = 52,
    AT_GAP = 56,
    FRAME_L = 0,
    FRAME_CRC = 4,
    FRAME_SEQUENCE = 8,
    FRAME_TYPE = 16,
    VERSION = 1,
    WINDOW = 2 << 20,
};

_Static_assert(AT_GAP + 8 == (int)STORE_JOURNAL_FILE_HEADER,
               "header is 64 bytes");
_Static_assert(AT_ID + STORE_JOURNAL_FILE_ID == AT_FIRST, "id is 16 bytes");
_Static_assert((int)FRAME_TYPE == (int)STORE_JOURNAL_FILE_FRAME,
               "frame is 16 bytes");
_Static_assert(STORE_JOURNAL_FILE_FRAME + STORE_JOURNAL_RECORD_MAX < WINDOW,
               "any record fits into the window");

static const char file_magic[] = "DGJNL1\r\n";

uint32_t
store_journal_file_header_write(const struct store_journal_file_header *header,
                                uint8_t to[STORE_JOURNAL_FILE_HEADER])
{
    struct base_out out;
    base_out_fixed(&out, to, STORE_JOURNAL_FILE_HEADER);
    base_out_text(&out, file_magic);
    base_out_u32le(&out, VERSION);
    base_out_u32le(&out, 0);
    base_out_bytes_add(&out,
                       base_bytes(header->store_id, STORE_JOURNAL_FILE_ID));
    base_out_u64le(&out, header->first);
    base_out_u64le(&out, (uint64_t)header->created_ms);
    base_out_u32le(&out, header->stream);
    base_out_u32le(&out, 0);
    base_out_u64le(&out, header->gap_after);
    uint32_t crc = base_hash_crc32c(
        0, base_bytes(to + AT_ID, STORE_JOURNAL_FILE_HEADER - AT_ID));
    base_out_patch_u32le(&out, AT_CRC, crc);
    return crc;
}

enum err
store_journal_file_header_read(struct bytes from,
                               struct store_journal_file_header *ret_header,
                               uint32_t *ret_seed)
{
    struct store_journal_file_header header = {0};
    struct base_cur cur;
    if (from.size < STORE_JOURNAL_FILE_HEADER)
        return ERR_CORRUPT;
    base_cur_init(&cur, from);
    if (!base_bytes_is(base_cur_take(&cur, AT_VERSION), file_magic))
        return ERR_CORRUPT;
    uint32_t version = base_cur_u32le(&cur);
    uint32_t crc = base_cur_u32le(&cur);
    uint32_t real = base_hash_crc32c(
        0, base_bytes(from.at + AT_ID, STORE_JOURNAL_FILE_HEADER - AT_ID));
    if (version > VERSION)
        return ERR_VERSION;
    if (crc != real || version != VERSION)
        return ERR_CORRUPT;
    struct bytes id = base_cur_take(&cur, STORE_JOURNAL_FILE_ID);
    memcpy(header.store_id, id.at, STORE_JOURNAL_FILE_ID);
    header.first = base_cur_u64le(&cur);
    header.created_ms = (int64_t)base_cur_u64le(&cur);
    header.stream = base_cur_u32le(&cur);
    base_cur_u32le(&cur);
    header.gap_after = base_cur_u64le(&cur);
    if (header.first == 0 || header.first > STORE_JOURNAL_FILE_FIRST_MAX)
        return ERR_CORRUPT;
    *ret_header = header;
    *ret_seed = crc;
    return ERR_OK;
}

char *
store_journal_file_name(uint64_t first, char *to)
{
    snprintf(to, STORE_JOURNAL_FILE_NAME, "%016llx.jnl",
             (unsigned long long)first);
    return to;
}

enum err
store_journal_file_name_read(const char *name, uint64_t *ret_first)
{
    uint64_t first = 0;
    if (strlen(name) != STORE_JOURNAL_FILE_NAME - 1 ||
        strcmp(name + 16, ".jnl") != 0)
        return ERR_SYNTAX;
    for (unsigned i = 0; i < 16; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = strchr(digits, name[i]);
        if (!digit)
            return ERR_SYNTAX;
        first = first << 4 | (uint64_t)(digit - digits);
    }
    *ret_first = first;
    return ERR_OK;
}

void
store_journal_file_frame(uint8_t *to, uint64_t sequence, uint8_t type,
                         size_t body_size)
{
    struct base_out out;
    base_out_fixed(&out, to, STORE_JOURNAL_FILE_FRAME + 1);
    base_out_u32le(&out, (uint32_t)body_size + 1);
    base_out_u32le(&out, 0);
    base_out_u64le(&out, sequence);
    base_out_u8(&out, type);
}

static uint32_t
file_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

static uint64_t
file_u64(const uint8_t *at)
{
    return file_u32(at) | (uint64_t)file_u32(at + 4) << 32;
}

void
store_journal_file_seal(uint8_t *group, size_t size, uint32_t seed)
{
    size_t at = 0;
    while (at < size) {
        uint32_t length = file_u32(group + at + FRAME_L);
        uint32_t crc = base_hash_crc32c(
            seed, base_bytes(group + at + FRAME_SEQUENCE, 8 + length));
        for (unsigned i = 0; i < 4; i++)
            group[at + FRAME_CRC + i] = (uint8_t)(crc >> 8 * i);
        at += STORE_JOURNAL_FILE_FRAME + length;
    }
}

enum err
store_journal_file_open(struct store_journal_file_scan *scan,
                        struct sys_files *files, const char *path)
{
    *scan = (struct store_journal_file_scan){.files = files};
    enum err err = files->ops->open(files, path, SYS_FILE_READ, &scan->file);
    if (err != ERR_OK)
        return err;
    uint8_t head[STORE_JOURNAL_FILE_HEADER];
    size_t got = 0;
    err = files->ops->size(files, scan->file, &scan->size);
    if (err == ERR_OK)
        err = files->ops->read(files, scan->file, 0, head, sizeof head, &got);
    if (err != ERR_OK) {
        files->ops->shut(files, scan->file);
        return err;
    }
    scan->window_room = scan->size < WINDOW ? (size_t)scan->size : WINDOW;
    scan->window = base_mem_new(scan->window_room);
    scan->offset = STORE_JOURNAL_FILE_HEADER;
    err = store_journal_file_header_read(base_bytes(head, got), &scan->header,
                                         &scan->seed);
    scan->sequence = scan->header.first;
    return err;
}

void
store_journal_file_shut(struct store_journal_file_scan *scan)
{
    scan->files->ops->shut(scan->files, scan->file);
    base_mem_free(scan->window);
}

/* At least `need` bytes from offset on, or what the file has. */
static enum err
scan_window(struct store_journal_file_scan *scan, uint64_t offset, size_t need,
            struct bytes *ret_bytes)
{
    uint64_t end = scan->window_at + scan->window_size;
    bool inside = offset >= scan->window_at && offset <= end;
    if (!inside || (end - offset < need && end < scan->size)) {
        size_t got = 0;
        enum err err =
            scan->files->ops->read(scan->files, scan->file, offset,
                                   scan->window, scan->window_room, &got);
        if (err != ERR_OK)
            return err;
        scan->window_at = offset;
        scan->window_size = got;
        end = offset + got;
    }
    *ret_bytes = base_bytes(scan->window + (offset - scan->window_at),
                            (size_t)(end - offset));
    return ERR_OK;
}

static bool
scan_zero(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.at[i])
            return false;
    return true;
}

/* The record at offset, if one is there with a sequence in [from, to]. */
static enum err
scan_record(struct store_journal_file_scan *scan, uint64_t offset,
            uint64_t from, uint64_t to,
            struct store_journal_file_record *ret_record)
{
    struct bytes at;
    enum err err = scan_window(scan, offset, STORE_JOURNAL_FILE_FRAME, &at);
    if (err != ERR_OK)
        return err;
    if (at.size < STORE_JOURNAL_FILE_FRAME)
        return scan_zero(at) ? ERR_ABSENT : ERR_CORRUPT;
    uint32_t length = file_u32(at.at + FRAME_L);
    uint64_t sequence = file_u64(at.at + FRAME_SEQUENCE);
    if (length == 0)
        return ERR_ABSENT;
    if (length > STORE_JOURNAL_RECORD_MAX || sequence < from || sequence > to)
        return ERR_CORRUPT;
    size_t need = STORE_JOURNAL_FILE_FRAME + length;
    err = scan_window(scan, offset, need, &at);
    if (err != ERR_OK)
        return err;
    if (at.size < need)
        return ERR_CORRUPT;
    uint32_t crc = base_hash_crc32c(
        scan->seed, base_bytes(at.at + FRAME_SEQUENCE, 8 + length));
    if (crc != file_u32(at.at + FRAME_CRC))
        return ERR_CORRUPT;
    *ret_record = (struct store_journal_file_record){
        .sequence = sequence,
        .offset = offset,
        .type = at.at[FRAME_TYPE],
        .body = base_bytes(at.at + FRAME_TYPE + 1, length - 1),
    };
    return ERR_OK;
}

enum err
store_journal_file_next(struct store_journal_file_scan *scan,
                        struct store_journal_file_record *ret_record)
{
    enum err err = scan_record(scan, scan->offset, scan->sequence,
                               scan->sequence, ret_record);
    if (err != ERR_OK)
        return err;
    scan->offset += STORE_JOURNAL_FILE_FRAME + 1 + ret_record->body.size;
    scan->sequence++;
    return ERR_OK;
}

/* How many bytes are zero from the start. */
static size_t
rest_zeros(struct bytes bytes)
{
    static const uint8_t zeros[4096];
    size_t i = 0;
    while (bytes.size - i >= sizeof zeros &&
           memcmp(bytes.at + i, zeros, sizeof zeros) == 0)
        i += sizeof zeros;
    while (i < bytes.size && bytes.at[i] == 0)
        i++;
    return i;
}

/* The first offset from here on at which a record may begin: one of the bytes
 * of its length is not zero.  The file's size when there is none. */
static enum err
rest_candidate(struct store_journal_file_scan *scan, uint64_t offset,
               uint64_t *ret_offset)
{
    while (offset < scan->size) {
        struct bytes at;
        enum err err = scan_window(scan, offset, 8, &at);
        if (err != ERR_OK)
            return err;
        size_t i = rest_zeros(at);
        if (i < at.size) {
            *ret_offset = offset + (i > 3 ? i - 3 : 0);
            return ERR_OK;
        }
        /* A length may straddle the window's end. */
        offset += at.size > 3 && offset + at.size < scan->size ? at.size - 3
                                                               : at.size;
    }
    *ret_offset = scan->size;
    return ERR_OK;
}

uint64_t
store_journal_file_room(uint64_t size)
{
    return size / (STORE_JOURNAL_FILE_FRAME + 1);
}

enum err
store_journal_file_rest(struct store_journal_file_scan *scan,
                        struct store_journal_file_rest *ret_rest)
{
    struct store_journal_file_rest rest = {0};
    uint64_t offset = scan->offset;
    uint64_t to = scan->header.first + store_journal_file_room(scan->size);
    for (;;) {
        struct store_journal_file_record record;
        enum err err = rest_candidate(scan, offset, &offset);
        if (err != ERR_OK)
            return err;
        if (offset >= scan->size)
            break;
        rest.dirty = true;
        err = scan_record(scan, offset, scan->sequence, to, &record);
        if (err == ERR_IO)
            return err;
        if (err != ERR_OK) {
            offset++;
            continue;
        }
        rest.records++;
        rest.clean |= record.type == STORE_JOURNAL_CLEAN;
        rest.last_offset = offset;
        if (record.sequence > rest.last_sequence)
            rest.last_sequence = record.sequence;
        offset += STORE_JOURNAL_FILE_FRAME + 1 + record.body.size;
    }
    *ret_rest = rest;
    return ERR_OK;
}
