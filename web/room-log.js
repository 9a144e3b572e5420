// One room's lines in order, each entry once, and a drawn line wherever entries are missing.

// The oldest go first.
export const LINES_MAX = 500;

// How far before the last known position a page that was loaded anew asks to begin.
export const HISTORY = 100;

export class RoomLog {
  // `{key, kind, ...}`: kind `entry` has from, text, sent, own; `gap` and `note` have words.
  lines = [];
  // Up to where this page has everything, `{epoch, seq}`, or null before the first `joined`.
  position = null;
  // How many entries before the first line the page knows nothing about, in the first line's epoch.
  earlier = 0;
  // Whether the room itself keeps none of those any more.
  isTrimmed = false;
  // Whether lines of this page were dropped for the bound.
  wasCut = false;

  #made = 0;
  #ownIds = new Set();
  // The last position of the visit before this one: what stood up to there was seen then.
  #known;

  // `known` is a position of an earlier visit or null.
  constructor(known = null) {
    this.#known = known;
  }

  // Where to ask the server to begin: after what is here, or a while before what was here last time.
  get from() {
    if (this.position) return this.position;
    if (!this.#known) return null;
    const { epoch, seq } = this.#known;
    return { epoch, seq: Math.max(0, seq - HISTORY) };
  }

  // What to remember for the next visit.
  get reached() {
    const [position, known] = [this.position, this.#known];
    if (!position) return known;
    return known?.epoch === position.epoch && known.seq > position.seq ? known : position;
  }

  joined({ epoch, seq }) {
    if (!this.position) {
      this.position = { epoch, seq };
      this.earlier = seq;
    } else if (this.position.epoch !== epoch) {
      this.#newEpoch({ epoch, seq });
    } else if (seq > this.position.seq) {
      this.#missing(this.position.seq + 1, seq);
      this.position = { epoch, seq };
    }
  }

  // Whether the entry of that place is one of the lines.
  has({ epoch, seq }) {
    return this.lines.some(({ key }) => key === `${epoch}:${seq}`);
  }

  // Starts over in the same epoch, `seq` before everything that is here.
  restartAfter(seq) {
    this.#known = this.reached;
    this.position = { epoch: this.position.epoch, seq };
    this.lines = [];
    this.wasCut = false;
    this.isTrimmed = false;
    this.earlier = seq;
    this.#ownIds.clear();
  }

  // False for what is here already, and for what nobody has said. `own` entries of this page carry an id that nobody repeats.
  add({ epoch, seq, id, from, type, payload, sent }, own) {
    if (this.position && this.position.epoch !== epoch) this.#newEpoch({ epoch, seq: seq - 1 });
    if (this.position && seq <= this.position.seq) return false;
    if (this.position && seq > this.position.seq + 1) this.#missing(this.position.seq + 1, seq - 1);
    this.position = { epoch, seq };
    const isRepeat = own && id && this.#ownIds.has(id);
    if (isRepeat) return false;
    if (own && id) this.#ownIds.add(id);
    if (type.startsWith('$')) {
      this.#told(type, payload);
      return false;
    }
    const isText = type === 'message' && typeof payload === 'string';
    this.#push({
      key: `${epoch}:${seq}`, kind: 'entry', seq, id, from, sent, own,
      text: isText ? payload : `sent something of the kind “${type}” that this page does not show`,
      isText,
    });
    return true;
  }

  // What the server itself put into the log. Kinds that this page does not know say nothing.
  #told(type, payload) {
    const { was, now } = payload ?? {};
    if (type !== '$nick' || typeof was !== 'string' || typeof now !== 'string') return;
    // Whatever direction a name is written in, the words around it keep theirs.
    const isolated = (name) => `\u2068${name}\u2069`;
    this.note(`${isolated(was)} is now called ${isolated(now)}`);
  }

  gap(gap) {
    if (gap.reason === 'new_epoch') {
      // `joined` may have said so already.
      if (this.position?.epoch !== gap.now.epoch) this.#newEpoch(gap.now);
      return;
    }
    if (this.position && this.position.epoch !== gap.epoch) {
      this.#newEpoch({ epoch: gap.epoch, seq: gap.last });
      return;
    }
    const after = this.position?.seq ?? gap.first - 1;
    if (gap.last > after) this.#missing(Math.max(gap.first, after + 1), gap.last);
    this.position = { epoch: gap.epoch, seq: Math.max(after, gap.last) };
  }

  // The server does not know the position that was asked for.
  positionUnknown() {
    this.position = null;
    this.#known = null;
    this.#line('gap', 'The server does not know the place where you left; messages may be missing here');
  }

  note(words) {
    this.#line('note', words);
  }

  // An own message that is acknowledged but whose entry is among the missing ones.
  keep({ id, text, sent, from }) {
    this.#ownIds.add(id);
    this.#push({ key: `kept:${id}`, kind: 'entry', seq: 0, id, from, sent, own: true, text, isText: true });
  }

  // What was here before this visit is no hole if it is no longer kept.
  #missing(first, last) {
    const known = this.#known?.epoch === this.position?.epoch ? this.#known.seq : 0;
    const lost = last - Math.max(first, known + 1) + 1;
    if (this.lines.length === 0) {
      this.earlier = last;
      this.isTrimmed = true;
    }
    if (lost <= 0) return;
    const words = lost === 1 ? '1 message is missing here' : `${lost.toLocaleString()} messages are missing here`;
    this.#line('gap', words);
  }

  #newEpoch(now) {
    this.position = { epoch: now.epoch, seq: now.seq };
    this.#known = null;
    this.earlier = now.seq;
    this.isTrimmed = false;
    this.#line('gap', 'The room started anew; earlier messages are not known');
  }

  #line(kind, words) {
    this.#made += 1;
    this.#push({ key: `line:${this.#made}`, kind, words });
  }

  #push(line) {
    this.lines.push(line);
    if (this.lines.length <= LINES_MAX) return;
    const gone = this.lines.shift();
    this.#ownIds.delete(gone.id);
    this.wasCut = true;
  }
}
