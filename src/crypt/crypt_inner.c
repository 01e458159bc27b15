/* crypt_inner.c -- small things that crypt_cert.c and crypt_issue.c share. */
#include "crypt/crypt_inner.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

enum err
crypt_inner_fail(enum err err)
{
    ERR_clear_error();
    return err;
}

enum err
crypt_inner_add(struct base_out *out, uint8_t *der, int size)
{
    if (size < 0)
        return crypt_inner_fail(ERR_IO);
    base_out_bytes_add(out, base_bytes(der, (size_t)size));
    OPENSSL_free(der);
    return out->failed;
}

bool
crypt_inner_prefix_fit(struct bytes prefix)
{
    if (prefix.size == 0 || prefix.size >= CRYPT_CERT_NAME)
        return false;
    for (size_t i = 0; i < prefix.size; i++)
        if (prefix.at[i] <= ' ' || prefix.at[i] > '~')
            return false;
    return true;
}

bool
crypt_inner_names_prefix(const GENERAL_NAMES *names, char *ret_prefix)
{
    static const char urn[] = CRYPT_INNER_URN;
    if (sk_GENERAL_NAME_num(names) != 1)
        return false;
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
    if (name->type != GEN_URI)
        return false;
    const ASN1_STRING *uri = name->d.uniformResourceIdentifier;
    struct bytes text =
        base_bytes(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri));
    size_t skip = sizeof urn - 1;
    if (!base_bytes_starts(text, base_bytes(urn, skip)))
        return false;
    struct bytes prefix = base_bytes(text.at + skip, text.size - skip);
    if (!crypt_inner_prefix_fit(prefix))
        return false;
    base_bytes_string(prefix, ret_prefix, CRYPT_CERT_NAME);
    return true;
}
