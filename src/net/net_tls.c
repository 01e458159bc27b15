/* net_tls.c -- TLS over a connection's own descriptor.
 *
 * Invariant: OpenSSL never holds decrypted bytes between two turns, since it is
 * always given room for a whole record, and reads no record ahead.  So the
 * kernel's readiness tells all. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/base_must.h"
#include "net/net_inner.h"

bool
net_tls_begin(struct net_conn *conn, bool server)
{
    SSL *ssl = SSL_new(conn->owner->context);
    if (!ssl)
        return false;
    net_conn_more(conn)->ssl = ssl;
    if (SSL_set_fd(ssl, conn->fd) != 1)
        return false;
    if (server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return true;
}

/* The error queue is left as it is where the connection ends: crypt_tls_why
 * reads it in closed(). */
static enum net_io
tls_result(struct net_conn *conn, int result)
{
    int error = SSL_get_error(conn->more->ssl, result);
    conn->ssl_write = error == SSL_ERROR_WANT_WRITE;
    switch (error) {
    case SSL_ERROR_NONE:
        return NET_IO_OK;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return NET_IO_WAIT;
    case SSL_ERROR_ZERO_RETURN:
        return NET_IO_EOF;
    case SSL_ERROR_SYSCALL:
        return errno == 0 ? NET_IO_EOF : NET_IO_BROKEN;
    default: /* an end without close_notify is an end */
        return ERR_GET_REASON(ERR_peek_error()) ==
                       SSL_R_UNEXPECTED_EOF_WHILE_READING
                   ? NET_IO_EOF
                   : NET_IO_BROKEN;
    }
}

enum net_io
net_tls_shake(struct net_conn *conn)
{
    ERR_clear_error();
    errno = 0;
    return tls_result(conn, SSL_do_handshake(conn->more->ssl));
}

/* As many whole records as fit.  An end behind data is met again by the next
 * call. */
enum net_io
net_tls_read(struct net_conn *conn, uint8_t *at, size_t room, size_t *ret_size)
{
    enum net_io io = NET_IO_OK;
    *ret_size = 0;
    while (io == NET_IO_OK && room - *ret_size >= NET_FILL_MIN) {
        size_t size = 0;
        ERR_clear_error();
        errno = 0;
        int result = SSL_read_ex(conn->more->ssl, at + *ret_size,
                                 room - *ret_size, &size);
        io = tls_result(conn, result);
        *ret_size += size;
    }
    bool well = io == NET_IO_WAIT || (io == NET_IO_EOF && *ret_size > 0);
    return well ? NET_IO_OK : io;
}

enum net_io
net_tls_write(struct net_conn *conn, struct bytes data, size_t *ret_size)
{
    enum net_io io = NET_IO_OK;
    *ret_size = 0;
    while (io == NET_IO_OK && *ret_size < data.size) {
        size_t size = 0;
        ERR_clear_error();
        errno = 0;
        int result = SSL_write_ex(conn->more->ssl, data.at + *ret_size,
                                  data.size - *ret_size, &size);
        io = tls_result(conn, result);
        *ret_size += size;
    }
    return io;
}
