/* rollup_returns_world_test.h -- a small pack of returns for tests: one item
 * with its value of a year ago, one without, a hard check and a soft one. */
#ifndef ROLLUP_RETURNS_WORLD_TEST_H
#define ROLLUP_RETURNS_WORLD_TEST_H

static const char return_pack[] =
    "pack: r\nversion: 1.0.0\nagency: \"88\"\ntitle: {zh: r, en: R}\n"
    "window: {freq: month, merge: [\"01\", \"02\"], zone: \"+08:00\",\n"
    "  due: \"+16d\", grace: \"+20d\", keep: 4000d, seal: manual}\n"
    "grain: object\nscope: \"class == 'enterprise'\"\ncarry: micro\n"
    "dims: {region: reg}\n"
    "inputs:\n"
    "  revenue: {unit: \"{CNY}\", kind: flow, source: return, scale: 1,\n"
    "    required: true, base: true, min: 0, label: {zh: r, en: Revenue}}\n"
    "  profit: {unit: \"{CNY}\", kind: flow, source: return, scale: 1,\n"
    "    label: {zh: p, en: Profit}}\n"
    "measures:\n"
    "  revenue: {agg: flow, expr: revenue, unit: \"{CNY}\", scale: 1,\n"
    "    label: {zh: r, en: r}}\n"
    "metrics: {}\n"
    "checks:\n"
    "  within: {level: hard, assert: \"!has(profit) || profit <= revenue\",\n"
    "    items: [profit], message: {zh: \"{item} {value}\",\n"
    "    en: \"{item} {value} is more than the revenue\"}}\n"
    "  jump: {level: soft,\n"
    "    assert: \"!has(revenue_base) || revenue <= 2 * revenue_base\",\n"
    "    items: [revenue], message: {zh: \"{item}\", en: \"{item} "
    "doubled\"}}\n";

#endif
