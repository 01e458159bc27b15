// paint.js -- a part of the page as plain data, laid over what is there.
//
// h('td', { class: 'number' }, '12') says how an element should be;
// paint(parent, ...) makes the parent's children so and touches only what
// differs: focus, selection, scroll and what a person is typing stay.
//
// Attributes  null, undefined, false: none; true: ''.  Functions are handlers
//          (onclick).  value, checked, selected, open: set when they are another
//          than painted last, so that typing is not taken back.
//          css: {property: value}.
//          key: which element it is among its siblings when they move; an id is
//          one.  hold: a function that is given the element, whose children
//          are then not painted.
import { put } from './show.js';

const PROPERTIES = new Set(['value', 'checked', 'open', 'indeterminate']);

export const h = (tag, attributes, ...inside) =>
  ({ tag, attributes: attributes ?? {}, inside });

const keyOf = (one) => one.attributes?.key ?? one.attributes?.id;

function fits(node, one) {
  if (!node) return false;
  return one.tag ? node.localName === one.tag && node.paintedKey === keyOf(one)
    : node.nodeType === Node.TEXT_NODE;
}

function make(one) {
  if (!one.tag) return document.createTextNode(one);
  const node = document.createElement(one.tag);
  node.paintedKey = keyOf(one);
  return node;
}

function set(node, name, value) {
  if (typeof value === 'function') node[name] = value;
  else if (name === 'css') Object.assign(node.style, value);
  else if (PROPERTIES.has(name)) node[name] = value ?? '';
  else if (value === null || value === undefined || value === false)
    node.removeAttribute(name);
  else node.setAttribute(name, value === true ? '' : value);
}

function clear(node, name) {
  if (name.startsWith('on')) node[name] = null;
  else set(node, name, null);
}

function change(node, one) {
  if (!one.tag) {
    put(node, String(one));
    return;
  }
  const { key, hold, ...wanted } = one.attributes;
  const had = node.painted ?? {};
  for (const name of Object.keys(had))
    if (!(name in wanted)) clear(node, name);
  if (hold) hold(node);
  else paint(node, ...one.inside);
  // After the children: a select has its options by then.
  for (const [name, value] of Object.entries(wanted))
    if (had[name] !== value) set(node, name, value);
  node.painted = wanted;
}

export function paint(parent, ...inside) {
  const list = inside.flat(Infinity).filter((one) =>
    one !== null && one !== undefined && one !== false && one !== '');
  const keyed = new Map([...parent.childNodes]
    .filter((node) => node.paintedKey !== undefined)
    .map((node) => [node.paintedKey, node]));
  let place = parent.firstChild;
  for (const one of list) {
    let node = place;
    if (!fits(node, one)) {
      const kept = keyed.get(keyOf(one));
      node = keyOf(one) !== undefined && fits(kept, one) ? kept : make(one);
      parent.insertBefore(node, place);
    } else {
      place = place.nextSibling;
    }
    change(node, one);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

// --- what all pages are made of ---

// columns: [{head, style, of(row): text or children}]; the first one's cells
// are the headings of the rows.
export function table(columns, rows, { key, caption, style } = {}) {
  return h('div', { class: 'wide', role: 'region', tabindex: 0,
    'aria-label': caption },
  h('table', { class: style },
    h('thead', null, h('tr', null, columns.map(({ head, style: s }) =>
      h('th', { scope: 'col', class: s }, head)))),
    h('tbody', null, rows.map((row, i) =>
      h('tr', { key: key ? key(row) : i }, columns.map(({ of, style: s }, j) =>
        j ? h('td', { class: s }, of(row))
          : h('th', { scope: 'row', class: s }, of(row))))))));
}

// pairs: [[term, text or children]]; those without text are left out.
export const facts = (pairs) => h('dl', { class: 'facts' }, pairs
  .filter(([, what]) => what !== '' && what !== null && what !== undefined)
  .map(([term, what]) => [h('dt', null, term), h('dd', null, what)]));

export const section = (id, title, ...inside) =>
  h('section', { key: id, 'aria-labelledby': `${id}-title` },
    h('h2', { id: `${id}-title`, tabindex: -1 }, title), inside);

// options: [[value, text]]
export const select = (id, label, options, value, onchange) =>
  h('label', { key: `${id}-label` }, h('span', null, label),
    h('select', { id, value, onchange }, options.map(([v, text]) =>
      h('option', { key: v, value: v }, text))));

export const field = (id, label, attributes) =>
  h('label', { key: `${id}-label` }, h('span', null, label),
    h('input', { id, autocomplete: 'off', spellcheck: 'false',
      ...attributes }));

export const quiet = (...inside) => h('p', { class: 'quiet' }, inside);
export const a = (href, ...inside) => h('a', { href }, inside);
