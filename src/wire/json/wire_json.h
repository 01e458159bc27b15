/* wire_json.h -- JSON, token by token, without allocating anything.
 *
 * Why: a payload on a hot path is read once, in order, and most of it is
 * thrown away; a tree of it would cost more than the rest of the message.
 * (API documents use jansson, RULINGS 9.)
 *
 * Shape    wire_json_next gives the kind of the next token and, for NAME,
 *          STRING and NUMBER, its bytes in the input.  A string is given as
 *          written, between its quotes; when `escaped` is set it holds
 *          backslashes and wire_json_text makes the real bytes.  A number is
 *          given as its exact text: no double is made here.
 *
 *            {"a":[1,true]}  ->  OBJECT NAME ARRAY NUMBER TRUE ARRAY_END
 *                                OBJECT_END END
 *
 * Strict   RFC 8259: one value, nothing behind it; no comments, no trailing
 *          commas, no leading zeros; strings are UTF-8 without control
 *          characters; \u surrogates only in pairs.  Double names are passed
 *          on: what they mean is the reader's business.
 * Limits   depth 32 (LIMIT).
 * Errors   ERROR sticks, json->failed says why: SYNTAX, SHORT, LIMIT.
 * Memory   a value; tokens point into the input. */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include "base/base_out.h"

enum { WIRE_JSON_DEPTH = 32 };

enum wire_json_kind {
    WIRE_JSON_ERROR,
    WIRE_JSON_END,
    WIRE_JSON_OBJECT,
    WIRE_JSON_OBJECT_END,
    WIRE_JSON_ARRAY,
    WIRE_JSON_ARRAY_END,
    WIRE_JSON_NAME,
    WIRE_JSON_STRING,
    WIRE_JSON_NUMBER,
    WIRE_JSON_TRUE,
    WIRE_JSON_FALSE,
    WIRE_JSON_NULL,
};

struct wire_json {
    const uint8_t *at, *end;
    uint32_t objects; /* bit d: the container at depth d is an object */
    uint8_t depth;
    uint8_t expect; /* the parser's */
    bool escaped;   /* the last string or name holds backslashes */
    enum err failed;
};

void wire_json_init(struct wire_json *json, struct bytes text);
enum wire_json_kind wire_json_next(struct wire_json *json,
                                   struct bytes *ret_text);
/* Take back the escapes of a string that wire_json_next has given. */
void wire_json_text(struct bytes string, struct base_out *out);

#endif
