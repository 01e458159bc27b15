// returns.js -- returns that this person may see: #/returns, and one of them:
// #/returns/ID, with its signed bytes, receipts and corrections.
import { ask } from './ask.js';
import { here, link } from './place.js';
import { a, facts, field, h, paint, quiet, section, select, table }
  from './paint.js';
import { amount, at, label, moment, unitText, windowText, word }
  from './show.js';
import * as me from './me.js';
import * as proof from './proof.js';

const PAGE = 50;
const STATES = ['accepted', 'queried'];

export const name = 'returns';
export const may = () => me.may('names');
export const title = (place) => place.rest ? word().returns.one
  : word().pages.returns;

let packs = [], list = null, next = null;
let one = null; // {id, view, receipts, checked}
let asked = 0;

const question = (place = here()) => ({ pack: place.get('p'),
  unit: place.get('u'), window: place.get('w'), state: place.get('s'),
  next: place.get('n') });

function way(change) {
  const q = { ...question(), next: '', ...change };
  return link(name, '', { p: q.pack, u: q.unit, w: q.window, s: q.state,
    n: q.next });
}

const go = (change) => { location.hash = way(change); };

// --- asking ---

async function checked(view, receipts) {
  const right = proof.able() ? await proof.returnSigned(view) : null;
  return { view: right, receipts: await Promise.all(receipts.map((r) =>
    proof.able() ? proof.receiptSigned(r) : null)) };
}

async function loadOne(id, mine) {
  const [view, { receipts }] = await Promise.all([ask(`/api/returns/${id}`),
    ask(`/api/returns/${id}/receipts`)]);
  const verdict = one?.id === id && one.view.sha256 === view.sha256
    ? one.checked : await checked(view, receipts);
  if (mine === asked) one = { id, view, receipts, checked: verdict };
}

export async function load(place) {
  const mine = ++asked;
  if (!packs.length) packs = (await ask('/api/figures/packs')).packs;
  if (place.rest) {
    await loadOne(place.rest, mine);
    return;
  }
  const q = question(place);
  const answer = await ask('/api/returns', { ...q,
    window: q.pack ? q.window : '', limit: PAGE });
  if (mine !== asked) return;
  list = answer.returns;
  ({ next } = answer);
}

// Packs that returns are filed for: those have checks.
const filed = () => packs.filter(({ checks }) => checks?.length > 0);
const packNamed = (text) => packs.find((p) => p.pack === text);
const titleOf = (text) => label({ label: packNamed(text)?.title, name: text });
const windowOf = (view) => windowText({ window: view.window, freq: 'month' });

// --- the list ---

function filters(q) {
  const w = word().returns;
  return h('form', { class: 'row controls',
    onsubmit: (event) => event.preventDefault() },
  select('returns-pack', word().packs.pack, [['', w.any], ...filed().map((p) =>
    [p.pack, titleOf(p.pack)])], q.pack, (event) =>
    go({ pack: event.target.value, window: '' })),
  field('returns-window', w.window, { value: q.window, size: 10,
    placeholder: '2026-09', onchange: (event) =>
      go({ window: event.target.value.trim(),
        pack: q.pack || filed()[0]?.pack }) }),
  field('returns-unit', w.unit, { value: q.unit, size: 22,
    onchange: (event) => go({ unit: event.target.value.trim() }) }),
  select('returns-state', word().state, [['', w.any], ...STATES.map((s) =>
    [s, w.states[s]])], q.state, (event) =>
    go({ state: event.target.value })));
}

const state = (view) => h('span', { class: view.state === 'accepted'
  ? 'sign good' : view.state === 'queried' ? 'sign bad' : '' },
word().returns.states[view.state] ?? view.state);

function rows() {
  const w = word().returns;
  return table([
    { head: w.unit, of: (r) => a(link(name, r.id), r.unit) },
    { head: word().packs.pack, of: (r) => titleOf(r.pack) },
    { head: w.window, of: windowOf },
    { head: word().state, of: state },
    { head: word().revision, style: 'number', of: (r) => String(r.revision) },
    { head: w.filedAt, of: (r) => moment(r.filed_at) },
  ], list, { key: (r) => r.id, caption: word().pages.returns });
}

function begin(event) {
  event.preventDefault();
  const { elements } = event.target;
  location.hash = link('return', elements['new-pack'].value, {
    u: elements['new-unit'].value.trim(),
    w: elements['new-window'].value.trim() });
}

function fresh(q) {
  const w = word().returns;
  if (!me.may('returns') || !filed().length) return null;
  return section('fresh', w.fresh, h('form', { class: 'row controls',
    onsubmit: begin },
  select('new-pack', word().packs.pack, filed().map((p) =>
    [p.pack, titleOf(p.pack)]), q.pack || filed()[0].pack),
  field('new-unit', w.unit, { name: 'new-unit', required: true, size: 24,
    placeholder: '88.31/…' }),
  field('new-window', w.window, { name: 'new-window', required: true, size: 10,
    placeholder: '2026-09' }),
  h('button', { type: 'submit' }, w.open)));
}

// --- one ---

function verdictText(checkedHere, saidThere) {
  const w = word().verdicts;
  return checkedHere === true ? w.right : checkedHere === false ? w.wrong
    : saidThere === 'valid' ? w.node : saidThere === 'wrong' ? w.wrong
      : w.noKey;
}

function receiptsTable() {
  const w = word().returns;
  return table([
    { head: word().revision, of: (r) => String(r.revision) },
    { head: w.verdict, of: (r) => w.states[r.verdict] ?? r.verdict },
    { head: w.at, of: (r) => moment(r.applied_at) },
    { head: word().signer, of: (r) => r.node },
    { head: word().signature, of: (r) => verdictText(
      one.checked.receipts[one.receipts.indexOf(r)], r.signature) },
  ], one.receipts, { key: (r) => `${r.revision} ${r.node}`,
    caption: w.receipts });
}

function items() {
  const w = word().returns;
  const pack = packNamed(one.view.pack);
  const inputs = new Map((pack?.inputs ?? []).map((i) => [i.name, i]));
  return table([
    { head: w.item, of: ([item]) => label(inputs.get(item) ?? { name: item }) },
    { head: word().value, style: 'number', of: ([item, text]) =>
      amount(text, '', inputs.get(item)?.scale) },
    { head: word().packs.unit, of: ([item]) =>
      unitText(inputs.get(item)?.unit) },
  ], Object.entries(one.view.items), { key: ([item]) => item,
    caption: w.items });
}

function explanations() {
  const w = word().returns;
  const list_ = Object.entries(one.view.explanations);
  return list_.length > 0 && [h('h3', null, w.explanations),
    facts(list_.map(([check, text]) => [label({ name: check, label:
      packNamed(one.view.pack)?.checks.find((c) => c.name === check)
        ?.message }).replaceAll(/\{\w+\}/g, '…'),
    h('span', { translate: 'no' }, text)]))];
}

// "user:li"
function who(text) {
  const [kind, ...rest] = text.split(':');
  return `${rest.join(':')} (${word().audit.kinds[kind] ?? kind})`;
}

function detail() {
  const w = word().returns;
  const { view } = one;
  return section('return-one', `${titleOf(view.pack)} · ${windowOf(view)}`,
    facts([[w.unit, a(link('object', view.unit), view.unit)],
      [word().state, state(view)],
      [word().revision, view.counted === view.revision ? view.revision
        : w.counts(view.revision, view.counted)],
      [w.reason, view.reason ? w.reasons[view.reason] ?? view.reason : ''],
      [w.filedAt, moment(view.filed_at)], [w.filedBy, who(view.filed_by)],
      [w.fingerprint, h('code', null, view.sha256)],
      [word().key, h('code', null, view.key)],
      [word().signature, h('span', { id: 'return-signature' },
        verdictText(one.checked.view, view.signature))]]),
    me.may('returns') && h('p', null, h('a', { class: 'button',
      href: link('return', view.pack, { u: view.unit,
        w: view.window }) }, view.state === 'queried' ? w.answer : w.correct)),
    h('h3', null, w.items), items(), explanations(),
    h('h3', null, w.receipts), quiet(w.receiptsWhat), receiptsTable());
}

export function draw(place) {
  const w = word().returns;
  const q = question(place);
  if (place.rest) {
    paint(at('page-returns'),
      h('p', { class: 'back' }, a(link(name), w.all)),
      one?.id === place.rest && detail());
    return;
  }
  paint(at('page-returns'), section('returns', word().pages.returns,
    quiet(w.what), filters(q), list && (list.length ? rows()
      : quiet(q.pack || q.unit || q.window || q.state ? w.none : w.noneHere)),
    next && h('p', { class: 'turn' },
      a(way({ next }), word().older))), fresh(q));
}

export function start() {}
