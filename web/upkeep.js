// Keeps a session alive as long as its page is open: the server ends one that nobody has used for
// 30 days, and a connection that holds that long uses none.

// At least once a day, with room for a try that fails.
export const RENEW_AFTER_MS = 12 * 3_600_000;
export const TRY_AGAIN_AFTER_MS = 3_600_000;

export class Upkeep {
  #renew;
  #now;
  #dueAt;

  // `renew()` gives a promise and uses the session; `now` gives ms since the epoch.
  constructor({ renew, now = Date.now }) {
    this.#renew = renew;
    this.#now = now;
    this.used();
  }

  // The session was used otherwise.
  used() {
    this.#dueAt = this.#now() + RENEW_AFTER_MS;
  }

  // To be called often while connected. A failure is nobody's worry: the connection holds, and its
  // end tells why it cannot be had again.
  async tick() {
    if (this.#now() < this.#dueAt) return;
    this.#dueAt = this.#now() + TRY_AGAIN_AFTER_MS;
    try {
      await this.#renew();
      this.used();
    } catch {
      // The next try is due already.
    }
  }
}
