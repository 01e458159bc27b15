/* mqtt_fake.h -- stream, stream_keep and ident for tests of the door: in
 * memory, on one loop, obedient.
 *
 * Samples are only counted; "syncs" happen sync_ms after the first write, or
 * when a test says so (sync_ms < 0). */
#ifndef MQTT_FAKE_H
#define MQTT_FAKE_H

#include "engine/ident/ident.h"
#include "engine/stream/stream.h"
#include "engine/stream/stream_keep.h"

struct mqtt_fake_row {
    char series[200]; /* "id metric" */
    int64_t t;
    struct num value;
};

enum { MQTT_FAKE_ROWS = 4096 };

struct mqtt_fake {
    struct base_loop *loop;
    int sync_ms;
    enum err write, state, ensure; /* what they answer; OK by default */
    uint64_t sequence, synced, cuts, writes;
    bool known; /* everything is registered already */
    bool low;   /* space is short */
    unsigned ensured, kept;
    struct mqtt_fake_row rows[MQTT_FAKE_ROWS];
};

extern struct mqtt_fake mqtt_fake;

void mqtt_fake_reset(struct base_loop *loop);
void mqtt_fake_sync(void); /* all so far, and tell */
void mqtt_fake_cut(void);  /* the unsynced is lost, and tell */
/* The newest value of "id metric" as text, or "". */
const char *mqtt_fake_last(const char *series);

#endif
