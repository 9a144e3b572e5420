// What this user says and hears in all rooms over one connection: turns frames into rooms, and
// wishes into frames. Knows no page and no socket.

import { randomId } from './kept.js';
import { BYTES_MAX, ITEMS_MAX } from './outbox.js';
import { MESSAGE_BYTES, bytesOf, bytesToSend, encodeJoins, encodeLeave, encodePublish } from './protocol.js';
import { isRoomName } from './room-name.js';

// Before a `join` that was too fast is sent again, where the server does not say how long.
const PAUSE_MS = 1_000;

// Refusals of a whole `join` frame: the other rooms in it are to be asked for again.
const FRAME_REFUSALS = new Set(['bad_room', 'bad_payload', 'bad_json']);
const ROOM_REFUSALS = new Set(['too_many_rooms', 'too_many_rooms_here']);

const ROOMS_UNTIL_HELLO = 1_000;

// So many of the last ids of this page are known to be its own.
const OWN_IDS_MAX = 10_000;

export class Conversation {
  user;
  isGuest;
  rooms;
  limits = { messageBytes: MESSAGE_BYTES, rooms: ROOMS_UNTIL_HELLO, presenceMembers: 0 };

  #send;
  #later;
  #now;
  #on;
  #kept;
  #newId;
  #ownIds = new Set();
  #written = 0;
  // Rooms of each `join` frame that are not answered yet.
  #asked = [];
  // Counts connections: a timer of an earlier one does nothing.
  #life = 0;

  // `send(frame)` gives whether it was handed over, `later(ms, then)` is a timer. `kept`, which may be
  // missing, keeps messages until they are delivered. `onProblem(words)` hears of refusals that belong
  // to no line, `onChange()` of everything.
  constructor({
    user, guest, rooms, send, later, kept = null, newId = randomId, now = Date.now, onChange, onProblem,
  }) {
    this.user = user;
    this.isGuest = guest;
    this.rooms = rooms;
    this.#kept = kept;
    this.#newId = newId;
    this.#send = send;
    this.#later = later;
    this.#now = now;
    this.#on = { change: onChange, problem: onProblem };
  }

  // Bytes of the largest frame that `text` may come to be sent in.
  bytesOf(room, text) {
    return bytesToSend(room.name, text);
  }

  // Whether more has to wait for its delivery than may.
  get isFull() {
    const open = this.undelivered;
    return open.length >= ITEMS_MAX || open.reduce((sum, { bytes }) => sum + bytes, 0) >= BYTES_MAX;
  }

  get undelivered() {
    return this.rooms.all.flatMap(({ outbox }) => outbox.undelivered);
  }

  receive(frame) {
    const room = frame.room ? this.rooms.get(frame.room) : null;
    if (frame.t === 'hello') this.#hello(frame);
    else if (frame.t === 'error') this.#refused(frame, room);
    else if (room) this.#inRoom[frame.t]?.(room, frame);
    else return;
    this.#on.change();
  }

  lost() {
    this.#life += 1;
    this.#asked = [];
    this.rooms.lost();
    this.#on.change();
  }

  // Gives the room, or null where this connection may be in no more rooms. `name` keeps the rules.
  join(name) {
    const there = this.rooms.get(name);
    if (!there && this.rooms.size >= this.limits.rooms) return null;
    const room = there ?? this.rooms.add(name);
    if (room.state === 'refused') room.left();
    this.#askForRooms();
    this.#on.change();
    return room;
  }

  leave(room) {
    if (room.state !== 'outside') this.#send(encodeLeave(room.name));
    this.#answered(room.name);
    this.rooms.remove(room.name);
    this.#on.change();
  }

  // Starts the room over, up to `count` entries before its first line.
  showEarlier(room, count) {
    if (room.state !== 'inside' || !this.#send(encodeLeave(room.name))) return;
    room.startOver(count);
    this.#askForRooms();
    this.#on.change();
  }

  // The text becomes a message on its way; `isFull` is to be asked before.
  say(room, text) {
    this.#written += 1;
    const id = this.#ownId();
    const message = room.outbox.add({ id, text, bytes: bytesOf(text), written: this.#now(), number: this.#written });
    if (room.state === 'inside') message.since = room.place;
    this.#keep(room, [message]);
    this.#flush(room);
    this.#on.change();
  }

  // What was written on an earlier page and is not delivered.
  restore(items) {
    if (items.length === 0) return;
    for (const item of items) {
      if (typeof item.text !== 'string' || !isRoomName(item.room) || this.#ownIds.has(item.id)) continue;
      this.#addOwnId(item.id);
      this.rooms.add(item.room).outbox.restore({ ...item, bytes: bytesOf(item.text) });
    }
    this.rooms.current ??= this.rooms.all[0] ?? null;
    this.#askForRooms();
    for (const room of this.rooms.all) this.#flush(room);
    this.#on.change();
  }

  again(room, id) {
    const message = room.outbox.again(id, this.#ownId());
    if (!message) return;
    if (message.id !== id) this.#forget(id);
    this.#keep(room, [message]);
    this.#flush(room);
    this.#on.change();
  }

  discard(room, id) {
    room.outbox.came(id);
    this.#forget(id);
    this.#on.change();
  }

  // Another page is done with it.
  gone(id) {
    for (const { outbox } of this.rooms.all) {
      if (outbox.undelivered.some((message) => message.id === id)) outbox.came(id);
    }
    this.#on.change();
  }

  // To be called about once a second: marks what waits too long, hands over what could not be.
  tick() {
    let isChanged = false;
    for (const room of this.rooms.all) {
      if (room.outbox.messages.length === 0) continue;
      isChanged = room.outbox.markLate(this.#now()) || isChanged;
      isChanged = this.#flush(room) || isChanged;
    }
    if (isChanged) this.#on.change();
  }

  #inRoom = {
    joined: (room, place) => {
      this.#answered(room.name);
      room.joined(place);
      room.settle(this.user);
      this.#flush(room);
    },
    entry: (room, entry) => {
      if (room.state !== 'inside') return;
      const isHere = entry.from === this.user;
      const fromHere = isHere && this.#ownIds.has(entry.id);
      const own = fromHere || (isHere && !this.isGuest);
      if (room.add(entry, { own, fromHere })) this.#forget(entry.id);
      room.settle(this.user);
      if (fromHere) this.#flush(room);
    },
    ack: (room, { id, epoch, seq }) => {
      this.#forget(id);
      room.acked(id, { epoch, seq });
      this.#flush(room);
    },
    gap: (room, gap) => {
      room.gap(gap);
      room.settle(this.user);
      this.#flush(room);
    },
    presence: (room, frame) => room.presence.snapshot(frame),
    presence_change: (room, frame) => room.presence.change(frame),
    left: () => {},
  };

  #hello({ user, guest, limits }) {
    this.user = user;
    this.isGuest = guest;
    this.limits = limits;
    this.#askForRooms();
  }

  #askForRooms() {
    for (const { frame, rooms } of encodeJoins(this.rooms.wishes(), this.limits.messageBytes)) {
      if (!this.#send(frame)) return;
      this.#asked.push(new Set(rooms));
      for (const name of rooms) this.rooms.get(name).state = 'asked';
    }
  }

  #answered(name) {
    for (const rooms of this.#asked) rooms.delete(name);
    this.#asked = this.#asked.filter(({ size }) => size > 0);
  }

  #refused(frame, room) {
    if (frame.id) {
      const isWriter = ({ outbox }) => outbox.messages.some(({ id }) => id === frame.id);
      const writer = room ?? this.rooms.all.find(isWriter);
      if (writer) this.#publishRefused(writer, frame);
    } else if (FRAME_REFUSALS.has(frame.code)) {
      this.#joinRefused(frame, room);
    } else if (frame.code === 'bad_position' && room) {
      room.log.positionUnknown();
      this.#answered(room.name);
      this.#askAgain([room.name]);
    } else if (frame.code === 'rate_limited') {
      // A long frame is thrown away unread, and nobody says which; publishes of any room may be that.
      if (!room) for (const { outbox } of this.rooms.all) outbox.thrownAway(frame.retryAfterMs, this.#now());
      this.#inThisLife(frame.retryAfterMs ?? PAUSE_MS, () => this.#askAgain(this.#asked.flatMap((rooms) => [...rooms])));
    } else if (ROOM_REFUSALS.has(frame.code) && room) {
      this.#answered(room.name);
      room.state = 'refused';
      room.refusal = frame.words || frame.code;
    } else if (frame.code === 'already_joined' && room) {
      this.#answered(room.name);
      room.state = 'inside';
    } else if (frame.code !== 'not_in_room') {
      this.#on.problem(`The server refused a request: ${frame.words || frame.code}`);
    }
  }

  // A server that does not name the room is asked for each by itself.
  #joinRefused({ code, words }, named) {
    const asked = (named && this.#asked.find((rooms) => rooms.has(named.name))) ?? this.#asked[0];
    if (!asked) {
      this.#on.problem(`The server refused a request: ${words || code}`);
      return;
    }
    this.#asked = this.#asked.filter((rooms) => rooms !== asked);
    const room = named ?? (asked.size === 1 ? this.rooms.get([...asked][0]) : null);
    if (!room) {
      for (const name of asked) this.#askAgain([name]);
      return;
    }
    asked.delete(room.name);
    room.state = 'refused';
    room.refusal = words || code;
    this.#askAgain([...asked]);
  }

  #askAgain(names) {
    for (const room of this.rooms.all) {
      if (names.includes(room.name) && room.state === 'asked') room.state = 'outside';
    }
    this.#asked = this.#asked.filter((rooms) => ![...rooms].some((name) => names.includes(name)));
    this.#askForRooms();
  }

  #publishRefused(room, frame) {
    room.outbox.refused(frame.id, frame, this.#now());
    // One that waits for its writer waits for him after a reload, too.
    const message = room.outbox.messages.find(({ id, state }) => id === frame.id && state === 'refused');
    if (message) this.#keep(room, [message]);
  }

  // Gives whether anything was handed over. Before the first time the place of the room is written down,
  // so that the server knows what to look for if it comes again.
  #flush(room) {
    if (room.state !== 'inside' || !room.place) return false;
    const unmarked = room.outbox.sendable(this.#now())
      .filter(({ wasSent, since }) => !wasSent && since?.epoch !== room.place.epoch);
    if (unmarked.length > 0) {
      for (const message of unmarked) Object.assign(message, { since: room.place, state: 'keeping' });
      this.#keep(room, unmarked);
    }
    const sendable = room.outbox.sendable(this.#now());
    for (const message of sendable) {
      if (!this.#handOver(room, message)) return false;
    }
    return sendable.length > 0;
  }

  #handOver(room, { id, text, since, wasSent }) {
    const frame = encodePublish({ room: room.name, id, text, since: wasSent ? since : null });
    if (bytesOf(frame) > this.limits.messageBytes) {
      // The server may take less than when this was written.
      this.#publishRefused(room, { id, code: 'too_large', words: 'it is larger than the server takes', retryAfterMs: null });
      return true;
    }
    if (!this.#send(frame)) return false;
    room.outbox.sent(id, this.#now());
    return true;
  }

  // Has the messages where a reload finds them, at once or soon.
  #keep(room, messages) {
    if (!this.#kept) {
      for (const { id } of messages) room.outbox.kept(id, false);
      return;
    }
    const items = messages.map(({ id, text, written, number, since, isKept, state, words, code }) => ({
      id, room: room.name, text, written: written.getTime(), number, since, isNew: !isKept,
      refusal: state === 'refused' ? words : '', code, user: this.user, guest: this.isGuest,
    }));
    this.#kept.put(items).then((isKept) => {
      for (const { id } of items) room.outbox.kept(id, isKept);
      this.#flush(room);
      this.#on.change();
    });
  }

  #forget(id) {
    this.#kept?.remove([id]);
  }

  #ownId() {
    const id = this.#newId();
    this.#addOwnId(id);
    return id;
  }

  #addOwnId(id) {
    this.#ownIds.add(id);
    if (this.#ownIds.size > OWN_IDS_MAX) this.#ownIds.delete(this.#ownIds.values().next().value);
  }

  #inThisLife(delay, then) {
    const life = this.#life;
    this.#later(delay, () => {
      if (life !== this.#life) return;
      then();
      this.#on.change();
    });
  }
}

