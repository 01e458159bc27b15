// login.js -- the page where one logs in: #/login, or #/login?link=LINK as a
// node prints it; when logged in, who one is, a new password, logging out.
//
// A page that needs a login shows this one in its place, at its own address, so
// that afterwards one is where one wanted to be.
import { reason } from './ask.js';
import * as me from './me.js';
import { facts, field, h, paint, quiet, section } from './paint.js';
import { at, word } from './show.js';

export const name = 'login';
export const hidden = true; // not in the navigation

let told = null; // of the last attempt: what says so, in the language of now
let busy = false;
let used = '';   // the link that was tried
let again = () => {};

// A link works once, so it is taken out of the address.
export async function load(place) {
  const link = place.get('link');
  if (!link) return;
  if (link === used) {
    if (!me.name()) told ??= () => word().login.linkBad;
    return;
  }
  used = link;
  await attempt(() => me.login({ link }), 'linkBad');
  if (me.name()) history.replaceState(null, '', '#/login?first=1');
}

async function attempt(go, otherwise) {
  busy = true;
  again();
  try {
    await go();
    told = null;
  } catch (error) {
    told = () => error.status === 429 ? word().login.slowed(error.retry_s)
      : error.status === 401 ? word().login[otherwise] : reason(error);
  }
  busy = false;
}

async function submit(event) {
  event.preventDefault();
  const [user, password] = ['login-user', 'login-password'].map((id) =>
    at(id).value);
  await attempt(() => me.login({ user, password }), 'bad');
  if (!me.name()) at('login-password').select();
  else if (location.hash.startsWith('#/login')) location.hash = '#/';
  dispatchEvent(new Event('hashchange'));
}

async function change(event) {
  event.preventDefault();
  const [old, fresh, twice] = ['login-old', 'login-new', 'login-twice']
    .map((id) => at(id)?.value ?? '');
  if (fresh !== twice) {
    told = () => word().login.twiceBad;
  } else {
    await attempt(() => me.password(old, fresh), 'oldBad');
    if (!told) {
      told = () => word().login.changed;
      for (const id of ['login-old', 'login-new', 'login-twice'])
        if (at(id)) at(id).value = '';
    }
  }
  again();
}

async function leave() {
  await attempt(() => me.logout(), 'bad');
  location.hash = '#/';
  dispatchEvent(new Event('hashchange'));
}

const said = () => h('p', { id: 'login-said', role: 'status' },
  told?.());

function loginForm() {
  const w = word().login;
  return section('login', w.title,
    quiet(w.why),
    h('form', { id: 'login-form', class: 'form', onsubmit: submit },
      field('login-user', w.user, { autocomplete: 'username', required: true,
        autocapitalize: 'none' }),
      field('login-password', w.password, { type: 'password', required: true,
        autocomplete: 'current-password' }),
      h('button', { type: 'submit', class: 'main', disabled: busy }, w.go)),
    said());
}

function account(first) {
  const w = word().login;
  return section('login', w.hello(me.name()),
    facts([[w.roles, me.roles().filter((one) => word().rights.roles[one])
      .map((one) => word().rights.roles[one]).join(word().comma)],
    [w.scope, word().rights.scope(me.scope())]]),
    first && h('p', null, w.first),
    h('form', { class: 'form', onsubmit: change },
      h('h3', null, w.change),
      !first && field('login-old', w.old, { type: 'password',
        autocomplete: 'current-password' }),
      field('login-new', w.fresh, { type: 'password', required: true,
        minlength: 10, autocomplete: 'new-password' }),
      field('login-twice', w.twice, { type: 'password', required: true,
        autocomplete: 'new-password' }),
      h('button', { type: 'submit', disabled: busy }, w.save)),
    said(),
    h('p', { class: 'after' }, h('button', { type: 'button', id: 'logout',
      onclick: leave }, w.leave)));
}

export function draw(place) {
  paint(at('page-login'), me.name() ? account(place.get('first') === '1')
    : loginForm());
}

export function start(now, redraw) {
  again = redraw;
}
