/* handle_reply.c -- what every reply has in common (spec identify 2).
 *
 *   version      the lower of what is suggested and ours; ours suggested
 *   echoed       request id, session id, recursion count, the bit for "in
 *                parts" (as deployed servers do)
 *   flags        REC always; AT when we are the primary and know it ourselves;
 *                CA PO DNR as asked; CT when it is signed; RD when asked, and
 *                with every challenge
 *   body         with RD first the digest of the request's header and body:
 *                SHA-256, for askers below 2.7 SHA-1
 *   credential   with CT, for 2.7 and newer: signed with the node's RSA key
 *
 * A signature costs most of a millisecond: beyond HANDLE_SIGNATURES a second
 * the answer is 3, unsigned. */
#include "base/base_must.h"
#include "crypt/crypt_hash.h"
#include "crypt/crypt_key.h"
#include "door/handle/handle_inner.h"

enum {
    REPLY_MAX = WIRE_HANDLE_ENVELOPE + WIRE_HANDLE_MESSAGE,
    REPLY_SIGNATURE = 1024,
    REPLY_SESSION_LEAST = 1 << 30,
    REPLY_COPIED = WIRE_HANDLE_CA | WIRE_HANDLE_PO | WIRE_HANDLE_DNR,
    REPLY_SHA256_SINCE = 7, /* 2.7 */
};

static void
reply_envelope(const struct handle_request *request,
               struct wire_handle_envelope *ret_envelope)
{
    const struct wire_handle_envelope *asked = &request->message.envelope;
    *ret_envelope = (struct wire_handle_envelope){
        .suggested_major = WIRE_HANDLE_MAJOR,
        .suggested_minor = WIRE_HANDLE_MINOR,
        .flags = asked->flags & WIRE_HANDLE_IN_PARTS,
        .session = asked->session,
        .request = asked->request,
    };
    wire_handle_version(asked, &ret_envelope->major, &ret_envelope->minor);
}

static bool
reply_may_sign(const struct handle_request *request,
               const struct wire_handle_envelope *envelope)
{
    return request->message.header.flags & WIRE_HANDLE_CT &&
           request->door->config.key && envelope->minor >= REPLY_SHA256_SINCE;
}

static void
reply_header(const struct handle_request *request,
             const struct handle_answer *answer,
             struct wire_handle_header *ret_header)
{
    const struct handle_door *door = request->door;
    const struct wire_handle_header *asked = &request->message.header;
    int64_t now_s = base_loop_wall(door->config.loop).ms / 1000;
    *ret_header = (struct wire_handle_header){
        .op = asked->op,
        .code = answer->code,
        .flags =
            WIRE_HANDLE_REC | (asked->flags & (REPLY_COPIED | WIRE_HANDLE_RD)),
        .serial = door->serial,
        .recursion = asked->recursion,
        .expiration_s = (uint32_t)(now_s + WIRE_HANDLE_LIFE_S),
    };
    if (door->primary && !answer->elsewhere)
        ret_header->flags |= WIRE_HANDLE_AT;
    if (answer->code == WIRE_HANDLE_CHALLENGE)
        ret_header->flags |= WIRE_HANDLE_RD;
    if (request->message.covered.size == 0) /* nothing to be digested */
        ret_header->flags &= ~(uint32_t)WIRE_HANDLE_RD;
}

static void
reply_digest(struct base_out *out, uint8_t minor, struct bytes covered)
{
    uint8_t digest[32];
    if (minor >= REPLY_SHA256_SINCE) {
        crypt_hash_sha256(covered, digest);
        base_out_u8(out, WIRE_HANDLE_SHA256);
        base_out_bytes_add(out, base_bytes(digest, 32));
    } else {
        crypt_hash_sha1(covered, digest);
        base_out_u8(out, WIRE_HANDLE_SHA1);
        base_out_bytes_add(out, base_bytes(digest, 20));
    }
}

static void
reply_nonce(struct handle_request *request, struct base_out *out)
{
    struct base_random *random = request->door->config.random;
    uint8_t nonce[WIRE_HANDLE_NONCE];
    random->fill(random, nonce, sizeof nonce);
    wire_hs_write_str(out, base_bytes(nonce, sizeof nonce));
}

static void
reply_body(struct handle_request *request, const struct handle_answer *answer)
{
    struct base_out *out = &request->reply;
    if (answer->values)
        wire_handle_write_values(out, answer->values);
    else if (answer->code == WIRE_HANDLE_OK)
        base_out_bytes_add(out, answer->raw);
    else if (answer->code == WIRE_HANDLE_CHALLENGE)
        reply_nonce(request, out);
    else
        wire_hs_write_str(
            out, base_bytes_text(answer->text && answer->text[0]
                                     ? answer->text
                                     : wire_handle_code_text(answer->code)));
}

/* The credential that signs what has been written. */
static enum err
reply_sign(struct handle_request *request,
           const struct wire_handle_envelope *envelope,
           struct base_out *ret_credential)
{
    uint8_t room[REPLY_SIGNATURE];
    struct base_out what, signature;
    struct bytes covered = base_bytes_slice(base_out_bytes(&request->reply),
                                            WIRE_HANDLE_ENVELOPE, REPLY_MAX);
    base_out_grow(&what, REPLY_MAX);
    base_out_fixed(&signature, room, sizeof room);
    wire_handle_write_signed(&what, envelope, 0, covered);
    enum err err = what.failed;
    if (err == ERR_OK)
        err = crypt_key_sign(request->door->config.key, base_out_bytes(&what),
                             &signature);
    base_out_done(&what);
    struct wire_handle_credential credential = {
        .type = base_bytes_text("HS_SIGNED"),
        .algorithm = base_bytes_text("SHA-256"),
        .signature = base_out_bytes(&signature),
    };
    if (err == ERR_OK)
        wire_handle_write_credential(ret_credential, &credential);
    return err == ERR_OK ? ret_credential->failed : err;
}

/* ERR_BIG: it has no room in a message. */
static enum err
reply_write(struct handle_request *request, const struct handle_answer *answer,
            bool sign)
{
    struct wire_handle_envelope envelope;
    struct wire_handle_header header;
    struct base_out credential, *out = &request->reply;
    uint8_t room[REPLY_SIGNATURE];
    base_out_reset(out);
    base_out_fixed(&credential, room, sizeof room);
    reply_envelope(request, &envelope);
    reply_header(request, answer, &header);
    if (answer->code == WIRE_HANDLE_CHALLENGE &&
        !wire_handle_has_session(&envelope))
        envelope.session =
            REPLY_SESSION_LEAST +
            (uint32_t)base_rng_range(request->door->config.random,
                                     REPLY_SESSION_LEAST);
    if (sign)
        header.flags |= WIRE_HANDLE_CT;
    wire_handle_begin(out, &envelope, &header);
    if (header.flags & WIRE_HANDLE_RD)
        reply_digest(out, envelope.minor, request->message.covered);
    reply_body(request, answer);
    wire_handle_end_bare(out);
    enum err err = out->failed;
    if (err == ERR_OK && sign)
        err = reply_sign(request, &envelope, &credential);
    wire_handle_end(out, base_out_bytes(&credential));
    return err == ERR_OK ? out->failed : err;
}

void
handle_reply_write(struct handle_request *request,
                   const struct handle_answer *answer)
{
    struct handle_door *door = request->door;
    struct handle_answer refusal = {.code = WIRE_HANDLE_BUSY};
    struct wire_handle_envelope envelope;
    reply_envelope(request, &envelope);
    bool sign = reply_may_sign(request, &envelope);
    if (sign && door->signatures == 0) {
        handle_stat_limit(&door->stat, HANDLE_LIMIT_SIGNATURES);
        sign = false;
        answer = &refusal;
    }
    door->signatures -= sign;
    enum err err = reply_write(request, answer, sign);
    if (err == ERR_BIG) {
        handle_stat_limit(&door->stat, HANDLE_LIMIT_REPLY);
        refusal.text = "the answer is too long for a message";
        answer = &refusal;
    } else if (err != ERR_OK) {
        refusal.code = WIRE_HANDLE_INTERNAL;
        answer = &refusal;
    }
    if (err != ERR_OK)
        must(reply_write(request, answer, false) == ERR_OK);
    handle_stat_reply(&door->stat, request->message.header.op, answer->code);
}
