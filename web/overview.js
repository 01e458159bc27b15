// overview.js -- the first page: the tree, alerts, one live curve, this node's
// figures.
import * as alerts from './alerts.js';
import * as ask from './ask.js';
import * as chain from './chain.js';
import * as explain from './explain.js';
import * as figures from './figures.js';
import * as live from './live.js';
import { at } from './show.js';

async function loadChain(whole) {
  const machines = live.know(await ask.machines(whole));
  await live.load(Date.now() / 1000);
  chain.load(whole, machines, live.age());
}

const loadFigures = () => figures.load(at('freq').value, at('sums').checked);

export const name = 'overview';

export const load = (place, whole) =>
  Promise.all([loadChain(whole), alerts.load(place, whole), loadFigures()]);

export function draw() {
  chain.draw();
  alerts.draw();
  live.draw();
  figures.draw(explain.opened());
}

// now(ask): what a person changed is asked for at once, beside the turn.
export function start(now) {
  for (const id of ['machine', 'curve'])
    at(id).addEventListener('change', () => now(() =>
      live.load(Date.now() / 1000)));
  for (const id of ['freq', 'sums'])
    at(id).addEventListener('change', () => now(loadFigures));
  at('figures').addEventListener('click', (event) => {
    const wanted = event.target.closest('[data-explain]')?.dataset.explain;
    if (wanted) explain.open(figures.find(wanted));
  });
}
