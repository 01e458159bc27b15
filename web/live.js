// live.js -- the curve of one machine, from its raw samples.
//
// A machine sends all its counters in one message every 5 s; a point is read
// off two messages that follow each other, at the time of the second.
import { SPAN_S, reason, samples } from './ask.js';
import { at, attribute, choices, clock, number, put, word, zoneText }
  from './show.js';

const GAP_S = 30; // a longer silence is drawn as a gap

const percent = (v) => `${number(v, 1)} %`;
const rate = (v) => `${number(v, v < 10 ? 2 : 0)} ${word().perSecond}`;
const rise = (name) => ({ of: [name], show: rate,
  read: ([before, a], [now, b]) => (b - a) / (now - before) });

// read: of two rows [t, value of each name]
const CURVES = {
  cpu: { of: ['host_cpu_busy_seconds_total', 'host_cpu_seconds_total'],
    show: percent, most: 100,
    read: (p, q) => 100 * (q[1] - p[1]) / (q[2] - p[2]) },
  memory: { of: ['host_memory_used_kibibytes', 'host_memory_size_kibibytes'],
    show: percent, most: 100, read: (p, q) => 100 * q[1] / q[2] },
  received: rise('host_network_receive_kibibytes_total'),
  sent: rise('host_network_transmit_kibibytes_total'),
  written: rise('host_disk_written_kibibytes_total'),
};

let machines = null; // identifiers; null: not asked yet
let shown = null; // {id, name, end, count, age, times, values}
let failed = null;
let plot = null;
let pointed = null; // index of the point under the cursor
let asked = 0;      // loads begun; only the last one counts

function curveOf(curve, rows) {
  const times = [], values = [];
  for (let i = 1; i < rows.length; i++) {
    const [p, q] = [rows[i - 1], rows[i]];
    const value = curve.read(p, q);
    if (q[0] - p[0] > GAP_S) {
      times.push((p[0] + q[0]) / 2);
      values.push(null);
    }
    times.push(q[0]);
    // A counter that fell: the machine was started again in between.
    values.push(value >= 0 ? value : null);
  }
  return { times, values };
}

export const age = () => new Map(shown ? [[shown.id, shown.age]] : []);

// A machine that has been seen stays, also while the way to it is cut.
export function know(list) {
  machines = [...new Set([...machines ?? [], ...list])].sort();
  return machines;
}

export async function load(now) {
  const id = at('machine').value || machines?.[0];
  const name = at('curve').value || 'cpu';
  const mine = ++asked;
  if (!id) return;
  try {
    const rows = await samples(CURVES[name].of, id, SPAN_S, now);
    if (mine !== asked) return;
    shown = { id, name, end: now, count: rows.length,
      age: rows.length ? Math.max(0, now - rows.at(-1)[0]) : null,
      ...curveOf(CURVES[name], rows) };
    failed = null;
  } catch (error) {
    if (mine === asked) failed = error;
  }
}

function note() {
  const w = word();
  if (failed) return w.liveGone(reason(failed));
  if (!machines) return '';
  if (!machines.length) return w.liveNone;
  if (!shown || shown.values.length < 2)
    return w.liveWait(shown?.id ?? machines[0]);
  return w.liveNote(shown.id, shown.count, zoneText());
}

function reading() {
  const list = shown?.values.filter((v) => v !== null) ?? [];
  if (!list.length) return '';
  const { show } = CURVES[shown.name];
  if (pointed !== null && shown.values[pointed] != null)
    return word().then(clock(shown.times[pointed]),
      show(shown.values[pointed]));
  return word().now(show(list.at(-1)), show(Math.min(...list)),
    show(Math.max(...list)));
}

function options(width) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour('--quiet'), font: '13px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 } };
  return {
    width, height: 240, legend: { show: false },
    padding: [10, 12, 0, 0],
    cursor: { y: false, drag: { x: false, y: false } },
    scales: {
      x: { range: () => [shown.end - SPAN_S, shown.end] },
      y: { range: (u, low, high) => {
        const top = Math.max((high ?? 0) * 1.15, 1);
        return [0, Math.min(top, CURVES[shown.name].most ?? top)];
      } },
    },
    axes: [
      { ...axis, space: 70, size: 34,
        values: (u, ticks) => ticks.map((t) => clock(t, t % 60 !== 0)) },
      { ...axis, size: 64,
        values: (u, ticks) => ticks.map((v) => number(v, 0, 2)
          + (CURVES[shown.name].most ? ' %' : '')) },
    ],
    series: [{}, { stroke: colour('--accent'), width: 2, spanGaps: false,
      fill: `${colour('--accent')}18`, points: { show: false } }],
    hooks: { setCursor: [(u) => {
      pointed = u.cursor.idx ?? null;
      put(at('reading'), reading());
    }] },
  };
}

function drawPlot() {
  const place = at('plot');
  place.hidden = !shown || shown.values.length < 2;
  if (place.hidden) return;
  const data = [shown.times, shown.values];
  if (plot) {
    plot.setData(data);
    return;
  }
  plot = new uPlot(options(place.clientWidth), data, place);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth,
    height: 240 })).observe(place);
}

export function draw() {
  const w = word();
  choices(at('machine'), (machines ?? []).map((id) => [id, id]));
  choices(at('curve'), Object.keys(CURVES).map((n) => [n, w.curves[n]]));
  at('machine').disabled = !machines?.length;
  put(at('live-note'), note());
  drawPlot();
  const text = reading();
  put(at('reading'), text);
  attribute(at('plot'), 'aria-label',
    w.plot(w.curves[shown?.name ?? 'cpu'], text));
}
