// The list of one room's lines: kept in step with the room, pinned to its end unless the user has
// scrolled up.

import { byId } from './element.js';
import { rowsOf, waitingRowsOf } from './rows.js';
import { rowElement, waitingElement } from './view-line.js';

// This close to the end counts as at the end, in CSS pixels.
const END_TOLERANCE = 24;

export class LogView {
  #log = byId('log');
  #conversation = byId('conversation');
  #lines = byId('lines');
  #waiting = byId('waiting');
  #empty = byId('empty');
  #newer = byId('newer');
  #on;
  #room = null;
  #atEnd = true;
  #unseen = 0;
  #lastKey = '';

  // `on` has `onEarlier()`, `onAgain(id)`, `onDrop(id, text)`, each about the shown room.
  constructor(on) {
    this.#on = on;
    this.#log.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.#newer.addEventListener('click', () => this.scrollToEnd());
    new ResizeObserver(() => this.#pin()).observe(this.#log);
  }

  // Shows `room` as it is now, or nothing for null.
  show(room, user) {
    if (room !== this.#room) {
      this.#room = room;
      this.#lines.replaceChildren();
      this.#waiting.replaceChildren();
      this.#lastKey = '';
      this.scrollToEnd();
    }
    // A reader aloud waits until a replay is complete.
    this.#conversation.setAttribute('aria-busy', String(room?.isLoading ?? false));
    const anchor = this.#atEnd ? null : this.#firstVisible();
    const before = anchor?.getBoundingClientRect().top;
    const rows = room ? rowsOf(room) : [];
    this.#countUnseen(rows);
    keepInStep(this.#lines, rows, (row) => rowElement(row, this.#on));
    const waiting = room ? waitingRowsOf(room, user, rows) : [];
    keepInStep(this.#waiting, waiting, (row) => waitingElement(row, this.#on));
    this.#empty.hidden = rows.some(({ kind }) => kind !== 'start') || waiting.length > 0;
    if (anchor?.isConnected) this.#log.scrollTop += anchor.getBoundingClientRect().top - before;
    this.#pin();
  }

  scrollToEnd() {
    this.#atEnd = true;
    this.#unseen = 0;
    this.#newer.hidden = true;
    this.#pin();
  }

  scrollByPage(direction) {
    this.#log.scrollBy({ top: direction * this.#log.clientHeight * 0.9 });
  }

  #pin() {
    if (this.#atEnd) this.#log.scrollTop = this.#log.scrollHeight;
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.#log;
    this.#atEnd = scrollHeight - scrollTop - clientHeight <= END_TOLERANCE;
    if (this.#atEnd) {
      this.#unseen = 0;
      this.#newer.hidden = true;
    }
  }

  #firstVisible() {
    const top = this.#log.getBoundingClientRect().top;
    return [...this.#lines.children].find((line) => line.getBoundingClientRect().bottom > top);
  }

  // New lines that whoever reads further up has not seen.
  #countUnseen(rows) {
    const known = this.#lastKey;
    this.#lastKey = rows.at(-1)?.key ?? '';
    if (this.#atEnd || !known) return;
    const index = rows.findIndex(({ key }) => key === known);
    if (index < 0) return;
    this.#unseen += rows.slice(index + 1).filter(({ kind }) => kind === 'entry').length;
    if (this.#unseen === 0) return;
    this.#newer.textContent = `${this.#unseen} new ${this.#unseen === 1 ? 'message' : 'messages'} ↓`;
    this.#newer.hidden = false;
  }
}

// Makes the children those of `rows`, in order; a child whose key stays stays the same element.
function keepInStep(list, rows, make) {
  const there = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const wanted = new Set(rows.map(({ key }) => key));
  for (const [key, child] of there) {
    if (!wanted.has(key)) child.remove();
  }
  let next = list.firstElementChild;
  for (const row of rows) {
    if (next?.dataset.key === row.key) {
      next = next.nextElementSibling;
      continue;
    }
    const child = there.get(row.key) ?? make(row);
    child.dataset.key = row.key;
    list.insertBefore(child, next);
  }
}
