/* handle_fake.h -- an ident that holds what it is told, for tests of the
 * door: values in memory, answered in place, by the rules of ident_resolve.h.
 */
#ifndef HANDLE_FAKE_H
#define HANDLE_FAKE_H

#include <jansson.h>

#include "base/base_map.h"
#include "engine/ident/ident_resolve.h"

struct ident {
    struct base_map records;    /* folded handle -> struct fake_record */
    const char *homed;          /* prefix that is held here */
    _Atomic unsigned asked;     /* questions so far */
    bool hold;                  /* keep questions until fake_release */
    struct ident_resolve *held; /* by call->task.next's place: a list */
    struct ident_resolve last;  /* a copy of the last question */
};

/* Everything of one server in the vectors' state.json. */
void handle_fake_load(struct ident *ident, const json_t *server);
/* One record more: values in wire form, one after the other. */
void handle_fake_put(struct ident *ident, const char *handle,
                     struct bytes values, unsigned count);
/* Answer what was held. */
void handle_fake_release(struct ident *ident);
void handle_fake_done(struct ident *ident);

#endif
