// What stands in the list for a room: its lines with days, the mark of the first unread one, and
// what came before the first line. Knows no page.

import { HISTORY, LINES_MAX } from './room-log.js';
import { clockTime, dayWords, isSameDay } from './time.js';

// Messages of one person so close together stand under one name.
const TOGETHER_MS = 5 * 60_000;

// Gives rows `{key, kind, ...}`; rows of one key look the same. `kind` is one of the log's, or
// `start`, `day` or `unread`.
export function rowsOf(room) {
  const rows = [];
  const start = startOf(room);
  if (start) rows.push(start);
  let before = null;
  let lastDay = null;
  for (const line of room.log.lines) {
    if (line.key === room.firstUnread) {
      rows.push({ key: `unread:${line.key}`, kind: 'unread', words: 'New messages' });
      before = null;
    }
    if (line.kind !== 'entry') {
      rows.push(line);
      before = null;
      continue;
    }
    const day = line.sent;
    if (!lastDay || !isSameDay(lastDay, day)) {
      const words = dayWords(day);
      rows.push({ key: `day:${line.key}:${words}`, kind: 'day', words });
      before = null;
    }
    lastDay = day;
    rows.push({ ...line, ...together(before, line) });
    before = line;
  }
  return rows;
}

// The own messages that are on their way, after the last line of `rows`. `note` says how each stands.
export function waitingRowsOf(room, user, rows) {
  let before = rows.at(-1)?.kind === 'entry' ? rows.at(-1) : null;
  return room.outbox.messages.map((message) => {
    const { text, written } = message;
    const { state, note } = standOf(message, room);
    const line = {
      key: `${message.key}:${state}:${note}`, from: user, text, sent: written, own: true, isText: true,
    };
    const row = { id: message.id, state, note, ...line, ...together(before, line) };
    before = line;
    return row;
  });
}

// How a message stands, for people: what is not handed over for want of a connection waits.
function standOf({ state, words, isKept }, room) {
  if (state === 'acked') return { state, note: '' };
  if (state === 'sent') return { state, note: 'Sending' };
  if (state !== 'queued' && state !== 'keeping') return { state, note: words };
  const isAfoot = room.state === 'inside' || room.state === 'asked';
  const reason = room.state === 'refused' ? 'Waiting: you are not in this room' : 'Waiting for a connection';
  const note = words || (isAfoot ? 'Sending' : reason);
  const isLosable = state === 'queued' && !isKept && note !== 'Sending';
  return {
    state: isAfoot && !words ? 'queued' : 'waiting',
    note: isLosable ? `${note}. A reload of this page loses it` : note,
  };
}

// How `line` looks after the message `before`, or after anything else.
function together(before, line) {
  const follows = before !== null && before.from === line.from && before.own === line.own
    && before.isText && line.isText && line.sent - before.sent < TOGETHER_MS;
  const isSameMinute = follows && clockTime(before.sent) === clockTime(line.sent);
  return { follows, isSameMinute, key: `${line.key}${follows ? '+' : ''}${isSameMinute ? '+' : ''}` };
}

function startOf({ log, state }) {
  if (log.wasCut) {
    return { key: 'start:cut', kind: 'start', words: 'Older messages are no longer shown on this page.' };
  }
  if (log.earlier === 0 || !log.position) return null;
  if (log.isTrimmed) {
    return { key: 'start:trimmed', kind: 'start', words: 'Older messages are no longer kept by the server.' };
  }
  const count = log.earlier === 1 ? '1 message was' : `${log.earlier.toLocaleString()} messages were`;
  const hasPlace = log.lines.length + HISTORY <= LINES_MAX;
  return {
    key: `start:${log.earlier}:${hasPlace && state === 'inside'}`,
    kind: 'start',
    words: `${count} written here before.`,
    canShow: hasPlace && state === 'inside',
  };
}
