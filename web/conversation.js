// What this user says and hears in all rooms over one connection: turns frames into rooms, and
// wishes into frames. Knows no page and no socket.

import { MESSAGE_BYTES, bytesOf, encodeJoins, encodeLeave, encodePublish } from './protocol.js';

// Before a `join` that was too fast is sent again, where the server does not say how long.
const PAUSE_MS = 1_000;

// Refusals of a whole `join` frame: the other rooms in it are to be asked for again.
const FRAME_REFUSALS = new Set(['bad_room', 'bad_payload', 'bad_json']);
const ROOM_REFUSALS = new Set(['too_many_rooms', 'too_many_rooms_here']);

const ROOMS_UNTIL_HELLO = 1_000;

export class Conversation {
  user;
  isGuest;
  rooms;
  limits = { messageBytes: MESSAGE_BYTES, rooms: ROOMS_UNTIL_HELLO, presenceMembers: 0 };

  #send;
  #later;
  #now;
  #on;
  #idPrefix;
  #written = 0;
  // Rooms of each `join` frame that are not answered yet.
  #asked = [];
  // Counts connections: a timer of an earlier one does nothing.
  #life = 0;

  // `send(frame)` gives whether it was handed over, `later(ms, then)` is a timer. `onProblem(words)`
  // hears of refusals that belong to no line, `onChange()` of everything.
  constructor({ user, guest, rooms, idPrefix, send, later, now = Date.now, onChange, onProblem }) {
    this.user = user;
    this.isGuest = guest;
    this.rooms = rooms;
    this.#idPrefix = `${idPrefix}-`;
    this.#send = send;
    this.#later = later;
    this.#now = now;
    this.#on = { change: onChange, problem: onProblem };
  }

  // Bytes of the frame that `text` would be sent in.
  bytesOf(room, text) {
    return bytesOf(encodePublish({ room: room.name, id: this.#id(this.#written + 1), text }));
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

  // The text becomes a message on its way; `room.outbox.full` is to be asked before.
  say(room, text) {
    this.#written += 1;
    room.outbox.add(this.#id(this.#written), text, this.#now());
    this.#flush(room);
    this.#on.change();
  }

  again(room, id) {
    room.outbox.again(id);
    this.#flush(room);
    this.#on.change();
  }

  discard(room, id) {
    room.outbox.discard(id);
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
      this.#caughtUp(room);
    },
    entry: (room, entry) => {
      if (room.state !== 'inside') return;
      const isHere = entry.from === this.user;
      const fromHere = isHere && entry.id.startsWith(this.#idPrefix);
      const own = fromHere || (isHere && !this.isGuest);
      room.add(entry, { own, fromHere });
      if (fromHere || !room.outbox.isSettled) this.#caughtUp(room);
    },
    ack: (room, { id }) => {
      room.outbox.acked(id);
      this.#flush(room);
    },
    gap: (room, gap) => {
      room.gap(gap);
      this.#caughtUp(room);
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
      const writer = room ?? this.rooms.all.find(({ outbox }) => outbox.messages.some(({ id }) => id === frame.id));
      writer?.outbox.refused(frame.id, frame, this.#now());
    } else if (FRAME_REFUSALS.has(frame.code)) {
      this.#joinRefused(frame, room);
    } else if (frame.code === 'bad_position' && room) {
      room.log.positionUnknown();
      this.#answered(room.name);
      this.#askAgain([room.name]);
    } else if (frame.code === 'rate_limited') {
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

  // What did not come back although the replay is complete is not confirmed.
  #caughtUp(room) {
    if (!room.outbox.isSettled && room.isComplete) room.settle(this.user);
    this.#flush(room);
  }

  // Gives whether anything was handed over.
  #flush(room) {
    if (room.state !== 'inside' && room.state !== 'asked') return false;
    const sendable = room.outbox.sendable(this.#now());
    for (const { id, text } of sendable) {
      if (!this.#send(encodePublish({ room: room.name, id, text }))) return false;
      room.outbox.sent(id, this.#now());
    }
    return sendable.length > 0;
  }

  #inThisLife(delay, then) {
    const life = this.#life;
    this.#later(delay, () => {
      if (life !== this.#life) return;
      then();
      this.#on.change();
    });
  }

  #id(number) {
    return `${this.#idPrefix}${number}`;
  }
}

