/* api_tree_move.c -- see api_tree_move.h. */
#include "api/tree/api_tree_move.h"

#include <inttypes.h>

#include "base/base_mem.h"
#include "engine/ident/ident_move.h"
#include "engine/rollup/rollup_move.h"
#include "engine/stream/stream_move.h"
#include "wire/names/wire_move.h"

static void
move_problem(struct net_http_request *request, enum err err,
             const struct base_note *note)
{
    net_http_problem(request,
                     err == ERR_NAME  ? 400
                     : err == ERR_BIG ? 413
                                      : net_http_status(err),
                     note);
}

/* --- figures --- */

struct move_figures {
    struct api_tree *tree;
    struct rollup_move figures;
};

static enum err
move_figures_take(void *self, struct bytes prefix, struct base_out *out,
                  struct base_note *note)
{
    struct move_figures *move = self;
    return rollup_move_export(move->tree->rollup, prefix, out, note);
}

static enum err
move_figures_put(void *self, struct bytes figures, struct bytes signer,
                 struct base_note *note)
{
    struct move_figures *move = self;
    move->figures.figures = figures;
    move->figures.signer = signer;
    move->figures.raise = move->tree->raise;
    move->figures.self = move->tree->raise_self;
    return rollup_move_import(move->tree->rollup, &move->figures, note);
}

/* --- out --- */

struct move_export {
    struct api_tree *tree;
    struct net_http_request *request;
    struct base_task task;
    struct stream_move_out samples;
    enum err err;
};

static void
export_end(struct base_task *task)
{
    struct move_export *export = BASE_OUTER(task, struct move_export, task);
    struct net_http_request *request = export->request;
    struct api_tree *tree = export->tree;
    struct base_out bundle;
    struct base_note note = export->samples.note;
    struct move_figures move = {.tree = tree};
    const struct ident_move_figures figures = {move_figures_take, NULL, &move};
    base_out_grow(&bundle, WIRE_MOVE_MAX);
    enum err err = export->err;
    if (err == ERR_OK)
        err = ident_move_export(tree->ident, net_http_path(request, "prefix"),
                                tree->rollup ? &figures : NULL,
                                base_out_bytes(&export->samples.out), &bundle,
                                &note);
    if (err == ERR_OK)
        net_http_reply(request, 200, "application/octet-stream",
                       base_out_bytes(&bundle));
    else
        move_problem(request, err, &note);
    base_out_done(&bundle);
    base_out_done(&export->samples.out);
    base_mem_free(export);
}

static void
export_samples_done(struct stream_move_out *samples, enum err err)
{
    struct move_export *export =
        BASE_OUTER(samples, struct move_export, samples);
    export->err = err;
    export->task.fn = export_end;
    base_loop_post(export->tree->state, &export->task);
}

static void
export_samples(struct base_task *task)
{
    struct move_export *export = BASE_OUTER(task, struct move_export, task);
    stream_move_export(export->tree->stream, &export->samples);
}

void
api_tree_move_export(void *self, struct net_http_request *request)
{
    struct api_tree *tree = self;
    struct bytes prefix = net_http_path(request, "prefix");
    struct base_note note = {0};
    enum err err =
        ident_move_begin(tree->ident, prefix, &request->principal, &note);
    if (err != ERR_OK) {
        move_problem(request, err, &note);
        return;
    }
    struct move_export *export = base_mem_zero(sizeof *export);
    export->tree = tree;
    export->request = request;
    export->samples.prefix = prefix;
    export->samples.done = export_samples_done;
    export->task.fn = tree->stream ? export_samples : export_end;
    base_loop_post(tree->stream ? tree->ingest : tree->state, &export->task);
}

/* --- taken back --- */

struct move_resume {
    struct base_task task;
    struct stream *stream;
    size_t size;
    uint8_t prefix[];
};

static void
resume_samples(struct base_task *task)
{
    struct move_resume *resume = BASE_OUTER(task, struct move_resume, task);
    stream_move_shut(resume->stream, base_bytes(resume->prefix, resume->size),
                     false);
    base_mem_free(resume);
}

void
api_tree_move_resume(struct api_tree *tree, struct bytes prefix)
{
    if (tree->stream == NULL)
        return;
    struct move_resume *resume = base_mem_zero(sizeof *resume + prefix.size);
    resume->task.fn = resume_samples;
    resume->stream = tree->stream;
    resume->size = prefix.size;
    memcpy(resume->prefix, prefix.at, prefix.size);
    base_loop_post(tree->ingest, &resume->task);
}

/* --- in --- */

struct move_import {
    struct api_tree *tree;
    struct net_http_request *request;
    struct base_task task;
    struct stream_move_in samples;
    enum err err;
};

static json_t *
import_json(const struct move_import *import, const struct ident_moved *moved,
            const struct rollup_move *figures)
{
    return json_pack("{s:s%, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I}", "prefix",
                     (const char *)net_http_path(import->request, "prefix").at,
                     net_http_path(import->request, "prefix").size, "rows",
                     (json_int_t)moved->rows, "made", (json_int_t)moved->made,
                     "signer", json_sprintf("%016" PRIx64, moved->signer),
                     "samples", (json_int_t)import->samples.taken,
                     "samples_old", (json_int_t)import->samples.old, "returns",
                     (json_int_t)figures->returns, "figures",
                     (json_int_t)figures->contributions, "figures_made",
                     (json_int_t)figures->made);
}

static void
import_end(struct base_task *task)
{
    struct move_import *import = BASE_OUTER(task, struct move_import, task);
    struct net_http_request *request = import->request;
    struct api_tree *tree = import->tree;
    struct ident_moved moved;
    struct base_note note = import->samples.note;
    struct move_figures move = {.tree = tree};
    const struct ident_move_figures figures = {NULL, move_figures_put, &move};
    enum err err = import->err;
    if (err == ERR_OK)
        err = ident_move_import(tree->ident, net_http_path(request, "prefix"),
                                request->body, &request->principal,
                                tree->rollup ? &figures : NULL, &moved, &note);
    if (err == ERR_OK)
        net_http_reply_json(request, 200,
                            import_json(import, &moved, &move.figures));
    else
        move_problem(request, err, &note);
    base_mem_free(import);
}

static void
import_samples_done(struct stream_move_in *samples, enum err err)
{
    struct move_import *import =
        BASE_OUTER(samples, struct move_import, samples);
    import->err = err;
    import->task.fn = import_end;
    base_loop_post(import->tree->state, &import->task);
}

static void
import_samples(struct base_task *task)
{
    struct move_import *import = BASE_OUTER(task, struct move_import, task);
    stream_move_import(import->tree->stream, &import->samples);
}

void
api_tree_move_import(void *self, struct net_http_request *request)
{
    struct api_tree *tree = self;
    struct bytes samples = {0};
    struct base_note note = {0};
    enum err err =
        ident_move_look(tree->ident, net_http_path(request, "prefix"),
                        request->body, &samples, &note);
    if (err == ERR_OK && samples.size > 0 && tree->stream == NULL)
        err = base_err_note(&note, ERR_CONFLICT,
                            "the bundle has samples, and this node's role has "
                            "no engine stream to keep them");
    if (err != ERR_OK) {
        move_problem(request, err, &note);
        return;
    }
    struct move_import *import = base_mem_zero(sizeof *import);
    import->tree = tree;
    import->request = request;
    import->samples.samples = samples;
    import->samples.done = import_samples_done;
    import->task.fn = samples.size > 0 ? import_samples : import_end;
    base_loop_post(samples.size > 0 ? tree->ingest : tree->state,
                   &import->task);
}
