// eyes.mjs -- a real browser for the tests of the console, and what is asked of
// every page: that all its words change with the language, that every control
// has a name, that text is legible, that nothing is wider than a small screen.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const CONTRAST_LEAST = 4.5; // WCAG 2.1, 1.4.3 AA
const NARROW = { width: 360, height: 740 };
const WIDE = { width: 1200, height: 1000 };

const profile = mkdtempSync(join(tmpdir(), 'dougong-console-'));
export const browser = await chromium.launchPersistentContext(profile, {
  executablePath: '/usr/bin/chromium',
  headless: true,
  timeout: 300_000,
  locale: 'en-GB',
  viewport: WIDE,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--disable-dev-shm-usage'],
});
export const page = browser.pages()[0] ?? await browser.newPage();
page.setDefaultTimeout(120_000); // only a broken page needs so long

export const [url, folder] = process.argv.slice(2);
const complaints = [], strangers = [];
// Refusals that a visit provokes are told by the browser too: what is said and
// the address.  A page asks again by itself, so they are expected until the end,
// or until the function that is returned is called.
const expected = new Set();
export function expect(said, address = '') {
  const one = [String(said), address];
  expected.add(one);
  return () => expected.delete(one);
}
page.on('console', (m) => m.type() === 'error'
  && ![...expected].some(([said, address]) => m.text().includes(said)
    && m.location().url.includes(address))
  && complaints.push(`${m.text()} ${m.location().url}`));
page.on('pageerror', (error) => complaints.push(error.stack));
browser.on('request', (request) => {
  if (new URL(request.url()).hostname !== new URL(url).hostname)
    strangers.push(request.url());
});

export const say = (text) => console.log(`figure: ${text}`);
export const shot = (name) => page.screenshot({ path: join(folder, name),
  fullPage: true });
export const text = (selector) => page.locator(selector).innerText();
export const nothingIsWrong = () => {
  assert.deepEqual(complaints, [], 'no error in the browser');
  assert.deepEqual(strangers, [], 'no other host is asked');
};

// The page of an address, once its element is there.
export async function go(hash, ready) {
  await page.evaluate((to) => { location.hash = to; }, hash);
  await page.waitForSelector(ready);
}

export const holds = (what, ...args) => page.waitForFunction(what, ...args);

// --- what is on the page, as seen from inside ---

const visibleTexts = () => page.evaluate(() => {
  const walker = document.createTreeWalker(document.body,
    NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const parent = walker.currentNode.parentElement;
    const option = parent.closest('option');
    if (text && !parent.closest('script, code, pre, [translate=no]')
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


// --- what is asked of every page ---

export async function everythingHasAName() {
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll(
      'button, select, input, a, [role=img], [role=region]')]
      .filter((n) => n.checkVisibility())
      .filter((n) => !(n.ariaLabel || n.textContent.trim() && !n.options
        || [...n.labels ?? []].some((l) => l.textContent.trim())))
      .map((n) => n.outerHTML));
  assert.deepEqual(nameless, []);
  const loose = await page.evaluate(() =>
    [...document.querySelectorAll('th')].filter((n) => !n.scope).length);
  assert.equal(loose, 0, 'headings of tables have a scope');
  const twice = await page.evaluate(() => {
    const ids = [...document.querySelectorAll('[id]')].map((n) => n.id);
    return ids.filter((id, i) => ids.indexOf(id) !== i);
  });
  assert.deepEqual(twice, [], 'an id is there once');
}

export async function textIsLegible(which) {
  const list = await contrasts();
  const low = list.filter(({ ratio }) => ratio < CONTRAST_LEAST);
  assert.deepEqual(low, []);
  const least = Math.min(...list.map(({ ratio }) => ratio));
  say(`least contrast ${which} ${least.toFixed(2)} of ${list.length} texts`);
}

export async function language(wanted) {
  const now = () => document.documentElement.lang.slice(0, 2);
  if (await page.evaluate(now) === wanted) return;
  await page.locator('#language').focus();
  await page.keyboard.press('Enter');
  await holds((lang) => document.documentElement.lang.slice(0, 2) === lang,
    wanted);
}

// What may stand between Chinese: identifiers, names of series and packs,
// numbers, units.
const NAMES = new RegExp([
  String.raw`\bhttps?:\/\/[\w.:\/-]+`,
  String.raw`\b0\.NA\/[\w.]+`,
  String.raw`\b\d+(\.\d+)*(\/[\w.-]+)?`,
  String.raw`\b[a-z]+(_[a-z0-9]+)+\b`,
  String.raw`\b[a-z]+\/[a-z0-9]+\b`,
  String.raw`\b(UTC|SHA-256|HTTP|MQTT|[KMGTP]iB|[kMG]?Wh|kg|ms)\b`,
  String.raw`\b(Dougong|host|ISO \d+|reader|breakit|admin|wang-\d+|firm-\d+|operator\.key)\b`,
  String.raw`\b(region|ind)[:=]\w+`].join('|'), 'g');

async function everyWordIsEnglish() {
  for (const { text: one, lang } of await visibleTexts())
    assert.ok(lang === 'zh-CN' || !/[\u3400-\u9fff]/.test(one),
      `Chinese on the English page: ${one}`);
}

// least: so many texts are Chinese.
async function everyWordIsChinese(least) {
  const [en, zh] = [await wordsOf('en'), new Set(await wordsOf('zh'))];
  const left = new Set(en.filter((w) => /[a-z]{2}/i.test(w) && !zh.has(w)));
  const chinese = await visibleTexts();
  let changed = 0;
  for (const { text: one, lang } of chinese) {
    if (lang !== 'zh-CN') continue;
    assert.ok(!left.has(one), `English on the Chinese page: ${one}`);
    assert.ok(!/[a-z]{2}/i.test(one.replaceAll(NAMES, '')),
      `not Chinese: ${one}`);
    if (/[\u3400-\u9fff]/.test(one)) changed++;
  }
  assert.ok(changed > least, `${changed} texts are Chinese`);
  return `${changed} of ${chinese.length}`;
}

async function itFitsASmallScreen(name) {
  await page.setViewportSize(NARROW);
  const wide = await page.evaluate(() => [document.documentElement.scrollWidth,
    document.documentElement.clientWidth]);
  assert.ok(wide[0] <= wide[1], `${name}: ${wide[0]} px at ${wide[1]} px`);
  await shot(`console-${name}-narrow.png`);
  await page.setViewportSize(WIDE);
}

// The page that is shown, in both languages; it ends in English.
export async function isForEverybody(name, least = 8) {
  await language('en');
  await everyWordIsEnglish();
  await everythingHasAName();
  await textIsLegible(`of ${name}`);
  await shot(`console-${name}-en.png`);
  await itFitsASmallScreen(name);
  await language('zh');
  const changed = await everyWordIsChinese(least);
  await everythingHasAName();
  await textIsLegible(`of ${name} in Chinese`);
  await shot(`console-${name}-zh.png`);
  say(`${name}: ${changed} texts are Chinese, the others numbers, `
    + 'identifiers and units');
  await language('en');
}

export async function visit(...steps) {
  try {
    for (const step of steps) await step();
    nothingIsWrong();
  } catch (error) {
    await shot('console-failed.png').catch(() => {});
    console.error(complaints.join('\n'));
    throw error;
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
}
