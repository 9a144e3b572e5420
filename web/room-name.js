// The server's rules for a room's name. It answers a broken one at the handshake, where the browser
// hides the reason, so they are checked before dialling.

const MAX_ROOM_NAME_BYTES = 128;

export const ROOM_NAME_RULE = `A room’s name has 1 to ${MAX_ROOM_NAME_BYTES} bytes in UTF-8, `
  + 'no control characters, and does not begin with $.';

export function isRoomName(name) {
  // The server composes before it counts; two spellings of é are one room.
  const bytes = new TextEncoder().encode(name.normalize('NFC')).length;
  return bytes >= 1 && bytes <= MAX_ROOM_NAME_BYTES
    && !name.startsWith('$') && !/\p{Cc}/u.test(name);
}
