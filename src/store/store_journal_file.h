/* store_journal_file.h -- one file of the journal: its bytes, and reading them.
 *
 * A file is a header and then records; all numbers are little-endian.
 *
 *   header                                      record
 *   off size                                    off size
 *     0  8  "DGJNL1\r\n"                          0  4  L, 1..1,048,576; 0: end
 *     8  4  version, 1                            4  4  CRC-32C of 8..16+L, its
 *    12  4  CRC-32C of 16..63: the seed                 seed the header's CRC
 *    16 16  store id                              8  8  sequence: previous + 1
 *    32  8  first sequence: the file's name      16  1  type
 *    40  8  created, ms since 1970               17 L-1 body
 *    48  4  stream
 *    52  4  0
 *    56  8  last sequence before a known gap in front of this file; 0: no gap,
 *           the file before ends with first - 1
 *
 * As the seed differs from file to file, a record is valid in its own file
 * only.  Behind the last record a file is zero to its end.
 *
 * CLEAN is always the last record of its file: an orderly end.  After it the
 * journal goes on in a new file.
 *
 * Range    first is 1..2^62: a higher one was never counted, it would be the
 *          work of damage, and what follows it could not be counted.
 * Memory   a scan has one window of at most 2 MiB; records point into it until
 *          the next call.
 * Errors   CORRUPT  a magic, length, checksum or sequence is wrong
 *          VERSION  made by a newer program
 *          ABSENT   (of next) the end: a zero length, or the file's end */
#ifndef STORE_JOURNAL_FILE_H
#define STORE_JOURNAL_FILE_H

#include "sys/sys_file.h"

enum {
    STORE_JOURNAL_FILE_HEADER = 64,
    STORE_JOURNAL_FILE_FRAME = 16, /* of a record, before its type */
    STORE_JOURNAL_FILE_ID = 16,
    STORE_JOURNAL_FILE_NAME = 21, /* 16 hex digits, ".jnl", NUL */
};

#define STORE_JOURNAL_FILE_FIRST_MAX (UINT64_C(1) << 62)

struct store_journal_file_header {
    uint8_t store_id[STORE_JOURNAL_FILE_ID];
    uint64_t first;
    int64_t created_ms;
    uint32_t stream;
    uint64_t gap_after;
};

/* Returns the seed of the file's records. */
uint32_t
store_journal_file_header_write(const struct store_journal_file_header *header,
                                uint8_t to[STORE_JOURNAL_FILE_HEADER]);
enum err
store_journal_file_header_read(struct bytes from,
                               struct store_journal_file_header *ret_header,
                               uint32_t *ret_seed);
char *store_journal_file_name(uint64_t first, char *to);
/* SYNTAX: not a journal file's name. */
enum err store_journal_file_name_read(const char *name, uint64_t *ret_first);

/* A record's frame and type; the CRC comes later, by seal. */
void store_journal_file_frame(uint8_t *to, uint64_t sequence, uint8_t type,
                              size_t body_size);
/* Put the CRC into every record of a group. */
void store_journal_file_seal(uint8_t *group, size_t size, uint32_t seed);

struct store_journal_file_record {
    uint64_t sequence;
    uint64_t offset;
    uint8_t type;
    struct bytes body;
};

struct store_journal_file_scan {
    struct sys_files *files;
    struct sys_file *file;
    struct store_journal_file_header header;
    uint32_t seed;
    uint64_t size;     /* of the file */
    uint64_t offset;   /* of the next record */
    uint64_t sequence; /* that it must have */
    uint8_t *window;
    uint64_t window_at;
    size_t window_size, window_room;
};

/* Reads the header.  On OK, CORRUPT and VERSION the scan must be shut. */
enum err store_journal_file_open(struct store_journal_file_scan *scan,
                                 struct sys_files *files, const char *path);
void store_journal_file_shut(struct store_journal_file_scan *scan);
/* The next record; at an error the offset stays. */
enum err store_journal_file_next(struct store_journal_file_scan *scan,
                                 struct store_journal_file_record *ret_record);

/* How many sequences a file of this size can hold. */
uint64_t store_journal_file_room(uint64_t size);

/* What lies behind the place where next stopped.  A record counts if its
 * sequence is one that the file can hold: bytes at random do not pass. */
struct store_journal_file_rest {
    bool dirty;             /* a byte is not zero */
    bool clean;             /* a valid CLEAN */
    uint64_t records;       /* valid ones, wherever they begin */
    uint64_t last_offset;   /* of the last of them */
    uint64_t last_sequence; /* the highest */
};

enum err store_journal_file_rest(struct store_journal_file_scan *scan,
                                 struct store_journal_file_rest *ret_rest);

#endif
