/* ctl_bench_mqtt.c -- one thread, one epoll, many clients.
 *
 *   OFF -- connect --> CONNECTING -- writable: CONNECT --> GREETING
 *    ^                                                        | CONNACK 00
 *    '--- lost (--persist: again after 100 ms) --- ON <-------'
 *
 * A connection sends while its window has room (and, with --rate, while
 * messages are due); what did not fit into the socket waits in its buffer, and
 * nothing more is made until it has gone. */
#include "ctl/ctl_bench_mqtt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/base_mem.h"
#include "wire/mqtt/wire_mqtt.h"

enum {
    BENCH_OUT = 65536,
    BENCH_IN = 16384,
    BENCH_BUCKETS = 64 * 32,
    BENCH_EVENTS = 256,
    BENCH_PER_ADDRESS = 20000, /* connections from one source address */
    BENCH_AGAIN_NS = 100000000,
    BENCH_PROTOCOL_ID = 65535, /* packet ids go 1 .. this */
};

struct bench_options {
    const char *host, *prefix, *acked, *topic;
    unsigned port, connections, window, qos, protocol, pid, idle, hold;
    unsigned seconds, rate, size;
    uint64_t messages; /* in all */
    bool readings, persist;
};

enum bench_state { BENCH_OFF, BENCH_CONNECTING, BENCH_GREETING, BENCH_ON };

struct bench_conn {
    int fd;
    enum bench_state state;
    unsigned index, window;
    uint64_t low, next, top; /* numbers: unacked, to be sent, never sent yet */
    uint64_t last;           /* one beyond the last to be sent */
    int64_t *due_ns;         /* a ring of `window`; 0: acknowledged */
    int64_t again_ns;
    bool waits; /* for EPOLLOUT */
    uint8_t *out, *in;
    size_t out_at, out_size, in_size;
    char topic[128];
    unsigned topic_size;
};

struct bench {
    struct bench_options o;
    int epoll;
    struct bench_conn *conns;
    unsigned open, greeted; /* not OFF; ever ON */
    uint64_t acked, refused, lost, sent;
    int64_t start_ns, end_ns, first_ts; /* start_ns 0: still connecting */
    uint64_t *histogram;
    FILE *file;
    struct sockaddr_in server;
    uint8_t first_refusal;
};

static int64_t
bench_now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* --- latencies: 32 steps per power of two --- */

static void
bench_observe(struct bench *bench, int64_t ns)
{
    uint64_t v = ns > 0 ? (uint64_t)ns / 1000 : 0; /* us */
    unsigned power = v < 32 ? 0 : 59u - (unsigned)__builtin_clzll(v);
    unsigned bucket = power * 32 + (unsigned)(v >> power);
    bench->histogram[bucket < BENCH_BUCKETS ? bucket : BENCH_BUCKETS - 1]++;
}

static uint64_t
bench_quantile(const struct bench *bench, double share)
{
    uint64_t total = 0, seen = 0;
    for (unsigned i = 0; i < BENCH_BUCKETS; i++)
        total += bench->histogram[i];
    for (unsigned i = 0; i < BENCH_BUCKETS; i++) {
        seen += bench->histogram[i];
        if (total && (double)seen >= share * (double)total) {
            unsigned power = i < 64 ? 0 : i / 32 - 1;
            return (uint64_t)(i - power * 32) << power;
        }
    }
    return 0;
}

/* --- what the system says of a process --- */

struct bench_process {
    double cpu_s;
    long rss_kib;
};

static struct bench_process
bench_process(unsigned pid)
{
    struct bench_process process = {0};
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return process;
    char *at = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    long user = 0, kernel = 0, pages = 0;
    if (at && sscanf(at + 1,
                     " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld "
                     "%*d %*d %*d %*d %*d %*d %*u %*u %ld",
                     &user, &kernel, &pages) == 3) {
        process.cpu_s = (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
        process.rss_kib = pages * (sysconf(_SC_PAGESIZE) / 1024);
    }
    fclose(file);
    return process;
}

/* --- connecting --- */

static void
bench_listen(struct bench *bench, struct bench_conn *conn, bool out)
{
    struct epoll_event event = {
        .events = EPOLLIN | (out ? (uint32_t)EPOLLOUT : 0u),
        .data.u32 = conn->index,
    };
    conn->waits = out;
    epoll_ctl(bench->epoll, EPOLL_CTL_MOD, conn->fd, &event);
}

static void
bench_lose(struct bench *bench, struct bench_conn *conn)
{
    if (conn->state == BENCH_OFF)
        return;
    if (conn->state == BENCH_ON)
        bench->lost++;
    close(conn->fd);
    conn->fd = -1;
    conn->state = BENCH_OFF;
    conn->next = conn->low; /* again from the first that was not acknowledged */
    conn->again_ns = bench_now_ns(CLOCK_MONOTONIC) + BENCH_AGAIN_NS;
    conn->out_at = conn->out_size = conn->in_size = 0;
    bench->open--;
}

static bool
bench_connect(struct bench *bench, struct bench_conn *conn)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT,
                                .data.u32 = conn->index};
    int one = 1;
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->fd < 0)
        return false;
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    from.sin_addr.s_addr =
        htonl(INADDR_LOOPBACK + 1 + conn->index / BENCH_PER_ADDRESS);
    if (bench->o.idle)
        (void)bind(conn->fd, (struct sockaddr *)&from, sizeof from);
    if (connect(conn->fd, (struct sockaddr *)&bench->server,
                sizeof bench->server) != 0 &&
        errno != EINPROGRESS) {
        close(conn->fd);
        conn->fd = -1;
        conn->again_ns = bench_now_ns(CLOCK_MONOTONIC) + BENCH_AGAIN_NS;
        return false;
    }
    epoll_ctl(bench->epoll, EPOLL_CTL_ADD, conn->fd, &event);
    conn->state = BENCH_CONNECTING;
    conn->waits = true;
    bench->open++;
    return true;
}

/* --- sending --- */

/* false: lost. */
static bool
bench_flush(struct bench *bench, struct bench_conn *conn)
{
    while (conn->out_at < conn->out_size) {
        ssize_t n = send(conn->fd, conn->out + conn->out_at,
                         conn->out_size - conn->out_at, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            if (!conn->waits)
                bench_listen(bench, conn, true);
            return true;
        }
        if (n < 0) {
            bench_lose(bench, conn);
            return false;
        }
        conn->out_at += (size_t)n;
    }
    conn->out_at = conn->out_size = 0;
    if (conn->waits)
        bench_listen(bench, conn, false);
    return true;
}

/* More behind what waits. */
static void
bench_put(struct bench_conn *conn, struct base_out *out)
{
    base_out_fixed(out, conn->out + conn->out_size, BENCH_OUT - conn->out_size);
}

static void
bench_greet(struct bench *bench, struct bench_conn *conn)
{
    struct base_out out;
    char id[32];
    int size = snprintf(id, sizeof id, "bench-%u", conn->index);
    bench_put(conn, &out);
    struct wire_mqtt_greeting greeting = {
        .version = (uint8_t)bench->o.protocol,
        .keep_alive_s = 600,
        .id = base_bytes(id, (size_t)size),
    };
    wire_mqtt_write_connect(&out, &greeting);
    conn->out_size += out.size;
    conn->state = BENCH_GREETING;
    bench_flush(bench, conn);
}

static unsigned
bench_digits(uint64_t value, char *to)
{
    char text[20];
    unsigned size = 0;
    do
        text[size++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    for (unsigned i = 0; i < size; i++)
        to[i] = text[size - 1 - i];
    return size;
}

static uint64_t
bench_ts(const struct bench *bench, uint64_t number)
{
    return (uint64_t)bench->first_ts + number;
}

/* Message `number` of this connection; to: 128 bytes and the size asked. */
static struct bytes
bench_payload(const struct bench *bench, uint64_t number, char *to)
{
    static const char head[] = "{\"ts\":", middle[] = ",\"v\":{\"value\":";
    char *at = to;
    if (bench->o.readings) {
        memcpy(at, head, sizeof head - 1);
        at += sizeof head - 1;
        at += bench_digits(bench_ts(bench, number), at);
        memcpy(at, middle, sizeof middle - 1);
        at += sizeof middle - 1;
    }
    at += bench_digits(number, at);
    if (bench->o.readings) {
        *at++ = '}';
        *at++ = '}';
    }
    while ((size_t)(at - to) < bench->o.size)
        *at++ = ' ';
    return base_bytes(to, (size_t)(at - to));
}

static void
bench_publish(struct bench *bench, struct bench_conn *conn, int64_t due_ns)
{
    char payload[128 + 4096];
    struct base_out out;
    bool again = conn->next < conn->top;
    struct wire_mqtt_outgoing packet = {
        .version = (uint8_t)bench->o.protocol,
        .qos = (uint8_t)bench->o.qos,
        .id = (uint16_t)(conn->next % BENCH_PROTOCOL_ID + 1),
        .topic = base_bytes(conn->topic, conn->topic_size),
        .payload = bench_payload(bench, conn->next, payload),
    };
    bench_put(conn, &out);
    wire_mqtt_write_publish(&out, &packet);
    conn->out_size += out.size;
    if (!again)
        conn->due_ns[conn->next % conn->window] = due_ns;
    conn->next++;
    bench->sent++;
    if (!again)
        conn->top = conn->next;
    if (bench->o.qos == 0) {
        conn->low = conn->next;
        bench->acked++;
    }
}

/* When the next message was due, with --rate; 0: not yet. */
static int64_t
bench_due(struct bench *bench, const struct bench_conn *conn, int64_t now_ns)
{
    if (bench->o.rate == 0 || conn->next < conn->top)
        return now_ns;
    uint64_t order = conn->next * bench->o.connections + conn->index;
    int64_t at = bench->start_ns +
                 (int64_t)((double)order * 1e9 / (double)bench->o.rate);
    return at <= now_ns ? at : 0;
}

static void
bench_pump(struct bench *bench, struct bench_conn *conn, int64_t now_ns)
{
    size_t most = conn->topic_size + 192 + bench->o.size;
    if (conn->state != BENCH_ON || conn->waits || bench->start_ns == 0)
        return;
    while (conn->next < conn->last && conn->next < conn->low + conn->window &&
           conn->out_size + most < BENCH_OUT) {
        int64_t due_ns = bench_due(bench, conn, now_ns);
        if (due_ns == 0)
            break;
        bench_publish(bench, conn, due_ns);
    }
    if (conn->out_size)
        bench_flush(bench, conn);
}

/* --- receiving --- */

static void
bench_acked(struct bench *bench, struct bench_conn *conn, uint16_t id,
            uint8_t reason, int64_t now_ns)
{
    uint64_t ahead =
        (id + (BENCH_PROTOCOL_ID - 1ul) - conn->low % BENCH_PROTOCOL_ID) %
        BENCH_PROTOCOL_ID;
    uint64_t number = conn->low + ahead;
    int64_t *due_ns = &conn->due_ns[number % conn->window];
    if (number >= conn->next || *due_ns == 0)
        return;
    if (reason >= 0x80) {
        if (!bench->first_refusal)
            bench->first_refusal = reason;
        bench->refused++;
    } else {
        bench->acked++;
        bench_observe(bench, now_ns - *due_ns);
        if (bench->file)
            fprintf(bench->file, "%s %" PRIu64 " %" PRIu64 "\n", conn->topic,
                    number, bench->o.readings ? bench_ts(bench, number) : 0);
    }
    *due_ns = 0;
    while (conn->low < conn->next &&
           conn->due_ns[conn->low % conn->window] == 0)
        conn->low++;
}

static bool
bench_welcome(struct bench *bench, struct bench_conn *conn, struct bytes body)
{
    struct wire_mqtt_connack packet;
    if (wire_mqtt_read_connack((uint8_t)bench->o.protocol, body, &packet) !=
            WIRE_MQTT_OK ||
        packet.code != 0) {
        fprintf(stderr, "CONNECT refused with %02X\n", packet.code);
        return false;
    }
    /* the ring keeps its size; a smaller Receive Maximum is obeyed */
    if (packet.receive_max && packet.receive_max < conn->window &&
        conn->top == 0)
        conn->window = packet.receive_max;
    conn->state = BENCH_ON;
    bench->greeted++;
    return true;
}

static bool
bench_packet(struct bench *bench, struct bench_conn *conn,
             const struct wire_mqtt_head *head, struct bytes body,
             int64_t now_ns)
{
    struct base_out out;
    struct base_cur cur;
    base_cur_init(&cur, body);
    uint16_t id = base_cur_u16be(&cur);
    uint8_t reason = base_cur_left(&cur) ? base_cur_u8(&cur) : 0;
    bool received = head->type == WIRE_MQTT_PUBREC && reason < 0x80;
    if (head->type == WIRE_MQTT_CONNACK)
        return bench_welcome(bench, conn, body);
    if (received) {
        bench_put(conn, &out);
        wire_mqtt_write_ack(&out, (uint8_t)bench->o.protocol, WIRE_MQTT_PUBREL,
                            id, 0);
        conn->out_size += out.size;
    } else if (head->type >= WIRE_MQTT_PUBACK &&
               head->type <= WIRE_MQTT_PUBCOMP) {
        bench_acked(bench, conn, id, reason, now_ns);
    }
    return head->type != WIRE_MQTT_DISCONNECT;
}

/* Whole packets off the input; false: the connection is to end. */
static bool
bench_packets(struct bench *bench, struct bench_conn *conn, int64_t now_ns)
{
    struct wire_mqtt_head head;
    size_t at = 0;
    while (at < conn->in_size &&
           wire_mqtt_read_head(base_bytes(conn->in + at, conn->in_size - at),
                               &head) == ERR_OK &&
           head.size + (size_t)head.body <= conn->in_size - at) {
        struct bytes body = base_bytes(conn->in + at + head.size, head.body);
        if (!bench_packet(bench, conn, &head, body, now_ns))
            return false;
        at += head.size + (size_t)head.body;
    }
    conn->in_size -= at;
    if (at && conn->in_size)
        memmove(conn->in, conn->in + at, conn->in_size);
    return true;
}

static void
bench_read(struct bench *bench, struct bench_conn *conn)
{
    ssize_t n =
        recv(conn->fd, conn->in + conn->in_size, BENCH_IN - conn->in_size, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        bench_lose(bench, conn);
        return;
    }
    conn->in_size += (size_t)n;
    int64_t now_ns = bench_now_ns(CLOCK_MONOTONIC);
    if (!bench_packets(bench, conn, now_ns))
        bench_lose(bench, conn);
    else
        bench_pump(bench, conn, now_ns);
}

static void
bench_event(struct bench *bench, const struct epoll_event *event)
{
    struct bench_conn *conn = &bench->conns[event->data.u32];
    if (conn->state == BENCH_CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error)
            bench_lose(bench, conn);
        else if (event->events & EPOLLOUT)
            bench_greet(bench, conn);
        return;
    }
    if (event->events & EPOLLOUT && conn->state != BENCH_OFF)
        if (!bench_flush(bench, conn))
            return;
    if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR) &&
        conn->state != BENCH_OFF)
        bench_read(bench, conn);
}

static void
bench_wait(struct bench *bench, int timeout_ms)
{
    struct epoll_event events[BENCH_EVENTS];
    int count = epoll_wait(bench->epoll, events, BENCH_EVENTS, timeout_ms);
    for (int i = 0; i < count; i++)
        bench_event(bench, &events[i]);
}

/* --- runs --- */

static void
bench_conn_init(struct bench *bench, struct bench_conn *conn, unsigned index)
{
    const struct bench_options *o = &bench->o;
    *conn = (struct bench_conn){.index = index, .fd = -1, .window = o->window};
    conn->out = base_mem_new(o->idle ? 256 : BENCH_OUT);
    conn->in = base_mem_new(o->idle ? 256 : BENCH_IN);
    conn->due_ns = base_mem_zero(o->window * sizeof *conn->due_ns);
    conn->last =
        o->messages / o->connections + (index < o->messages % o->connections);
    if (o->seconds)
        conn->last = UINT64_MAX;
    if (o->topic)
        conn->topic_size = (unsigned)snprintf(conn->topic, sizeof conn->topic,
                                              "%s%u", o->topic, index);
    else
        conn->topic_size = (unsigned)snprintf(
            conn->topic, sizeof conn->topic, "d/%s/bench-%u/%s", o->prefix,
            index, o->readings ? "t" : "m/value");
}

/* Connect all, 50 at a time: servers bound those that have not said CONNECT. */
static bool
bench_connect_all(struct bench *bench)
{
    unsigned count = bench->o.connections;
    int64_t end_ns = bench_now_ns(CLOCK_MONOTONIC) + INT64_C(120000000000);
    for (unsigned next = 0; bench->greeted < count;) {
        while (next < count && next < bench->greeted + 50) {
            if (!bench_connect(bench, &bench->conns[next])) {
                perror("connect");
                return false;
            }
            next++;
        }
        bench_wait(bench, 1000);
        if (bench->open < next || bench_now_ns(CLOCK_MONOTONIC) > end_ns) {
            fprintf(stderr, "%u of %u connections\n", bench->greeted, count);
            return false;
        }
    }
    return true;
}

static bool
bench_finished(const struct bench *bench, int64_t now_ns)
{
    if (bench->o.seconds &&
        now_ns - bench->start_ns >= (int64_t)bench->o.seconds * 1000000000)
        return true;
    for (unsigned i = 0; i < bench->o.connections; i++) {
        const struct bench_conn *conn = &bench->conns[i];
        if (conn->low < conn->last || conn->out_size)
            return false;
    }
    return true;
}

/* false: a connection was lost and was not to come back. */
static bool
bench_load(struct bench *bench)
{
    bench->start_ns = bench_now_ns(CLOCK_MONOTONIC);
    for (uint64_t turn = 0;; turn++) {
        int64_t now_ns = bench_now_ns(CLOCK_MONOTONIC);
        bool paced = bench->o.rate || turn == 0;
        bench->end_ns = now_ns;
        if (turn % 64 == 0 || bench->o.rate ||
            bench->acked + bench->refused >= bench->o.messages)
            if (bench_finished(bench, now_ns))
                return true;
        bool lost = bench->open < bench->o.connections;
        if (lost && !bench->o.persist)
            return false;
        for (unsigned i = 0; (paced || lost) && i < bench->o.connections; i++) {
            struct bench_conn *conn = &bench->conns[i];
            if (conn->state == BENCH_OFF && now_ns >= conn->again_ns)
                bench_connect(bench, conn);
            bench_pump(bench, conn, now_ns);
        }
        bench_wait(bench, bench->o.rate ? 1 : 100);
    }
}

static void
bench_report(struct bench *bench, struct bench_process self,
             struct bench_process server)
{
    double seconds = (double)(bench->end_ns - bench->start_ns) / 1e9;
    struct bench_process self_end = bench_process((unsigned)getpid());
    printf("acked %" PRIu64 " refused %" PRIu64 " lost_connections %" PRIu64
           " seconds %.3f rate %.0f\n",
           bench->acked, bench->refused, bench->lost, seconds,
           (double)bench->acked / seconds);
    if (bench->refused)
        printf("first_refusal %02X\n", bench->first_refusal);
    printf("puback_us p50 %" PRIu64 " p99 %" PRIu64 " p999 %" PRIu64
           " max %" PRIu64 "\n",
           bench_quantile(bench, 0.5), bench_quantile(bench, 0.99),
           bench_quantile(bench, 0.999), bench_quantile(bench, 1));
    printf("cpu_s self %.2f", self_end.cpu_s - self.cpu_s);
    if (bench->o.pid) {
        struct bench_process end = bench_process(bench->o.pid);
        printf(" server %.2f server_per_million %.3f server_rss_kib %ld",
               end.cpu_s - server.cpu_s,
               (end.cpu_s - server.cpu_s) * 1e6 /
                   (bench->acked ? (double)bench->acked : 1),
               end.rss_kib);
    }
    printf("\n");
}

static int
bench_idle(struct bench *bench)
{
    struct bench_process before = bench_process(bench->o.pid);
    if (!bench_connect_all(bench))
        return 1;
    usleep(500000);
    struct bench_process after = bench_process(bench->o.pid);
    printf("idle %u rss_before_kib %ld rss_after_kib %ld bytes_each %.1f\n",
           bench->o.connections, before.rss_kib, after.rss_kib,
           (double)(after.rss_kib - before.rss_kib) * 1024 /
               bench->o.connections);
    fflush(stdout);
    for (unsigned i = 0; i < bench->o.hold; i++) {
        sleep(1);
        bench_wait(bench, 0);
    }
    return 0;
}

static int
bench_run(struct bench *bench)
{
    struct bench_options *o = &bench->o;
    int rc = 0;
    bench->epoll = epoll_create1(EPOLL_CLOEXEC);
    bench->server = (struct sockaddr_in){.sin_family = AF_INET,
                                         .sin_port = htons((uint16_t)o->port)};
    if (inet_pton(AF_INET, o->host, &bench->server.sin_addr) != 1) {
        fprintf(stderr, "--host is an IPv4 address\n");
        return 2;
    }
    bench->histogram = base_mem_zero(BENCH_BUCKETS * sizeof(uint64_t));
    bench->conns = base_mem_zero(o->connections * sizeof *bench->conns);
    for (unsigned i = 0; i < o->connections; i++)
        bench_conn_init(bench, &bench->conns[i], i);
    if (o->idle)
        return bench_idle(bench);
    if (o->acked && !(bench->file = fopen(o->acked, "w"))) {
        perror(o->acked);
        return 2;
    }
    /* an hour back: numbers may come faster than milliseconds */
    bench->first_ts = bench_now_ns(CLOCK_REALTIME) / 1000000 - 3600000;
    if (!bench_connect_all(bench))
        return 1;
    struct bench_process self = bench_process((unsigned)getpid());
    struct bench_process server = bench_process(o->pid);
    if (!bench_load(bench)) {
        fprintf(stderr, "a connection was lost\n");
        rc = 1;
    }
    bench_report(bench, self, server);
    if (bench->file && fclose(bench->file) != 0)
        rc = 1;
    return bench->refused ? 1 : rc;
}

/* --- options --- */

/* What a number takes in struct bench_options. */
enum bench_kind {
    BENCH_TEXT,
    BENCH_FLAG = sizeof(bool),
    BENCH_NUMBER = sizeof(unsigned),
    BENCH_LONG = sizeof(uint64_t),
};

struct bench_row {
    const char *name;
    enum bench_kind kind;
    size_t offset;
    uint64_t max;
    const char *help;
};

/* clang-format off */
#define BENCH_AT(field) offsetof(struct bench_options, field)
static const struct bench_row bench_rows[] = {
    {"host", BENCH_TEXT, BENCH_AT(host), 0, "IPv4 address (127.0.0.1)"},
    {"port", BENCH_NUMBER, BENCH_AT(port), 65535, "port (8131)"},
    {"connections", BENCH_NUMBER, BENCH_AT(connections), 1000000, "clients (1)"},
    {"messages", BENCH_LONG, BENCH_AT(messages), UINT64_MAX, "in all (100000)"},
    {"seconds", BENCH_NUMBER, BENCH_AT(seconds), 1000000, "instead of --messages"},
    {"window", BENCH_NUMBER, BENCH_AT(window), 65535, "unacknowledged per client (100; Receive Maximum is obeyed)"},
    {"rate", BENCH_NUMBER, BENCH_AT(rate), 100000000, "messages a second in all, open loop (0: as fast as it goes)"},
    {"qos", BENCH_NUMBER, BENCH_AT(qos), 2, "0, 1, 2 (1)"},
    {"protocol", BENCH_NUMBER, BENCH_AT(protocol), 5, "3, 4, 5 (4)"},
    {"prefix", BENCH_TEXT, BENCH_AT(prefix), 0, "topics d/PREFIX/bench-N/m/value (88.31.1001)"},
    {"topic", BENCH_TEXT, BENCH_AT(topic), 0, "topics TOPICn instead"},
    {"t", BENCH_FLAG, BENCH_AT(readings), 1, "send d/PREFIX/bench-N/t, {\"ts\":..,\"v\":{\"value\":..}}"},
    {"size", BENCH_NUMBER, BENCH_AT(size), 4096, "pad payloads with blanks to this size"},
    {"pid", BENCH_NUMBER, BENCH_AT(pid), UINT32_MAX, "the server's process, for its CPU seconds and RSS"},
    {"acked", BENCH_TEXT, BENCH_AT(acked), 0, "write each acknowledged message: topic number ts"},
    {"persist", BENCH_FLAG, BENCH_AT(persist), 1, "connect again when a connection is lost"},
    {"idle", BENCH_NUMBER, BENCH_AT(idle), 1000000, "only open so many connections, from 127.0.0.2 on, print the server's RSS for each"},
    {"hold", BENCH_NUMBER, BENCH_AT(hold), 1000000, "with --idle: seconds to keep them"},
};
#undef BENCH_AT
/* clang-format on */

static int
bench_help(void)
{
    printf("dougong bench mqtt: load for an MQTT server\n");
    for (size_t i = 0; i < BASE_COUNT(bench_rows); i++)
        printf("  --%-12s %s\n", bench_rows[i].name, bench_rows[i].help);
    return 2;
}

static bool
bench_set(struct bench_options *o, const struct bench_row *row, char *text)
{
    uint8_t *at = (uint8_t *)o + row->offset;
    uint64_t number = 0;
    if (row->kind == BENCH_TEXT) {
        memcpy(at, &text, sizeof text);
        return true;
    }
    if (base_bytes_u64(base_bytes_text(text), &number) != ERR_OK ||
        number > row->max)
        return false;
    memcpy(at, &number, row->kind); /* little-endian, as x86 and ARM are */
    return true;
}

static const struct bench_row *
bench_find(const char *name)
{
    for (size_t i = 0; i < BASE_COUNT(bench_rows); i++)
        if (strncmp(name, "--", 2) == 0 &&
            strcmp(name + 2, bench_rows[i].name) == 0)
            return &bench_rows[i];
    return NULL;
}

static bool
bench_parse(struct bench_options *o, int argc, char **argv)
{
    static char yes[] = "1";
    for (int i = 0; i < argc; i++) {
        const struct bench_row *row = bench_find(argv[i]);
        bool flag = row && row->kind == BENCH_FLAG;
        if (!row || (!flag && ++i == argc) ||
            !bench_set(o, row, flag ? yes : argv[i]))
            return false;
    }
    if (o->idle)
        o->connections = o->idle;
    return o->connections && o->window && o->port && o->protocol >= 3 &&
           (!o->idle || o->pid);
}

int
ctl_bench_mqtt(int argc, char **argv)
{
    struct bench bench = {
        .o =
            {
                .host = "127.0.0.1",
                .port = 8131,
                .connections = 1,
                .messages = 100000,
                .window = 100,
                .qos = 1,
                .protocol = 4,
                .prefix = "88.31.1001",
            },
    };
    struct rlimit files;
    if (!bench_parse(&bench.o, argc, argv))
        return bench_help();
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int rc = bench_run(&bench);
    for (unsigned i = 0; bench.conns && i < bench.o.connections; i++) {
        if (bench.conns[i].fd >= 0)
            close(bench.conns[i].fd);
        base_mem_free(bench.conns[i].out);
        base_mem_free(bench.conns[i].in);
        base_mem_free(bench.conns[i].due_ns);
    }
    base_mem_free(bench.conns);
    base_mem_free(bench.histogram);
    if (bench.epoll > 0)
        close(bench.epoll);
    return rc;
}
