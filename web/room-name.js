// The server's rules for a room's name: one broken name refuses a whole `join`.

const BYTES_MAX = 128;

// Of no width, or turning the direction of writing; joiners may stand between two characters.
const INVISIBLE = /[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/u;
const JOINER_AT_AN_END = /^[\u200c\u200d]|[\u200c\u200d]$/u;

export const ROOM_NAME_RULE = `A room’s name has 1 to ${BYTES_MAX} bytes in UTF-8, `
  + 'no control or invisible characters, and does not begin with $.';

// The name as the server will write it: two spellings of é are one room.
export function roomName(text) {
  return text.trim().normalize('NFC');
}

// `name` as `roomName` gives it.
export function isRoomName(name) {
  const bytes = new TextEncoder().encode(name).length;
  return bytes >= 1 && bytes <= BYTES_MAX && !name.startsWith('$')
    && !/\p{Cc}/u.test(name) && !INVISIBLE.test(name) && !JOINER_AT_AN_END.test(name);
}

// The room that an address's fragment names; '' if it names none.
export function roomOfLink(fragment) {
  try {
    return roomName(decodeURIComponent(fragment.replace(/^#/, '')));
  } catch {
    return roomName(fragment.replace(/^#/, ''));
  }
}

export function linkTo(room) {
  return `#${encodeURIComponent(room)}`;
}
