// log.js -- the audit log: who changed what, newest first, and its check.
//
// #/audit?end=N shows the page that ends at entry N.  The check asks for every
// entry, hashes them here and compares with the head that the node has signed.
import { ask } from './ask.js';
import { link } from './place.js';
import { a, facts, h, paint, quiet, section, table } from './paint.js';
import { at, moment, number, word } from './show.js';
import * as me from './me.js';
import * as proof from './proof.js';

const PAGE = 50, PIECE = 256;

export const name = 'audit';
export const may = () => me.may('audit');

let head = null, entries = [], shown = null;
let check = null; // {done, size, right, root, signature, failed}
let redraw = () => {};

// `next` of a page that begins with this entry.
const before = (index) => index > 0 ? index - 1 : '';

export async function load(place) {
  head = await ask('/api/audit/head');
  const last = head.tree_size - 1;
  const end = Math.min(place.get('end') === '' ? last
    : Number(place.get('end')) || 0, last);
  shown = { start: Math.max(0, end - PAGE + 1), end, last };
  entries = end < 0 ? [] : (await ask('/api/audit/entries',
    { next: before(shown.start), limit: end - shown.start + 1 }))
    .entries.reverse();
}

async function verify() {
  const mine = check = { done: 0, size: head.tree_size };
  redraw();
  try {
    const its = await ask('/api/audit/head');
    mine.size = its.tree_size;
    const tree = proof.tree();
    while (mine.done < mine.size) {
      const { entries: some } = await ask('/api/audit/entries', {
        next: before(mine.done), limit: Math.min(PIECE, mine.size - mine.done) });
      for (const one of some) await tree.add(proof.bytes64(one.leaf_input));
      mine.done += some.length;
      if (!some.length) throw new Error('short');
      redraw();
    }
    mine.root = proof.hex(await tree.root());
    mine.right = mine.root === proof.hex(proof.bytes64(its.sha256_root_hash));
    mine.signature = await proof.headSigned(its);
  } catch {
    mine.failed = true;
  }
  redraw();
}

function verdict() {
  const w = word().audit;
  if (!check) return '';
  if (check.failed) return w.failed;
  if (check.right === undefined)
    return w.checking(number(check.done, 0), number(check.size, 0));
  const log = check.right ? w.right(number(check.size, 0)) : w.wrong;
  const signature = check.signature === null ? w.unable
    : check.signature ? w.signed : w.unsigned;
  return `${log} ${signature}`;
}

const bad = () => check && (check.failed || check.right === false
  || check.signature === false);

// "prefix.approve" in words, where they are known.
const action = (text) => word().audit.actions[text] ?? text;

function who(actor) {
  const w = word().audit;
  const kind = w.kinds[actor.kind] ?? actor.kind;
  return actor.name ? `${actor.name} (${kind})` : kind;
}

const row = ({ entry }, of) => entry ? of(entry) : '';

export function draw() {
  const w = word().audit;
  paint(at('page-audit'), section('audit', word().pages.audit, quiet(w.what),
    head && [facts([[w.size, number(head.tree_size, 0)],
      [w.root, h('code', null, proof.hex(
        proof.bytes64(head.sha256_root_hash)))],
      [w.key, h('code', null, head.key_id)]]),
    h('p', { class: 'row' },
      h('button', { id: 'audit-verify', type: 'button', onclick: verify,
        disabled: !proof.able() || (check && check.right === undefined
          && !check.failed) }, w.verify),
      h('span', { id: 'audit-verdict', role: 'status',
        class: bad() ? 'bad' : check?.right ? 'good' : '' },
      proof.able() ? verdict() : w.noCrypto)),
    table([
      { head: w.number, of: (one) => String(one.index) },
      { head: w.time, of: (one) => row(one, (e) => moment(e.time_ms)) },
      { head: w.who, of: (one) => row(one, (e) => who(e.actor)) },
      { head: w.action, of: (one) => row(one, (e) => action(e.action)) },
      { head: w.object, of: (one) => row(one, (e) => e.object) },
      { head: w.reason, of: (one) => row(one, (e) => e.reason
        ? h('span', { lang: 'en' }, e.reason) : '') },
    ], entries, { key: (one) => one.index, caption: word().pages.audit }),
    h('p', { class: 'turn' },
      shown.end < shown.last && a(link(name, '', {
        end: Math.min(shown.end + PAGE, shown.last) }), word().newer),
      shown.start > 0 && a(link(name, '', { end: shown.start - 1 }),
        word().older))]));
}

export function start(now, again) {
  redraw = again;
}
