/* api_figures.c -- see api_figures.h. */
#include "api/figures/api_figures.h"

#include "api/figures/api_figures_json.h"
#include "api/figures/api_figures_table.h"
#include <stdio.h>

#include "base/base_b64.h"
#include "base/base_mem.h"
#include "net/http/net_http_page.h"
#include "wire/figure/wire_explain.h"

enum {
    FIGURES_LAST = 1000,
    FIGURES_PAGE = 60,
    FIGURES_PARTS = 256,
    FIGURES_ARENA = 4 << 20,
    FIGURES_CSV = 48 << 20,
    FIGURES_LINES = 100000,   /* of a table in JSON */
    FIGURES_REVISIONS = 1000, /* of a history */
};

/* --- parameters --- */

/* A number of lowest..highest; absent: `otherwise`. */
static enum err
figures_number(const struct net_http_request *request, const char *name,
               unsigned lowest, unsigned highest, unsigned otherwise,
               unsigned *ret_number, struct base_note *note)
{
    struct bytes text = net_http_query(request, name);
    uint64_t value = otherwise;
    if (text.at && (base_bytes_u64(text, &value) != ERR_OK || value < lowest ||
                    value > highest))
        return base_err_note_at(
            note, ERR_SYNTAX, name, 0, 0, "\"%.*s\" is no number from %u to %u",
            (int)text.size, (const char *)text.at, lowest, highest);
    *ret_number = (unsigned)value;
    return ERR_OK;
}

/* An instant: RFC 3339 or ms. */
static enum err
figures_asof(const struct net_http_request *request, int64_t *ret_ms,
             struct base_note *note)
{
    struct bytes text = net_http_query(request, "asof");
    struct wall time = {0};
    uint64_t ms;
    if (text.at && base_bytes_u64(text, &ms) == ERR_OK && ms <= INT64_MAX)
        time.ms = (int64_t)ms;
    else if (text.at && base_time_parse(text, &time) != ERR_OK)
        return base_err_note_at(
            note, ERR_SYNTAX, "asof", 0, 0,
            "\"%.*s\" is no instant; one is 2025-11-22T04:55:07.123Z, with "
            "Z or an offset such as +08:00, or a number of milliseconds",
            (int)text.size, (const char *)text.at);
    *ret_ms = time.ms;
    return ERR_OK;
}

/* What is not there is 404, what cannot be read 400, what cannot be done as
 * things stand 409. */
static void
figures_refuse(struct net_http_request *request, enum err err,
               const struct base_note *note)
{
    bool absent = err == ERR_NAME || err == ERR_ABSENT;
    bool wrong =
        err == ERR_SYNTAX || err == ERR_RANGE || err == ERR_UNSUPPORTED;
    bool stands = err == ERR_EXISTS || err == ERR_BUSY;
    if (absent || wrong || stands)
        net_http_problem(request, absent ? 404 : wrong ? 400 : 409, note);
    else
        net_http_reply_err(request, err, note);
}

/* false: refused, and replied. */
static bool
figures_ask(struct net_http_request *request, struct rollup_ask *ask)
{
    struct base_note note = {0};
    *ask = (struct rollup_ask){
        .pack = net_http_query(request, "pack"),
        .name = net_http_query(request, "metric"),
        .at = net_http_query(request, "at"),
        .freq = net_http_query(request, "freq"),
        .cells = net_http_query(request, "cell"),
    };
    enum err err =
        figures_number(request, "last", 1, FIGURES_LAST, 1, &ask->last, &note);
    if (err == ERR_OK)
        err = figures_number(request, "parts", 0, FIGURES_PARTS, 64,
                             &ask->parts, &note);
    if (err == ERR_OK)
        err = figures_number(request, "vintage", 1, UINT32_MAX, 0,
                             &ask->vintage, &note);
    if (err == ERR_OK)
        err = figures_asof(request, &ask->asof_ms, &note);
    if (err != ERR_OK)
        figures_refuse(request, err, &note);
    return err == ERR_OK;
}

/* --- handlers --- */

/* Asks, and replies with what `make` makes of the answer. */
static void
figures_show(struct rollup *rollup, struct net_http_request *request,
             const struct rollup_ask *ask,
             json_t *(*make)(const struct rollup_answer *answer,
                             const struct net_http_request *request))
{
    struct rollup_answer answer = {0};
    struct base_note note = {0};
    struct base_arena arena;
    base_arena_init(&arena, FIGURES_ARENA);
    enum err err = rollup_show(rollup, ask, &arena, &answer, &note);
    if (err == ERR_OK)
        net_http_reply_json(request, 200, make(&answer, request));
    else
        figures_refuse(request, err, &note);
    base_arena_done(&arena);
}

/* The newest window, whole. */
static json_t *
figures_one(const struct rollup_answer *answer,
            const struct net_http_request *request)
{
    const struct rollup_figure *figure = &answer->figures[0];
    json_t *to = api_figures_json_name(&answer->name);
    api_figures_json_cell(to, &answer->cells);
    api_figures_json_window(to, &answer->name, figure);
    json_object_set_new(to, "parts",
                        api_figures_json_parts(&answer->name, figure, request));
    json_object_set_new(to, "parts_left",
                        json_integer((json_int_t)figure->parts_left));
    return to;
}

static json_t *
figures_list(const struct rollup_answer *answer, bool oldest_first)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < answer->count; i++) {
        unsigned at = oldest_first ? answer->count - 1 - i : i;
        json_t *one = json_object();
        api_figures_json_window(one, &answer->name, &answer->figures[at]);
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *
figures_last(const struct rollup_answer *answer,
             const struct net_http_request *request)
{
    json_t *to = figures_one(answer, request);
    json_object_set_new(to, "figures", figures_list(answer, true));
    return to;
}

static json_t *
figures_covered(const struct rollup_answer *answer,
                const struct net_http_request *request)
{
    json_t *to = figures_one(answer, request);
    bool complete = answer->figures[0].state != ROLLUP_OPEN;
    json_object_set_new(to, "complete", json_boolean(complete));
    return to;
}

static json_t *
figures_paged(const struct rollup_answer *answer,
              const struct net_http_request *request)
{
    char text[MODEL_WINDOW_TEXT];
    json_t *to = api_figures_json_name(&answer->name);
    (void)request;
    json_object_set_new(to, "windows", figures_list(answer, false));
    json_object_set_new(
        to, "next",
        answer->next ? json_string(model_calendar_text(
                           &answer->name.pack->calendar, answer->next, text))
                     : json_null());
    return to;
}

/* By the codes of a dim, or of some cells: parameters by and where. */
static void
figures_by(struct rollup *rollup, struct net_http_request *request)
{
    struct rollup_ask ask;
    struct rollup_by by;
    struct base_note note = {0};
    struct base_arena arena;
    if (!figures_ask(request, &ask))
        return;
    const struct rollup_by_ask asked = {
        .pack = ask.pack,
        .name = ask.name,
        .at = ask.at,
        .freq = ask.freq,
        .asof_ms = ask.asof_ms,
        .dim = net_http_query(request, "by"),
        .where = net_http_query(request, "where"),
        .cells = ask.cells,
    };
    base_arena_init(&arena, FIGURES_ARENA);
    enum err err = ERR_OK;
    if (ask.vintage || ask.last > 1)
        err = base_err_note_at(&note, ERR_UNSUPPORTED, "by", 0, 0,
                               "by and where are of one window, and not of a "
                               "vintage");
    if (err == ERR_OK)
        err = rollup_by(rollup, &asked, &arena, &by, &note);
    if (err == ERR_OK)
        net_http_reply_json(request, 200, api_figures_json_by(&by));
    else
        figures_refuse(request, err, &note);
    base_arena_done(&arena);
}

static void
figures_get(void *self, struct net_http_request *request)
{
    struct rollup_ask ask;
    if (net_http_query(request, "by").at ||
        net_http_query(request, "where").at) {
        figures_by(self, request);
        return;
    }
    if (figures_ask(request, &ask))
        figures_show(self, request, &ask,
                     net_http_query(request, "last").at ? figures_last
                                                        : figures_one);
}

static void
figures_coverage(void *self, struct net_http_request *request)
{
    struct rollup_ask ask;
    if (!figures_ask(request, &ask))
        return;
    ask.name = base_bytes_text("reported");
    ask.least_first = true;
    ask.last = 1;
    figures_show(self, request, &ask, figures_covered);
}

static void
figures_windows(void *self, struct net_http_request *request)
{
    struct rollup_ask ask;
    struct net_http_page page;
    if (!figures_ask(request, &ask) ||
        !net_http_page_begin(request, FIGURES_PAGE, FIGURES_LAST, &page))
        return;
    if (page.next.size > 0)
        ask.at = page.next;
    ask.last = page.limit;
    ask.parts = 0;
    net_http_page_drop(&page);
    figures_show(self, request, &ask, figures_paged);
}

static void
figures_packs(void *self, struct net_http_request *request)
{
    const struct model_pack_list *packs = rollup_packs(self);
    json_t *list = json_array();
    for (unsigned i = 0; i < packs->count; i++)
        json_array_append_new(list, api_figures_json_pack(packs->at[i]));
    net_http_reply_json(request, 200, json_pack("{s:o}", "packs", list));
}

/* Seals; replies with the figure as it is then. */
static void
figures_seal(void *self, struct net_http_request *request)
{
    struct base_note note = {0};
    struct bytes at = net_http_query(request, "at");
    struct rollup_ask ask = {.pack = net_http_path(request, "pack"),
                             .name = base_bytes_text("reported"),
                             .at = at};
    uint32_t window = 0;
    const struct model_pack *pack =
        model_pack_list_find(rollup_packs(self), ask.pack, NULL);
    enum err err = pack ? model_calendar_parse(&pack->calendar, at, &window)
                        : model_window_parse(at, &window);
    if (err != ERR_OK)
        err = base_err_note_at(&note, ERR_SYNTAX, "at", 0, 0,
                               "say which window is to be sealed: at=2025-11 a "
                               "month, at=2025-01..02 two filed as one, "
                               "at=2025-11-22T04 an hour");
    else
        err = rollup_seal(self, ask.pack, window, &request->principal, &note);
    if (err == ERR_OK)
        figures_show(self, request, &ask, figures_one);
    else
        figures_refuse(request, err, &note);
}

/* --- tables and histories --- */

struct figures_table {
    const struct net_http_request *request;
    const struct rollup_table *read; /* filled in before the first line */
    struct base_out csv;
    struct net_http_page page; /* or */
    uint64_t from, at;         /* lines before the page; before this line */
    unsigned hidden;
};

/* Who may not know a unit's name does not see its line. */
static bool
figures_may_name(struct figures_table *table, const struct rollup_line *line)
{
    if (!line->unit || net_http_may(table->request, MODEL_GRANT_NAMES,
                                    line->from, NULL) == ERR_OK)
        return true;
    table->hidden++;
    return false;
}

static bool
figures_line_csv(void *self, const struct rollup_line *line)
{
    struct figures_table *table = self;
    if (table->csv.size == 0)
        api_figures_table_head(&table->csv, table->read->pack);
    if (figures_may_name(table, line))
        api_figures_table_line(&table->csv, table->read->pack,
                               table->read->window, line);
    return table->csv.failed == ERR_OK;
}

static bool
figures_line(struct figures_table *table, const struct rollup_line *line,
             json_t *(*make)(const struct model_pack *pack,
                             const struct rollup_line *line))
{
    uint64_t number = table->at++;
    if (number < table->from || !figures_may_name(table, line))
        return true;
    if (!net_http_page_room(&table->page))
        return false;
    net_http_page_add_number(&table->page, number,
                             make(table->read->pack, line));
    return true;
}

static bool
figures_line_json(void *self, const struct rollup_line *line)
{
    return figures_line(self, line, api_figures_table_json);
}

static bool
figures_revision(void *self, const struct rollup_line *line)
{
    return figures_line(self, line, api_figures_table_revision);
}

/* pack, window, shape, asof, and the list under this name. */
static json_t *
figures_table_json(struct figures_table *table, const char *name)
{
    char text[MODEL_WINDOW_TEXT], hex[65];
    const struct model_pack *pack = table->read->pack;
    json_t *to = json_pack(
        "{s:s, s:s, s:s, s:I, s:i}", "pack", pack->name, "window",
        model_calendar_text(&pack->calendar, table->read->window, text),
        "shape", base_b64_hex(base_bytes(pack->shape, 32), hex), "asof",
        (json_int_t)table->read->at_ms, "hidden", (int)table->hidden);
    net_http_page_into(&table->page, name, to);
    return to;
}

/* false: refused, and replied. */
static bool
figures_table_ask(struct net_http_request *request,
                  struct rollup_table_ask *ask)
{
    struct base_note note = {0};
    unsigned parts;
    *ask = (struct rollup_table_ask){.pack = net_http_query(request, "pack"),
                                     .at = net_http_query(request, "at"),
                                     .freq = net_http_query(request, "freq")};
    enum err err = figures_asof(request, &ask->asof_ms, &note);
    if (err == ERR_OK)
        err = figures_number(request, "parts", 0, 1, 0, &parts, &note);
    if (err == ERR_OK)
        ask->parts = parts > 0;
    else
        figures_refuse(request, err, &note);
    return err == ERR_OK;
}

static void
figures_table_csv(struct rollup *rollup, struct net_http_request *request,
                  const struct rollup_table_ask *ask)
{
    struct rollup_table read;
    struct base_note note = {0};
    char number[32];
    struct figures_table table = {.request = request, .read = &read};
    base_out_grow(&table.csv, FIGURES_CSV);
    enum err err =
        rollup_table(rollup, ask, figures_line_csv, &table, &read, &note);
    if (err == ERR_OK) {
        if (table.csv.size == 0) /* no line at all */
            api_figures_table_head(&table.csv, read.pack);
        err = table.csv.failed;
    }
    if (err == ERR_OK) {
        snprintf(number, sizeof number, "%lld", (long long)read.at_ms);
        net_http_reply_header(request, "Dougong-Asof", number);
        snprintf(number, sizeof number, "%u", table.hidden);
        net_http_reply_header(request, "Dougong-Hidden", number);
        net_http_reply(request, 200, "text/csv; charset=utf-8",
                       base_out_bytes(&table.csv));
    } else {
        figures_refuse(request, err, &note);
    }
    base_out_done(&table.csv);
}

static void
figures_table(void *self, struct net_http_request *request)
{
    struct rollup_table_ask ask;
    struct rollup_table read;
    struct base_note note = {0};
    struct figures_table table = {.request = request, .read = &read};
    if (!figures_table_ask(request, &ask))
        return;
    if (base_bytes_is(net_http_query(request, "format"), "csv")) {
        figures_table_csv(self, request, &ask);
        return;
    }
    if (!net_http_page_begin(request, FIGURES_LINES, FIGURES_LINES,
                             &table.page) ||
        !net_http_page_from(request, &table.page, &table.from))
        return;
    enum err err =
        rollup_table(self, &ask, figures_line_json, &table, &read, &note);
    if (err == ERR_OK) {
        net_http_reply_json(request, 200, figures_table_json(&table, "lines"));
        return;
    }
    net_http_page_drop(&table.page);
    figures_refuse(request, err, &note);
}

static void
figures_history(void *self, struct net_http_request *request)
{
    struct rollup_table_ask ask;
    struct rollup_table read;
    struct base_note note = {0};
    struct figures_table table = {.request = request, .read = &read};
    if (!figures_table_ask(request, &ask) ||
        !net_http_page_begin(request, FIGURES_REVISIONS, FIGURES_REVISIONS,
                             &table.page) ||
        !net_http_page_from(request, &table.page, &table.from))
        return;
    ask.asof_ms = 0;
    enum err err = rollup_history(self, &ask, net_http_query(request, "from"),
                                  figures_revision, &table, &read, &note);
    if (err == ERR_OK) {
        net_http_reply_json(request, 200,
                            figures_table_json(&table, "revisions"));
        return;
    }
    net_http_page_drop(&table.page);
    figures_refuse(request, err, &note);
}

/* --- explain: answers later --- */

struct figures_explain {
    struct rollup_explain explain;
    struct net_http_request *request;
};

/* "(busy / all - 1) * 100" */
static json_t *
figures_formula(const struct rollup_name *name)
{
    const struct model_pack_metric *metric = name->metric;
    char minus[BASE_DEC_TEXT], times[BASE_DEC_TEXT];
    const struct model_pack_measure *measures = name->pack->measures;
    if (!metric)
        return json_string(
            name->a < MODEL_FIGURE_MEASURES
                ? name->name
                : measures[name->a - MODEL_FIGURE_MEASURES].expr_text);
    if (metric->derived)
        return json_string(metric->derived_text);
    base_dec_text(metric->minus, -1, minus);
    base_dec_text(metric->times, -1, times);
    bool less = metric->minus.count != 0;
    char *text = base_mem_format("%s%s / %s%s%s%s * %s", less ? "(" : "",
                                 measures[metric->a].name,
                                 measures[metric->b].name, less ? " - " : "",
                                 less ? minus : "", less ? ")" : "", times);
    json_t *to = json_string(text);
    base_mem_free(text);
    return to;
}

static json_t *
figures_explained(const struct figures_explain *explain, struct bytes entries)
{
    const struct rollup_name *name = &explain->explain.name;
    struct wire_explain_entry own = {0};
    struct rollup_figure figure = {.window = explain->explain.window,
                                   .at_ms = explain->explain.at_ms};
    struct base_cur cur;
    char text[BASE_DEC_TEXT];
    if (wire_explain_open(entries, &cur) == ERR_OK)
        wire_explain_next(&cur, &own);
    json_t *to = api_figures_json_name(name), *window = json_object();
    api_figures_json_cell(to, &explain->explain.cells);
    figure.sum.reported = own.reported;
    figure.sum.expected = own.expected;
    figure.sum.n = own.n;
    figure.sum.present = (own.has & WIRE_EXPLAIN_VALUE) != 0;
    figure.sum.value = own.value;
    api_figures_json_window(window, name, &figure);
    static const char *const keys[] = {"window",   "freq",    "from",  "to",
                                       "value",    "n",       "shape", "asof",
                                       "reported", "expected"};
    for (size_t i = 0; i < BASE_COUNT(keys); i++)
        json_object_set(to, keys[i], json_object_get(window, keys[i]));
    json_decref(window);
    json_object_set_new(to, "formula", figures_formula(name));
    json_object_set_new(
        to, "a",
        api_figures_json_operand(name, true, own.has & WIRE_EXPLAIN_A, own.a));
    if (name->metric) {
        json_object_set_new(to, "b",
                            api_figures_json_operand(
                                name, false, own.has & WIRE_EXPLAIN_B, own.b));
        json_object_set_new(
            to, "times",
            json_string(base_dec_text(name->metric->times, -1, text)));
        json_object_set_new(
            to, "minus",
            json_string(base_dec_text(name->metric->minus, -1, text)));
    }
    json_object_set_new(to, "entries",
                        api_figures_entries(name, entries, explain->request));
    return to;
}

static void
figures_explain_done(struct rollup_explain *done, enum err err,
                     struct bytes entries)
{
    struct figures_explain *explain =
        BASE_OUTER(done, struct figures_explain, explain);
    if (err == ERR_OK)
        net_http_reply_json(explain->request, 200,
                            figures_explained(explain, entries));
    else
        net_http_reply_err(explain->request, err, NULL);
    base_mem_free(explain);
}

static void
figures_explain(void *self, struct net_http_request *request)
{
    struct rollup_ask ask;
    struct base_note note = {0};
    if (!figures_ask(request, &ask))
        return;
    struct figures_explain *explain = base_mem_zero(sizeof *explain);
    explain->explain.done = figures_explain_done;
    explain->request = request;
    enum err err = rollup_explain(self, &ask, &explain->explain, &note);
    if (err != ERR_OK) {
        base_mem_free(explain);
        figures_refuse(request, err, &note);
    }
}

void
api_figures_routes(struct rollup *rollup, struct base_loop *loop,
                   struct net_http_route routes[API_FIGURES_ROUTES])
{
    static const struct {
        unsigned methods;
        enum model_grant_action action;
        const char *pattern;
        void (*handle)(void *self, struct net_http_request *request);
        size_t body_max;
    } rows[API_FIGURES_ROUTES] = {
        {NET_HTTP_GET, MODEL_GRANT_FIGURES, "/api/figures", figures_get, 0},
        {NET_HTTP_GET, MODEL_GRANT_FIGURES, "/api/figures/explain",
         figures_explain, 0},
        {NET_HTTP_GET, MODEL_GRANT_FIGURES, "/api/figures/coverage",
         figures_coverage, 0},
        {NET_HTTP_GET, MODEL_GRANT_FIGURES, "/api/figures/packs", figures_packs,
         0},
        {NET_HTTP_GET, MODEL_GRANT_FIGURES, "/api/figures/windows",
         figures_windows, 0},
        {NET_HTTP_GET, MODEL_GRANT_FIGURES, "/api/figures/table", figures_table,
         0},
        {NET_HTTP_GET, MODEL_GRANT_FIGURES, "/api/figures/history",
         figures_history, 0},
        {NET_HTTP_POST | NET_HTTP_ONCE, MODEL_GRANT_SEAL,
         "/api/figures/{pack}/seal", figures_seal, 4096},
    };
    for (unsigned i = 0; i < API_FIGURES_ROUTES; i++)
        routes[i] = (struct net_http_route){
            .methods = rows[i].methods,
            .pattern = rows[i].pattern,
            .action = rows[i].action,
            .object = rows[i].action == MODEL_GRANT_FIGURES ? "*" : NULL,
            .loop = loop,
            .handle = rows[i].handle,
            .self = rollup,
            .body_max = rows[i].body_max,
        };
}
