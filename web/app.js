// The chat page: joins the user's wishes, the connection and the view.

import { Connection } from './connection.js';
import { FIRST_ROOM, MAX_FRAME_BYTES, decode, encodeMessage, frameBytes } from './events.js';
import { Lines } from './lines.js';
import { Outbox } from './outbox.js';
import { ROOM_NAME_RULE, isRoomName } from './room-name.js';
import {
  countUnread, parts, showChat, showJoin, showJoinError, showMessageHint, showRoom, showState,
} from './view.js';

// Refusals of a room; the server has then put this connection in none, or left it where it was.
const ROOM_REFUSALS = new Set(['bad_room', 'too_many_rooms', 'too_many_rooms_here']);

const NAME_KEY = 'parlour.name';

const lines = new Lines({ log: parts.log, list: parts.lines, newer: parts.newer });
const outbox = new Outbox((line, words) => lines.doubt(line, words, sendAgain));
const unknownTypes = new Set();

let connection = null;
let room = roomFromLink();
// Where to go when the server refuses `room`.
let roomBefore = FIRST_ROOM;
let ownName = '';
let maxFrameBytes = MAX_FRAME_BYTES;
// When the last connection ended, if one has been there before.
let lostAt = null;

showRoom(room);
parts.joinName.value = storedName();
parts.joinName.focus();

parts.joinForm.addEventListener('submit', (event) => {
  event.preventDefault();
  join(parts.joinName.value.trim(), parts.joinRoom.value.trim() || FIRST_ROOM);
});
parts.roomForm.addEventListener('submit', (event) => {
  event.preventDefault();
  const wanted = parts.roomField.value.trim();
  if (wanted && !isRoomName(wanted)) {
    showMessageHint(ROOM_NAME_RULE);
    return;
  }
  enterRoom(wanted);
  parts.messageField.focus();
});
parts.messageForm.addEventListener('submit', (event) => {
  event.preventDefault();
  sendField();
});
parts.messageField.addEventListener('keydown', (event) => {
  // Enter also ends a composition (Chinese, Japanese, Korean); that one is not for us.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  sendField();
});
parts.messageField.addEventListener('input', () => showMessageHint(''));
parts.leave.addEventListener('click', leave);
parts.retry.addEventListener('click', () => connection?.retryNow());
window.addEventListener('hashchange', followLink);

function join(name, wantedRoom) {
  if (!isRoomName(wantedRoom)) {
    showJoinError(ROOM_NAME_RULE, parts.joinRoom);
    parts.joinRoom.focus();
    return;
  }
  storeName(name);
  connection?.stop('joining again');
  showJoinError('');
  enterRoom(wantedRoom);
  lostAt = null;
  connection = new Connection({ name, room, onState: stateChanged, onFrame: received });
  connection.start();
}

function leave() {
  connection.stop('you left');
  connection = null;
  lines.clear();
  showJoin();
}

function stateChanged(state) {
  if (state.phase === 'connected') entered(state);
  else if (ownName) connectionEnded(state);
  if (state.phase === 'closed' && !parts.joinView.hidden) {
    showJoinError(state.reason, state.code === 'bad_name' ? parts.joinName : null);
  }
  showState(state);
}

function entered({ name, maxFrameBytes: limit }) {
  ownName = name;
  maxFrameBytes = limit;
  parts.ownName.textContent = name;
  showJoinError('');
  showMessageHint('');
  showChat();
  roomBefore = FIRST_ROOM;
  if (lostAt) {
    const since = lostAt.toLocaleTimeString();
    lines.addNotice(`Connected again. Messages since ${since} may be missing here.`, 'gap');
  }
  lostAt = null;
}

function connectionEnded({ quietSince }) {
  ownName = '';
  lostAt = quietSince ? new Date(quietSince) : new Date();
  outbox.lost();
}

function followLink() {
  const wanted = roomFromLink();
  if (wanted === room) return;
  if (isRoomName(wanted)) {
    enterRoom(wanted);
    return;
  }
  if (parts.chatView.hidden) showJoinError(ROOM_NAME_RULE, parts.joinRoom);
  else showMessageHint(ROOM_NAME_RULE);
  showLink();
}

// `wanted` keeps the rules of a room's name, or is empty.
function enterRoom(wanted) {
  if (!wanted || wanted === room) {
    showRoom(room);
    return;
  }
  if (connection && !connection.enter(wanted)) {
    showMessageHint('Still in this room: the server has not taken what was sent before.');
    showRoom(room);
    return;
  }
  roomBefore = room;
  room = wanted;
  location.hash = encodeURIComponent(room);
  showRoom(room);
  showMessageHint('');
  lines.clear();
  outbox.clear();
  if (!parts.chatView.hidden) lines.addNotice(`You changed room into: ${room}`);
}

function sendField() {
  const text = parts.messageField.value;
  if (!text.trim()) return;
  const obstacle = send(text);
  showMessageHint(obstacle);
  if (obstacle) return;
  parts.messageField.value = '';
  parts.messageField.focus();
}

// Gives the words that tell why it cannot be sent, or none when it is on its way.
function send(text) {
  const frame = encodeMessage(text);
  const bytes = frameBytes(frame);
  if (bytes > maxFrameBytes) {
    return `Not sent: with its envelope this message has ${bytes.toLocaleString()} bytes, `
      + `the server takes ${maxFrameBytes.toLocaleString()}. Shorten it.`;
  }
  if (!connection?.connected) return 'Not sent: there is no connection. The text stays here.';
  if (outbox.full || !connection.send(frame)) {
    return 'Not sent: the server has not taken the messages before it. Try again in a moment.';
  }
  outbox.add(text, lines.addUnconfirmed({ from: ownName, text }));
  return '';
}

function sendAgain(line) {
  const obstacle = send(line.querySelector('.text').textContent);
  showMessageHint(obstacle);
  if (obstacle) return;
  outbox.forget(line);
  lines.remove(line);
  parts.messageField.focus();
}

function received(frame) {
  const event = decode(frame);
  if (event.kind === 'message') showMessage(event);
  if (event.kind === 'error') showError(event);
  if (event.kind === 'unknown' && !unknownTypes.has(event.type) && unknownTypes.size < 20) {
    unknownTypes.add(event.type);
    lines.addNotice(`The server sent an event this page does not know: ${event.type}`, 'problem');
  }
}

// Two people may have one name: only an echo of something sent from here is one's own.
function showMessage(message) {
  const line = message.from === ownName ? outbox.confirm(message.text) : null;
  if (line?.isConnected) {
    lines.confirm(line, message.sent);
    return;
  }
  const own = line !== null;
  lines.addMessage({ ...message, own });
  if (!own) countUnread();
}

function showError({ code, words }) {
  if (ROOM_REFUSALS.has(code)) backToRoomBefore();
  else outbox.refused();
  const what = words || 'it does not say why';
  lines.addNotice(`The server refused a request: ${what}${code ? ` (${code})` : ''}`, 'problem');
}

// Asking for that room again makes page and server agree even if another change is under way. With
// no place in general either there is nothing left to ask for.
function backToRoomBefore() {
  if (room === roomBefore) return;
  room = roomBefore;
  roomBefore = FIRST_ROOM;
  connection.enter(room);
  showLink();
  showRoom(room);
}

function showLink() {
  history.replaceState(null, '', `#${encodeURIComponent(room)}`);
}

function roomFromLink() {
  const fragment = location.hash.slice(1);
  try {
    return decodeURIComponent(fragment).trim() || FIRST_ROOM;
  } catch {
    return fragment;
  }
}

// Storage may be switched off; the page works without it.
function storedName() {
  try {
    return localStorage.getItem(NAME_KEY) ?? '';
  } catch {
    return '';
  }
}

function storeName(name) {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // The name is then asked for again next time.
  }
}
