// The page: the door, and behind it the chat of whoever came in.

import { Chat } from './chat.js';
import { byId } from './element.js';
import { Kept } from './kept.js';
import { listenToKeys } from './keys.js';
import { forgetWho, rememberWho, whoWasHere } from './memory.js';
import { Panels } from './panels.js';
import { Refused, guestTicket, signIn, signOut } from './session.js';
import { ComposerView } from './view-composer.js';
import { DoorView } from './view-door.js';
import { EmptyView } from './view-empty.js';
import { LogView } from './view-log.js';
import { PeopleView } from './view-people.js';
import { RoomsView } from './view-rooms.js';
import { StateView } from './view-state.js';

const CANNOT_REACH = 'The server cannot be reached. Try again in a moment.';

let chat = null;
let isGoingOut = false;

const kept = new Kept({ onGone: (id) => chat?.gone(id) });
const panels = new Panels();
const door = new DoorView({ onSignIn: enterAsUser, onGuest: enterAsGuest });
const views = {
  rooms: new RoomsView({ onJoin: joinRoom }),
  log: new LogView({
    onEarlier: () => chat.showEarlier(),
    onAgain: (id) => chat.sendAgain(id),
    onDrop: (id, text) => chat.drop(id, text),
  }),
  people: new PeopleView(),
  composer: new ComposerView({
    onSend: (text) => chat.say(text),
    bytesOf: (text) => chat.bytesOf(text),
  }),
  state: new StateView({ onRetry: () => chat.retryNow() }),
  empty: new EmptyView({ onAsk: () => chat.askAgain() }),
};

const isInside = () => !byId('chat-view').hidden;

byId('leave').addEventListener('click', goOut);
byId('leave-room').addEventListener('click', () => {
  chat.leaveRoom();
  views.composer.focus();
});
byId('skip').addEventListener('click', (event) => {
  event.preventDefault();
  views.composer.focus();
});
byId('rooms').addEventListener('click', (event) => {
  if (!event.target.closest('a') || event.ctrlKey || event.metaKey || event.shiftKey) return;
  panels.close({ refocus: false });
  // The address follows first; a link to the shown room leads to the field as well.
  queueMicrotask(() => views.composer.focus());
});
window.addEventListener('hashchange', () => {
  if (isInside()) chat.openLink();
});
document.addEventListener('visibilitychange', () => {
  if (isInside()) chat.visibilityChanged();
});
window.addEventListener('pagehide', () => {
  if (isInside()) chat.remember();
});
listenToKeys({
  isActive: isInside,
  onRoom: (step, unreadOnly) => chat.showNeighbour(step, unreadOnly),
  onJoin: () => {
    panels.open('rooms');
    views.rooms.focusField();
  },
  onScroll: (direction) => views.log.scrollByPage(direction),
  onEscape: () => (panels.isOpen ? panels.close() : views.composer.focus()),
});

const last = whoWasHere();
if (last) openChat(last);
else door.show();

async function enterAsUser(name, password) {
  try {
    enter(await signIn(name, password));
  } catch (error) {
    door.refuseUser(known(error));
  }
}

async function enterAsGuest(name) {
  try {
    enter(await guestTicket(name));
  } catch (error) {
    door.refuseGuest(known(error));
  }
}

function enter({ otp, user, guest }) {
  rememberWho({ user, guest });
  openChat({ user, guest }, { otp });
}

// Whoever comes in again as the same finds everything as it was.
function openChat(who, first = null) {
  const isSame = chat?.who.user === who.user && chat.who.guest === who.guest;
  if (!isSame) chat = new Chat({ who, views, kept, onEnd: sessionEnded });
  door.hide();
  byId('chat-view').hidden = false;
  byId('skip').hidden = false;
  chat.start(first);
  views.composer.focus();
}

function showDoor(what) {
  panels.close({ refocus: false });
  byId('chat-view').hidden = true;
  byId('skip').hidden = true;
  document.title = 'Parlour';
  door.show(what);
}

// The server asks again who this is. The chat is kept for the same user.
function sessionEnded(code, words) {
  if (isGoingOut) return;
  const { user, guest } = chat.who;
  forgetWho();
  const news = code === 'signed_out'
    ? 'You were signed out: the session was ended somewhere else. Sign in to go on; nothing you wrote is lost.'
    : words;
  showDoor(guest ? { news, guestName: nameOfGuest(user) } : { news, user });
}

async function goOut() {
  const { user, guest } = chat.who;
  isGoingOut = true;
  try {
    if (!guest) await signOut();
  } catch (error) {
    views.state.announce(known(error).message);
    views.composer.hint(`You are still signed in: ${known(error).message}`);
    return;
  } finally {
    isGoingOut = false;
  }
  chat.pause();
  const waiting = waitingWords(chat.undelivered, user);
  chat.forgetDrafts();
  chat = null;
  forgetWho();
  if (guest) showDoor({ news: waiting, guestName: nameOfGuest(user) });
  else showDoor({ news: `You are signed out. ${waiting}`.trim(), user });
}

// What is not delivered stays in this browser, and is sent by nobody else.
function waitingWords(count, user) {
  if (count === 0) return '';
  const what = count === 1 ? 'One message was not delivered; it waits' : `${count} messages were not delivered; they wait`;
  return `${what} in this browser until ${user} comes in again.`;
}

function joinRoom(name) {
  const obstacle = chat.join(name);
  if (!obstacle) {
    panels.close({ refocus: false });
    views.composer.focus();
  }
  return obstacle;
}

function nameOfGuest(user) {
  return user.replace(/^guest-/, '');
}

// A refusal in the server's words, or that it was not to be reached.
function known(error) {
  return error instanceof Refused ? error : new Refused(CANNOT_REACH, { retryAfterMs: 0 });
}
