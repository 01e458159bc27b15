/* ctl_pack.c -- `dougong pack check|test FOLDER`. */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app_source.h"
#include "base/base_b64.h"
#include "base/base_mem.h"
#include "ctl/ctl.h"
#include "model/model_golden.h"

struct pack_sink {
    struct model_golden_sink sink; /* first */
    bool json;
    json_t *failures;
};

static void
pack_result(struct model_golden_sink *self,
            const struct model_golden_result *result)
{
    struct pack_sink *sink = (struct pack_sink *)(void *)self;
    if (result->passed)
        return;
    if (!sink->json)
        printf("%s:%u: %s%s%s: expected %s, got %s\n", result->file,
               result->line, result->name, result->name[0] ? ": " : "",
               result->what, result->expected, result->got);
    json_array_append_new(sink->failures,
                          json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "file",
                                    result->file, "line", (int)result->line,
                                    "case", result->name, "what", result->what,
                                    "expected", result->expected, "got",
                                    result->got));
}

static enum ctl_exit
pack_test(struct ctl *ctl, const struct model_pack *pack, const char *folder,
          struct app_source *source)
{
    struct model_golden_count count = {0};
    struct base_note note = {0};
    struct pack_sink sink = {{pack_result}, ctl->json, json_array()};
    enum err err = model_golden_run(pack, &source->source, folder, &sink.sink,
                                    &count, &note);
    if (err != ERR_OK && err != ERR_MISMATCH) {
        json_decref(sink.failures);
        ctl_say_note(&note);
        return CTL_NO;
    }
    json_t *out =
        json_pack("{s:s, s:i, s:i, s:i, s:o}", "pack", pack->name, "cases",
                  (int)count.cases, "checks", (int)count.checks, "failed",
                  (int)count.failures, "failures", sink.failures);
    if (ctl->json)
        ctl_print_json(out);
    else
        printf("%s %s: %u cases, %u checks, %u failed\n", pack->name,
               pack->version, count.cases, count.checks, count.failures);
    json_decref(out);
    return count.failures == 0 && err == ERR_OK ? CTL_OK : CTL_NO;
}

static enum ctl_exit
pack_check(struct ctl *ctl, const struct model_pack *pack)
{
    char shape[65];
    base_b64_hex(base_bytes(pack->shape, sizeof pack->shape), shape);
    if (ctl->json) {
        json_t *out = json_pack("{s:s, s:s, s:i, s:i, s:i, s:s}", "pack",
                                pack->name, "version", pack->version, "inputs",
                                (int)pack->input_count, "measures",
                                (int)pack->measure_count, "metrics",
                                (int)pack->metric_count, "shape", shape);
        ctl_print_json(out);
        json_decref(out);
    } else {
        printf("%s %s is good: %u inputs, %u measures, %u metrics\nshape %s\n",
               pack->name, pack->version, pack->input_count,
               pack->measure_count, pack->metric_count, shape);
    }
    return CTL_OK;
}

/* packs/codes of packs/stats/industry: beside the pack, or above. */
static char *
pack_codes(struct app_source *source, const char *folder)
{
    char *above = base_mem_text(folder), *found = NULL;
    for (unsigned i = 0; i < 3 && found == NULL; i++) {
        struct base_arena arena;
        char **names = NULL;
        size_t count = 0;
        char *up = base_mem_text(dirname(above));
        base_mem_free(above);
        above = up;
        found = base_mem_format("%s/codes", above);
        base_arena_init(&arena, 1 << 20);
        enum err err =
            source->source.list(&source->source, found, &arena, &names, &count);
        base_arena_done(&arena);
        if ((err != ERR_OK || count == 0) && i < 2) {
            base_mem_free(found);
            found = NULL;
        }
    }
    base_mem_free(above);
    return found;
}

/* A shell completes packs/host to packs/host/. */
static char *
pack_folder(const char *given)
{
    char *folder = base_mem_text(given);
    for (size_t i = strlen(folder); i > 1 && folder[i - 1] == '/'; i--)
        folder[i - 1] = '\0';
    return folder;
}

enum ctl_exit
ctl_pack(struct ctl *ctl)
{
    struct app_source source;
    struct base_note note = {0};
    struct model_pack *pack = NULL;
    const char *given = ctl_value(ctl, "codes");
    char *folder = pack_folder(ctl->args[0]);
    app_source_init(&source, sys_file_real());
    char *codes =
        given != NULL ? base_mem_text(given) : pack_codes(&source, folder);
    enum err err = model_pack_load(&source.source, folder, codes, &pack, &note);
    enum ctl_exit result;
    if (err != ERR_OK) {
        ctl_say_note(&note);
        result = CTL_NO;
    } else if (strcmp(ctl->command->verb, "test") == 0) {
        result = pack_test(ctl, pack, folder, &source);
    } else {
        result = pack_check(ctl, pack);
    }
    if (pack != NULL)
        model_pack_free(pack);
    base_mem_free(codes);
    base_mem_free(folder);
    return result;
}
