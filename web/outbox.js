// One room's own messages between writing and their entry. Only an ack or the entry itself proves
// that the room has one; whatever else happens to it is said on its line. That an entry did not come back proves
// nothing: its frame may still be on the way to the server, and sent twice it would be there twice.

// More waiting messages than this are not taken.
export const WAITING_MAX = 100;

// After this long without an answer the line says so; a later answer still counts.
export const ANSWER_EXPECTED_WITHIN_MS = 10_000;

// So often a message is sent again by itself after `rate_limited`.
const PAUSES_MAX = 5;
const PAUSE_MS = 1_000;

export class Outbox {
  // `{key, id, text, state, words, written}` and more of its own; state is one of
  // queued: not handed over yet; sent: on its way; late: sent, and no answer for long;
  // checking: its connection ended before the answer; unknown: it did not come back and may still
  // come; refused: the server has not taken it; acked: it has its place.
  messages = [];
  // Nothing is sent until this time, in ms since the epoch.
  pausedUntil = 0;

  // What came back after a loss is not complete yet: new acks could not be told from old ones.
  #isSettled = true;

  get full() {
    return this.messages.length >= WAITING_MAX;
  }

  get isSettled() {
    return this.#isSettled;
  }

  add(id, text, now) {
    this.messages.push({
      key: `own:${id}`, id, text, state: 'queued', words: '', written: new Date(now), sentAt: 0, pauses: 0,
    });
  }

  // What is to be handed over now, in the order of writing; it counts as sent when `sent` says so.
  // After a pause one goes at a time, so that the next pause concerns one only.
  sendable(now) {
    if (!this.#isSettled || now < this.pausedUntil) return [];
    const queued = this.messages.filter(({ state }) => state === 'queued');
    if (this.messages.every(({ pauses }) => pauses === 0)) return queued;
    return this.messages.some(({ state }) => state === 'sent') ? [] : queued.slice(0, 1);
  }

  sent(id, now) {
    this.#change(id, (message) => {
      message.state = 'sent';
      message.words = '';
      message.sentAt = now;
    });
  }

  acked(id) {
    this.#change(id, (message) => {
      message.state = 'acked';
      message.words = '';
    });
  }

  // Its entry is in the log. Gives whether it was one of these.
  came(id) {
    const before = this.messages.length;
    this.messages = this.messages.filter((message) => message.id !== id);
    this.#isSettled ||= !this.#isWaitingForEntries;
    return this.messages.length < before;
  }

  // An `error` frame about one of these.
  refused(id, { code, words, retryAfterMs }, now) {
    this.#change(id, (message) => {
      message.pauses += 1;
      if (code !== 'rate_limited' || message.pauses > PAUSES_MAX) {
        message.state = 'refused';
        message.words = `Not sent: ${words || code}`;
        return;
      }
      this.pausedUntil = Math.max(this.pausedUntil, now + (retryAfterMs ?? PAUSE_MS));
      message.state = 'queued';
      message.words = 'The server asks for a short pause; this is sent again by itself';
    });
  }

  // The connection ended, and answers that were on their way with it.
  lost() {
    for (const message of this.messages) {
      if (message.state !== 'sent' && message.state !== 'late') continue;
      message.state = 'checking';
      message.pauses = 0;
      message.words = 'Not known yet whether this arrived; checked once the connection is back';
    }
    this.#isSettled = !this.#isWaitingForEntries;
  }

  // All that the room had is here: what did not come back is left to the writer. Gives the messages
  // that have their place in the log but will not come, as they are among missing entries.
  settle() {
    this.#isSettled = true;
    for (const message of this.messages.filter(({ state }) => state === 'checking')) {
      message.state = 'unknown';
      message.words = 'Not confirmed: it may not have arrived';
    }
    const gone = this.messages.filter(({ state }) => state === 'acked');
    this.messages = this.messages.filter(({ state }) => state !== 'acked');
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

  again(id) {
    this.#change(id, (message) => {
      message.state = 'queued';
      message.words = '';
      message.pauses = 0;
    });
  }

  discard(id) {
    this.came(id);
  }

  // Whether some may still come back as entries.
  get #isWaitingForEntries() {
    return this.messages.some(({ state }) => state === 'checking' || state === 'acked');
  }

  #change(id, how) {
    const message = this.messages.find((one) => one.id === id);
    if (message) how(message);
  }
}
