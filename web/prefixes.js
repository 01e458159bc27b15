// prefixes.js -- prefixes: who has which, and those who ask for one.
import { askAll, detail, reason, send } from './ask.js';
import { link } from './place.js';
import { a, field, h, paint, quiet, section, table } from './paint.js';
import { at, moment, word } from './show.js';
import * as me from './me.js';

const WAITING = ['applied', 'returned'];
// What may follow on each state.
const NEXT = { applied: ['approve', 'return', 'refuse'],
  returned: ['approve', 'refuse'], approved: ['approve', 'revoke'],
  active: ['suspend', 'revoke'], suspended: ['resume', 'revoke'] };

export const name = 'prefixes';
export const may = () => me.may('state');

let list = [];
let told = null; // {prefix, verb, token} or {error}
let again = () => {};

export async function load() {
  list = await askAll('/api/prefix-applications', 'prefixes', { limit: 1000 });
}

// Revoking cannot be undone, so it is asked for twice.
let sure = '';

async function act(prefix, verb) {
  if (verb === 'revoke' && sure !== prefix) {
    sure = prefix;
    again();
    return;
  }
  sure = '';
  try {
    const answer = await send('POST',
      `/api/prefix-applications/${encodeURIComponent(prefix)}/${verb}`, {});
    told = { prefix, verb, token: answer?.token };
  } catch (error) {
    told = { error };
  }
  again();
}

function grant(event) {
  event.preventDefault();
  const input = event.target.elements['prefix-name'];
  act(input.value.trim(), 'approve');
  input.value = '';
}

function buttons(one) {
  const w = word().prefixes;
  if (!me.may('prefixes') || !one.direct) return '';
  return (NEXT[one.state] ?? []).map((verb) => {
    const text = verb === 'revoke' && sure === one.prefix ? w.sure
      : w.verbs[verb];
    return h('button', { key: verb, type: 'button',
      'aria-label': `${text}${word().comma}${one.prefix}`,
      onclick: () => act(one.prefix, verb) }, text);
  });
}

const columns = () => {
  const w = word().prefixes;
  return [
    { head: word().object.prefix, of: (one) =>
      a(link('object', one.prefix), one.prefix) },
    { head: word().state, of: (one) =>
      word().object.prefixStates[one.state] ?? one.state },
    { head: word().object.approved, of: (one) => one.approved_ms
      ? moment(one.approved_ms) : '' },
    { head: word().object.joined, of: (one) => one.joined_ms
      ? moment(one.joined_ms) : '' },
    { head: w.decide, style: 'buttons', of: buttons }];
};

function said() {
  const w = word().prefixes;
  const { error, prefix, verb, token } = told ?? {};
  return h('div', { class: 'said', role: 'status', key: 'said' },
    error && [h('p', { class: 'bad' }, reason(error)),
      detail(error) && h('p', { class: 'quiet', lang: 'en' }, detail(error))],
    verb && h('p', null, token ? w.tokenFor(prefix)
      : w.done(prefix, w.verbs[verb])),
    token && h('p', null, h('code', { class: 'secret' }, token)));
}

export function draw() {
  const w = word().prefixes;
  const waiting = list.filter(({ state }) => WAITING.includes(state));
  const others = list.filter(({ state }) => !WAITING.includes(state));
  const key = (one) => one.prefix;
  paint(at('page-prefixes'),
    section('waiting', w.waiting, waiting.length
      ? table(columns(), waiting, { key, caption: w.waiting })
      : quiet(w.noneWaiting)),
    section('prefixes', word().pages.prefixes, quiet(w.what),
      table(columns(), others, { key, caption: word().pages.prefixes }),
      said(),
      me.may('prefixes') && h('form', { class: 'row controls',
        onsubmit: grant },
      field('prefix-name', w.give, { name: 'prefix-name', required: true,
        placeholder: '88.31.1003' }),
      h('button', { type: 'submit' }, w.verbs.approve))));
}

export function start(now, redraw) {
  again = () => now(load).then(redraw);
}
