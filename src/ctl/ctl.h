/* ctl.h -- the command line: one grammar table, three renderers.
 *
 * Why: `dougong NOUN VERB` or a plain verb; the parser, `dougong help`, each
 * `--help` and the manual page come from the same rows (ctl_table.c).
 *
 * Exit     0 ok, 1 the answer is no, 2 usage, 3 cannot reach, 4 refused.
 * Options  --json and --node URL everywhere (default $DOUGONG_NODE, else
 *          http://127.0.0.1:8100).
 * Who asks  $DOUGONG_KEY, else the operator's key of --config FILE (a node on
 *          this machine, which is then the node asked, too), else the session
 *          that `dougong login` keeps for this node.
 * Adding   a row in ctl_table.c and a function. */
#ifndef CTL_H
#define CTL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/base_err.h"

enum ctl_exit { CTL_OK, CTL_NO, CTL_USAGE, CTL_UNREACHED, CTL_REFUSED };

enum { CTL_ARGS = 8, CTL_OPTIONS = 12 };

struct ctl_option {
    const char *name;  /* without the dashes */
    const char *value; /* what follows, for help; NULL: a flag */
    const char *help;
};

struct ctl;

struct ctl_command {
    const char *noun, *verb; /* verb NULL: a plain verb */
    const char *args;        /* for help: "PACK METRIC" */
    unsigned args_min, args_max;
    const char *help;
    struct ctl_option options[CTL_OPTIONS];
    enum ctl_exit (*run)(struct ctl *ctl);
    bool raw; /* arguments are the command's own business */
};

struct ctl {
    const struct ctl_command *command;
    const char *args[CTL_ARGS];
    unsigned arg_count;
    const char *values[CTL_OPTIONS]; /* by option index; "" for a flag */
    bool json;
    const char *node;
    const char *config;         /* a node's file, or NULL */
    char url[64];               /* of that node */
    char key[128], cookie[256]; /* what is shown, "" nothing */
    int raw_count;
    char **raw;
};

/* The value of an option, or NULL when it was not given. */
const char *ctl_value(const struct ctl *ctl, const char *name);

extern const struct ctl_command ctl_table[];
extern const unsigned ctl_table_count;

/* One line on standard error: "dougong: ...". */
void ctl_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "dougong: WHERE:LINE:COLUMN: text" */
void ctl_say_note(const struct base_note *note);
void ctl_print_json(const json_t *json);

/* The commands. */
enum ctl_exit ctl_help(struct ctl *ctl);
enum ctl_exit ctl_version(struct ctl *ctl);
enum ctl_exit ctl_serve(struct ctl *ctl);
enum ctl_exit ctl_join(struct ctl *ctl);
enum ctl_exit ctl_prefix(struct ctl *ctl);
enum ctl_exit ctl_prefix_move(struct ctl *ctl);
enum ctl_exit ctl_resolve(struct ctl *ctl);
enum ctl_exit ctl_register(struct ctl *ctl);
enum ctl_exit ctl_load(struct ctl *ctl);
enum ctl_exit ctl_query(struct ctl *ctl);
enum ctl_exit ctl_figure(struct ctl *ctl);
enum ctl_exit ctl_pack(struct ctl *ctl);
enum ctl_exit ctl_return(struct ctl *ctl);
enum ctl_exit ctl_audit(struct ctl *ctl);
enum ctl_exit ctl_doctor(struct ctl *ctl);
enum ctl_exit ctl_bench(struct ctl *ctl);
enum ctl_exit ctl_import(struct ctl *ctl);
enum ctl_exit ctl_login(struct ctl *ctl);
enum ctl_exit ctl_logout(struct ctl *ctl);
enum ctl_exit ctl_whoami(struct ctl *ctl);
enum ctl_exit ctl_password(struct ctl *ctl);
enum ctl_exit ctl_rights(struct ctl *ctl);
enum ctl_exit ctl_user(struct ctl *ctl);
enum ctl_exit ctl_user_link(struct ctl *ctl);
enum ctl_exit ctl_keys(struct ctl *ctl); /* key, device */
enum ctl_exit ctl_device_cert(struct ctl *ctl);
enum ctl_exit ctl_plant(struct ctl *ctl);
enum ctl_exit ctl_plant_check(struct ctl *ctl);
void ctl_help_command(const struct ctl_command *command);

#endif
