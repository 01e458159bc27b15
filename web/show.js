// show.js -- the language, and changing the page without flicker.
//
// Everything that is drawn again and again goes through put() and keep(): they
// touch only what differs, so focus, selection and open panels stay.
import { texts } from './text.js';

const KEPT = 'dougong.language';

function remembered() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // storage may be forbidden; the browser's language then
  }
}

let language = texts[remembered()] ? remembered()
  : navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';

export const word = () => texts[language];
export const lang = () => word().lang;

export function otherLanguage() {
  language = language === 'en' ? 'zh' : 'en';
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // it holds for this visit only
  }
}

export const at = (id) => document.getElementById(id);

export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function attribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// element('td', 'number', 'text' or children ...)
export function element(tag, style, ...inside) {
  const node = document.createElement(tag);
  if (style) node.className = style;
  node.append(...inside);
  return node;
}

// Children of parent, one per item, in order: made once per key, then changed.
export function keep(parent, items, key, make, change) {
  const old = new Map([...parent.children].map((n) => [n.dataset.key, n]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let node = old.get(name);
    if (!node) {
      node = make(item);
      node.dataset.key = name;
    }
    old.delete(name);
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
    change(node, item);
  }
  for (const node of old.values()) node.remove();
}

// A select's options; the choice stays while it is among them.
export function choices(select, pairs) {
  keep(select, pairs, ([value]) => value, ([value]) => {
    const option = element('option');
    option.value = value;
    return option;
  }, (option, [, text]) => put(option, text));
}

// Decimal text is shown exactly as rounded by half away from zero; it is never
// a floating number on its way.
export function number(text, least, most = least) {
  return new Intl.NumberFormat(lang(), { minimumFractionDigits: least,
    maximumFractionDigits: most }).format(text);
}

// The largest unit of its ladder that leaves a number of at least 1.
export function amount(text, unit, digits) {
  if (text === null || text === undefined) return word().nothing;
  const size = Math.abs(Number(text));
  const ladder = word().ladders[unit];
  const i = ladder?.findLastIndex(([factor]) => size >= factor) ?? -1;
  if (i > 0)
    return `${number(Number(text) / ladder[i][0], 2)} ${ladder[i][1]}`;
  if (ladder) return `${number(text, 0, digits ?? 12)} ${ladder[0][1]}`;
  const least = digits ?? (unit === '%' ? 1 : 0);
  return join(number(text, least, digits ?? (least || 12)), unit);
}

export function exact(text, unit, digits = 0) {
  if (text === null || text === undefined) return word().nothing;
  return join(number(text, digits, 12), unit);
}

export const unitText = (unit) =>
  word().units[unit] ?? word().ladders[unit]?.[0][1] ?? unit ?? '';

function join(text, unit) {
  const shown = unitText(unit);
  return shown ? `${text} ${shown}` : text;
}

// A span of time in its largest whole unit.
export function span(s) {
  const [unit, size] = [['d', 86400], ['h', 3600], ['min', 60]]
    .find(([, least]) => s >= 2 * least) ?? ['s', 1];
  return `${Math.floor(s / size)} ${word().spans[unit]}`;
}

export const two = (n) => String(n).padStart(2, '0');

// All times are of one zone: that of the pack once a figure is known, so that
// the curve and the figures agree; until then this browser's.
let zone = -new Date().getTimezoneOffset(); // minutes east

export function setZone(minutes) {
  zone = minutes;
}

export function zoneText() {
  const rest = Math.abs(zone) % 60;
  return `UTC${zone < 0 ? '−' : '+'}${Math.floor(Math.abs(zone) / 60)}`
    + (rest ? `:${two(rest)}` : '');
}

export const zoneMinutes = () => zone;

// Seconds since 1970 as a day, as it is sorted and filed.
export const day = (s) =>
  new Date((s + zone * 60) * 1000).toISOString().slice(0, 10);

// Seconds since 1970 as a time of day.
export function clock(s, withSeconds = true) {
  const text = new Date((s + zone * 60) * 1000).toISOString();
  return text.slice(11, withSeconds ? 19 : 16);
}

// Milliseconds since 1970 as a day and a time of day.
export const moment = (ms) => `${day(ms / 1000)} ${clock(ms / 1000)}`;

// The name that a pack or a code list gives to what has one.
export const label = (one) => one.label?.[lang().slice(0, 2)] ?? one.name ?? '';

// A window's own name, which is in the zone of its pack.
export function windowText({ window, freq }) {
  const [day_, shift] = window.split('.');
  if (freq === 'shift') return `${day_} ${word().shifts[shift] ?? shift}`;
  return window.replace('..', '–').replace('T', ' ')
    + (freq === 'hour' ? ':00' : '');
}
