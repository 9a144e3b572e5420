// Who comes in: sign-in with a password, a ticket with the session's cookie, a guest's ticket, and
// sign-out. The answers hold no secret but the ticket, which opens one socket, once, within seconds.

import { pathOf } from './paths.js';

// Longest wait that a Retry-After can ask of this page.
const RETRY_AFTER_MS_MAX = 600_000;

// Statuses of a server that has no such door.
const NO_DOOR = new Set([404, 405, 501]);

// The server said no. `code` is its own name for it, or `no_accounts`; `retryAfterMs` is null where
// asking again the same way cannot help.
export class Refused extends Error {
  constructor(words, { code = '', retryAfterMs = null } = {}) {
    super(words);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

// Gives `{otp, user, guest}`; the browser has kept the session's cookie.
export async function signIn(username, password, signal) {
  const { otp, user } = await post('login', { username, password }, signal);
  if (typeof otp !== 'string' || typeof user !== 'string') throw noTicket();
  return { otp, user, guest: false };
}

// Gives `{otp, user, guest}` for whoever the cookie says; without one for a guest who wants to be
// called `name`, '' for any name.
export async function ticket(name, signal) {
  const answer = await post('ticket', name ? { name } : null, signal);
  if (typeof answer.otp !== 'string' || typeof answer.name !== 'string') throw noTicket();
  return { otp: answer.otp, user: answer.name, guest: answer.guest !== false };
}

// As `ticket`, for who wants to be a guest: the cookie of a session that has ended is in the way.
export async function guestTicket(name, signal) {
  try {
    return await ticket(name, signal);
  } catch (error) {
    if (error.code !== 'bad_session') throw error;
    await signOut(signal);
    return ticket(name, signal);
  }
}

// The session, its tickets and its connections end. One that had ended already is none either.
export async function signOut(signal) {
  try {
    await post('logout', null, signal);
  } catch (error) {
    if (error.code !== 'bad_session') throw error;
  }
}

async function post(door, body, signal) {
  const response = await fetch(pathOf(door), {
    method: 'POST',
    headers: body ? { 'Content-Type': 'application/json' } : {},
    body: body ? JSON.stringify(body) : undefined,
    cache: 'no-store',
    signal,
  });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw refusal(door, response, answer);
  return answer ?? {};
}

function refusal(door, response, answer) {
  const { status } = response;
  const code = typeof answer?.error === 'string' ? answer.error : '';
  if (NO_DOOR.has(status) && !code) {
    return new Refused(door === 'ticket' ? 'This server lets nobody in by this page.'
      : 'This server has no accounts.', { code: 'no_accounts' });
  }
  const words = typeof answer?.message === 'string' && answer.message
    ? answer.message
    : `The server refused with HTTP status ${status}.`;
  const mayHelp = status === 408 || status === 429 || status >= 500;
  const retryAfterMs = mayHelp ? retryAfter(response.headers.get('Retry-After')) : null;
  return new Refused(words, { code, retryAfterMs });
}

function retryAfter(header) {
  const seconds = Number.parseInt(header ?? '', 10);
  return seconds > 0 ? Math.min(seconds * 1000, RETRY_AFTER_MS_MAX) : 0;
}

function noTicket() {
  return new Refused('The server’s answer holds no ticket.', { retryAfterMs: 0 });
}
