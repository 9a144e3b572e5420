// One lasting connection made of many sockets: ticket, socket, `hello`, and back again after a loss.

import { retryDelay } from './backoff.js';
import { endOf } from './closing.js';
import { pathOf } from './paths.js';
import { SUBPROTOCOL, decode, encodePing } from './protocol.js';
import { Refused } from './session.js';

// Ticket, handshake and `hello` together.
const ATTEMPT_TIMEOUT_MS = 10_000;

// A connection that held this long was a good one: the next loss starts from the first delay.
const STABLE_AFTER_MS = 10_000;

// Bytes the browser may hold for a socket that drains slowly.
const BUFFERED_BYTES_MAX = 1_048_576;

// A line quiet for longer is asked whether it is alive: the server's own pings are hidden from a page.
const TRUSTED_QUIET_MS = 25_000;
const ANSWER_WITHIN_MS = 10_000;
const WATCH_EVERY_MS = 5_000;

export class Connection {
  #getTicket;
  #on;
  #socket = null;
  #abort = null;
  #closing = null;
  #failures = 0;
  #timers = new Set();
  // Counts attempts; whatever an earlier one still reports is not listened to.
  #attempt = 0;
  #phase = 'closed';
  // When the server was last heard and last asked, in ms since the epoch: that clock goes on while
  // the device sleeps. 0: not asked since it was heard.
  #heardAt = 0;
  #askedAt = 0;

  // `getTicket(signal)` gives `{otp}`. `onState` gets `{phase, reason, retryAt, code}`, where `phase`
  // is connecting, online, offline (and trying again) or closed (and waiting for the user), and
  // `code` tells a refusal; `onFrame` gets each decoded frame, `hello` first.
  constructor({ getTicket, onState, onFrame }) {
    this.#getTicket = getTicket;
    this.#on = { state: onState, frame: onFrame };
    this.wake = () => {
      if (document.hidden) return;
      if (this.#phase === 'offline') this.#open();
      else this.#ask();
    };
    this.doubt = () => this.#ask();
  }

  get isOnline() {
    return this.#phase === 'online';
  }

  // `first`, if given, is a ticket to spend before asking for one.
  start(first = null) {
    window.addEventListener('online', this.wake);
    window.addEventListener('offline', this.doubt);
    document.addEventListener('visibilitychange', this.wake);
    this.#open(first);
  }

  // At once, if there is anything to retry.
  retryNow() {
    if (this.#phase === 'offline' || this.#phase === 'closed') this.start();
  }

  stop() {
    this.#drop();
    this.#close({ reason: '', code: 'stopped' });
  }

  // False when the frame cannot be handed over now; nothing is kept for later.
  send(frame) {
    if (!this.isOnline || this.#socket.bufferedAmount > BUFFERED_BYTES_MAX) return false;
    this.#socket.send(frame);
    return true;
  }

  // Asks whether somebody is there, unless an answer is waited for already.
  #ask() {
    if (!this.isOnline || this.#askedAt > 0) return;
    this.#askedAt = Date.now();
    this.#socket.send(encodePing('?'));
    this.#after(ANSWER_WITHIN_MS, () => this.#watch());
  }

  #watch() {
    if (!this.isOnline) return;
    const now = Date.now();
    if (this.#askedAt > 0 && now - this.#askedAt >= ANSWER_WITHIN_MS) {
      this.#lost('the server does not answer any more');
    } else if (now - this.#heardAt >= TRUSTED_QUIET_MS) {
      this.#ask();
    }
  }

  async #open(first = null) {
    const attempt = this.#drop();
    this.#report({ phase: 'connecting' });
    this.#after(ATTEMPT_TIMEOUT_MS, () => this.#lost('the server does not answer'));
    try {
      this.#abort = new AbortController();
      const { otp } = first ?? await this.#getTicket(this.#abort.signal);
      if (attempt === this.#attempt) this.#dial(otp, attempt);
    } catch (error) {
      if (attempt === this.#attempt) this.#ticketFailed(error);
    }
  }

  // The ticket goes as a subprotocol: an address would end up in logs.
  #dial(otp, attempt) {
    const address = new URL(pathOf('ws'), location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    address.hash = '';
    const socket = new WebSocket(address, [SUBPROTOCOL, `ticket.${otp}`]);
    this.#socket = socket;
    const current = (handler) => (event) => {
      if (attempt === this.#attempt) handler(event);
    };
    socket.addEventListener('message', current((event) => this.#heard(event.data)));
    socket.addEventListener('close', current((event) => this.#ended(event)));
  }

  #heard(data) {
    this.#heardAt = Date.now();
    this.#askedAt = 0;
    const frame = decode(data);
    if (!frame) return;
    if (frame.t === 'hello' && this.#phase === 'connecting') this.#entered();
    if (frame.t === 'closing') this.#closing = frame;
    if (this.isOnline) this.#on.frame(frame);
  }

  #entered() {
    this.#clearTimers();
    this.#after(STABLE_AFTER_MS, () => { this.#failures = 0; });
    this.#every(WATCH_EVERY_MS, () => this.#watch());
    this.#report({ phase: 'online' });
  }

  #ended(event) {
    const end = endOf(event, this.#closing);
    if (end.isSignedOut) {
      this.#drop();
      this.#close({ reason: end.words, code: 'signed_out' });
    } else if (!end.comesBack) {
      this.#drop();
      this.#close({ reason: end.words, code: 'policy' });
    } else {
      const words = this.isOnline || this.#closing ? end.words : 'the connection could not be opened';
      this.#lost(words, end);
    }
  }

  #ticketFailed(error) {
    if (!(error instanceof Refused)) {
      this.#lost('the server cannot be reached');
    } else if (error.retryAfterMs === null) {
      this.#drop();
      this.#close({ reason: error.message, code: error.code || 'refused' });
    } else {
      this.#lost(error.message, { atLeast: error.retryAfterMs });
    }
  }

  // `exactly`, the server's own wish, is spread by the server already.
  #lost(reason, { exactly = null, ...options } = {}) {
    this.#drop();
    const delay = exactly ?? retryDelay(this.#failures, options);
    this.#failures += 1;
    this.#after(delay, () => this.#open());
    const words = navigator.onLine ? reason : 'this device is offline';
    this.#report({ phase: 'offline', reason: words, retryAt: Date.now() + delay });
  }

  #close(state) {
    window.removeEventListener('online', this.wake);
    window.removeEventListener('offline', this.doubt);
    document.removeEventListener('visibilitychange', this.wake);
    this.#report({ phase: 'closed', ...state });
  }

  // Ends whatever is under way and gives the number of the next attempt.
  #drop() {
    this.#clearTimers();
    this.#askedAt = 0;
    this.#closing = null;
    this.#abort?.abort();
    this.#abort = null;
    this.#socket?.close();
    this.#socket = null;
    this.#attempt += 1;
    return this.#attempt;
  }

  #report(state) {
    this.#phase = state.phase;
    this.#on.state({ reason: '', retryAt: 0, code: '', ...state });
  }

  #after(delay, then) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      then();
    }, delay);
    this.#timers.add(timer);
  }

  #every(delay, then) {
    this.#after(delay, () => {
      then();
      if (this.isOnline) this.#every(delay, then);
    });
  }

  #clearTimers() {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
