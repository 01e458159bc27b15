/* mqtt_server_test.c -- the door over the real journal, catalogue, samples and
 * stream: a broker with a data folder and nothing else, for interop and crash
 * tests by hand.  Every identifier may be made.
 *
 *     mqtt_server_test FOLDER PORT [RECEIVE_MAX]
 *     mqtt_server_test FOLDER dump    every sample: id metric value t
 *
 * SIGTERM ends it in order; kill -9 is a crash. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base_mem.h"
#include "door/mqtt/mqtt_door.h"
#include "engine/stream/stream.h"
#include "sys/sys_random.h"

struct server {
    struct sys_loop *ingest, *state;
    struct base_stats stats;
    struct base_log log;
    struct model_port port;
    struct model_pack_list packs;
    struct store_journal *journal;
    struct store_kv *kv;
    struct store_ts *ts;
    struct stream *stream;
    struct stream_keep *keep;
    struct base_idle idle, state_idle;
    struct net *net;
    struct mqtt_door *door;
    struct base_note note;
    char paths[3][512];
};

/* --- what the rest of a node would do --- */

static void
server_ensured(struct base_task *task)
{
    struct ident_ensure *call = BASE_OUTER(task, struct ident_ensure, task);
    call->done(call, ERR_OK);
}

void
ident_ensure(struct ident *ident, struct ident_ensure *call)
{
    (void)ident;
    call->task.fn = server_ensured;
    base_loop_post(call->loop, &call->task);
}

static void
server_tell(struct model_port *port, struct model_event *event)
{
    (void)port;
    base_mem_free(event);
}

static const struct model_port_ops server_port = {.tell = server_tell};

static void
server_log(struct base_log *log, enum base_log_level level, const char *area,
           const char *event, const char *pairs)
{
    (void)log;
    fprintf(stderr, "%d %s %s %s\n", (int)level, area, event, pairs);
}

static void
server_idle(struct base_idle *idle)
{
    struct server *server = BASE_OUTER(idle, struct server, idle);
    store_journal_close(server->journal, STORE_JOURNAL_SAMPLES);
}

static void
server_state_idle(struct base_idle *idle)
{
    struct server *server = BASE_OUTER(idle, struct server, state_idle);
    store_journal_close(server->journal, STORE_JOURNAL_RECORDS);
}

static void
server_stop(void *self)
{
    sys_loop_stop(self);
}

/* --- opening --- */

static const char *
server_path(struct server *server, unsigned which, const char *folder,
            const char *name)
{
    snprintf(server->paths[which], sizeof server->paths[which], "%s/%s", folder,
             name);
    return server->paths[which];
}

static enum err
server_open_store(struct server *server, const char *folder)
{
    struct base_loop *state = sys_loop_base(server->state);
    struct sys_files *files = sys_file_real();
    struct store_journal_config journal = {
        .files = files,
        .loop = state,
        .random = sys_random(),
        .stats = &server->stats,
        .log = &server->log,
        .folder = server_path(server, 0, folder, "journal"),
        .shards = 1,
        .threads = true,
    };
    struct store_kv_config kv = {
        .loop = state,
        .stats = &server->stats,
        .log = &server->log,
        .folder = server_path(server, 1, folder, "kv"),
        .owner = 2,
        .map_bytes = 1 << 26,
    };
    enum err err = sys_file_folders(files, journal.folder);
    if (err == ERR_OK)
        err = sys_file_folders(files, kv.folder);
    if (err == ERR_OK)
        err = store_journal_open(&journal, &server->journal, &server->note);
    kv.journal = server->journal;
    if (err == ERR_OK)
        err = store_kv_open(&kv, &server->kv, &server->note);
    return err;
}

static enum err
server_open_stream(struct server *server, const char *folder)
{
    struct base_loop *ingest = sys_loop_base(server->ingest);
    struct base_loop *state = sys_loop_base(server->state);
    struct stream_config config = {
        .journal = server->journal,
        .loop = ingest,
        .port = &server->port,
        .packs = &server->packs,
        .stats = &server->stats,
        .log = &server->log,
        .seed = 1,
    };
    struct store_ts_config ts = {
        .journal = server->journal,
        .kv = server->kv,
        .loop = ingest,
        .worker = state,
        .files = sys_file_real(),
        .stats = &server->stats,
        .log = &server->log,
        .folder = server_path(server, 2, folder, "seg"),
        .seed = 1,
        .retention_ms = INT64_C(400) * 86400000,
    };
    enum err err = sys_file_folders(ts.files, ts.folder);
    if (err == ERR_OK)
        err = stream_new(&config, &server->stream);
    if (err == ERR_OK)
        err = store_ts_open(&ts, &server->ts, stream_replayed, server->stream,
                            &server->note);
    if (err == ERR_OK)
        err = stream_keep_new(server->kv, state, ingest, &server->keep);
    if (err == ERR_OK)
        err = store_journal_start(server->journal);
    if (err == ERR_OK)
        err = stream_start(server->stream, server->ts, 0);
    return err;
}

static enum err
server_open_door(struct server *server, uint16_t port, uint16_t receive_max)
{
    struct net_listener *listener;
    struct mqtt_profile profile = mqtt_door_profile_open;
    struct mqtt_door_config config = {
        .loop = sys_loop_base(server->ingest),
        .stream = server->stream,
        .keep = server->keep,
        .ident = (struct ident *)(void *)server,
        .random = sys_random(),
        .stats = &server->stats,
        .log = &server->log,
        .version = "test",
    };
    profile.register_auto = true;
    if (receive_max)
        profile.receive_max = receive_max;
    enum err err = net_new(server->ingest, &server->stats, &server->net);
    if (err == ERR_OK)
        err = mqtt_door_new(&config, &server->door);
    if (err != ERR_OK)
        return err;
    struct mqtt_listener *mqtt = mqtt_door_listener(server->door, &profile);
    struct net_listener_config listen = {
        .address = "127.0.0.1",
        .port = port,
        .proto = mqtt_door_proto(mqtt),
        .door = mqtt,
        .plain = true,
        .waiting_max = 1000,
    };
    return net_listen(server->net, &listen, &listener, &server->note);
}

static enum err
server_dump_series(struct server *server, struct base_arena *arena,
                   const struct store_ts_series *series)
{
    struct store_ts_sample *samples;
    uint64_t count;
    char text[BASE_NUM_TEXT];
    struct bytes id = series->labels->at[0].value;
    enum err err =
        store_ts_read(server->ts, series->group, series->column, INT64_MIN,
                      INT64_MAX, UINT64_MAX, arena, &samples, &count);
    for (uint64_t i = 0; err == ERR_OK && i < count; i++)
        printf("%.*s %.*s %s %lld\n", (int)id.size, (const char *)id.at,
               (int)series->metric.size, (const char *)series->metric.at,
               base_num_text(samples[i].value, text), (long long)samples[i].t);
    return err;
}

static enum err
server_dump(struct server *server)
{
    struct base_arena list, arena;
    struct store_ts_series *series;
    uint32_t count = 0;
    base_arena_init(&list, 1 << 30);
    base_arena_init(&arena, (size_t)4 << 30);
    enum err err =
        store_ts_match(server->ts, NULL, 0, UINT32_MAX, &list, &series, &count);
    for (uint32_t i = 0; err == ERR_OK && i < count; i++) {
        base_arena_reset(&arena);
        err = server_dump_series(server, &arena, &series[i]);
    }
    base_arena_done(&arena);
    base_arena_done(&list);
    return err;
}

static void
server_close(struct server *server)
{
    if (server->door) {
        sys_loop_stop(server->ingest);
        sys_loop_join(server->ingest);
        mqtt_door_shut(server->door);
        net_free(server->net);
        mqtt_door_free(server->door);
    }
    store_ts_shut(server->ts);
    store_kv_shut(server->kv);
    store_journal_shut(server->journal);
    stream_free(server->stream); /* the journal tells its watch to the end */
    stream_keep_free(server->keep);
    sys_loop_free(server->ingest);
    sys_loop_free(server->state);
}

int
main(int argc, char **argv)
{
    static struct server server;
    server.log.write = server_log;
    server.port.ops = &server_port;
    server.port.own = base_bytes_text("88.31.1001");
    base_stat_init(&server.stats);
    if (argc < 3 || sys_loop_new("ingest", &server.ingest) != ERR_OK ||
        sys_loop_new("state", &server.state) != ERR_OK)
        return 2;
    enum err err = server_open_store(&server, argv[1]);
    if (err == ERR_OK)
        err = server_open_stream(&server, argv[1]);
    bool dump = strcmp(argv[2], "dump") == 0;
    if (err == ERR_OK && dump)
        err = server_dump(&server);
    else if (err == ERR_OK)
        err = server_open_door(&server, (uint16_t)atoi(argv[2]),
                               (uint16_t)(argc > 3 ? atoi(argv[3]) : 0));
    if (err != ERR_OK) {
        fprintf(stderr, "%s: %s\n", base_err_name(err), server.note.text);
        return 1;
    }
    if (dump) {
        server_close(&server);
        return 0;
    }
    server.idle.fn = server_idle;
    server.state_idle.fn = server_state_idle;
    base_loop_idle(sys_loop_base(server.ingest), &server.idle);
    base_loop_idle(sys_loop_base(server.state), &server.state_idle);
    /* the thread that opened the catalogue is its writer: state is ours */
    sys_loop_signal(server.state, SIGTERM, server_stop, server.state);
    sys_loop_signal(server.state, SIGINT, server_stop, server.state);
    if (sys_loop_start(server.ingest) != ERR_OK)
        return 1;
    printf("ready\n");
    fflush(stdout);
    sys_loop_run(server.state);
    server_close(&server);
    return 0;
}
