// Own messages between sending and their echo: the echo is the only proof that the room has one.

// More unconfirmed messages than this are not sent.
export const MAX_UNCONFIRMED = 100;

// After this long without an echo the line says so; a later echo still confirms it.
const ECHO_EXPECTED_WITHIN_MS = 10_000;

export class Outbox {
  #waiting = [];
  #onDoubt;

  // `onDoubt(line, words)` is told when a message may not have arrived.
  constructor(onDoubt) {
    this.#onDoubt = onDoubt;
  }

  get full() {
    return this.#waiting.length >= MAX_UNCONFIRMED;
  }

  add(text, line) {
    const entry = { text, line, doubted: false };
    entry.timer = setTimeout(() => this.#doubt(entry, 'not confirmed yet'), ECHO_EXPECTED_WITHIN_MS);
    this.#waiting.push(entry);
  }

  // The line of the oldest message with this text, or null. A namesake may have said the same, so
  // the echo proves nothing about any other message.
  confirm(text) {
    const index = this.#waiting.findIndex((entry) => entry.text === text);
    if (index < 0) return null;
    const [confirmed] = this.#waiting.splice(index, 1);
    clearTimeout(confirmed.timer);
    return confirmed.line;
  }

  // An error names no message; it is about the only one waiting, or about none for sure.
  refused() {
    const open = this.#waiting.filter((entry) => !entry.doubted);
    if (open.length === 1) this.#doubt(open[0], 'probably refused');
  }

  // The socket is gone and its echoes with it.
  lost() {
    for (const entry of this.#waiting) this.#doubt(entry, 'may not have arrived');
    this.#waiting = [];
  }

  // The lines are gone with their room, and an echo from the next room is not about them.
  clear() {
    for (const entry of this.#waiting) clearTimeout(entry.timer);
    this.#waiting = [];
  }

  // The user asked to send this line again: its first sending is no longer waited for.
  forget(line) {
    this.#waiting = this.#waiting.filter((entry) => {
      if (entry.line === line) clearTimeout(entry.timer);
      return entry.line !== line;
    });
  }

  #doubt(entry, words) {
    clearTimeout(entry.timer);
    if (entry.doubted) return;
    entry.doubted = true;
    this.#onDoubt(entry.line, words);
  }
}
