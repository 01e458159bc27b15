/* api_returns_json.c -- see api_returns_json.h. */
#include "api/returns/api_returns_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/base_b64.h"
#include "crypt/crypt_hash.h"
#include "net/http/net_http_json.h"

static json_t *
returns_sha256(struct bytes data)
{
    uint8_t hash[32];
    char hex[65];
    crypt_hash_sha256(data, hash);
    return json_string(base_b64_hex(base_bytes(hash, sizeof hash), hex));
}

/* An item's number, with its decimals. */
static json_t *
returns_number(const struct model_pack_input *input, int64_t value)
{
    char text[BASE_DEC_TEXT];
    struct dec number;
    if (base_dec_from(value, input->scale, &number) != ERR_OK)
        return json_null();
    return json_string(base_dec_text(number, (int)input->scale, text));
}

/* key_id, public_key, and what the signature is worth: "valid", "wrong",
 * "unknown key". */
static void
returns_signature(json_t *to, struct api_returns *returns, struct bytes unit,
                  uint64_t key_id, bool receipt, struct bytes all,
                  struct bytes signature)
{
    struct base_out der, text;
    char id[17];
    const char *verdict = "unknown key";
    base_out_grow(&der, 4096);
    base_out_grow(&text, WIRE_RETURN_MAX + 64);
    snprintf(id, sizeof id, "%016" PRIx64, key_id);
    json_object_set_new(to, "key", json_string(id));
    if (returns->public_key(returns->self, unit, key_id, &der) == ERR_OK) {
        wire_return_signed(&text, receipt,
                           base_bytes_slice(all, 0, all.size - signature.size));
        verdict = crypt_key_verify(base_out_bytes(&der), base_out_bytes(&text),
                                   signature) == ERR_OK
                      ? "valid"
                      : "wrong";
        json_object_set_new(to, "public_key",
                            net_http_json_base64(base_out_bytes(&der)));
    }
    json_object_set_new(to, "signature", json_string(verdict));
    base_out_done(&der);
    base_out_done(&text);
}

/* --- one return --- */

static json_t *
returns_items(const struct rollup_return_view *view)
{
    json_t *items = json_object();
    const struct model_pack *pack = view->pack;
    for (unsigned i = 0; i < pack->input_count && i < view->decoded.item_count;
         i++)
        if (view->decoded.mask >> i & 1)
            json_object_set_new(
                items, pack->inputs[i].name,
                returns_number(&pack->inputs[i], view->decoded.values[i]));
    return items;
}

static json_t *
returns_texts(const struct rollup_return_view *view)
{
    json_t *texts = json_object();
    for (unsigned i = 0; i < view->decoded.text_count; i++) {
        const struct wire_return_text *one = &view->decoded.texts[i];
        if (one->check < view->pack->check_count)
            json_object_set_new(texts, view->pack->checks[one->check].name,
                                net_http_json_text(one->text));
    }
    return texts;
}

json_t *
api_returns_json_view(struct api_returns *returns,
                      const struct rollup_return_view *view, bool whole)
{
    char window[MODEL_WINDOW_TEXT];
    const struct wire_return *ret = &view->decoded;
    char *id = base_mem_new(2 * view->id.size + 1);
    json_t *to = json_pack(
        "{s:s, s:s, s:s, s:o, s:s, s:I, s:I, s:s, s:I, s:I, s:o}", "id",
        base_b64_hex(view->id, id), "pack", view->pack->name, "window",
        model_calendar_text(&view->pack->calendar, ret->window, window), "unit",
        net_http_json_text(ret->unit), "state",
        view->superseded ? "superseded"
                         : wire_return_verdict_name((uint8_t)view->verdict),
        "revision", (json_int_t)ret->revision, "counted",
        (json_int_t)view->counted, "reason",
        ret->reason == WIRE_RETURN_FIRST ? ""
                                         : wire_return_reason_name(ret->reason),
        "filed_at", (json_int_t)ret->filed_ms, "applied_at",
        (json_int_t)view->applied_ms, "filed_by",
        net_http_json_text(view->actor));
    base_mem_free(id);
    if (!whole)
        return to;
    json_object_set_new(to, "items", returns_items(view));
    json_object_set_new(to, "explanations", returns_texts(view));
    json_object_set_new(to, "return", net_http_json_base64(view->ret));
    json_object_set_new(to, "sha256", returns_sha256(view->ret));
    returns_signature(to, returns, ret->unit, ret->key_id, false, view->ret,
                      ret->signature);
    return to;
}

static json_t *
returns_results(const struct model_pack *pack,
                const struct wire_return_receipt *receipt)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < receipt->result_count; i++) {
        const struct wire_return_result *one = &receipt->results[i];
        json_array_append_new(
            list,
            json_pack(
                "{s:s?, s:s?, s:s, s:b}", "check",
                one->check < pack->check_count ? pack->checks[one->check].name
                                               : NULL,
                "item",
                one->item < pack->input_count ? pack->inputs[one->item].name
                                              : NULL,
                "level",
                model_return_level_name((enum model_pack_level)one->level),
                "explained", one->explained));
    }
    return list;
}

json_t *
api_returns_json_receipt(struct api_returns *returns,
                         const struct rollup_return_view *view)
{
    struct wire_return_receipt *receipt = base_mem_zero(sizeof *receipt);
    json_t *to = json_object();
    json_object_set_new(to, "return", net_http_json_base64(view->ret));
    json_object_set_new(to, "receipt", net_http_json_base64(view->receipt));
    if (wire_return_receipt_read(view->receipt, receipt) == ERR_OK) {
        char hex[65];
        json_object_set_new(
            to, "sha256",
            json_string(base_b64_hex(base_bytes(receipt->sha256, 32), hex)));
        json_object_set_new(
            to, "verdict",
            json_string(wire_return_verdict_name(receipt->verdict)));
        json_object_set_new(to, "revision",
                            json_integer((json_int_t)receipt->revision));
        json_object_set_new(to, "applied_at",
                            json_integer((json_int_t)receipt->applied_ms));
        json_object_set_new(to, "node", net_http_json_text(receipt->node));
        json_object_set_new(to, "unit", net_http_json_text(receipt->unit));
        json_object_set_new(to, "results",
                            returns_results(view->pack, receipt));
        returns_signature(to, returns, receipt->unit, receipt->key_id, true,
                          view->receipt, receipt->signature);
    }
    base_mem_free(receipt);
    return to;
}

/* --- what filing says --- */

static json_t *
returns_problems(const struct rollup_return_verdict *verdict)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < verdict->problem_count; i++) {
        const struct rollup_return_problem *one = &verdict->problems[i];
        json_t *row =
            json_pack("{s:s, s:s, s:s?, s:s, s:b, s:s?, s:s?}", "code",
                      one->code, "item", one->item, "check", one->check,
                      "level", model_return_level_name(one->level), "explained",
                      one->explained, "zh", one->zh, "en", one->en);
        if (one->given.at)
            json_object_set_new(row, "given", net_http_json_text(one->given));
        json_array_append_new(list, row);
    }
    return list;
}

void
api_returns_json_verdict(json_t *to,
                         const struct rollup_return_verdict *verdict)
{
    json_object_set_new(to, "problems", returns_problems(verdict));
    json_object_set_new(to, "again", json_boolean(verdict->again));
    if (verdict->pending)
        json_object_set_new(to, "vintage",
                            json_integer((json_int_t)verdict->vintage));
}

json_t *
api_returns_json_checked(const struct rollup_return_verdict *verdict)
{
    return json_pack("{s:s, s:o}", "verdict",
                     verdict->refused
                         ? "refused"
                         : wire_return_verdict_name((uint8_t)verdict->verdict),
                     "problems", returns_problems(verdict));
}

json_t *
api_returns_json_refusal(const struct rollup_return_verdict *verdict,
                         const struct base_note *note)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:o}", "type",
                     "about:blank", "title", "Unprocessable Content", "status",
                     422, "detail", note->text, "code", verdict->refused,
                     "where", note->where, "errors", returns_problems(verdict));
}

/* --- the form --- */

static void
returns_before(json_t *to, const char *name,
               const struct model_pack_input *input, bool has, int64_t value)
{
    json_object_set_new(to, name,
                        has ? returns_number(input, value) : json_null());
}

static json_t *
returns_field(const struct model_pack_input *input, unsigned at,
              const struct rollup_return_before *before)
{
    char min[BASE_DEC_TEXT], max[BASE_DEC_TEXT];
    struct dec low = {0}, high = {0};
    base_dec_from(input->min, input->scale, &low);
    base_dec_from(input->max, input->scale, &high);
    json_t *to = json_pack("{s:s, s:{s:s, s:s}, s:s, s:i, s:b, s:s, s:s}",
                           "name", input->name, "label", "zh", input->label.zh,
                           "en", input->label.en, "unit", input->unit.text,
                           "decimals", (int)input->scale, "required",
                           input->required, "min", base_dec_text(low, -1, min),
                           "max", base_dec_text(high, -1, max));
    if (input->group.zh)
        json_object_set_new(to, "group",
                            json_pack("{s:s, s:s}", "zh", input->group.zh, "en",
                                      input->group.en));
    if (input->help.zh)
        json_object_set_new(to, "help",
                            json_pack("{s:s, s:s}", "zh", input->help.zh, "en",
                                      input->help.en));
    returns_before(to, "last", input, before->last_mask >> at & 1,
                   before->last[at]);
    returns_before(to, "year", input, before->year_mask >> at & 1,
                   before->year[at]);
    return to;
}

json_t *
api_returns_json_form(const struct model_pack *pack, struct bytes unit,
                      struct bytes window,
                      const struct rollup_return_before *before)
{
    unsigned items[MODEL_PACK_INPUTS];
    unsigned count = model_return_form(pack, items);
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(
            list, returns_field(&pack->inputs[items[i]], items[i], before));
    return json_pack(
        "{s:s, s:{s:s, s:s}, s:o, s:o, s:I, s:b, s:o}", "pack", pack->name,
        "title", "zh", pack->title.zh, "en", pack->title.en, "unit",
        net_http_json_text(unit), "window", net_http_json_text(window), "due",
        (json_int_t)before->due_ms, "filed", before->filed, "items", list);
}
