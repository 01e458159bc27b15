// chain.js -- the tree as cards, a column per level, the nation on the left.
import { nodes } from './ask.js';
import { at, attribute, element, keep, put, span, word } from './show.js';

const CARDS_MAX = 12; // per column; more are counted, not drawn
const FRESH_S = 30;   // six samples missed: the machine is silent

let columns = [];
let roles = new Map();

export const roleOf = (node) => roles.get(node) ?? '';

// whole: of ask.tree(); machines: identifiers; sent: id -> seconds since, at
// most, or null when it is not known.
export function load(whole, machines, sent) {
  const levels = [];
  roles = new Map(nodes(whole).map((node) => [node.node, node.role]));
  const walk = (node, depth, own) => {
    const level = levels[depth] ??= [];
    level.push({ key: node.node, state: own ? 'here' : node.state,
      role: node.role, heard: own ? null : node.lag_s });
    for (const child of node.children ?? []) walk(child, depth + 1, false);
  };
  walk(whole, 0, true);
  if (whole.parent) {
    levels.unshift([{ key: whole.parent.prefix, parent: true,
      state: whole.parent.up ? 'up' : 'down' }]);
  }
  if (machines.length) {
    levels.push(machines.map((id) => ({ key: id, machine: true,
      age: sent.get(id) ?? null })));
  }
  columns = levels;
}

function machineWords({ age }) {
  const w = word();
  if (age === null) return { kind: 'unknown', role: w.host, detail: w.nothing };
  return age > FRESH_S
    ? { kind: 'down', role: w.host, state: w.quiet(span(age)) }
    : { kind: 'up', role: w.host, detail: w.sends(span(age)) };
}

function words(card) {
  const w = word();
  if (card.machine) return machineWords(card);
  return { kind: card.state === 'here' || card.state === 'up' ? 'up' : 'down',
    role: card.parent ? w.parent : w.roles[card.role] ?? card.role,
    state: w[card.state] ?? card.state,
    detail: Number.isFinite(card.heard) ? w.heard(span(card.heard)) : '' };
}

function makeCard() {
  return element('div', 'node', element('b'), element('span'),
    element('span', 'state'), element('span'));
}

function changeCard(node, card) {
  const [name, role, state, detail] = node.children;
  const w = words(card);
  attribute(node, 'class', `node ${w.kind}`);
  put(name, card.key);
  put(role, w.role ?? '');
  put(state, w.state ?? '');
  put(detail, w.detail ?? '');
}

function changeColumn(li, cards) {
  const [list, rest] = li.children;
  keep(list, cards.slice(0, CARDS_MAX), (card) => card.key, makeCard,
    changeCard);
  put(rest, cards.length > CARDS_MAX
    ? word().more(cards.length - CARDS_MAX) : '');
}

export function draw() {
  keep(at('chain'), columns.map((cards, i) => ({ cards, i })),
    ({ i }) => String(i),
    () => element('li', '', element('div', 'cards'), element('p', 'quiet')),
    (li, { cards }) => changeColumn(li, cards));
}
