// breaking.js -- Break it: nodes are killed, links cut, messages repeated while
// senders send, and a counter of its own says what became of every message.
//
// The one that breaks and counts is none of the nodes (doc/why/
// 2026-11-22-break.md).  The node that shows this page is killed like all
// others: what was known stays, and the page goes on when it is back.
import { ask, detail, reason, send } from './ask.js';
import { facts, h, paint, quiet, section, table } from './paint.js';
import { at, moment, number, span, word } from './show.js';
import * as me from './me.js';

const FAULTS = ['kill', 'cut', 'repeat', 'delay', 'reorder'];
const SECONDS = [30, 60, 300, 600];
const LOOK_MS = 1000; // while it runs

export const name = 'break';
export const may = () => me.may('break');

let status = null; // of GET /api/break
let failed = null;
let now = async () => {};
let redraw = () => {};
let timer = 0;

const runs = () => ['running', 'settling'].includes(status?.state);

// A node that is not for demonstration refuses, whoever asks.
export async function load() {
  status = await ask('/api/break').catch((error) => {
    if (error.status === 403 && may()) return { state: 'absent' };
    throw error;
  });
  clearTimeout(timer);
  if (runs()) timer = setTimeout(look, LOOK_MS);
}

// Between the turns; a node that is down just now is no reason to stop.
async function look() {
  if (at('page-break').hidden) return;
  await load().catch(() => { timer = setTimeout(look, LOOK_MS); });
  redraw();
}

async function act(method, body) {
  failed = null;
  try {
    await send(method, '/api/break', body);
  } catch (error) {
    failed = error;
  }
  await now(load);
}

function begin(event) {
  event.preventDefault();
  const { elements } = event.target;
  act('POST', { seconds: Number(elements['break-seconds'].value),
    faults: FAULTS.filter((one) => elements[`break-${one}`].checked) });
}

function form() {
  const w = word().breaking;
  return h('form', { class: 'break', onsubmit: begin },
    h('button', { id: 'break-go', type: 'submit', class: 'main danger',
      disabled: runs() }, w.go),
    h('label', null, h('span', null, w.seconds),
      h('select', { id: 'break-seconds', name: 'break-seconds' },
        SECONDS.map((s) => h('option', { key: s, value: s },
          span(s))))),
    h('fieldset', { class: 'inline' }, h('legend', null, w.how),
      FAULTS.map((one) => h('label', { class: 'check', key: one },
        h('input', { type: 'checkbox', id: `break-${one}`,
          name: `break-${one}`, checked: true }),
        h('span', null, w.faults[one])))),
    runs() && h('button', { key: 'stop', id: 'break-stop', type: 'button',
      onclick: () => act('DELETE') }, w.stop));
}

const counted = (key, style) => h('div', { key, class: `count ${style}` },
  h('b', { id: `break-${key}` }, number(status[key] ?? 0, 0)),
  h('span', null, word().breaking[key]));

function counter() {
  const none = (key) => status[key] > 0 ? 'wrong' : 'fine';
  return h('div', { class: 'counts', role: 'group',
    'aria-label': word().breaking.counter },
  counted('acknowledged', ''), counted('stored', ''),
  counted('lost', none('lost')), counted('doubled', none('doubled')));
}

function said() {
  const w = word().breaking;
  const text = w.states[status.state] ?? status.state;
  const left = status.state === 'running' && status.left_s > 0
    ? ` · ${w.left(status.left_s)}` : '';
  return h('p', { id: 'break-said', role: 'status',
    class: status.state === 'failed' ? 'bad' : '' }, text + left);
}

const sum = (map) => Object.values(map ?? {}).reduce((n, one) => n + one, 0);

function done() {
  const w = word().breaking;
  const figure = status.figure ?? {};
  const between = Object.entries(status.between_nodes ?? {})
    .filter(([, n]) => n > 0);
  return facts([
    [w.killed, number(sum(status.kills), 0)],
    [w.cut, number(sum(status.cuts), 0)],
    [w.between, between.map(([key, n]) =>
      `${w.faultsDone[key] ?? key} ${number(n, 0)}`).join(word().comma)],
    [w.figure, figure.recomputed === undefined ? ''
      : h('span', { class: figure.different ? 'bad' : '' },
        w.figures(number(figure.made, 0), number(figure.recomputed, 0),
          number(figure.windows, 0), figure.different))],
    [w.why, status.why ? h('span', { lang: 'en' }, status.why) : ''],
    [w.seed, String(status.seed ?? '')],
    [w.started, status.started_ms ? moment(status.started_ms) : '']]);
}

function tree() {
  const w = word();
  const list = Object.entries(status.nodes ?? {});
  return section('nodes', w.breaking.nodes, table([
    { head: w.links.node, of: ([prefix]) => prefix },
    { head: w.state, of: ([, up]) => h('span',
      { class: up ? 'sign good' : 'sign bad' },
      up ? w.breaking.up : w.breaking.down) },
    { head: w.breaking.killed, style: 'number', of: ([prefix]) =>
      number(status.kills?.[prefix] ?? 0, 0) },
    { head: w.breaking.cut, style: 'number', of: ([prefix]) =>
      number(status.cuts?.[prefix] ?? 0, 0) },
  ], list, { key: ([prefix]) => prefix, caption: w.breaking.nodes }));
}

export function draw() {
  const w = word().breaking;
  if (status?.state === 'absent') {
    paint(at('page-break'), section('break', w.title, quiet(w.absent)));
    return;
  }
  paint(at('page-break'), status && section('break', w.title,
    quiet(w.what), form(),
    failed && h('p', { class: 'bad', role: 'alert' }, reason(failed),
      detail(failed) && h('span', { lang: 'en' }, ` (${detail(failed)})`)),
    said(), status.started_ms > 0 && [counter(), done()]),
  status?.nodes && tree());
}

export function start(ask_, again) {
  now = ask_;
  redraw = again;
}
