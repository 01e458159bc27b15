// clients.js -- who is connected by MQTT, on the page of connections.
//
// A page of them at a time: ?client=BEGINNING and ?user=NAME choose, ?next=ID
// goes on behind that one.
import { ask, reason, send } from './ask.js';
import { here, link } from './place.js';
import { a, field, h, quiet, section, table } from './paint.js';
import { number, moment, word } from './show.js';
import * as me from './me.js';

const PAGE = 50;

let list = null;   // of /api/connections
let failed = null; // the last Disconnect's error
let again = async () => {};

export async function load(place) {
  list = await ask('/api/connections', { limit: PAGE,
    next: place.get('next'), client: place.get('client'),
    user: place.get('user') });
}

async function end({ id }) {
  failed = null;
  try {
    await send('DELETE', `/api/connections/${encodeURIComponent(id)}`);
  } catch (error) {
    failed = error;
  }
  again();
}

function choose(event) {
  event.preventDefault();
  const { elements } = event.target;
  location.hash = link('links', '', {
    client: elements['client-start'].value.trim(),
    user: elements['client-user'].value.trim() });
}

const owner = (one) => one.user || word().clients.nobody;

const columns = () => {
  const w = word().clients;
  return [
    { head: w.id, of: (one) => one.id },
    { head: w.who, of: owner },
    { head: w.address, of: (one) => one.address },
    { head: w.how, of: (one) => `MQTT ${one.version}${one.tls ? ' · TLS' : ''}` },
    { head: w.since, of: (one) => moment(one.since_ms) },
    { head: w.seen, of: (one) => moment(one.seen_ms) },
    { head: w.keepAlive, style: 'number', of: (one) => one.keep_alive_s
      ? word().object.seconds(one.keep_alive_s) : '' },
    { head: w.received, style: 'number', of: (one) =>
      number(one.messages_in, 0) },
    { head: w.sent, style: 'number', of: (one) =>
      number(one.messages_out, 0) },
    { head: w.unacknowledged, style: 'number', of: (one) =>
      number(one.unacknowledged, 0) },
    me.may('users') && { head: word().users.change, style: 'buttons',
      of: (one) => h('button', { type: 'button', onclick: () => end(one),
        'aria-label': `${w.end}${word().comma}${one.id}` }, w.end) },
  ].filter(Boolean);
};

export function shown(place) {
  const w = word().clients;
  const chosen = { client: place.get('client'), user: place.get('user') };
  return list && section('clients', w.title, quiet(w.what),
    h('form', { class: 'row', onsubmit: choose },
      field('client-start', w.start, { name: 'client-start',
        value: chosen.client }),
      field('client-user', w.user, { name: 'client-user',
        value: chosen.user }),
      h('button', { type: 'submit' }, w.choose)),
    failed && h('p', { class: 'bad', role: 'status' }, reason(failed)),
    list.connections.length ? table(columns(), list.connections,
      { key: (one) => one.id, caption: w.title }) : quiet(w.none),
    h('p', { class: 'turn' },
      place.get('next') && a(link('links', '', chosen), w.first),
      list.next !== null && a(link('links', '', { ...chosen,
        next: list.next }), w.more)));
}

export function start(now, load, redraw) {
  again = () => now(() => load(here())).then(redraw);
}
