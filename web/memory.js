// What this browser remembers between visits: names and places in rooms, and never a secret. The
// session's secret is in a cookie that no script can read.

// Whose session the cookie is, for the whole browser; who this tab's guest is, for the tab alone.
const USER_KEY = 'parlour.user';
const GUEST_KEY = 'parlour.guest';

const roomsKey = ({ user, guest }) => (guest ? 'parlour.rooms' : `parlour.rooms.${user}`);

// Gives `{user, guest: false}`, `{user, guest: true}` or null: who was in here last.
export function whoWasHere() {
  const user = read('localStorage', USER_KEY);
  if (typeof user === 'string') return { user, guest: false };
  const guest = read('sessionStorage', GUEST_KEY);
  return typeof guest === 'string' ? { user: guest, guest: true } : null;
}

export function rememberWho({ user, guest }) {
  if (guest) {
    write('sessionStorage', GUEST_KEY, user);
  } else {
    write('localStorage', USER_KEY, user);
    remove('sessionStorage', GUEST_KEY);
  }
}

export function forgetWho() {
  remove('localStorage', USER_KEY);
  remove('sessionStorage', GUEST_KEY);
}

// Each tab goes on with its own rooms; a new one begins with those that a user had last.
export function roomsOf(who) {
  const key = roomsKey(who);
  return read('sessionStorage', key) ?? (who.guest ? null : read('localStorage', key));
}

export function rememberRooms(who, rooms) {
  write('sessionStorage', roomsKey(who), rooms);
  if (!who.guest) write('localStorage', roomsKey(who), rooms);
}

// Texts that were not sent, of this tab alone.
const draftsKey = ({ user }) => `parlour.drafts.${user}`;

export function draftsOf(who) {
  return read('sessionStorage', draftsKey(who));
}

export function rememberDrafts(who, drafts) {
  write('sessionStorage', draftsKey(who), drafts);
}

export function forgetDrafts(who) {
  remove('sessionStorage', draftsKey(who));
}

// Storage may be switched off or full; the page works without it.
function read(kind, key) {
  try {
    return JSON.parse(globalThis[kind].getItem(key));
  } catch {
    return null;
  }
}

function write(kind, key, value) {
  try {
    globalThis[kind].setItem(key, JSON.stringify(value));
  } catch {
    // It is then asked for again next time.
  }
}

function remove(kind, key) {
  try {
    globalThis[kind].removeItem(key);
  } catch {
    // Nothing was stored either.
  }
}
