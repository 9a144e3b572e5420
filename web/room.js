// One room of this page: its lines, its own messages on their way, who is there, what is unread.

import { Outbox } from './outbox.js';
import { Presence } from './presence.js';
import { RoomLog } from './room-log.js';

export class Room {
  name;
  // outside: not asked for yet or the connection is gone; asked; inside; refused.
  state = 'outside';
  // Why the server did not let this page in.
  refusal = '';
  log;
  outbox = new Outbox();
  presence = new Presence();
  // Text in the field that was not sent.
  draft = '';
  unread = 0;
  // The last entry that was seen, `{epoch, seq}` or null, and the key of the first one after it.
  read;
  firstUnread = '';

  #isSeen = false;
  // Where the replay ends, `{epoch, seq}`, or null while there is none.
  #head = null;

  constructor(name, { position = null, read = null } = {}) {
    this.name = name;
    this.log = new RoomLog(position);
    this.read = read;
  }

  // Whether all that the room had when this page came in is here, or told to be missing.
  get isComplete() {
    return this.state === 'inside' && this.#head === null;
  }

  // Whether what was said before is still on its way.
  get isLoading() {
    return this.state === 'asked' || (this.state === 'inside' && this.#head !== null);
  }

  // `head` is the room's last entry.
  joined({ epoch, seq, head }) {
    this.state = 'inside';
    this.refusal = '';
    this.log.joined({ epoch, seq });
    this.#head = { epoch, seq: head };
    this.#lookForHead();
    this.read ??= this.log.position;
  }

  left() {
    this.state = 'outside';
    this.#head = null;
    this.presence.forget();
  }

  lost() {
    this.left();
    this.outbox.lost();
  }

  // `own` says that the entry was written by this user, `fromHere` that this page wrote it.
  add(entry, { own, fromHere }) {
    if (fromHere) this.outbox.came(entry.id);
    const isNew = this.log.add({ ...entry, id: fromHere ? entry.id : '' }, own);
    this.#lookForHead();
    if (!isNew || this.#wasRead(entry)) return;
    if (this.#isSeen) {
      this.#readAll();
    } else if (!own) {
      this.unread += 1;
      this.firstUnread ||= `${entry.epoch}:${entry.seq}`;
    }
  }

  gap(gap) {
    this.log.gap(gap);
    if (gap.reason === 'new_epoch') {
      this.read = this.log.position;
      if (this.#head) this.#head.epoch = gap.now.epoch;
    }
    this.#lookForHead();
  }

  // Begins again, up to `count` entries before the first line; what was unread comes again as well.
  startOver(count) {
    this.left();
    this.log.restartAfter(Math.max(0, this.log.earlier - count));
    this.unread = 0;
    this.firstUnread = '';
  }

  // Whether the user looks at this room right now.
  seen(isSeen) {
    if (isSeen && !this.#isSeen) {
      this.unread = 0;
      this.#readAll();
    } else if (!isSeen && this.#isSeen) {
      this.firstUnread = '';
    }
    this.#isSeen = isSeen;
  }

  // What is acknowledged and will not come again stands where the log has its hole.
  settle(user) {
    for (const { id, text, written } of this.outbox.settle()) {
      this.log.keep({ id, text, sent: written, from: user });
    }
  }

  remembered() {
    return { room: this.name, position: this.log.reached, read: this.read };
  }

  #lookForHead() {
    const { position } = this.log;
    const isThere = position.epoch === this.#head?.epoch && position.seq >= this.#head.seq;
    if (isThere) this.#head = null;
  }

  #wasRead({ epoch, seq }) {
    return this.read?.epoch === epoch && seq <= this.read.seq;
  }

  #readAll() {
    const reached = this.log.reached;
    if (reached) this.read = reached;
  }
}
