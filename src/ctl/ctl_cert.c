/* ctl_cert.c -- `dougong device cert`: a key made here, a certificate for it.
 *
 * The key never leaves this machine: only a request signed with it goes to the
 * node.  A key that is in the folder already is used again, so the same command
 * renews a certificate. */
#include <stdio.h>
#include <string.h>

#include "base/base_b64.h"
#include "crypt/crypt_cert.h"
#include "ctl/ctl_http.h"
#include "sys/sys_file.h"

enum { CERT_FILE_MAX = 64 << 10, CERT_ARENA = 256 << 10 };

static enum ctl_exit
cert_bad(const char *path, enum err err)
{
    ctl_say("%s: %s", path, base_err_text(err));
    return CTL_REFUSED;
}

static enum err
cert_key_make(const char *path, struct crypt_key **ret_key)
{
    struct base_out pem;
    base_out_grow(&pem, CERT_FILE_MAX);
    enum err err = crypt_key_make(CRYPT_KEY_P256, ret_key);
    if (err == ERR_OK)
        err = crypt_key_write(*ret_key, &pem);
    if (err == ERR_OK)
        err = sys_file_save(sys_file_real(), path, base_out_bytes(&pem), true);
    base_out_done(&pem);
    return err;
}

static enum err
cert_key(struct base_arena *arena, const char *path, struct crypt_key **ret_key)
{
    struct bytes pem;
    enum err err =
        sys_file_load(sys_file_real(), path, CERT_FILE_MAX, arena, &pem);
    if (err == ERR_ABSENT)
        return cert_key_make(path, ret_key);
    return err == ERR_OK ? crypt_key_read(pem, CRYPT_KEY_P256, ret_key) : err;
}

/* The request as JSON of /api/certificates; free() it. */
static char *
cert_body(const struct ctl *ctl, const struct crypt_key *key)
{
    const char *life = ctl_value(ctl, "life");
    struct base_out der, pem;
    char *body = NULL;
    base_out_grow(&der, CERT_FILE_MAX);
    base_out_grow(&pem, CERT_FILE_MAX);
    if (crypt_cert_request(key, ctl->args[0], &der) == ERR_OK) {
        base_out_text(&pem, "-----BEGIN CERTIFICATE REQUEST-----\n");
        base_b64_write(&pem, BASE_B64_LINES, base_out_bytes(&der));
        base_out_text(&pem, "-----END CERTIFICATE REQUEST-----\n");
        base_out_u8(&pem, 0);
        json_t *json = json_pack("{s:s, s:s, s:s*}", "id", ctl->args[0],
                                 "request", (const char *)pem.at, "life", life);
        body = json_dumps(json, JSON_COMPACT);
        json_decref(json);
    }
    base_out_done(&pem);
    base_out_done(&der);
    return body;
}

static enum ctl_exit
cert_keep(struct base_arena *arena, const char *folder, const char *name,
          const json_t *answer, const char *member)
{
    const char *path = base_arena_format(arena, "%s/%s", folder, name);
    const char *pem = json_string_value(json_object_get(answer, member));
    enum err err = pem != NULL ? sys_file_save(sys_file_real(), path,
                                               base_bytes_text(pem), false)
                               : ERR_SYNTAX;
    return err == ERR_OK ? CTL_OK : cert_bad(path, err);
}

static void
cert_print(const struct ctl *ctl, const json_t *answer)
{
    char until[BASE_TIME_TEXT];
    struct wall end = {
        json_integer_value(json_object_get(answer, "expires_ms"))};
    if (ctl->json)
        ctl_print_json(answer);
    else
        printf("%s/device.key, device.pem, ca.pem; good until %s\n",
               ctl->args[1], base_time_text(end, 0, until));
}

static enum ctl_exit
cert_ask(struct ctl *ctl, struct base_arena *arena, const struct crypt_key *key)
{
    json_t *answer = NULL;
    char *body = cert_body(ctl, key);
    if (body == NULL) {
        ctl_say("\"%s\" is no name for a certificate: printable ASCII, no "
                "spaces",
                ctl->args[0]);
        return CTL_USAGE;
    }
    enum ctl_exit bad = ctl_http_post(ctl, "/api/certificates", body, &answer);
    if (bad == CTL_OK)
        bad =
            cert_keep(arena, ctl->args[1], "device.pem", answer, "certificate");
    if (bad == CTL_OK)
        bad = cert_keep(arena, ctl->args[1], "ca.pem", answer, "ca");
    if (bad == CTL_OK)
        cert_print(ctl, answer);
    json_decref(answer);
    free(body);
    return bad;
}

enum ctl_exit
ctl_device_cert(struct ctl *ctl)
{
    struct base_arena arena;
    struct crypt_key *key = NULL;
    base_arena_init(&arena, CERT_ARENA);
    const char *path = base_arena_format(&arena, "%s/device.key", ctl->args[1]);
    enum err err = sys_file_folders(sys_file_real(), ctl->args[1]);
    if (err == ERR_OK)
        err = cert_key(&arena, path, &key);
    enum ctl_exit bad =
        err == ERR_OK ? cert_ask(ctl, &arena, key) : cert_bad(path, err);
    crypt_key_free(key);
    base_arena_done(&arena);
    return bad;
}
