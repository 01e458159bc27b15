/* app_keys.c -- see app_keys.h. */
#include "app/app_keys.h"

#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base_b64.h"
#include "base/base_mem.h"

enum { KEYS_FILE_MAX = 64 << 10, KEYS_ARENA = 1 << 20 };

struct keys_work {
    struct sys_files *files;
    const struct app_config *config;
    struct base_arena arena;
    struct base_note *note;
};

static char *
keys_path(struct keys_work *work, const char *name)
{
    return base_arena_format(&work->arena, "%s/%s", work->config->data, name);
}

static enum err
keys_note(struct keys_work *work, enum err err, const char *name)
{
    if (err == ERR_OK)
        return err;
    return base_err_note_at(work->note, err, keys_path(work, name), 0, 0, "%s",
                            base_err_text(err));
}

static enum err
keys_load_file(struct keys_work *work, const char *name, struct bytes *ret_data)
{
    return sys_file_load(work->files, keys_path(work, name), KEYS_FILE_MAX,
                         &work->arena, ret_data);
}

/* The key of this file, made and saved if there is none. */
static enum err
keys_key(struct keys_work *work, const char *name, enum crypt_key_kind kind,
         struct crypt_key **ret_key)
{
    struct bytes pem;
    enum err err = keys_load_file(work, name, &pem);
    if (err == ERR_OK)
        return keys_note(work, crypt_key_read(pem, kind, ret_key), name);
    if (err != ERR_ABSENT)
        return keys_note(work, err, name);
    struct base_out out;
    base_out_grow(&out, KEYS_FILE_MAX);
    err = crypt_key_make(kind, ret_key);
    if (err == ERR_OK)
        err = crypt_key_write(*ret_key, &out);
    if (err == ERR_OK)
        err = sys_file_save(work->files, keys_path(work, name),
                            base_out_bytes(&out), true);
    base_out_done(&out);
    return keys_note(work, err, name);
}

static enum err
keys_cert_save(struct keys_work *work, const char *name,
               const struct crypt_cert *cert)
{
    struct base_out out;
    base_out_grow(&out, KEYS_FILE_MAX);
    enum err err = crypt_cert_pem(cert, &out);
    if (err == ERR_OK)
        err = sys_file_save(work->files, keys_path(work, name),
                            base_out_bytes(&out), false);
    base_out_done(&out);
    return keys_note(work, err, name);
}

/* NULL stays when the file is absent. */
static enum err
keys_cert(struct keys_work *work, const char *name,
          struct crypt_cert **ret_cert)
{
    struct bytes pem;
    enum err err = keys_load_file(work, name, &pem);
    if (err == ERR_ABSENT)
        return ERR_OK;
    if (err == ERR_OK)
        err = crypt_cert_read(pem, ret_cert);
    return keys_note(work, err, name);
}

static enum err
keys_join_read(struct keys_work *work, struct app_join *join)
{
    struct bytes text;
    json_error_t where;
    enum err err = keys_load_file(work, "join.json", &text);
    if (err == ERR_ABSENT)
        return ERR_OK;
    if (err != ERR_OK)
        return keys_note(work, err, "join.json");
    json_t *root = json_loadb((const char *)text.at, text.size,
                              JSON_REJECT_DUPLICATES, &where);
    const char *parent = NULL, *host = NULL;
    int port = 0, epoch = 0;
    if (root == NULL ||
        json_unpack(root, "{s:s, s:s, s:i, s:i}", "parent", &parent,
                    "tier_host", &host, "tier_port", &port, "epoch",
                    &epoch) != 0 ||
        port < 1 || port > 65535 || epoch < 1) {
        json_decref(root);
        return base_err_note_at(work->note, ERR_SYNTAX,
                                keys_path(work, "join.json"), 0, 0,
                                "not as join writes it; join again");
    }
    join->joined = true;
    base_bytes_string(base_bytes_text(parent), join->parent,
                      sizeof join->parent);
    base_bytes_string(base_bytes_text(host), join->tier_host,
                      sizeof join->tier_host);
    join->tier_port = (uint16_t)port;
    join->epoch = (uint32_t)epoch;
    json_decref(root);
    return ERR_OK;
}

static enum err
keys_ca(struct keys_work *work, struct app_keys *keys, struct wall now,
        struct base_random *random)
{
    enum err err = keys_cert(work, "ca.pem", &keys->ca);
    if (err != ERR_OK || keys->ca != NULL)
        return err;
    err =
        crypt_cert_ca(keys->ca_key, work->config->node, now, random, &keys->ca);
    if (err != ERR_OK)
        return keys_note(work, err, "ca.pem");
    return keys_cert_save(work, "ca.pem", keys->ca);
}

static enum err
keys_all(struct keys_work *work, struct app_keys *keys, struct wall now,
         struct base_random *random)
{
    static const struct {
        const char *name;
        enum crypt_key_kind kind;
        size_t at;
    } table[] = {
        {"keys/ca.key", CRYPT_KEY_P256, offsetof(struct app_keys, ca_key)},
        {"keys/tls.key", CRYPT_KEY_P256, offsetof(struct app_keys, tls)},
        {"keys/sign.key", CRYPT_KEY_ED25519, offsetof(struct app_keys, sign)},
        {"keys/handle.key", CRYPT_KEY_RSA, offsetof(struct app_keys, handle)},
    };
    enum err err = sys_file_folders(work->files, keys_path(work, "keys"));
    if (err != ERR_OK)
        return keys_note(work, err, "keys");
    chmod(keys_path(work, "keys"), 0700);
    for (size_t i = 0; i < BASE_COUNT(table) && err == ERR_OK; i++)
        err =
            keys_key(work, table[i].name, table[i].kind,
                     (struct crypt_key **)(void *)((char *)keys + table[i].at));
    if (err == ERR_OK)
        err = keys_ca(work, keys, now, random);
    if (err == ERR_OK)
        err = keys_cert(work, "keys/tier.pem", &keys->tier);
    if (err == ERR_OK)
        err = keys_cert(work, "keys/parent_ca.pem", &keys->parent_ca);
    if (err == ERR_OK)
        err = keys_join_read(work, &keys->join);
    return err;
}

enum err
app_keys_load(struct sys_files *files, const struct app_config *config,
              struct wall now, struct base_random *random,
              struct app_keys *ret_keys, struct base_note *note)
{
    struct keys_work work = {files, config, {0}, note};
    *ret_keys = (struct app_keys){0};
    base_arena_init(&work.arena, KEYS_ARENA);
    enum err err = keys_all(&work, ret_keys, now, random);
    base_arena_done(&work.arena);
    if (err != ERR_OK)
        app_keys_done(ret_keys);
    return err;
}

void
app_keys_done(struct app_keys *keys)
{
    crypt_key_free(keys->ca_key);
    crypt_key_free(keys->tls);
    crypt_key_free(keys->sign);
    crypt_key_free(keys->handle);
    crypt_cert_free(keys->ca);
    crypt_cert_free(keys->tier);
    crypt_cert_free(keys->parent_ca);
    *keys = (struct app_keys){0};
}

enum err
app_keys_joined(struct sys_files *files, const struct app_config *config,
                const struct crypt_cert *tier,
                const struct crypt_cert *parent_ca, const struct app_join *join,
                struct wall now, struct base_note *note)
{
    struct keys_work work = {files, config, {0}, note};
    struct crypt_cert_facts ca;
    char hash[65];
    base_arena_init(&work.arena, KEYS_ARENA);
    crypt_cert_facts(parent_ca, &ca);
    json_t *root = json_pack(
        "{s:s, s:s, s:i, s:s, s:i, s:I}", "parent", join->parent, "tier_host",
        join->tier_host, "tier_port", (int)join->tier_port, "ca_sha256",
        base_b64_hex(base_bytes(ca.hash, sizeof ca.hash), hash), "epoch",
        (int)join->epoch, "joined_ms", (json_int_t)now.ms);
    char *text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    enum err err = keys_cert_save(&work, "keys/parent_ca.pem", parent_ca);
    if (err == ERR_OK)
        err = keys_cert_save(&work, "keys/tier.pem", tier);
    if (err == ERR_OK)
        err = keys_note(&work,
                        sys_file_save(files, keys_path(&work, "join.json"),
                                      base_bytes_text(text), false),
                        "join.json");
    free(text);
    base_arena_done(&work.arena);
    return err;
}
