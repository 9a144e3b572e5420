// The rooms of one user in the order of joining, and which of them is shown.

import { isRoomName } from './room-name.js';
import { Room } from './room.js';

export class Rooms {
  current = null;
  #rooms = new Map();

  // `remembered` is what `remembered()` gave at an earlier visit, or anything else.
  constructor(remembered = null) {
    for (const item of listOf(remembered)) {
      if (typeof item?.room !== 'string' || !isRoomName(item.room)) continue;
      this.#rooms.set(item.room, new Room(item.room, {
        position: positionOf(item.position), read: positionOf(item.read),
      }));
    }
    this.current = this.get(remembered?.current) ?? this.all[0] ?? null;
  }

  get all() {
    return [...this.#rooms.values()];
  }

  get size() {
    return this.#rooms.size;
  }

  get unread() {
    return this.all.reduce((sum, { unread }) => sum + unread, 0);
  }

  get(name) {
    return this.#rooms.get(name) ?? null;
  }

  // The room of that name, made if it is not here.
  add(name) {
    if (!this.#rooms.has(name)) this.#rooms.set(name, new Room(name));
    return this.#rooms.get(name);
  }

  // The room beside it is shown instead of a room that is shown.
  remove(name) {
    const index = this.all.findIndex((room) => room.name === name);
    if (index < 0) return;
    const neighbour = this.all[index + 1] ?? this.all[index - 1] ?? null;
    if (this.current?.name === name) this.show(neighbour);
    this.#rooms.delete(name);
  }

  // `room` is one of these or null; `isVisible` says whether anybody can see the page.
  show(room, isVisible = true) {
    for (const other of this.all) {
      if (other !== room) other.seen(false);
    }
    this.current = room;
    room?.seen(isVisible);
  }

  // The next room in that direction (1 or -1), round the ends; with `unreadOnly` the next such.
  neighbour(step, { unreadOnly = false } = {}) {
    const { all } = this;
    const here = all.indexOf(this.current);
    for (let far = 1; far <= all.length; far += 1) {
      const room = all[(here + step * far + all.length * far) % all.length];
      if (room !== this.current && (!unreadOnly || room.unread > 0)) return room;
    }
    return null;
  }

  lost() {
    for (const room of this.all) room.lost();
  }

  // What to ask for in one `join`.
  wishes() {
    return this.all.filter(({ state }) => state === 'outside')
      .map(({ name, log }) => ({ room: name, from: log.from }));
  }

  // Texts that are nowhere but on this page, by the names of their rooms.
  drafts() {
    return Object.fromEntries(this.all.map((room) => [room.name, room.unsent]).filter(([, text]) => text));
  }

  // `drafts` is what `drafts()` gave at an earlier visit, or anything else.
  putDrafts(drafts) {
    for (const room of this.all) {
      const text = drafts && Object.hasOwn(drafts, room.name) ? drafts[room.name] : '';
      if (typeof text === 'string' && !room.draft) room.draft = text;
    }
  }

  remembered() {
    return { current: this.current?.name ?? '', rooms: this.all.map((room) => room.remembered()) };
  }
}

function listOf(remembered) {
  return Array.isArray(remembered?.rooms) ? remembered.rooms : [];
}

function positionOf(value) {
  const isOne = /^[0-9a-f]{16}$/.test(value?.epoch) && Number.isSafeInteger(value?.seq) && value.seq >= 0;
  return isOne ? { epoch: value.epoch, seq: value.seq } : null;
}
