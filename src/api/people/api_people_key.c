/* api_people_key.c -- application keys and devices. */
#include "api/people/api_people_inner.h"
#include "base/base_b64.h"
#include "model/model_id.h"
#include "net/http/net_http_page.h"

/* --- listing --- */

struct key_page {
    const struct model_grant_principal *by;
    struct net_http_page page;
    bool devices;
};

static json_t *
key_json(const struct people_key *key, bool device)
{
    json_t *to = json_pack("{s:o, s:I, s:I, s:I}", device ? "id" : "name",
                           net_http_json_text(key->name), "made_ms",
                           (json_int_t)key->made_ms, "expires_ms",
                           (json_int_t)key->expires_ms, "used_ms",
                           (json_int_t)key->used_ms);
    if (device) {
        json_object_set_new(to, "certificate", json_boolean(key->has_pin));
        return to;
    }
    json_object_set_new(to, "id", json_string(key->id));
    json_object_set_new(to, "roles", api_people_roles(key->roles));
    json_object_set_new(to, "scope", net_http_json_text(key->scope));
    return to;
}

static bool
key_page_add(void *self, const struct people_key *key)
{
    struct key_page *page = self;
    if (!model_grant_within(page->by->scope, key->scope))
        return true;
    if (!net_http_page_room(&page->page))
        return false;
    net_http_page_add(&page->page,
                      page->devices ? key->name : base_bytes_text(key->id),
                      key_json(key, page->devices));
    return true;
}

static void
key_list(struct api_people *api, struct net_http_request *request, bool devices)
{
    struct key_page page = {.by = &request->principal, .devices = devices};
    if (!net_http_page_begin(request, API_PEOPLE_PAGE, API_PEOPLE_PAGE_MAX,
                             &page.page))
        return;
    (void)people_key_list(api->people, devices, page.page.next, 10000,
                          key_page_add, &page);
    net_http_page_reply(request, &page.page, devices ? "devices" : "keys");
}

void
api_people_key_list(void *self, struct net_http_request *request)
{
    key_list(self, request, false);
}

void
api_people_device_list(void *self, struct net_http_request *request)
{
    key_list(self, request, true);
}

/* --- adding --- */

/* "days": 1..3650, absent or 0: never; "expires_ms" in the row. */
static enum err
key_days(const json_t *body, int64_t now_ms, int64_t *ret_expires,
         struct base_note *note)
{
    const json_t *days = json_object_get(body, "days");
    json_int_t count = json_is_integer(days) ? json_integer_value(days) : 0;
    if ((days && !json_is_integer(days)) || count < 0 || count > 3650)
        return base_err_note_at(note, ERR_RANGE, "days", 0, 0,
                                "days is a number from 0 (never) to 3650");
    *ret_expires = count > 0 ? now_ms + count * INT64_C(86400000) : 0;
    return ERR_OK;
}

static void
key_added(struct net_http_request *request, enum err err, const char *what,
          struct bytes name, const char *secret, const struct base_note *note)
{
    if (err != ERR_OK) {
        net_http_reply_err(request, err, note);
        return;
    }
    net_http_reply_header(request, "Cache-Control", "no-store");
    net_http_reply_json(request, 201,
                        json_pack("{s:o, s:s}", what, net_http_json_text(name),
                                  "secret", secret));
}

void
api_people_key_add(void *self, struct net_http_request *request)
{
    struct api_people *api = self;
    struct base_note note = {0};
    char secret[PEOPLE_SECRET];
    json_t *body = net_http_json_body(request);
    if (!body)
        return;
    struct people_key key = {.name = net_http_json_get(body, "name"),
                             .scope = net_http_json_get(body, "scope")};
    enum err err = api_people_roles_read(body, &key.roles, &note);
    if (err == ERR_OK)
        err = key_days(body, base_loop_wall(api->loop).ms, &key.expires_ms,
                       &note);
    if (err == ERR_OK)
        err = people_key_add(api->people, &request->principal, &key, secret,
                             &note);
    key_added(request, err, "name", key.name, secret, &note);
    json_decref(body);
}

/* "pin": SHA-256 of the certificate's public key (SubjectPublicKeyInfo). */
static enum err
key_pin(const json_t *body, struct people_key *key, struct base_note *note)
{
    struct bytes pin = net_http_json_get(body, "pin");
    if (!json_object_get(body, "pin"))
        return ERR_OK;
    key->has_pin = true;
    if (pin.size == 64 && base_b64_unhex(pin, key->pin, 32) == ERR_OK)
        return ERR_OK;
    return base_err_note_at(note, ERR_SYNTAX, "pin", 0, 0,
                            "a pin is the SHA-256 of the certificate's public "
                            "key: 64 hex digits");
}

/* It could publish nothing here. */
static enum err
device_ours(const struct api_people *api, struct bytes id,
            struct base_note *note)
{
    if (model_id_covers(api->node,
                        base_bytes_slice(id, 0, base_bytes_find(id, '/'))))
        return ERR_OK;
    return base_err_note_at(note, ERR_NAME, "id", 0, 0,
                            "a device is named below %.*s, the prefix of this "
                            "node; the node of another prefix lets in its own",
                            (int)api->node.size, (const char *)api->node.at);
}

void
api_people_device_add(void *self, struct net_http_request *request)
{
    struct api_people *api = self;
    struct base_note note = {0};
    char secret[PEOPLE_SECRET];
    json_t *body = net_http_json_body(request);
    if (!body)
        return;
    struct people_key device = {.name = net_http_json_get(body, "id")};
    enum err err = device_ours(api, device.name, &note);
    if (err == ERR_OK)
        err = key_pin(body, &device, &note);
    if (err == ERR_OK)
        err = key_days(body, base_loop_wall(api->loop).ms, &device.expires_ms,
                       &note);
    if (err == ERR_OK)
        err = people_device_add(api->people, &request->principal, &device,
                                secret, &note);
    key_added(request, err, "id", device.name, secret, &note);
    json_decref(body);
}

/* --- certificates --- */

/* "life": 5s to 366d; absent: 90 days. */
static enum err
key_life(const json_t *body, int64_t *ret_ms, struct base_note *note)
{
    enum { LEAST = 5000 };
    int64_t life = 0;
    if (json_object_get(body, "life") &&
        (base_time_span(net_http_json_get(body, "life"), &life) != ERR_OK ||
         life < LEAST || life > 366 * INT64_C(86400000)))
        return base_err_note_at(note, ERR_RANGE, "life", 0, 0,
                                "life is a time from 5s to 366d, such as 90d");
    *ret_ms = life;
    return ERR_OK;
}

static json_t *
key_pem(const struct crypt_cert *cert)
{
    struct base_out pem;
    base_out_grow(&pem, API_PEOPLE_BODY);
    json_t *text = crypt_cert_pem(cert, &pem) == ERR_OK
                       ? net_http_json_text(base_out_bytes(&pem))
                       : NULL;
    base_out_done(&pem);
    return text;
}

static void
key_certified(struct api_people *api, struct net_http_request *request,
              struct bytes id, struct crypt_cert *cert)
{
    struct crypt_cert_facts facts;
    crypt_cert_facts(cert, &facts);
    net_http_reply_json(
        request, 201,
        json_pack("{s:o, s:o, s:o, s:I}", "id", net_http_json_text(id),
                  "certificate", key_pem(cert), "ca", key_pem(api->ca),
                  "expires_ms", (json_int_t)facts.not_after.ms));
    crypt_cert_free(cert);
}

void
api_people_certify(void *self, struct net_http_request *request)
{
    struct api_people *api = self;
    struct base_note note = {0};
    struct crypt_cert *cert = NULL;
    json_t *body = net_http_json_body(request);
    if (!body)
        return;
    struct people_certificate wanted = {.id = net_http_json_get(body, "id"),
                                        .request =
                                            net_http_json_get(body, "request")};
    enum err err = key_life(body, &wanted.life_ms, &note);
    if (err == ERR_OK)
        err = people_device_certify(api->people, &request->principal, &wanted,
                                    &cert, &note);
    if (err == ERR_OK)
        key_certified(api, request, wanted.id, cert);
    else
        net_http_reply_err(request, err, &note);
    json_decref(body);
}

/* --- revoking --- */

static void
key_revoked(struct net_http_request *request, enum err err,
            const struct base_note *note)
{
    if (err == ERR_OK)
        net_http_reply(request, 204, NULL, (struct bytes){0});
    else
        net_http_reply_err(request, err, note);
}

void
api_people_key_revoke(void *self, struct net_http_request *request)
{
    struct api_people *api = self;
    struct base_note note = {0};
    enum err err = people_key_revoke(api->people, &request->principal,
                                     net_http_path(request, "id"), &note);
    key_revoked(request, err, &note);
}

void
api_people_device_revoke(void *self, struct net_http_request *request)
{
    struct api_people *api = self;
    struct base_note note = {0};
    enum err err = people_device_revoke(api->people, &request->principal,
                                        net_http_path(request, "id"), &note);
    key_revoked(request, err, &note);
}
