// explorer.js -- any series of any identifier, over any span, drawn and listed.
//
// The address holds the question: #/explorer/ID?m=METRIC,METRIC&s=SPAN&e=END&r=1
// (s, e in seconds; no e: up to now; r: counters as rise per second).
import { ids, metricsOf, newest, nodes, rangeOf, reason } from './ask.js';
import * as chart from './chart.js';
import { COLOURS } from './chart.js';
import { here, link } from './place.js';
import { at, choices, clock, day, element, keep, lang, number, put, word,
  zoneMinutes } from './show.js';

const METRICS_MAX = 6;
const POINTS = 400;
const KNOWN_MAX = 60; // offered as links
const SPANS = [900, 3600, 21600, 86400, 604800, 2592000, 31536000];

let known = [];      // identifiers
let metrics = [];    // of the identifier shown
let shown = null;    // {key, from, to, step, lines: [{name, values}]}
let failed = null;
let asked = 0;

export const name = 'explorer';

function question(place = here()) {
  const span = Number(place.get('s')) || SPANS[0];
  return { id: place.rest, names: place.get('m').split(',').filter(Boolean),
    span, end: Number(place.get('e')) || 0, rate: place.get('r') === '1' };
}

function go(change) {
  const q = { ...question(), ...change };
  location.hash = link(name, q.id, { m: q.names.join(','), s: q.span,
    e: q.end || '', r: q.rate ? 1 : '' });
}

// A counter's rise per second over at least half a minute, so that a grid finer
// than the samples draws no teeth; a fall is a start from zero.
export function rises(values, step) {
  const back = Math.ceil(30 / step);
  return values.map((v, i) => {
    const before = values[i - back] ?? null;
    return v === null || before === null || v < before ? null
      : (v - before) / (back * step);
  });
}

export const isCounter = (metric) => metric.endsWith('_total');

// Those with series here, and the machines that nodes below run on.
const offered = (list, whole) => [...new Set([...list, ...nodes(whole)
  .filter((one) => one.host).map((one) => `${one.node}/host`)])];

export async function load(place, whole) {
  const q = question(place);
  const mine = ++asked;
  const [list, own] = await Promise.all([ids(),
    q.id ? metricsOf(q.id).catch(() => []) : []]);
  if (mine !== asked) return;
  known = offered(list, whole);
  metrics = [...new Set([...own, ...q.names])].sort();
  const names = q.names.length || !metrics.length ? q.names : [metrics[0]];
  if (!q.id || !names.length) {
    shown = null;
    return;
  }
  const to = q.end || Math.floor(Date.now() / 1000);
  const step = Math.max(1, Math.ceil(q.span / POINTS));
  try {
    const lines = await Promise.all(names.map(async (metric) => ({ metric,
      values: await rangeOf(metric, q.id, to - q.span, to, step) })));
    if (mine !== asked) return;
    shown = { key: JSON.stringify([q, lang(), names]), rate: q.rate,
      from: to - q.span, to, step, lines };
    failed = null;
  } catch (error) {
    if (mine === asked) failed = error;
  }
}

// --- drawing ---

function data() {
  const { from, to, step, lines, rate } = shown;
  const times = [];
  for (let t = from; t <= to; t += step) times.push(t);
  return [times, ...lines.map(({ metric, values }) => {
    const row = times.map((t) => values.get(t) ?? null);
    return rate && isCounter(metric) ? rises(row, step) : row;
  })];
}

function drawPlot() {
  const place = at('explorer-plot');
  const some = shown?.lines.some(({ values }) => values.size > 0);
  place.hidden = !some;
  if (!some) return;
  const [times, ...rows] = data();
  chart.draw(place, { key: shown.key, from: shown.from, to: shown.to, times,
    lines: rows.map((values, i) => ({ values, colour: COLOURS[i] })),
    pick: (from, to) => go({ span: Math.max(60, Math.round(to - from)),
      end: Math.round(to) }) });
}

function drawMetrics(q) {
  const chosen = shown?.lines.map((one) => one.metric) ?? [];
  keep(at('explorer-metrics'), metrics, (one) => one, (one) => {
    const box = element('input');
    box.type = 'checkbox';
    box.value = one;
    const mark = element('span', 'mark');
    return element('label', 'check', box, mark, element('span', '', one));
  }, (label, one) => {
    const i = chosen.indexOf(one);
    label.firstChild.checked = i >= 0;
    label.firstChild.disabled = i < 0 && chosen.length >= METRICS_MAX;
    label.children[1].style.background = i < 0 ? 'transparent' : COLOURS[i];
  });
  at('explorer-rate-label').hidden = !chosen.some(isCounter);
  at('explorer-rate').checked = q.rate;
}

function drawValues() {
  const row = ({ metric, values }) => [metric, [...values].at(-1)];
  const rows = (shown?.lines ?? []).map(row);
  at('explorer-table').hidden = !rows.length;
  keep(at('explorer-values'), rows, ([metric]) => metric, () => {
    const th = element('th');
    th.scope = 'row';
    return element('tr', '', th, element('td', 'number'), element('td'));
  }, (tr, [metric, last]) => {
    const [head, value, time] = tr.children;
    put(head, metric);
    put(value, last ? number(last[1], 0, 12) : word().nothing);
    put(time, last ? `${day(last[0])} ${clock(last[0])}` : '');
  });
}

// For <input type=datetime-local>: the page's zone, no seconds.
function local(s) {
  return new Date((s + zoneMinutes() * 60) * 1000).toISOString().slice(0, 16);
}

function note(q) {
  const w = word();
  if (failed) return w.liveGone(reason(failed));
  if (!q.id) return w.explorerAsk;
  if (!metrics.length) return w.explorerNone(q.id);
  if (shown && !shown.lines.some(({ values }) => values.size))
    return w.explorerEmpty;
  return shown ? w.explorerStep(shown.step) : '';
}

function drawKnown(q) {
  const list = q.id ? [] : known.slice(0, KNOWN_MAX);
  put(at('explorer-offer'), list.length ? word().explorerKnown : '');
  keep(at('explorer-known'), list, (id) => id, (id) => {
    const a = element('a', '', id);
    a.href = link(name, id);
    return element('li', '', a);
  }, () => {});
}

export function draw(place) {
  const w = word(), q = question(place);
  const box = at('explorer-id');
  if (document.activeElement !== box && box.value !== q.id) box.value = q.id;
  choices(at('explorer-ids'), known.map((id) => [id, id]));
  const spans = SPANS.includes(q.span) ? SPANS : [...SPANS, q.span].sort(
    (a, b) => a - b);
  choices(at('explorer-span'), spans.map((s) => [String(s), w.spanOf(s)]));
  at('explorer-span').value = String(q.span);
  if (document.activeElement !== at('explorer-end'))
    at('explorer-end').value = q.end ? local(q.end) : '';
  put(at('explorer-note'), note(q));
  drawKnown(q);
  drawMetrics(q);
  drawPlot();
  drawValues();
}

export function start(now) {
  at('explorer-form').addEventListener('submit', (event) => {
    event.preventDefault();
    go({ id: at('explorer-id').value.trim(), names: [], end: 0 });
  });
  at('explorer-id').addEventListener('change', () =>
    go({ id: at('explorer-id').value.trim(), names: [], end: 0 }));
  at('explorer-span').addEventListener('change', () =>
    go({ span: Number(at('explorer-span').value) }));
  at('explorer-end').addEventListener('change', () => {
    const text = at('explorer-end').value;
    go({ end: text ? Date.parse(`${text}Z`) / 1000 - zoneMinutes() * 60 : 0 });
  });
  at('explorer-rate').addEventListener('change', () =>
    go({ rate: at('explorer-rate').checked }));
  at('explorer-metrics').addEventListener('change', () => go({
    names: [...at('explorer-metrics').querySelectorAll(':checked')]
      .map((box) => box.value) }));
  at('explorer-newest').addEventListener('click', () => now(async () => {
    const q = question();
    const metric = shown?.lines[0]?.metric ?? metrics[0];
    const end = metric && await newest(metric, q.id);
    if (end) go({ end });
  }));
}
