// path.mjs URL FOLDER LINK PROVINCE PROVINCE_LINK -- the first five minutes of
// somebody who has never seen it, in a real browser, in both languages: log in,
// look a name up, walk a national figure down to what was signed, break the
// tree and watch the counter, correct a return and ask for the table as it was.
import assert from 'node:assert/strict';
import { expect, go, holds, isForEverybody, page, say, text, url, visit }
  from './eyes.mjs';

const [, , , , link, province, provinceLink] = process.argv;
const MACHINE = '88.31.1001/host', PACK = 'stats/industry';

const ask = (path) => page.evaluate(async (from) =>
  (await fetch(from)).json(), path);
const read = (path) => page.evaluate(async (from) =>
  (await fetch(from)).text(), path);

async function logIn() {
  await page.goto(link);
  await page.waitForSelector('#logout');
  await isForEverybody('path-login', 8);
}

async function lookUp() {
  await page.fill('#search-name', MACHINE);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#page-object .record tbody tr');
  await page.waitForSelector('#page-object .uplot canvas');
  await isForEverybody('path-name', 12);
  say(`${MACHINE}: ${await text('#object-now')}`);
}

async function walkDown() {
  await go('#/', '#figures [data-explain=cpu_share]');
  await holds(() => /%/.test(document.querySelector(
    '#figures .value').textContent));
  await page.click('#figures [data-explain=cpu_share]');
  await holds(() => document.querySelectorAll(
    '#explain .batches tbody tr').length >= 2
    && [...document.querySelectorAll('#explain .batches tbody tr')].every(
      (tr) => tr.textContent.includes('right: checked by this browser')));
  await page.waitForSelector('#explain .raw tbody tr');
  await isForEverybody('path-walk', 40);
  say('the national figure walks down to signed batches and raw samples');
}

const count = async (key) => Number((await text(`#break-${key}`))
  .replaceAll(/\D/g, ''));

// The node that shows the page is killed too: its refusals are expected.
async function breakIt() {
  await go('#/break', '#break-go');
  const mended = ['ERR_', 'status of', 'Failed to load'].map((one) =>
    expect(one));
  await page.selectOption('#break-seconds', '30');
  await page.click('#break-go');
  await holds(() => Number(document.getElementById('break-acknowledged')
    ?.textContent.replaceAll(/\D/g, '')) > 100);
  await page.waitForFunction(() => /Done|FAILED/.test(
    document.getElementById('break-said').textContent), null,
  { timeout: 600_000 });
  assert.match(await text('#break-said'), /nothing was lost/);
  const [acknowledged, stored, lost, doubled] = await Promise.all(
    ['acknowledged', 'stored', 'lost', 'doubled'].map(count));
  assert.equal(stored, acknowledged);
  assert.deepEqual([lost, doubled], [0, 0]);
  await holds(() => document.querySelector('[role=alert]').textContent === '');
  mended.forEach((done) => done());
  await isForEverybody('path-break', 20);
  say(`acknowledged ${acknowledged}, stored ${stored}, lost 0, doubled 0`);
}

// A return of the province is corrected; the nation's cell follows, and the
// table of before stays as it was, to the byte.
async function correct() {
  // What is due is at the nation: not last month's before the 17th.
  const { windows } = await ask(`/api/figures/windows?pack=${PACK}`
    + '&metric=revenue&freq=month');
  await page.goto(provinceLink);
  await page.waitForSelector('#logout');
  const { returns } = await ask(`/api/returns?pack=${PACK}&state=accepted`);
  const { id, unit, window } = returns.findLast((one) =>
    windows.some((due) => due.window === one.window));
  await page.goto(url);
  await page.waitForSelector('#figures tr');
  const before = await ask(`/api/figures?pack=${PACK}&metric=revenue&at=`
    + window);
  const table = `/api/figures/table?pack=${PACK}&at=${window}&format=csv`
    + `&asof=${before.asof}`;
  const saved = await read(table);
  await page.goto(`${province}#/returns/${id}`);
  await page.click('#page-returns a.button');
  await page.waitForSelector('#return-reason');
  const old = Number(await page.locator('#item-revenue').inputValue());
  expect(422, '/api/returns/check');
  await page.fill('#item-revenue', String(old + 1000));
  await holds(() => /will be/.test(
    document.getElementById('return-state').textContent));
  await page.click('#return-form button[type=submit]');
  await holds(() => document.getElementById('return-signature')
    ?.textContent === 'right: checked by this browser');
  await isForEverybody('path-return', 30);
  const wanted = Number(before.value) + 1000;
  await page.goto(`${url}#/figures/${PACK}?w=${window}&m=revenue&s=1`);
  await page.waitForSelector('.tile');
  await page.waitForFunction(async ([path, value]) => Number((await (await
  fetch(path)).json()).value) === value, [
    `/api/figures?pack=${PACK}&metric=revenue&at=${window}`, wanted]);
  await isForEverybody('path-nation', 40);
  assert.equal(await read(table), saved, 'the table as it was then');
  say(`${unit} ${window}: revenue of the nation ${before.value} -> ${wanted}; `
    + 'the table of before is the same to the byte');
}

await visit(logIn, lookUp, walkDown, breakIt, correct);
