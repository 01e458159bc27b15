/* ctl_join.c -- `dougong join`: from a token to a certificate.
 *
 *   token -> CA of the parent, judged by the hash in the token
 *         -> simpleenroll over TLS that trusts only that CA
 *         -> GET /api/tree: where the tier door is
 *         -> DATA/keys/tier.pem, parent_ca.pem, DATA/join.json
 *
 * Repeatable: the same request for the same token within an hour gets the same
 * certificate.  (RFC 7030; spec tier 2.) */
#include <stdio.h>
#include <string.h>

#include "app/app_keys.h"
#include "base/base_b64.h"
#include "base/base_mem.h"
#include "crypt/crypt_hash.h"
#include "ctl/ctl_http.h"
#include "sys/sys_loop.h"
#include "sys/sys_random.h"
#include "wire/token/wire_token.h"

struct join {
    struct ctl *ctl;
    const char *host_port, *token_text;
    struct wire_token token;
    struct app_config *config;
    struct app_keys keys;
    struct wall now;
    struct crypt_cert *ca, *tier;
    struct base_out ca_pem;
    struct app_join result;
};

static enum ctl_exit
join_get(struct join *join, const char *path, struct ctl_http *http,
         struct base_out *ret_body)
{
    char url[512];
    long status = 0;
    snprintf(url, sizeof url, "https://%s%s", join->host_port, path);
    http->url = url;
    http->accept = "*/*";
    enum ctl_exit bad = ctl_http_raw(http, &status, ret_body);
    http->url = NULL; /* it ends here */
    if (bad == CTL_OK && status >= 400) {
        bad = ctl_http_refused(status, base_out_bytes(ret_body));
        base_out_done(ret_body);
    }
    return bad;
}

/* The certificates in a base64 PKCS#7 answer. */
static enum err
join_certs(struct bytes text, struct crypt_cert **certs, unsigned room,
           unsigned *ret_count)
{
    struct base_out der;
    base_out_grow(&der, 64 << 10);
    enum err err = base_b64_read(text, BASE_B64_LINES, &der);
    if (err == ERR_OK)
        err =
            crypt_cert_pkcs7_read(base_out_bytes(&der), certs, room, ret_count);
    base_out_done(&der);
    return err;
}

/* The parent's CA, fetched from anybody and believed only by its hash. */
static enum ctl_exit
join_ca(struct join *join)
{
    struct base_out body;
    struct crypt_cert *certs[4] = {0};
    unsigned count = 0;
    struct ctl_http http = {.any_ca = true};
    enum ctl_exit bad =
        join_get(join, "/.well-known/est/cacerts", &http, &body);
    if (bad != CTL_OK)
        return bad;
    enum err err = join_certs(base_out_bytes(&body), certs, 4, &count);
    base_out_done(&body);
    for (unsigned i = 0; i < count; i++) {
        struct crypt_cert_facts facts;
        crypt_cert_facts(certs[i], &facts);
        if (join->ca == NULL &&
            crypt_hash_equal(facts.hash, join->token.ca_hash, 32))
            join->ca = certs[i];
        else
            crypt_cert_free(certs[i]);
    }
    if (err != ERR_OK || join->ca == NULL) {
        ctl_say("%s is not the parent that gave this token: its CA is another",
                join->host_port);
        return CTL_REFUSED;
    }
    base_out_grow(&join->ca_pem, 64 << 10);
    crypt_cert_pem(join->ca, &join->ca_pem);
    base_out_u8(&join->ca_pem, 0);
    return CTL_OK;
}

static enum ctl_exit
join_enrol_post(struct join *join, const char *request_b64,
                struct base_out *ret_body)
{
    char user[1400];
    snprintf(user, sizeof user, "%s:%s", join->config->node, join->token_text);
    struct ctl_http http = {
        .post = request_b64,
        .type = "application/pkcs10",
        .user = user,
        .ca_pem = (const char *)join->ca_pem.at,
    };
    return join_get(join, "/.well-known/est/simpleenroll", &http, ret_body);
}

static enum ctl_exit
join_enrol(struct join *join)
{
    struct base_out der, text, body;
    struct crypt_cert *certs[4] = {0};
    struct crypt_cert_facts facts;
    unsigned count = 0;
    uint8_t own[32];
    base_out_grow(&der, 16 << 10);
    base_out_grow(&text, 32 << 10);
    enum err err = crypt_cert_request(join->keys.tls, join->config->node, &der);
    base_b64_write(&text, BASE_B64_LINES, base_out_bytes(&der));
    base_out_u8(&text, 0);
    enum ctl_exit bad = CTL_REFUSED;
    if (err == ERR_OK)
        bad = join_enrol_post(join, (const char *)text.at, &body);
    base_out_done(&der);
    base_out_done(&text);
    if (bad != CTL_OK)
        return bad;
    err = join_certs(base_out_bytes(&body), certs, 4, &count);
    base_out_done(&body);
    crypt_key_pin(join->keys.tls, own);
    for (unsigned i = 0; i < count; i++) {
        crypt_cert_facts(certs[i], &facts);
        if (join->tier == NULL && memcmp(facts.pin, own, 32) == 0)
            join->tier = certs[i];
        else
            crypt_cert_free(certs[i]);
    }
    if (err == ERR_OK && join->tier != NULL)
        return CTL_OK;
    ctl_say("the parent's answer holds no certificate for our key");
    return CTL_REFUSED;
}

/* Where the parent's tier door is, from /api/tree. */
static enum ctl_exit
join_tree(struct join *join)
{
    struct base_out body;
    struct ctl_http http = {.ca_pem = (const char *)join->ca_pem.at};
    enum ctl_exit bad = join_get(join, "/api/tree", &http, &body);
    if (bad != CTL_OK)
        return bad;
    json_t *tree = json_loadb((const char *)body.at, body.size, 0, NULL);
    base_out_done(&body);
    const char *prefix = NULL;
    int port = 0;
    if (tree == NULL ||
        json_unpack(tree, "{s:s, s:{s:i}}", "node", &prefix, "ports", "tier",
                    &port) != 0 ||
        port < 1 || port > 65535) {
        ctl_say("%s does not say where its tier door is", join->host_port);
        json_decref(tree);
        return CTL_REFUSED;
    }
    snprintf(join->result.parent, sizeof join->result.parent, "%s", prefix);
    size_t host = strcspn(join->host_port, ":");
    snprintf(join->result.tier_host, sizeof join->result.tier_host, "%.*s",
             (int)host, join->host_port);
    join->result.tier_port = (uint16_t)port;
    json_decref(tree);
    if (strcmp(join->config->parent_ident, join->result.parent) == 0)
        return CTL_OK;
    ctl_say("node.yaml names the parent \"%s\", but %s is \"%s\"",
            join->config->parent_ident, join->host_port, join->result.parent);
    return CTL_REFUSED;
}

static enum ctl_exit
join_load(struct join *join)
{
    const char *path = ctl_value(join->ctl, "config");
    struct base_note note = {0};
    enum err err =
        wire_token_read(base_bytes_text(join->token_text), &join->token, &note);
    if (err == ERR_OK)
        err = app_config_load(sys_file_real(), path ? path : "node.yaml",
                              &join->config, &note);
    if (err == ERR_OK &&
        !base_bytes_equal_folded(base_bytes_text(join->token.prefix),
                                 base_bytes_text(join->config->node)))
        err = base_err_note(&note, ERR_NAME,
                            "the token is for %s, but node.yaml says %s",
                            join->token.prefix, join->config->node);
    if (err == ERR_OK)
        err = app_keys_load(sys_file_real(), join->config, join->now,
                            sys_random(), &join->keys, &note);
    if (err == ERR_OK)
        return CTL_OK;
    ctl_say_note(&note);
    return CTL_REFUSED;
}

static enum ctl_exit
join_keep(struct join *join)
{
    struct base_note note = {0};
    struct crypt_cert_facts facts;
    char until[BASE_TIME_TEXT];
    bool again = ctl_value(join->ctl, "again") != NULL;
    join->result.joined = true;
    join->result.epoch = join->keys.join.epoch;
    if (join->result.epoch == 0 || again)
        join->result.epoch++;
    enum err err = app_keys_joined(sys_file_real(), join->config, join->tier,
                                   join->ca, &join->result, join->now, &note);
    if (err != ERR_OK) {
        ctl_say_note(&note);
        return CTL_REFUSED;
    }
    crypt_cert_facts(join->tier, &facts);
    base_time_text(facts.not_after, 0, until);
    if (join->ctl->json) {
        json_t *out =
            json_pack("{s:s, s:s, s:s, s:i}", "node", join->config->node,
                      "parent", join->result.parent, "valid_until", until,
                      "epoch", (int)join->result.epoch);
        ctl_print_json(out);
        json_decref(out);
    } else {
        printf("%s joined %s at %s:%u; certificate valid until %s\n",
               join->config->node, join->result.parent, join->result.tier_host,
               join->result.tier_port, until);
    }
    return CTL_OK;
}

enum ctl_exit
ctl_join(struct ctl *ctl)
{
    struct join join = {
        .ctl = ctl,
        .host_port = ctl->args[0],
        .token_text = ctl->args[1],
    };
    if (strncmp(join.host_port, "https://", 8) == 0)
        join.host_port += 8;
    struct sys_loop *loop;
    if (sys_loop_new("join", &loop) != ERR_OK)
        return CTL_UNREACHED;
    join.now = base_loop_wall(sys_loop_base(loop));
    sys_loop_free(loop);
    enum ctl_exit (*const steps[])(struct join *) = {
        join_load, join_ca, join_enrol, join_tree, join_keep};
    enum ctl_exit bad = CTL_OK;
    for (size_t i = 0; i < BASE_COUNT(steps) && bad == CTL_OK; i++)
        bad = steps[i](&join);
    base_out_done(&join.ca_pem);
    crypt_cert_free(join.ca);
    crypt_cert_free(join.tier);
    app_keys_done(&join.keys);
    app_config_free(join.config);
    return bad;
}
