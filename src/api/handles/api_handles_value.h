/* api_handles_value.h -- values of an identifier as JSON, and back.
 *
 *   {"index": 1, "type": "URL", "data": {"format": "string", "value": "..."},
 *    "ttl": 86400, "timestamp": "2025-11-22T05:00:00Z",
 *    "permissions": "0110", "references": [{"handle", "index"}]}
 *
 * ttl is a time in ISO 8601 when absolute; permissions stand only if they are
 * not 1110 (admin read, admin write, public read, public write), references
 * only if there are any.  data is a string, or {format, value}:
 *   string  text                  base64, hex   bytes
 *   admin   {handle, index, permissions}: 12 digits, list first, create last
 *   vlist   [{handle, index}]     site          written only
 * Reading  timestamps are ignored (the node stamps); HS_SECKEY without
 *          permissions is 1100.
 * Errors   SYNTAX, with the field ("values[2].data") and what was expected.
 * Source   spec identify 6; Handle.Net 9 Technical Manual, ch. 14. */
#ifndef API_HANDLES_VALUE_H
#define API_HANDLES_VALUE_H

#include <jansson.h>

#include "base/base_arena.h"
#include "wire/handle/wire_hs.h"

json_t *api_handles_value_json(const struct wire_hs_value *value);
json_t *api_handles_value_list(struct wire_hs_list list);
/* An array, {"values": array} or one value; into arena. */
enum err api_handles_value_read(const json_t *json, struct base_arena *arena,
                                struct wire_hs_list *ret_list,
                                struct base_note *note);

#endif
