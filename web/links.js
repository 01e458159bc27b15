// links.js -- connections: every link of this node, and what waits on one.
//
// #/links lists them; #/links/PREFIX shows that one beside.  Below them stands
// who is connected by MQTT.
import { ask } from './ask.js';
import * as clients from './clients.js';
import { link } from './place.js';
import { a, facts, h, paint, quiet, section, table } from './paint.js';
import { amount, at, moment, number, span, word } from './show.js';
import * as me from './me.js';

export const name = 'links';
export const may = () => me.may('state');

let own = null; // of /api/tree
let one = null; // of /api/tree/PREFIX/links

export async function load(place) {
  const [tree, detail] = await Promise.all([ask('/api/tree'), place.rest
    ? ask(`/api/tree/${encodeURIComponent(place.rest)}/links`)
      .catch(() => null) : null, clients.load(place)]);
  own = tree;
  one = detail;
}

const links = () => own ? [
  ...own.parent ? [{ ...own.parent, above: true }] : [],
  ...[...own.children].sort((p, q) => p.up - q.up
    || p.prefix.localeCompare(q.prefix, 'en', { numeric: true }))] : [];

function state(row) {
  const w = word().links;
  return h('span', { class: row.up ? 'sign good' : 'sign bad' },
    w.states[row.state] ?? w.states[row.up ? 'up' : 'down'],
    !row.up && row.why && h('span', { lang: 'en' }, ` (${row.why})`));
}

const ago = (ms) => ms > 0
  ? word().ago(span(Math.max(0, (Date.now() - ms) / 1000))) : word().nothing;
const ms = (value) => value >= 0 ? `${number(value, 0)} ${word().links.ms}`
  : word().nothing;

const columns = () => {
  const w = word().links;
  return [
    { head: w.node, of: (row) => a(link(name, row.prefix), row.prefix) },
    { head: w.where, of: (row) => row.above ? w.above : w.below },
    { head: word().state, of: state },
    { head: w.heard, of: (row) => ago(row.seen_ms) },
    { head: w.rtt, style: 'number', of: (row) => ms(row.rtt_ms) },
    { head: w.since, of: (row) => row.up ? moment(row.since_ms) : '' }];
};

function channels() {
  const w = word().links;
  const waits = (row) => Math.max(row.issued - row.acked, 0);
  return table([
    { head: w.channel, of: (row) => w.channels[row.name] ?? row.name },
    { head: w.sent, style: 'number', of: (row) => number(row.issued, 0) },
    { head: w.acked, style: 'number', of: (row) => number(row.acked, 0) },
    { head: w.waiting, style: 'number', of: (row) => waits(row)
      ? `${number(waits(row), 0)} · ${amount(
        String(row.waiting_bytes / 1024), 'KiBy')}` : '0' },
    { head: w.taken, style: 'number', of: (row) => number(row.applied, 0) },
  ], one.channels, { key: (row) => row.channel, caption: w.lag });
}

function detail() {
  const w = word().links;
  return section('link', w.linkOf(one.prefix),
    facts([[word().state, state(one)], [w.peer, one.peer],
      [w.heard, ago(one.seen_ms)], [w.rtt, ms(one.rtt_ms)],
      [w.offset, ms(one.offset_ms)], [w.epoch, one.epoch],
      [w.expiry, one.expiry_ms > 0 ? moment(one.expiry_ms) : ''],
      [w.packs, one.packs_differ ? w.packsDiffer(one.packs_differ) : '']]),
    h('h3', null, w.lag), channels(),
    h('h3', null, w.refusals), one.refusals.length
      ? h('ul', { lang: 'en' }, one.refusals.map((text, i) =>
        h('li', { key: i }, text))) : quiet(w.noRefusals));
}

export function draw(place) {
  const w = word().links;
  const list = links();
  paint(at('page-links'),
    section('links', word().pages.links, quiet(w.what),
      list.length ? table(columns(), list, { key: (row) => row.prefix,
        caption: word().pages.links }) : own && quiet(w.none)),
    place.rest && one && detail(),
    own?.ports.mqtt || own?.ports.mqtts ? clients.shown(place) : '');
}

export function start(now, redraw) {
  clients.start(now, load, redraw);
}
