// explain.js -- the panel that walks a figure down to its samples.
//
// It explains the window that was shown when it was opened, and stays at that
// window however often the page is drawn again.  Of some cells only, if the
// figure has a `cell` (DIM=CODE,...).
import { explanation, reason, samples } from './ask.js';
import { roleOf } from './chain.js';
import { here } from './place.js';
import * as proof from './proof.js';
import { amount, at, clock, element, exact, label, moment, number, windowText,
  word, zoneText } from './show.js';

const UNITS_MAX = 4;  // machines whose samples are fetched
const ROWS_MAX = 15;  // samples shown; of more, the first and last few
const ROWS_END = 5;
const BEFORE_S = 300; // how far back the sample before the window is sought

let shown = null; // {figure, answer, rows, raw, failed}
let drawn = '';   // what is on the page now
let opener = null; // where the focus was
let redraw = () => {};

export const opened = () => shown?.figure.name ?? '';

// closed: what is done, besides, when it is closed.
export async function open(figure, closed) {
  const mine = shown = { figure, page: here().page, closed, answer: null,
    rows: [], raw: {}, failed: null };
  opener = document.activeElement;
  redraw();
  at('explain-title').focus();
  try {
    mine.answer = await explanation(figure);
    mine.rows = mine.answer.entries.flatMap((one) => rowsOf(one, 0, []));
    if (shown === mine) redraw();
    await Promise.all([checkSigned(mine), ...mine.rows.filter((row) =>
      row.kind === 'unit' && row.name !== null).slice(0, UNITS_MAX)
      .map((row) => fetchRaw(mine, row))]);
  } catch (error) {
    mine.failed = error;
  }
  if (shown === mine) redraw();
}

// The address does not ask for it any more: the focus stays where it is.
export function shut() {
  shown = null;
  redraw();
}

function close() {
  const name = opened(), { closed } = shown;
  shown = null;
  closed?.();
  redraw();
  const back = opener?.isConnected && opener !== document.body ? opener
    : document.querySelector(`[data-explain="${name}"]`);
  back?.focus();
}

// --- the walk, as rows ---

// A part and the node that sent it are one row: what is counted here.
function rowsOf(entry, depth, rows) {
  const node = entry.kind === 'part'
    ? entry.below.find((one) => one.kind === 'node') : null;
  const below = (node ?? entry).below;
  rows.push({ ...entry, depth, why: entry.why ?? node?.why,
    batches: entry.below.filter((one) => one.kind === 'batch'),
    returns: below.filter((one) => one.kind === 'return'),
    inputs: below.filter((one) => one.kind === 'input') });
  for (const one of below)
    if (!['input', 'batch', 'return'].includes(one.kind))
      rowsOf(one, depth + 1, rows);
  return rows;
}

// What this browser says of each signature; null: it cannot tell.
async function checkSigned(mine) {
  const all = mine.rows.flatMap((row) => [...row.batches, ...row.returns]);
  await Promise.all(all.filter(() => proof.able()).map(async (one) => {
    if (one.verdict === 'signed' && one.batch)
      one.checked = await proof.batchSigned(one);
    else if (one.key && one.return)
      one.checked = await proof.returnSigned({ ...one, public_key: one.key });
  }));
}

// The samples that the operands were read from: those in [from, to), and the
// one before, which a counter's rise begins at.
async function fetchRaw(mine, row) {
  const [from, to] = [mine.figure.from / 1000, mine.figure.to / 1000];
  const inputs = mine.answer.operands.flatMap(({ expr, scale }) =>
    row.inputs.filter((one) => one.metric && one.name === expr)
      .map((one) => ({ ...one, scale })));
  if (!inputs.length) return;
  const list = await samples(inputs.map((one) => one.metric), row.name,
    to - from + BEFORE_S, to - 0.001).catch(() => []);
  const first = list.findIndex(([t]) => t >= from);
  mine.raw[row.name] = { inputs, from,
    list: first < 0 ? [] : list.slice(Math.max(first - 1, 0)) };
}

// --- drawing ---

const line = (style, text) => element('p', style, text);
const cell = (text) => element('td', 'number', text);

function head(scope, style, ...inside) {
  const th = element('th', style, ...inside);
  th.scope = scope;
  return th;
}

function table(style, columns, rows) {
  const wide = element('div', 'wide', element('table', style,
    element('thead', '', element('tr', '', ...columns.map((text, i) =>
      head('col', i ? 'number' : '', text)))),
    element('tbody', '', ...rows)));
  wide.tabIndex = 0; // it may have to be scrolled
  wide.setAttribute('role', 'region');
  wide.setAttribute('aria-label', columns.join(word().comma));
  return wide;
}

// "Processors busy = Processor time busy ÷ Processor time in all × 100", and
// the same in numbers; a sum has nothing to divide.
function formula(f, a) {
  if (f.derived) return line('formula', `${label(f)} = ${a.formula}`);
  if (a.operands.length < 2)
    return line('formula', `${label(f)} = ${word().summed}`);
  const side = (of) => {
    const ratio = a.operands.map(of).join(' ÷ ');
    const less = a.minus === '0' ? ratio
      : `(${ratio} − ${number(a.minus, 0, 12)})`;
    return less + (a.times === '1' ? '' : ` × ${number(a.times, 0, 12)}`);
  };
  return element('div', 'formula',
    line('', `${label(f)} = ${side(label)}`),
    line('', `${amount(a.value, f.unit, f.digits)} = `
      + side((one) => exact(one.sum, one.unit, one.scale))));
}

function place(row) {
  const w = word();
  const role = row.kind !== 'unit' ? w.roles[roleOf(row.name)] ?? ''
    : row.returns.length ? w.roles.enterprise : w.host;
  const th = head('row', `depth-${Math.min(row.depth, 6)}`,
    element('b', '', row.name ?? w.unnamed), row.name ? ` ${role}` : '');
  if (row.changed) th.append(element('span', 'remark', w.changed));
  if (row.why)
    th.append(element('span', 'remark', w.below(w.whys[row.why] ?? row.why)));
  return th;
}

function way(f, a, rows) {
  const w = word();
  const sums = a.operands.length > 1 ? a.operands : [];
  return table('way', [w.place, label(f), ...sums.map(label), w.reportedUnits,
    w.revision], rows.map((row) => element('tr', '', place(row),
    cell(amount(row.value, f.unit, f.digits)),
    ...sums.map((one, i) =>
      cell(exact([row.a, row.b][i], one.unit, one.scale))),
    cell(row.kind === 'unit' ? '' : w.of(row.reported, row.expected)),
    cell(w.revisionOf(row.revision, row.epoch)))));
}

// What came of the check of a batch or a return.
const signature = ({ checked, verdict }) => element('td',
  checked === false ? 'bad' : '', word().verdicts[checked === true ? 'right'
    : checked === false ? 'wrong' : verdict === 'signed' ? 'node' : verdict]);

// One row a batch: who signed it, and what came of the check.
function batches(rows) {
  const w = word();
  const list = rows.flatMap((row) => row.batches);
  if (!list.length) return [];
  return [element('h3', '', w.batches), line('quiet', w.batchesWhat),
    table('batches', [w.signer, w.batch, w.key, w.signature],
      list.map((one) => element('tr', '', head('row', '',
        element('b', '', one.name)), cell(w.batchOf(one.seq, one.epoch)),
      element('td', 'number', element('code', '', one.key_id)),
      signature(one))))];
}

// The returns at the end of the walk.
function filed(rows) {
  const w = word();
  const list = rows.flatMap((row) => row.returns);
  if (!list.length) return [];
  return [element('h3', '', w.filed), table('filed', [w.signer, w.revision,
    w.returns.filedAt, w.returns.verdict, w.key, w.signature],
  list.map((one) => element('tr', '', head('row', '',
    element('b', '', one.name)), cell(String(one.revision)),
  cell(moment(one.filed_at)), cell(w.returns.states[one.receipt] ?? ''),
  element('td', 'number', element('code', '', one.key_id)),
  signature(one))))];
}

function samplesTable({ inputs, from, list }) {
  const w = word();
  if (!list.length) return line('quiet', w.rawNone);
  const cut = list.length > ROWS_MAX
    ? [...list.slice(0, ROWS_END), null, ...list.slice(-ROWS_END)] : list;
  return table('raw', [w.time, ...inputs.map(label)], cut.map((row) =>
    element('tr', '', head('row', '', row ? clock(row[0]) : '…',
      row?.[0] < from ? ` ${w.rawBefore}` : ''), ...inputs.map((one, i) =>
      cell(row ? exact(row[i + 1], one.unit, one.scale) : '…')))));
}

// alone: there is no other; of many, each is opened by who wants it.
function unit(row, alone) {
  const w = word();
  const raw = shown.raw[row.name];
  const title = w.inputsOf(row.name ?? w.unnamed);
  const list = [...alone ? [element('h3', '', title)] : [],
    ...row.sequence === undefined ? []
      : [line('quiet', w.sample(row.shard, row.sequence))],
    ...row.digest ? [line('quiet', w.folded(row.samples, clock(row.first / 1000),
      clock(row.last / 1000))), element('p', '', element('code', '',
      row.digest))] : [],
    table('inputs', [w.input, w.amount], row.inputs.map((one) =>
      element('tr', '', head('row', '', label(one)),
        cell(exact(one.value, one.unit)))))];
  const all = raw ? [element('div', 'side', element('div', '', ...list),
    element('div', '', element('h3', '', w.raw), samplesTable(raw)))] : list;
  return alone ? all : [element('details', '', element('summary', '', title),
    ...all)];
}

function content() {
  const { figure: f, answer: a, rows, failed } = shown;
  const w = word();
  const what = [label(f), ...(a?.cell ?? []).map(label)].join(' · ');
  const says = line('', w.says(what, amount((a ?? f).value, f.unit, f.digits),
    word().freqs[f.freq], windowText(f), zoneText()));
  if (failed) return [line('', w.explainGone(reason(failed)))];
  if (!a) return [line('', w.asking)];
  if (a.expected === 0) return [says, line('', w.noneExpected)];
  const units = rows.filter((row) => row.inputs.length);
  return [says, element('h3', '', w.formula), formula(f, a),
    element('h3', '', w.way), way(f, a, rows), ...filed(rows), ...batches(rows),
    ...units.flatMap((row) => unit(row, units.length === 1))];
}

// Drawn anew only when what it shows, or the language, is another.  On another
// page than it was opened on it is gone.
export function draw() {
  if (shown && shown.page !== here().page) shown = null;
  at('explain').hidden = !shown;
  const state = shown ? JSON.stringify([word().lang, shown]) : '';
  if (state === drawn) return;
  drawn = state;
  at('explain-body').replaceChildren(...shown ? content() : []);
}

export function start(again) {
  redraw = again;
  at('explain-close').addEventListener('click', close);
  at('explain').addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close();
  });
}
