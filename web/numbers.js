// numbers.js -- figures: any pack, frequency, window and instant of this node,
// as a table, over time, by region and by industry.
//
// The address holds the question: #/figures/PACK?f=FREQ&w=WINDOW&a=ASOF_MS
// &m=METRIC&s=1&r=REGION&x=NAME&c=CELL (s: sums too; r: only this region; x: the
// figure that is explained, c: of which cells, DIM=CODE,...).  No w: the newest
// whole window; no a: now; no c: of all that is shown.
import { ask, packs, reason } from './ask.js';
import * as chart from './chart.js';
import * as explain from './explain.js';
import { here, link } from './place.js';
import { a, field, h, paint, quiet, section, select, table } from './paint.js';
import { amount, at, clock, day, label, moment, setZone, unitText, windowText,
  word, zoneMinutes, zoneText } from './show.js';
import { tiles } from './tiles.js';

const BACK = 60;     // windows in the curve, and in the choice
const REGIONS = 'gbt2260';

export const name = 'figures';

let known = [];   // packs
let shown = null; // {key, pack, freq, windows, rows, series, by, asof}
let failed = null;
let asked = 0;
let explained = '';

function question(place = here()) {
  const pack = known.find((one) => one.pack === place.rest) ?? known[0];
  const freqs = pack?.freqs.map((one) => one.freq) ?? [];
  return { pack: pack?.pack ?? '',
    freq: freqs.includes(place.get('f')) ? place.get('f') : freqs[0] ?? '',
    window: place.get('w'), asof: place.get('a'), metric: place.get('m'),
    sums: place.get('s') === '1', region: place.get('r'),
    explain: place.get('x'), cell: place.get('c') };
}

function way(change) {
  const q = { ...question(), ...change };
  return link(name, q.pack, { f: q.freq, w: q.window, a: q.asof, m: q.metric,
    s: q.sums ? 1 : '', r: q.region, x: q.explain,
    c: q.explain ? q.cell : '' });
}

function go(change) {
  location.hash = way(change);
}

// --- asking ---

const regionDim = (pack) => pack.dims?.find(({ codes }) => codes === REGIONS);

const one = (q, metric, more) => ask('/api/figures', { pack: q.pack, metric,
  at: q.window, freq: q.window ? '' : q.freq, asof: q.asof, parts: 0,
  ...more });

const only = (q, pack) => {
  const dim = q.region && regionDim(pack);
  return dim ? `${dim.name}=${q.region}` : '';
};

async function breakdown(q, pack, metric, window) {
  return Promise.all((pack.dims ?? []).map(async (dim) => ({ dim,
    cells: (await ask('/api/figures', { pack: q.pack, metric, at: window,
      asof: q.asof, by: dim.name,
      cell: dim === regionDim(pack) ? '' : only(q, pack) })).rows })));
}

async function fetchAll(q, pack) {
  const names = [...pack.metrics, ...q.sums || !pack.metrics.length
    ? pack.measures : []];
  const metric = [...pack.metrics, ...pack.measures].find((m) =>
    m.name === q.metric) ?? names[0];
  const cell = only(q, pack);
  const first = await one(q, metric.name, { last: BACK, cell });
  const [rows, by, windows] = await Promise.all([
    Promise.all(names.map((what) => what === metric ? first
      : one({ ...q, window: first.window }, what.name, { cell }))),
    breakdown(q, pack, metric.name, first.window),
    ask('/api/figures/windows', { pack: q.pack, metric: metric.name,
      freq: q.freq, limit: BACK })]);
  return { pack, metric, first, rows, by,
    windows: windows.windows.map((w) => w.window) };
}

export async function load(place) {
  if (!known.length) known = await packs();
  const q = question(place);
  const pack = known.find((p) => p.pack === q.pack);
  const mine = ++asked;
  if (!pack) return;
  try {
    const answer = await fetchAll(q, pack);
    if (mine !== asked) return;
    shown = { ...answer, q, key: way({ explain: '' }) };
    setZone(pack.zone_s / 60);
    failed = null;
  } catch (error) {
    if (![400, 404].includes(error.status)) throw error;
    if (mine !== asked) return;
    failed = error;
    shown = null;
  }
  explainWanted(q);
}

// The figure that the address names is explained, once: it stays at the window
// that was the newest then.
function explainWanted(q) {
  const wanted = q.explain && shown ? way({}) : '';
  if (wanted === explained) return;
  if (!wanted) explain.shut();
  explained = wanted;
  const row = [...shown?.rows ?? [], shown?.first]
    .find((f) => f?.name === q.explain);
  if (row) explain.open({ ...shown.first, ...row, askedAt: q.asof,
    cell: q.cell || only(q, shown.pack) }, () => go({ explain: '' }));
}

// --- drawing ---

const value = (f) => amount(f.value, f.unit, f.digits);

// For <input type=datetime-local>, in the zone of the page.
const local = (ms) => `${day(ms / 1000)}T${clock(ms / 1000)}`;

function asofOf(text) {
  return text ? Date.parse(`${text}Z`) - zoneMinutes() * 60000 : '';
}

function controls(q, pack) {
  const w = word().figuresPage;
  const windows = [...new Set([...q.window ? [q.window] : [],
    ...shown?.windows ?? []])].sort().reverse();
  const region = regionDim(pack);
  return h('form', { class: 'row controls',
    onsubmit: (event) => event.preventDefault() },
  select('figures-pack', word().packs.pack, known.map((p) => [p.pack,
    label({ label: p.title, name: p.pack })]), q.pack, (event) =>
    location.hash = link(name, event.target.value)),
  select('figures-every', word().every, pack.freqs.map(({ freq }) =>
    [freq, word().freqs[freq]]), q.freq, (event) =>
    go({ freq: event.target.value, window: '', explain: '' })),
  select('figures-window', w.window, [['', w.newest], ...windows.map((text) =>
    [text, windowText({ window: text, freq: q.freq })])], q.window, (event) =>
    go({ window: event.target.value, explain: '' })),
  field('figures-asof', w.asof, { type: 'datetime-local', step: 1,
    value: q.asof ? local(Number(q.asof)) : '', onchange: (event) =>
      go({ asof: asofOf(event.target.value), explain: '' }) }),
  q.asof && h('button', { id: 'figures-now', type: 'button', onclick: () =>
    go({ asof: '', explain: '' }) }, w.now),
  region && select('figures-region', w.region, [['', w.all],
    ...region.leaves.map((c) => [c.code, label(c)])], q.region, (event) =>
    go({ region: event.target.value, explain: '' })),
  h('label', { class: 'check', key: 'figures-sums-label' },
    h('input', { id: 'figures-sums', type: 'checkbox', checked: q.sums,
      onchange: (event) => go({ sums: event.target.checked }) }),
    h('span', null, word().sums)));
}

function note() {
  const w = word().figuresPage;
  const f = shown.first;
  return [w.whole(word().freqs[f.freq], windowText(f), zoneText()),
  word().states[f.state] ?? f.state,
  f.vintage ? word().vintage(f.vintage) : '',
  f.pending ? word().pending : '',
  shown.q.asof ? w.as(moment(Number(shown.q.asof))) : ''].filter(Boolean)
    .join(' · ');
}

function figureTable(q) {
  const w = word().figuresPage;
  const chosen = shown.metric.name;
  return table([
    { head: word().figure, of: (f) => h('a', { href: way({ metric: f.name }),
      'aria-current': f.name === chosen ? 'true' : null }, label(f)) },
    { head: word().value, style: 'number value', of: (f) => f.value === null
      ? h('span', { class: 'absent' }, word().nothing)
      : h('a', { href: way({ explain: f.name }),
        'data-explain': f.name,
        'aria-label': `${value(f)}${word().comma}${
          word().explainOne(label(f))}` }, value(f)) },
    { head: word().reportedUnits, style: 'number', of: (f) => h('span',
      { class: f.reported < f.expected ? 'low' : '' },
      word().of(f.reported, f.expected)) },
    { head: word().revision, style: 'number', of: (f) => String(f.revision) },
  ], shown.rows, { key: (f) => f.name, caption: w.table, style: 'figures' });
}

function curve() {
  const w = word().figuresPage;
  const list = shown.first.figures?.filter((f) => f.value !== null) ?? [];
  if (list.length < 2) return quiet(w.curveNone);
  const times = list.map((f) => f.from / 1000);
  const what = { key: `${shown.key} ${word().lang} ${times.length > 0}`,
    times, dots: list.length < 25, from: times[0], to: times.at(-1),
    lines: [{ values: list.map((f) => Number(f.value)),
      colour: chart.COLOURS[0] }] };
  return h('div', { key: 'curve', role: 'img', 'aria-label':
    w.curveOf(label(shown.first), list.length, value({ ...shown.first,
      value: list[0].value }), value({ ...shown.first,
      value: list.at(-1).value })),
  hold: (node) => queueMicrotask(() => node.isConnected
    && chart.draw(node, what)) });
}

// The value of a code, which leads to where it comes from.
function cellValue(q, dim, code, show) {
  const rest = dim === regionDim(shown.pack) ? '' : only(q, shown.pack);
  const cell = [`${dim.name}=${code.code}`, rest].filter(Boolean).join(',');
  if (code.value === null) return show(code.value);
  return h('a', { href: way({ explain: shown.metric.name, cell }),
    'aria-label': `${show(code.value)}${word().comma}${
      word().explainOne(label(code))}` }, show(code.value));
}

function breakdowns(q) {
  const w = word().figuresPage;
  const show = (v) => amount(v, shown.first.unit, shown.metric.digits
    ?? shown.metric.scale);
  return shown.by.map(({ dim, cells }) => {
    const title = w.by(word().dims[dim.codes] ?? dim.name);
    const map = dim.codes === REGIONS;
    return section(`by-${dim.name}`, `${label(shown.metric)} · ${title}`,
      q.region && !map && quiet(w.only(label(regionDim(shown.pack).leaves
        .find((c) => c.code === q.region) ?? { name: q.region }))),
      map && quiet(w.legend),
      h('div', { class: map ? 'beside' : '' },
        map && tiles({ cells, codes: dim.leaves, chosen: q.region, show,
          pick: (region) => go({ region,
            explain: region && shown.metric.name, cell: '' }) }),
        cells.length ? table([
          { head: word().dims[dim.codes] ?? dim.name, of: (c) => [
            h('span', { class: 'code' }, c.code), ' ', label(c)] },
          { head: word().value, style: 'number', of: (c) =>
            cellValue(q, dim, c, show) },
          { head: word().reportedUnits, style: 'number', of: (c) =>
            word().of(c.reported, c.expected) },
        ], cells, { key: (c) => c.code, caption: title }) : quiet(w.noCells)));
  });
}

export function draw(place) {
  const q = question(place);
  const pack = known.find((p) => p.pack === q.pack);
  const w = word().figuresPage;
  paint(at('page-figures'), pack && [
    section('figures-main', word().pages.figures, controls(q, pack),
      failed && quiet(failed.status === 404 ? w.none : reason(failed)),
      shown && [quiet(note()), q.region && !shown.first.expected
        ? h('p', null, word().noneExpected) : figureTable(q)]),
    shown && section('figures-curve', [label(shown.first),
      unitText(shown.first.unit)].filter(Boolean).join(' · '), curve()),
    shown && shown.pack === pack && breakdowns(q)]);
}

export function start() {}
