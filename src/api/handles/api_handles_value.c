/* api_handles_value.c -- see api_handles_value.h. */
#include "api/handles/api_handles_value.h"

#include "base/base_b64.h"
#include "base/base_mem.h"
#include "base/base_time.h"
#include "net/http/net_http_json.h"
#include "wire/handle/wire_hs_admin.h"
#include "wire/handle/wire_hs_site.h"

enum {
    VALUE_LIST_MAX = 160 << 10,
    VALUE_DATA_MAX = 160 << 10,
    VALUE_RIGHTS = 12
};

/* --- to JSON --- */

static json_t *
value_form(const char *format, json_t *take)
{
    return json_pack("{s:s, s:o}", "format", format, "value", take);
}

static json_t *
value_ref(const struct wire_hs_ref *ref)
{
    return json_pack("{s:o, s:I}", "handle", net_http_json_text(ref->handle),
                     "index", (json_int_t)ref->index);
}

static json_t *
value_admin(struct bytes data)
{
    struct wire_hs_admin admin;
    char digits[VALUE_RIGHTS + 1] = "";
    if (wire_hs_admin_read(data, &admin) != ERR_OK ||
        !base_bytes_utf8(admin.who.handle))
        return NULL;
    for (unsigned i = 0; i < VALUE_RIGHTS; i++)
        digits[i] = admin.rights >> (VALUE_RIGHTS - 1 - i) & 1 ? '1' : '0';
    json_t *form = value_ref(&admin.who);
    json_object_set_new(form, "permissions", json_string(digits));
    return value_form("admin", form);
}

static json_t *
value_vlist(struct bytes data)
{
    struct wire_hs_refs refs;
    struct wire_hs_ref ref;
    if (wire_hs_admin_list(data, &refs) != ERR_OK)
        return NULL;
    json_t *list = json_array();
    while (wire_hs_admin_next(&refs, &ref))
        json_array_append_new(list, value_ref(&ref));
    return value_form("vlist", list);
}

static json_t *
value_attributes(struct wire_hs_site_run run)
{
    struct bytes name, value;
    json_t *list = json_array();
    while (wire_hs_site_attribute(&run, &name, &value))
        json_array_append_new(list, json_pack("{s:o, s:o}", "name",
                                              net_http_json_text(name), "value",
                                              net_http_json_text(value)));
    return list;
}

static json_t *
value_interfaces(struct wire_hs_site_run run)
{
    static const char *const transports[] = {"UDP", "TCP", "HTTP", "HTTPS"};
    struct wire_hs_site_interface one;
    json_t *list = json_array();
    while (wire_hs_site_interface(&run, &one))
        json_array_append_new(
            list, json_pack("{s:b, s:b, s:s, s:I}", "query",
                            (one.use & WIRE_HS_SITE_QUERY) != 0, "admin",
                            (one.use & WIRE_HS_SITE_ADMIN) != 0, "protocol",
                            one.transport < BASE_COUNT(transports)
                                ? transports[one.transport]
                                : "?",
                            "port", (json_int_t)one.port));
    return list;
}

static json_t *
value_address(const uint8_t address[WIRE_HS_SITE_ADDRESS])
{
    static const uint8_t zeros[12];
    char text[48] = "";
    if (memcmp(address, zeros, sizeof zeros) == 0 && address[12] != 0)
        return json_sprintf("%u.%u.%u.%u", address[12], address[13],
                            address[14], address[15]);
    for (unsigned i = 0; i < WIRE_HS_SITE_ADDRESS; i += 2)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%x",
                 i > 0 ? ":" : "", address[i] << 8 | address[i + 1]);
    return json_string(text);
}

static json_t *
value_site(struct bytes data)
{
    struct wire_hs_site site;
    struct wire_hs_site_server server;
    if (wire_hs_site_read(data, &site) != ERR_OK)
        return NULL;
    json_t *servers = json_array();
    while (wire_hs_site_server(&site.servers, &server))
        json_array_append_new(
            servers,
            json_pack("{s:I, s:o, s:o, s:o}", "serverId", (json_int_t)server.id,
                      "address", value_address(server.address), "publicKey",
                      value_form("base64", net_http_json_base64(server.key)),
                      "interfaces", value_interfaces(server.interfaces)));
    return value_form(
        "site",
        json_pack("{s:i, s:o, s:i, s:b, s:b, s:o, s:o}", "version", 1,
                  "protocolVersion",
                  json_sprintf("%u.%u", site.major, site.minor), "serialNumber",
                  (int)site.serial, "primarySite",
                  (site.mask & WIRE_HS_SITE_PRIMARY) != 0, "multiPrimary",
                  (site.mask & WIRE_HS_SITE_MULTI) != 0, "attributes",
                  value_attributes(site.attributes), "servers", servers));
}

static bool
value_printable(struct bytes data)
{
    if (!base_bytes_utf8(data))
        return false;
    for (size_t i = 0; i < data.size; i++)
        if (data.at[i] < ' ' && data.at[i] != '\n' && data.at[i] != '\r' &&
            data.at[i] != '\t')
            return false;
    return true;
}

static json_t *
value_data(const struct wire_hs_value *value)
{
    json_t *form = NULL;
    if (base_bytes_is(value->type, "HS_ADMIN"))
        form = value_admin(value->data);
    else if (base_bytes_is(value->type, "HS_VLIST"))
        form = value_vlist(value->data);
    else if (base_bytes_is(value->type, "HS_SITE") ||
             base_bytes_is(value->type, "HS_SITE.PREFIX"))
        form = value_site(value->data);
    if (form == NULL && value_printable(value->data))
        form = value_form("string", net_http_json_text(value->data));
    if (form == NULL)
        form = value_form("base64", net_http_json_base64(value->data));
    return form;
}

static json_t *
value_time(uint32_t seconds)
{
    char text[BASE_TIME_TEXT];
    return json_string(
        base_time_text((struct wall){(int64_t)seconds * 1000}, 0, text));
}

static json_t *
value_references(const struct wire_hs_value *value)
{
    struct base_cur cur;
    struct wire_hs_ref ref;
    json_t *list = json_array();
    base_cur_init(&cur, value->references);
    for (uint32_t i = 0; i < value->reference_count; i++) {
        wire_hs_read_ref(&cur, &ref);
        if (base_cur_ok(&cur))
            json_array_append_new(list, value_ref(&ref));
    }
    return list;
}

json_t *
api_handles_value_json(const struct wire_hs_value *value)
{
    json_t *json =
        json_pack("{s:I, s:o, s:o}", "index", (json_int_t)value->index, "type",
                  net_http_json_text(value->type), "data", value_data(value));
    json_object_set_new(json, "ttl",
                        value->ttl_type == WIRE_HS_ABSOLUTE
                            ? value_time(value->ttl_s)
                            : json_integer((json_int_t)value->ttl_s));
    json_object_set_new(json, "timestamp", value_time(value->timestamp_s));
    if (value->permissions != WIRE_HS_USUAL)
        json_object_set_new(
            json, "permissions",
            json_sprintf("%u%u%u%u", value->permissions >> 3 & 1,
                         value->permissions >> 2 & 1,
                         value->permissions >> 1 & 1, value->permissions & 1));
    if (value->reference_count > 0)
        json_object_set_new(json, "references", value_references(value));
    return json;
}

json_t *
api_handles_value_list(struct wire_hs_list list)
{
    json_t *json = json_array();
    struct wire_hs_value value;
    while (wire_hs_next(&list, &value))
        json_array_append_new(json, api_handles_value_json(&value));
    return json;
}

/* --- from JSON --- */

struct value_work {
    struct base_arena *arena;
    struct base_note *note;
    unsigned at; /* which value */
};

static enum err
value_no(struct value_work *work, const char *field, const char *expected)
{
    char where[64];
    snprintf(where, sizeof where, "values[%u]%s%s", work->at,
             field[0] != '\0' ? "." : "", field);
    return base_err_note_at(work->note, ERR_SYNTAX, where, 0, 0, "%s expected",
                            expected);
}

static struct bytes
value_string(const json_t *json)
{
    return json_is_string(json)
               ? base_bytes(json_string_value(json), json_string_length(json))
               : (struct bytes){0};
}

static bool
value_bits(struct bytes digits, unsigned count, unsigned *ret_bits)
{
    *ret_bits = 0;
    if (digits.size != count)
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (digits.at[i] != '0' && digits.at[i] != '1')
            return false;
        *ret_bits = *ret_bits << 1 | (digits.at[i] == '1');
    }
    return true;
}

static bool
value_index(const json_t *json, uint32_t *ret_index)
{
    json_int_t number = json_integer_value(json);
    if (json_is_string(json)) {
        uint64_t parsed = 0;
        if (base_bytes_u64(value_string(json), &parsed) != ERR_OK)
            return false;
        number = parsed <= INT32_MAX ? (json_int_t)parsed : -1;
    } else if (!json_is_integer(json)) {
        return false;
    }
    *ret_index = (uint32_t)number;
    return number >= 0 && number <= INT32_MAX;
}

static bool
value_read_ref(const json_t *json, struct wire_hs_ref *ret_ref)
{
    ret_ref->handle = value_string(json_object_get(json, "handle"));
    return ret_ref->handle.at != NULL &&
           value_index(json_object_get(json, "index"), &ret_ref->index);
}

static enum err
value_read_admin(struct value_work *work, const json_t *json,
                 struct base_out *out)
{
    struct wire_hs_admin admin = {0};
    unsigned bits;
    if (!value_read_ref(json, &admin.who) ||
        !value_bits(value_string(json_object_get(json, "permissions")),
                    VALUE_RIGHTS, &bits))
        return value_no(work, "data.value",
                        "{handle, index, permissions: 12 digits 0 or 1}");
    admin.rights = (uint16_t)bits;
    wire_hs_admin_write(out, &admin);
    return ERR_OK;
}

static enum err
value_read_vlist(struct value_work *work, const json_t *json,
                 struct base_out *out)
{
    struct wire_hs_ref ref;
    json_t *item;
    size_t i;
    if (!json_is_array(json))
        return value_no(work, "data.value", "a list of {handle, index}");
    base_out_u32be(out, (uint32_t)json_array_size(json));
    json_array_foreach(json, i, item)
    {
        if (!value_read_ref(item, &ref))
            return value_no(work, "data.value", "a list of {handle, index}");
        wire_hs_write_ref(out, &ref);
    }
    return ERR_OK;
}

static enum err
value_read_text(struct value_work *work, struct bytes format,
                const json_t *json, struct base_out *out)
{
    struct bytes text = value_string(json);
    if (!json_is_string(json))
        return value_no(work, "data.value", "a string");
    if (base_bytes_is(format, "string")) {
        base_out_bytes_add(out, text);
        return ERR_OK;
    }
    if (base_bytes_is(format, "base64"))
        return base_b64_read(text, BASE_B64_STANDARD, out) == ERR_OK
                   ? ERR_OK
                   : value_no(work, "data.value", "base64");
    uint8_t *to = base_out_space(out, text.size / 2);
    return text.size % 2 == 0 && to != NULL &&
                   base_b64_unhex(text, to, text.size / 2) == ERR_OK
               ? ERR_OK
               : value_no(work, "data.value", "pairs of hexadecimal digits");
}

static enum err
value_read_data(struct value_work *work, const json_t *json,
                struct base_out *out)
{
    const json_t *value = json_object_get(json, "value");
    struct bytes format = value_string(json_object_get(json, "format"));
    if (json_is_string(json)) {
        base_out_bytes_add(out, value_string(json));
        return ERR_OK;
    }
    if (base_bytes_is(format, "string") || base_bytes_is(format, "base64") ||
        base_bytes_is(format, "hex"))
        return value_read_text(work, format, value, out);
    if (base_bytes_is(format, "admin"))
        return value_read_admin(work, value, out);
    if (base_bytes_is(format, "vlist"))
        return value_read_vlist(work, value, out);
    return value_no(work, "data",
                    "a string, or {format, value} with format string, base64, "
                    "hex, admin or vlist");
}

static enum err
value_read_ttl(struct value_work *work, const json_t *json,
               struct wire_hs_value *value)
{
    struct wall time;
    value->ttl_s = WIRE_HS_TTL_S;
    if (json == NULL)
        return ERR_OK;
    if (json_is_string(json)) {
        if (base_time_parse(value_string(json), &time) != ERR_OK ||
            time.ms < 0 || time.ms / 1000 > UINT32_MAX)
            return value_no(work, "ttl", "seconds, or a time in ISO 8601");
        value->ttl_type = WIRE_HS_ABSOLUTE;
        value->ttl_s = (uint32_t)(time.ms / 1000);
        return ERR_OK;
    }
    json_int_t seconds = json_integer_value(json);
    if (!json_is_integer(json) || seconds < 0 || seconds > INT32_MAX)
        return value_no(work, "ttl", "seconds, or a time in ISO 8601");
    value->ttl_s = (uint32_t)seconds;
    return ERR_OK;
}

static enum err
value_read_permissions(struct value_work *work, const json_t *json,
                       struct wire_hs_value *value)
{
    unsigned bits;
    value->permissions = base_bytes_is(value->type, "HS_SECKEY")
                             ? WIRE_HS_ADMIN_READ | WIRE_HS_ADMIN_WRITE
                             : WIRE_HS_USUAL;
    if (json == NULL)
        return ERR_OK;
    if (!value_bits(value_string(json), 4, &bits))
        return value_no(work, "permissions", "4 digits 0 or 1, such as 1110");
    value->permissions = (uint8_t)bits;
    return ERR_OK;
}

static enum err
value_read_references(struct value_work *work, const json_t *json,
                      struct base_out *out, uint32_t *ret_count)
{
    struct wire_hs_ref ref;
    json_t *item;
    size_t i;
    *ret_count = (uint32_t)json_array_size(json);
    if (json != NULL && !json_is_array(json))
        return value_no(work, "references", "a list of {handle, index}");
    json_array_foreach(json, i, item)
    {
        if (!value_read_ref(item, &ref))
            return value_no(work, "references", "a list of {handle, index}");
        wire_hs_write_ref(out, &ref);
    }
    return ERR_OK;
}

static enum err
value_read_one(struct value_work *work, const json_t *json, struct base_out *to)
{
    struct wire_hs_value value = {0};
    struct base_out data, references;
    if (!json_is_object(json))
        return value_no(work, "", "an object {index, type, data}");
    if (!value_index(json_object_get(json, "index"), &value.index))
        return value_no(work, "index", "a number of 1 to 2147483647");
    value.type = value_string(json_object_get(json, "type"));
    if (value.type.size == 0)
        return value_no(work, "type", "a text");
    base_out_grow(&data, VALUE_DATA_MAX);
    base_out_grow(&references, VALUE_DATA_MAX);
    enum err err = value_read_data(work, json_object_get(json, "data"), &data);
    if (err == ERR_OK)
        err = value_read_ttl(work, json_object_get(json, "ttl"), &value);
    if (err == ERR_OK)
        err = value_read_permissions(work, json_object_get(json, "permissions"),
                                     &value);
    if (err == ERR_OK)
        err = value_read_references(work, json_object_get(json, "references"),
                                    &references, &value.reference_count);
    value.data = base_out_bytes(&data);
    value.references = base_out_bytes(&references);
    if (err == ERR_OK)
        wire_hs_write_value(to, &value);
    if (err == ERR_OK && (!base_out_ok(&data) || !base_out_ok(&references)))
        err = value_no(work, "data", "at most 128 KiB");
    base_out_done(&data);
    base_out_done(&references);
    return err;
}

enum err
api_handles_value_read(const json_t *json, struct base_arena *arena,
                       struct wire_hs_list *ret_list, struct base_note *note)
{
    struct value_work work = {.arena = arena, .note = note};
    struct base_out out;
    const json_t *values = json_object_get(json, "values");
    if (json_is_array(json))
        values = json;
    base_out_grow(&out, VALUE_LIST_MAX);
    enum err err = ERR_OK;
    json_t *item;
    size_t i;
    if (values == NULL && json_is_object(json)) {
        err = value_read_one(&work, json, &out);
        work.at = 1;
    } else if (!json_is_array(values)) {
        err = base_err_note_at(note, ERR_SYNTAX, "values", 0, 0,
                               "a list of values expected");
    } else {
        json_array_foreach(values, i, item)
        {
            if (err == ERR_OK)
                err = value_read_one(&work, item, &out);
            work.at += err == ERR_OK;
        }
    }
    if (err == ERR_OK && !base_out_ok(&out))
        err = base_err_note_at(note, ERR_BIG, "values", 0, 0,
                               "at most 128 KiB of values");
    if (err == ERR_OK) {
        ret_list->count = work.at;
        ret_list->raw = base_arena_bytes(arena, base_out_bytes(&out));
        if (ret_list->raw.at == NULL && out.size > 0)
            err = ERR_LIMIT;
    }
    base_out_done(&out);
    return err;
}
