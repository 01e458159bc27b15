// me.js -- who is looking at the console, and what this person may do.
import { ask, send } from './ask.js';

let who = null; // {kind, name, roles, scope, may: [actions]}; null: not known

export const known = () => who !== null;
export const name = () => who?.kind === 'user' ? who.name : '';
export const roles = () => who?.roles ?? [];
export const scope = () => who?.scope ?? '';

// action: of /api/rights, such as "users".  The node decides again each time;
// this only spares people what they would be refused.
export const may = (action) => who?.may.includes(action) ?? false;

export async function load() {
  who = await ask('/api/sessions/this');
}

// {user, password} or {link}
export async function login(credentials) {
  who = await send('POST', '/api/sessions', credentials);
}

export async function logout() {
  await send('DELETE', '/api/sessions/this');
  await load();
}

export const password = (old, fresh) => send('PUT',
  '/api/sessions/this/password', { ...old && { old }, new: fresh });
