// A ticket opens one socket, once, within seconds; each attempt asks for a fresh one.

import { MAX_FRAME_BYTES } from './events.js';

// Longest wait that a Retry-After can ask of this page.
const LONGEST_RETRY_AFTER_MS = 600_000;

// The server said no. `final` means that asking again the same way cannot help.
export class TicketRefused extends Error {
  constructor(words, { final, code = '', retryAfter = 0 }) {
    super(words);
    this.final = final;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

// Gives `{otp, name, maxFrameBytes}`, the name as the others will see it. An empty `name` asks for
// any.
export async function requestTicket(name, signal) {
  const response = await fetch('/ticket', {
    method: 'POST',
    headers: name ? { 'Content-Type': 'application/json' } : {},
    body: name ? JSON.stringify({ name }) : undefined,
    cache: 'no-store',
    signal,
  });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw refusal(response, body);
  if (typeof body?.otp !== 'string' || typeof body?.name !== 'string') {
    throw new TicketRefused('the server’s answer holds no ticket', { final: false });
  }
  const limit = body.max_message_bytes;
  const maxFrameBytes = Number.isInteger(limit) ? limit : MAX_FRAME_BYTES;
  return { otp: body.otp, name: body.name, maxFrameBytes };
}

function refusal(response, body) {
  const words = typeof body?.message === 'string' && body.message
    ? body.message
    : `the server refused a ticket (HTTP status ${response.status})`;
  const busy = response.status === 429 || response.status >= 500;
  return new TicketRefused(words, {
    final: !busy,
    code: typeof body?.error === 'string' ? body.error : '',
    retryAfter: retryAfter(response.headers.get('Retry-After')),
  });
}

function retryAfter(header) {
  const seconds = Number.parseInt(header ?? '', 10);
  return seconds > 0 ? Math.min(seconds * 1000, LONGEST_RETRY_AFTER_MS) : 0;
}
