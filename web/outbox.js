// One room's own messages between writing and their entry. Only an ack or the entry itself proves
// that the room has one. Until then it is sent again over every new connection, with the same id and with
// the place that the room had before it was sent first: by these the server takes it once.

// More own messages than these, of all rooms of a page, are not taken while they are not delivered.
export const ITEMS_MAX = 200;
export const BYTES_MAX = 2 << 20;

// After this long without an answer the line says so; a later answer still counts.
export const ANSWER_EXPECTED_WITHIN_MS = 10_000;

// Before what the server did not take is sent again, where it does not say how long, and at most.
const PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 30_000;

// Why the server has not taken a message yet, where its own words would ask the writer to do what this
// page does by itself.
const NOT_YET = new Map([
  ['rate_limited', 'the server asks for a short pause'],
  ['not_stored', 'the server could not store it'],
  ['disk_full', 'the server’s disk is full'],
  ['store_failed', 'the server cannot write to this room'],
  ['outcome_unknown', 'the server does not know whether it was stored'],
]);

export const FORGOTTEN = 'Not known whether this was delivered: the server no longer remembers';

export class Outbox {
  // `{key, id, text, bytes, written, number, since, wasSent, isKept, state, words}` and more of its own;
  // `since` is the room's place before it was sent first, or null; state is one of
  // keeping: not yet where a reload finds it; queued: not handed over yet; sent: on its way; late: sent,
  // and no answer for long; unknown: whether it was published is not known; refused: the server
  // has not taken it; acked: it has its place.
  messages = [];
  // Nothing is sent until this time, in ms since the epoch.
  pausedUntil = 0;

  // Those that a reload or a lost connection could still lose.
  get undelivered() {
    return this.messages.filter(({ state }) => state !== 'acked');
  }

  add({ id, text, bytes, written, number }) {
    const message = {
      key: `own:${id}`, id, text, bytes, written: new Date(written), number,
      since: null, wasSent: false, isKept: false,
      state: 'keeping', words: '', code: '', sentAt: 0, pauses: 0, place: null,
    };
    this.messages.push(message);
    return message;
  }

  // One of an earlier page; those stand before what this page has written.
  restore({ since, refusal, code, ...rest }) {
    const message = this.add(rest);
    const state = refusal ? 'refused' : 'queued';
    Object.assign(message, { since, wasSent: since !== null, isKept: true, state, words: refusal, code });
    this.messages.sort((a, b) => a.written - b.written || a.number - b.number);
  }

  // A reload finds it now, or never will.
  kept(id, isKept) {
    this.#change(id, (message) => {
      message.isKept = isKept;
      if (message.state === 'keeping') message.state = 'queued';
    });
  }

  // What is to be handed over now, in the order of writing; it counts as sent when `sent` says so.
  // After a pause one goes at a time, so that the next pause concerns one only.
  sendable(now) {
    if (now < this.pausedUntil) return [];
    const open = this.messages.filter(({ state }) => state === 'keeping' || state === 'queued' || state === 'sent');
    const end = open.findIndex(({ state }) => state === 'keeping');
    const queued = open.slice(0, end < 0 ? open.length : end).filter(({ state }) => state === 'queued');
    if (open.every(({ pauses }) => pauses === 0)) return queued;
    return open.some(({ state }) => state === 'sent') ? [] : queued.slice(0, 1);
  }

  sent(id, now) {
    this.#change(id, (message) => {
      message.state = 'sent';
      message.wasSent = true;
      message.words = '';
      message.sentAt = now;
    });
  }

  // `place` is where its entry stands.
  acked(id, place) {
    this.#change(id, (message) => {
      message.state = 'acked';
      message.words = '';
      message.place = place;
    });
  }

  // Its entry is in the log, or it is given up. Gives whether it was one of these.
  came(id) {
    const before = this.messages.length;
    this.messages = this.messages.filter((message) => message.id !== id);
    return this.messages.length < before;
  }

  // An `error` frame about one of these.
  refused(id, { code, words, retryAfterMs }, now) {
    this.#change(id, (message) => {
      if (code === 'rate_limited' || retryAfterMs !== null) {
        this.#pause(message, { code, words, retryAfterMs }, now);
      } else if (code === 'id_forgotten') {
        message.state = 'unknown';
        message.words = FORGOTTEN;
      } else {
        message.state = 'refused';
        message.words = `Not sent: ${words || code}`;
        message.code = code;
      }
    });
  }

  // The server has thrown a frame away without a word which.
  thrownAway(retryAfterMs, now) {
    for (const message of this.messages.filter(({ state }) => state === 'sent' || state === 'late')) {
      this.#pause(message, { code: 'rate_limited', words: '', retryAfterMs }, now);
    }
  }

  // The connection ended, and answers that were on their way with it.
  lost() {
    this.pausedUntil = 0;
    for (const message of this.messages) {
      message.pauses = 0;
      if (message.state === 'sent' || message.state === 'late') message.state = 'queued';
      if (message.state === 'queued') message.words = '';
    }
  }

  // The log is complete up to `position`. Gives the messages that have their place there and did not
  // come, as they are among missing entries.
  settle(position) {
    const isGone = ({ state, place }) => state === 'acked'
      && (place.epoch !== position.epoch || place.seq <= position.seq);
    const gone = this.messages.filter(isGone);
    if (gone.length > 0) this.messages = this.messages.filter((message) => !isGone(message));
    return gone;
  }

  // Messages that have waited too long are marked; gives whether there were any.
  markLate(now) {
    const late = this.messages.filter(
      ({ state, sentAt }) => state === 'sent' && now - sentAt >= ANSWER_EXPECTED_WITHIN_MS,
    );
    for (const message of late) {
      message.state = 'late';
      message.words = 'The server has not confirmed this yet';
    }
    return late.length > 0;
  }

  // The writer wants it sent again: as a new message, `freshId`, where the old id can tell nothing
  // more. Gives the message.
  again(id, freshId) {
    const message = this.messages.find((one) => one.id === id);
    if (!message) return null;
    if (message.state === 'unknown' || message.code === 'id_reused') {
      Object.assign(message, { id: freshId, key: `own:${freshId}`, since: null, wasSent: false, isKept: false });
    }
    Object.assign(message, { state: 'queued', words: '', code: '', pauses: 0 });
    return message;
  }

  #pause(message, { code, words, retryAfterMs }, now) {
    message.pauses += 1;
    const grown = Math.min(PAUSE_MS * 2 ** (message.pauses - 1), PAUSE_MS_MAX);
    const isRate = code === 'rate_limited';
    const pause = isRate ? retryAfterMs ?? PAUSE_MS : Math.max(retryAfterMs, grown);
    this.pausedUntil = Math.max(this.pausedUntil, now + pause);
    message.state = 'queued';
    message.words = `Not taken yet: ${NOT_YET.get(code) ?? (words || code)}. Sent again by itself`;
  }

  #change(id, how) {
    const message = this.messages.find((one) => one.id === id);
    if (message) how(message);
  }
}
