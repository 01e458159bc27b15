/* net_http_reply.c -- answers: written where the handler is, sent elsewhere. */
#include <http_parser.h>
#include <stdio.h>

#include "base/base_must.h"
#include "net/http/net_http_inner.h"

static const char *
reply_title(unsigned status)
{
    return http_status_str((enum http_status)status);
}

/* -- the head -- */

/* RFC 9110 5.6.7, "Sat, 22 Nov 2025 04:55:07 GMT". */
static void
reply_date(struct base_out *out, struct wall now)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun",
                                       "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr",
                                         "May", "Jun", "Jul", "Aug",
                                         "Sep", "Oct", "Nov", "Dec"};
    struct base_time_civil c = base_time_civil(now, 0);
    int64_t day = base_time_days(c.year, c.month, c.day);
    base_out_format(out, "Date: %s, %02u %s %04d %02u:%02u:%02u GMT\r\n",
                    days[(day % 7 + 7) % 7], c.day, months[c.month - 1], c.year,
                    c.hour, c.minute, c.second);
}

/* The head alone; size < 0: no Content-Length. */
static void
reply_head(struct net_http_work *work, unsigned status,
           const char *content_type, int64_t size)
{
    struct base_out *out = &work->out;
    work->status = status;
    base_out_done(out);
    base_out_grow(out, NET_HTTP_REPLY);
    base_out_format(out, "HTTP/1.1 %u %s\r\nServer: %s\r\n", status,
                    reply_title(status), work->http->server);
    reply_date(out, base_loop_wall(work->http->loop));
    if (size >= 0)
        base_out_format(out, "Content-Length: %lld\r\n", (long long)size);
    if (content_type)
        base_out_format(out,
                        "Content-Type: %s\r\n"
                        "X-Content-Type-Options: nosniff\r\n",
                        content_type);
    base_out_bytes_add(out, base_out_bytes(&work->extra));
    base_out_format(out, "Connection: %s\r\n\r\n",
                    work->close ? "close" : "keep-alive");
}

void
net_http_reply_write(struct net_http_work *work, unsigned status,
                     const char *content_type, struct bytes body)
{
    if (status < 200 || status == 204 || status == 304) {
        reply_head(work, status, NULL, -1);
        return;
    }
    reply_head(work, status, content_type, (int64_t)body.size);
    if (!work->head)
        base_out_bytes_add(&work->out, body);
    if (!base_out_ok(&work->out)) {
        struct base_note note;
        base_err_note(&note, ERR_BIG, "the answer is longer than 64 MiB");
        must(status != 500);
        net_http_reply_problem(work, 500, &note);
    }
}

/* -- problems -- */

/* Notes quote what came from outside: it may be no UTF-8, or cut. */
static json_t *
reply_text(const char *text)
{
    char clean[sizeof((struct base_note){0}).text];
    struct bytes bytes = base_bytes_text(text);
    base_bytes_string(bytes, clean, sizeof clean);
    if (!base_bytes_utf8(bytes))
        for (char *c = clean; *c; c++)
            if ((uint8_t)*c >= 0x80)
                *c = '?';
    return json_string(clean);
}

void
net_http_reply_problem(struct net_http_work *work, unsigned status,
                       const struct base_note *note)
{
    json_t *problem = json_object();
    json_object_set_new(problem, "type", json_string("about:blank"));
    json_object_set_new(problem, "title", json_string(reply_title(status)));
    json_object_set_new(problem, "status", json_integer(status));
    if (note && note->text[0])
        json_object_set_new(problem, "detail", reply_text(note->text));
    if (note)
        json_object_set_new(problem, "code",
                            json_string(base_err_name(note->code)));
    if (note && note->where[0])
        json_object_set_new(problem, "where", reply_text(note->where));
    if (note && note->line)
        json_object_set_new(problem, "line", json_integer(note->line));
    if (note && note->column)
        json_object_set_new(problem, "column", json_integer(note->column));
    char text[4096];
    size_t size = json_dumpb(problem, text, sizeof text, JSON_COMPACT);
    json_decref(problem);
    if (size > sizeof text)
        size = 0;
    struct bytes extra = base_out_bytes(&work->extra);
    bool told = extra.size > 0 &&
                memmem(extra.at, extra.size, "Retry-After:", 12) != NULL;
    if ((status == 503 || status == 429) && !told)
        net_http_reply_header(&work->request, "Retry-After", "1");
    net_http_reply_write(work, status, "application/problem+json",
                         base_bytes(text, size));
}

/* -- for handlers -- */

/* On the HTTP loop. */
static void
reply_durable(struct net_http_hold *hold, enum err err)
{
    struct net_http_work *work = BASE_OUTER(hold, struct net_http_work, hold);
    if (err != ERR_OK) {
        struct base_note note;
        base_err_note(&note, err, "the answer's content could not be stored");
        net_http_reply_problem(work, net_http_status(err), &note);
    }
    net_http_send(work);
}

static void
reply_arrived(struct base_task *task)
{
    struct net_http_work *work = BASE_OUTER(task, struct net_http_work, task);
    const struct net_http_config *config = &work->http->config;
    work->hold.fn = reply_durable;
    if (config->hold)
        config->hold(config->hold_self, &work->hold);
    else
        net_http_send(work);
}

static void
reply_post(struct net_http_work *work, const char *type, struct bytes body)
{
    net_http_once_end(work, type, body);
    work->replied = true;
    work->task.fn = reply_arrived;
    base_loop_post(work->http->loop, &work->task);
}

static struct net_http_work *
reply_work(struct net_http_request *request)
{
    struct net_http_work *work = net_http_work_of(request);
    must(!work->replied);
    return work;
}

void
net_http_reply(struct net_http_request *request, unsigned status,
               const char *content_type, struct bytes body)
{
    struct net_http_work *work = reply_work(request);
    net_http_reply_write(work, status, content_type, body);
    reply_post(work, content_type, body);
}

static int
reply_dump(const char *at, size_t size, void *self)
{
    base_out_bytes_add(self, base_bytes(at, size));
    return base_out_ok(self) ? 0 : -1;
}

void
net_http_reply_json(struct net_http_request *request, unsigned status,
                    json_t *take)
{
    struct base_out text;
    struct base_note note;
    if (!take) { /* jansson takes no text that is not UTF-8 */
        base_err_note(&note, ERR_CORRUPT, "the answer is not valid JSON");
        net_http_reply_refusal(request, 500, &note);
        return;
    }
    base_out_grow(&text, NET_HTTP_REPLY);
    int failed = json_dump_callback(take, reply_dump, &text,
                                    JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(take);
    if (failed) {
        base_err_note(&note, ERR_BIG, "the answer is longer than 64 MiB");
        net_http_reply_refusal(request, 500, &note);
    } else {
        net_http_reply(request, status, "application/json",
                       base_out_bytes(&text));
    }
    base_out_done(&text);
}

void
net_http_reply_refusal(struct net_http_request *request, unsigned status,
                       const struct base_note *note)
{
    struct net_http_work *work = reply_work(request);
    net_http_reply_problem(work, status, note);
    reply_post(work, NULL, (struct bytes){0});
}

void
net_http_reply_err(struct net_http_request *request, enum err err,
                   const struct base_note *note)
{
    struct base_note bare;
    if (!note || !note->text[0]) {
        base_err_note(&bare, err, "%s", base_err_text(err));
        note = &bare;
    }
    net_http_reply_refusal(request, net_http_status(err), note);
}

void
net_http_reply_header(struct net_http_request *request, const char *name,
                      const char *value)
{
    struct base_out *extra = &net_http_work_of(request)->extra;
    base_out_format(extra, "%s: ", name);
    for (const char *c = value; *c; c++)
        base_out_u8(extra, (uint8_t)*c < ' ' || *c == 0x7f ? '?' : (uint8_t)*c);
    base_out_text(extra, "\r\n");
}
