// object.js -- what a name stands for: #/object/ID, its record, its curve, what
// it gave to figures; #/object/PREFIX, a prefix, its keys and its names.
//
// The node asked finds the record wherever it is kept.  m=METRIC chooses the
// curve; a counter is drawn as its rise per second.
import { ask, metricsOf, packs, rangeOf } from './ask.js';
import * as chart from './chart.js';
import { here, link } from './place.js';
import { a, facts, h, paint, quiet, section, select, table } from './paint.js';
import { amount, at, label, moment, number, span, windowText,
  word } from './show.js';
import { isCounter, rises } from './explorer.js';

const SPAN_S = 900, STEP_S = 5;
const NAMES_PAGE = 50;

export const name = 'object';
export const hidden = true; // reached by a name

let shown = null; // {id, record, missing, metrics, metric, curve, gave, prefix}
let asked = 0;

export const title = (place) => place.rest;

const isPrefix = (id) => !id.includes('/');
const prefixOf = (id) => isPrefix(id) ? id : id.slice(0, id.indexOf('/'));

// --- asking ---

async function recordOf(id) {
  const path = (isPrefix(id) ? `0.NA/${id}` : id).split('/')
    .map(encodeURIComponent).join('/');
  try {
    return { record: await ask(`/api/handles/${path}`, { trace: true }) };
  } catch (error) {
    if (!error.status || error.status === 401 || error.status === 403)
      throw error;
    return { missing: error };
  }
}

async function curveOf(id, metric) {
  const to = Math.floor(Date.now() / 1000 / STEP_S) * STEP_S;
  const values = await rangeOf(metric, id, to - SPAN_S, to, STEP_S);
  const times = [];
  for (let t = to - SPAN_S; t <= to; t += STEP_S) times.push(t);
  const row = times.map((t) => values.get(t) ?? null);
  return { from: to - SPAN_S, to, times, last: [...values].at(-1),
    values: isCounter(metric) ? rises(row, STEP_S) : row };
}

async function liveOf(id, wanted) {
  const metrics = await metricsOf(id).catch(() => []);
  const metric = metrics.includes(wanted) ? wanted
    : metrics.find((one) => one.includes('busy')) ?? metrics[0];
  return { metrics, metric,
    curve: metric ? await curveOf(id, metric).catch(() => null) : null };
}

// What it gave to the newest window of each pack, where this node counts it.
async function gaveOf(id) {
  const all = await Promise.all((await packs().catch(() => [])).map(async (pack) => {
    const history = await ask('/api/figures/history', { pack: pack.pack,
      freq: pack.freqs[0].freq, from: id }).catch(() => null);
    const revision = history?.revisions.at(-1);
    return revision && { pack, freq: pack.freqs[0].freq,
      window: history.window, revision, times: history.revisions.length };
  }));
  return all.filter(Boolean);
}

async function prefixParts(id, node) {
  const one = await ask(`/api/prefixes/${encodeURIComponent(id)}`)
    .catch(() => null);
  const kept = one && (one.node === node || one.hosted);
  const [all, names, own] = await Promise.all([
    ask('/api/prefixes').catch(() => ({ prefixes: [] })),
    kept ? ask('/api/handles', { prefix: id, pageSize: NAMES_PAGE })
      .catch(() => null) : null, packs().catch(() => [])]);
  return { one, names, packs: own, below: all.prefixes.filter(({ prefix }) =>
    prefix.startsWith(`${id}.`)
    && !prefix.slice(id.length + 1).includes('.')) };
}

export async function load(place, whole) {
  const id = place.rest, mine = ++asked, { node } = whole ?? {};
  const found = await recordOf(id);
  const own = prefixOf(id) === node;
  const more = isPrefix(id) ? { prefix: await prefixParts(id, node) }
    : found.record ? { ...await liveOf(id, place.get('m')),
      gave: own ? await gaveOf(id) : [] } : {};
  if (mine === asked) shown = { id, ...found, ...more };
}

// --- the record ---

const PERMISSIONS = /^1+$/;

function admin({ handle, index, permissions }) {
  const w = word().object;
  return [w.keyFrom(index), ' ', a(link(name, handle.replace(/^0\.NA\//i, '')),
    handle), PERMISSIONS.test(permissions) ? ` ${w.everything}` : ''];
}

function site({ servers }) {
  return servers.map(({ address, interfaces }, i) => h('span', { key: i },
    `${address}: ${interfaces.map(({ protocol, port }) =>
      `${protocol} ${port}`).join(word().comma)}`));
}

function dataOf({ data }) {
  const w = word().object;
  const { format, value } = typeof data === 'string'
    ? { format: 'string', value: data } : data;
  if (format === 'admin') return admin(value);
  if (format === 'site') return site(value);
  if (format === 'vlist') return value.map(({ handle, index }) =>
    `${handle} (${index})`).join(word().comma);
  if (format !== 'string' || value.startsWith('-----BEGIN'))
    return h('details', null, h('summary', null, w.bytes(value.length)),
      h('code', null, value));
  return /^https?:\/\//.test(value)
    ? h('a', { href: value, rel: 'noreferrer' }, value) : value;
}

function ttlOf(ttl) {
  return typeof ttl === 'number' ? span(ttl) : ttl;
}

const when = (text) => moment(Date.parse(text));

function found({ hops = [] }) {
  const w = word().object;
  const way = hops.map(({ node }) => node).join(' → ');
  const ms = hops.reduce((sum, one) => sum + one.ms, 0);
  return way ? w.found(way, ms) : '';
}

function record() {
  const w = word().object;
  const { record: r } = shown;
  const classes = r.values.filter(({ type }) => type === 'CLASS')
    .map((one) => dataOf(one)).map((text) => w.classes[text] ?? text);
  const admins = r.values.filter(({ type }) => type === 'HS_ADMIN');
  const changed = Math.max(...r.values.map(({ timestamp }) =>
    Date.parse(timestamp)));
  return section('record', shown.id,
    facts([[w.kind, classes.join(word().comma)],
      [word().state, w.states[r.state ?? 'active'] ?? r.state],
      [w.changed, Number.isFinite(changed) ? moment(changed) : ''],
      [w.mayChange, admins.length ? admins.map((one) =>
        h('span', { key: one.index }, admin(one.data.value))) : ''],
      [w.owner, isPrefix(shown.id) ? '' : a(link(name, prefixOf(shown.id)),
        prefixOf(shown.id))],
      [w.foundAt, found(r)]]),
    h('h3', null, w.record),
    table([
      { head: w.index, of: (one) => String(one.index) },
      { head: w.type, of: (one) => w.types[one.type] ?? one.type },
      { head: word().value, of: dataOf },
      { head: w.ttl, style: 'number', of: (one) => ttlOf(one.ttl) },
      { head: w.changed, of: (one) => when(one.timestamp) },
    ], r.values, { key: (one) => one.index, caption: w.record,
      style: 'record' }),
    h('details', { key: 'raw' }, h('summary', null, w.raw),
      h('pre', { tabindex: 0 }, JSON.stringify(r, null, 2))));
}

// --- its curve, its figures ---

function live() {
  const w = word().object;
  if (!shown.metrics?.length) return null;
  const { curve, metric } = shown;
  const rate = isCounter(metric);
  const what = curve && { key: `${shown.id} ${metric} ${word().lang}`,
    from: curve.from, to: curve.to, times: curve.times,
    lines: [{ values: curve.values, colour: chart.COLOURS[0] }] };
  const last = curve?.values.findLast((v) => v !== null);
  const said = last === undefined ? curve?.last ? w.soon : w.silent
    : w.now(number(last, 0, 3), rate);
  return section('object-live', w.live,
    h('div', { class: 'row controls' }, select('object-metric',
      word().metric, shown.metrics.map((one) => [one, one]), metric,
      (event) => { location.hash = link(name, shown.id,
        { m: event.target.value }); }),
    a(link('explorer', shown.id, { m: metric, r: rate ? 1 : '' }), w.more)),
    h('p', { id: 'object-now' }, said),
    last !== undefined && h('div', { key: 'curve', role: 'img', 'aria-label':
      `${metric}: ${said}`, hold: (node) => queueMicrotask(() =>
      node.isConnected && chart.draw(node, what)) }));
}

function gave({ pack, freq, window, revision, times }) {
  const w = word().object;
  return [h('h3', { key: `${pack.pack}-h` }, a(link('figures', pack.pack,
    { f: freq, w: window }), label({ label: pack.title, name: pack.pack })),
  ` · ${windowText({ window, freq })}`),
  quiet(w.revised(revision.revision, times, moment(revision.applied))),
  table([
    { head: word().figure, of: label },
    { head: word().value, style: 'number', of: (one) => amount(
      revision.measures[one.name], one.unit, one.scale) },
  ], pack.measures, { key: (one) => one.name, caption: label({
    label: pack.title, name: pack.pack }) })];
}

// --- a prefix ---

function consoleOf() {
  const w = word().object;
  const record = shown.record?.values.find(({ type }) => type === 'HS_SITE');
  const server = record?.data.value?.servers?.[0];
  const http = server?.interfaces.find(({ protocol }) => protocol === 'HTTP');
  if (!http) return '';
  const url = `http://${server.address}:${http.port}/`;
  return url === `${location.origin}/` ? w.thisNode
    : h('a', { href: `${url}${link(name, shown.id)}` }, url);
}

// "region=310000" by the names of the packs' code lists.
function codesOf(text = '') {
  return text.split(/\s+/).filter(Boolean).map((pair) => {
    const [dim, code] = pair.split('=');
    const known = shown.prefix.packs.flatMap(({ dims }) => dims)
      .find((one) => one.name === dim)?.leaves.find((c) => c.code === code);
    return known ? `${label(known)} (${code})` : pair;
  }).join(word().comma);
}

function prefix() {
  const w = word().object;
  const { one, names, below } = shown.prefix;
  const keys = shown.record?.values.filter(({ type }) =>
    type === 'HS_PUBKEY') ?? [];
  return [section('prefix', shown.id,
    !one && !shown.record && quiet(w.noPrefix(shown.id)),
    one && facts([[word().state, w.prefixStates[one.state] ?? one.state],
      [w.servedBy, one.node],
      [w.console, consoleOf()],
      [w.hosted, one.hosted ? w.yes : ''],
      [w.approved, moment(one.approved_ms)],
      [w.joined, one.joined_ms ? moment(one.joined_ms) : ''],
      [w.codes, codesOf(one.codes)],
      [w.keys, keys.map(({ index }) => w.keyOf(index)).join(word().comma)],
      [w.foundAt, shown.record ? found(shown.record) : '']])),
  below.length > 0 && section('below', w.below, table([
    { head: w.prefix, of: (p) => a(link(name, p.prefix), p.prefix) },
    { head: word().state, of: (p) => w.prefixStates[p.state] ?? p.state },
    { head: w.servedBy, of: (p) => p.node },
  ], below, { key: (p) => p.prefix, caption: w.below })),
  names && section('names', w.names(number(names.totalCount, 0)),
    names.handles.length > 0 ? h('ul', { class: 'codes' },
      names.handles.map((id) => h('li', { key: id },
        a(link(name, id), id)))) : quiet(w.noNames),
    Number(names.totalCount) > names.handles.length
      && quiet(w.firstOf(names.handles.length)))];
}

function missing() {
  const w = word().object;
  return section('missing', shown.id, h('p', { role: 'status' },
    shown.missing.status === 404 ? w.missing(shown.id)
      : w.unresolved(shown.id)), quiet(w.missingHint));
}

export function draw(place) {
  const host = at('page-object');
  if (shown?.id !== place.rest) {
    paint(host, place.rest && quiet(word().asking));
    return;
  }
  paint(host, shown.prefix ? prefix()
    : !shown.record ? missing()
      : [record(), live(), shown.gave.length > 0
        && section('gave', word().object.gave, shown.gave.map(gave))]);
}

export function start() {
  addEventListener('hashchange', () => {
    if (here().page === name) scrollTo(0, 0);
  });
}
