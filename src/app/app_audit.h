/* app_audit.h -- the audit log in its place: who writes, who reads, who keeps.
 *
 * Entries of its own, by the node itself: node.start, node.stop, node.join
 * (also again: another epoch), pack.load (also of another shape), each when it
 * is so for the first time (STORE_TABLE_NODE, key "audit " and what it is). */
#ifndef APP_AUDIT_H
#define APP_AUDIT_H

#include "api/audit/api_audit.h"
#include "store/store_audit_keep.h"
#include "store/store_audit_send.h"

struct app_parts;

enum { APP_AUDIT_PUBLIC = 256 };

struct app_audit {
    struct store_audit log;
    struct store_audit_send send;
    struct store_audit_keep keep;
    struct api_audit api;
    uint8_t public_der[APP_AUDIT_PUBLIC];
};

/* Before the engines: they hold &audit.log.model. */
enum err app_audit_open(struct app_parts *parts);
/* Row and routes. */
void app_audit_row(struct app_parts *parts);
enum err app_audit_http(struct app_parts *parts);
/* When everything runs; when it is told to stop. */
enum err app_audit_start(struct app_parts *parts);
void app_audit_stop(struct app_parts *parts);

#endif
