// ask.js -- every question that the console asks, and the only place that knows
// the shapes of the answers.
//
// All go to the node that served the page.  A failure is an Error with the HTTP
// `status`; 0: nobody answered in time.
import { word } from './show.js';

const PATIENCE_MS = 8000;
const PAGES = 20;
const MACHINES_MAX = 32;
export const SPAN_S = 900; // of the live curve
const SENT = 'host_cpu_seconds_total'; // every machine sends it

class Failure extends Error {
  constructor(status, problem = {}, retry_s = 0) {
    super(`status ${status}`);
    this.status = status;
    this.problem = problem; // RFC 9457
    this.retry_s = retry_s;
  }
}

// In the language of now.
export const reason = ({ status }) => status
  ? word().refusals[status] ?? word().problem(status) : word().timeout;

// What the node said besides, in its own words (English).
export const detail = ({ problem }) => problem?.detail ?? problem?.message
  ?? '';

async function talk(method, path, parameters, body) {
  const query = new URLSearchParams(Object.entries(parameters)
    .filter(([, value]) => value !== undefined && value !== '')).toString();
  const headers = method === 'POST'
    ? { 'Idempotency-Key': crypto.randomUUID?.() ?? `${Math.random()}` } : {};
  let answer;
  try {
    answer = await fetch(query ? `${path}?${query}` : path, { method,
      headers: body === undefined ? headers
        : { ...headers, 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS), cache: 'no-store' });
  } catch {
    throw new Failure(0);
  }
  if (!answer.ok)
    throw new Failure(answer.status, await answer.json().catch(() => ({})),
      Number(answer.headers.get('Retry-After')) || 0);
  return answer;
}

export const ask = async (path, parameters = {}) =>
  (await talk('GET', path, parameters)).json();

// A whole listing, page by page; `member` is where its rows stand.  At most
// PAGES of them: nobody reads more on a screen.
export async function askAll(path, member, parameters = {}) {
  const rows = [];
  let next = '';
  for (let page = 0; next !== null && page < PAGES; page++) {
    const answer = await ask(path, { ...parameters, next });
    rows.push(...answer[member]);
    ({ next } = answer);
  }
  return rows;
}

export const askText = async (path, parameters = {}) => {
  const answer = await talk('GET', path, parameters);
  return { text: await answer.text(), headers: answer.headers };
};

// null where the answer has no body.
export async function send(method, path, body, parameters = {}) {
  const text = await (await talk(method, path, parameters, body)).text();
  return text ? JSON.parse(text) : null;
}

// --- the tree ---

// {node, role, state, lag_s, host, children: [the same]}, and of the node asked
// its parent {prefix, up}, or null.
export async function tree() {
  const [whole, own] = await Promise.all([
    ask('/api/tree/whole'), ask('/api/tree').catch(() => ({}))]);
  return { ...whole, parent: own.parent ?? null };
}

export function nodes(whole) {
  const list = [whole];
  for (let i = 0; i < list.length; i++) list.push(...list[i].children ?? []);
  return list;
}

// Identifiers with the series of a machine: those kept at this node, and
// PREFIX/host of every node below that says it sends its own.
export async function machines(whole) {
  const end = Math.floor(Date.now() / 1000);
  const own = await ask('/api/v1/label/id/values',
    { 'match[]': SENT, start: end - SPAN_S, end, limit: MACHINES_MAX })
    .catch(() => ({}));
  const below = nodes(whole).filter((one) => one.host)
    .map((one) => `${one.node}/host`);
  return [...new Set([...own.data ?? [], ...below])].slice(0, MACHINES_MAX);
}

// --- samples ---

const selector = (name, id) => `${name}{id=${JSON.stringify(id)}}`;

// Raw samples in (end - span, end], as a Map of seconds to value.
async function series(name, id, span, end) {
  const answer = await ask('/api/v1/query',
    { query: `${selector(name, id)}[${span}s]`, time: end });
  const values = answer.data?.result?.[0]?.values ?? [];
  return new Map(values.map(([t, v]) => [t, Number(v)]));
}

// Rows [t, value of each name], where one message brought them all.
export async function samples(names, id, span, end) {
  const [first, ...rest] = await Promise.all(
    names.map((name) => series(name, id, span, end)));
  return [...first].map(([t, v]) => [t, v, ...rest.map((one) => one.get(t))])
    .filter((row) => !row.includes(undefined));
}

// Identifiers that have series at this node.
export async function ids() {
  const answer = await ask('/api/v1/label/id/values', { limit: 1000 })
    .catch(() => ({}));
  return answer.data ?? [];
}

export async function metricsOf(id) {
  const answer = await ask('/api/v1/label/__name__/values',
    { 'match[]': `{id=${JSON.stringify(id)}}`, limit: 200 });
  return answer.data ?? [];
}

// A Map of seconds to value, at the points of the grid that have one.
export async function rangeOf(name, id, from, to, step) {
  const answer = await ask('/api/v1/query_range', { query: selector(name, id),
    start: from, end: to, step, lookback_delta: `${Math.max(step, 300)}s` });
  const values = answer.data?.result?.[0]?.values ?? [];
  return new Map(values.map(([t, v]) => [t, Number(v)]));
}

// About when the newest sample is, in seconds (a hundredth of its age late at
// the most); null: there is none.  The API tells whether one lies in a span.
export async function newest(name, id) {
  const now = Math.ceil(Date.now() / 1000);
  const within = async (age) => {
    const answer = await ask('/api/v1/query', { query: selector(name, id),
      time: now, lookback_delta: `${Math.ceil(age)}s` });
    return answer.data?.result?.length > 0;
  };
  let low = 0, high = 60;
  while (!await within(high)) {
    [low, high] = [high, high * 8];
    if (high > now) return null;
  }
  while (high - low > Math.max(high / 100, 10)) {
    const half = (low + high) / 2;
    if (await within(half)) high = half;
    else low = half;
  }
  return Math.ceil(now - low);
}

// --- figures ---

// [{pack, metrics: [{name}], measures: [{name}], freqs, dims ...}]
export const packs = async () => (await ask('/api/figures/packs')).packs;

// The figure of a window ('': the newest whole one), with the values of `last`
// windows up to it, oldest first.  404 while there is none.
export async function figure(packName, name, freq, window, last) {
  const answer = await ask('/api/figures', { pack: packName, metric: name,
    last, parts: 0, ...window ? { at: window } : { freq } });
  return { ...answer, history: answer.figures.map((one) => one.value) };
}

// {value, cell: [{dim, code, label}], expected, operands: [{name, label, unit, sum, expr}], times, minus,
// entries: [{kind, name, value, a, b, reported, expected, epoch, revision, why,
// changed, shard, sequence, metric, below: [the same]}]}
export async function explanation(f) {
  const answer = await ask('/api/figures/explain',
    { pack: f.pack, metric: f.name, at: f.window, asof: f.askedAt,
      cell: f.cell });
  return { ...answer, operands: [answer.a, answer.b].filter(Boolean) };
}
