// One lasting connection made of many sockets: ticket, socket, and back again after a loss.

import { retryDelay } from './backoff.js';
import { SUBPROTOCOL, encodeRoomChange } from './events.js';
import { TicketRefused, requestTicket } from './ticket.js';

// Ticket and handshake together.
const ATTEMPT_TIMEOUT_MS = 10_000;

// A connection that held this long was a good one: the next loss starts from the first delay.
const STABLE_AFTER_MS = 10_000;

// Bytes the browser may hold for a socket that drains slowly.
const MAX_BUFFERED_BYTES = 1_048_576;

// A line quiet for longer may be dead without a word: the server's pings are hidden from a page.
const TRUSTED_QUIET_MS = 60_000;

const GOING_AWAY = 1001;
const POLICY = 1008;

// Reasons beside 1008 that are no reproach: a phone that slept, a network that was too slow.
const COMES_BACK = /^(connection too slow|no sign of life)/;

export class Connection {
  #name;
  #room;
  #onState;
  #onFrame;
  #socket = null;
  #abort = null;
  #failures = 0;
  #timers = new Set();
  // Counts attempts; whatever an earlier one still reports is not listened to.
  #attempt = 0;
  #phase = 'closed';
  // When the server was last heard, in ms since the epoch: it goes on while the device sleeps.
  #heardAt = 0;

  // `onState` gets `{phase, reason, retryAt, name, maxFrameBytes, code, quietSince}`, where `phase`
  // is connecting, connected, reconnecting or closed and `quietSince`, if not 0, dates the last sign
  // of life of a line that is given up; `onFrame` gets the text of each frame.
  constructor({ name, room, onState, onFrame }) {
    this.#name = name;
    this.#room = room;
    this.#onState = onState;
    this.#onFrame = onFrame;
    this.online = () => {
      this.retryNow();
      this.#renewIfQuiet();
    };
    this.seen = () => {
      if (!document.hidden) this.#renewIfQuiet();
    };
  }

  get connected() {
    return this.#phase === 'connected';
  }

  start() {
    window.addEventListener('online', this.online);
    document.addEventListener('visibilitychange', this.seen);
    this.#open();
  }

  // At once, if there is anything to retry.
  retryNow() {
    if (this.#phase === 'reconnecting' || this.#phase === 'closed') this.start();
  }

  stop(reason) {
    this.#drop();
    this.#close({ reason });
  }

  // False when the frame cannot be handed over now; nothing is kept for later.
  send(frame) {
    if (!this.connected || this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) return false;
    this.#socket.send(frame);
    return true;
  }

  // Asks for the room, or dials it from now on. False when a change cannot be handed over now.
  enter(room) {
    if (this.connected && !this.send(encodeRoomChange(room))) return false;
    this.#room = room;
    // A socket that is not open yet would open in the room before.
    if (this.#phase === 'connecting' && this.#socket) this.#open();
    return true;
  }

  #renewIfQuiet() {
    if (this.connected && Date.now() - this.#heardAt > TRUSTED_QUIET_MS) {
      this.#open({ quietSince: this.#heardAt });
    }
  }

  async #open({ quietSince = 0 } = {}) {
    const attempt = this.#drop();
    this.#report({ phase: 'connecting', quietSince });
    this.#after(ATTEMPT_TIMEOUT_MS, () => this.#lost('the server does not answer'));
    try {
      this.#abort = new AbortController();
      const ticket = await requestTicket(this.#name, this.#abort.signal);
      if (attempt === this.#attempt) this.#dial(ticket, attempt);
    } catch (error) {
      if (attempt === this.#attempt) this.#ticketFailed(error);
    }
  }

  // In its room from the start, so that no other room's messages come before it. The ticket goes as
  // a subprotocol: an address would end up in logs.
  #dial(ticket, attempt) {
    const address = new URL('/ws', location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    address.search = new URLSearchParams({ room: this.#room });
    address.hash = '';
    const socket = new WebSocket(address, [SUBPROTOCOL, `ticket.${ticket.otp}`]);
    this.#socket = socket;
    const current = (handler) => (event) => {
      if (attempt === this.#attempt) handler(event);
    };
    socket.addEventListener('open', current(() => this.#opened(ticket)));
    socket.addEventListener('message', current((event) => this.#heard(event.data)));
    socket.addEventListener('close', current((event) => this.#closed(event)));
  }

  #opened({ name, maxFrameBytes }) {
    this.#clearTimers();
    this.#heardAt = Date.now();
    this.#after(STABLE_AFTER_MS, () => { this.#failures = 0; });
    this.#report({ phase: 'connected', name, maxFrameBytes });
  }

  #heard(frame) {
    this.#heardAt = Date.now();
    this.#onFrame(frame);
  }

  #closed({ code, reason }) {
    if (!this.connected) {
      this.#lost('the connection could not be opened');
    } else if (code === POLICY && !COMES_BACK.test(reason)) {
      this.#drop();
      this.#close({ reason: closeWords(code, reason), code: 'policy' });
    } else {
      this.#lost(closeWords(code, reason), { goingAway: code === GOING_AWAY });
    }
  }

  #ticketFailed(error) {
    if (error instanceof TicketRefused && error.final) {
      this.#drop();
      this.#close({ reason: error.message, code: error.code });
    } else if (error instanceof TicketRefused) {
      this.#lost(error.message, { atLeast: error.retryAfter });
    } else {
      this.#lost('the server cannot be reached');
    }
  }

  #lost(reason, options) {
    this.#drop();
    const delay = retryDelay(this.#failures, options);
    this.#failures += 1;
    this.#after(delay, () => this.#open());
    const words = navigator.onLine ? reason : 'this device is offline';
    this.#report({ phase: 'reconnecting', reason: words, retryAt: Date.now() + delay });
  }

  #close(state) {
    window.removeEventListener('online', this.online);
    document.removeEventListener('visibilitychange', this.seen);
    this.#report({ phase: 'closed', ...state });
  }

  // Ends whatever is under way and gives the number of the next attempt.
  #drop() {
    this.#clearTimers();
    this.#abort?.abort();
    this.#abort = null;
    this.#socket?.close();
    this.#socket = null;
    this.#attempt += 1;
    return this.#attempt;
  }

  #report(state) {
    this.#phase = state.phase;
    this.#onState({ reason: '', retryAt: 0, name: '', code: '', quietSince: 0, ...state });
  }

  #after(delay, then) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      then();
    }, delay);
    this.#timers.add(timer);
  }

  #clearTimers() {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

// What a close code means to a person (RFC 6455, 7.4.1); the server's own reason says more.
function closeWords(code, reason) {
  const meaning = {
    1000: 'the server ended the connection',
    1001: 'the server is going away',
    1006: 'the connection was lost',
    1008: 'the server ended the connection for policy',
    1009: 'a message was too large for the server',
    1011: 'the server met an internal error',
    1012: 'the server is restarting',
    1013: 'the server is overloaded',
  }[code] ?? `the connection was closed with code ${code}`;
  return reason ? `${meaning} (${reason})` : meaning;
}
