/* ctl_prefix.c -- `dougong prefix ...`: applications, and steps of a prefix. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_mem.h"
#include "ctl/ctl_http.h"
#include "ctl/ctl_page.h"

enum {
    PREFIX_PATH = 4096,
    PREFIX_KEY_MAX = 2048,
    PREFIX_BUNDLE = 64 << 20,
    PREFIX_PART = 64 << 10
};

static const char *
prefix_text(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text != NULL ? text : "";
}

static void
prefix_path(struct base_out *path, const char *prefix, const char *verb)
{
    base_out_grow(path, PREFIX_PATH);
    base_out_text(path, "/api/prefix-applications");
    if (prefix != NULL) {
        base_out_u8(path, '/');
        ctl_http_escape(path, prefix);
    }
    if (verb != NULL)
        base_out_format(path, "/%s", verb);
    base_out_u8(path, 0);
}

/* --- reading --- */

static enum ctl_exit
prefix_list(struct ctl *ctl)
{
    json_t *answer = NULL, *row;
    size_t i;
    const char *state = ctl_value(ctl, "state");
    struct base_out path;
    base_out_grow(&path, PREFIX_PATH);
    base_out_text(&path, "/api/prefix-applications?");
    if (state != NULL) {
        base_out_text(&path, "&state=");
        ctl_http_escape(&path, state);
    }
    enum ctl_exit bad = ctl_page_get(ctl, &path, &answer);
    base_out_done(&path);
    if (bad != CTL_OK)
        return bad;
    if (ctl->json)
        ctl_print_json(answer);
    else
        json_array_foreach(json_object_get(answer, "prefixes"), i, row)
            printf("%-24s %-10s %s%s\n", prefix_text(row, "prefix"),
                   prefix_text(row, "state"),
                   json_is_true(json_object_get(row, "hosted"))   ? "hosted"
                   : json_is_true(json_object_get(row, "direct")) ? "child"
                                                                  : "",
                   "");
    if (!ctl->json)
        ctl_page_more(answer);
    json_decref(answer);
    return CTL_OK;
}

static void
prefix_print(const json_t *answer)
{
    static const char *const fields[] = {"prefix", "state", "node", "codes"};
    static const char *const of[] = {"name",   "uscc",    "industry",
                                     "region", "contact", "applicant"};
    const json_t *application = json_object_get(answer, "application");
    json_t *step;
    size_t i;
    for (i = 0; i < sizeof fields / sizeof *fields; i++)
        printf("%-10s %s\n", fields[i], prefix_text(answer, fields[i]));
    for (i = 0; application != NULL && i < sizeof of / sizeof *of; i++)
        printf("%-10s %s\n", of[i], prefix_text(application, of[i]));
    json_array_foreach(json_object_get(application, "steps"), i, step)
        printf("%-10s %lld ms  %s  %s\n", prefix_text(step, "verb"),
               (long long)json_integer_value(json_object_get(step, "at_ms")),
               prefix_text(step, "actor"), prefix_text(step, "reason"));
}

static enum ctl_exit
prefix_show(struct ctl *ctl)
{
    json_t *answer = NULL;
    struct base_out path;
    prefix_path(&path, ctl->args[0], NULL);
    enum ctl_exit bad = ctl_http_get(ctl, (const char *)path.at, &answer);
    base_out_done(&path);
    if (bad != CTL_OK)
        return bad;
    if (ctl->json)
        ctl_print_json(answer);
    else
        prefix_print(answer);
    json_decref(answer);
    return CTL_OK;
}

/* --- steps --- */

static enum ctl_exit
prefix_post(struct ctl *ctl, const char *prefix, const char *verb, json_t *body)
{
    json_t *answer = NULL;
    struct base_out path;
    char *text = json_dumps(body, JSON_COMPACT);
    prefix_path(&path, prefix, verb);
    enum ctl_exit bad =
        ctl_http_post(ctl, (const char *)path.at, text, &answer);
    base_out_done(&path);
    free(text);
    if (bad != CTL_OK)
        return bad;
    const char *token = json_string_value(json_object_get(answer, "token"));
    if (ctl->json)
        ctl_print_json(answer);
    else if (token != NULL)
        puts(token);
    else
        printf("%s is %s\n", ctl->args[0], prefix_text(answer, "state"));
    json_decref(answer);
    return CTL_OK;
}

static enum ctl_exit
prefix_apply(struct ctl *ctl)
{
    static const char *const fields[] = {"name", "uscc", "industry", "region",
                                         "contact"};
    char key[PREFIX_KEY_MAX];
    const char *path = ctl_value(ctl, "key");
    json_t *body = json_pack("{s:s}", "prefix", ctl->args[0]);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (ctl_value(ctl, fields[i]) != NULL)
            json_object_set_new(body, fields[i],
                                json_string(ctl_value(ctl, fields[i])));
    if (path != NULL) {
        FILE *file = fopen(path, "r");
        size_t size = file ? fread(key, 1, sizeof key, file) : 0;
        if (file != NULL)
            fclose(file);
        json_t *pem =
            size > 0 && size < sizeof key ? json_stringn(key, size) : NULL;
        if (pem == NULL) {
            ctl_say("%s: not a public key as PEM text", path);
            json_decref(body);
            return CTL_USAGE;
        }
        json_object_set_new(body, "key", pem);
    }
    enum ctl_exit bad = prefix_post(ctl, NULL, NULL, body);
    json_decref(body);
    return bad;
}

enum ctl_exit
ctl_prefix(struct ctl *ctl)
{
    const char *verb = ctl->command->verb;
    if (strcmp(verb, "list") == 0)
        return prefix_list(ctl);
    if (strcmp(verb, "show") == 0)
        return prefix_show(ctl);
    if (strcmp(verb, "apply") == 0)
        return prefix_apply(ctl);
    const char *reason = ctl_value(ctl, "reason");
    const char *quota = ctl_value(ctl, "quota");
    uint64_t most = 0;
    if (quota != NULL &&
        (base_bytes_u64(base_bytes_text(quota), &most) != ERR_OK || most < 1 ||
         most > UINT32_MAX)) {
        ctl_say("--quota %s: a whole number of names, at least 1", quota);
        return CTL_USAGE;
    }
    json_t *body = json_object();
    if (reason != NULL)
        json_object_set_new(body, "reason", json_string(reason));
    if (quota != NULL)
        json_object_set_new(body, "quota", json_integer((json_int_t)most));
    enum ctl_exit bad = prefix_post(ctl, ctl->args[0], verb, body);
    json_decref(body);
    return bad;
}

/* --- moving --- */

static enum ctl_exit
prefix_save(const char *path, struct bytes bundle)
{
    /* It holds a private key. */
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool good =
        file != NULL && fwrite(bundle.at, 1, bundle.size, file) == bundle.size;
    if (file == NULL || fclose(file) != 0 || !good) {
        ctl_say("%s cannot be written", path);
        return CTL_REFUSED;
    }
    return CTL_OK;
}

static enum ctl_exit
prefix_load(const char *path, struct base_out *ret_bundle)
{
    FILE *file = fopen(path, "r");
    base_out_grow(ret_bundle, PREFIX_BUNDLE);
    if (file == NULL) {
        ctl_say("%s cannot be read", path);
        return CTL_USAGE;
    }
    char *room = base_mem_new(PREFIX_PART);
    size_t size;
    while ((size = fread(room, 1, PREFIX_PART, file)) > 0)
        base_out_bytes_add(ret_bundle, base_bytes(room, size));
    base_mem_free(room);
    fclose(file);
    return base_out_ok(ret_bundle) ? CTL_OK : CTL_USAGE;
}

enum ctl_exit
ctl_prefix_move(struct ctl *ctl)
{
    bool in = strcmp(ctl->command->verb, "import") == 0;
    char url[PREFIX_PATH];
    struct base_out path, bundle = {0}, answer;
    long status = 0;
    prefix_path(&path, ctl->args[0], in ? "import" : "bundle");
    snprintf(url, sizeof url, "%s%s", ctl->node, (const char *)path.at);
    base_out_done(&path);
    struct ctl_http http = {.url = url, .key = ctl->key, .cookie = ctl->cookie};
    enum ctl_exit bad = in ? prefix_load(ctl->args[1], &bundle) : CTL_OK;
    if (in) {
        http.post = (const char *)bundle.at;
        http.post_size = bundle.size;
        http.type = "application/octet-stream";
    }
    if (bad == CTL_OK)
        bad = ctl_http_raw(&http, &status, &answer);
    base_out_done(&bundle);
    if (bad != CTL_OK)
        return bad;
    if (status != 200)
        bad = ctl_http_refused(status, base_out_bytes(&answer));
    else if (in)
        printf("%.*s\n", (int)answer.size, (const char *)answer.at);
    else
        bad = prefix_save(ctl->args[1], base_out_bytes(&answer));
    base_out_done(&answer);
    return bad;
}
