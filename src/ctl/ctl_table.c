/* ctl_table.c -- the grammar. */
#include "ctl/ctl.h"

#include "base/base_mem.h"

/* clang-format off */
#define CTL_PLANT_OPTIONS \
    {{"hours", "H", "how long (default: for ever, as it happens)"}, \
     {"speed", "N", "so many times as fast; begins as long ago (default 1)"}, \
     {"start", "TIME", "begin then instead (2026-11-22T08:00:00Z)"}, \
     {"live", NULL, "after the hours go on for ever, as it happens"}, \
     {"seed", "N", "the same seed, the same bytes (default 1)"}, \
     {"truth", "FILE", "write what really happened, for plant check"}, \
     {"prefix", "PREFIX", "below another prefix than the works' own"}, \
     {"dry-run", NULL, "print the messages instead"}, \
     {"user", "NAME", "at the MQTT door"}, \
     {"password", "TEXT", "at the MQTT door"}, \
     {"key", "FILE", "with USER:PASSWORD, instead of both"}}

const struct ctl_command ctl_table[] = {
    {"serve", NULL, "NODE.YAML", 1, 1,
     "Run a node until it is told to stop.",
     {{"debug", NULL, "log more"}}, ctl_serve, false},
    {"join", NULL, "HOST:PORT TOKEN", 2, 2,
     "Get this node's certificate from its parent, with a one-time token.",
     {{"config", "FILE", "the node's file (default node.yaml)"},
      {"again", NULL, "after a restore: begin a new epoch"}},
     ctl_join, false},
    {"prefix", "approve", "PREFIX", 1, 1,
     "Grant a prefix below the node asked; prints its join token.",
     {{0}}, ctl_prefix, false},
    {"prefix", "suspend", "PREFIX", 1, 1,
     "Cut a child's link until it is resumed.", {{0}}, ctl_prefix, false},
    {"prefix", "resume", "PREFIX", 1, 1,
     "Let a suspended child link again.", {{0}}, ctl_prefix, false},
    {"prefix", "revoke", "PREFIX", 1, 1,
     "Withdraw a prefix for ever.", {{0}}, ctl_prefix, false},
    {"prefix", "list", "", 0, 0,
     "Prefixes that the node asked knows of.", {{0}}, ctl_prefix, false},
    {"query", NULL, "EXPR", 1, 1,
     "Ask for series by a PromQL selector.",
     {{"at", "TIME", "instant (RFC 3339 or seconds; default now)"},
      {"from", "TIME", "range: start"},
      {"to", "TIME", "range: end (default now)"},
      {"step", "SPAN", "range: step (default 15s)"}},
     ctl_query, false},
    {"figure", "show", "PACK METRIC", 2, 2,
     "A figure at one window, with unit and coverage.",
     {{"at", "WINDOW", "2025-11-22T04:55, 2025-11-22T04 (default: newest "
       "complete)"},
      {"freq", "FREQ", "minute or hour, when --at is not given"},
      {"last", "N", "that many windows, oldest first"},
      {"vintage", "N", "as it was sealed"},
      {"asof", "TIME", "as it was then: 2025-11-22T04:55:07Z"}},
     ctl_figure, false},
    {"figure", "asof", "PACK WINDOW [TIME]", 2, 3,
     "A window's whole table as CSV, as this node had it at that time; the "
     "same bytes whenever it is asked.",
     {{"parts", NULL, "whom each cell is from, too"}}, ctl_figure, false},
    {"figure", "history", "PACK WINDOW FROM", 3, 3,
     "Every revision of what a child or a unit said of a window.",
     {{0}}, ctl_figure, false},
    {"figure", "explain", "PACK METRIC", 2, 2,
     "Where a figure comes from: formula, parts, the way down.",
     {{"at", "WINDOW", "the window (default: newest complete)"},
      {"freq", "FREQ", "minute or hour, when --at is not given"}},
     ctl_figure, false},
    {"figure", "coverage", "PACK", 1, 1,
     "Who has reported, of who is expected.",
     {{"at", "WINDOW", "the window (default: newest complete)"},
      {"freq", "FREQ", "minute or hour, when --at is not given"}},
     ctl_figure, false},
    {"figure", "seal", "PACK WINDOW", 2, 2,
     "Keep a complete window as a vintage, for ever; later corrections show as "
     "pending.",
     {{0}}, ctl_figure, false},
    {"pack", "check", "FOLDER", 1, 1,
     "Read a pack and say what is wrong with it, by line and column.",
     {{"codes", "FOLDER", "code lists (default packs/codes beside it)"}},
     ctl_pack, false},
    {"pack", "test", "FOLDER", 1, 1,
     "Run a pack's golden files.",
     {{"codes", "FOLDER", "code lists (default packs/codes beside it)"}},
     ctl_pack, false},
    {"import", NULL, "FILE", 1, 1,
     "Bring samples from a CSV file into a node.",
     {{"map", "MAP", "how its columns are meant: a file, or nab, steel"},
      {"id", "ID", "instead of the map's identifier"},
      {"dry-run", NULL, "read and report; send nothing"},
      {"resume", "FILE", "keep the position there; begin at it, if it is"},
      {"user", "NAME", "at the MQTT door"},
      {"password", "TEXT", "at the MQTT door"},
      {"key", "FILE", "with USER:PASSWORD, instead of both"}},
     ctl_import, false},
    {"plant", "pump", "", 0, 0,
     "Simulate the pump works 88.31.1001: 12 pumps.",
     CTL_PLANT_OPTIONS, ctl_plant, false},
    {"plant", "machining", "", 0, 0,
     "Simulate the machining shop 88.31.1002: 12 machines.",
     CTL_PLANT_OPTIONS, ctl_plant, false},
    {"plant", "electronics", "", 0, 0,
     "Simulate the electronics assembly 88.44.2001: 12 stations.",
     CTL_PLANT_OPTIONS, ctl_plant, false},
    {"plant", "check", "FILE", 1, 1,
     "Compare what a plant did (--truth) with what the node holds of it.",
     {{0}}, ctl_plant_check, false},
    {"audit", "list", "", 0, 0,
     "What was done to the node asked, by whom.",
     {{"start", "N", "from this entry on (default 0)"}}, ctl_audit, false},
    {"audit", "head", "", 0, 0,
     "The signed head of its audit log.", {{0}}, ctl_audit, false},
    {"audit", "proof", "HASH", 1, 1,
     "Is the entry of this leaf hash (hex or base64) in the signed log?",
     {{0}}, ctl_audit, false},
    {"audit", "verify", "", 0, 0,
     "Read all entries, hash them again, compare with every signed head.",
     {{"against", "URL", "the parent, for the heads that it has kept"}},
     ctl_audit, false},
    {"doctor", NULL, "[NODE.YAML]", 0, 1,
     "What is wrong with a node: files, doors, link, clock, disk.",
     {{0}}, ctl_doctor, false},
    {"bench", "mqtt", "...", 0, 99,
     "Load a MQTT server and measure it; bench mqtt --help.",
     {{0}}, ctl_bench, true},
    {"version", NULL, "", 0, 0, "Print the version.", {{0}}, ctl_version,
     false},
    {"help", NULL, "[NOUN [VERB]]", 0, 2, "This list, or one command.",
     {{"man", NULL, "the manual page, as roff"}}, ctl_help, false},
};
/* clang-format on */

const unsigned ctl_table_count = BASE_COUNT(ctl_table);
