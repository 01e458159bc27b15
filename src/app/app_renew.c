/* app_renew.c -- see app_renew.h. */
#include "app/app_renew.h"

#include "app/app_parts.h"
#include "base/base_mem.h"
#include "sys/sys_random.h"

enum {
    RENEW_BACK_MS = 3600 * 1000, /* notBefore lies so far back (crypt_cert) */
    RENEW_DAY_MS = 24 * 3600 * 1000,
    RENEW_LOOK_MS = 3600 * 1000,
    RENEW_ASK_MS = 30000,
    RENEW_BODY = 16 << 10,
    RENEW_CERTS = 4,
};

static int64_t
renew_life(const struct crypt_cert_facts *facts)
{
    int64_t life = facts->not_after.ms - facts->not_before.ms - RENEW_BACK_MS;
    return life > 0 ? life : 0;
}

int64_t
app_renew_due(const struct crypt_cert_facts *facts, uint32_t chance)
{
    int64_t life = renew_life(facts);
    return facts->not_after.ms - life / 3 +
           (int64_t)((unsigned __int128)(life / 20) * chance >> 32);
}

int64_t
app_renew_again(const struct crypt_cert_facts *facts)
{
    int64_t wait = renew_life(facts) / 30;
    if (wait > RENEW_DAY_MS)
        wait = RENEW_DAY_MS;
    return wait < 1000 ? 1000 : wait;
}

/* --- the child --- */

static void
renew_later(struct app_renew *renew, int64_t wait_ms)
{
    if (wait_ms > RENEW_LOOK_MS) /* the clock may be set */
        wait_ms = RENEW_LOOK_MS;
    base_loop_timer(renew->parts->state, &renew->timer,
                    wait_ms > 0 ? wait_ms : 0);
}

static void
renew_plan(struct app_renew *renew)
{
    struct crypt_cert_facts facts;
    uint32_t chance = (uint32_t)base_rng_u64(sys_random());
    crypt_cert_facts(renew->parts->keys.tier, &facts);
    renew_later(renew, app_renew_due(&facts, chance) -
                           base_loop_wall(renew->parts->state).ms);
}

static void
renew_failed(struct app_renew *renew, enum err err, const char *what)
{
    struct crypt_cert_facts facts;
    crypt_cert_facts(renew->parts->keys.tier, &facts);
    base_log_say(&renew->parts->log->log, BASE_LOG_WARN, "node",
                 "certificate_not_renewed", "step=%s why=\"%s\"", what,
                 base_err_text(err));
    renew_later(renew, app_renew_again(&facts));
}

/* Ours among those in the answer, judged as any other. */
static enum err
renew_read(struct app_parts *parts, struct bytes body,
           struct crypt_cert **ret_cert)
{
    struct crypt_cert *certs[RENEW_CERTS] = {0};
    struct crypt_cert_facts facts;
    uint8_t own[32];
    unsigned count = 0;
    enum err err = crypt_cert_pkcs7_read(body, certs, RENEW_CERTS, &count);
    crypt_key_pin(parts->keys.tls, own);
    *ret_cert = NULL;
    for (unsigned i = 0; i < count; i++) {
        crypt_cert_facts(certs[i], &facts);
        if (!*ret_cert && memcmp(facts.pin, own, sizeof own) == 0)
            *ret_cert = certs[i];
        else
            crypt_cert_free(certs[i]);
    }
    if (err == ERR_OK && !*ret_cert)
        err = ERR_ABSENT;
    if (err == ERR_OK)
        err =
            crypt_cert_check(*ret_cert, parts->keys.parent_ca, CRYPT_CERT_CHILD,
                             parts->config->node, base_loop_wall(parts->state));
    return err;
}

static enum err
renew_install(struct app_parts *parts, struct crypt_cert *cert)
{
    struct base_note note = {0};
    struct ssl_ctx_st *context = NULL;
    const struct crypt_tls_config config = {.kind = CRYPT_TLS_TIER_CHILD,
                                            .key = parts->keys.tls,
                                            .cert = cert,
                                            .ca = parts->keys.parent_ca};
    enum err err = crypt_tls_new(&config, &context, &note);
    if (err == ERR_OK)
        err = app_keys_joined(parts->files, parts->config, cert,
                              parts->keys.parent_ca, &parts->keys.join,
                              base_loop_wall(parts->state), &note);
    if (err != ERR_OK) {
        crypt_tls_free(context);
        return err;
    }
    tier_net_context(parts->tier_net, context);
    crypt_tls_free(parts->child_tls);
    crypt_cert_free(parts->keys.tier);
    parts->child_tls = context;
    parts->keys.tier = cert;
    return ERR_OK;
}

static void
renew_answered(struct model_ask *ask, enum err err, struct bytes body)
{
    struct app_renew *renew = BASE_OUTER(ask, struct app_renew, ask);
    struct app_parts *parts = renew->parts;
    struct crypt_cert *cert = NULL;
    struct crypt_cert_facts facts;
    char until[BASE_TIME_TEXT];
    renew->asking = false;
    if (err != ERR_OK) {
        renew_failed(renew, err, "parent");
        return;
    }
    err = renew_read(parts, body, &cert);
    if (err == ERR_OK)
        err = renew_install(parts, cert);
    if (err != ERR_OK) {
        crypt_cert_free(cert);
        renew_failed(renew, err, "certificate");
        return;
    }
    crypt_cert_facts(cert, &facts);
    base_log_say(&parts->log->log, BASE_LOG_INFO, "node", "certificate_renewed",
                 "until=%s", base_time_text(facts.not_after, 0, until));
    renew_plan(renew);
}

static void
renew_ask(struct app_renew *renew)
{
    struct app_parts *parts = renew->parts;
    struct model_port *port = tier_port(parts->tier);
    struct base_out der;
    base_out_grow(&der, RENEW_BODY);
    enum err err =
        crypt_cert_request(parts->keys.tls, parts->config->node, &der);
    if (err == ERR_OK) {
        renew->asking = true;
        renew->ask.done = renew_answered;
        port->ops->ask(port, MODEL_CHANNEL_CONTROL, MODEL_KIND_CONTROL_RENEW,
                       (struct bytes){0}, base_out_bytes(&der), RENEW_ASK_MS,
                       &renew->ask);
    } else {
        renew_failed(renew, err, "request");
    }
    base_out_done(&der);
}

static void
renew_timed(struct base_timer *timer)
{
    struct app_renew *renew = BASE_OUTER(timer, struct app_renew, timer);
    struct crypt_cert_facts facts;
    int64_t now = base_loop_wall(renew->parts->state).ms;
    crypt_cert_facts(renew->parts->keys.tier, &facts);
    if (app_renew_due(&facts, 0) <= now)
        renew_ask(renew);
    else
        renew_plan(renew);
}

/* --- the parent --- */

static void
renew_take(void *engine, const struct model_message *message,
           struct model_answer *answer)
{
    struct app_parts *parts = engine;
    struct base_note note = {0};
    struct base_out pkcs7;
    base_out_grow(&pkcs7, RENEW_BODY);
    enum err err =
        ident_renew(parts->ident, message->from, message->body, &pkcs7, &note);
    if (err != ERR_OK)
        base_log_say(&parts->log->log, BASE_LOG_WARN, "node", "renewal_refused",
                     "child=%.*s why=\"%s\"", (int)message->from.size,
                     (const char *)message->from.at, note.text);
    answer->answer(answer, err,
                   err == ERR_OK ? base_out_bytes(&pkcs7) : (struct bytes){0});
    base_out_done(&pkcs7);
}

/* --- life --- */

void
app_renew_open(struct app_parts *parts)
{
    struct app_renew *renew = &parts->renewal;
    tier_add_call(parts->tier, &(struct model_call_row){
                                   .channel = MODEL_CHANNEL_CONTROL,
                                   .kind = MODEL_KIND_CONTROL_RENEW,
                                   .max = RENEW_BODY,
                                   .take = renew_take,
                                   .engine = parts,
                               });
    renew->parts = parts;
    renew->timer.fn = renew_timed;
    if (parts->keys.tier != NULL && parts->keys.parent_ca != NULL)
        renew_plan(renew);
}

void
app_renew_shut(struct app_parts *parts)
{
    struct app_renew *renew = &parts->renewal;
    if (renew->parts == NULL)
        return;
    base_loop_timer_clear(parts->state, &renew->timer);
    if (renew->asking)
        tier_port(parts->tier)
            ->ops->forget(tier_port(parts->tier), &renew->ask);
    renew->asking = false;
}
