/* ctl_names.c -- `dougong resolve`, `register`, `load`: names. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_mem.h"
#include "ctl/ctl_handle.h"
#include "ctl/ctl_http.h"

enum {
    NAMES_PATH = 4096,      /* identifiers are at most 255 bytes */
    NAMES_ROWS = 1000,      /* of one request of `load` */
    NAMES_BYTES = 2 << 20,  /* likewise */
    NAMES_LINE = 128 << 10, /* of a row */
};

/* What an answer means to the shell. */
static enum ctl_exit
names_exit(long status, int code)
{
    if (code == 1)
        return CTL_OK;
    if (status == 404 || status == 300 || code == 200)
        return CTL_NO;
    if (status == 503 || status == 508)
        return CTL_UNREACHED;
    return status == 400 ? CTL_USAGE : CTL_REFUSED;
}

static enum ctl_exit
names_ask(const struct ctl *ctl, const char *method, const char *path,
          const char *body, long *ret_status, json_t **ret_json)
{
    char url[NAMES_PATH];
    struct base_out answer;
    struct ctl_http http = {.url = url,
                            .post = body,
                            .method = method,
                            .key = ctl->key,
                            .cookie = ctl->cookie};
    if (body != NULL)
        http.type = "application/json";
    if ((size_t)snprintf(url, sizeof url, "%s%s", ctl->node, path) >=
        sizeof url) {
        ctl_say("the question is too long");
        return CTL_USAGE;
    }
    enum ctl_exit bad = ctl_http_raw(&http, ret_status, &answer);
    if (bad != CTL_OK)
        return bad;
    *ret_json = json_loadb((const char *)answer.at, answer.size, 0, NULL);
    if (json_object_get(*ret_json, "responseCode") == NULL) {
        bad = *ret_status >= 400
                  ? ctl_http_refused(*ret_status, base_out_bytes(&answer))
                  : CTL_UNREACHED;
        if (bad == CTL_UNREACHED)
            ctl_say("%s did not answer as a Dougong node does", ctl->node);
        json_decref(*ret_json);
    }
    base_out_done(&answer);
    return bad;
}

static int
names_code(const json_t *answer)
{
    return (int)json_integer_value(json_object_get(answer, "responseCode"));
}

static enum ctl_exit
names_refused(long status, const json_t *answer)
{
    const char *field = json_string_value(json_object_get(answer, "field"));
    const char *message = json_string_value(json_object_get(answer, "message"));
    int code = names_code(answer);
    if (code != 1)
        ctl_say("%s%s%s (code %d)", field ? field : "", field ? ": " : "",
                message ? message : "no reason was given", code);
    return names_exit(status, code);
}

/* --- resolve --- */

static void
names_print_value(const json_t *value)
{
    const json_t *data = json_object_get(value, "data");
    const json_t *shown = json_object_get(data, "value");
    const char *type = json_string_value(json_object_get(value, "type"));
    printf("%6d  %-16s  ",
           (int)json_integer_value(json_object_get(value, "index")),
           type ? type : "?");
    if (json_is_string(shown)) {
        const char *text = json_string_value(shown);
        for (; *text != '\0'; text++) /* further lines stand below */
            if (*text == '\n' && text[1] != '\0')
                fputs("\n                          ", stdout);
            else if (*text != '\n')
                putchar(*text);
    } else {
        json_dumpf(shown, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    }
    putchar('\n');
}

static void
names_print_hops(const json_t *answer)
{
    json_t *hop;
    size_t i;
    json_array_foreach(json_object_get(answer, "hops"), i, hop)
        printf("%*s%s  %s  %d ms\n", (int)(2 * i), "",
               json_string_value(json_object_get(hop, "node")),
               json_string_value(json_object_get(hop, "what")),
               (int)json_integer_value(json_object_get(hop, "ms")));
}

static enum ctl_exit
names_resolve(const struct ctl *ctl, long *ret_status, json_t **ret_answer)
{
    const char *type = ctl_value(ctl, "type"), *index = ctl_value(ctl, "index");
    struct base_out path;
    base_out_grow(&path, NAMES_PATH);
    base_out_text(&path, "/api/handles/");
    ctl_http_escape(&path, ctl->args[0]);
    base_out_format(&path, "?%s", ctl_value(ctl, "trace") ? "trace" : "");
    if (type != NULL) {
        base_out_text(&path, "&type=");
        ctl_http_escape(&path, type);
    }
    if (index != NULL) {
        base_out_text(&path, "&index=");
        ctl_http_escape(&path, index);
    }
    base_out_u8(&path, 0);
    enum ctl_exit bad = names_ask(ctl, NULL, (const char *)path.at, NULL,
                                  ret_status, ret_answer);
    base_out_done(&path);
    return bad;
}

enum ctl_exit
ctl_resolve(struct ctl *ctl)
{
    json_t *answer = NULL, *value;
    long status = 0;
    size_t i;
    enum ctl_exit bad = ctl_value(ctl, "handle") != NULL
                            ? ctl_handle_resolve(ctl, &status, &answer)
                            : names_resolve(ctl, &status, &answer);
    if (bad != CTL_OK)
        return bad;
    if (ctl->json) {
        ctl_print_json(answer);
    } else {
        if (ctl_value(ctl, "trace") != NULL)
            names_print_hops(answer);
        json_array_foreach(json_object_get(answer, "values"), i, value)
            names_print_value(value);
    }
    bad = names_refused(status, answer);
    json_decref(answer);
    return bad;
}

/* --- register --- */

static json_t *
names_values(struct ctl *ctl)
{
    json_t *values = json_array();
    const char *class_name = ctl_value(ctl, "class");
    int index = 1;
    if (class_name != NULL)
        json_array_append_new(values,
                              json_pack("{s:i, s:s, s:s}", "index", index++,
                                        "type", "CLASS", "data", class_name));
    for (unsigned i = 1; i < ctl->arg_count; i++) {
        const char *equals = strchr(ctl->args[i], '=');
        if (equals == NULL || equals == ctl->args[i]) {
            ctl_say("\"%s\" is not TYPE=DATA", ctl->args[i]);
            json_decref(values);
            return NULL;
        }
        json_array_append_new(values, json_pack("{s:i, s:s%, s:s}", "index",
                                                index++, "type", ctl->args[i],
                                                (size_t)(equals - ctl->args[i]),
                                                "data", equals + 1));
    }
    return values;
}

static void
names_register_path(struct ctl *ctl, bool change, struct base_out *path)
{
    const char *state = ctl_value(ctl, "state");
    const char *reason = ctl_value(ctl, "reason");
    base_out_text(path, "/api/handles/");
    ctl_http_escape(path, ctl->args[0]);
    base_out_format(path, "?overwrite=%s",
                    ctl_value(ctl, "replace") != NULL ? "true" : "false");
    if (state != NULL) {
        base_out_text(path, "&state=");
        ctl_http_escape(path, state);
    }
    if (reason != NULL && change) {
        base_out_text(path, "&reason=");
        ctl_http_escape(path, reason);
    }
    base_out_u8(path, 0);
}

enum ctl_exit
ctl_register(struct ctl *ctl)
{
    json_t *answer = NULL, *values = names_values(ctl);
    long status = 0;
    struct base_out path;
    if (values == NULL)
        return CTL_USAGE;
    /* Only a state: of an identifier that is there. */
    const char *state = ctl_value(ctl, "state");
    bool change = json_array_size(values) == 0 && state != NULL &&
                  strcmp(state, "reserved") != 0;
    char *body = change ? NULL : json_dumps(values, JSON_COMPACT);
    base_out_grow(&path, NAMES_PATH);
    names_register_path(ctl, change, &path);
    enum ctl_exit bad =
        names_ask(ctl, "PUT", (const char *)path.at, body, &status, &answer);
    if (bad == CTL_OK && ctl->json)
        ctl_print_json(answer);
    else if (bad == CTL_OK && names_code(answer) == 1)
        printf("%s: revision %d\n", ctl->args[0],
               (int)json_integer_value(json_object_get(answer, "revision")));
    if (bad == CTL_OK)
        bad = names_refused(status, answer);
    if (answer != NULL)
        json_decref(answer);
    base_out_done(&path);
    free(body);
    json_decref(values);
    return bad;
}

/* --- load --- */

struct names_load {
    struct ctl *ctl;
    const char *url;
    struct base_out body;
    unsigned waiting;      /* rows in body */
    uint64_t rows, failed; /* sent so far */
};

static void
names_load_line(struct names_load *load, json_t *line, uint64_t first)
{
    json_t *row = json_object_get(line, "row");
    int code = (int)json_integer_value(json_object_get(line, "code"));
    if (row == NULL)
        return;
    json_object_set_new(
        line, "row", json_integer((json_int_t)first + json_integer_value(row)));
    load->failed += code != 1;
    if (!load->ctl->json && code == 1)
        return;
    json_dumpf(line, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
}

static enum ctl_exit
names_load_send(struct names_load *load)
{
    struct base_out answer;
    long status = 0;
    base_out_u8(&load->body, 0);
    struct ctl_http http = {.url = load->url,
                            .post = (const char *)load->body.at,
                            .type = "application/x-ndjson",
                            .key = load->ctl->key,
                            .cookie = load->ctl->cookie};
    enum ctl_exit bad = ctl_http_raw(&http, &status, &answer);
    if (bad != CTL_OK)
        return bad;
    if (status != 200)
        bad = ctl_http_refused(status, base_out_bytes(&answer));
    struct bytes rest = base_out_bytes(&answer);
    while (bad == CTL_OK && rest.size > 0) {
        size_t size = base_bytes_find(rest, '\n');
        json_t *line = json_loadb((const char *)rest.at, size, 0, NULL);
        names_load_line(load, line, load->rows);
        json_decref(line);
        rest = base_bytes_slice(rest, size + 1, rest.size);
    }
    load->rows += load->waiting;
    load->waiting = 0;
    base_out_reset(&load->body);
    base_out_done(&answer);
    if (bad == CTL_OK && isatty(STDERR_FILENO))
        fprintf(stderr, "\r%llu rows, %llu refused",
                (unsigned long long)load->rows,
                (unsigned long long)load->failed);
    return bad;
}

static enum ctl_exit
names_load_file(struct names_load *load, FILE *file)
{
    enum ctl_exit bad = CTL_OK;
    char *line = base_mem_new(NAMES_LINE);
    while (bad == CTL_OK && fgets(line, NAMES_LINE, file) != NULL) {
        size_t size = strlen(line);
        if (size + 1 == NAMES_LINE && line[size - 1] != '\n') {
            ctl_say("row %" PRIu64 " is over 128 KiB",
                    load->rows + load->waiting + 1);
            bad = CTL_USAGE;
            break;
        }
        if (strspn(line, " \t\r\n") == size)
            continue;
        base_out_text(&load->body, line);
        load->waiting++;
        if (load->waiting == NAMES_ROWS || load->body.size > NAMES_BYTES)
            bad = names_load_send(load);
    }
    if (bad == CTL_OK && load->waiting > 0)
        bad = names_load_send(load);
    base_mem_free(line);
    return bad;
}

enum ctl_exit
ctl_load(struct ctl *ctl)
{
    char url[NAMES_PATH];
    struct names_load load = {.ctl = ctl, .url = url};
    FILE *file =
        strcmp(ctl->args[0], "-") == 0 ? stdin : fopen(ctl->args[0], "r");
    if (file == NULL) {
        ctl_say("%s cannot be read", ctl->args[0]);
        return CTL_USAGE;
    }
    snprintf(url, sizeof url, "%s/api/handles", ctl->node);
    base_out_grow(&load.body, NAMES_BYTES + 2 * NAMES_LINE);
    enum ctl_exit bad = names_load_file(&load, file);
    base_out_done(&load.body);
    if (file != stdin)
        fclose(file);
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
    if (bad == CTL_OK && !ctl->json)
        printf("%llu rows, %llu refused\n", (unsigned long long)load.rows,
               (unsigned long long)load.failed);
    return bad != CTL_OK ? bad : load.failed > 0 ? CTL_NO : CTL_OK;
}
