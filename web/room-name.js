// The server's rules for a room's name: one broken name refuses a whole `join`.

const BYTES_MAX = 128;

// Shown as nothing, or turning the direction of writing; joiners may stand between two characters,
// and what makes an emoji of a character behind one that has an emoji.
const INVISIBLE = /(?![\u200c\u200d\ufe0f])\p{Default_Ignorable_Code_Point}/u;
const STRAY_STYLE = /(?<![\xa9\xae\u2139\u24c2\u{1f170}-\u{1f17f}]|(?![\p{Alphabetic}\p{N}\s\ufe0f])[\u2010-\u{10ffff}])\ufe0f(?!\u20e3)|^\ufe0f/u;
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
    && !/\p{Cc}/u.test(name) && !INVISIBLE.test(name) && !STRAY_STYLE.test(name)
    && !JOINER_AT_AN_END.test(name);
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
