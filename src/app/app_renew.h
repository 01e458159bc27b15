/* app_renew.h -- a child's certificate renews itself over the link.
 *
 * Why: a certificate lives 90 days; nobody should have to think of it.  At two
 * thirds of its life (and up to a twentieth of it by chance) the child asks its
 * parent over the link that the old one opened: RENEW, with EST's bodies as
 * they are (RFC 7030: PKCS#10 up, certs-only PKCS#7 down; spec tier 2).  The
 * new one is of the same key; it is saved, and the next connection shows it,
 * while the link stays up.  Refused or not answered: again after a thirtieth of
 * the life, at most a day, at least a second.
 *
 * Parent   gives it to a direct child whose prefix is active, for the key that
 *          the prefix is pinned to.
 * Threads  the state loop; it writes two small files when one comes. */
#ifndef APP_RENEW_H
#define APP_RENEW_H

#include "crypt/crypt_cert.h"
#include "model/model_event.h"

struct app_parts;

struct app_renew {
    struct app_parts *parts;
    struct base_timer timer;
    struct model_ask ask;
    bool asking;
};

/* When to ask, and how long to wait after a refusal; chance: of 2^32. */
int64_t app_renew_due(const struct crypt_cert_facts *facts, uint32_t chance);
int64_t app_renew_again(const struct crypt_cert_facts *facts);

/* After tier_new, before tier_start. */
void app_renew_open(struct app_parts *parts);
/* Before tier ends. */
void app_renew_shut(struct app_parts *parts);

#endif
