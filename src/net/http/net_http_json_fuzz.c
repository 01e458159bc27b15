/* net_http_json_fuzz.c -- bodies of requests: what is read as an object is
 * written by jansson and read again as its equal; a refusal says where. */
#include <stdlib.h>

#include "base/base_must.h"
#include "net/http/net_http_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_again(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    struct base_note note;
    json_t *again = NULL;
    must(text);
    must(net_http_json_read(base_bytes_text(text), &again, &note) == ERR_OK);
    must(json_equal(json, again));
    json_decref(again);
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct base_note note = {0};
    const char *name;
    json_t *json = NULL, *one;
    if (net_http_json_object(base_bytes(data, size), &json, &note) != ERR_OK) {
        must(json == NULL && note.text[0] && note.line > 0);
        return 0;
    }
    must(json_is_object(json));
    json_object_foreach(json, name, one)
    {
        struct bytes text = net_http_json_get(json, name);
        must(json_is_string(one) == (text.at != NULL));
        json_t *base64 = net_http_json_base64(text);
        must(json_string_length(base64) == (text.size + 2) / 3 * 4);
        json_decref(base64);
    }
    fuzz_again(json);
    json_decref(json);
    return 0;
}
