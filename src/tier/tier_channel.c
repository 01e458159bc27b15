/* tier_channel.c -- the table of spec tier 4. */
#include "tier/tier_channel.h"

enum {
    UP = TIER_WAY_UP,
    DOWN = TIER_WAY_DOWN,
    BOTH = TIER_WAY_BOTH,
    R = TIER_WAY_ROUTED
};
enum { K = 1024, M = 1024 * 1024 };
enum { FIGURE_MAX = 1153434 /* 1.1 M */, FIGURE_WINDOW = 4718592 /* 4.5 M */ };
/* RULINGS 25 */
enum { NODE = 0, IDENT = 1, STREAM = 2, ROLLUP = 3, GUARD = 4, PLACE = 5 };

/* clang-format off */
static const struct tier_channel tier_channel_table[MODEL_CHANNELS] = {
  [MODEL_CHANNEL_CONTROL] =
    {"control", TIER_CLASS_CALL, 0, NODE, 64 * K, 64 * K, {
      {1, UP, true, "RENEW"}, {2, DOWN, false, "CAS"},
      {3, BOTH, true, "STATUS"}}},
  [MODEL_CHANNEL_ALARM] =
    {"alarm", TIER_CLASS_LOG, 1, GUARD, 64 * K, 256 * K, {
      {1, UP, false, "ALERT"}, {2, UP, false, "SUMMARY"},
      {3, UP, false, "CASE"}, {4, R, false, "CASE_DOWN"}}},
  [MODEL_CHANNEL_ORDER] =
    {"order", TIER_CLASS_LOG, 1, GUARD, 72 * K, 256 * K, {
      {1, DOWN, false, "DIRECTIVE"}}},
  [MODEL_CHANNEL_RECEIPT] =
    {"receipt", TIER_CLASS_LOG, 2, GUARD, 16 * K, 256 * K, {
      {1, UP, false, "DIRECTIVE_RECEIPT"}, {2, R, false, "RETURN_RECEIPT"},
      {3, R, false, "REFUSAL"}}},
  [MODEL_CHANNEL_LEASE] =
    {"lease", TIER_CLASS_CALL, 2, PLACE, 256 * K, 1 * M, {
      {1, R, false, "PROPOSE"}, {2, R, false, "ACCEPT"},
      {3, R, false, "GRANT"}, {4, R, false, "STARTED"},
      {5, R, false, "RENEW"}, {6, R, false, "RESULT"},
      {7, R, false, "CANCEL"}, {8, R, false, "STOP"},
      {9, R, false, "LIST"}, {10, R, false, "ASK"}}},
  [MODEL_CHANNEL_NAME_CALL] =
    {"name call", TIER_CLASS_CALL, 2, IDENT, 256 * K, 1 * M, {
      {1, R, true, "RESOLVE"}, {2, R, false, "KEY"},
      {3, R, false, "VERIFY"}, {4, R, false, "ADMIN"},
      {5, R, false, "SEARCH"}, {6, UP, false, "DIRECTIVES"}}},
  [MODEL_CHANNEL_NAMES] =
    {"names", TIER_CLASS_LOG, 3, IDENT, 256 * K, 256 * K, {
      {1, UP, true, "PREFIX"}, {2, UP, true, "SITE"},
      {3, UP, false, "APPLY"}, {4, DOWN, false, "DECIDE"},
      {5, BOTH, true, "UNIT"}, {6, DOWN, false, "PRIMARY"}}},
  [MODEL_CHANNEL_HINT] =
    {"hint", TIER_CLASS_HINT, 2, NODE, 64 * K, 256 * K, {
      {1, BOTH, true, "INVALIDATE"}, {2, UP, false, "OFFER"},
      {3, DOWN, false, "PRICE"}, {4, R, false, "HEARTBEAT"},
      {5, UP, false, "PRESENCE"}}},
  [MODEL_CHANNEL_FIGURE] =
    {"figure", TIER_CLASS_STATE, 3, ROLLUP, FIGURE_MAX, FIGURE_WINDOW, {
      {1, UP, true, "BATCH"}}},
  [MODEL_CHANNEL_FIGURE_CALL] =
    {"figure call", TIER_CLASS_CALL, 4, ROLLUP, FIGURE_MAX, FIGURE_WINDOW, {
      {1, DOWN, false, "PULL"}, {2, BOTH, false, "DIGEST"},
      {3, BOTH, false, "RETURNS"}, {4, DOWN, false, "UNITS"},
      {5, R, true, "EXPLAIN"}, {6, R, true, "TABLE"},
      {7, R, false, "AUDIT"}}},
  [MODEL_CHANNEL_PACK] =
    {"pack", TIER_CLASS_STATE, 3, ROLLUP, 64 * K, 64 * K, {
      {1, DOWN, false, "PACK"}, {2, UP, false, "NEED"}}},
  [MODEL_CHANNEL_INTEL] =
    {"intel", TIER_CLASS_LOG, 4, GUARD, 256 * K, 256 * K, {
      {1, UP, false, "SIGHTING"}, {2, UP, false, "ASSET"},
      {3, DOWN, false, "INDICATOR"}, {4, DOWN, false, "ADVISORY"}}},
  [MODEL_CHANNEL_DEMAND] =
    {"demand", TIER_CLASS_STATE, 3, PLACE, 64 * K, 1 * M, {
      {1, UP, false, "DEMAND"}}},
  [MODEL_CHANNEL_USAGE] =
    {"usage", TIER_CLASS_LOG, 4, PLACE, 16 * K, 256 * K, {
      {1, R, false, "RECORD"}}},
  [MODEL_CHANNEL_GRANT] =
    {"grant", TIER_CLASS_LOG, 2, ROLLUP, 16 * K, 64 * K, {
      {1, R, false, "GRANT"}, {2, R, false, "REVOKE"}}},
  [MODEL_CHANNEL_AUDIT] =
    {"audit", TIER_CLASS_LOG, 4, NODE, 64 * K, 64 * K, {
      {1, UP, true, "HEAD"}}},
  [MODEL_CHANNEL_REPLICATE] =
    {"replicate", TIER_CLASS_PULL, 2, IDENT, 1 * M, 4 * M, {
      {1, BOTH, false, "PULL"}, {2, BOTH, false, "TXNS"},
      {3, BOTH, false, "SNAPSHOT"}}},
  [MODEL_CHANNEL_SAMPLES] =
    {"samples", TIER_CLASS_LOG, 4, STREAM, 64 * K, 1 * M, {
      {1, UP, false, "ROWS"}, {2, UP, false, "GAP"}}},
  [MODEL_CHANNEL_BACKFILL] =
    {"backfill", TIER_CLASS_LOG, 5, STREAM, 64 * K, 1 * M, {
      {1, UP, false, "ROWS"}, {2, UP, false, "GAP"}}},
  [MODEL_CHANNEL_TWIN] =
    {"twin", TIER_CLASS_STATE, 3, STREAM, 256 * K, 256 * K, {
      {1, R, false, "DESIRED"}, {2, UP, false, "REPORTED"}}},
  [MODEL_CHANNEL_DATA_CALL] =
    {"data call", TIER_CLASS_CALL, 4, STREAM, 1 * M, 1 * M, {
      {1, R, true, "QUERY"}, {2, R, true, "SERIES"},
      {3, R, false, "LOG"}}},
  [MODEL_CHANNEL_BULK] =
    {"bulk", TIER_CLASS_CALL, 5, NODE, 256 * K, 1 * M, {
      {1, R, false, "GET"}}},
};
/* clang-format on */

const struct tier_channel *
tier_channel_get(unsigned channel)
{
    return channel < MODEL_CHANNELS ? &tier_channel_table[channel] : NULL;
}

const struct tier_kind *
tier_channel_kind(unsigned channel, unsigned kind)
{
    if (channel >= MODEL_CHANNELS || kind == 0)
        return NULL;
    const struct tier_kind *kinds = tier_channel_table[channel].kinds;
    for (unsigned i = 0; i < TIER_CHANNEL_KINDS && kinds[i].number; i++)
        if (kinds[i].number == kind)
            return &kinds[i];
    return NULL;
}

bool
tier_channel_live(unsigned channel)
{
    return tier_channel_kinds(channel) != 0;
}

uint32_t
tier_channel_kinds(unsigned channel)
{
    uint32_t bits = 0;
    if (channel >= MODEL_CHANNELS)
        return 0;
    const struct tier_kind *kinds = tier_channel_table[channel].kinds;
    for (unsigned i = 0; i < TIER_CHANNEL_KINDS && kinds[i].number; i++)
        if (kinds[i].live && kinds[i].number < 32)
            bits |= UINT32_C(1) << kinds[i].number;
    return bits;
}
