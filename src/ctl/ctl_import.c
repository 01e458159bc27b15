/* ctl_import.c -- `dougong import FILE --map MAP`.
 *
 *   file -> records -> rows -> messages --QoS 1--> node
 *                 '-> refused: line, column, why      | answered, in order
 *   position: the last line before which everything is answered <--'
 *
 * Repeats  of a sample collapse in the node, so an import may be run again
 *          whole; --resume FILE keeps the position, so that it need not be. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base_mem.h"
#include "ctl/ctl_feed.h"
#include "ctl/import/import_read.h"
#include "ctl/import/import_row.h"
#include "sys/sys_file.h"

enum {
    IMPORT_PENDING = 1024, /* more than a feed keeps */
    IMPORT_SAID = 20,
    IMPORT_SHOWN = 3, /* messages of a dry run */
    IMPORT_ARENA = 2 << 20,
};

struct import_pending {
    uint32_t line;
    unsigned samples;
    int64_t t_ms;
    bool answered;
};

struct import_run {
    const struct ctl *ctl;
    const char *path, *resume;
    struct base_arena arena;
    struct import_map map;
    struct import_read reader;
    struct import_row row;
    struct wire_csv_cell cells[IMPORT_CELLS];
    unsigned count, width;
    bool first, stopped, terminal; /* first: a row is in cells already */
    enum err failed;               /* of the file */
    struct import_pending pending[IMPORT_PENDING];
    uint64_t low, next; /* numbers: all below are answered; to be given next */
    uint32_t line, resumed; /* the position; where it began */
    uint64_t rows, samples, missing, said;
    uint64_t refused[IMPORT_REFUSALS];
    int64_t from_ms, to_ms;
};

/* --- what is said --- */

static void
import_say(struct import_run *run, enum import_refusal refusal,
           const struct base_note *note)
{
    run->refused[refusal]++;
    if (refusal == IMPORT_EMPTY || run->said++ >= IMPORT_SAID)
        return;
    fprintf(stderr, "%s%s:%u:%u: %s\n", run->terminal ? "\r\033[K" : "",
            run->path, note->line, note->column, note->text);
    if (run->said == IMPORT_SAID)
        fputs("... and so on; the report counts them\n", stderr);
}

static void
import_count(struct import_run *run, unsigned samples, int64_t t_ms)
{
    if (run->samples == 0 || t_ms < run->from_ms)
        run->from_ms = t_ms;
    if (run->samples == 0 || t_ms > run->to_ms)
        run->to_ms = t_ms;
    run->samples += samples;
}

/* --- the position --- */

enum { IMPORT_MARK = 512 };

/* What an import must agree in to go on where another stopped, and where. */
static void
import_mark(const struct import_run *run, uint32_t line, char *to)
{
    snprintf(to, IMPORT_MARK,
             "dougong import 1\nsize %" PRIu64 "\nmap %s\nnode %s\nline %u\n",
             run->reader.size, run->map.name, run->ctl->node, line);
}

static void
import_save(const struct import_run *run)
{
    char text[IMPORT_MARK];
    if (run->resume == NULL)
        return;
    import_mark(run, run->line, text);
    if (sys_file_save(sys_file_real(), run->resume, base_bytes_text(text),
                      false) != ERR_OK)
        ctl_say("%s cannot be written: the position is not kept", run->resume);
}

static enum ctl_exit
import_load(struct import_run *run)
{
    struct bytes text;
    char want[IMPORT_MARK];
    unsigned line = 0;
    if (run->resume == NULL)
        return CTL_OK;
    enum err err = sys_file_load(sys_file_real(), run->resume, IMPORT_MARK,
                                 &run->arena, &text);
    if (err == ERR_ABSENT)
        return CTL_OK;
    const char *at =
        err == ERR_OK ? strstr((const char *)text.at, "\nline ") : NULL;
    if (at != NULL && sscanf(at, "\nline %u", &line) == 1) {
        import_mark(run, line, want);
        if (base_bytes_is(text, want)) {
            run->line = run->resumed = line;
            return CTL_OK;
        }
    }
    ctl_say("%s is the position of another import (file, map or node)",
            run->resume);
    return CTL_USAGE;
}

/* --- rows --- */

/* The next record; false: there is none, or the file fails. */
static bool
import_record(struct import_run *run, enum err *ret_err)
{
    *ret_err = ERR_OK;
    if (run->first) {
        run->first = false;
        return true;
    }
    *ret_err = import_read_next(&run->reader, run->cells, &run->count);
    if (*ret_err == ERR_OK || *ret_err == ERR_SYNTAX || *ret_err == ERR_LIMIT)
        return true;
    if (*ret_err != ERR_ABSENT)
        run->failed = *ret_err;
    return false;
}

static enum import_refusal
import_broken(struct import_run *run, enum err err)
{
    const struct wire_csv_cell *bad = &run->reader.csv.bad;
    base_err_note_at(&run->row.note, err, "", bad->line, bad->column, "%s",
                     err == ERR_LIMIT ? "too many cells, or too long"
                                      : "text behind a closing quote, or a "
                                        "quote that is left open");
    return IMPORT_QUOTES;
}

/* A row that is to be sent is in run->row; false: the end. */
static bool
import_row(struct import_run *run)
{
    enum err err;
    while (!run->stopped && import_record(run, &err)) {
        enum import_refusal refusal;
        uint32_t line =
            err == ERR_OK ? run->cells[0].line : run->reader.csv.bad.line;
        if (line <= run->resumed)
            continue;
        run->rows++;
        refusal = err != ERR_OK
                      ? import_broken(run, err)
                      : import_row_read(&run->map, run->cells, run->count,
                                        run->width, &run->row);
        if (refusal == IMPORT_TAKEN || refusal == IMPORT_EMPTY)
            run->missing += run->row.missing;
        if (refusal == IMPORT_TAKEN)
            return true;
        import_say(run, refusal, &run->row.note);
    }
    return false;
}

static int
import_next(void *self, struct wall now, struct ctl_feed_message *ret)
{
    struct import_run *run = self;
    (void)now;
    if (!import_row(run))
        return CTL_FEED_END;
    run->pending[run->next++ % IMPORT_PENDING] = (struct import_pending){
        .line = run->cells[0].line,
        .samples = run->row.samples,
        .t_ms = run->row.t_ms,
    };
    *ret = (struct ctl_feed_message){base_out_bytes(&run->row.topic),
                                     base_out_bytes(&run->row.payload)};
    return CTL_FEED_MESSAGE;
}

static void
import_answered(void *self, uint64_t number, uint8_t reason)
{
    struct import_run *run = self;
    struct import_pending *pending = &run->pending[number % IMPORT_PENDING];
    struct base_note note = {.line = pending->line, .column = 1};
    pending->answered = true;
    if (reason < 0x80) {
        import_count(run, pending->samples, pending->t_ms);
    } else {
        snprintf(note.text, sizeof note.text, "refused by the node (%02Xh): %s",
                 reason,
                 reason == 0x87
                     ? "the identifier is not registered, or this sender may "
                       "not write to it"
                     : "older than it keeps samples (retention in node.yaml), "
                       "ahead of its clock, or a name that it does not take");
        import_say(run, IMPORT_NODE, &note);
    }
    while (run->low < run->next &&
           run->pending[run->low % IMPORT_PENDING].answered)
        run->line = run->pending[run->low++ % IMPORT_PENDING].line;
}

static void
import_stop(void *self)
{
    struct import_run *run = self;
    run->stopped = true;
}

static void
import_progress(void *self, const struct ctl_feed_stats *stats)
{
    struct import_run *run = self;
    import_save(run);
    if (!run->terminal)
        return;
    fprintf(stderr,
            "\rimport: %3" PRIu64 " %%  %" PRIu64 " rows, %" PRIu64
            " messages acknowledged%s\033[K",
            run->reader.size ? run->reader.read * 100 / run->reader.size : 100,
            run->rows, stats->acked, stats->on ? "" : ", waiting for the node");
}

/* --- the report --- */

static uint64_t
import_refused(const struct import_run *run)
{
    uint64_t sum = 0;
    for (unsigned i = IMPORT_EMPTY + 1; i < IMPORT_REFUSALS; i++)
        sum += run->refused[i];
    return sum;
}

static json_t *
import_report(const struct import_run *run, bool dry)
{
    char from[BASE_TIME_TEXT] = "", to[BASE_TIME_TEXT] = "";
    json_t *why = json_object(), *metrics = json_array();
    if (run->samples) {
        base_time_text((struct wall){run->from_ms}, 0, from);
        base_time_text((struct wall){run->to_ms}, 0, to);
    }
    for (unsigned i = IMPORT_EMPTY + 1; i < IMPORT_REFUSALS; i++)
        if (run->refused[i])
            json_object_set_new(why, import_row_refusal((enum import_refusal)i),
                                json_integer((json_int_t)run->refused[i]));
    for (unsigned i = 0; i < run->map.column_count; i++)
        json_array_append_new(metrics, json_string(run->map.columns[i].metric));
    return json_pack(
        "{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:o, s:o, s:I}",
        "file", run->path, "map", run->map.name, "dry_run", dry, "rows",
        (json_int_t)run->rows, "samples", (json_int_t)run->samples, "missing",
        (json_int_t)run->missing, "empty",
        (json_int_t)run->refused[IMPORT_EMPTY], "refused",
        (json_int_t)import_refused(run), "from", from, "to", to, "why", why,
        "metrics", metrics, "after_line", (json_int_t)run->resumed);
}

static void
import_print(const struct import_run *run, bool dry)
{
    json_t *report = import_report(run, dry), *value;
    const char *key;
    if (run->ctl->json) {
        ctl_print_json(report);
        json_decref(report);
        return;
    }
    printf("%s: %" PRIu64 " rows, %" PRIu64 " samples %s, %" PRIu64
           " rows refused, %" PRIu64 " cells missing\n",
           run->path, run->rows, run->samples, dry ? "read" : "acknowledged",
           import_refused(run), run->missing);
    if (run->samples)
        printf("from %s to %s\n",
               json_string_value(json_object_get(report, "from")),
               json_string_value(json_object_get(report, "to")));
    json_object_foreach(json_object_get(report, "why"), key, value)
        printf("refused: %lld %s\n", (long long)json_integer_value(value), key);
    if (run->resumed)
        printf("began after line %u, where %s stood\n", run->resumed,
               run->resume);
    json_decref(report);
}

/* --- the whole --- */

static enum ctl_exit
import_open(struct import_run *run)
{
    struct base_note note = {0};
    enum err err =
        import_map_load(ctl_value(run->ctl, "map"), ctl_value(run->ctl, "id"),
                        &run->arena, &run->map, &note);
    if (err == ERR_OK)
        err = import_read_open(&run->reader, run->path, &run->map, &note);
    if (err == ERR_OK) {
        err = import_read_next(&run->reader, run->cells, &run->count);
        if (err != ERR_OK)
            base_err_note(&note, err, "%s: its first record: %s", run->path,
                          base_err_text(err));
        else
            err = import_row_header(&run->map, run->cells, run->count, &note);
        if (err != ERR_OK && note.line)
            snprintf(note.where, sizeof note.where, "%.95s", run->path);
    }
    run->width = run->count;
    run->first = !run->map.header;
    if (err == ERR_OK)
        return CTL_OK;
    ctl_say_note(&note);
    return CTL_USAGE;
}

static enum ctl_exit
import_dry(struct import_run *run)
{
    for (unsigned shown = 0; import_row(run); shown++) {
        import_count(run, run->row.samples, run->row.t_ms);
        if (shown < IMPORT_SHOWN && !run->ctl->json)
            printf("%.*s %.*s\n", (int)run->row.topic.size, run->row.topic.at,
                   (int)run->row.payload.size, run->row.payload.at);
    }
    return CTL_OK;
}

static enum ctl_exit
import_send(struct import_run *run)
{
    char id[96], room[512];
    struct ctl_feed_stats stats = {0};
    struct ctl_feed feed = {
        .id = id,
        .version = 5, /* 3.1.1 could not be told of a refusal */
        .next = import_next,
        .answered = import_answered,
        .stop = import_stop,
        .progress = import_progress,
        .self = run,
    };
    enum ctl_exit result = import_load(run);
    if (result == CTL_OK)
        result = ctl_feed_credentials(run->ctl, &feed, room, sizeof room);
    if (result != CTL_OK)
        return result;
    snprintf(id, sizeof id, "%s:import-%ld", feed.user ? feed.user : "gateway",
             (long)getpid());
    result = ctl_feed_run(run->ctl, &feed, &stats);
    if (run->terminal)
        fputc('\n', stderr);
    if (result != CTL_OK || run->stopped || run->failed != ERR_OK ||
        stats.waiting > 0)
        import_save(run);
    else if (run->resume)
        (void)sys_file_real()->ops->remove(sys_file_real(), run->resume);
    if (result == CTL_OK && (stats.waiting > 0 || run->stopped)) {
        ctl_say("interrupted; everything up to line %u is in", run->line);
        result = CTL_NO;
    }
    return result;
}

static enum ctl_exit
import_run(struct import_run *run)
{
    bool dry = ctl_value(run->ctl, "dry-run") != NULL;
    enum ctl_exit result = import_open(run);
    if (result == CTL_OK)
        result = dry ? import_dry(run) : import_send(run);
    if (result == CTL_USAGE)
        return result;
    if (run->failed != ERR_OK) {
        ctl_say("%s: behind line %u: %s", run->path, run->reader.csv.line,
                run->failed == ERR_CORRUPT ? "not of the map's encoding"
                                           : base_err_text(run->failed));
        result = CTL_NO;
    }
    import_print(run, dry);
    return result == CTL_OK && import_refused(run) ? CTL_NO : result;
}

enum ctl_exit
ctl_import(struct ctl *ctl)
{
    if (ctl_value(ctl, "map") == NULL) {
        ctl_say("--map MAP: a file, or one that is built in (nab, steel)");
        return CTL_USAGE;
    }
    struct import_run *run = base_mem_zero(sizeof *run);
    run->ctl = ctl;
    run->path = ctl->args[0];
    run->resume = ctl_value(ctl, "resume");
    run->terminal = isatty(STDERR_FILENO) != 0;
    base_arena_init(&run->arena, IMPORT_ARENA);
    import_row_init(&run->row);
    enum ctl_exit result = import_run(run);
    import_row_done(&run->row);
    import_read_shut(&run->reader);
    base_arena_done(&run->arena);
    base_mem_free(run);
    return result;
}
