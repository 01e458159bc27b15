/* import_read.c -- filling the buffer from behind. */
#include "ctl/import/import_read.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/base_mem.h"

enum { READ_BUFFER = 1 << 20, READ_RAW = 1 << 16 };

/* Raw bytes become UTF-8 behind the text. */
static enum err
read_convert(struct import_read *reader)
{
    char *from = (char *)reader->raw;
    char *to = (char *)reader->buffer + reader->csv.text.size;
    size_t left = reader->raw_size, room = READ_BUFFER - reader->csv.text.size;
    size_t before = room;
    errno = 0;
    if (iconv(reader->convert, &from, &left, &to, &room) == (size_t)-1 &&
        errno == EILSEQ)
        return ERR_CORRUPT;
    reader->csv.text.size += before - room;
    memmove(reader->raw, reader->raw + (reader->raw_size - left), left);
    reader->raw_size = left;
    /* half a character at the end of the file */
    return reader->ended && left > 0 && errno == EINVAL ? ERR_CORRUPT : ERR_OK;
}

static enum err
read_more(struct import_read *reader)
{
    struct wire_csv *csv = &reader->csv;
    size_t keep = csv->text.size - csv->at;
    memmove(reader->buffer, reader->buffer + csv->at, keep);
    csv->at = 0;
    csv->text = base_bytes(reader->buffer, keep);
    uint8_t *to = reader->converts ? reader->raw + reader->raw_size
                                   : reader->buffer + keep;
    size_t room =
        reader->converts ? READ_RAW - reader->raw_size : READ_BUFFER - keep;
    size_t got = room ? fread(to, 1, room, reader->file) : 0;
    if (got == 0 && ferror(reader->file))
        return ERR_IO;
    reader->read += got;
    reader->ended = feof(reader->file) != 0;
    if (!reader->converts) {
        csv->text.size += got;
    } else {
        reader->raw_size += got;
        enum err err = read_convert(reader);
        if (err != ERR_OK)
            return err;
    }
    csv->last = reader->ended && reader->raw_size == 0;
    return ERR_OK;
}

/* Doubled quotes become single ones, in the buffer: what is written is never
 * ahead of what is read. */
static void
read_unquote(struct import_read *reader, struct wire_csv_cell *cells,
             unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct bytes *text = &cells[i].text;
        struct base_out out;
        if (!cells[i].doubled)
            continue;
        base_out_fixed(&out, reader->buffer + (text->at - reader->buffer),
                       text->size);
        wire_csv_text(&cells[i], &out);
        *text = base_out_bytes(&out);
        cells[i].doubled = false;
    }
}

enum err
import_read_next(struct import_read *reader, struct wire_csv_cell *cells,
                 unsigned *ret_count)
{
    struct wire_csv *csv = &reader->csv;
    for (;;) {
        enum err err = wire_csv_next(csv, cells, IMPORT_CELLS, ret_count);
        if (err == ERR_OK)
            read_unquote(reader, cells, *ret_count);
        if (err != ERR_AGAIN)
            return err;
        if (csv->at == 0 && csv->text.size == READ_BUFFER) {
            csv->last = true; /* too large: its first line is refused */
            err = wire_csv_next(csv, cells, IMPORT_CELLS, ret_count);
            csv->last = false;
            return err == ERR_OK ? ERR_LIMIT : err;
        }
        err = read_more(reader);
        if (err != ERR_OK)
            return err;
    }
}

/* Lines before the header, whatever they hold. */
static void
read_skip(struct import_read *reader, unsigned lines)
{
    struct wire_csv *csv = &reader->csv;
    while (lines > 0) {
        struct bytes rest = base_bytes_slice(csv->text, csv->at, SIZE_MAX);
        size_t at = base_bytes_find(rest, '\n');
        if (at < rest.size) {
            csv->at += at + 1;
            csv->line++;
            lines--;
        } else {
            csv->at = csv->text.size;
            if (csv->last || read_more(reader) != ERR_OK)
                return;
        }
    }
}

enum err
import_read_open(struct import_read *reader, const char *path,
                 const struct import_map *map, struct base_note *note)
{
    struct stat about;
    *reader = (struct import_read){.converts = map->gb18030};
    reader->file = fopen(path, "rb");
    if (!reader->file || fstat(fileno(reader->file), &about) != 0)
        return base_err_note(note, ERR_ABSENT, "%s cannot be read", path);
    if (map->gb18030)
        reader->convert = iconv_open("UTF-8", "GB18030");
    if (map->gb18030 && reader->convert == (iconv_t)-1) {
        reader->converts = false;
        return base_err_note(note, ERR_UNSUPPORTED,
                             "this system cannot convert GB18030");
    }
    reader->size = (uint64_t)about.st_size;
    reader->buffer = base_mem_new(READ_BUFFER);
    reader->raw = base_mem_new(READ_RAW);
    reader->csv = (struct wire_csv){
        .text = {reader->buffer, 0}, .line = 1, .separator = map->separator};
    enum err err = read_more(reader);
    if (err != ERR_OK)
        return base_err_note(note, err, "%s: %s", path, base_err_text(err));
    static const uint8_t bom[] = {0xEF, 0xBB, 0xBF};
    if (base_bytes_starts(reader->csv.text, base_bytes(bom, sizeof bom)))
        reader->csv.at = sizeof bom;
    read_skip(reader, map->skip);
    return ERR_OK;
}

void
import_read_shut(struct import_read *reader)
{
    if (reader->file)
        fclose(reader->file);
    if (reader->converts)
        iconv_close(reader->convert);
    base_mem_free(reader->buffer);
    base_mem_free(reader->raw);
}
