// alerts.js -- what this node says that a person must know, newest first.
//
// #/?alerts=NUMBER shows those before that one.  A node writes an alert as a
// word and KEY=VALUE ...; what they say in a sentence is in text.js.
import { ask } from './ask.js';
import { link } from './place.js';
import { a, h, paint, quiet, section, table } from './paint.js';
import { at, moment, word } from './show.js';

const PAGE = 5;

let list = null; // null: not asked yet
let next = null, before = '', own = '';

export async function load(place, whole) {
  before = /^\d+$/.test(place.get('alerts')) ? place.get('alerts') : '';
  const answer = await ask('/api/tree/alerts', { limit: PAGE, next: before });
  list = answer.alerts;
  ({ next } = answer);
  own = whole.node;
}

// {key: value} of  key=value key="more words".
const pairs = (text) => Object.fromEntries(
  [...text.matchAll(/(\w+)=(?:"([^"]*)"|(\S*))/g)].map(([, key, long, short]) =>
    [key, long ?? short]));

// Whom it is about.
const about = ({ child, peer, parent, to, from }) =>
  child ?? peer ?? parent ?? to ?? from ?? own;

function sentence({ event, text }) {
  const said = word().alerts.events[event];
  const of = pairs(text);
  return said ? said({ ...of, who: about(of) })
    : h('code', null, `${event} ${text}`);
}

export function draw() {
  const w = word().alerts;
  paint(at('alerts'), list && section('alerts', w.title,
    !list.length && quiet(before ? w.noOlder : w.none),
    list.length > 0 && table([
      { head: word().time, style: 'when', of: (one) => moment(one.at) },
      { head: w.node, of: (one) => about(pairs(one.text)) },
      { head: w.what, of: sentence },
    ], list, { key: (one) => one.number, caption: w.title,
      style: 'alerts' }),
    h('p', { class: 'turn' },
      before && a(link('overview'), w.newest),
      next && a(link('overview', '', { alerts: next }), word().older))));
}
