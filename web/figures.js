// figures.js -- the table of this node's figures at the newest whole window.
import * as ask from './ask.js';
import { amount, at, attribute, element, keep, label, lang, put, setZone,
  windowText, word, zoneText } from './show.js';

const BACK = 60; // windows in the small curve
const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 120, HEIGHT = 26;

let rows = null; // of ask.figure(), one window; null: not asked yet
let pack = null; // the first of ask.packs()
let freq = 'minute';
let spoken = '';
let asked = 0;   // loads begun; only the last one counts

function zoneOf(f) {
  const whole = f.window + (f.freq === 'hour' ? ':00:00Z' : ':00Z');
  return Math.round((Date.parse(whole) - f.from) / 60000);
}

// One version of one window; while it stays, so do all its figures.
const version = (f) => [f.window, f.epoch, f.revision, f.state, f.vintage,
  f.pending].join();

export async function load(wanted, sums) {
  const mine = ++asked;
  freq = wanted;
  pack ??= (await ask.packs())[0];
  const names = [...pack.metrics, ...sums ? pack.measures : []]
    .map((one) => one.name);
  try {
    // The first says which window is the newest; the others are asked for it.
    const first = await ask.figure(pack.pack, names[0], freq, '', BACK);
    if (rows?.length === names.length && version(rows[0]) === version(first))
      return;
    const rest = await Promise.all(names.slice(1).map((name) =>
      ask.figure(pack.pack, name, freq, first.window, BACK)));
    if (mine !== asked) return;
    rows = [first, ...rest];
    setZone(zoneOf(first));
  } catch (error) {
    if (error.status !== 404) throw error;
    if (mine === asked) rows = [];
  }
}

function line(values) {
  const low = Math.min(...values), high = Math.max(...values);
  const flat = high === low;
  return values.map((v, i) => {
    const x = WIDTH - (values.length - 1 - i) * WIDTH / (BACK - 1);
    const y = flat ? HEIGHT / 2
      : HEIGHT - 3 - (v - low) / (high - low) * (HEIGHT - 6);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  }).join(' ');
}

function makeSpark() {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute('width', WIDTH);
  svg.setAttribute('height', HEIGHT);
  svg.setAttribute('role', 'img');
  svg.append(document.createElementNS(SVG, 'polyline'));
  return svg;
}

function changeSpark(svg, f) {
  const texts = f.history.filter((v) => v !== null); // oldest first
  const values = texts.map(Number);
  const of = (v) => amount(texts[values.indexOf(v)], f.unit, f.digits);
  attribute(svg.firstChild, 'points', values.length > 2 ? line(values) : '');
  attribute(svg, 'aria-label', values.length
    ? word().spark(of(Math.min(...values)), of(Math.max(...values)))
    : word().nothing);
}

function makeRow(f) {
  const name = element('th');
  name.scope = 'row';
  const open = element('button', 'link');
  open.type = 'button';
  open.dataset.explain = f.name;
  open.setAttribute('aria-controls', 'explain');
  return element('tr', '', name, element('td', 'number value'),
    element('td', 'trend', makeSpark()), element('td'),
    element('td', 'number'), element('td'), element('td', 'act', open));
}

function stateText(f) {
  const w = word();
  const parts = [w.states[f.state] ?? f.state];
  if (f.vintage) parts.push(w.vintage(f.vintage));
  if (f.pending) parts.push(w.pending);
  return parts.join(' · ');
}

function changeRow(tr, f, explained) {
  const [name, value, trend, reported, revision, state, act] = tr.children;
  const w = word();
  put(name, label(f));
  put(value, amount(f.value, f.unit, f.digits));
  value.classList.toggle('absent', f.value === null);
  attribute(value, 'title', `${f.value ?? ''} ${f.unit ?? ''}`.trim());
  changeSpark(trend.firstChild, f);
  put(reported, w.of(f.reported, f.expected));
  reported.classList.toggle('low', f.reported < f.expected);
  put(revision, String(f.revision));
  put(state, stateText(f));
  put(act.firstChild, w.explain);
  attribute(act.firstChild, 'aria-label', w.explainOne(label(f)));
  attribute(act.firstChild, 'aria-expanded', String(explained === f.name));
}

export function find(name) {
  return rows?.find((f) => f.name === name);
}

// explained: the name whose explanation is open, or ''.
export function draw(explained) {
  const w = word();
  const f = rows?.[0];
  put(at('figures-note'), f
    ? w.window(w[freq], windowText(f), zoneText()) : rows ? w.none[freq] : '');
  at('figures-table').hidden = !f;
  keep(at('figures'), rows ?? [], (row) => row.name, makeRow,
    (tr, row) => changeRow(tr, row, explained));
  put(document.querySelector('[data-text=trend]'), w.trends[freq]);
  // One sentence a window for those who listen, not one per number.
  if (f && spoken !== f.window + lang()) {
    spoken = f.window + lang();
    const said = rows.slice(0, pack.metrics.length).map((row) =>
      `${label(row)} ${amount(row.value, row.unit, row.digits)}`);
    put(at('spoken'), `${windowText(f)}: ${said.join(', ')}`);
  }
}
