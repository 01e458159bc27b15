/* ctl_serve.c -- `dougong serve NODE.YAML`. */
#include "app/app_node.h"
#include "ctl/ctl.h"

enum ctl_exit
ctl_serve(struct ctl *ctl)
{
    struct base_note note = {0};
    struct app_config *config = NULL;
    struct app_log log;
    app_log_init(&log, ctl_value(ctl, "debug") != NULL ? BASE_LOG_DEBUG
                                                       : BASE_LOG_INFO);
    enum err err =
        app_config_load(sys_file_real(), ctl->args[0], &config, &note);
    if (err == ERR_OK)
        err = app_node_run(config, &log, &note);
    app_config_free(config);
    if (err == ERR_OK)
        return CTL_OK;
    ctl_say_note(&note);
    return CTL_REFUSED;
}
