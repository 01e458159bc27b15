/* app_keys.h -- a node's keys and certificates on disk.
 *
 * DATA/keys (0700, files 0600): ca.key, tls.key (301), sign.key (302),
 *          handle.key (300); tier.pem and parent_ca.pem once it has joined.
 * DATA/ca.pem  the node's own CA, for its clients.
 * DATA/join.json  what join learned: parent, tier, https, ca_sha256, epoch,
 *          joined_ms.
 * Why: the first serve or join makes what is missing; nothing is ever
 * overwritten but tier.pem, parent_ca.pem and join.json, by join.
 * Errors   IO, FULL, SYNTAX (a key file is damaged), DENIED. */
#ifndef APP_KEYS_H
#define APP_KEYS_H

#include "app/app_config.h"
#include "crypt/crypt_cert.h"
#include "crypt/crypt_tls.h"

struct app_join {
    bool joined;
    char parent[CRYPT_CERT_NAME];
    char tier_host[128];
    uint16_t tier_port;
    uint32_t epoch; /* at least this; raised by join --again */
};

struct app_keys {
    struct crypt_key *ca_key, *tls, *sign, *handle;
    struct crypt_cert *ca;
    struct crypt_cert *tier;      /* ours, issued by the parent; or NULL */
    struct crypt_cert *parent_ca; /* or NULL */
    struct app_join join;
};

enum err app_keys_load(struct sys_files *files, const struct app_config *config,
                       struct wall now, struct base_random *random,
                       struct app_keys *ret_keys, struct base_note *note);
void app_keys_done(struct app_keys *keys);
/* What join has got. */
enum err app_keys_joined(struct sys_files *files,
                         const struct app_config *config,
                         const struct crypt_cert *tier,
                         const struct crypt_cert *parent_ca,
                         const struct app_join *join, struct wall now,
                         struct base_note *note);

#endif
