/* wire_mqtt_fault.c -- what each fault in each packet is answered with.
 *
 * Rows are packets, columns faults; 0 is a quiet close.  Only 5.0 sends these
 * codes: 3.1 and 3.1.1 close.  Spec connect 2. */
#include "wire/mqtt/wire_mqtt.h"

enum { MAL = WIRE_MQTT_MALFORMED, PRO = WIRE_MQTT_PROTOCOL_ERROR };

/* clang-format off */
#define FAULT_ACK {                        \
    [WIRE_MQTT_FAULT_FLAGS] = MAL,         \
    [WIRE_MQTT_FAULT_SHAPE] = MAL,         \
    [WIRE_MQTT_FAULT_PROPS] = MAL,         \
    [WIRE_MQTT_FAULT_PLACE] = PRO,         \
    [WIRE_MQTT_FAULT_TWICE] = PRO,         \
    [WIRE_MQTT_FAULT_ID] = PRO,            \
    [WIRE_MQTT_FAULT_REASON] = PRO,        \
    [WIRE_MQTT_FAULT_STATE] = PRO,         \
    [WIRE_MQTT_FAULT_BIG] = WIRE_MQTT_TOO_LARGE }

static const uint8_t fault_codes[16][WIRE_MQTT_FAULTS] = {
    [0] = {
        [WIRE_MQTT_FAULT_TYPE] = PRO,
        [WIRE_MQTT_FAULT_SHAPE] = MAL, /* a head that is none */
        [WIRE_MQTT_FAULT_BIG] = WIRE_MQTT_TOO_LARGE },
    [WIRE_MQTT_CONNECT] = {
        [WIRE_MQTT_FAULT_STATE] = 0 }, /* everything: quiet */
    [WIRE_MQTT_CONNACK] = {
        [WIRE_MQTT_FAULT_TYPE] = PRO },
    [WIRE_MQTT_PUBLISH] = {
        [WIRE_MQTT_FAULT_FLAGS] = MAL, /* DUP with QoS 0 */
        [WIRE_MQTT_FAULT_SHAPE] = MAL,
        [WIRE_MQTT_FAULT_PROPS] = MAL,
        [WIRE_MQTT_FAULT_PLACE] = PRO,
        [WIRE_MQTT_FAULT_TWICE] = PRO,
        [WIRE_MQTT_FAULT_QOS] = MAL,
        [WIRE_MQTT_FAULT_TOPIC] = MAL,
        [WIRE_MQTT_FAULT_ID] = PRO,
        [WIRE_MQTT_FAULT_VALUE] = PRO,
        [WIRE_MQTT_FAULT_SUBID] = MAL,
        [WIRE_MQTT_FAULT_ALIAS] = WIRE_MQTT_ALIAS_INVALID,
        [WIRE_MQTT_FAULT_UNSET] = PRO,
        [WIRE_MQTT_FAULT_RECEIVE] = WIRE_MQTT_RECEIVE_MAXIMUM,
        [WIRE_MQTT_FAULT_BIG] = WIRE_MQTT_TOO_LARGE },
    [WIRE_MQTT_PUBACK] = FAULT_ACK,
    [WIRE_MQTT_PUBREC] = FAULT_ACK,
    [WIRE_MQTT_PUBREL] = FAULT_ACK,
    [WIRE_MQTT_PUBCOMP] = FAULT_ACK,
    [WIRE_MQTT_SUBSCRIBE] = {
        [WIRE_MQTT_FAULT_FLAGS] = MAL,
        [WIRE_MQTT_FAULT_SHAPE] = MAL,
        [WIRE_MQTT_FAULT_PROPS] = MAL,
        [WIRE_MQTT_FAULT_PLACE] = MAL,
        [WIRE_MQTT_FAULT_TWICE] = PRO,
        [WIRE_MQTT_FAULT_TOPIC] = MAL,
        [WIRE_MQTT_FAULT_FILTER_DEEP] = MAL,
        [WIRE_MQTT_FAULT_ID] = PRO,
        [WIRE_MQTT_FAULT_SUBID] = MAL,
        [WIRE_MQTT_FAULT_OPTIONS] = MAL,
        [WIRE_MQTT_FAULT_SHARE] = PRO,
        [WIRE_MQTT_FAULT_BIG] = WIRE_MQTT_TOO_LARGE },
    [WIRE_MQTT_SUBACK] = {
        [WIRE_MQTT_FAULT_FLAGS] = MAL,
        [WIRE_MQTT_FAULT_TYPE] = PRO },
    [WIRE_MQTT_UNSUBSCRIBE] = {
        [WIRE_MQTT_FAULT_FLAGS] = MAL,
        [WIRE_MQTT_FAULT_SHAPE] = MAL,
        [WIRE_MQTT_FAULT_PROPS] = MAL,
        [WIRE_MQTT_FAULT_PLACE] = MAL,
        [WIRE_MQTT_FAULT_TWICE] = PRO,
        [WIRE_MQTT_FAULT_TOPIC] = MAL,
        [WIRE_MQTT_FAULT_FILTER_DEEP] = MAL,
        [WIRE_MQTT_FAULT_ID] = PRO,
        [WIRE_MQTT_FAULT_SHARE] = MAL,
        [WIRE_MQTT_FAULT_BIG] = WIRE_MQTT_TOO_LARGE },
    [WIRE_MQTT_UNSUBACK] = {
        [WIRE_MQTT_FAULT_FLAGS] = MAL,
        [WIRE_MQTT_FAULT_TYPE] = PRO },
    [WIRE_MQTT_PINGREQ] = {
        [WIRE_MQTT_FAULT_FLAGS] = MAL,
        [WIRE_MQTT_FAULT_BIG] = WIRE_MQTT_TOO_LARGE }, /* a body: quiet */
    [WIRE_MQTT_PINGRESP] = {
        [WIRE_MQTT_FAULT_TYPE] = PRO }, /* a body: quiet */
    [WIRE_MQTT_DISCONNECT] = {
        [WIRE_MQTT_FAULT_FLAGS] = MAL,
        [WIRE_MQTT_FAULT_SHAPE] = MAL,
        [WIRE_MQTT_FAULT_PROPS] = MAL,
        [WIRE_MQTT_FAULT_PLACE] = PRO,
        [WIRE_MQTT_FAULT_TWICE] = PRO,
        [WIRE_MQTT_FAULT_VALUE] = PRO, /* expiry raised from 0 */
        [WIRE_MQTT_FAULT_BIG] = WIRE_MQTT_TOO_LARGE },
    [WIRE_MQTT_AUTH] = {
        [WIRE_MQTT_FAULT_TYPE] = PRO },
};
/* clang-format on */

uint8_t
wire_mqtt_fault_code(unsigned type, enum wire_mqtt_fault fault)
{
    return fault_codes[type & 15][fault];
}
