// packs.js -- packs: what is counted here, and by which rule.  #/packs/NAME.
import { packs } from './ask.js';
import { link } from './place.js';
import { a, facts, h, paint, quiet, section, table } from './paint.js';
import { at, label, number, span, unitText as unit, word } from './show.js';

export const name = 'packs';

let list = [];

export async function load() {
  list = await packs();
}

const title = (pack) => label({ label: pack.title, name: pack.pack });

function overview() {
  const w = word().packs;
  return section('packs', word().pages.packs, quiet(w.what), table([
    { head: w.pack, of: (one) => a(link(name, one.pack), title(one)) },
    { head: w.name, of: (one) => one.pack },
    { head: w.version, of: (one) => one.version },
    { head: word().every, of: (one) => one.freqs.map(({ freq }) =>
      word().freqs[freq]).join(word().comma) },
    { head: w.metrics, style: 'number', of: (one) =>
      String(one.metrics.length) },
    { head: w.measures, style: 'number', of: (one) =>
      String(one.measures.length) },
  ], list, { key: (one) => one.pack, caption: word().pages.packs }));
}

function ratio(pack, one) {
  const named = (n) => label(pack.measures.find((m) => m.name === n)
    ?? { name: n });
  if (one.derived) return one.derived;
  const parts = one.ratio.map(named).join(' ÷ ');
  const less = one.minus === '0' ? parts
    : `(${parts} − ${number(one.minus, 0, 12)})`;
  return less + (one.times === '1' ? '' : ` × ${number(one.times, 0, 12)}`);
}

function frequencies(pack) {
  const w = word().packs;
  return table([
    { head: word().every, of: (one) => word().freqs[one.freq] },
    { head: w.due, of: (one) => w.after(span(one.due_ms / 1000)) },
    { head: w.seal, of: (one) => w.seals[one.seal] },
    { head: w.grace, of: (one) => one.seal === 'auto'
      ? w.after(span(one.grace_ms / 1000)) : '' },
    { head: w.keep, of: (one) => span(one.keep_ms / 1000) },
  ], pack.freqs, { key: (one) => one.freq, caption: w.periods });
}

function checks(pack) {
  const w = word().packs;
  if (!pack.checks?.length) return null;
  return [h('h3', null, w.checks), table([
    { head: w.check, of: (one) => label({ label: one.message,
      name: one.name }).replaceAll(/\{\w+\}/g, '…') },
    { head: w.level, of: (one) => w.levels[one.level] },
    { head: w.rule, of: (one) => h('code', null, one.rule) },
  ], pack.checks, { key: (one) => one.name, caption: w.checks })];
}

function dims(pack) {
  const w = word().packs;
  if (!pack.dims?.length) return null;
  return [h('h3', null, w.dims), pack.dims.map((dim) =>
    h('details', { key: dim.name }, h('summary', null,
      w.dimOf(word().dims[dim.codes] ?? dim.name, dim.leaves.length)),
    h('ul', { class: 'codes' }, dim.leaves.map((one) =>
      h('li', { key: one.code }, h('b', null, one.code), ' ',
        label({ label: one, name: '' }))))))];
}

function detail(pack) {
  const w = word().packs;
  return section('pack', title(pack),
    facts([[w.name, pack.pack], [w.version, pack.version],
      [w.shape, h('code', null, pack.shape.slice(0, 16))],
      [w.scope, h('code', null, pack.scope)]]),
    h('h3', null, w.periods), frequencies(pack),
    h('h3', null, w.metrics), table([
      { head: word().figure, of: label },
      { head: w.unit, of: (one) => unit(one.unit) },
      { head: w.rule, of: (one) => ratio(pack, one) },
    ], pack.metrics, { key: (one) => one.name, caption: w.metrics }),
    h('h3', null, w.measures), table([
      { head: word().figure, of: label },
      { head: w.unit, of: (one) => unit(one.unit) },
      { head: w.rule, of: (one) => h('code', null, one.expr) },
    ], pack.measures, { key: (one) => one.name, caption: w.measures }),
    dims(pack), checks(pack));
}

export function draw(place) {
  const pack = list.find((one) => one.pack === place.rest);
  paint(at('page-packs'), pack
    ? [h('p', { class: 'back' }, a(link(name), word().packs.all)),
      detail(pack)]
    : overview());
}

export function start() {}
