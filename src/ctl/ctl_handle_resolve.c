/* ctl_handle_resolve.c -- an answer over the Handle protocol as JSON. */
#include "api/handles/api_handles_value.h"
#include "base/base_mem.h"
#include "ctl/ctl_handle.h"

/* The HTTP status that such an answer has (spec identify 6). */
static long
resolve_status(uint32_t code)
{
    static const struct {
        uint32_t code;
        long status;
    } table[] = {
        {WIRE_HANDLE_OK, 200},        {WIRE_HANDLE_NO_VALUES, 200},
        {WIRE_HANDLE_NOT_FOUND, 404}, {WIRE_HANDLE_NOT_HERE, 404},
        {WIRE_HANDLE_REFERRAL, 300},  {WIRE_HANDLE_PREFIX_REFERRAL, 300},
        {WIRE_HANDLE_BUSY, 503},      {WIRE_HANDLE_READ_ONLY, 503},
        {WIRE_HANDLE_TOO_DEEP, 508},  {WIRE_HANDLE_MALFORMED, 400},
        {WIRE_HANDLE_BAD_NAME, 400},
    };
    for (size_t i = 0; i < BASE_COUNT(table); i++)
        if (table[i].code == code)
            return table[i].status;
    return 403;
}

static json_t *
resolve_json(const struct handle_client_ask *ask)
{
    const struct wire_handle_header *header = &ask->reply.header;
    json_t *json = json_pack("{s:I, s:b, s:s, s:o}", "responseCode",
                             (json_int_t)header->code, "authoritative",
                             (header->flags & WIRE_HANDLE_AT) != 0, "transport",
                             ask->by_tcp ? "tcp" : "udp", "values",
                             api_handles_value_list(ask->values.values));
    if (header->code == WIRE_HANDLE_OK)
        json_object_set_new(json, "handle",
                            json_stringn((const char *)ask->values.handle.at,
                                         ask->values.handle.size));
    else if (base_bytes_utf8(ask->text) && ask->text.size > 0)
        json_object_set_new(
            json, "message",
            json_stringn((const char *)ask->text.at, ask->text.size));
    else
        json_object_set_new(json, "message",
                            json_string(wire_handle_code_text(header->code)));
    return json;
}

enum ctl_exit
ctl_handle_resolve(const struct ctl *ctl, long *ret_status, json_t **ret_answer)
{
    const char *type = ctl_value(ctl, "type"), *index = ctl_value(ctl, "index");
    struct bytes types[] = {base_bytes_text(type ? type : "")};
    struct base_note note = {0};
    uint64_t number = 0;
    if (index && (base_bytes_u64(base_bytes_text(index), &number) != ERR_OK ||
                  number == 0 || number > UINT32_MAX)) {
        ctl_say("--index takes a number from 1 on");
        return CTL_USAGE;
    }
    uint32_t indexes[] = {(uint32_t)number};
    struct ctl_handle handle = {
        .ask = {.handle = base_bytes_text(ctl->args[0]),
                .indexes = indexes,
                .index_count = index != NULL,
                .types = types,
                .type_count = type != NULL,
                .flags = WIRE_HANDLE_PO | WIRE_HANDLE_REC}};
    enum err err = ctl_handle_ask(&handle, ctl_value(ctl, "handle"), &note);
    if (err == ERR_OK) {
        *ret_answer = resolve_json(&handle.ask);
        *ret_status = resolve_status(handle.ask.reply.header.code);
    } else {
        ctl_say_note(&note);
    }
    ctl_handle_end(&handle);
    if (err == ERR_OK)
        return CTL_OK;
    return err == ERR_NAME ? CTL_USAGE : CTL_UNREACHED;
}
