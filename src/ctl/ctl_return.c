/* ctl_return.c -- `dougong return file|check|correct|list|show|verify`.
 *
 * FILE is JSON as POST /api/returns takes it, or lines ITEM,VALUE (the pack,
 * the unit and the window are then options); "-" is standard input.  What
 * `show --save` writes is all that `verify` needs: it asks nobody. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base_b64.h"
#include "base/base_mem.h"
#include "crypt/crypt_hash.h"
#include "crypt/crypt_key.h"
#include "ctl/ctl_http.h"
#include "ctl/ctl_page.h"
#include "wire/return/wire_return.h"

enum { RETURN_FILE_MAX = 256 << 10 };

static const char *
return_text(const json_t *from, const char *name)
{
    const char *text = json_string_value(json_object_get(from, name));
    return text ? text : "";
}

/* --- the file --- */

static char *
return_read(const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (!file) {
        ctl_say("%s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = base_mem_new(RETURN_FILE_MAX + 1);
    size_t size = fread(text, 1, RETURN_FILE_MAX, file);
    bool whole = feof(file) || fgetc(file) == EOF;
    if (file != stdin)
        fclose(file);
    text[size] = '\0';
    if (whole)
        return text;
    ctl_say("%s: more than %d KiB", path, RETURN_FILE_MAX >> 10);
    base_mem_free(text);
    return NULL;
}

/* Lines ITEM,VALUE; a first line "item,value" and empty ones are passed over.
 */
static json_t *
return_lines(const char *path, char *text)
{
    json_t *items = json_object();
    unsigned number = 0;
    char *rest = text;
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        rest += 3;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        size_t size = strcspn(line, "\r");
        line[size] = '\0';
        char *comma = strchr(line, ',');
        number++;
        if (size == 0 || (number == 1 && strcmp(line, "item,value") == 0))
            continue;
        if (!comma || comma == line || strchr(comma + 1, ',')) {
            ctl_say("%s:%u: a line is ITEM,VALUE", path, number);
            json_decref(items);
            return NULL;
        }
        *comma = '\0';
        if (json_object_get(items, line)) {
            ctl_say("%s:%u: item %s stands twice", path, number, line);
            json_decref(items);
            return NULL;
        }
        json_object_set_new(items, line, json_string(comma + 1));
    }
    return json_pack("{s:o}", "items", items);
}

static json_t *
return_body(struct ctl *ctl)
{
    static const char *const members[] = {"pack", "unit", "window", "reason"};
    char *text = return_read(ctl->args[0]);
    json_error_t where;
    json_t *body;
    if (!text)
        return NULL;
    if (text[strspn(text, " \t\r\n")] == '{') {
        body = json_loads(text, JSON_REJECT_DUPLICATES, &where);
        if (!body)
            ctl_say("%s:%d:%d: %s", ctl->args[0], where.line, where.column,
                    where.text);
    } else {
        body = return_lines(ctl->args[0], text);
    }
    for (size_t i = 0; i < sizeof members / sizeof *members && body; i++)
        if (ctl_value(ctl, members[i]))
            json_object_set_new(body, members[i],
                                json_string(ctl_value(ctl, members[i])));
    const char *why = ctl_value(ctl, "explain");
    const char *equals = why ? strchr(why, '=') : NULL;
    if (body && why && equals) {
        json_t *texts = json_object_get(body, "explanations");
        if (!texts) {
            texts = json_object();
            json_object_set_new(body, "explanations", texts);
        }
        char *check = base_mem_format("%.*s", (int)(equals - why), why);
        json_object_set_new(texts, check, json_string(equals + 1));
        base_mem_free(check);
    }
    base_mem_free(text);
    return body;
}

/* --- what came of it --- */

static void
return_problems(const json_t *answer)
{
    json_t *list = json_object_get(answer, "problems"), *one;
    size_t i;
    if (!list)
        list = json_object_get(answer, "errors");
    json_array_foreach(list, i, one)
    {
        const char *said = return_text(one, "en");
        printf("  %s %s: %s%s\n", return_text(one, "level"),
               *return_text(one, "check") ? return_text(one, "check")
                                          : return_text(one, "item"),
               *said ? said : return_text(one, "code"),
               json_is_true(json_object_get(one, "explained")) ? " (explained)"
                                                               : "");
    }
}

static void
return_line(const json_t *one)
{
    printf("%s %s %s: %s, revision %lld%s%s, filed by %s\n",
           return_text(one, "unit"), return_text(one, "pack"),
           return_text(one, "window"), return_text(one, "state"),
           (long long)json_integer_value(json_object_get(one, "revision")),
           *return_text(one, "reason") ? ", reason " : "",
           return_text(one, "reason"), return_text(one, "filed_by"));
}

/* A refusal has more to say than its sentence, so its document is wanted. */
static enum ctl_exit
return_ask(struct ctl *ctl, const char *path, const json_t *body,
           json_t **ret_answer)
{
    struct base_out bytes;
    long status = 0;
    char *text = json_dumps(body, JSON_COMPACT);
    char *url = base_mem_format("%s%s", ctl->node, path);
    const struct ctl_http http = {
        .url = url,
        .post = text,
        .type = "application/json",
        .key = ctl->key,
        .cookie = ctl->cookie,
    };
    enum ctl_exit exit = ctl_http_raw(&http, &status, &bytes);
    if (exit == CTL_OK) {
        *ret_answer = json_loadb((const char *)base_out_bytes(&bytes).at,
                                 base_out_bytes(&bytes).size, 0, NULL);
        if (status >= 400)
            exit = ctl_http_refused(status, base_out_bytes(&bytes));
        base_out_done(&bytes);
    }
    base_mem_free(url);
    free(text);
    return exit;
}

static enum ctl_exit
return_post(struct ctl *ctl, const char *path, const json_t *body)
{
    json_t *answer = NULL;
    enum ctl_exit exit = return_ask(ctl, path, body, &answer);
    if (ctl->json && answer)
        ctl_print_json(answer);
    else if (exit == CTL_OK && *return_text(answer, "verdict"))
        printf("%s\n", return_text(answer, "verdict"));
    else if (exit == CTL_OK)
        return_line(answer);
    if (!ctl->json && answer)
        return_problems(answer);
    const char *verdict = return_text(answer, "verdict");
    const char *state = return_text(answer, "state");
    if (exit == CTL_OK &&
        (strcmp(verdict, "refused") == 0 || strcmp(verdict, "queried") == 0 ||
         strcmp(state, "queried") == 0))
        exit = CTL_NO;
    json_decref(answer);
    return exit;
}

static enum ctl_exit
return_file(struct ctl *ctl)
{
    const char *verb = ctl->command->verb;
    if (strcmp(verb, "correct") == 0 && !ctl_value(ctl, "reason")) {
        ctl_say("return correct: say why with --reason: error, audit, "
                "reclassified, late, moved, restated or void");
        return CTL_USAGE;
    }
    json_t *body = return_body(ctl);
    if (!body)
        return CTL_USAGE;
    enum ctl_exit exit = return_post(
        ctl, strcmp(verb, "check") == 0 ? "/api/returns/check" : "/api/returns",
        body);
    json_decref(body);
    return exit;
}

/* --- reading --- */

static void
return_query(struct base_out *path, const char *name, const char *value)
{
    if (!value)
        return;
    base_out_format(path, "&%s=", name);
    ctl_http_escape(path, value);
}

static enum ctl_exit
return_list(struct ctl *ctl)
{
    static const char *const members[] = {"pack", "unit", "window", "state"};
    struct base_out path;
    json_t *answer = NULL, *one;
    size_t i;
    base_out_grow(&path, 16 << 10);
    base_out_text(&path, "/api/returns?");
    for (size_t m = 0; m < sizeof members / sizeof *members; m++)
        return_query(&path, members[m], ctl_value(ctl, members[m]));
    enum ctl_exit exit = ctl_page_get(ctl, &path, &answer);
    base_out_done(&path);
    if (exit == CTL_OK && ctl->json)
        ctl_print_json(answer);
    else if (exit == CTL_OK)
        json_array_foreach(json_object_get(answer, "returns"), i, one)
            return_line(one);
    if (exit == CTL_OK && !ctl->json)
        ctl_page_more(answer);
    json_decref(answer);
    return exit;
}

static void
return_print(const json_t *view)
{
    const char *name;
    json_t *value, *items = json_object_get(view, "items"),
                   *texts = json_object_get(view, "explanations");
    return_line(view);
    json_object_foreach(items, name, value)
        printf("  %s %s\n", name, json_string_value(value));
    json_object_foreach(texts, name, value)
        printf("  explained %s: %s\n", name, json_string_value(value));
    printf("  SHA-256 %s, key %s, signature %s\n", return_text(view, "sha256"),
           return_text(view, "key"), return_text(view, "signature"));
}

static enum ctl_exit
return_save(struct ctl *ctl, const char *id, const json_t *view)
{
    const char *to = ctl_value(ctl, "save");
    json_t *receipts = NULL;
    if (!to)
        return CTL_OK;
    char *path = base_mem_format("/api/returns/%s/receipts", id);
    enum ctl_exit exit = ctl_http_get(ctl, path, &receipts);
    base_mem_free(path);
    if (exit == CTL_OK) {
        json_t *all = json_pack("{s:O, s:O}", "return", view, "receipts",
                                json_object_get(receipts, "receipts"));
        if (!all || json_dump_file(all, to, JSON_INDENT(2)) != 0) {
            ctl_say("%s: cannot be written", to);
            exit = CTL_USAGE;
        }
        json_decref(all);
    }
    json_decref(receipts);
    return exit;
}

/* The id of a unit's return, by the list. */
static enum ctl_exit
return_find(struct ctl *ctl, char **ret_id)
{
    struct base_out path;
    json_t *answer = NULL, *one;
    size_t i;
    *ret_id = NULL;
    base_out_grow(&path, 16 << 10);
    base_out_text(&path, "/api/returns?limit=500");
    return_query(&path, "pack", ctl->args[0]);
    return_query(&path, "unit", ctl->args[1]);
    return_query(&path, "window", ctl->args[2]);
    base_out_u8(&path, 0);
    enum ctl_exit exit =
        ctl_http_get(ctl, (const char *)base_out_bytes(&path).at, &answer);
    base_out_done(&path);
    json_array_foreach(json_object_get(answer, "returns"), i,
                       one) if (!*ret_id &&
                                strcasecmp(return_text(one, "unit"),
                                           ctl->args[1]) == 0) *ret_id =
        base_mem_format("%s", return_text(one, "id"));
    json_decref(answer);
    if (exit == CTL_OK && !*ret_id) {
        ctl_say("%s has filed no return for %s, or you may not see it",
                ctl->args[1], ctl->args[2]);
        exit = CTL_NO;
    }
    return exit;
}

static enum ctl_exit
return_show(struct ctl *ctl)
{
    char *id = NULL;
    json_t *view = NULL;
    enum ctl_exit exit = return_find(ctl, &id);
    if (exit == CTL_OK) {
        const char *revision = ctl_value(ctl, "revision");
        char *path = base_mem_format("/api/returns/%s%s%s", id,
                                     revision ? "?revision=" : "",
                                     revision ? revision : "");
        exit = ctl_http_get(ctl, path, &view);
        base_mem_free(path);
    }
    if (exit == CTL_OK) {
        if (ctl->json)
            ctl_print_json(view);
        else
            return_print(view);
        exit = return_save(ctl, id, view);
    }
    json_decref(view);
    base_mem_free(id);
    return exit;
}

/* --- verify: offline --- */

static void
return_decode(const json_t *from, const char *name, struct base_out *out)
{
    base_out_grow(out, RETURN_FILE_MAX);
    if (base_b64_read(base_bytes_text(return_text(from, name)),
                      BASE_B64_STANDARD, out) != ERR_OK)
        base_out_reset(out);
}

/* One signature: does the key it names make it? */
static bool
return_signed(const char *what, bool receipt, struct bytes all, uint64_t key_id,
              struct bytes signature, const json_t *from)
{
    struct base_out der, text;
    uint8_t hash[32];
    char id[17], found[17];
    return_decode(from, "public_key", &der);
    base_out_grow(&text, WIRE_RETURN_MAX + 64);
    crypt_hash_sha256(base_out_bytes(&der), hash);
    base_b64_hex(base_bytes(hash, 8), found);
    snprintf(id, sizeof id, "%016" PRIx64, key_id);
    wire_return_signed(&text, receipt,
                       base_bytes_slice(all, 0, all.size - signature.size));
    bool good = strcmp(id, found) == 0 &&
                crypt_key_verify(base_out_bytes(&der), base_out_bytes(&text),
                                 signature) == ERR_OK;
    printf("%s: signature %s, key %s\n", what, good ? "valid" : "WRONG", id);
    base_out_done(&der);
    base_out_done(&text);
    return good;
}

static bool
return_verify_return(const json_t *view)
{
    struct wire_return ret;
    struct base_out bytes;
    return_decode(view, "return", &bytes);
    bool good = wire_return_read(base_out_bytes(&bytes), &ret) == ERR_OK;
    if (good)
        good = return_signed("return", false, base_out_bytes(&bytes),
                             ret.key_id, ret.signature, view);
    else
        printf("return: not the bytes of a return\n");
    base_out_done(&bytes);
    return good;
}

static bool
return_verify_receipt(const json_t *one)
{
    struct wire_return_receipt *receipt = base_mem_zero(sizeof *receipt);
    struct base_out bytes, ret;
    uint8_t hash[32];
    return_decode(one, "receipt", &bytes);
    return_decode(one, "return", &ret);
    crypt_hash_sha256(base_out_bytes(&ret), hash);
    bool good =
        wire_return_receipt_read(base_out_bytes(&bytes), receipt) == ERR_OK;
    if (!good) {
        printf("receipt: not the bytes of a receipt\n");
    } else {
        char what[64];
        snprintf(what, sizeof what, "receipt of revision %u",
                 receipt->revision);
        good = return_signed(what, true, base_out_bytes(&bytes),
                             receipt->key_id, receipt->signature, one);
        if (memcmp(hash, receipt->sha256, sizeof hash) != 0) {
            printf("%s: it is for another return\n", what);
            good = false;
        }
    }
    base_out_done(&bytes);
    base_out_done(&ret);
    base_mem_free(receipt);
    return good;
}

static enum ctl_exit
return_verify(struct ctl *ctl)
{
    json_error_t where;
    json_t *all = json_load_file(ctl->args[0], 0, &where), *one;
    size_t i;
    if (!all) {
        ctl_say("%s:%d:%d: %s", ctl->args[0], where.line, where.column,
                where.text);
        return CTL_USAGE;
    }
    bool good = return_verify_return(json_object_get(all, "return"));
    json_array_foreach(json_object_get(all, "receipts"), i, one) good =
        return_verify_receipt(one) && good;
    good = good && json_array_size(json_object_get(all, "receipts")) > 0;
    if (good)
        printf("whose keys these are: dougong resolve 0.NA/PREFIX --index "
               "302\n");
    json_decref(all);
    return good ? CTL_OK : CTL_NO;
}

enum ctl_exit
ctl_return(struct ctl *ctl)
{
    static const struct {
        const char *verb;
        enum ctl_exit (*run)(struct ctl *ctl);
    } verbs[] = {{"file", return_file},    {"check", return_file},
                 {"correct", return_file}, {"list", return_list},
                 {"show", return_show},    {"verify", return_verify}};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(ctl->command->verb, verbs[i].verb) == 0)
            return verbs[i].run(ctl);
    return CTL_USAGE;
}
