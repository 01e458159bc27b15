/* net_http_once.c -- Idempotency-Key: a POST that is sent again is done once.
 *
 * Both ends of it run on the handler's thread: _begin before the handler, _end
 * with its answer, so that what is kept stands in the journal before and behind
 * all that the handler does.  What was refused (400 and above) has done
 * nothing, and is forgotten. */
#include <stdio.h>
#include <string.h>

#include "base/base_must.h"
#include "crypt/crypt_hash.h"
#include "net/http/net_http_inner.h"

/* "8e03978e-..." as the draft has it (a string of RFC 8941), or bare. */
static bool
once_key(struct bytes *key)
{
    if (key->size >= 2 && key->at[0] == '"' && key->at[key->size - 1] == '"')
        *key = base_bytes_slice(*key, 1, key->size - 2);
    for (size_t i = 0; i < key->size; i++)
        if (key->at[i] <= ' ' || key->at[i] > '~')
            return false;
    return key->size > 0 && key->size <= NET_HTTP_ONCE_KEY;
}

/* Whose key it is; what was asked under it. */
static void
once_hash(struct net_http_work *work, struct bytes key, uint8_t digest[32])
{
    const struct net_http_request *request = &work->request;
    uint8_t kind = (uint8_t)request->principal.kind;
    const struct bytes zero = {(const uint8_t *)"", 1};
    const struct bytes who[] = {base_bytes(&kind, 1), request->principal.name,
                                zero, key};
    const struct bytes what[] = {work->parse.raw_path, zero, request->raw_query,
                                 zero, request->body};
    crypt_hash_sha256_parts(who, BASE_COUNT(who), work->once);
    crypt_hash_sha256_parts(what, BASE_COUNT(what), digest);
}

static void
once_refuse(struct net_http_work *work, enum err err)
{
    static const struct {
        enum err err;
        unsigned status;
        const char *text;
    } rows[] = {
        {ERR_SYNTAX, 400, "a key is 1 to 255 visible ASCII characters"},
        {ERR_MISMATCH, 422,
         "another request came under this key; a key is for one request"},
        {ERR_AGAIN, 409, "the request with this key is still under way"},
        {ERR_LOST, 409,
         "the node stopped while it did what came under this key: look whether "
         "it was done, and send it under a new key if it was not"},
        {ERR_USED, 409,
         "what came under this key was done, and its answer is not kept: a "
         "secret is told once. Make another under a new key"},
    };
    struct base_note note = {0};
    unsigned at = 0;
    while (at < BASE_COUNT(rows) && rows[at].err != err)
        at++;
    work->keyed = false;
    if (at == BASE_COUNT(rows)) {
        net_http_reply_err(&work->request, err, NULL);
        return;
    }
    base_err_note_at(&note, err, "Idempotency-Key", 0, 0, "%s", rows[at].text);
    if (err == ERR_AGAIN)
        net_http_reply_header(&work->request, "Retry-After", "1");
    net_http_problem(&work->request, rows[at].status, &note);
}

static void
once_repeat(struct net_http_work *work, const struct net_http_once_answer *kept)
{
    char type[NET_HTTP_ONCE_TYPE + 1];
    work->keyed = false;
    net_http_reply_header(&work->request, "Idempotency-Replayed", "true");
    net_http_reply(&work->request, kept->status,
                   base_bytes_string(kept->type, type, sizeof type),
                   kept->body);
}

bool
net_http_once_begin(struct net_http_work *work)
{
    const struct net_http_once *once = &work->http->config.once;
    struct bytes key = net_http_header(&work->request, "idempotency-key");
    struct net_http_once_answer kept = {0};
    uint8_t digest[32];
    if (!key.at || !once->begin || work->request.method != NET_HTTP_POST ||
        work->request.principal.kind == MODEL_GRANT_NOBODY ||
        !(work->row->route.methods & (NET_HTTP_ONCE | NET_HTTP_SECRET)))
        return true;
    enum err err = once_key(&key) ? ERR_OK : ERR_SYNTAX;
    if (err == ERR_OK) {
        once_hash(work, key, digest);
        err = once->begin(once->self, work->once, digest, &kept);
    }
    work->keyed = err == ERR_OK;
    net_http_count_once(work->http, err);
    if (err == ERR_USED && kept.status)
        once_repeat(work, &kept);
    else if (err != ERR_OK)
        once_refuse(work, err);
    return err == ERR_OK;
}

void
net_http_once_end(struct net_http_work *work, const char *type,
                  struct bytes body)
{
    const struct net_http_once *once = &work->http->config.once;
    if (!work->keyed)
        return;
    bool secret = (work->row->route.methods & NET_HTTP_SECRET) != 0;
    struct bytes told = {NULL, 0};
    if (type && !secret)
        told = base_bytes_text(type);
    if (work->status >= 400)
        once->forget(once->self, work->once);
    else
        once->end(once->self, work->once, work->status, told, body);
}
