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

  // The last place of the room that this page knows of.
  get place() {
    return this.#head ?? this.log.position;
  }

  // `own` says that the entry was written by this user, `fromHere` that this page wrote it. Gives whether it
  // was still on its way.
  add(entry, { own, fromHere }) {
    const wasOpen = fromHere && this.outbox.came(entry.id);
    this.#put(entry, { own, fromHere });
    return wasOpen;
  }

  #put(entry, { own, fromHere }) {
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

  // The server has its place. Where that was said before, its entry may have come and gone already.
  acked(id, place) {
    this.outbox.acked(id, place);
    if (this.log.position?.epoch !== place.epoch || this.log.position.seq < place.seq) return;
    if (this.outbox.came(id) && !this.log.has(place)) {
      this.log.note('One of your messages had been delivered before; it stands among the earlier ones');
    }
  }

  // What is acknowledged and will not come again stands where the log has its hole.
  settle(user) {
    for (const { id, text, written } of this.outbox.settle(this.log.position)) {
      this.log.keep({ id, text, sent: written, from: user });
    }
  }

  // What a reload would lose: the draft, behind what is only just being kept.
  get unsent() {
    const texts = this.outbox.messages.filter(({ state, isKept }) => state === 'keeping' && !isKept)
      .map(({ text }) => text);
    return [...texts, this.draft].filter(Boolean).join('\n');
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
