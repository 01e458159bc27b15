// filing.js -- the form of a return: made from the pack, what was filed before
// beside each item, checked by the node while one types.
//
// #/return/PACK?u=UNIT&w=WINDOW; where one stands already, it is corrected.
import { ask, detail, reason, send } from './ask.js';
import { here, link } from './place.js';
import { a, facts, h, paint, quiet, section } from './paint.js';
import { at, lang, label, moment, number, unitText, windowText, word }
  from './show.js';
import * as me from './me.js';

const PAUSE_MS = 400;     // after the last key, before the node is asked
const EXPLAIN_LEAST = 10; // characters
const REASONS = ['error', 'audit', 'reclassified', 'late', 'moved', 'restated',
  'void'];

export const name = 'return';
export const hidden = true; // reached from the list of returns
export const title = () => word().returns.form;
export const may = () => me.may('returns');

let form = null;     // of /api/returns/forms
let stands = null;   // what is corrected
let values = {}, texts = {}, why = '';
let verdict = null;  // of /api/returns/check: {verdict, problems}
let failed = null;
let key = '';        // of the address that the form is for
let timer = 0, asked = 0, busy = false;
let redraw = () => {};

const question = (place = here()) => ({ pack: place.rest,
  unit: place.get('u'), window: place.get('w') });

// Last year's values are known where that year's return is: then they are not
// asked for.
function wanted(items) {
  const known = new Set(items.filter(({ year }) => year !== null)
    .map((one) => `${one.name}_base`));
  return items.filter((one) => !known.has(one.name));
}

// What has been filed is corrected, not filed again.
async function standing({ pack, unit, window }) {
  const { returns } = await ask('/api/returns', { pack, unit, window });
  const one = returns.find((r) => r.unit.toUpperCase() === unit.toUpperCase());
  return one ? ask(`/api/returns/${one.id}`) : null;
}

// Asked once for each address: what is typed is not asked away.
export async function load(place) {
  const q = question(place);
  const mine = JSON.stringify(q);
  if (mine === key) return;
  const made = await ask(`/api/returns/forms/${q.pack}`, { unit: q.unit,
    window: q.window }).catch((error) => ({ failed: error }));
  const old = made.filed ? await standing(q) : null;
  key = mine;
  failed = made.failed ?? null;
  form = made.failed ? null : { ...made, items: wanted(made.items) };
  stands = old;
  values = Object.fromEntries((form?.items ?? []).map((one) =>
    [one.name, old?.items[one.name] ?? '']));
  texts = { ...old?.explanations };
  why = '';
  verdict = null;
}

function body() {
  const q = question();
  return { pack: q.pack, unit: q.unit, window: q.window,
    items: Object.fromEntries(Object.entries(values).map(([k, v]) =>
      [k, v.trim()]).filter(([, v]) => v !== '')),
    explanations: Object.fromEntries(Object.entries(texts).filter(([, v]) =>
      v.trim().length >= EXPLAIN_LEAST)),
    ...stands && { reason: why || 'error', revision: stands.revision + 1 } };
}

async function check() {
  const mine = ++asked;
  const answer = await send('POST', '/api/returns/check', body())
    .catch((error) => ({ failed: error }));
  if (mine !== asked) return;
  failed = answer.failed ?? null;
  verdict = failed ? failed.problem?.errors
    ? { verdict: 'refused', problems: failed.problem.errors } : null : answer;
  if (verdict) failed = null;
  redraw();
}

function typed() {
  clearTimeout(timer);
  timer = setTimeout(check, PAUSE_MS);
}

async function file(event) {
  event.preventDefault();
  if (busy) return;
  busy = true;
  try {
    const done = await send('POST', '/api/returns', body());
    key = '';
    location.hash = link('returns', done.id);
  } catch (error) {
    failed = error;
    if (error.problem?.errors?.length)
      verdict = { verdict: 'refused', problems: error.problem.errors };
  }
  busy = false;
  redraw();
}

// --- drawing ---

const said = (one) => one[lang().slice(0, 2)] ?? word().returns.codes[one.code]
  ?? one.code;

const of = (item) => (verdict?.problems ?? []).filter((one) =>
  one.item === item && (values[item] !== '' || one.code !== 'missing_item'));

function problem(one) {
  const w = word().returns;
  const style = one.level === 'hard' ? 'bad' : 'ask';
  return h('p', { key: `${one.code} ${one.check}`, class: style },
    h('span', null, `${w.levels[one.level]}${word().colon}${said(one)}`));
}

function explanation(one) {
  const w = word().returns;
  const id = `text-${one.check}`;
  return h('label', { key: id, class: 'wide-label' },
    h('span', null, w.explain),
    h('textarea', { id, rows: 2, value: texts[one.check] ?? '',
      oninput: (event) => {
        texts[one.check] = event.target.value;
        typed();
      } }));
}

const before = (text, item) => text === null || text === undefined ? '–'
  : number(text, item.decimals);

function row(item) {
  const w = word().returns;
  const id = `item-${item.name}`;
  const problems = of(item.name);
  const soft = problems.filter((one) => one.level === 'soft' && one.check);
  return [h('tr', { key: item.name },
    h('th', { scope: 'row' }, h('label', { for: id }, label(item),
      item.required && h('span', { class: 'must', title: w.required }, ' *'))),
    h('td', { class: 'quiet' }, unitText(item.unit)),
    h('td', { class: 'number' }, before(item.year, item)),
    h('td', { class: 'number' }, before(item.last, item)),
    h('td', { class: 'entry' }, h('input', { id, inputmode: 'decimal',
      autocomplete: 'off', value: values[item.name], required: item.required,
      'aria-invalid': problems.some((one) => one.level === 'hard')
        ? 'true' : null,
      'aria-describedby': problems.length ? `${id}-said` : null,
      oninput: (event) => {
        values[item.name] = event.target.value;
        typed();
      } }))),
  problems.length > 0 && h('tr', { key: `${item.name}-said`,
    class: 'problem' }, h('td', { colspan: 5, id: `${id}-said` },
    problems.map(problem), soft.map(explanation)))];
}

function groups() {
  const list = new Map();
  for (const item of form.items) {
    const of_ = item.group ? label({ label: item.group }) : '';
    list.set(of_, [...list.get(of_) ?? [], item]);
  }
  return [...list];
}

function table() {
  const w = word().returns;
  return h('div', { class: 'wide', role: 'region', tabindex: 0,
    'aria-label': w.items }, h('table', { class: 'filing' },
    h('thead', null, h('tr', null, [[w.item, ''], [word().packs.unit, ''],
      [w.year, 'number'], [w.last, 'number'], [w.now, 'number']].map(
      ([text, style], i) => h('th', { key: i, scope: 'col', class: style },
        text)))),
    groups().map(([group, items]) => h('tbody', { key: group },
      group && h('tr', { key: 'group', class: 'group' },
        h('th', { colspan: 5, scope: 'rowgroup' }, group)),
      items.map(row)))));
}

function others() {
  const known = new Set(form.items.map((one) => one.name));
  return (verdict?.problems ?? []).filter((one) => !known.has(one.item));
}

function correction() {
  const w = word().returns;
  return stands && h('label', { key: 'reason' }, h('span', null, w.reason),
    h('select', { id: 'return-reason', value: why || 'error',
      onchange: (event) => {
        why = event.target.value;
        typed();
      } }, REASONS.map((one) => h('option', { key: one, value: one },
      w.reasons[one]))));
}

function state() {
  const w = word().returns;
  if (failed) return h('p', { class: 'bad' }, reason(failed),
    detail(failed) && h('span', { lang: 'en', class: 'quiet' },
      ` ${detail(failed)}`));
  return verdict ? h('p', { class: verdict.verdict === 'accepted' ? 'good'
    : verdict.verdict === 'refused' ? 'bad' : '' },
  w.would[verdict.verdict]) : quiet(w.typing);
}

export function draw(place) {
  const q = question(place);
  const w = word().returns;
  const back = h('p', { class: 'back' }, a(link('returns'), w.all));
  if (!form || key !== JSON.stringify(q)) {
    paint(at('page-return'), back, section('return', w.form, failed
      ? state() : quiet(word().asking)));
    return;
  }
  paint(at('page-return'), back, section('return',
    `${label({ label: form.title, name: q.pack })} · ${
      windowText({ window: q.window, freq: 'month' })}`,
    facts([[w.unit, a(link('object', q.unit), q.unit)],
      [w.due, form.due > 0 ? moment(form.due) : ''],
      [w.stands, stands ? w.revision(stands.revision) : '']]),
    h('form', { id: 'return-form', onsubmit: file, novalidate: true },
      table(), others().map(problem), correction(),
      h('div', { id: 'return-state', role: 'status' }, state()),
      h('button', { type: 'submit', class: 'main', disabled: busy },
        stands ? w.correct : w.file))));
}

export function start(now, again) {
  redraw = again;
}
