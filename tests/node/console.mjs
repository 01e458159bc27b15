// console.mjs URL FOLDER LINK OWNER -- the console in a real browser, page by
// page, as a person uses it.
//
// LINK logs the administrator in once; OWNER is the console of the enterprise.
// Says what it has seen as "figure:" lines, writes screenshots into FOLDER and
// ends with 0 when everything held.  The node asked must have a whole minute.
import assert from 'node:assert/strict';
import { browser, everythingHasAName, expect, go, holds, isForEverybody,
  language, page, say, shot, text, textIsLegible, url, visit }
  from './eyes.mjs';

const [, , , , link, owner, province, provinceLink, ownerLink] = process.argv;
const MACHINE = '88.31.1001/host';
const PASSWORD = 'a long enough password';
// Another each time, so that a node may be visited again.
const SOMEBODY = `wang-${process.pid}`;
const PREFIX = `88.${7000 + process.pid % 1000}`;

const ask = (path) => page.evaluate(async (from) =>
  (await fetch(from)).json(), path);
const value = (id) => page.locator(`#${id}`).inputValue();

// --- overview ---

async function theChainIsLinked() {
  await page.waitForSelector('#figures tr');
  await holds(() => document.querySelectorAll('#chain .node').length >= 4
    && !document.querySelector('#chain .node.down, #chain .node.unknown'));
  const cards = await page.locator('#chain .node').allInnerTexts();
  const flat = cards.map((card) => card.replaceAll('\n', ' · '));
  for (const role of ['nation', 'province', 'enterprise', 'machine'])
    assert.ok(flat.some((card) => card.includes(role)), `a card: ${role}`);
  assert.equal(flat.filter((card) => card.includes('· linked')).length, 2);
  for (const card of flat) say(`card ${card}`);
  return cards.map((card) => card.split('\n')[0]);
}

// A blue line is on the canvas of a plot.
const drawn = (selector) => holds((place) => {
  const canvas = document.querySelector(`${place} canvas`);
  if (!canvas?.width) return false;
  const { data } = canvas.getContext('2d').getImageData(0, 0,
    canvas.width, canvas.height);
  let blue = 0;
  for (let i = 0; i < data.length; i += 4)
    if (data[i + 3] > 200 && data[i + 2] > data[i] + 80) blue++;
  return blue > 20;
}, selector, { polling: 200 });

async function theCurveIsDrawn() {
  await page.waitForSelector('#plot canvas');
  await holds(() =>
    /now [\d.,]+ %/.test(document.getElementById('reading').textContent));
  await drawn('#plot');
  const note = await text('#live-note');
  assert.ok(Number(/(\d+) samples/.exec(note)[1]) >= 3, note);
  for (const curve of await page.locator('#curve option').all()) {
    await page.selectOption('#curve', await curve.getAttribute('value'));
    await holds((name) => document.getElementById('plot')
      .ariaLabel.includes(name), await curve.innerText());
    await holds(() => /^now [\d.,]+ /.test(
      document.getElementById('reading').textContent));
    say(`curve ${await curve.innerText()}: ${await text('#reading')}`);
  }
  await page.selectOption('#curve', 'cpu');
}

async function theFiguresAreNumbers() {
  for (const row of await page.locator('#figures tr').all()) {
    const cells = await row.locator('th, td').allInnerTexts();
    assert.match(cells[1], /^[\d.,]+ %$/, cells.join(' | '));
    assert.equal(cells[3], '1 of 1', cells.join(' | '));
    say(`row ${cells.slice(0, 6).filter(Boolean).join(' | ')}`);
  }
  const few = await page.locator('#figures tr').count();
  await page.locator('#sums').check();
  await holds((n) => document.querySelectorAll('#figures tr').length > n, few);
  const values = await page.locator('#figures .value').allInnerTexts();
  for (const one of values) assert.match(one, /^[\d.,]+/, one);
  say(`${few} figures, ${values.length - few} sums behind them`);
  await page.locator('#sums').uncheck();
  await holds((n) => document.querySelectorAll('#figures tr').length === n,
    few);
}

// From the first control of the page to the button by Tab, then Enter.
async function theKeyboardExplains(names) {
  await page.locator('.skip').focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  const isThere = () => page.evaluate(() =>
    document.activeElement?.dataset.explain === 'cpu_share');
  let pressed = 0;
  for (; pressed < 20 && !await isThere(); pressed++)
    await page.keyboard.press('Tab');
  assert.ok(await isThere(), 'Tab reaches Explain');
  const outline = await page.evaluate(() =>
    getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, 'none', 'the focus is visible');
  await page.keyboard.press('Enter');
  say(`Explain is reached with ${pressed} tabs`);
  await theWayDownIsShown(names);
  // It stays, with its content, when the page is drawn again.
  const rows = await page.locator('#explain .way tbody tr').count();
  await page.waitForResponse((r) => r.url().includes('/api/figures?'));
  assert.equal(await page.locator('#explain .way tbody tr').count(), rows);
  assert.equal(await page.evaluate(() => document.activeElement.id),
    'explain-title', 'the focus stays');
}

// Down to the raw samples, past batches whose signatures are right.
async function theWayDownIsShown(names) {
  await page.waitForSelector('#explain .way tbody tr');
  const whole = await text('#explain');
  for (const name of names)
    assert.ok(whole.includes(name), `the panel names ${name}`);
  const rows = await page.locator('#explain .way tbody tr').allInnerTexts();
  assert.ok(rows.length >= 4, rows.join(' / '));
  for (const row of rows) say(`way down ${row.replaceAll('\t', ' | ')}`);
  assert.ok(await page.locator('#explain .inputs tbody tr').count() >= 2,
    'the inputs of the machine');
  await page.waitForSelector('#explain .raw tbody tr');
  assert.ok(await page.locator('#explain .raw tbody tr').count() >= 2,
    'its raw samples');
  const signed = await page.locator('#explain .batches tbody tr')
    .allInnerTexts();
  assert.ok(signed.length >= 2, 'signed batches');
  for (const row of signed) {
    assert.match(row, /right: checked by this browser/, row);
    say(`signed ${row.replaceAll('\t', ' | ')}`);
  }
}

async function overview() {
  await page.goto(url);
  const names = await theChainIsLinked();
  await theCurveIsDrawn();
  await theFiguresAreNumbers();
  await isForEverybody('overview', 30);
  await theKeyboardExplains(names);
  await isForEverybody('explain', 40);
  await page.locator('#language').focus();
  await page.keyboard.press('Escape'); // outside: nothing happens
  assert.ok(await page.locator('#explain').isVisible());
  await page.locator('#explain-close').focus();
  await page.keyboard.press('Escape');
  assert.ok(!await page.locator('#explain').isVisible(), 'Escape closes');
  assert.equal(await page.evaluate(() =>
    document.activeElement.dataset.explain), 'cpu_share', 'the focus is back');
}

// None in a quiet tree; each kind has a sentence in both languages, and one that
// is not known here stays as the node wrote it.
async function alerts() {
  await page.waitForSelector('#alerts h2');
  assert.match(await text('#alerts'), /No alerts/);
  const kinds = await page.evaluate(async () => Object.keys(
    (await import('/console/text.js')).texts.en.alerts.events));
  const list = [...kinds, 'unheard_of'].map((event, i) => ({ event,
    number: 100 - i, at: Date.UTC(2026, 10, 22) - i * 60000,
    text: 'peer=88.44 pack=host rows=3000 offset_ms=-7000 why="as it is"' }));
  await page.route('**/api/tree/alerts?*', (route) => {
    const from = Number(new URL(route.request().url()).searchParams
      .get('next') ?? 1000);
    const some = list.filter(({ number }) => number < from).slice(0, 5);
    return route.fulfill({ json: { alerts: some,
      next: some.length === 5 ? some.at(-1).number : null } });
  });
  for (let seen = 0; seen < list.length; seen += 5) {
    const last = list[Math.min(seen + 5, list.length) - 1];
    await holds(([count, key]) => document.querySelectorAll(
      '#alerts tbody tr').length === count && [...document.querySelectorAll(
      '#alerts tbody tr')].at(-1).paintedKey === key,
    [Math.min(5, list.length - seen), last.number]);
    assert.equal(await page.locator('#alerts tbody code').count(),
      last.event === 'unheard_of' ? 1 : 0);
    await isForEverybody('alerts', 30);
    if (seen + 5 < list.length)
      await page.getByRole('link', { name: 'Older' }).click();
  }
  await page.unroute('**/api/tree/alerts?*');
  await page.getByRole('link', { name: 'Newest' }).click();
  await holds(() => /No alerts/.test(
    document.getElementById('alerts').textContent));
  say(`${kinds.length} kinds of alerts have a sentence`);
}

const firstDrawn = () => page.waitForFunction(() => performance
  .getEntriesByName('first-contentful-paint')[0]?.startTime)
  .then((handle) => handle.jsonValue());

// Beside what this machine needs for a page of one word, just now.
async function itIsQuick() {
  await page.goto('data:text/html,word');
  const empty = await firstDrawn();
  await page.goto(url);
  await page.waitForSelector('#figures tr');
  const first = await firstDrawn();
  const size = await page.evaluate(async () => {
    const files = performance.getEntriesByType('resource')
      .map(({ name }) => name).filter((name) => name.includes('/console/'));
    const bodies = await Promise.all([location.href, ...files].map(
      async (name) => (await (await fetch(name)).arrayBuffer()).byteLength));
    return bodies.reduce((sum, n) => sum + n, 0);
  });
  say(`first drawn after ${Math.round(first)} ms, a page of one word after ${
    Math.round(empty)} ms; files of ${size} bytes`);
  assert.ok(size > 100_000 && size < 250_000, `${size} bytes`);
  assert.ok(first < 1000 + 20 * empty, `${first} ms; one word: ${empty} ms`);
}

// A node that does not answer is told once, and again when it does.
async function troubleIsTold() {
  expect('ERR_INTERNET_DISCONNECTED');
  await browser.setOffline(true);
  await holds(() => document.querySelector('[role=alert]').textContent !== '');
  assert.ok(await page.locator('#figures tr').count() >= 3,
    'what was known stays');
  await textIsLegible('in trouble');
  await browser.setOffline(false);
  await holds(() => document.querySelector('[role=alert]').textContent === '');
}

async function theLanguageIsRemembered() {
  await language('zh');
  await page.reload();
  await page.waitForSelector('#figures tr');
  assert.equal(await page.evaluate(() => document.documentElement.lang),
    'zh-CN');
  await language('en');
}

// --- logging in ---

const nav = () => page.locator('#pages').innerText();

async function whoIsNotLoggedInSeesLess() {
  assert.doesNotMatch(await nav(), /Users|Audit/);
  for (const path of ['users', 'keys', 'devices'])
    expect(401, `/api/${path}`);
  expect(401, '/api/sessions'); // a wrong password, a used link
  await go('#/users', '#login-form');
  await isForEverybody('login', 5);
  await page.fill('#login-user', 'admin');
  await page.fill('#login-password', 'wrong');
  await page.keyboard.press('Enter');
  await holds(() => document.getElementById('login-said').textContent !== '');
  say(`a wrong password: ${await text('#login-said')}`);
}

async function aLinkLogsInOnce() {
  await page.goto(link);
  await page.waitForSelector('#logout');
  assert.equal(await text('#me'), 'admin');
  assert.match(await nav(), /Users/);
  assert.doesNotMatch(page.url(), /dgl_/, 'the link is out of the address');
  await isForEverybody('account', 8);
  await page.fill('#login-new', PASSWORD);
  await page.fill('#login-twice', `${PASSWORD}?`);
  await page.keyboard.press('Enter');
  await holds(() => /not the same/.test(
    document.getElementById('login-said').textContent));
  await page.fill('#login-twice', PASSWORD);
  await page.keyboard.press('Enter');
  await holds(() => /changed/.test(
    document.getElementById('login-said').textContent));
  await page.click('#logout');
  await holds(() => document.getElementById('me').textContent === 'Log in');
  await page.goto(`${url}#/`);
  await page.goto(link);
  await holds(() => /has been used/.test(
    document.getElementById('login-said')?.textContent));
  await page.fill('#login-user', 'admin');
  await page.fill('#login-password', PASSWORD);
  await page.keyboard.press('Enter');
  await holds(() => document.getElementById('me').textContent === 'admin');
  say('logged in by the link, then with the password');
}

// --- objects ---

async function aNameIsLookedUp() {
  await page.fill('#search-name', ` hdl:${MACHINE.toUpperCase()} `);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#page-object table.record tbody tr');
  const record = await ask(`/api/handles/${MACHINE}`);
  assert.equal(await page.locator('#page-object .record tbody tr').count(),
    record.values.length);
  say(`record ${(await text('#page-object .facts')).replaceAll('\n', ' | ')}`);
  await go(`#/object/${MACHINE}`, '#page-object .uplot canvas');
  await page.waitForFunction(() => /rising by [\d.,]+/.test(
    document.getElementById('object-now')?.textContent));
  await drawn('#page-object');
  say(`curve of ${MACHINE}: ${await text('#object-now')}`);
  await isForEverybody('object', 12);
}

async function aPrefixIsLookedUp() {
  await page.fill('#search-name', '88.31');
  await page.click('#search button');
  await holds(() => /88\.31\.1001/.test(
    document.getElementById('page-object').textContent));
  await isForEverybody('prefix', 8);
}

async function whatIsNotThereIsSaid() {
  expect(404, '/api/handles/88.31.1001/nothing');
  await go('#/object/88.31.1001/nothing', '#missing-title');
  assert.match(await text('#page-object'), /There is no/);
}

// --- figures ---

async function figures() {
  await go('#/figures/host', '#page-figures table tbody td a');
  const cell = page.locator('#page-figures [data-explain=memory_share]');
  await page.waitForSelector('#page-figures [data-explain=memory_share]');
  await page.selectOption('#figures-window', { index: 1 });
  await page.waitForFunction(() => location.hash.includes('w='));
  const window = await value('figures-window');
  const figure = await ask('/api/figures?pack=host&metric=memory_share&at='
    + window);
  await holds((wanted) => document.querySelector(
    '#page-figures [data-explain=memory_share]')?.textContent === wanted,
  `${Number(figure.value).toFixed(1)} %`);
  say(`figure of ${window}: ${await cell.innerText()}`);
  await page.locator('#figures-sums').check();
  await page.waitForSelector('#page-figures [data-explain=memory_size]');
  await isForEverybody('figures', 15);
  await cell.click();
  await theWayDownIsShown([MACHINE]);
  await page.locator('#explain-close').click();
  await page.waitForFunction(() => !location.hash.includes('x='));
}

// The table of an instant is what was shown then.
async function asItWasKnown() {
  const made = await ask('/api/figures?pack=host&metric=cpu_share');
  await go(`#/figures/host?w=${made.window}&a=${made.asof}`,
    '#page-figures [data-explain=cpu_share]');
  await holds((wanted) => document.querySelector(
    '#page-figures [data-explain=cpu_share]').textContent === wanted,
  `${Number(made.value).toFixed(1)} %`);
  await holds(() => /as this node knew it/.test(
    document.getElementById('page-figures').textContent));
  expect(404, `asof=${made.from}`);
  await go(`#/figures/host?w=${made.window}&a=${made.from}`,
    '#figures-now');
  await holds(() => !document.querySelector('#page-figures tbody'));
  await page.click('#figures-now');
  await page.waitForSelector('#page-figures tbody');
  say(`as known at ${made.asof}: ${made.value}; at ${made.from}: nothing`);
}

// --- the others ---

async function packs() {
  await go('#/packs', '#page-packs tbody tr');
  await isForEverybody('packs', 12);
  await page.click('#page-packs tbody a[href="#/packs/host"]');
  await page.waitForSelector('#pack-title');
  const { packs: list } = await ask('/api/figures/packs');
  const host = list.find((one) => one.pack === 'host');
  assert.equal(await page.locator('#page-packs tbody tr').count(),
    host.freqs.length + host.metrics.length + host.measures.length);
  await isForEverybody('pack', 25);
}

async function links() {
  await go('#/links', '#page-links tbody a');
  await page.click('#page-links tbody a');
  await page.waitForSelector('#link-title');
  assert.match(await text('#page-links'), /figures/);
  await isForEverybody('links', 20);
}

async function users() {
  await go('#/users', '#users-title');
  await page.waitForSelector('#page-users tbody td');
  await page.click('#page-users summary:has-text("Add a user")');
  await page.fill('#user-name', SOMEBODY);
  await page.check('#user-viewer');
  await page.fill('#user-scope', '88.31');
  await page.click('#page-users form:has(#user-name) button');
  await page.waitForSelector('#page-users .secret');
  assert.match(await text('#page-users .secret'), /#\/login\?link=dgl_/);
  await holds((name) => [...document.querySelectorAll('#page-users tbody th')]
    .some((n) => n.textContent === name), SOMEBODY);
  await page.getByRole('button', { name: `Switch off, ${SOMEBODY}` }).click();
  await page.getByRole('button', { name: `Switch on, ${SOMEBODY}` }).waitFor();
  await page.click('#page-users summary:has-text("Add a key")');
  await page.fill('#key-name', 'reader');
  await page.check('#key-viewer');
  await page.click('#page-users form:has(#key-name) button');
  await page.waitForSelector('#page-users .secret');
  const secret = await text('#page-users .secret');
  const who = await page.evaluate(async (key) => (await fetch(
    '/api/sessions/this', { headers: { Authorization: `Bearer ${key}` } }))
    .json(), secret);
  assert.equal(who.kind, 'key');
  await page.getByRole('button', { name: 'Revoke, reader' }).click();
  await page.getByRole('button', { name: 'Revoke, reader' })
    .waitFor({ state: 'detached' });
  say('a user was made and switched off, a key made, used and revoked');
  await isForEverybody('users', 40);
}

async function prefixes() {
  await go('#/prefixes', '#prefix-name');
  await page.fill('#prefix-name', PREFIX);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#page-prefixes .secret');
  await page.getByRole('button', { name: `Revoke, ${PREFIX}` }).click();
  await page.getByRole('button', { name: `Really revoke?, ${PREFIX}` }).click();
  await holds((prefix) => [...document.querySelectorAll(
    '#page-prefixes tbody tr')].some((tr) => tr.textContent.startsWith(prefix)
    && tr.textContent.includes('revoked')), PREFIX);
  await isForEverybody('prefixes', 12);
}

async function audit() {
  await go('#/audit', '#page-audit tbody tr');
  await holds((prefix) => document.querySelector('#page-audit tbody')
    .textContent.includes(prefix), PREFIX);
  await page.click('#audit-verify');
  await holds(() => /All \d+ entries give the root.*checked by this browser/
    .test(document.getElementById('audit-verdict').textContent));
  say(`audit log: ${await text('#audit-verdict')}`);
  await isForEverybody('audit', 25);
}

async function explorer() {
  await go(`#/explorer/${MACHINE}?m=host_memory_used_kibibytes`,
    '#explorer-plot canvas');
  await drawn('#explorer-plot');
  await isForEverybody('explorer', 8);
}

// --- returns, at the province that hosts the enterprise ---

const FIRM = '88.31/firm-1', WINDOW = '2026-09', PACK = 'stats/industry';
const GOOD = { go: 210000, revenue: 210000, cost: 168000, profit: 10500,
  current_assets: 40000, fixed_assets: 30000, other_assets: 5000,
  assets: 75000, liabilities: 40000, staff: 200 };

const standing = (word) => holds((wanted) => document.getElementById(
  'return-state')?.textContent.includes(wanted), word);

// Typed as a person does; one sum is wrong, and revenue is twice last year's.
async function aReturnIsFiled() {
  await page.goto(provinceLink);
  await page.waitForSelector('#logout');
  await go('#/returns', '#new-unit');
  await page.fill('#new-unit', FIRM);
  await page.fill('#new-window', WINDOW);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#item-revenue');
  const row = page.locator('tr:has(#item-revenue)');
  assert.match(await row.innerText(), /100,000/, 'last year is beside it');
  expect(422, '/api/returns/check');
  for (const [item, amount] of Object.entries({ ...GOOD, assets: 1 }))
    await page.fill(`#item-${item}`, String(amount));
  await standing('refused');
  assert.match(await text('#item-assets-said'), /1 stated, 75000 in its parts/);
  await isForEverybody('filing', 30);
  await page.fill('#item-assets', String(GOOD.assets));
  await standing('questions');
  say(`asked: ${(await text('#item-revenue-said')).split('\n')[0]}`);
  await page.fill('#text-revenue_jump', 'a second works opened in May');
  await standing('accepted');
  await page.click('#return-form button[type=submit]');
  await theReturnIsSigned('1');
  await isForEverybody('return', 30);
}

async function theReturnIsSigned(revision) {
  await holds((wanted) => document.querySelector('#page-returns .facts')
    ?.textContent.includes(`revision${wanted}`), revision);
  await holds(() => document.getElementById('return-signature')
    ?.textContent === 'right: checked by this browser');
  const receipts = await page.locator('#page-returns tbody tr:has-text('
    + '"right: checked by this browser")').count();
  assert.equal(receipts, Number(revision), 'receipts');
}

async function itIsCorrected() {
  await page.click('#page-returns a.button');
  await page.waitForSelector('#return-reason');
  assert.equal(await page.locator('#item-revenue').inputValue(), '210000');
  await page.fill('#item-revenue', '205000');
  await page.selectOption('#return-reason', 'audit');
  await standing('accepted');
  await page.click('#return-form button[type=submit]');
  await theReturnIsSigned('2');
  assert.match(await page.locator('#page-returns .facts').first().innerText(),
    /audit/);
  await go('#/returns', '#page-returns tbody tr');
  await isForEverybody('returns', 12);
  say('a return was filed, asked about, explained, accepted and corrected');
}

// The panel is of that cell, down to the return of the firm in it.
async function theCellIsExplained(cell) {
  await holds((wanted) => document.getElementById('explain-body').textContent
    .startsWith(`Revenue · ${wanted}: 205.00 million yuan`), cell);
  await holds((firm) => [...document.querySelectorAll(
    '#explain .filed tbody tr')].some((tr) => tr.textContent.includes(firm)
    && tr.textContent.includes('right: checked by this browser')), FIRM);
}

// The nation's cell is what was filed below; a tile filters, and is explained.
async function theTilesAreThere() {
  await page.goto(`${url}#/figures/${PACK}?w=${WINDOW}&m=revenue&s=1`);
  await page.waitForSelector('#page-figures .tile');
  assert.equal(await page.locator('#page-figures .tile').count(), 31);
  await holds(() => [...document.querySelectorAll('#page-figures .tile')]
    .some((n) => /^Shanghai, 205\.00 million yuan/.test(n.ariaLabel)));
  await isForEverybody('tiles', 40);
  const shanghai = page.getByRole('button', { name: /^Shanghai/ });
  await shanghai.click();
  await holds(() => document.querySelector('.tile[aria-pressed=true]'));
  await holds(() => /Only Shanghai/.test(
    document.getElementById('page-figures').textContent));
  await theCellIsExplained('Shanghai');
  await everythingHasAName();
  say('31 tiles; Shanghai is 205 million yuan');
  await page.locator('#explain-close').focus();
  await page.keyboard.press('Escape');
  assert.match(await page.evaluate(() => document.activeElement.ariaLabel),
    /^Shanghai/, 'the focus is back on the tile');
  await page.getByRole('link', { name: /Explain: Manufacturing$/ }).click();
  await theCellIsExplained('Manufacturing · Shanghai');
  await isForEverybody('explain-cell', 40);
  await shanghai.click();
  await page.getByRole('button', { name: /^Beijing, not known/ }).click();
  await holds(() => /Nothing is expected from there/.test(
    document.getElementById('explain-body').textContent));
  await page.getByRole('button', { name: /^Beijing/ }).click();
  await page.waitForSelector('#explain', { state: 'hidden' });
  await page.click('#page-figures [data-explain=revenue]');
  await holds((firm) => [...document.querySelectorAll(
    '#explain .filed tbody tr')].some((tr) => tr.textContent.includes(firm)
    && tr.textContent.includes('right: checked by this browser')), FIRM);
  await isForEverybody('explain-return', 40);
}

// At the enterprise itself: the names it keeps, what its machine gave.
async function owners() {
  expect(404, '/api/figures/history'); // it gave nothing to the other packs
  await page.goto(`${owner}#/object/88.31.1001`);
  await page.waitForSelector(`#page-object a[href="#/object/${MACHINE}"]`);
  await page.click(`#page-object a[href="#/object/${MACHINE}"]`);
  await page.waitForSelector('#gave-title');
  await everythingHasAName();
  await shot('console-owner.png');
}

// The machine is connected by MQTT; disconnected, it comes back by itself.
async function whoIsConnected() {
  await page.goto(ownerLink);
  await page.waitForSelector('#logout');
  await go('#/links', '#clients-title');
  const row = page.locator('#page-links tbody tr', { hasText: MACHINE });
  await row.waitFor();
  const seen = await row.locator('th, td').allInnerTexts();
  assert.match(seen.join(' | '), /127\.0\.0\.1:\d+ \| MQTT 5\.0/);
  say(`connected ${seen.slice(0, 4).join(' | ')}`);
  const since = async () => (await ask('/api/connections')).connections
    .find((one) => one.id === MACHINE)?.address;
  const before = await since();
  await page.fill('#client-start', '88.31.1001/h');
  await page.keyboard.press('Enter');
  await row.waitFor();
  await page.getByRole('button', { name: `Disconnect, ${MACHINE}` }).click();
  await holds(async ([from, machine]) => {
    const { connections } = await (await fetch('/api/connections')).json();
    return connections.some((one) => one.id === machine
      && one.address !== from);
  }, [before, MACHINE], { polling: 200 });
  await page.fill('#client-start', 'nobody is called so');
  await page.keyboard.press('Enter');
  await holds(() => document.querySelector('#page-links')
    .textContent.includes('Nobody of this kind is connected.'));
  await go('#/links', '#clients-title');
  await row.waitFor();
  await isForEverybody('clients', 20);
}

await visit(overview, alerts, itIsQuick, troubleIsTold,
  theLanguageIsRemembered, whoIsNotLoggedInSeesLess, aLinkLogsInOnce, aNameIsLookedUp,
  aPrefixIsLookedUp, whatIsNotThereIsSaid, figures, asItWasKnown, explorer,
  packs, links, users, prefixes, audit, owners, whoIsConnected, aReturnIsFiled,
  itIsCorrected, theTilesAreThere);
