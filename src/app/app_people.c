/* app_people.c -- see app_people.h. */
#include "app/app_people.h"

#include "app/app_parts.h"
#include "sys/sys_pool.h"
#include "sys/sys_random.h"
#include "wire/auth/wire_auth.h"

enum {
    PEOPLE_POOL_THREADS = 2,
    PEOPLE_POOL_QUEUE = 64,
    PEOPLE_AUTH_MAX = 2048
};

/* --- the first administrator --- */

/* What the node does by itself. */
static struct model_grant_principal
people_node(const struct app_parts *parts)
{
    return (struct model_grant_principal){
        .kind = MODEL_GRANT_NODE,
        .roles = MODEL_GRANT_GIVEN,
        .name = base_bytes_text(parts->config->node),
        .scope = base_bytes_text("*"),
    };
}

static enum err
people_save(struct app_parts *parts, const char *name, const char *text)
{
    const char *path =
        base_arena_format(&parts->arena, "%s/%s", parts->config->data, name);
    enum err err =
        sys_file_save(parts->files, path, base_bytes_text(text), true);
    return err == ERR_OK
               ? err
               : base_err_note_at(parts->note, err, path, 0, 0,
                                  "cannot be written: %s", base_err_text(err));
}

/* Does the key of the file still open? */
static bool
people_key_good(struct app_parts *parts)
{
    struct model_grant_principal who;
    struct bytes text;
    const char *path = base_arena_format(&parts->arena, "%s/keys/operator.key",
                                         parts->config->data);
    if (sys_file_load(parts->files, path, PEOPLE_SECRET_MAX, &parts->arena,
                      &text) != ERR_OK)
        return false;
    if (text.size > 0 && text.at[text.size - 1] == '\n')
        text.size--;
    return people_who_key(parts->people.people, text, &parts->arena, &who) ==
           ERR_OK;
}

enum err
app_people_device(struct app_parts *parts, const char *id,
                  char secret[PEOPLE_SECRET])
{
    struct model_grant_principal by = people_node(parts);
    struct people_key device = {.name = base_bytes_text(id)};
    return people_device_add(parts->people.people, &by, &device, secret,
                             parts->note);
}

static enum err
people_operator(struct app_parts *parts)
{
    char secret[PEOPLE_SECRET];
    struct model_grant_principal by = people_node(parts);
    struct people_key key = {.name = base_bytes_text("operator.key"),
                             .roles = MODEL_GRANT_ADMINISTRATOR,
                             .scope = base_bytes_text("*")};
    if (people_key_good(parts))
        return ERR_OK;
    enum err err =
        people_key_add(parts->people.people, &by, &key, secret, parts->note);
    return err == ERR_OK
               ? people_save(parts, "keys/operator.key",
                             base_arena_format(&parts->arena, "%s\n", secret))
               : err;
}

static bool
people_some(void *self, const struct people_user *user)
{
    (void)user;
    *(bool *)self = true;
    return false;
}

static enum err
people_admin(struct app_parts *parts)
{
    const struct app_config *config = parts->config;
    char link[PEOPLE_SECRET];
    bool some = false;
    struct model_grant_principal by = people_node(parts);
    struct people_user admin = {.name = base_bytes_text("admin"),
                                .roles = MODEL_GRANT_ADMINISTRATOR,
                                .scope = base_bytes_text("*")};
    (void)people_user_list(parts->people.people, base_bytes_text(""), 1,
                           people_some, &some);
    if (some)
        return ERR_OK;
    enum err err =
        people_user_create(parts->people.people, &by, &admin, parts->note);
    if (err == ERR_OK)
        err = people_user_link(parts->people.people, &by, admin.name, link,
                               parts->note);
    if (err != ERR_OK)
        return err;
    base_log_say(&parts->log->log, BASE_LOG_INFO, "people", "admin_made",
                 "link=\"%s/admin-link\"", config->data);
    return people_save(parts, "admin-link",
                       base_arena_format(&parts->arena,
                                         "http://%s:%u/#/login?link=%s\n",
                                         config->bind, config->port, link));
}

enum err
app_people_open(struct app_parts *parts)
{
    struct app_people *own = &parts->people;
    enum err err = sys_pool_new(PEOPLE_POOL_THREADS, PEOPLE_POOL_QUEUE,
                                &parts->stats, &own->pool);
    if (err != ERR_OK)
        return base_err_note(parts->note, err, "the pool of threads: %s",
                             base_err_text(err));
    struct people_config config = {
        .kv = parts->kvs[0],
        .audit = &parts->audit.log,
        .loop = parts->state,
        .pool = sys_pool_base(own->pool),
        .random = sys_random(),
        .stats = &parts->stats,
        .log = &parts->log->log,
        .ca = parts->keys.ca,
        .ca_key = parts->keys.ca_key,
        .revoked = app_mqtt_revoked,
        .self = parts,
    };
    err = people_new(&config, &own->people);
    if (err == ERR_OK)
        err = people_operator(parts);
    if (err == ERR_OK)
        err = people_admin(parts);
    if (err != ERR_OK && parts->note->text[0] == '\0')
        base_err_note(parts->note, err, "users: %s", base_err_text(err));
    return err;
}

enum err
app_people_routes(struct app_parts *parts)
{
    struct net_http_route routes[API_PEOPLE_ROUTES];
    parts->people.api = (struct api_people){
        .people = parts->people.people,
        .loop = parts->state,
        .cookie =
            base_arena_format(&parts->arena, "dougong_%s", parts->config->node),
        .node = base_bytes_text(parts->config->node),
        .ca = parts->keys.ca,
    };
    api_people_routes(&parts->people.api, routes);
    return net_http_routes(parts->http, routes, API_PEOPLE_ROUTES);
}

void
app_people_stop(struct app_parts *parts)
{
    sys_pool_free(parts->people.pool);
    parts->people.pool = NULL;
}

void
app_people_free(struct app_parts *parts)
{
    people_free(parts->people.people);
}

/* --- who asks --- */

struct people_asked {
    struct base_task task; /* there and back */
    struct app_parts *parts;
    struct net_http_identify *call;
    enum err err;
    struct base_note note;
};

static void
people_known(struct base_task *task)
{
    struct people_asked *asked = BASE_OUTER(task, struct people_asked, task);
    asked->call->done(asked->call, asked->err,
                      asked->err == ERR_OK ? NULL : &asked->note);
}

static enum err
people_by_key(struct people_asked *asked, struct bytes secret)
{
    struct net_http_request *request = asked->call->request;
    enum err err = people_who_key(asked->parts->people.people, secret,
                                  &request->arena, &request->principal);
    if (err == ERR_OK)
        return err;
    return base_err_note(
        &asked->note, err == ERR_EXPIRED ? ERR_DENIED : err, "%s",
        err == ERR_EXPIRED  ? "this key has expired"
        : err == ERR_DENIED ? "this key is not known here, or was revoked"
                            : base_err_text(err));
}

/* "http://HOST" or "https://HOST" as the Host header says. */
static bool
people_same_origin(const struct net_http_request *request)
{
    struct bytes origin = net_http_header(request, "origin");
    struct bytes host = net_http_header(request, "host");
    if (!origin.at || request->method == NET_HTTP_GET)
        return true;
    struct bytes rest =
        base_bytes_slice(origin, base_bytes_find(origin, ':') + 3, origin.size);
    return base_bytes_equal_folded(rest, host);
}

static enum err
people_by_cookie(struct people_asked *asked)
{
    struct net_http_request *request = asked->call->request;
    struct app_people *own = &asked->parts->people;
    struct bytes token = wire_auth_cookie(net_http_header(request, "cookie"),
                                          base_bytes_text(own->api.cookie));
    if (token.size == 0)
        return ERR_OK;
    if (!people_same_origin(request))
        return base_err_note(&asked->note, ERR_DENIED,
                             "requests of other sites' pages are refused");
    enum err err = people_who_session(own->people, token, &request->arena,
                                      &request->principal);
    return err == ERR_ABSENT ? ERR_OK : err;
}

static enum err
people_by_header(struct people_asked *asked, struct bytes header)
{
    static const struct bytes key = {(const uint8_t *)"dgk_", 4};
    uint8_t *room =
        base_arena_alloc(&asked->call->request->arena, PEOPLE_AUTH_MAX);
    struct wire_auth auth;
    struct base_out out;
    base_out_fixed(&out, room, room != NULL ? PEOPLE_AUTH_MAX : 0);
    enum err err = wire_auth_read(header, &out, &auth);
    if (err == ERR_UNSUPPORTED)
        return people_by_cookie(asked); /* Handle's proof is not ours */
    if (err != ERR_OK)
        return base_err_note(&asked->note, ERR_DENIED,
                             "the Authorization header is not well formed");
    if (auth.scheme == WIRE_AUTH_BASIC && !base_bytes_starts(auth.secret, key))
        return people_by_cookie(asked); /* nor is its Basic */
    return people_by_key(asked, auth.secret);
}

static void
people_ask(struct base_task *task)
{
    struct people_asked *asked = BASE_OUTER(task, struct people_asked, task);
    struct net_http_request *request = asked->call->request;
    struct bytes header = net_http_header(request, "authorization");
    asked->err =
        header.at ? people_by_header(asked, header) : people_by_cookie(asked);
    asked->task.fn = people_known;
    base_loop_post(sys_loop_base(asked->parts->http_loop), &asked->task);
}

void
app_people_identify(void *self, struct net_http_identify *call)
{
    struct app_parts *parts = self;
    struct people_asked *asked =
        base_arena_alloc(&call->request->arena, sizeof *asked);
    if (!asked) {
        call->done(call, ERR_LIMIT, NULL);
        return;
    }
    *asked = (struct people_asked){
        .task = {.fn = people_ask}, .parts = parts, .call = call};
    base_loop_post(parts->state, &asked->task);
}
