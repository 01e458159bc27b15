/* api_people_session.c -- log in, who am I, log out, a new password. */
#include <stdio.h>

#include "api/people/api_people_inner.h"
#include "base/base_mem.h"
#include "wire/auth/wire_auth.h"

struct session_login {
    struct people_login login;
    struct api_people *api;
    struct net_http_request *request;
    json_t *body;
};

static struct bytes
session_token(const struct api_people *api, struct net_http_request *request)
{
    return wire_auth_cookie(net_http_header(request, "cookie"),
                            base_bytes_text(api->cookie));
}

static void
session_cookie(const struct api_people *api, struct net_http_request *request,
               const char *token, int seconds)
{
    char cookie[512];
    snprintf(cookie, sizeof cookie,
             "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s",
             api->cookie, token, seconds, request->tls ? "; Secure" : "");
    net_http_reply_header(request, "Set-Cookie", cookie);
    net_http_reply_header(request, "Cache-Control", "no-store");
}

/* 201 with who it is, and the cookie. */
static void
session_began(const struct api_people *api, struct net_http_request *request,
              const char *token)
{
    struct model_grant_principal who;
    enum err err = people_who_session(api->people, base_bytes_text(token),
                                      &request->arena, &who);
    if (err != ERR_OK) {
        net_http_reply_err(request, err, NULL);
        return;
    }
    session_cookie(api, request, token, PEOPLE_SESSION_S);
    net_http_reply_json(request, 201, api_people_who(&who));
}

/* Wrong is 401, slowed 429 with the seconds to wait. */
static void
session_refuse(struct net_http_request *request, enum err err,
               const struct base_note *note)
{
    net_http_problem(request,
                     err == ERR_DENIED ? 401
                     : err == ERR_BUSY ? 429
                                       : net_http_status(err),
                     note);
}

static void
session_login_done(struct people_login *login, enum err err,
                   const struct base_note *note)
{
    struct session_login *mine = BASE_OUTER(login, struct session_login, login);
    struct net_http_request *request = mine->request;
    char seconds[16];
    json_decref(mine->body);
    if (err == ERR_OK) {
        session_began(mine->api, request, login->token);
        return;
    }
    if (err == ERR_BUSY) {
        snprintf(seconds, sizeof seconds, "%u", login->retry_s);
        net_http_reply_header(request, "Retry-After", seconds);
    }
    session_refuse(request, err, note);
}

static void
session_by_link(struct api_people *api, struct net_http_request *request,
                struct bytes link)
{
    char token[PEOPLE_SECRET];
    struct base_note note = {0};
    enum err err =
        people_login_link(api->people, link, request->peer, token, &note);
    if (err == ERR_OK)
        session_began(api, request, token);
    else
        session_refuse(request, err, &note);
}

void
api_people_login(void *self, struct net_http_request *request)
{
    struct api_people *api = self;
    struct base_note note;
    json_t *body = net_http_json_body(request);
    if (!body)
        return;
    struct bytes link = net_http_json_get(body, "link");
    struct bytes user = net_http_json_get(body, "user");
    struct bytes password = net_http_json_get(body, "password");
    struct session_login *mine =
        base_arena_alloc(&request->arena, sizeof *mine);
    if (link.at) {
        session_by_link(api, request, link);
        json_decref(body);
    } else if (user.at && password.at && mine) {
        *mine = (struct session_login){
            .login = {.user = user,
                      .password = password,
                      .peer = request->peer,
                      .done = session_login_done},
            .api = api,
            .request = request,
            .body = body,
        };
        people_login(api->people, &mine->login);
    } else {
        json_decref(body);
        base_err_note(&note, ERR_SYNTAX,
                      "a login is {\"user\", \"password\"} or {\"link\"}");
        net_http_reply_err(request, ERR_SYNTAX, &note);
    }
}

void
api_people_this(void *self, struct net_http_request *request)
{
    (void)self;
    net_http_reply_header(request, "Cache-Control", "no-store");
    net_http_reply_json(request, 200, api_people_who(&request->principal));
}

void
api_people_logout(void *self, struct net_http_request *request)
{
    struct api_people *api = self;
    enum err err = people_logout(api->people, session_token(api, request));
    if (err != ERR_OK && err != ERR_ABSENT) {
        net_http_reply_err(request, err, NULL);
        return;
    }
    session_cookie(api, request, "", 0);
    net_http_reply(request, 204, NULL, (struct bytes){0});
}

struct session_password {
    struct people_password password;
    struct net_http_request *request;
    json_t *body;
};

static void
session_password_done(struct people_password *password, enum err err,
                      const struct base_note *note)
{
    struct session_password *mine =
        BASE_OUTER(password, struct session_password, password);
    struct base_note bare;
    if (!note)
        base_err_note(&bare, err, "%s", base_err_text(err));
    json_decref(mine->body);
    if (err == ERR_OK)
        net_http_reply(mine->request, 204, NULL, (struct bytes){0});
    else
        session_refuse(mine->request, err, note ? note : &bare);
}

void
api_people_password(void *self, struct net_http_request *request)
{
    struct api_people *api = self;
    json_t *body = net_http_json_body(request);
    if (!body)
        return;
    struct session_password *mine =
        base_arena_alloc(&request->arena, sizeof *mine);
    if (!mine) {
        json_decref(body);
        net_http_reply_err(request, ERR_LIMIT, NULL);
        return;
    }
    *mine = (struct session_password){
        .password = {.token = session_token(api, request),
                     .old = net_http_json_get(body, "old"),
                     .fresh = net_http_json_get(body, "new"),
                     .peer = request->peer,
                     .done = session_password_done},
        .request = request,
        .body = body,
    };
    people_password(api->people, &mine->password);
}
