/* base_err.h -- the one list of errors, and the note that says what was wrong.
 *
 * Why: whatever the outside world can cause is an `enum err`, counted where it
 * happens and told once at the top; it never aborts.  (A bug is must(); a
 * broken world, such as no memory, is base_mem.h.)  A refusal that a person
 * will read also fills a struct base_note: what, where, what was expected.
 *
 * Memory   a note is a value; nothing is allocated. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdint.h>

/* name, text */
/* clang-format off */
#define BASE_ERR_TABLE(X) \
    X(OK,          "ok") \
    X(ABSENT,      "not found") \
    X(EXISTS,      "exists already") \
    X(FULL,        "no space left for it") \
    X(LIMIT,       "over a stated limit") \
    X(LABEL,       "a label is not well formed") \
    X(TIME,        "a time outside what is accepted") \
    X(CONFLICT,    "something else was expected") \
    X(STALE,       "older than what is known") \
    X(CORRUPT,     "damaged: a checksum or a length is wrong") \
    X(BUSY,        "busy: try again") \
    X(IO,          "input or output failed") \
    X(PARTIAL,     "only part of the answer is there") \
    X(UNSUPPORTED, "not supported") \
    X(SYNTAX,      "not well formed") \
    X(RANGE,       "outside its range") \
    X(SHORT,       "cut short") \
    X(BIG,         "too big") \
    X(NAME,        "an unknown or unfit name") \
    X(TYPE,        "of the wrong type") \
    X(UNIT,        "of the wrong unit") \
    X(NOROUTE,     "no way there") \
    X(DENIED,      "not allowed") \
    X(EXPIRED,     "expired") \
    X(REVOKED,     "revoked") \
    X(USED,        "used already") \
    X(FENCED,      "fenced: another copy of this node may be running") \
    X(VERSION,     "of a version that is not known") \
    X(TIMEOUT,     "no answer in time") \
    X(LOST,        "the link was lost before an answer came") \
    X(CLOSED,      "closed") \
    X(MISMATCH,    "the two sides mean different things") \
    X(AGAIN,       "not yet: more is needed")
/* clang-format on */

enum err {
#define BASE_ERR_ENUM(name, text) ERR_##name,
    BASE_ERR_TABLE(BASE_ERR_ENUM)
#undef BASE_ERR_ENUM
        ERR_COUNT
};

/* A precise error.  line and column count from 1; 0 means not known. */
struct base_note {
    enum err code;
    uint32_t line, column;
    char where[96]; /* a file, a field, a topic */
    char text[320]; /* a sentence: what was found, what was expected */
};

/* "ABSENT" and "not found". */
const char *base_err_name(enum err code);
const char *base_err_text(enum err code);

/* Fill note (may be NULL) and return code; text that does not fit is cut. */
enum err base_err_note(struct base_note *note, enum err code, const char *fmt,
                       ...) __attribute__((format(printf, 3, 4)));
enum err base_err_note_at(struct base_note *note, enum err code,
                          const char *where, uint32_t line, uint32_t column,
                          const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

#endif
