/* ctl_key.c -- see ctl_key.h. */
#include "ctl/ctl_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/app_config.h"
#include "base/base_arena.h"

enum { KEY_FILE_MAX = 1 << 20 };

/* --- the operator's key --- */

static enum ctl_exit
key_read(struct ctl *ctl, const struct app_config *config,
         struct base_arena *arena)
{
    struct bytes text;
    const char *path =
        base_arena_format(arena, "%s/keys/operator.key", config->data);
    enum err err =
        sys_file_load(sys_file_real(), path, sizeof ctl->key - 1, arena, &text);
    if (err != ERR_OK) {
        ctl_say("%s: %s; the node's first serve makes it", path,
                base_err_text(err));
        return CTL_REFUSED;
    }
    base_bytes_string(base_bytes_slice(text, 0, base_bytes_find(text, '\n')),
                      ctl->key, sizeof ctl->key);
    return CTL_OK;
}

static enum ctl_exit
key_config(struct ctl *ctl)
{
    struct app_config *config;
    struct base_note note = {0};
    struct base_arena arena;
    if (app_config_load(sys_file_real(), ctl->config, &config, &note) !=
        ERR_OK) {
        ctl_say_note(&note);
        return CTL_USAGE;
    }
    snprintf(ctl->url, sizeof ctl->url, "http://127.0.0.1:%u", config->port);
    if (ctl->node == NULL)
        ctl->node = ctl->url;
    base_arena_init(&arena, KEY_FILE_MAX);
    enum ctl_exit bad =
        ctl->key[0] == '\0' ? key_read(ctl, config, &arena) : CTL_OK;
    base_arena_done(&arena);
    app_config_free(config);
    return bad;
}

/* --- sessions of `dougong login` --- */

static bool
key_path(char *to, size_t size, const char *name)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int used = state != NULL && state[0] == '/'
                   ? snprintf(to, size, "%s/dougong%s", state, name)
               : home != NULL
                   ? snprintf(to, size, "%s/.local/state/dougong%s", home, name)
                   : (int)size;
    return used > 0 && (size_t)used < size;
}

static json_t *
key_sessions(void)
{
    char path[1024];
    if (!key_path(path, sizeof path, "/sessions.json"))
        return json_object();
    json_t *kept = json_load_file(path, 0, NULL);
    if (json_is_object(kept))
        return kept;
    json_decref(kept);
    return json_object();
}

enum ctl_exit
ctl_key_keep(const struct ctl *ctl, const char *cookie)
{
    char path[1024];
    json_t *kept = key_sessions();
    if (cookie[0] == '\0')
        json_object_del(kept, ctl->node);
    else
        json_object_set_new(kept, ctl->node, json_string(cookie));
    char *text = json_dumps(kept, JSON_INDENT(2));
    enum err err = ERR_NAME;
    if (key_path(path, sizeof path, ""))
        err = sys_file_folders(sys_file_real(), path);
    if (err == ERR_OK && key_path(path, sizeof path, "/sessions.json"))
        err = sys_file_save(sys_file_real(), path, base_bytes_text(text), true);
    if (err != ERR_OK)
        ctl_say("the session cannot be kept: %s", base_err_text(err));
    free(text);
    json_decref(kept);
    return err == ERR_OK ? CTL_OK : CTL_REFUSED;
}

static void
key_session(struct ctl *ctl)
{
    json_t *kept = key_sessions();
    const char *cookie = json_string_value(json_object_get(kept, ctl->node));
    if (cookie != NULL && strlen(cookie) < sizeof ctl->cookie)
        strcpy(ctl->cookie, cookie);
    json_decref(kept);
}

enum ctl_exit
ctl_key_find(struct ctl *ctl)
{
    const char *key = getenv("DOUGONG_KEY");
    if (key != NULL && strlen(key) < sizeof ctl->key)
        strcpy(ctl->key, key);
    if (ctl->config != NULL && ctl_value(ctl, "config") == NULL) {
        enum ctl_exit bad = key_config(ctl);
        if (bad != CTL_OK)
            return bad;
    }
    if (ctl->node == NULL || ctl->node[0] == '\0')
        ctl->node = getenv("DOUGONG_NODE");
    if (ctl->node == NULL || ctl->node[0] == '\0')
        ctl->node = "http://127.0.0.1:8100";
    if (ctl->key[0] == '\0')
        key_session(ctl);
    return CTL_OK;
}
