// proof.js -- arithmetic of trust, done in the browser and not by the node:
// hashes, the root of an audit log, signatures.
//
// Source  RFC 6962 2.1 (leaf 00, node 01, SHA-256); Ed25519 by WebCrypto, which
//         a browser may not have: then null, and the page says so.

export const able = () => Boolean(globalThis.crypto?.subtle);

export const bytes64 = (text) =>
  Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

export const hex = (bytes) => [...bytes].map((b) =>
  b.toString(16).padStart(2, '0')).join('');

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((n, one) => n + one.length, 0));
  let at = 0;
  for (const one of parts) {
    whole.set(one, at);
    at += one.length;
  }
  return whole;
}

const hash = async (...parts) => new Uint8Array(
  await crypto.subtle.digest('SHA-256', joined(parts)));

const LEAF = Uint8Array.of(0), NODE = Uint8Array.of(1);

// The root over leaves that come one by one: peaks of full subtrees, as in a
// binary counter.
export function tree() {
  const peaks = []; // {height, hash}, high ones first
  return {
    async add(leaf) {
      let height = 0, top = await hash(LEAF, leaf);
      while (peaks.at(-1)?.height === height) {
        top = await hash(NODE, peaks.pop().hash, top);
        height++;
      }
      peaks.push({ height, hash: top });
    },
    async root() {
      if (!peaks.length) return hash();
      let top = peaks.at(-1).hash;
      for (let i = peaks.length - 2; i >= 0; i--)
        top = await hash(NODE, peaks[i].hash, top);
      return top;
    },
  };
}

function u64(value) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

// true, false, or null: this browser cannot tell.
export async function signed(publicKey, signature, ...parts) {
  let key;
  try {
    key = await crypto.subtle.importKey('spki', publicKey, 'Ed25519', false,
      ['verify']);
  } catch {
    return null;
  }
  return crypto.subtle.verify('Ed25519', key, signature,
    joined(parts));
}

// The head of an audit log, as /api/audit/head gives it.
export const headSigned = (head) => signed(bytes64(head.public_key),
  bytes64(head.tree_head_signature), new TextEncoder().encode('DGSTH1\0\0'),
  u64(head.tree_size), u64(head.timestamp), bytes64(head.sha256_root_hash));

// A batch of figures as an explanation gives it, {key_id, key, batch}; drawn in
// doc/formats/dgf1.md: the key's id and the signature are its last 72 bytes,
// the size and the sums in its head are not signed.
export async function batchSigned({ key_id: id, key, batch }) {
  const whole = bytes64(batch), publicKey = bytes64(key);
  const own = hex(whole.slice(-72, -64));
  if (own !== hex((await hash(publicKey)).slice(0, 8)) || own !== id)
    return false;
  const body = whole.slice(0, -72);
  body.fill(0, 36, 48);
  return signed(publicKey, whole.slice(-64),
    new TextEncoder().encode('dougong figures 1\0'), body);
}

// A return and a receipt as /api/returns gives them: the signature is the last
// 64 bytes of each.
const tail = (what, { return: r, receipt }, key) => {
  const whole = bytes64(what === 'return' ? r : receipt);
  return signed(bytes64(key), whole.slice(-64),
    new TextEncoder().encode(`dougong ${what} 1\0`), whole.slice(0, -64));
};

export const returnSigned = (view) => view.public_key
  ? tail('return', view, view.public_key) : null;

// A receipt names the return by its hash.
export async function receiptSigned(receipt) {
  if (!receipt.public_key) return null;
  const own = hex(await hash(bytes64(receipt.return)));
  return own === receipt.sha256
    ? tail('receipt', receipt, receipt.public_key) : false;
}
