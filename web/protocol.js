// The frames of `parlour.v1` (docs/protocol.md): what this page says, and a check of what it hears.

export const SUBPROTOCOL = 'parlour.v1';

// The room of whoever names none.
export const FIRST_ROOM = 'general';

// Holds until the server has said what it takes.
export const MESSAGE_BYTES = 65_536;
const ROOMS = 1_000;

// More rooms than this one `join` may not name.
const ROOMS_PER_JOIN = 1_000;

const utf8 = new TextEncoder();

export function bytesOf(text) {
  return utf8.encode(text).length;
}

// Half a character, which a field can hold, is none that could be sent. `since` says that this `id` may
// have been sent before, but not before the room was there.
export function encodePublish({ room, id, text, since = null }) {
  const payload = text.replace(/\p{Surrogate}/gu, '\ufffd');
  return JSON.stringify({ t: 'publish', room, id, ...(since ? { since } : {}), type: 'message', payload });
}

// Bytes of the largest frame that `text` may come to be sent in.
export function bytesToSend(room, text) {
  const since = { epoch: '0'.repeat(16), seq: Number.MAX_SAFE_INTEGER };
  return bytesOf(encodePublish({ room, id: '0'.repeat(32), text, since }));
}

export function encodeLeave(room) {
  return JSON.stringify({ t: 'leave', rooms: [room] });
}

export function encodePing(id) {
  return JSON.stringify({ t: 'ping', id });
}

// `wishes` are `{room, from}`, `from` a position or null. One frame, and more only where one would
// be larger than `bytesMax`. Gives `{frame, rooms}` for each.
export function encodeJoins(wishes, bytesMax) {
  const joins = [];
  let open = null;
  for (const { room, from } of wishes) {
    const item = { room, ...(from ? { from } : {}), presence: true };
    const bytes = bytesOf(JSON.stringify(item)) + 1;
    if (!open || open.bytes + bytes > bytesMax || open.items.length >= ROOMS_PER_JOIN) {
      open = { items: [], bytes: bytesOf('{"t":"join","rooms":[]}') };
      joins.push(open);
    }
    open.items.push(item);
    open.bytes += bytes;
  }
  return joins.map(({ items }) => ({
    frame: JSON.stringify({ t: 'join', rooms: items }),
    rooms: items.map(({ room }) => room),
  }));
}

// Gives the frame in this page's words, or null where it has none: what comes from the network is
// checked before it is used, and a later version may say more.
export function decode(data) {
  let frame;
  try {
    frame = JSON.parse(data);
  } catch {
    return null;
  }
  return Object.hasOwn(readers, frame?.t) ? readers[frame.t](frame) : null;
}

const readers = {
  hello: (frame) => (isText(frame.user) ? {
    t: 'hello',
    user: frame.user,
    guest: frame.guest === true,
    limits: {
      messageBytes: count(frame.limits?.message_bytes) || MESSAGE_BYTES,
      rooms: count(frame.limits?.rooms) || ROOMS,
      presenceMembers: count(frame.limits?.presence_members) ?? 0,
    },
  } : null),

  joined: (frame) => inRoom(frame, position(frame) && count(frame.head) !== null && {
    ...position(frame), head: frame.head,
  }),

  entry: (frame) => inRoom(frame, position(frame) && isText(frame.from) && {
    ...position(frame),
    id: isText(frame.id) ? frame.id : '',
    from: frame.from,
    type: isText(frame.type) ? frame.type : '',
    payload: frame.payload,
    sent: time(frame.sent),
  }),

  ack: (frame) => inRoom(frame, position(frame) && isText(frame.id) && {
    ...position(frame), id: frame.id,
  }),

  gap: (frame) => {
    if (frame.reason === 'new_epoch') {
      const now = position(frame.now ?? {});
      return inRoom(frame, now && { reason: 'new_epoch', now });
    }
    const [first, last] = [count(frame.first), count(frame.last)];
    const isWhole = isText(frame.epoch) && first !== null && last !== null && first <= last;
    return inRoom(frame, isWhole && { reason: 'trimmed', epoch: frame.epoch, first, last });
  },

  presence: (frame) => inRoom(frame, count(frame.count) !== null && {
    count: frame.count,
    users: Array.isArray(frame.users) ? frame.users.filter(isText) : null,
  }),

  presence_change: (frame) => inRoom(frame, count(frame.count) !== null && {
    count: frame.count,
    came: texts(frame.came),
    went: texts(frame.went),
  }),

  left: (frame) => inRoom(frame, {}),

  pong: (frame) => ({ t: 'pong', id: isText(frame.id) ? frame.id : '' }),

  error: (frame) => ({
    t: 'error',
    code: isText(frame.code) ? frame.code : '',
    words: isText(frame.message) ? frame.message : '',
    room: isText(frame.room) ? frame.room : '',
    id: isText(frame.id) ? frame.id : '',
    retryAfterMs: milliseconds(frame.retry_after),
  }),

  closing: (frame) => ({
    t: 'closing',
    why: isText(frame.why) ? frame.why : '',
    words: isText(frame.message) ? frame.message : '',
    retryAfterMs: milliseconds(frame.retry_after),
  }),
};

function inRoom(frame, rest) {
  return isText(frame.room) && rest ? { t: frame.t, room: frame.room, ...rest } : null;
}

function position({ epoch, seq }) {
  return isText(epoch) && count(seq) !== null ? { epoch, seq } : null;
}

function isText(value) {
  return typeof value === 'string';
}

function texts(value) {
  return Array.isArray(value) ? value.filter(isText) : [];
}

function count(value) {
  return Number.isSafeInteger(value) && value >= 0 ? value : null;
}

// Null where the server promises nothing.
function milliseconds(seconds) {
  return typeof seconds === 'number' && seconds >= 0 ? Math.min(seconds, 600) * 1000 : null;
}

// ECMAScript promises only milliseconds in a date's text; the server sends nanoseconds.
function time(value) {
  const date = new Date(isText(value) ? value.replace(/(\.\d{3})\d+/, '$1') : NaN);
  return Number.isNaN(date.getTime()) ? new Date() : date;
}
