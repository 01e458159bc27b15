// users.js -- people, keys and devices of this node, and the table of rights.
//
// What is secret (a login link, a key) is shown once, where it was asked for,
// and never asked for again.
import { ask, askAll, detail, reason, send } from './ask.js';
import { field, h, paint, quiet, section, table } from './paint.js';
import { at, moment, word } from './show.js';
import * as me from './me.js';

const LIMIT = 1000;
const GIVEN = ['viewer', 'operator', 'rule-author', 'approver', 'auditor',
  'administrator'];

export const name = 'users';
export const may = () => me.may('users');

let users = [], keys = [], devices = [], rights = [];
let told = {};  // section -> {text(), secret} or {error}
let again = async () => {};

export async function load() {
  let r;
  [users, keys, devices, r] = await Promise.all([
    askAll('/api/users', 'users', { limit: LIMIT }),
    askAll('/api/keys', 'keys', { limit: LIMIT }),
    askAll('/api/devices', 'devices', { limit: LIMIT }), ask('/api/rights')]);
  ({ rights } = r);
}

// Does it, says how it went in `where`, and asks for the lists again.
async function act(where, go, form) {
  told = {};
  try {
    told = { [where]: await go() ?? {} };
    form?.reset();
  } catch (error) {
    told = { [where]: { error } };
  }
  again();
}

function say(where) {
  const one = told[where];
  return h('div', { class: 'said', role: 'status', key: `${where}-said` },
    one?.error && [h('p', { class: 'bad' }, reason(one.error)),
      detail(one.error) && h('p', { class: 'quiet', lang: 'en' },
        detail(one.error))],
    one?.text && h('p', null, one.text()),
    one?.secret && h('p', null, h('code', { class: 'secret' }, one.secret)));
}

const chosen = (form, prefix) => GIVEN.filter((role) =>
  form.elements[`${prefix}-${role}`].checked);

const roleNames = (list) => list.map((one) => word().rights.roles[one] ?? one)
  .join(word().comma);

function roleBoxes(prefix) {
  return h('fieldset', null, h('legend', null, word().login.roles),
    GIVEN.map((role) => h('label', { class: 'check', key: role },
      h('input', { type: 'checkbox', name: `${prefix}-${role}`,
        id: `${prefix}-${role}` }),
      h('span', null, word().rights.roles[role]))));
}

const scopeField = (id) => field(id, word().users.scope, { name: id,
  value: '*', required: true });

const button = (text, onclick, label) => h('button', { key: text,
  type: 'button', onclick, 'aria-label': `${text}${word().comma}${label}` },
text);

// --- users ---

const linkOf = ({ link }) => `${location.origin}/#/login?link=${link}`;

const giveLink = (user) => act('users', async () => ({
  text: () => word().users.linkFor(user),
  secret: linkOf(await send('POST',
    `/api/users/${encodeURIComponent(user)}/link`, {})) }));

const disable = ({ user, disabled }) => act('users', async () => {
  await send('PUT', `/api/users/${encodeURIComponent(user)}`,
    { disabled: !disabled });
});

function addUser(event) {
  event.preventDefault();
  const form = event.target;
  const user = form.elements['user-name'].value.trim();
  act('users', async () => {
    await send('POST', '/api/users', { user, roles: chosen(form, 'user'),
      scope: form.elements['user-scope'].value.trim() });
    return { text: () => word().users.linkFor(user), secret: linkOf(await send(
      'POST', `/api/users/${encodeURIComponent(user)}/link`, {})) };
  }, form);
}

function people() {
  const w = word().users;
  return section('users', w.users,
    table([
      { head: word().login.user, of: (one) => one.user },
      { head: word().login.roles, of: (one) => roleNames(one.roles) },
      { head: w.scope, of: (one) => word().rights.scope(one.scope) },
      { head: word().state, of: (one) => one.disabled ? w.disabled
        : one.password ? w.active : w.noPassword },
      { head: w.made, of: (one) => moment(one.made_ms) },
      { head: w.change, style: 'buttons', of: (one) => [
        button(w.link, () => giveLink(one.user), one.user),
        one.user !== me.name() && button(one.disabled ? w.enable : w.disable,
          () => disable(one), one.user)] },
    ], users, { key: (one) => one.user, caption: w.users }),
    say('users'),
    h('details', { key: 'add' }, h('summary', null, w.addUser),
      h('form', { class: 'form', onsubmit: addUser },
        field('user-name', word().login.user, { required: true,
          name: 'user-name' }),
        roleBoxes('user'), scopeField('user-scope'), quiet(w.scopeHint),
        h('button', { type: 'submit', class: 'main' }, w.add))));
}

// --- keys and devices ---

const revoke = (what, id) => act(what, async () => {
  await send('DELETE', `/api/${what}/${id.split('/').map(encodeURIComponent)
    .join('/')}`);
});

function addKey(event) {
  event.preventDefault();
  const form = event.target;
  const label = form.elements['key-name'].value.trim();
  act('keys', async () => ({ text: () => word().users.once(label),
    secret: (await send('POST', '/api/keys', { name: label,
      roles: chosen(form, 'key'), scope: form.elements['key-scope'].value.trim(),
      days: Number(form.elements['key-days'].value) })).secret }), form);
}

function addDevice(event) {
  event.preventDefault();
  const form = event.target;
  const id = form.elements['device-id'].value.trim();
  act('devices', async () => ({ text: () => word().users.once(id),
    secret: (await send('POST', '/api/devices', { id })).secret }), form);
}

const used = (one) => one.used_ms > 0 ? moment(one.used_ms) : word().users.never;
const expires = (one) => one.expires_ms > 0 ? moment(one.expires_ms)
  : word().users.never;

function applications() {
  const w = word().users;
  return section('keys', w.keys, quiet(w.keysWhat),
    keys.length > 0 && table([
      { head: w.name, of: (one) => one.name },
      { head: word().login.roles, of: (one) => roleNames(one.roles) },
      { head: w.scope, of: (one) => word().rights.scope(one.scope) },
      { head: w.used, of: used },
      { head: w.expires, of: expires },
      { head: w.change, style: 'buttons', of: (one) =>
        button(w.revoke, () => revoke('keys', one.id), one.name) },
    ], keys, { key: (one) => one.id, caption: w.keys }),
    say('keys'),
    h('details', { key: 'add' }, h('summary', null, w.addKey),
      h('form', { class: 'form', onsubmit: addKey },
        field('key-name', w.name, { required: true, name: 'key-name' }),
        roleBoxes('key'), scopeField('key-scope'), quiet(w.scopeHint),
        field('key-days', w.days, { name: 'key-days', type: 'number', min: 0,
          max: 3650, value: '365' }),
        h('button', { type: 'submit', class: 'main' }, w.add))));
}

function machines() {
  const w = word().users;
  return section('devices', w.devices, quiet(w.devicesWhat),
    devices.length > 0 && table([
      { head: w.name, of: (one) => one.id },
      { head: w.used, of: used },
      { head: w.expires, of: expires },
      { head: w.change, style: 'buttons', of: (one) =>
        button(w.revoke, () => revoke('devices', one.id), one.id) },
    ], devices, { key: (one) => one.id, caption: w.devices }),
    say('devices'),
    h('details', { key: 'add' }, h('summary', null, w.addDevice),
      h('form', { class: 'form', onsubmit: addDevice },
        field('device-id', word().identifier, { required: true,
          name: 'device-id' }),
        h('button', { type: 'submit', class: 'main' }, w.add))));
}

// --- who may do what ---

function rightsTable() {
  const w = word().users;
  const yes = (row, role) => row.roles.includes(role)
    ? h('span', { class: 'yes' }, w.yes) : h('span', { class: 'quiet' }, w.no);
  return section('rights', w.rights, table([
    { head: w.right, of: (row) => w.actions[row.action] ?? row.action },
    { head: w.anybody, of: (row) => yes(row, 'nobody') },
    ...GIVEN.map((role) => ({ head: word().rights.roles[role],
      of: (row) => yes(row, role) })),
  ], rights, { key: (row) => row.action, caption: w.rights }));
}

export function draw() {
  paint(at('page-users'), people(), applications(), machines(),
    rightsTable());
}

export function start(now, redraw) {
  again = () => now(load).then(redraw);
}
