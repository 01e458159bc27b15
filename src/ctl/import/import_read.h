/* import_read.h -- a file of any size as records, in UTF-8.
 *
 * Buffer   1 MiB: a record that is larger is refused, as one with an open
 *          quote.
 * Errors   of import_read_next: ABSENT the end; SYNTAX, LIMIT as wire_csv (the
 *          place in csv.bad, reading goes on); IO; CORRUPT: not the encoding
 *          that the map says. */
#ifndef IMPORT_READ_H
#define IMPORT_READ_H

#include <iconv.h>
#include <stdio.h>

#include "ctl/import/import_map.h"
#include "wire/csv/wire_csv.h"

struct import_read {
    FILE *file;
    iconv_t convert;      /* gb18030 only */
    bool converts, ended; /* nothing more comes from the file */
    uint64_t read, size;  /* bytes of the file */
    struct wire_csv csv;
    uint8_t *buffer, *raw;
    size_t raw_size; /* not converted yet */
};

enum err import_read_open(struct import_read *reader, const char *path,
                          const struct import_map *map, struct base_note *note);
void import_read_shut(struct import_read *reader);
enum err import_read_next(struct import_read *reader,
                          struct wire_csv_cell *cells, unsigned *ret_count);

#endif
