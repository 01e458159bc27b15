/* wire_mqtt.h -- MQTT 3.1, 3.1.1 and 5.0 packets as structs.
 *
 * Why: what may come from outside is decided in one place, by tables, without
 * knowing who speaks: readers give a struct or a fault, and one table
 * (wire_mqtt_fault_code) says what a fault in which packet is answered with.
 *
 * Shape    read  a head first (type, flags, size), then the body when it is
 *                there whole.  Bodies of PUBLISH cost no copy: all struct bytes
 *                point into the input.
 *          write into a struct base_out; the caller checks base_out_ok.
 *          version 3, 4, 5 is the protocol level: 3.1, 3.1.1, 5.0.
 * Strings  UTF-8 without U+0000-001F, U+007F-009F, surrogates, overlong forms
 *          and non-characters.
 * Order    of checks, as it decides the code: header flags, body shape, the
 *          whole property block (malformed anywhere), a property not allowed
 *          here or twice, then values.
 * Memory   nothing kept, nothing allocated.
 * Source   MQTT 3.1 (IBM), 3.1.1, 5.0 (OASIS); spec connect 2. */
#ifndef WIRE_MQTT_H
#define WIRE_MQTT_H

#include "base/base_cur.h"
#include "base/base_out.h"

enum wire_mqtt_type {
    WIRE_MQTT_CONNECT = 1,
    WIRE_MQTT_CONNACK,
    WIRE_MQTT_PUBLISH,
    WIRE_MQTT_PUBACK,
    WIRE_MQTT_PUBREC,
    WIRE_MQTT_PUBREL,
    WIRE_MQTT_PUBCOMP,
    WIRE_MQTT_SUBSCRIBE,
    WIRE_MQTT_SUBACK,
    WIRE_MQTT_UNSUBSCRIBE,
    WIRE_MQTT_UNSUBACK,
    WIRE_MQTT_PINGREQ,
    WIRE_MQTT_PINGRESP,
    WIRE_MQTT_DISCONNECT,
    WIRE_MQTT_AUTH,
    WIRE_MQTT_TYPES
};

/* Reason codes of 5.0 that we send or look at. */
enum wire_mqtt_reason {
    WIRE_MQTT_SUCCESS = 0x00,
    WIRE_MQTT_NO_SUBSCRIBERS = 0x10,
    WIRE_MQTT_NO_SUBSCRIPTION = 0x11,
    WIRE_MQTT_UNSPECIFIED = 0x80,
    WIRE_MQTT_MALFORMED = 0x81,
    WIRE_MQTT_PROTOCOL_ERROR = 0x82,
    WIRE_MQTT_IMPLEMENTATION = 0x83,
    WIRE_MQTT_BAD_CREDENTIALS = 0x86,
    WIRE_MQTT_NOT_AUTHORIZED = 0x87,
    WIRE_MQTT_SHUTTING_DOWN = 0x8B,
    WIRE_MQTT_BAD_AUTH_METHOD = 0x8C,
    WIRE_MQTT_KEEP_ALIVE = 0x8D,
    WIRE_MQTT_TAKEN_OVER = 0x8E,
    WIRE_MQTT_PACKET_ID_NOT_FOUND = 0x92,
    WIRE_MQTT_RECEIVE_MAXIMUM = 0x93,
    WIRE_MQTT_ALIAS_INVALID = 0x94,
    WIRE_MQTT_TOO_LARGE = 0x95,
    WIRE_MQTT_QUOTA = 0x97,
    WIRE_MQTT_ADMINISTRATIVE = 0x98,
    WIRE_MQTT_PAYLOAD_INVALID = 0x99,
    WIRE_MQTT_TOO_OFTEN = 0x9F,
};

/* --- what can be wrong --- */

enum wire_mqtt_fault {
    WIRE_MQTT_OK,
    WIRE_MQTT_FAULT_TYPE,  /* a packet that a client never sends */
    WIRE_MQTT_FAULT_FLAGS, /* header flags */
    WIRE_MQTT_FAULT_SHAPE, /* cut short, bytes left over, a bad string */
    WIRE_MQTT_FAULT_PROPS, /* the property block is malformed */
    WIRE_MQTT_FAULT_PLACE, /* a property that is not allowed here */
    WIRE_MQTT_FAULT_TWICE, /* a property repeated */
    WIRE_MQTT_FAULT_QOS,   /* 3 */
    WIRE_MQTT_FAULT_TOPIC, /* topic or filter empty, or wild cards amiss */
    WIRE_MQTT_FAULT_FILTER_DEEP, /* a filter with more than 200 levels */
    WIRE_MQTT_FAULT_ID,          /* packet id 0 */
    WIRE_MQTT_FAULT_VALUE,    /* payload format, response topic, deep topic */
    WIRE_MQTT_FAULT_SUBID,    /* Subscription Identifier 0 */
    WIRE_MQTT_FAULT_OPTIONS,  /* of a subscription */
    WIRE_MQTT_FAULT_SHARE,    /* $share without group or filter, No Local */
    WIRE_MQTT_FAULT_REASON,   /* a reason that this packet does not have */
    WIRE_MQTT_FAULT_ALIAS,    /* alias 0 or above the maximum */
    WIRE_MQTT_FAULT_UNSET,    /* alias never set */
    WIRE_MQTT_FAULT_STATE,    /* the wrong packet for the state */
    WIRE_MQTT_FAULT_RECEIVE,  /* more unfinished than Receive Maximum */
    WIRE_MQTT_FAULT_BIG,      /* over the maximum packet size */
    WIRE_MQTT_FAULT_PROTOCOL, /* CONNECT: another protocol's name */
    WIRE_MQTT_FAULT_LEVEL,    /* CONNECT: a level that is not known */
    WIRE_MQTT_FAULTS
};

/* The reason of the DISCONNECT that answers it in 5.0; 0: close quietly. */
uint8_t wire_mqtt_fault_code(unsigned type, enum wire_mqtt_fault fault);

/* --- properties --- */

enum wire_mqtt_prop {
    WIRE_MQTT_PAYLOAD_FORMAT = 0x01,
    WIRE_MQTT_MESSAGE_EXPIRY = 0x02,
    WIRE_MQTT_CONTENT_TYPE = 0x03,
    WIRE_MQTT_RESPONSE_TOPIC = 0x08,
    WIRE_MQTT_CORRELATION = 0x09,
    WIRE_MQTT_SUBSCRIPTION_ID = 0x0B,
    WIRE_MQTT_SESSION_EXPIRY = 0x11,
    WIRE_MQTT_ASSIGNED_ID = 0x12,
    WIRE_MQTT_SERVER_KEEP_ALIVE = 0x13,
    WIRE_MQTT_AUTH_METHOD = 0x15,
    WIRE_MQTT_AUTH_DATA = 0x16,
    WIRE_MQTT_REQUEST_PROBLEM = 0x17,
    WIRE_MQTT_WILL_DELAY = 0x18,
    WIRE_MQTT_REQUEST_RESPONSE = 0x19,
    WIRE_MQTT_RESPONSE_INFO = 0x1A,
    WIRE_MQTT_SERVER_REFERENCE = 0x1C,
    WIRE_MQTT_REASON_STRING = 0x1F,
    WIRE_MQTT_RECEIVE_MAX = 0x21,
    WIRE_MQTT_ALIAS_MAX = 0x22,
    WIRE_MQTT_ALIAS = 0x23,
    WIRE_MQTT_MAX_QOS = 0x24,
    WIRE_MQTT_RETAIN_AVAILABLE = 0x25,
    WIRE_MQTT_USER_PROPERTY = 0x26,
    WIRE_MQTT_PACKET_MAX = 0x27,
    WIRE_MQTT_WILDCARD_AVAILABLE = 0x28,
    WIRE_MQTT_SUBID_AVAILABLE = 0x29,
    WIRE_MQTT_SHARED_AVAILABLE = 0x2A,
    WIRE_MQTT_PROPS = 0x2B
};

enum { WIRE_MQTT_NUMBERS = 17, WIRE_MQTT_TEXTS = 9 };

struct wire_mqtt_props {
    uint64_t seen;                      /* a bit per property */
    struct bytes raw;                   /* the block without its length */
    uint32_t number[WIRE_MQTT_NUMBERS]; /* valid where seen */
    struct bytes text[WIRE_MQTT_TEXTS];
};

/* Where a block stands: which of the table's columns. */
enum wire_mqtt_where {
    WIRE_MQTT_IN_PUBLISH = 1,
    WIRE_MQTT_IN_WILL = 2,
    WIRE_MQTT_IN_CONNECT = 4,
    WIRE_MQTT_IN_CONNACK = 8,
    WIRE_MQTT_IN_SUBSCRIBE = 16,
    WIRE_MQTT_IN_DISCONNECT = 32,
    WIRE_MQTT_IN_AUTH = 64,
    WIRE_MQTT_IN_ACK = 128,
    WIRE_MQTT_IN_UNSUBSCRIBE = 256,
};

/* Length and block at the cursor. */
enum wire_mqtt_fault wire_mqtt_props_read(struct base_cur *cur,
                                          enum wire_mqtt_where where,
                                          struct wire_mqtt_props *ret_props);
bool wire_mqtt_props_has(const struct wire_mqtt_props *props,
                         enum wire_mqtt_prop prop);
uint32_t wire_mqtt_props_number(const struct wire_mqtt_props *props,
                                enum wire_mqtt_prop prop, uint32_t otherwise);
struct bytes wire_mqtt_props_text(const struct wire_mqtt_props *props,
                                  enum wire_mqtt_prop prop);
/* What of a sender's block goes on to receivers: 01 03 08 09 26, in the order
 * of arrival.  raw comes from props_read. */
void wire_mqtt_props_forward(struct bytes raw, struct base_out *out);

/* --- reading --- */

struct wire_mqtt_head {
    uint8_t type, flags;
    uint8_t size;  /* of the head itself */
    uint32_t body; /* bytes that follow */
};

/* AGAIN: not all there yet; SYNTAX: too long, or not the shortest form. */
enum err wire_mqtt_read_head(struct bytes in, struct wire_mqtt_head *ret_head);

struct wire_mqtt_connect {
    uint8_t version;
    bool bridge, clean, will, will_retain, has_user, has_password;
    uint8_t will_qos;
    uint16_t keep_alive_s;
    struct bytes id, will_topic, will_payload, user, password;
    struct wire_mqtt_props props, will_props; /* 5.0 only; else nothing seen */
};

enum wire_mqtt_fault wire_mqtt_read_connect(uint8_t flags, struct bytes body,
                                            struct wire_mqtt_connect *ret);

struct wire_mqtt_publish {
    bool dup, retain;
    uint8_t qos;
    uint16_t id; /* QoS > 0 */
    struct bytes topic, payload;
    struct wire_mqtt_props props;
};

enum wire_mqtt_fault wire_mqtt_read_publish(uint8_t version, uint8_t flags,
                                            struct bytes body,
                                            struct wire_mqtt_publish *ret);

/* PUBACK PUBREC PUBREL PUBCOMP. */
struct wire_mqtt_ack {
    uint16_t id;
    uint8_t reason;
};

enum wire_mqtt_fault wire_mqtt_read_ack(uint8_t version, uint8_t type,
                                        uint8_t flags, struct bytes body,
                                        struct wire_mqtt_ack *ret);

enum {
    WIRE_MQTT_SUB_QOS = 0x03,
    WIRE_MQTT_SUB_NO_LOCAL = 0x04,
    WIRE_MQTT_SUB_AS_PUBLISHED = 0x08,
    WIRE_MQTT_SUB_HANDLING = 0x30,
};

/* SUBSCRIBE and UNSUBSCRIBE: checked whole; `filters` is then walked with
 * wire_mqtt_read_filter until it says false. */
struct wire_mqtt_subscribe {
    uint16_t id;
    uint16_t count;
    bool options;             /* an options byte follows each filter */
    uint32_t subscription_id; /* 0: none */
    struct base_cur filters;
};

enum wire_mqtt_fault wire_mqtt_read_subscribe(uint8_t version, uint8_t type,
                                              uint8_t flags, struct bytes body,
                                              struct wire_mqtt_subscribe *ret);
bool wire_mqtt_read_filter(struct wire_mqtt_subscribe *packet,
                           struct bytes *ret_filter, uint8_t *ret_options);

struct wire_mqtt_disconnect {
    uint8_t reason;
    bool has_expiry;
    uint32_t expiry_s;
};

enum wire_mqtt_fault
wire_mqtt_read_disconnect(uint8_t version, uint8_t flags, struct bytes body,
                          struct wire_mqtt_disconnect *ret);
/* PINGREQ and all that a client never sends. */
enum wire_mqtt_fault wire_mqtt_read_other(uint8_t type, uint8_t flags,
                                          struct bytes body);

struct wire_mqtt_connack {
    bool present;
    uint8_t code;
    uint16_t alias_max; /* the property is written where it differs from the
                           protocol's default */
    bool has_keep_alive;
    uint16_t keep_alive_s;
    bool has_expiry;
    uint32_t expiry_s;
    uint16_t receive_max; /* 0: default, 65,535 */
    uint32_t packet_max;  /* 0: no limit */
    struct bytes assigned_id;
};

/* For our client side. */
enum wire_mqtt_fault wire_mqtt_read_connack(uint8_t version, struct bytes body,
                                            struct wire_mqtt_connack *ret);

/* --- topics --- */

enum { WIRE_MQTT_LEVELS = 200 }; /* "/" in a topic or filter, at most */

bool wire_mqtt_read_is_text(struct bytes text);
/* $share/group/filter; false: a plain filter.  ret_filter is the inner one. */
bool wire_mqtt_read_share(struct bytes filter, struct bytes *ret_group,
                          struct bytes *ret_filter);

/* --- writing --- */

void wire_mqtt_write_connack(struct base_out *out, uint8_t version,
                             const struct wire_mqtt_connack *packet);
/* PUBACK PUBREC PUBREL PUBCOMP; short where the reason is 0. */
void wire_mqtt_write_ack(struct base_out *out, uint8_t version, uint8_t type,
                         uint16_t id, uint8_t reason);
/* SUBACK, and UNSUBACK of 5.0 (3.x has no codes). */
void wire_mqtt_write_suback(struct base_out *out, uint8_t version, uint8_t type,
                            uint16_t id, struct bytes codes);
void wire_mqtt_write_empty(struct base_out *out, uint8_t type); /* PING* */
void wire_mqtt_write_disconnect(struct base_out *out, uint8_t version,
                                uint8_t reason);

struct wire_mqtt_outgoing {
    uint8_t version, qos;
    bool dup, retain, has_expiry;
    uint16_t id, alias; /* 0: none */
    uint16_t subscription_count;
    uint32_t expiry_s;
    const uint32_t *subscriptions;
    struct bytes topic, props, payload; /* props: as forwarded */
};

/* Of the whole packet. */
size_t wire_mqtt_write_publish_size(const struct wire_mqtt_outgoing *packet);
void wire_mqtt_write_publish(struct base_out *out,
                             const struct wire_mqtt_outgoing *packet);
/* For our client side: Clean Start, no will, no properties.  A user name of
 * size 0: none, and no password either (3.1.1 allows none without it). */
struct wire_mqtt_greeting {
    uint8_t version;
    uint16_t keep_alive_s;
    struct bytes id, user, password;
};

void wire_mqtt_write_connect(struct base_out *out,
                             const struct wire_mqtt_greeting *greeting);

#endif
