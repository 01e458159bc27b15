/* ctl_figure.c -- `dougong figure show|explain|coverage|asof|history|
 * seal`. */
#include <stdio.h>
#include <string.h>

#include "base/base_b64.h"
#include "base/base_time.h"
#include "crypt/crypt_key.h"
#include "ctl/ctl_http.h"
#include "ctl/ctl_page.h"
#include "wire/figure/wire_figure.h"
#include "wire/return/wire_return.h"

static void
figure_parameter(struct base_out *path, const char *name, const char *value)
{
    if (value == NULL)
        return;
    base_out_format(path, "&%s=", name);
    ctl_http_escape(path, value);
}

static const char *
figure_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static long long
figure_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* "12.34 %", or why there is none. */
static void
figure_value(const json_t *row, const char *unit, char *to, size_t size)
{
    const char *value = json_string_value(json_object_get(row, "value"));
    if (value == NULL)
        snprintf(to, size, "no value");
    else
        snprintf(to, size, "%s%s%s", value, unit[0] != '\0' ? " " : "", unit);
}

/* "region=310000 Shanghai", when only some cells were asked about. */
static void
figure_cell(const json_t *answer)
{
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(answer, "cell"), i, one)
        printf("%s%s=%s %s", i == 0 ? "only: " : ", ", figure_text(one, "dim"),
               figure_text(one, "code"),
               figure_text(json_object_get(one, "label"), "en"));
    if (json_array_size(json_object_get(answer, "cell")) > 0)
        putchar('\n');
}

/* --- show --- */

static void
figure_line(const json_t *row, const char *name, const char *unit)
{
    char value[96], vintage[64] = "";
    figure_value(row, unit, value, sizeof value);
    if (figure_number(row, "vintage") > 0)
        snprintf(vintage, sizeof vintage, ", vintage %lld%s",
                 figure_number(row, "vintage"),
                 json_is_true(json_object_get(row, "pending"))
                     ? ", corrections pending"
                     : "");
    printf("%s %s = %s  reported %lld of %lld, %s%s, epoch %lld revision "
           "%lld\n",
           name, figure_text(row, "window"), value,
           figure_number(row, "reported"), figure_number(row, "expected"),
           figure_text(row, "state"), vintage, figure_number(row, "epoch"),
           figure_number(row, "revision"));
}

/* By codes: "  C36 Manufacture of motor vehicles = 1,200 ..." */
static void
figure_by(const json_t *answer, const char *unit)
{
    char value[96];
    json_t *row;
    size_t i;
    figure_value(answer, unit, value, sizeof value);
    printf("%s %s = %s  reported %lld of %lld\n", figure_text(answer, "name"),
           figure_text(answer, "window"), value,
           figure_number(answer, "reported"),
           figure_number(answer, "expected"));
    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        figure_value(row, unit, value, sizeof value);
        printf("  %s %s = %s  reported %lld of %lld\n",
               figure_text(row, "code"),
               figure_text(json_object_get(row, "label"), "en"), value,
               figure_number(row, "reported"), figure_number(row, "expected"));
    }
}

static enum ctl_exit
figure_show(const json_t *answer)
{
    const char *name = figure_text(answer, "name");
    const char *unit = figure_text(answer, "unit");
    const json_t *rows = json_object_get(answer, "figures");
    figure_cell(answer);
    if (json_object_get(answer, "rows") != NULL) {
        figure_by(answer, unit);
        return CTL_OK;
    }
    json_t *row, *part;
    size_t i;
    if (rows == NULL) {
        figure_line(answer, name, unit);
        json_array_foreach(json_object_get(answer, "parts"), i, part)
        {
            char value[96];
            figure_value(part, unit, value, sizeof value);
            printf("  from %s: %s%s\n", figure_text(part, "from"), value,
                   json_is_true(json_object_get(part, "waiting"))
                       ? " (has not sent this window)"
                       : "");
        }
    }
    json_array_foreach(rows, i, row) figure_line(row, name, unit);
    return CTL_OK;
}

/* --- explain --- */

struct figure_checks {
    bool wanted; /* --verify */
    unsigned good, wrong, unchecked;
};

/* Checks the signature here, whatever the nodes on the way said of it. */
static bool
figure_batch_is_signed(const json_t *entry)
{
    struct wire_figure_head head;
    struct wire_figure_reader reader;
    struct base_out key, batch, text;
    base_out_grow(&key, 1024);
    base_out_grow(&batch, 1 << 20);
    base_out_grow(&text, 1 << 21);
    bool good =
        base_b64_read(base_bytes_text(figure_text(entry, "key")),
                      BASE_B64_STANDARD, &key) == ERR_OK &&
        base_b64_read(base_bytes_text(figure_text(entry, "batch")),
                      BASE_B64_STANDARD, &batch) == ERR_OK &&
        wire_figure_read(base_out_bytes(&batch), &head, &reader) == ERR_OK &&
        head.signature.size > 0 &&
        base_bytes_equal_folded(head.child,
                                base_bytes_text(figure_text(entry, "name")));
    if (good) {
        wire_figure_text(base_out_bytes(&batch), &text);
        good = crypt_key_verify(base_out_bytes(&key), base_out_bytes(&text),
                                head.signature) == ERR_OK;
    }
    base_out_done(&text);
    base_out_done(&batch);
    base_out_done(&key);
    return good;
}

/* The same for a return; it is the one that the line says it is. */
static bool
figure_return_is_signed(const json_t *entry)
{
    struct wire_return ret;
    struct base_out key, bytes, text;
    base_out_grow(&key, 1024);
    base_out_grow(&bytes, WIRE_RETURN_MAX);
    base_out_grow(&text, WIRE_RETURN_MAX + 64);
    bool good = base_b64_read(base_bytes_text(figure_text(entry, "key")),
                              BASE_B64_STANDARD, &key) == ERR_OK &&
                base_b64_read(base_bytes_text(figure_text(entry, "return")),
                              BASE_B64_STANDARD, &bytes) == ERR_OK &&
                wire_return_read(base_out_bytes(&bytes), &ret) == ERR_OK &&
                ret.revision == figure_number(entry, "revision") &&
                base_bytes_equal_folded(
                    ret.unit, base_bytes_text(figure_text(entry, "name")));
    if (good) {
        struct bytes all = base_out_bytes(&bytes);
        wire_return_signed(
            &text, false,
            base_bytes_slice(all, 0, all.size - ret.signature.size));
        good = crypt_key_verify(base_out_bytes(&key), base_out_bytes(&text),
                                ret.signature) == ERR_OK;
    }
    base_out_done(&text);
    base_out_done(&bytes);
    base_out_done(&key);
    return good;
}

/* What the line of a batch or return says at its end; counts what is not
 * right. */
static const char *
figure_verdict(const json_t *entry, struct figure_checks *checks)
{
    const char *verdict = figure_text(entry, "verdict");
    bool filed = strcmp(figure_text(entry, "kind"), "return") == 0;
    if (!checks->wanted)
        return verdict;
    if (figure_text(entry, filed ? "return" : "batch")[0] == '\0') {
        checks->unchecked++;
        return strcmp(verdict, "gone") == 0 ? "not kept" : "too large to show";
    }
    if (filed ? figure_return_is_signed(entry)
              : figure_batch_is_signed(entry)) {
        checks->good++;
        return "signature right";
    }
    if (figure_text(entry, "key")[0] == '\0') {
        checks->unchecked++;
        return "its key was not known";
    }
    checks->wrong++;
    return "SIGNATURE WRONG";
}

static void
figure_batch(const json_t *entry, unsigned depth, struct figure_checks *checks)
{
    printf("%*sbatch %lld of %s, epoch %lld, key %s  [%s]\n", (int)depth * 2,
           "", figure_number(entry, "seq"), figure_text(entry, "name"),
           figure_number(entry, "epoch"), figure_text(entry, "key_id"),
           figure_verdict(entry, checks));
}

static void
figure_return(const json_t *entry, unsigned depth, struct figure_checks *checks)
{
    char when[BASE_TIME_TEXT];
    base_time_text((struct wall){figure_number(entry, "filed_at")}, 0, when);
    printf("%*sreturn revision %lld, filed %s, SHA-256 %.16s..., key %s, "
           "receipt: %s  [%s]\n",
           (int)depth * 2, "", figure_number(entry, "revision"), when,
           figure_text(entry, "sha256"), figure_text(entry, "key_id"),
           figure_text(entry, "receipt"), figure_verdict(entry, checks));
}

static void
figure_entry(const json_t *entry, const char *unit, unsigned depth,
             struct figure_checks *checks)
{
    char value[96];
    const char *kind = figure_text(entry, "kind");
    const char *why = figure_text(entry, "why");
    json_t *below;
    size_t i;
    if (strcmp(kind, "batch") == 0) {
        figure_batch(entry, depth, checks);
        return;
    }
    if (strcmp(kind, "return") == 0) {
        figure_return(entry, depth, checks);
        return;
    }
    printf("%*s%s %s", (int)depth * 2, "", kind,
           json_is_null(json_object_get(entry, "name"))
               ? "(whose name you may not see)"
               : figure_text(entry, "name"));
    if (strcmp(kind, "input") == 0) {
        printf(" = %s %s", figure_text(entry, "a"), figure_text(entry, "unit"));
    } else {
        figure_value(entry, unit, value, sizeof value);
        printf(": %s", value);
    }
    const char *a = figure_text(entry, "a"), *b = figure_text(entry, "b");
    if (strcmp(kind, "input") != 0 && a[0] != '\0')
        printf("  (%s%s%s)", a, b[0] != '\0' ? " / " : "", b);
    if (strcmp(kind, "node") == 0 || strcmp(kind, "part") == 0)
        printf("  reported %lld of %lld", figure_number(entry, "reported"),
               figure_number(entry, "expected"));
    if (json_object_get(entry, "revision") != NULL &&
        strcmp(kind, "input") != 0)
        printf("  epoch %lld revision %lld", figure_number(entry, "epoch"),
               figure_number(entry, "revision"));
    if (json_object_get(entry, "sequence") != NULL)
        printf("  journal %lld to %lld", figure_number(entry, "shard"),
               figure_number(entry, "sequence"));
    if (json_object_get(entry, "digest") != NULL)
        printf("  samples %lld, SHA-256 %.16s...",
               figure_number(entry, "samples"), figure_text(entry, "digest"));
    if (json_is_true(json_object_get(entry, "changed")))
        printf("  (changed since)");
    if (why[0] != '\0')
        printf("  [%s]", why);
    putchar('\n');
    json_array_foreach(json_object_get(entry, "below"), i, below)
        figure_entry(below, unit, depth + 1, checks);
}

static void
figure_operand(const json_t *answer, const char *key)
{
    const json_t *operand = json_object_get(answer, key);
    if (!json_is_object(operand))
        return;
    printf("  %s = %s %s\n", figure_text(operand, "name"),
           figure_text(operand, "sum"), figure_text(operand, "unit"));
}

static enum ctl_exit
figure_explained(const json_t *answer, bool verify)
{
    char value[96];
    const char *unit = figure_text(answer, "unit");
    json_t *entry;
    size_t i;
    struct figure_checks checks = {.wanted = verify};
    figure_value(answer, unit, value, sizeof value);
    printf("%s %s = %s\n", figure_text(answer, "name"),
           figure_text(answer, "window"), value);
    figure_cell(answer);
    printf("reported: %lld of %lld\n", figure_number(answer, "reported"),
           figure_number(answer, "expected"));
    printf("formula: %s\n", figure_text(answer, "formula"));
    figure_operand(answer, "a");
    figure_operand(answer, "b");
    printf("shape: %s\n", figure_text(answer, "shape"));
    json_array_foreach(json_object_get(answer, "entries"), i, entry)
        figure_entry(entry, unit, 0, &checks);
    if (verify)
        printf("signatures: %u right, %u wrong, %u not to be checked\n",
               checks.good, checks.wrong, checks.unchecked);
    return checks.wrong > 0 ? CTL_NO : CTL_OK;
}

static enum ctl_exit
figure_explain(const json_t *answer)
{
    return figure_explained(answer, false);
}

static enum ctl_exit
figure_verify(const json_t *answer)
{
    return figure_explained(answer, true);
}

/* --- coverage --- */

static enum ctl_exit
figure_coverage(const json_t *answer)
{
    json_t *part;
    size_t i;
    long long reported = figure_number(answer, "reported");
    long long expected = figure_number(answer, "expected");
    figure_cell(answer);
    printf("%s %s: reported %lld of %lld\n", figure_text(answer, "pack"),
           figure_text(answer, "window"), reported, expected);
    json_array_foreach(json_object_get(answer, "parts"), i, part)
        printf("  %-32s %lld of %lld%s\n", figure_text(part, "from"),
               figure_number(part, "reported"), figure_number(part, "expected"),
               json_is_true(json_object_get(part, "waiting"))
                   ? "  has not sent this window"
                   : "");
    return reported >= expected ? CTL_OK : CTL_NO;
}

/* --- whole windows --- */

/* The table's own bytes, to be kept or compared. */
static enum ctl_exit
figure_asof(struct ctl *ctl)
{
    struct base_out path, body;
    long status = 0;
    base_out_grow(&path, 1 << 14);
    base_out_format(&path, "%s/api/figures/table?format=%s&pack=", ctl->node,
                    ctl->json ? "json" : "csv");
    ctl_http_escape(&path, ctl->args[0]);
    figure_parameter(&path, "at", ctl->args[1]);
    if (ctl->arg_count > 2)
        figure_parameter(&path, "asof", ctl->args[2]);
    if (ctl_value(ctl, "parts") != NULL)
        figure_parameter(&path, "parts", "1");
    base_out_u8(&path, 0);
    struct ctl_http http = {.url = (const char *)path.at,
                            .accept = "*/*",
                            .key = ctl->key,
                            .cookie = ctl->cookie};
    enum ctl_exit result = ctl_http_raw(&http, &status, &body);
    base_out_done(&path);
    if (result != CTL_OK)
        return result;
    if (status >= 400)
        result = ctl_http_refused(status, base_out_bytes(&body));
    else
        fwrite(body.at, 1, body.size, stdout);
    if (status < 400 && ctl->json)
        putchar('\n');
    base_out_done(&body);
    return result;
}

static void
figure_pairs(const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key,
                        value) if (json_is_string(value))
        printf("  %s %s", key, json_string_value(value));
}

static enum ctl_exit
figure_history(const json_t *answer)
{
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(answer, "revisions"), i, row)
    {
        char when[BASE_TIME_TEXT];
        const char *reason = figure_text(row, "reason");
        base_time_text((struct wall){figure_number(row, "applied")}, 0, when);
        printf("%s  %s epoch %lld revision %lld, %s%s%s:", when,
               figure_text(row, "from"), figure_number(row, "epoch"),
               figure_number(row, "revision"), figure_text(row, "state"),
               reason[0] != '\0' ? ", " : "", reason);
        figure_pairs(json_object_get(row, "cell"));
        figure_pairs(json_object_get(row, "measures"));
        putchar('\n');
    }
    ctl_page_more(answer);
    return CTL_OK;
}

/* --- seal --- */

static enum ctl_exit
figure_seal(struct ctl *ctl)
{
    json_t *answer = NULL;
    struct base_out path;
    base_out_grow(&path, 4096);
    base_out_text(&path, "/api/figures/");
    ctl_http_escape(&path, ctl->args[0]);
    base_out_text(&path, "/seal?at=");
    ctl_http_escape(&path, ctl->args[1]);
    base_out_u8(&path, 0);
    enum ctl_exit result =
        ctl_http_post(ctl, (const char *)path.at, "{}", &answer);
    base_out_done(&path);
    if (result != CTL_OK)
        return result;
    if (ctl->json)
        ctl_print_json(answer);
    else
        printf("%s %s is sealed: vintage %lld, reported %lld of %lld, root "
               "%s\n",
               figure_text(answer, "pack"), figure_text(answer, "window"),
               figure_number(answer, "vintage"),
               figure_number(answer, "reported"),
               figure_number(answer, "expected"), figure_text(answer, "root"));
    json_decref(answer);
    return CTL_OK;
}

static const struct {
    const char *verb, *path;
    enum ctl_exit (*print)(const json_t *answer);
} figure_verbs[] = {
    {"show", "/api/figures?pack=", figure_show},
    {"explain", "/api/figures/explain?pack=", figure_explain},
    {"coverage", "/api/figures/coverage?pack=", figure_coverage},
    {"history", "/api/figures/history?pack=", figure_history},
};

enum ctl_exit
ctl_figure(struct ctl *ctl)
{
    json_t *answer = NULL;
    struct base_out path;
    unsigned verb = 0;
    if (strcmp(ctl->command->verb, "seal") == 0)
        return figure_seal(ctl);
    if (strcmp(ctl->command->verb, "asof") == 0)
        return figure_asof(ctl);
    while (strcmp(figure_verbs[verb].verb, ctl->command->verb) != 0)
        verb++;
    base_out_grow(&path, 1 << 14);
    base_out_text(&path, figure_verbs[verb].path);
    ctl_http_escape(&path, ctl->args[0]);
    if (ctl->arg_count > 2) { /* history */
        figure_parameter(&path, "at", ctl->args[1]);
        figure_parameter(&path, "from", ctl->args[2]);
    } else if (ctl->arg_count > 1) {
        figure_parameter(&path, "metric", ctl->args[1]);
    }
    figure_parameter(&path, "at", ctl_value(ctl, "at"));
    figure_parameter(&path, "freq", ctl_value(ctl, "freq"));
    figure_parameter(&path, "last", ctl_value(ctl, "last"));
    figure_parameter(&path, "vintage", ctl_value(ctl, "vintage"));
    figure_parameter(&path, "asof", ctl_value(ctl, "asof"));
    figure_parameter(&path, "cell", ctl_value(ctl, "cell"));
    figure_parameter(&path, "by", ctl_value(ctl, "by"));
    figure_parameter(&path, "where", ctl_value(ctl, "where"));
    enum ctl_exit result = ctl_page_get(ctl, &path, &answer);
    base_out_done(&path);
    if (result != CTL_OK)
        return result;
    if (ctl->json)
        ctl_print_json(answer);
    else
        result = ctl_value(ctl, "verify") != NULL
                     ? figure_verify(answer)
                     : figure_verbs[verb].print(answer);
    json_decref(answer);
    return result;
}
