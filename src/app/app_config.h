/* app_config.h -- what a node is: node.yaml over its role file.
 *
 * Why: which of the four kinds of node this is, is data.  packs/roles/NAME.yaml
 * lists engines, doors, packs and limits; node.yaml names the node, its place
 * in the tree and its folder, and may replace any role key (maps merge by key,
 * lists are replaced: RULINGS 31).  Unknown keys are errors.
 *
 * Memory   everything in the config's arena.
 * Errors   those of model_yaml, with file, line and column. */
#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include "base/base_arena.h"
#include "engine/rollup/rollup.h"
#include "sys/sys_file.h"

enum app_config_engine {
    APP_ENGINE_IDENT = 1,
    APP_ENGINE_STREAM = 2,
    APP_ENGINE_ROLLUP = 4,
};

enum app_config_door_kind {
    APP_DOOR_HTTP,
    APP_DOOR_MQTT,
    APP_DOOR_MQTTS,
    APP_DOOR_TIER,
    APP_DOOR_HANDLE,
    APP_DOORS
};

struct app_config_door {
    bool on;
    uint16_t port; /* whole, not an offset */
    bool open;     /* profile: open */
    bool auto_register;
    const char **allow; /* suffix patterns that `register: auto` may make */
    unsigned allow_count;
    unsigned connections;
};

enum { APP_CONFIG_LIST = 32, APP_CONFIG_CODES = 16 };

struct app_config_list {
    const char *at[APP_CONFIG_LIST];
    unsigned count;
};

/* What the Handle door has besides. */
struct app_config_handle {
    bool recurse; /* for anybody, not this machine only */
    bool china;
    unsigned requests;
    int64_t rate_bytes, burst_bytes; /* of UDP replies, per network */
    struct app_config_list free;     /* peers that are not counted */
};

struct app_config {
    struct base_arena arena;
    const char *path; /* of node.yaml */
    const char *node, *role, *data, *packs_dir, *bind;
    uint16_t port;
    struct app_config_list names;
    bool host;
    const char *demonstration;                /* a folder; "": it is none */
    const char *parent_ident, *parent_rollup; /* "" none */
    struct rollup_code codes[APP_CONFIG_CODES];
    unsigned code_count;
    unsigned engines; /* of enum app_config_engine */
    struct app_config_door doors[APP_DOORS];
    struct app_config_handle handle;
    struct app_config_list packs;
    int64_t retention_ms;
    uint64_t head_bytes, map_bytes, file_bytes, cache_bytes;
    uint32_t series;
    unsigned requests;
    unsigned children;
    int64_t certificate_ms; /* life of those given to children */
    unsigned audit_entries; /* a head to the parent after so many */
    int64_t audit_ms;       /* or so long */
    unsigned anonymous;     /* roles of who shows no credentials */
};

/* Reads and checks both files whole. */
enum err app_config_load(struct sys_files *files, const char *path,
                         struct app_config **ret_config,
                         struct base_note *note);
void app_config_free(struct app_config *config);

#endif
