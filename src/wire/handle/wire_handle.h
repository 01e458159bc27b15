/* wire_handle.h -- messages of the Handle protocol (DO-IRP).
 *
 *   at   envelope, 20 B, per packet        at   header, 24 B, per message
 *   0    major u8, minor u8                0    op u32
 *   2    flags u8: 80 compressed,          4    code u32, 0 in requests
 *            40 encrypted, 20 in parts;    8    flags u32
 *            low 2 bits: suggested major   12   site serial u16, FFFF unknown
 *   3    suggested minor u8                14   recursion u8, zero u8
 *   4    session u32                       16   expiration u32, Unix s
 *   8    request u32                       20   body size u32
 *   12   sequence u32
 *   16   size u32 of header, body and credential, of all parts
 *
 * A message is header, body, credential (size u32, bytes); the credential may
 * be missing with its size.  Over TCP it follows its envelope; over UDP it is
 * cut into parts of WIRE_HANDLE_PART bytes, each behind an envelope of its own
 * with the part's number as sequence.
 *
 * Versions a reply has the lower of what the asker suggests and 2.11; what is
 *          suggested as 0.0 is the envelope's; below 2.1 is read as 2.1.
 * Limits   WIRE_HANDLE_MESSAGE a message; WIRE_HANDLE_WANTS indexes, and as
 *          many types, a query, since each is held against each value.
 * Errors   SHORT cut, or a size or count beyond what is there; BIG over a
 *          limit; SYNTAX; UNSUPPORTED compressed or encrypted (the body is not
 *          read then).
 * Memory   nothing kept, nothing allocated; results point into what was read.
 * Source   RFC 3652; DO-IRP 3.0; spec identify 2. */
#ifndef WIRE_HANDLE_H
#define WIRE_HANDLE_H

#include "wire/handle/wire_hs.h"

enum {
    WIRE_HANDLE_ENVELOPE = 20,
    WIRE_HANDLE_HEADER = 24,
    WIRE_HANDLE_PACKET = 512,
    WIRE_HANDLE_PART = WIRE_HANDLE_PACKET - WIRE_HANDLE_ENVELOPE,
    WIRE_HANDLE_MESSAGE = 262144,
    WIRE_HANDLE_PARTS = 533, /* of the greatest message */
    WIRE_HANDLE_WANTS = 1024,
    WIRE_HANDLE_LIFE_S = 43200, /* expiration of a reply, from now */
    WIRE_HANDLE_NONCE = 16,
    WIRE_HANDLE_MAJOR = 2,
    WIRE_HANDLE_MINOR = 11,
};

enum wire_handle_op {
    WIRE_HANDLE_RESOLUTION = 1,
    WIRE_HANDLE_SITEINFO = 2,
    WIRE_HANDLE_CREATE = 100,
    WIRE_HANDLE_DELETE = 101,
    WIRE_HANDLE_ADD = 102,
    WIRE_HANDLE_REMOVE = 103,
    WIRE_HANDLE_MODIFY = 104,
    WIRE_HANDLE_LIST = 105,
    WIRE_HANDLE_LIST_DERIVED = 106,
    WIRE_HANDLE_ANSWER = 200, /* to a challenge */
    WIRE_HANDLE_VERIFY = 201,
    WIRE_HANDLE_HOME = 300,
    WIRE_HANDLE_UNHOME = 301,
    WIRE_HANDLE_LIST_HOMED = 302,
    WIRE_HANDLE_SESSION = 400,
    WIRE_HANDLE_TERMINATE = 401,
    WIRE_HANDLE_LOGIN = 2001,
};

enum wire_handle_code {
    WIRE_HANDLE_OK = 1,
    WIRE_HANDLE_INTERNAL = 2,
    WIRE_HANDLE_BUSY = 3,
    WIRE_HANDLE_MALFORMED = 4,
    WIRE_HANDLE_UNKNOWN_OP = 5,
    WIRE_HANDLE_TOO_DEEP = 6, /* recursion */
    WIRE_HANDLE_READ_ONLY = 7,
    WIRE_HANDLE_NOT_FOUND = 100,
    WIRE_HANDLE_EXISTS = 101,
    WIRE_HANDLE_BAD_NAME = 102,
    WIRE_HANDLE_NO_VALUES = 200,
    WIRE_HANDLE_VALUE_EXISTS = 201,
    WIRE_HANDLE_BAD_VALUE = 202,
    WIRE_HANDLE_NOT_HERE = 301,
    WIRE_HANDLE_REFERRAL = 302,
    WIRE_HANDLE_PREFIX_REFERRAL = 303,
    WIRE_HANDLE_DENIED = 400,
    WIRE_HANDLE_PERMISSION = 401, /* nobody may */
    WIRE_HANDLE_CHALLENGE = 402,
    WIRE_HANDLE_FAILED = 403,
    WIRE_HANDLE_UNABLE = 404,
    WIRE_HANDLE_LATE = 405, /* no such challenge */
    WIRE_HANDLE_NO_KEY = 406,
    WIRE_HANDLE_NO_SESSION = 500,
    WIRE_HANDLE_SESSION_FAILED = 501,
    WIRE_HANDLE_BAD_MAC = 502,
    WIRE_HANDLE_REPLAY = 505,
};

/* "ok", "not found"; "code" for others. */
const char *wire_handle_code_text(uint32_t code);

enum wire_handle_flag {
    WIRE_HANDLE_AT = 0x80000000, /* the primary's answer */
    WIRE_HANDLE_CT = 0x40000000, /* sign */
    WIRE_HANDLE_ENC = 0x20000000,
    WIRE_HANDLE_REC = 0x10000000,
    WIRE_HANDLE_CA = 0x08000000,
    WIRE_HANDLE_CN = 0x04000000,  /* more follows */
    WIRE_HANDLE_KC = 0x02000000,  /* keep the connection */
    WIRE_HANDLE_PO = 0x01000000,  /* public values only */
    WIRE_HANDLE_RD = 0x00800000,  /* digest of the request */
    WIRE_HANDLE_OWE = 0x00400000, /* overwrite */
    WIRE_HANDLE_MNS = 0x00200000, /* mint a suffix */
    WIRE_HANDLE_DNR = 0x00100000, /* no referral */
};

enum {
    WIRE_HANDLE_COMPRESSED = 0x80,
    WIRE_HANDLE_ENCRYPTED = 0x40,
    WIRE_HANDLE_IN_PARTS = 0x20,
};

struct wire_handle_envelope {
    uint8_t major, minor, suggested_major, suggested_minor;
    uint8_t flags; /* without the suggested major */
    uint32_t session, request, sequence, size;
};

struct wire_handle_header {
    uint32_t op, code, flags;
    uint16_t serial;
    uint8_t recursion, zero;
    uint32_t expiration_s, body_size;
};

struct wire_handle_message {
    struct wire_handle_envelope envelope; /* of its first packet */
    struct wire_handle_header header;
    bool has_header, has_credential;
    struct bytes covered; /* header and body: what digests are made of */
    struct bytes body, credential;
};

/* SHORT: fewer than 20 bytes. */
enum err wire_handle_read_envelope(struct bytes packet,
                                   struct wire_handle_envelope *ret_envelope);
void wire_handle_write_envelope(struct base_out *out,
                                const struct wire_handle_envelope *envelope);
/* payload: what came behind the envelopes, whole.  It is refused if it is of
 * another size than the envelope says.  On an error the header is there if
 * has_header says so. */
enum err wire_handle_read(const struct wire_handle_envelope *envelope,
                          struct bytes payload,
                          struct wire_handle_message *ret_message);
/* An envelope and a header into an empty `out`; then the body by whoever knows
 * it; then end, which adds the credential and fills in both sizes. */
void wire_handle_begin(struct base_out *out,
                       const struct wire_handle_envelope *envelope,
                       const struct wire_handle_header *header);
void wire_handle_end(struct base_out *out, struct bytes credential);
/* The same without a credential and without its size. */
void wire_handle_end_bare(struct base_out *out);
/* How many packets a written message makes; the packet of that number. */
unsigned wire_handle_parts(struct bytes message);
void wire_handle_part(struct base_out *out, struct bytes message,
                      unsigned number);

/* The version that a reply to this has. */
void wire_handle_version(const struct wire_handle_envelope *asked,
                         uint8_t *ret_major, uint8_t *ret_minor);
/* Is a session named?  (As a signed number above 0.) */
bool wire_handle_has_session(const struct wire_handle_envelope *envelope);

/* --- bodies --- */

/* RESOLUTION.  Nothing asked for is everything. */
struct wire_handle_query {
    struct bytes handle;
    uint32_t index_count, type_count;
    struct bytes indexes, types; /* as encoded, without the counts */
    struct bytes rest;           /* of newer askers; ignored */
};

enum err wire_handle_read_query(struct bytes body,
                                struct wire_handle_query *ret_query);
void wire_handle_write_query(struct base_out *out,
                             const struct wire_handle_query *query);

/* What a RESOLUTION gives, and referrals: a handle and its values. */
struct wire_handle_values {
    struct bytes handle;
    struct wire_hs_list values;
};

enum err wire_handle_read_values(struct bytes body,
                                 struct wire_handle_values *ret_values);
void wire_handle_write_values(struct base_out *out,
                              const struct wire_handle_values *values);

/* A body that is one string: an error's text, a challenge, GET_SITEINFO. */
enum err wire_handle_read_text(struct bytes body, struct bytes *ret_text);

/* The digest of the request, before the body of a reply with RD. */
enum wire_handle_digest {
    WIRE_HANDLE_MD5 = 1,
    WIRE_HANDLE_SHA1 = 2,
    WIRE_HANDLE_SHA256 = 3
};
/* The bytes of one of this kind; 0: not a kind. */
size_t wire_handle_digest_size(uint8_t kind);
/* Takes it off the body. */
enum err wire_handle_read_digest(struct bytes *body, uint8_t *ret_kind,
                                 struct bytes *ret_digest);

/* --- credential --- */

struct wire_handle_credential {
    uint8_t version, zero;
    uint16_t options;
    struct bytes signer;
    uint32_t counter;
    struct bytes type;                 /* HS_SIGNED, HS_MAC */
    struct bytes algorithm, signature; /* "SHA-256" */
};

enum err
wire_handle_read_credential(struct bytes raw,
                            struct wire_handle_credential *ret_credential);
void
wire_handle_write_credential(struct base_out *out,
                             const struct wire_handle_credential *credential);
/* What its signature is over. */
void wire_handle_write_signed(struct base_out *out,
                              const struct wire_handle_envelope *envelope,
                              uint32_t counter, struct bytes covered);

#endif
