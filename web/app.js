// app.js -- the clock of the console: shows the page of the address, asks every
// 5 s, draws, and says what fails.
//
// One turn at a time; a node that does not answer is asked again after 5, 10,
// 20, 40, 60 s; a page that nobody sees does not ask.
import * as ask from './ask.js';
import { pages } from './pages.js';
import { here, link } from './place.js';
import { at, attribute, element, keep, lang, otherLanguage, put, word }
  from './show.js';

const TURN_MS = 5000, TURN_MAX_MS = 60000;

let whole = null;
let failures = 0;
let timer = 0;
let busy = false;

const shown = () => pages.find(({ name }) => name === here().page) ?? pages[0];

function drawNav(page) {
  keep(at('pages'), pages, ({ name }) => name, ({ name }) => {
    const a = element('a');
    a.href = link(name);
    return element('li', '', a);
  }, (li, { name }) => {
    put(li.firstChild, word().pages[name]);
    if (name === page.name) attribute(li.firstChild, 'aria-current', 'page');
    else li.firstChild.removeAttribute('aria-current');
  });
  at('nav').hidden = pages.length < 2;
  for (const { name } of pages)
    at(`page-${name}`).hidden = name !== page.name;
}

function draw() {
  const w = word();
  const page = shown();
  document.documentElement.lang = lang();
  for (const node of document.querySelectorAll('[data-text]'))
    put(node, w[node.dataset.text]);
  put(at('language'), w.other);
  attribute(at('language'), 'lang', w.otherLang);
  const where = whole ? w.where(whole.node, w.roles[whole.role] ?? whole.role)
    : '';
  put(at('where'), where);
  document.title = ['Dougong', where, page === pages[0] ? ''
    : w.pages[page.name]].filter(Boolean).join(' · ');
  put(at('trouble'), failures ? w.unreachable : '');
  drawNav(page);
  page.draw(here());
}

async function turn() {
  if (busy) return;
  busy = true;
  clearTimeout(timer);
  try {
    whole = await ask.tree();
    await shown().load(here(), whole);
    failures = 0;
  } catch {
    failures++;
  }
  busy = false;
  draw();
  const pause = Math.min(TURN_MS * 2 ** Math.max(failures - 1, 0), TURN_MAX_MS);
  timer = setTimeout(() => document.hidden || turn(), pause);
}

// What a person changed is asked for at once, beside the turn.
async function now(load) {
  try {
    await load();
  } catch {
    failures++;
  }
  draw();
}

at('language').addEventListener('click', () => {
  otherLanguage();
  draw();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) turn();
});
window.addEventListener('hashchange', () => {
  draw();
  now(() => shown().load(here(), whole));
});

for (const page of pages) page.start(now, draw);
draw();
turn();
