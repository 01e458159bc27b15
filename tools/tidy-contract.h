/* tidy-contract.h -- what the analysers cannot see, as they read one file at a
 * time; tools/tidy puts it in front of each.
 *
 * base_err_note gives back the code it was given: an error stays one, and what
 * is set on success only is not read after it. */
#include "base/base_err.h"

#define base_err_note(note, code, ...)                                         \
    (base_err_note(note, code, __VA_ARGS__), (code))
#define base_err_note_at(note, code, ...)                                      \
    (base_err_note_at(note, code, __VA_ARGS__), (code))
