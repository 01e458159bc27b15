/* base_err.c -- the error list as text, and how a note is written. */
#include "base/base_err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/base_bytes.h"

static const struct {
    const char *name, *text;
} err_rows[ERR_COUNT] = {
#define ERR_ROW(row_name, row_text) {#row_name, row_text},
    BASE_ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

const char *
base_err_name(enum err code)
{
    return (unsigned)code < ERR_COUNT ? err_rows[code].name : "UNKNOWN";
}

const char *
base_err_text(enum err code)
{
    return (unsigned)code < ERR_COUNT ? err_rows[code].text
                                      : "an unknown error";
}

/* What a sender wrote may stand in it, and a cut may leave half a character:
 * what is not UTF-8 becomes '?', as the note may become JSON. */
static void
err_clean(char *text)
{
    struct bytes rest = base_bytes_text(text);
    char *at = text;
    while (rest.size > 0 && !base_bytes_utf8(rest)) {
        size_t size = 1;
        while (size < 4 && size < rest.size &&
               !base_bytes_utf8(base_bytes(rest.at, size)))
            size++;
        if (!base_bytes_utf8(base_bytes(rest.at, size))) {
            *at = '?';
            size = 1;
        }
        at += size;
        rest = base_bytes_slice(rest, size, rest.size);
    }
}

static void err_write(struct base_note *note, enum err code, const char *fmt,
                      va_list list) __attribute__((format(printf, 3, 0)));

static void
err_write(struct base_note *note, enum err code, const char *fmt, va_list list)
{
    note->code = code;
    vsnprintf(note->text, sizeof note->text, fmt, list);
    err_clean(note->text);
}

enum err
base_err_note(struct base_note *note, enum err code, const char *fmt, ...)
{
    if (!note)
        return code;
    note->line = note->column = 0;
    note->where[0] = 0;
    va_list list;
    va_start(list, fmt);
    err_write(note, code, fmt, list);
    va_end(list);
    return code;
}

enum err
base_err_note_at(struct base_note *note, enum err code, const char *where,
                 uint32_t line, uint32_t column, const char *fmt, ...)
{
    if (!note)
        return code;
    note->line = line;
    note->column = column;
    snprintf(note->where, sizeof note->where, "%s", where ? where : "");
    err_clean(note->where);
    va_list list;
    va_start(list, fmt);
    err_write(note, code, fmt, list);
    va_end(list);
    return code;
}
