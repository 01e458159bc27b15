// app.js -- the clock of the console: shows the page of the address, asks every
// 5 s, draws, and says what fails.
//
// One turn at a time; a node that does not answer is asked again after 5, 10,
// 20, 40, 60 s; a page that nobody sees does not ask.  Where the node refuses
// what a page asks, the page to log in is shown in its place.
import * as ask from './ask.js';
import * as explain from './explain.js';
import * as login from './login.js';
import * as me from './me.js';
import { pages } from './pages.js';
import { here, link, named } from './place.js';
import { at, attribute, element, keep, lang, otherLanguage, put, setZone, word,
  zoneText } from './show.js';

const TURN_MS = 5000, TURN_MAX_MS = 60000;

let whole = null;
let failures = 0;
let denied = false; // the page asked for what this person may not see
let timer = 0;
let busy = false;
let zoned = false;  // times are shown in the zone of this node's packs

const wanted = () => pages.find(({ name }) => name === here().page) ?? pages[0];
const shown = () => denied ? login : wanted();

function drawNav(page) {
  const list = pages.filter((one) => !one.hidden && (one.may?.() ?? true));
  keep(at('pages'), list, ({ name }) => name, ({ name }) => {
    const a = element('a');
    a.href = link(name);
    return element('li', '', a);
  }, (li, { name }) => {
    put(li.firstChild, word().pages[name]);
    if (name === page.name) attribute(li.firstChild, 'aria-current', 'page');
    else li.firstChild.removeAttribute('aria-current');
  });
  for (const { name } of pages)
    at(`page-${name}`).hidden = name !== page.name;
}

function drawHead(page) {
  const w = word();
  put(at('language'), w.other);
  attribute(at('language'), 'lang', w.otherLang);
  const where = whole ? w.where(whole.node, w.roles[whole.role] ?? whole.role)
    : '';
  put(at('where'), where);
  put(at('footer'), w.footer(zoneText()));
  put(at('me'), me.name() || w.login.title);
  attribute(at('me'), 'aria-label', me.name() ? w.login.hello(me.name())
    : w.login.title);
  at('me').hidden = !me.known();
  attribute(at('search-name'), 'placeholder', w.searchHint);
  const title = page.title?.(here()) ?? (page === pages[0] ? ''
    : w.pages[page.name]);
  document.title = ['Dougong', where, title].filter(Boolean).join(' · ');
}

function draw() {
  const w = word();
  const page = shown();
  document.documentElement.lang = lang();
  for (const node of document.querySelectorAll('[data-text]'))
    put(node, w[node.dataset.text]);
  for (const node of document.querySelectorAll('[data-label]'))
    attribute(node, 'aria-label', w[node.dataset.label]);
  put(at('trouble'), failures ? w.unreachable : '');
  drawHead(page);
  drawNav(page);
  page.draw(here());
  explain.draw();
}

// What a page was refused is no trouble of the node.
async function attempt(load) {
  try {
    await load();
    failures = 0;
    denied = false;
  } catch (error) {
    denied = error.status === 401 || error.status === 403;
    if (!denied) failures++;
  }
}

async function turn() {
  if (busy) return;
  busy = true;
  clearTimeout(timer);
  await attempt(async () => {
    await me.load();
    whole = await ask.tree();
    if (!zoned) setZone((await ask.packs())[0]?.zone_s / 60 || 0);
    zoned = true;
    await wanted().load(here(), whole);
  });
  busy = false;
  draw();
  const pause = Math.min(TURN_MS * 2 ** Math.max(failures - 1, 0), TURN_MAX_MS);
  timer = setTimeout(() => document.hidden || turn(), pause);
}

// What a person changed is asked for at once, beside the turn.
async function now(load) {
  await attempt(load);
  draw();
}

function search(event) {
  event.preventDefault();
  const id = named(at('search-name').value);
  if (id) location.hash = link('object', id);
}

for (const { name } of pages)
  if (!at(`page-${name}`)) {
    const page = element('div', 'page');
    page.id = `page-${name}`;
    at('explain').before(page);
  }
at('language').addEventListener('click', () => {
  otherLanguage();
  draw();
});
at('skip').addEventListener('click', () => at('main').focus());
at('search').addEventListener('submit', search);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) turn();
});
window.addEventListener('hashchange', () => {
  denied = false;
  draw();
  now(() => wanted().load(here(), whole));
});

for (const page of pages) page.start(now, draw);
explain.start(draw);
draw();
turn();
