/* ctl_main.c -- main: find the row, read its options, run it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_mem.h"
#include "ctl/ctl.h"
#include "ctl/ctl_key.h"
#include "model/model_near.h"

void
ctl_say(const char *fmt, ...)
{
    va_list args;
    fputs("dougong: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

void
ctl_say_note(const struct base_note *note)
{
    if (note->where[0] == '\0')
        ctl_say("%s", note->text);
    else if (note->line == 0)
        ctl_say("%s: %s", note->where, note->text);
    else
        ctl_say("%s:%u:%u: %s", note->where, note->line, note->column,
                note->text);
}

void
ctl_print_json(const json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
}

static const struct ctl_option ctl_common[] = {
    {"json", NULL, "print JSON"},
    {"node", "URL",
     "the node asked (default $DOUGONG_NODE, else http://127.0.0.1:8100)"},
    {"config", "NODE.YAML",
     "a node on this machine: ask it, with its operator's key"},
};

const char *
ctl_value(const struct ctl *ctl, const char *name)
{
    const struct ctl_option *options = ctl->command->options;
    for (unsigned i = 0; i < CTL_OPTIONS && options[i].name != NULL; i++)
        if (strcmp(options[i].name, name) == 0)
            return ctl->values[i];
    return NULL;
}

/* --- help --- */

static void
help_usage(const struct ctl_command *command)
{
    printf("dougong %s%s%s%s%s", command->noun, command->verb ? " " : "",
           command->verb ? command->verb : "", command->args[0] ? " " : "",
           command->args);
}

static void
help_option(const struct ctl_option *option)
{
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", option->name,
             option->value ? " " : "", option->value ? option->value : "");
    printf("  %-18s %s\n", left, option->help);
}

void
ctl_help_command(const struct ctl_command *command)
{
    fputs("usage: ", stdout);
    help_usage(command);
    printf("\n\n%s\n\n", command->help);
    for (unsigned i = 0; i < CTL_OPTIONS && command->options[i].name; i++)
        help_option(&command->options[i]);
    for (unsigned i = 0; i < BASE_COUNT(ctl_common); i++)
        help_option(&ctl_common[i]);
}

static void
help_man(void)
{
    printf(".TH DOUGONG 1\n.SH NAME\ndougong \\- an industrial internet in "
           "one program\n.SH SYNOPSIS\n.B dougong\nNOUN VERB [ARGUMENT ...] "
           "[\\-\\-OPTION ...]\n.SH COMMANDS\n");
    for (unsigned i = 0; i < ctl_table_count; i++) {
        const struct ctl_command *command = &ctl_table[i];
        printf(".TP\n.B ");
        help_usage(command);
        printf("\n%s\n", command->help);
        for (unsigned k = 0; k < CTL_OPTIONS && command->options[k].name; k++)
            printf(".RS\n.TP\n\\-\\-%s %s\n%s\n.RE\n", command->options[k].name,
                   command->options[k].value ? command->options[k].value : "",
                   command->options[k].help);
    }
    printf(".SH OPTIONS\n");
    for (unsigned i = 0; i < BASE_COUNT(ctl_common); i++)
        printf(".TP\n\\-\\-%s %s\n%s\n", ctl_common[i].name,
               ctl_common[i].value ? ctl_common[i].value : "",
               ctl_common[i].help);
    printf(".SH EXIT STATUS\n0 ok, 1 the answer is no, 2 usage, 3 cannot "
           "reach the node, 4 refused\n");
}

static const struct ctl_command *
ctl_find(const char *noun, const char *verb)
{
    for (unsigned i = 0; i < ctl_table_count; i++) {
        const struct ctl_command *row = &ctl_table[i];
        if (strcmp(row->noun, noun) != 0)
            continue;
        if (row->verb == NULL || (verb != NULL && strcmp(row->verb, verb) == 0))
            return row;
    }
    return NULL;
}

static bool
help_has_noun(const char *noun)
{
    for (unsigned i = 0; i < ctl_table_count; i++)
        if (strcmp(ctl_table[i].noun, noun) == 0)
            return true;
    return false;
}

static enum ctl_exit
ctl_unknown(const char *noun, const char *verb)
{
    struct model_near near;
    bool known = help_has_noun(noun);
    model_near_init(&near, base_bytes_text(known && verb ? verb : noun));
    for (unsigned i = 0; i < ctl_table_count; i++)
        if (!known)
            model_near_offer(&near, ctl_table[i].noun);
        else if (strcmp(ctl_table[i].noun, noun) == 0)
            model_near_offer(&near, ctl_table[i].verb);
    if (known && verb == NULL)
        ctl_say("%s needs a verb; dougong help %s lists them", noun, noun);
    else
        ctl_say("unknown command \"%s%s%s\"%s; dougong help lists them", noun,
                known ? " " : "", known ? verb : "", model_near_hint(&near));
    return CTL_USAGE;
}

enum ctl_exit
ctl_help(struct ctl *ctl)
{
    if (ctl_value(ctl, "man") != NULL) {
        help_man();
        return CTL_OK;
    }
    if (ctl->arg_count > 0) {
        const struct ctl_command *command =
            ctl_find(ctl->args[0], ctl->arg_count > 1 ? ctl->args[1] : NULL);
        if (command != NULL) {
            ctl_help_command(command);
            return CTL_OK;
        }
        if (ctl->arg_count > 1 || !help_has_noun(ctl->args[0]))
            return ctl_unknown(ctl->args[0],
                               ctl->arg_count > 1 ? ctl->args[1] : NULL);
    }
    puts("usage: dougong COMMAND [ARGUMENT ...] [--OPTION ...]\n");
    for (unsigned i = 0; i < ctl_table_count; i++) {
        const struct ctl_command *row = &ctl_table[i];
        char left[64];
        if (ctl->arg_count > 0 && strcmp(row->noun, ctl->args[0]) != 0)
            continue;
        snprintf(left, sizeof left, "%s%s%s %s", row->noun,
                 row->verb ? " " : "", row->verb ? row->verb : "", row->args);
        printf("  %-34s %s\n", left, row->help);
    }
    puts("\ndougong COMMAND --help tells its options.");
    return CTL_OK;
}

enum ctl_exit
ctl_version(struct ctl *ctl)
{
    (void)ctl;
    puts("dougong " DOUGONG_VERSION);
    return CTL_OK;
}

/* --- reading a command --- */

/* Index in options, or -1. */
static int
ctl_option_index(const struct ctl_option *options, unsigned count,
                 const char *name, size_t size)
{
    for (unsigned i = 0; i < count && options[i].name != NULL; i++)
        if (strlen(options[i].name) == size &&
            memcmp(options[i].name, name, size) == 0)
            return (int)i;
    return -1;
}

static enum ctl_exit
ctl_unknown_option(const struct ctl_command *command, const char *name)
{
    struct model_near near;
    model_near_init(&near, base_bytes_text(name));
    for (unsigned i = 0; i < CTL_OPTIONS && command->options[i].name; i++)
        model_near_offer(&near, command->options[i].name);
    for (unsigned i = 0; i < BASE_COUNT(ctl_common); i++)
        model_near_offer(&near, ctl_common[i].name);
    ctl_say("unknown option --%s%s", name, model_near_hint(&near));
    return CTL_USAGE;
}

/* One "--name", "--name value" or "--name=value"; moves *at. */
static enum ctl_exit
ctl_read_option(struct ctl *ctl, int argc, char **argv, int *at)
{
    const char *name = argv[*at] + 2;
    size_t size = strcspn(name, "=");
    const struct ctl_option *rows = ctl->command->options;
    int own = ctl_option_index(rows, CTL_OPTIONS, name, size);
    int common =
        ctl_option_index(ctl_common, BASE_COUNT(ctl_common), name, size);
    if (own < 0 && common < 0)
        return ctl_unknown_option(ctl->command, name);
    const struct ctl_option *row = own >= 0 ? &rows[own] : &ctl_common[common];
    const char *value = "";
    if (row->value != NULL && name[size] == '=') {
        value = name + size + 1;
    } else if (row->value != NULL) {
        if (*at + 1 >= argc) {
            ctl_say("--%s needs %s", row->name, row->value);
            return CTL_USAGE;
        }
        value = argv[++*at];
    }
    if (own >= 0)
        ctl->values[own] = value;
    else if (common == 0)
        ctl->json = true;
    else if (common == 1)
        ctl->node = value;
    else
        ctl->config = value;
    return CTL_OK;
}

static enum ctl_exit
ctl_read(struct ctl *ctl, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            ctl_help_command(ctl->command);
            exit(CTL_OK);
        }
        if (strncmp(argv[i], "--", 2) == 0 && argv[i][2] != '\0') {
            enum ctl_exit bad = ctl_read_option(ctl, argc, argv, &i);
            if (bad != CTL_OK)
                return bad;
        } else if (ctl->arg_count < CTL_ARGS) {
            ctl->args[ctl->arg_count++] = argv[i];
        }
    }
    if (ctl->arg_count < ctl->command->args_min ||
        ctl->arg_count > ctl->command->args_max) {
        ctl_say("%s%s%s takes: %s", ctl->command->noun,
                ctl->command->verb ? " " : "",
                ctl->command->verb ? ctl->command->verb : "",
                ctl->command->args[0] ? ctl->command->args : "nothing");
        return CTL_USAGE;
    }
    return CTL_OK;
}

int
main(int argc, char **argv)
{
    const char *noun = argc > 1 ? argv[1] : "help";
    if (strcmp(noun, "--help") == 0 || strcmp(noun, "-h") == 0)
        noun = "help";
    if (strcmp(noun, "--version") == 0)
        noun = "version";
    struct ctl ctl = {0};
    const char *verb = argc > 2 && argv[2][0] != '-' ? argv[2] : NULL;
    ctl.command = ctl_find(noun, verb);
    if (ctl.command == NULL)
        return (int)ctl_unknown(noun, verb);
    int skip = ctl.command->verb != NULL ? 3 : argc > 1 ? 2 : 1;
    ctl.raw_count = argc - skip;
    ctl.raw = argv + skip;
    if (!ctl.command->raw) {
        enum ctl_exit bad = ctl_read(&ctl, argc - skip, argv + skip);
        if (bad == CTL_OK)
            bad = ctl_key_find(&ctl);
        if (bad != CTL_OK)
            return (int)bad;
    }
    return (int)ctl.command->run(&ctl);
}
