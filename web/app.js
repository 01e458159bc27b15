// app.js -- the clock of the page: asks every 5 s, draws, and says what fails.
//
// Each section has a module with load (ask) and draw (from what it has, in the
// language of now).  One turn at a time; a node that does not answer is asked
// again after 5, 10, 20, 40, 60 s; a page that nobody sees does not ask.
import * as ask from './ask.js';
import * as chain from './chain.js';
import * as explain from './explain.js';
import * as figures from './figures.js';
import * as live from './live.js';
import { at, attribute, lang, otherLanguage, put, word } from './show.js';

const TURN_MS = 5000, TURN_MAX_MS = 60000;

let whole = null;
let failures = 0;
let timer = 0;
let busy = false;

function draw() {
  const w = word();
  document.documentElement.lang = lang();
  for (const node of document.querySelectorAll('[data-text]'))
    put(node, w[node.dataset.text]);
  put(at('language'), w.other);
  attribute(at('language'), 'lang', w.otherLang);
  const where = whole ? w.where(whole.node, w.roles[whole.role] ?? whole.role)
    : '';
  put(at('where'), where);
  document.title = where ? `Dougong · ${where}` : 'Dougong';
  put(at('trouble'), failures ? w.unreachable : '');
  chain.draw();
  live.draw();
  figures.draw(explain.opened());
  explain.draw();
}

async function loadChain() {
  whole = await ask.tree();
  const machines = live.know(await ask.machines(whole));
  await live.load(Date.now() / 1000);
  chain.load(whole, machines, live.age());
}

const loadFigures = () => figures.load(at('freq').value, at('sums').checked);

async function turn() {
  if (busy) return;
  busy = true;
  clearTimeout(timer);
  try {
    await Promise.all([loadChain(), loadFigures()]);
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
for (const id of ['machine', 'curve'])
  at(id).addEventListener('change', () => now(() =>
    live.load(Date.now() / 1000)));
for (const id of ['freq', 'sums'])
  at(id).addEventListener('change', () => now(loadFigures));
at('figures').addEventListener('click', (event) => {
  const name = event.target.closest('[data-explain]')?.dataset.explain;
  if (name) explain.open(figures.find(name), draw);
});
at('explain-close').addEventListener('click', () => explain.close(draw));
at('explain').addEventListener('keydown', (event) => {
  if (event.key === 'Escape') explain.close(draw);
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) turn();
});

draw();
turn();
