/* net_http_stream.c -- server-sent events (HTML standard, 9.2).
 *
 *   handler's loop          HTTP loop
 *   begin  ------------->   head written, reading only to see the end
 *   event  ------------->   written, or dropped when the client is slow
 *   gone   <-------------   the client left
 *   end    ------------->   closed; freed, unless `gone` is still on its way:
 *                           then that, finding the stream ended, has it freed
 */
#include "base/base_mem.h"
#include "base/base_must.h"
#include "net/http/net_http_inner.h"
#include "sys/sys_thread.h"

struct net_http_stream {
    struct net_http_work *work;
    struct base_loop *loop; /* the handler's */
    void (*gone)(void *self);
    void *self;
    bool ended, told;      /* handler's thread; told: gone() was called */
    bool left;             /* HTTP loop: `gone` was posted */
    _Atomic size_t queued; /* bytes posted, not yet written */
    struct base_task begin_task, left_task, end_task, done_task;
};

struct stream_piece {
    struct base_task task;
    struct net_http_stream *stream;
    size_t size;
    uint8_t data[];
};

static struct base_stat *
stream_dropped(struct net_http_stream *stream)
{
    return &stream->work->http->totals.dropped;
}

void
net_http_stream_free(struct net_http_stream *stream)
{
    base_mem_free(stream);
}

static void
stream_done(struct base_task *task)
{
    struct net_http_stream *stream =
        BASE_OUTER(task, struct net_http_stream, done_task);
    net_http_work_free(stream->work);
    net_http_stream_free(stream);
}

/* Handler's loop.  end_task, posted before, is taken before. */
static void
stream_gone(struct base_task *task)
{
    struct net_http_stream *stream =
        BASE_OUTER(task, struct net_http_stream, left_task);
    if (stream->ended) {
        stream->done_task.fn = stream_done;
        base_loop_post(stream->work->http->loop, &stream->done_task);
        return;
    }
    stream->told = true;
    stream->gone(stream->self);
}

void
net_http_stream_left(struct net_http_stream *stream)
{
    stream->left = true;
    stream->left_task.fn = stream_gone;
    base_loop_post(stream->loop, &stream->left_task);
}

void
net_http_stream_beat(struct net_http_stream *stream)
{
    struct net_conn *conn = stream->work->conn;
    if (net_conn_waiting(conn) == 0)
        net_conn_write(conn, base_bytes_text(":\n\n"));
}

static void
stream_begun(struct base_task *task)
{
    struct net_http_stream *stream =
        BASE_OUTER(task, struct net_http_stream, begin_task);
    struct net_http_work *work = stream->work;
    struct net_http_totals *totals = &work->http->totals;
    bool full = base_stat_get(&totals->streams) >= NET_HTTP_STREAMS;
    work->streaming = true;
    base_stat_inc(&totals->under_way, -1);
    work->under_way = false;
    base_stat_inc(&totals->streams, 1);
    if (full) {
        struct base_note note;
        base_err_note(&note, ERR_BUSY, "too many streams are open");
        net_http_count_refused(work->http, 503);
        net_http_reply_problem(work, 503, &note);
    }
    net_http_count(work->http, work->node, work->status,
                   sys_thread_now_us() - work->start_us);
    if (!work->conn) {
        net_http_stream_left(stream);
        return;
    }
    net_conn_write(work->conn, base_out_bytes(&work->out));
    net_conn_resume(work->conn);
    net_conn_deadline(work->conn, NET_HTTP_BEAT_S);
    if (full || work->head)
        net_conn_close(work->conn, NET_WHY_DONE);
}

struct net_http_stream *
net_http_stream_begin(struct net_http_request *request,
                      void (*gone)(void *self), void *self)
{
    struct net_http_work *work = net_http_work_of(request);
    struct base_loop *loop = work->row->route.loop;
    struct net_http_stream *stream = base_mem_zero(sizeof *stream);
    must(!work->replied);
    work->replied = true;
    stream->work = work;
    stream->loop = loop ? loop : work->http->loop;
    stream->gone = gone;
    stream->self = self;
    work->stream = stream;
    work->close = true; /* its end is the connection's */
    net_http_reply_header(request, "Cache-Control", "no-store");
    net_http_reply_head(work, 200, "text/event-stream", -1);
    stream->begin_task.fn = stream_begun;
    base_loop_post(work->http->loop, &stream->begin_task);
    return stream;
}

/* -- events -- */

static void
stream_arrived(struct base_task *task)
{
    struct stream_piece *piece = BASE_OUTER(task, struct stream_piece, task);
    struct net_http_stream *stream = piece->stream;
    struct net_conn *conn = stream->work->conn;
    if (conn && net_conn_waiting(conn) > NET_HTTP_STREAM_WAITING)
        base_stat_inc(stream_dropped(stream), 1);
    else if (conn)
        net_conn_write(conn, base_bytes(piece->data, piece->size));
    atomic_fetch_sub(&stream->queued, piece->size);
    base_mem_free(piece);
}

static void
stream_text(struct base_out *out, const char *event, struct bytes data)
{
    if (event)
        base_out_format(out, "event: %s\n", event);
    for (size_t at = 0; at <= data.size;) {
        struct bytes rest = base_bytes_slice(data, at, data.size);
        size_t end = base_bytes_find(rest, '\n');
        base_out_text(out, "data: ");
        base_out_bytes_add(out, base_bytes_slice(rest, 0, end));
        base_out_text(out, "\n");
        at += end + 1;
    }
    base_out_text(out, "\n");
}

void
net_http_stream_event(struct net_http_stream *stream, const char *event,
                      struct bytes data)
{
    struct base_out out;
    must(!stream->ended);
    base_out_grow(&out, NET_HTTP_STREAM_WAITING);
    stream_text(&out, event, data);
    if (!base_out_ok(&out) ||
        atomic_load(&stream->queued) + out.size > NET_HTTP_STREAM_WAITING) {
        base_stat_inc(stream_dropped(stream), 1);
        base_out_done(&out);
        return;
    }
    struct stream_piece *piece = base_mem_new(sizeof *piece + out.size);
    piece->task = (struct base_task){.fn = stream_arrived};
    piece->stream = stream;
    piece->size = out.size;
    memcpy(piece->data, out.at, out.size);
    base_out_done(&out);
    atomic_fetch_add(&stream->queued, piece->size);
    base_loop_post(stream->work->http->loop, &piece->task);
}

static void
stream_over(struct base_task *task)
{
    struct net_http_stream *stream =
        BASE_OUTER(task, struct net_http_stream, end_task);
    struct net_http_work *work = stream->work;
    if (work->conn) {
        net_http_forget(work->conn);
        net_conn_close(work->conn, NET_WHY_DONE);
        work->conn = NULL;
    }
    base_stat_inc(&work->http->totals.streams, -1);
    if (!stream->left || stream->told)
        stream_done(&stream->done_task);
}

void
net_http_stream_end(struct net_http_stream *stream)
{
    must(!stream->ended);
    stream->ended = true;
    stream->end_task.fn = stream_over;
    base_loop_post(stream->work->http->loop, &stream->end_task);
}
