/* ctl_doctor.c -- `dougong doctor [NODE.YAML]`: what is wrong with this node.
 *
 * Looks in the order in which things fail: the node's file and role, keys and
 * certificate, disk; then, asking the node: does it answer, does it take
 * writes, is its parent linked, do the clocks agree, do the packs agree.  Each
 * check is one line; the first failure decides the exit code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app_keys.h"
#include "base/base_mem.h"
#include "ctl/ctl_http.h"
#include "ctl/ctl_key.h"
#include "sys/sys_loop.h"
#include "sys/sys_random.h"

enum { DOCTOR_OFFSET_MS = 2000, DOCTOR_DAYS_LEFT = 15 };

struct doctor {
    struct ctl *ctl;
    unsigned bad;
    json_t *checks;
    struct app_config *config;
    char url[256];
};

static void
doctor_line(struct doctor *doctor, bool good, const char *what,
            const char *found)
{
    doctor->bad += !good;
    json_array_append_new(doctor->checks,
                          json_pack("{s:s, s:b, s:s}", "check", what, "ok",
                                    good ? 1 : 0, "found", found));
    if (!doctor->ctl->json)
        printf("%-5s %-12s %s\n", good ? "ok" : "BAD", what, found);
}

static void
doctor_space(struct doctor *doctor)
{
    uint64_t left = 0, size = 0;
    char text[128];
    struct sys_files *files = sys_file_real();
    enum err err = files->ops->space(files, doctor->config->data, &left, &size);
    if (err != ERR_OK) {
        snprintf(text, sizeof text, "%s: %s", doctor->config->data,
                 base_err_text(err));
        doctor_line(doctor, false, "disk", text);
        return;
    }
    uint64_t mark = size / 20 > (256U << 20) ? size / 20 : 256U << 20;
    snprintf(text, sizeof text, "%llu MiB free of %llu; the mark is %llu",
             (unsigned long long)(left >> 20), (unsigned long long)(size >> 20),
             (unsigned long long)(mark >> 20));
    doctor_line(doctor, left >= mark, "disk", text);
}

static void
doctor_keys(struct doctor *doctor, struct wall now)
{
    struct app_keys keys;
    struct base_note note = {0};
    char text[512], when[BASE_TIME_TEXT];
    enum err err = app_keys_load(sys_file_real(), doctor->config, now,
                                 sys_random(), &keys, &note);
    if (err != ERR_OK) {
        snprintf(text, sizeof text, "%s: %s", note.where, note.text);
        doctor_line(doctor, false, "keys", text);
        return;
    }
    doctor_line(doctor, true, "keys", "all four are there");
    if (keys.tier != NULL) {
        struct crypt_cert_facts facts;
        crypt_cert_facts(keys.tier, &facts);
        int64_t days = (facts.not_after.ms - now.ms) / 86400000;
        snprintf(text, sizeof text, "valid until %s (%lld days)",
                 base_time_text(facts.not_after, 0, when), (long long)days);
        doctor_line(doctor, days > DOCTOR_DAYS_LEFT, "certificate", text);
    } else if (doctor->config->parent_ident[0] != '\0') {
        doctor_line(doctor, false, "certificate",
                    "none: this node has not joined its parent "
                    "(dougong join HOST:PORT TOKEN)");
    }
    app_keys_done(&keys);
}

static bool
doctor_file(struct doctor *doctor, const char *path)
{
    struct base_note note = {0};
    char text[512];
    struct sys_loop *loop;
    if (app_config_load(sys_file_real(), path, &doctor->config, &note) !=
        ERR_OK) {
        snprintf(text, sizeof text, "%s:%u:%u: %s", note.where, note.line,
                 note.column, note.text);
        doctor_line(doctor, false, "file", text);
        return false;
    }
    snprintf(text, sizeof text, "%s is node %s, a %s", path,
             doctor->config->node, doctor->config->role);
    doctor_line(doctor, true, "file", text);
    doctor_space(doctor);
    if (sys_loop_new("doctor", &loop) == ERR_OK) {
        doctor_keys(doctor, base_loop_wall(sys_loop_base(loop)));
        sys_loop_free(loop);
    }
    snprintf(doctor->url, sizeof doctor->url, "http://127.0.0.1:%u",
             doctor->config->doors[APP_DOOR_HTTP].port);
    doctor->ctl->node = doctor->url;
    return true;
}

static bool
doctor_ready(struct doctor *doctor)
{
    char url[512];
    long status = 0;
    struct base_out body;
    snprintf(url, sizeof url, "%s/readyz", doctor->ctl->node);
    struct ctl_http http = {.url = url};
    if (ctl_http_raw(&http, &status, &body) != CTL_OK) {
        doctor_line(doctor, false, "answers", "no");
        return false;
    }
    char why[512] = "takes writes";
    if (status != 200) {
        json_t *problem = json_loadb((const char *)body.at, body.size, 0, NULL);
        const char *detail =
            json_string_value(json_object_get(problem, "detail"));
        snprintf(why, sizeof why, "%s", detail ? detail : "does not say why");
        json_decref(problem);
    }
    doctor_line(doctor, status == 200, "ready", why);
    base_out_done(&body);
    return true;
}

static void
doctor_link(struct doctor *doctor, const json_t *view, const char *what)
{
    char text[512];
    const char *prefix = json_string_value(json_object_get(view, "prefix"));
    const char *state = json_string_value(json_object_get(view, "state"));
    const char *why = json_string_value(json_object_get(view, "why"));
    long long offset = json_integer_value(json_object_get(view, "offset_ms"));
    long long differ =
        json_integer_value(json_object_get(view, "packs_differ"));
    bool up = json_is_true(json_object_get(view, "up"));
    bool clock = offset < DOCTOR_OFFSET_MS && offset > -DOCTOR_OFFSET_MS;
    snprintf(text, sizeof text, "%s: %s%s%s", prefix ? prefix : "?",
             state ? state : "?", !up && why && why[0] ? ": " : "",
             !up && why ? why : "");
    doctor_line(doctor, up, what, text);
    if (up && !clock) {
        snprintf(text, sizeof text, "%lld ms apart from %s", offset, prefix);
        doctor_line(doctor, false, "clock", text);
    }
    if (up && differ > 0) {
        snprintf(text, sizeof text,
                 "%lld packs mean something else at %s: their figures wait",
                 differ, prefix);
        doctor_line(doctor, false, "packs", text);
    }
}

static void
doctor_tree(struct doctor *doctor)
{
    json_t *tree = NULL, *child;
    size_t i;
    if (ctl_http_get(doctor->ctl, "/api/tree", &tree) != CTL_OK) {
        doctor_line(doctor, false, "tree", "does not answer");
        return;
    }
    json_t *parent = json_object_get(tree, "parent");
    if (json_is_object(parent))
        doctor_link(doctor, parent, "parent");
    json_array_foreach(json_object_get(tree, "children"), i, child)
        doctor_link(doctor, child, "child");
    json_decref(tree);
}

enum ctl_exit
ctl_doctor(struct ctl *ctl)
{
    struct doctor doctor = {.ctl = ctl, .checks = json_array()};
    if (ctl->arg_count > 0 && ctl->config == NULL) {
        ctl->config = ctl->args[0];
        (void)ctl_key_find(ctl); /* what is wrong with the file comes below */
    }
    bool go_on = ctl->arg_count == 0 || doctor_file(&doctor, ctl->args[0]);
    if (go_on && doctor_ready(&doctor))
        doctor_tree(&doctor);
    json_t *out = json_pack("{s:i, s:o}", "bad", (int)doctor.bad, "checks",
                            doctor.checks);
    if (ctl->json)
        ctl_print_json(out);
    else
        printf("%s\n",
               doctor.bad == 0 ? "nothing is wrong" : "see the first BAD line");
    json_decref(out);
    app_config_free(doctor.config);
    return doctor.bad == 0 ? CTL_OK : CTL_NO;
}
