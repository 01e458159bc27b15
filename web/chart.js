// chart.js -- one curve or several over time, drawn by uPlot.
//
// draw(place, what): what = {key, from, to, times, lines: [{values, colour}],
// show(value), pick(from, to), dots}.  Times in seconds.  A plot is made once
// per key; with the same key only its data change.  Marking a part with the
// mouse calls pick, if there is one.
import { clock, day, number } from './show.js';

const HEIGHT = 300;
const DAY_S = 86400;

export const COLOURS = ['#1f5fa8', '#b04a00', '#1d7a46', '#8a2f8f', '#7a6a00',
  '#b3261e'];

const plots = new WeakMap(); // place -> {plot, key}
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries)
    plots.get(target)?.plot.setSize({ width: target.clientWidth || 600,
      height: HEIGHT });
});

function options(place, what) {
  const style = getComputedStyle(document.documentElement);
  const colour = (one) => style.getPropertyValue(one).trim();
  const axis = { stroke: colour('--quiet'), font: '13px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 } };
  const long = what.to - what.from > DAY_S;
  return { width: place.clientWidth || 600, height: HEIGHT,
    legend: { show: false }, padding: [10, 34, 0, 0],
    cursor: { y: false, drag: { x: Boolean(what.pick), y: false } },
    scales: { x: { range: () => plots.get(place).range } },
    axes: [{ ...axis, space: 90, size: 34,
      values: (u, ticks) => ticks.map((t) => long ? day(t) : clock(t, false)) },
    { ...axis, size: (u, texts) => 22 + 8 * Math.max(6,
      ...(texts ?? []).map((text) => text.length)),
    values: (u, ticks) => ticks.map((v) =>
      what.show?.(v) ?? number(v, 0, 3)) }],
    series: [{}, ...what.lines.map(({ colour: stroke }) => ({ stroke,
      width: 1.6, spanGaps: !what.dots,
      points: { show: Boolean(what.dots), size: 5 } }))],
    hooks: { setSelect: [(u) => {
      if (u.select.width < 4 || !what.pick) return;
      what.pick(u.posToVal(u.select.left, 'x'),
        u.posToVal(u.select.left + u.select.width, 'x'));
    }] } };
}

export function draw(place, what) {
  const data = [what.times, ...what.lines.map(({ values }) => values)];
  const old = plots.get(place);
  const range = [what.from, what.to];
  if (old?.key === what.key) {
    old.range = range;
    old.plot.setData(data);
    return;
  }
  old?.plot.destroy();
  const entry = { key: what.key, range, plot: null };
  plots.set(place, entry);
  entry.plot = new uPlot(options(place, what), data, place);
  if (!old) sizes.observe(place);
}
