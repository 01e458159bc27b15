// tiles.js -- the 31 regions as equal tiles: places on a grid, never borders.
//
// A tile shows its code, its name and its value; the tint says high and low a
// second time, a frame that not all have reported.  One of which nothing is
// known is grey and has a dash, which no zero has.  Tints are light enough for
// the text on them.
import { h } from './paint.js';
import { label, word } from './show.js';

// code@column, rows downward
const ROWS = ['23@7', '15@4 22@7', '65@0 62@2 64@3 14@4 11@5 12@6 21@7',
  '63@2 61@3 41@4 13@5 37@6', '54@1 51@2 50@3 42@4 34@5 32@6 31@7',
  '53@2 52@3 43@4 36@5 33@6', '45@3 44@4 35@5', '46@4'];

const PLACES = ROWS.flatMap((row, y) => row.split(' ').map((one) => {
  const [code, x] = one.split('@');
  return { code, x: Number(x), y };
}));

const TINTS = 5;

// 0: none; 1 .. 5 up, -1 .. -5 down
function tint(value, most) {
  if (value === null || !most) return 0;
  const part = Math.abs(Number(value)) / most;
  return Math.sign(Number(value)) * Math.ceil(part * TINTS);
}

// cells: [{code: '310000', label, value, reported, expected}]; codes: of the
// dim, which have the names of those without a cell.
export function tiles({ cells, codes, chosen, show, pick }) {
  const w = word().figuresPage;
  const of = new Map(cells.map((one) => [one.code.slice(0, 2), one]));
  const names = new Map(codes.map((one) => [one.code.slice(0, 2), one]));
  const most = Math.max(0, ...cells.map(({ value }) =>
    Math.abs(Number(value ?? 0))));
  return h('div', { class: 'tiles', role: 'group', 'aria-label': w.regions },
    PLACES.map(({ code, x, y }) => {
      const one = of.get(code);
      const name = label(names.get(code) ?? { name: code });
      const few = one && one.reported < one.expected;
      const empty = (one?.value ?? null) === null;
      const value = one ? show(one.value) : word().nothing;
      const whole = names.get(code)?.code ?? code;
      return h('button', { key: code, type: 'button',
        class: `tile${empty ? ' empty' : ''}${few ? ' few' : ''}`,
        'data-tint': tint(one?.value ?? null, most),
        css: { gridColumn: x + 1, gridRow: y + 1 },
        'aria-pressed': String(chosen === whole), title: name,
        'aria-label': [name, value, few
          ? word().of(one.reported, one.expected) : ''].filter(Boolean)
          .join(word().comma),
        onclick: () => pick(chosen === whole ? '' : whole) },
      h('span', { class: 'code' }, code),
      h('span', { class: 'name' }, name),
      h('b', null, empty ? '–' : value),
      few && h('span', { class: 'part' },
        `${one.reported}/${one.expected}`));
    }));
}
