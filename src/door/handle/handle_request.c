/* handle_request.c -- one message, from its bytes to its answer.
 *
 * Order of refusal, here: 4 malformed, 500 encrypted for a session (there are
 * none), 5 or 4 an operation that is not served, 405 an answer to a challenge,
 * 500 any other session id, 3 over a limit; then ident's (ident_resolve.h). */
#include "base/base_mem.h"
#include "door/handle/handle_inner.h"

struct handle_request *
handle_request_new(struct handle_door *door, struct bytes payload)
{
    struct handle_request *request =
        base_mem_new(sizeof *request + payload.size);
    memset(request, 0, sizeof *request);
    request->door = door;
    if (payload.size > 0)
        memcpy(request->bytes, payload.at, payload.size);
    base_out_grow(&request->reply, WIRE_HANDLE_ENVELOPE + WIRE_HANDLE_MESSAGE);
    base_list_add(&door->requests, &request->link);
    door->request_count++;
    handle_stat_now(&door->stat, door->request_count);
    return request;
}

void
handle_request_free(struct handle_request *request)
{
    struct handle_door *door = request->door;
    if (request->asked)
        ident_resolve_done(&request->call);
    if (base_list_in(&request->order))
        base_list_remove(&request->order);
    base_list_remove(&request->link);
    door->request_count--;
    handle_stat_now(&door->stat, door->request_count);
    base_out_done(&request->reply);
    base_mem_free(request->indexes);
    base_mem_free(request->types);
    base_mem_free(request);
}

/* Writes it, and gives it to the transport: the request may be gone then. */
static void
request_answer(struct handle_request *request,
               const struct handle_answer *answer)
{
    handle_reply_write(request, answer);
    if (request->udp)
        handle_udp_send(request);
    else
        handle_tcp_send(request);
}

static void
request_refuse(struct handle_request *request, uint32_t code, const char *text)
{
    struct handle_answer answer = {.code = code, .text = text};
    request_answer(request, &answer);
}

/* --- RESOLUTION --- */

static void
request_resolved(struct ident_resolve *call)
{
    struct handle_request *request =
        BASE_OUTER(call, struct handle_request, call);
    uint32_t code = (uint32_t)call->code;
    struct wire_handle_values values = {.values = call->values};
    struct handle_answer answer = {.code = code, .text = call->message};
    bool knows = code == WIRE_HANDLE_OK || code == WIRE_HANDLE_NOT_FOUND ||
                 code == WIRE_HANDLE_NO_VALUES;
    answer.elsewhere = knows && !call->authoritative;
    if (code == WIRE_HANDLE_OK)
        values.handle = request->query.handle;
    if (code == WIRE_HANDLE_OK || code == WIRE_HANDLE_REFERRAL ||
        code == WIRE_HANDLE_PREFIX_REFERRAL)
        answer.values = &values;
    request_answer(request, &answer);
}

/* Its lists, as ident takes them. */
static void
request_lists(struct handle_request *request)
{
    const struct wire_handle_query *query = &request->query;
    struct base_cur cur;
    if (query->index_count > 0)
        request->indexes =
            base_mem_new(query->index_count * sizeof *request->indexes);
    base_cur_init(&cur, query->indexes);
    for (uint32_t i = 0; i < query->index_count; i++)
        request->indexes[i] = base_cur_u32be(&cur);
    if (query->type_count > 0)
        request->types =
            base_mem_new(query->type_count * sizeof *request->types);
    base_cur_init(&cur, query->types);
    for (uint32_t i = 0; i < query->type_count; i++)
        request->types[i] = wire_hs_read_str(&cur);
}

static void
request_resolve(struct handle_request *request)
{
    struct handle_door *door = request->door;
    const struct wire_handle_header *header = &request->message.header;
    enum err err =
        wire_handle_read_query(request->message.body, &request->query);
    if (err != ERR_OK) {
        request_refuse(
            request, err == ERR_BIG ? WIRE_HANDLE_BUSY : WIRE_HANDLE_MALFORMED,
            base_err_text(err));
        return;
    }
    request_lists(request);
    request->call = (struct ident_resolve){
        .done = request_resolved,
        .loop = door->config.loop,
        .handle = request->query.handle,
        .indexes = request->indexes,
        .index_count = request->query.index_count,
        .types = request->types,
        .type_count = request->query.type_count,
        .public_only = header->flags & WIRE_HANDLE_PO,
        .no_referral = header->flags & WIRE_HANDLE_DNR,
        .recurse = header->flags & WIRE_HANDLE_REC &&
                   (door->config.recurse || request->loopback),
        .authority = header->flags & WIRE_HANDLE_AT,
        .count = header->recursion,
    };
    request->asked = true;
    ident_resolve(door->config.ident, &request->call);
}

/* --- which operation --- */

static bool
request_is_admin(uint32_t op)
{
    return (op >= WIRE_HANDLE_CREATE && op <= WIRE_HANDLE_LIST) ||
           (op >= WIRE_HANDLE_HOME && op <= WIRE_HANDLE_LIST_HOMED);
}

/* May this go on in spite of a session id that nobody gave out?  With the
 * Chinese switch, yes: their clients choose one themselves. */
static bool
request_session_ok(const struct handle_request *request)
{
    return !wire_handle_has_session(&request->message.envelope) ||
           (request->door->config.china &&
            request->message.credential.size == 0);
}

static void
request_run(struct handle_request *request)
{
    struct handle_door *door = request->door;
    uint32_t op = request->message.header.op;
    if (op == WIRE_HANDLE_ANSWER)
        request_refuse(request, WIRE_HANDLE_LATE, NULL);
    else if (op == 0)
        request_refuse(request, WIRE_HANDLE_MALFORMED, "operation 0");
    else if (request_is_admin(op) && request->udp)
        request_refuse(request, WIRE_HANDLE_MALFORMED,
                       "administration is offered over TCP only");
    else if (op != WIRE_HANDLE_RESOLUTION && op != WIRE_HANDLE_SITEINFO)
        request_refuse(request, WIRE_HANDLE_UNKNOWN_OP, NULL);
    else if (!request_session_ok(request))
        request_refuse(request, WIRE_HANDLE_NO_SESSION, NULL);
    else if (door->request_count > door->config.requests) {
        handle_stat_limit(&door->stat, HANDLE_LIMIT_REQUESTS);
        request_refuse(request, WIRE_HANDLE_BUSY, NULL);
    } else if (op == WIRE_HANDLE_RESOLUTION) {
        request_resolve(request);
    } else if (door->site.size == 0) {
        request_refuse(request, WIRE_HANDLE_BUSY, "our site is not known yet");
    } else {
        request_answer(request, &(struct handle_answer){
                                    .code = WIRE_HANDLE_OK,
                                    .raw = base_out_bytes(&door->site),
                                });
    }
}

void
handle_request_begin(struct handle_request *request,
                     const struct wire_handle_envelope *envelope, size_t size)
{
    enum err err = wire_handle_read(envelope, base_bytes(request->bytes, size),
                                    &request->message);
    handle_stat_request(&request->door->stat, request->message.header.op,
                        request->udp);
    if (err == ERR_UNSUPPORTED && envelope->flags & WIRE_HANDLE_ENCRYPTED)
        request_refuse(request, WIRE_HANDLE_NO_SESSION, NULL);
    else if (err != ERR_OK)
        request_refuse(request, WIRE_HANDLE_MALFORMED, base_err_text(err));
    else
        request_run(request);
}
