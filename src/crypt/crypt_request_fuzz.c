/* crypt_request_fuzz.c -- what strangers send to EST and what comes back:
 * PKCS#10, certificates with their SAN, certs-only PKCS#7. */
#include "base/base_must.h"
#include "crypt/crypt_cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_facts(struct crypt_cert *cert)
{
    struct crypt_cert_facts facts;
    crypt_cert_facts(cert, &facts);
    must(facts.serial_size <= sizeof facts.serial);
    must(strlen(facts.prefix) < sizeof facts.prefix);
    crypt_cert_free(cert);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes bytes = base_bytes(data, size);
    struct crypt_cert *certs[4];
    char prefix[CRYPT_CERT_NAME] = "";
    uint8_t room[512];
    struct base_out public;
    unsigned count = 0;
    base_out_fixed(&public, room, sizeof room);
    if (crypt_cert_request_read(bytes, &public, prefix) == ERR_OK)
        must(*prefix && public.size > 0);
    else
        must(!*prefix && public.size == 0);
    if (crypt_cert_read(bytes, &certs[0]) == ERR_OK)
        fuzz_facts(certs[0]);
    if (crypt_cert_pkcs7_read(bytes, certs, 4, &count) == ERR_OK)
        for (unsigned i = 0; i < count; i++)
            fuzz_facts(certs[i]);
    return 0;
}
