/* base_err.c -- the error list as text, and how a note is written. */
#include "base/base_err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

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

/* A cut must not leave half a UTF-8 character: the note may become JSON. */
static void
err_trim(char *text)
{
    size_t size = strlen(text), tail = 0;
    while (tail < size && tail < 3 &&
           ((unsigned char)text[size - 1 - tail] & 0xC0) == 0x80)
        tail++;
    if (tail >= size)
        return;
    unsigned char lead = (unsigned char)text[size - 1 - tail];
    size_t need = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (need > tail)
        text[size - 1 - tail] = 0;
}

static void err_write(struct base_note *note, enum err code, const char *fmt,
                      va_list list) __attribute__((format(printf, 3, 0)));

static void
err_write(struct base_note *note, enum err code, const char *fmt, va_list list)
{
    note->code = code;
    int size = vsnprintf(note->text, sizeof note->text, fmt, list);
    if (size >= (int)sizeof note->text)
        err_trim(note->text);
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
    int size =
        snprintf(note->where, sizeof note->where, "%s", where ? where : "");
    if (size >= (int)sizeof note->where)
        err_trim(note->where);
    va_list list;
    va_start(list, fmt);
    err_write(note, code, fmt, list);
    va_end(list);
    return code;
}
