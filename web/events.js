// The events dialect: one JSON object `{type, payload}` in each text frame.

export const SUBPROTOCOL = 'parlour.events';

// The room of whoever names none.
export const FIRST_ROOM = 'general';

// The server's default for one whole frame, envelope included; more closes the connection (1009).
// Holds where the server does not say its own.
export const MAX_FRAME_BYTES = 65_536;

export function encodeMessage(text) {
  // The server puts the sender's name in; a name claimed here is not believed.
  return JSON.stringify({ type: 'send_message', payload: { message: text, from: '' } });
}

export function encodeRoomChange(room) {
  return JSON.stringify({ type: 'change_room', payload: { name: room } });
}

export function frameBytes(frame) {
  return new TextEncoder().encode(frame).length;
}

// Gives `{kind: 'message', from, text, sent}`, `{kind: 'error', code, words}` or
// `{kind: 'unknown', type}`; what comes from the network is checked before it is used.
export function decode(data) {
  let event;
  try {
    event = JSON.parse(data);
  } catch {
    return { kind: 'unknown', type: 'not JSON' };
  }
  const payload = event?.payload;
  if (event?.type === 'new_message' && typeof payload?.message === 'string') {
    return {
      kind: 'message',
      from: asText(payload.from),
      text: payload.message,
      sent: parseTime(payload.sent),
    };
  }
  if (event?.type === 'error') {
    return { kind: 'error', code: asText(payload?.code), words: asText(payload?.message) };
  }
  return { kind: 'unknown', type: asText(event?.type) || 'none' };
}

function asText(value) {
  return typeof value === 'string' ? value : '';
}

// ECMAScript promises only milliseconds in a date string; the server sends nanoseconds.
function parseTime(value) {
  const date = new Date(asText(value).replace(/(\.\d{3})\d+/, '$1'));
  return Number.isNaN(date.getTime()) ? new Date() : date;
}
