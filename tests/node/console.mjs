// console.mjs URL FOLDER -- the console in a real browser, as a person uses it.
//
// Says what it has seen as "figure:" lines, writes screenshots into FOLDER and
// ends with 0 when everything held.  The node asked must have a whole minute.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [url, folder] = process.argv.slice(2);
const CONTRAST_LEAST = 4.5; // WCAG 2.2, 1.4.3 AA

const profile = mkdtempSync(join(tmpdir(), 'dougong-console-'));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: '/usr/bin/chromium',
  headless: true,
  locale: 'en-GB',
  viewport: { width: 1200, height: 1000 },
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync'],
});
const page = browser.pages()[0] ?? await browser.newPage();
page.setDefaultTimeout(30_000);

const complaints = [], strangers = [];
page.on('console', (m) => m.type() === 'error' && complaints.push(m.text()));
page.on('pageerror', (error) => complaints.push(error.message));
browser.on('request', (request) => {
  if (new URL(request.url()).host !== new URL(url).host)
    strangers.push(request.url());
});

const say = (text) => console.log(`figure: ${text}`);
const shot = (name) => page.screenshot({ path: join(folder, name),
  fullPage: true });

// --- what is on the page, as seen from inside ---

const visibleTexts = () => page.evaluate(() => {
  const walker = document.createTreeWalker(document.body,
    NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const parent = walker.currentNode.parentElement;
    const option = parent.closest('option');
    if (text && !parent.closest('script')
      && (option ?? parent).checkVisibility())
      texts.push({ text, lang: parent.closest('[lang]').lang });
  }
  return texts;
});

const contrasts = () => page.evaluate(() => {
  const canvas = document.createElement('canvas').getContext('2d',
    { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
    const v = c[i] / 255;
    return sum + weight * (v <= 0.04045 ? v / 12.92
      : ((v + 0.055) / 1.055) ** 2.4);
  }, 0);
  const behind = (node) => {
    for (let n = node; n; n = n.parentElement) {
      const colour = rgba(getComputedStyle(n).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const list = [];
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some((n) =>
      n.nodeType === Node.TEXT_NODE && n.textContent.trim());
    if (!own || !node.checkVisibility() || node.closest('script')) continue;
    const a = light(rgba(getComputedStyle(node).color));
    const b = light(behind(node));
    list.push({ text: node.textContent.trim().slice(0, 40),
      ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) });
  }
  return list;
});

// Every word of one language in text.js that holds no parameter.
const wordsOf = (language) => page.evaluate(async (name) => {
  const { texts } = await import('/console/text.js');
  const words = [];
  const walk = (value) => {
    if (typeof value === 'string') words.push(value);
    else if (value && typeof value === 'object')
      Object.values(value).forEach(walk);
  };
  walk(texts[name]);
  return words;
}, language);

// --- the checks, in the order of a visit ---

async function theChainIsLinked() {
  await page.waitForSelector('#figures tr');
  await page.waitForFunction(() =>
    document.querySelectorAll('#chain .node').length >= 4
    && !document.querySelector('#chain .node.down, #chain .node.unknown'));
  const cards = await page.locator('#chain .node').allInnerTexts();
  const flat = cards.map((card) => card.replaceAll('\n', ' · '));
  for (const role of ['nation', 'province', 'enterprise', 'machine'])
    assert.ok(flat.some((card) => card.includes(role)), `a card: ${role}`);
  assert.equal(flat.filter((card) => card.includes('· linked')).length, 2);
  for (const card of flat) say(`card ${card}`);
  return cards.map((card) => card.split('\n')[0]);
}

async function theCurveIsDrawn() {
  await page.waitForSelector('#plot canvas');
  await page.waitForFunction(() =>
    /now [\d.,]+ %/.test(document.getElementById('reading').textContent));
  const drawn = () => page.evaluate(() => {
    const canvas = document.querySelector('#plot canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0,
      canvas.width, canvas.height);
    let blue = 0;
    for (let i = 0; i < data.length; i += 4)
      if (data[i + 3] > 200 && data[i + 2] > data[i] + 80) blue++;
    return blue;
  });
  assert.ok(await drawn() > 20, 'a line is drawn');
  const note = await page.locator('#live-note').innerText();
  assert.ok(Number(/(\d+) samples/.exec(note)[1]) >= 3, note);
  for (const curve of await page.locator('#curve option').all()) {
    const value = await curve.getAttribute('value');
    await page.selectOption('#curve', value);
    await page.waitForFunction((text) => document.getElementById('plot')
      .ariaLabel.includes(text), await curve.innerText());
    await page.waitForFunction(() => /^now [\d.,]+ /.test(
      document.getElementById('reading').textContent));
    say(`curve ${await curve.innerText()}: `
      + await page.locator('#reading').innerText());
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
  await page.getByLabel('show the sums').check();
  await page.waitForFunction((n) =>
    document.querySelectorAll('#figures tr').length > n, few);
  const values = await page.locator('#figures .value').allInnerTexts();
  for (const value of values) assert.match(value, /^[\d.,]+/, value);
  say(`${few} figures, ${values.length - few} sums behind them`);
  await page.getByLabel('show the sums').uncheck();
  await page.waitForFunction((n) =>
    document.querySelectorAll('#figures tr').length === n, few);
}

// From the first control of the page to the button by Tab, then Enter.
async function theKeyboardExplains(names) {
  await page.locator('.skip').focus();
  const isThere = () => page.evaluate(() =>
    document.activeElement?.dataset.explain === 'cpu_share');
  let pressed = 0;
  for (; pressed < 30 && !await isThere(); pressed++)
    await page.keyboard.press('Tab');
  assert.ok(await isThere(), 'Tab reaches Explain');
  const outline = await page.evaluate(() =>
    getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, 'none', 'the focus is visible');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#explain .way tbody tr');
  const text = await page.locator('#explain').innerText();
  for (const name of names)
    assert.ok(text.includes(name), `the panel names ${name}`);
  const rows = await page.locator('#explain .way tbody tr').allInnerTexts();
  assert.ok(rows.length >= 4, rows.join(' / '));
  assert.ok(await page.locator('#explain .inputs tbody tr').count() >= 2,
    'the inputs of the machine');
  await page.waitForSelector('#explain .raw tbody tr');
  assert.ok(await page.locator('#explain .raw tbody tr').count() >= 2,
    'its raw samples');
  for (const row of rows) say(`way down ${row.replaceAll('\t', ' | ')}`);
  say(`Explain is reached with ${pressed} tabs`);
  // It stays, with its content, when the page is drawn again.
  await page.waitForResponse((r) => r.url().includes('/api/tree/whole'));
  await page.waitForTimeout(300);
  assert.equal(await page.locator('#explain .way tbody tr').count(),
    rows.length);
  assert.equal(await page.evaluate(() => document.activeElement.id),
    'explain-title', 'the focus stays');
}

async function everyWordChanges() {
  const english = await visibleTexts();
  for (const { text, lang } of english)
    assert.ok(lang === 'zh-CN' || !/[\u3400-\u9fff]/.test(text),
      `Chinese on the English page: ${text}`);
  await page.locator('#language').focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.documentElement.lang === 'zh-CN');
  const [en, zh] = [await wordsOf('en'), new Set(await wordsOf('zh'))];
  const left = new Set(en.filter((w) => /[a-z]{2}/i.test(w) && !zh.has(w)));
  const chinese = await visibleTexts();
  let changed = 0;
  for (const { text, lang } of chinese) {
    assert.ok(lang !== 'zh-CN' || !left.has(text),
      `English on the Chinese page: ${text}`);
    if (lang !== 'zh-CN' || text === 'Dougong') continue;
    // Besides Chinese only numbers, identifiers and units.
    const rest = text.replaceAll(/\bUTC\b|\b[KMGT]iB\b|\bhost\b/g, '')
      .replaceAll(/\b\d+(\.\d+)*\/\w+/g, '');
    assert.ok(!/[a-z]{2}/i.test(rest), `not Chinese: ${text}`);
    if (/[\u3400-\u9fff]/.test(text)) changed++;
  }
  assert.ok(changed > 30, `${changed} texts are Chinese`);
  say(`${changed} of ${chinese.length} texts are Chinese, `
    + 'the others numbers, identifiers and units');
}

// A node that does not answer is told once, and again when it does.
async function troubleIsTold() {
  await browser.setOffline(true);
  await page.waitForFunction(() =>
    document.querySelector('[role=alert]').textContent !== '');
  assert.ok(await page.locator('#figures tr').count() >= 3,
    'what was known stays');
  await textIsLegible('in trouble');
  await browser.setOffline(false);
  await page.waitForFunction(() =>
    document.querySelector('[role=alert]').textContent === '');
}

async function itIsRemembered() {
  await page.reload();
  await page.waitForSelector('#figures tr');
  assert.equal(await page.evaluate(() => document.documentElement.lang),
    'zh-CN', 'the language is remembered');
}

async function everythingHasAName() {
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll('button, select, input, a, [role=img]')]
      .filter((n) => n.checkVisibility())
      .filter((n) => !(n.ariaLabel || n.textContent.trim() && !n.options
        || [...n.labels ?? []].some((l) => l.textContent.trim())))
      .map((n) => n.outerHTML));
  assert.deepEqual(nameless, []);
  const loose = await page.evaluate(() =>
    [...document.querySelectorAll('th')].filter((n) => !n.scope).length);
  assert.equal(loose, 0, 'headings of tables have a scope');
}

async function textIsLegible(which) {
  const list = await contrasts();
  const low = list.filter(({ ratio }) => ratio < CONTRAST_LEAST);
  assert.deepEqual(low, []);
  const least = Math.min(...list.map(({ ratio }) => ratio));
  say(`least contrast ${which} ${least.toFixed(2)} of ${list.length} texts`);
}

async function visit() {
  await page.goto(url);
  const names = await theChainIsLinked();
  await theCurveIsDrawn();
  await theFiguresAreNumbers();
  await shot('console-en.png');
  await theKeyboardExplains(names);
  await everythingHasAName();
  await textIsLegible('in English');
  await shot('console-explain.png');
  await everyWordChanges();
  await everythingHasAName();
  await textIsLegible('in Chinese');
  await shot('console-zh.png');
  await page.keyboard.press('Escape'); // the focus is outside: nothing happens
  assert.ok(await page.locator('#explain').isVisible());
  await page.locator('#explain-close').focus();
  await page.keyboard.press('Escape');
  assert.ok(!await page.locator('#explain').isVisible(), 'Escape closes');
  assert.equal(await page.evaluate(() =>
    document.activeElement.dataset.explain), 'cpu_share', 'the focus is back');
  await itIsRemembered();
  assert.deepEqual(complaints, [], 'no error in the browser');
  await troubleIsTold();
  assert.deepEqual(strangers, [], 'no other host is asked');
}

try {
  await visit();
} catch (error) {
  await shot('console-failed.png').catch(() => {});
  console.error(complaints.join('\n'));
  throw error;
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
