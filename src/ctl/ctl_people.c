/* ctl_people.c -- login, logout, whoami; users, keys and devices of a node.
 *
 * A password is asked for on the terminal, without echo, or read as one line
 * from standard input: an argument would stand in everybody's `ps`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/base_mem.h"
#include "ctl/ctl_http.h"
#include "ctl/ctl_page.h"
#include "ctl/ctl_key.h"
#include "engine/people/people.h"

/* --- asking for a secret --- */

static bool
people_line(char *to, size_t size)
{
    if (fgets(to, (int)size, stdin) == NULL) {
        ctl_say("a password is asked for on the terminal, or read as a line "
                "from standard input; there was none");
        return false;
    }
    to[strcspn(to, "\n")] = '\0';
    return true;
}

static bool
people_secret_ask(const char *prompt, char *to, size_t size)
{
    struct termios was, silent;
    if (tcgetattr(STDIN_FILENO, &was) != 0)
        return people_line(to, size);
    silent = was;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fputs(prompt, stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    bool got = people_line(to, size);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
    fputc('\n', stderr);
    return got;
}

/* --- answers --- */

static void
people_path(char *to, size_t size, const char *before, const char *name,
            const char *after)
{
    struct base_out path;
    base_out_fixed(&path, to, size);
    base_out_text(&path, before);
    ctl_http_escape(&path, name);
    base_out_text(&path, after);
    base_out_u8(&path, 0);
    if (!base_out_ok(&path))
        to[0] = '\0';
}

static const char *
people_field(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text != NULL ? text : "";
}

static void
people_words(const json_t *list, char *to, size_t size)
{
    const json_t *item;
    size_t i, used = 0;
    to[0] = '\0';
    json_array_foreach(list, i, item)
    {
        if (used < size)
            used += (size_t)snprintf(to + used, size - used, "%s%s",
                                     i > 0 ? "," : "", json_string_value(item));
    }
}

/* "viewer,operator" -> ["viewer", "operator"] */
static json_t *
people_list(const char *text)
{
    json_t *list = json_array();
    while (text != NULL && text[0] != '\0') {
        size_t size = strcspn(text, ",");
        json_array_append_new(list, json_stringn(text, size));
        text += size + (text[size] == ',');
    }
    return list;
}

static enum ctl_exit
people_send(struct ctl *ctl, const char *method, const char *path, json_t *take,
            json_t **ret_json)
{
    char *body = take != NULL ? json_dumps(take, JSON_COMPACT) : NULL;
    enum ctl_exit bad = ctl_http_ask(ctl, method, path, body, ret_json);
    free(body);
    json_decref(take);
    return bad;
}

static enum ctl_exit
people_print(struct ctl *ctl, enum ctl_exit bad, json_t *answer,
             void (*print)(const json_t *answer))
{
    if (bad == CTL_OK && ctl->json && answer != NULL)
        ctl_print_json(answer);
    else if (bad == CTL_OK)
        print(answer);
    json_decref(answer);
    return bad;
}

/* --- sessions --- */

/* The cookie that the answer's head sets; "" if none. */
static void
people_cookie(struct bytes head, char *to, size_t size)
{
    static const char mark[] = "\r\nSet-Cookie: ";
    const char *at = memmem(head.at, head.size, mark, sizeof mark - 1);
    to[0] = '\0';
    if (at == NULL)
        return;
    at += sizeof mark - 1;
    size_t left = (size_t)((const char *)head.at + head.size - at), end = 0;
    while (end < left && at[end] != ';' && at[end] != '\r')
        end++;
    if (end < size)
        base_bytes_string(base_bytes(at, end), to, size);
}

static enum ctl_exit
people_login_send(struct ctl *ctl, const char *body)
{
    char url[512], cookie[256];
    struct base_out head, answer;
    long status = 0;
    snprintf(url, sizeof url, "%s/api/sessions", ctl->node);
    base_out_grow(&head, 64 << 10);
    struct ctl_http http = {
        .url = url, .post = body, .type = "application/json", .head = &head};
    enum ctl_exit bad = ctl_http_raw(&http, &status, &answer);
    if (bad == CTL_OK) {
        people_cookie(base_out_bytes(&head), cookie, sizeof cookie);
        if (status >= 400)
            bad = ctl_http_refused(status, base_out_bytes(&answer));
        else
            bad = ctl_key_keep(ctl, cookie);
        base_out_done(&answer);
    }
    base_out_done(&head);
    return bad;
}

enum ctl_exit
ctl_login(struct ctl *ctl)
{
    char password[PEOPLE_PASSWORD_MAX + 2];
    const char *link = ctl_value(ctl, "link");
    if (link == NULL && ctl->arg_count == 0) {
        ctl_say("login takes a user, or --link LINK");
        return CTL_USAGE;
    }
    if (link == NULL &&
        !people_secret_ask("password: ", password, sizeof password))
        return CTL_USAGE;
    json_t *login = link != NULL ? json_pack("{s:s}", "link", link)
                                 : json_pack("{s:s, s:s}", "user", ctl->args[0],
                                             "password", password);
    char *body = login != NULL ? json_dumps(login, JSON_COMPACT) : NULL;
    enum ctl_exit bad = body != NULL ? people_login_send(ctl, body) : CTL_USAGE;
    if (bad == CTL_OK)
        printf("logged in at %s\n", ctl->node);
    free(body);
    json_decref(login);
    return bad;
}

enum ctl_exit
ctl_logout(struct ctl *ctl)
{
    json_t *answer = NULL;
    if (ctl->cookie[0] == '\0') {
        ctl_say("there is no session at %s", ctl->node);
        return CTL_NO;
    }
    enum ctl_exit bad =
        ctl_http_ask(ctl, "DELETE", "/api/sessions/this", NULL, &answer);
    json_decref(answer);
    return bad == CTL_OK ? ctl_key_keep(ctl, "") : bad;
}

static void
people_print_who(const json_t *who)
{
    char roles[128];
    people_words(json_object_get(who, "roles"), roles, sizeof roles);
    printf("%s %s  roles %s  scope \"%s\"\n", people_field(who, "kind"),
           people_field(who, "name"), roles[0] != '\0' ? roles : "none",
           people_field(who, "scope"));
}

enum ctl_exit
ctl_whoami(struct ctl *ctl)
{
    json_t *who = NULL;
    enum ctl_exit bad = ctl_http_get(ctl, "/api/sessions/this", &who);
    return people_print(ctl, bad, who, people_print_who);
}

enum ctl_exit
ctl_password(struct ctl *ctl)
{
    char old[PEOPLE_PASSWORD_MAX + 2], fresh[PEOPLE_PASSWORD_MAX + 2];
    json_t *answer = NULL;
    if (!people_secret_ask("old password (none after a link): ", old,
                           sizeof old) ||
        !people_secret_ask("new password: ", fresh, sizeof fresh))
        return CTL_USAGE;
    enum ctl_exit bad =
        people_send(ctl, "PUT", "/api/sessions/this/password",
                    json_pack("{s:s, s:s}", "old", old, "new", fresh), &answer);
    json_decref(answer);
    if (bad == CTL_OK)
        puts("changed; other sessions have ended");
    return bad;
}

static enum ctl_exit
people_page(const struct ctl *ctl, const char *root, json_t **ret_json)
{
    struct base_out path;
    base_out_grow(&path, 4096);
    base_out_text(&path, root);
    enum ctl_exit bad = ctl_page_get(ctl, &path, ret_json);
    base_out_done(&path);
    return bad;
}

/* --- users --- */

static void
people_print_users(const json_t *answer)
{
    const json_t *row;
    size_t i;
    char roles[128];
    json_array_foreach(json_object_get(answer, "users"), i, row)
    {
        people_words(json_object_get(row, "roles"), roles, sizeof roles);
        printf("%-20s %-28s %-24s %s%s\n", people_field(row, "user"), roles,
               people_field(row, "scope"),
               json_is_true(json_object_get(row, "disabled")) ? "disabled" : "",
               json_is_true(json_object_get(row, "password")) ? ""
                                                              : "no password");
    }
    ctl_page_more(answer);
}

static void
people_print_user(const json_t *row)
{
    char roles[128];
    people_words(json_object_get(row, "roles"), roles, sizeof roles);
    printf("%s  roles %s  scope \"%s\"%s\n", people_field(row, "user"),
           roles[0] != '\0' ? roles : "none", people_field(row, "scope"),
           json_is_true(json_object_get(row, "disabled")) ? "  disabled" : "");
}

static void
people_add_options(struct ctl *ctl, json_t *body)
{
    const char *roles = ctl_value(ctl, "roles");
    const char *scope = ctl_value(ctl, "scope");
    const char *days = ctl_value(ctl, "days");
    if (roles != NULL)
        json_object_set_new(body, "roles", people_list(roles));
    if (scope != NULL)
        json_object_set_new(body, "scope", json_string(scope));
    if (days != NULL)
        json_object_set_new(body, "days", json_integer(atoi(days)));
}

enum ctl_exit
ctl_user(struct ctl *ctl)
{
    const char *verb = ctl->command->verb;
    char path[1024];
    json_t *answer = NULL, *body = json_object();
    people_path(path, sizeof path, "/api/users/",
                ctl->arg_count > 0 ? ctl->args[0] : "", "");
    people_add_options(ctl, body);
    if (strcmp(verb, "list") == 0) {
        json_decref(body);
        enum ctl_exit bad = people_page(ctl, "/api/users?", &answer);
        return people_print(ctl, bad, answer, people_print_users);
    }
    if (strcmp(verb, "add") == 0) {
        json_object_set_new(body, "user", json_string(ctl->args[0]));
        enum ctl_exit bad =
            people_send(ctl, "POST", "/api/users", body, &answer);
        return people_print(ctl, bad, answer, people_print_user);
    }
    if (strcmp(verb, "disable") == 0 || strcmp(verb, "enable") == 0)
        json_object_set_new(body, "disabled",
                            json_boolean(strcmp(verb, "disable") == 0));
    enum ctl_exit bad = people_send(ctl, "PUT", path, body, &answer);
    return people_print(ctl, bad, answer, people_print_user);
}

enum ctl_exit
ctl_user_link(struct ctl *ctl)
{
    char path[1024];
    json_t *answer = NULL;
    people_path(path, sizeof path, "/api/users/", ctl->args[0], "/link");
    enum ctl_exit bad = ctl_http_post(ctl, path, "{}", &answer);
    if (bad == CTL_OK && ctl->json)
        ctl_print_json(answer);
    else if (bad == CTL_OK)
        printf("%s/#/login?link=%s\n", ctl->node, people_field(answer, "link"));
    json_decref(answer);
    return bad;
}

/* --- keys and devices --- */

static void
people_print_secret(const json_t *answer)
{
    puts(people_field(answer, "secret"));
}

static void
people_print_keys(const json_t *answer)
{
    const json_t *row;
    size_t i;
    char roles[128];
    json_array_foreach(json_object_get(answer, "keys"), i, row)
    {
        people_words(json_object_get(row, "roles"), roles, sizeof roles);
        printf("%s  %-20s %-28s %s\n", people_field(row, "id"),
               people_field(row, "name"), roles, people_field(row, "scope"));
    }
    json_array_foreach(json_object_get(answer, "devices"), i, row)
    {
        printf("%-48s %s\n", people_field(row, "id"),
               json_is_true(json_object_get(row, "certificate")) ? "certificate"
                                                                 : "");
    }
    ctl_page_more(answer);
}

static void
people_print_nothing(const json_t *answer)
{
    (void)answer;
    puts("revoked");
}

/* `key` and `device` differ in words only. */
enum ctl_exit
ctl_keys(struct ctl *ctl)
{
    bool device = strcmp(ctl->command->noun, "device") == 0;
    const char *root = device ? "/api/devices" : "/api/keys";
    const char *verb = ctl->command->verb;
    char path[1024];
    json_t *answer = NULL;
    if (strcmp(verb, "list") == 0) {
        snprintf(path, sizeof path, "%s?", root);
        enum ctl_exit bad = people_page(ctl, path, &answer);
        return people_print(ctl, bad, answer, people_print_keys);
    }
    if (strcmp(verb, "revoke") == 0) {
        people_path(path, sizeof path, device ? "/api/devices/" : "/api/keys/",
                    ctl->args[0], "");
        enum ctl_exit bad = ctl_http_ask(ctl, "DELETE", path, NULL, &answer);
        return people_print(ctl, bad, answer, people_print_nothing);
    }
    json_t *body = json_object();
    const char *pin = ctl_value(ctl, "pin");
    json_object_set_new(body, device ? "id" : "name",
                        json_string(ctl->args[0]));
    if (pin != NULL)
        json_object_set_new(body, "pin", json_string(pin));
    people_add_options(ctl, body);
    enum ctl_exit bad = people_send(ctl, "POST", root, body, &answer);
    return people_print(ctl, bad, answer, people_print_secret);
}
