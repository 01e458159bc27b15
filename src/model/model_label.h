/* model_label.h -- a label set, and matchers of it.
 *
 * Shape    names strictly rising in byte order, no empty values; __name__ is a
 *          label like others (store groups leave it out).
 * Limits   32 labels; name 128 B, value 1,024 B, all 4 KiB; UTF-8, no NUL.
 * Errors   LABEL empty or double name, bad bytes; LIMIT too many, too long.
 * Matchers = != as bytes; =~ !~ are anchored regular expressions (PCRE2 comes
 *          with the full PromQL: until then POSIX extended, libc regcomp).  An
 *          absent label has the value "". */
#ifndef MODEL_LABEL_H
#define MODEL_LABEL_H

#include "base/base_arena.h"

enum {
    MODEL_LABEL_MAX = 32,
    MODEL_LABEL_NAME = 128,
    MODEL_LABEL_VALUE = 1024,
    MODEL_LABEL_SET = 4096
};

struct model_label {
    struct bytes name, value;
};

struct model_labels {
    uint32_t count;
    struct model_label at[]; /* sorted by name */
};

/* Sorts and checks; copies everything into the arena. */
enum err model_label_set(struct base_arena *arena,
                         const struct model_label *labels, unsigned count,
                         const struct model_labels **ret_labels,
                         struct base_note *note);
struct bytes model_label_get(const struct model_labels *labels,
                             struct bytes name);
int model_label_compare(const struct model_labels *a,
                        const struct model_labels *b);

enum model_matcher_op {
    MODEL_MATCH_EQUAL,
    MODEL_MATCH_NOT,
    MODEL_MATCH_REGEX,
    MODEL_MATCH_NOT_REGEX,
};

struct model_matcher {
    struct bytes name, value;
    enum model_matcher_op op;
    struct model_matcher_regex *regex; /* made by model_matcher_ready */
};

/* Compile the regular expressions; SYNTAX.  _done frees them. */
enum err model_matcher_ready(struct model_matcher *matchers, unsigned count,
                             struct base_note *note);
void model_matcher_done(struct model_matcher *matchers, unsigned count);
bool model_matcher_fits(const struct model_matcher *matcher,
                        struct bytes value);

#endif
