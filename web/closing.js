// What the end of a connection means: whether to come back, when, and how to say it.

const SIGNED_OUT = 'signed_out';

// Codes after which coming back the same way does not help (docs/protocol.md).
const FINAL_CODES = new Set([1002, 1007, 1008, 1009]);

// Reasons beside 1008 that are no reproach: a phone that slept, a network that was too slow.
const COMES_BACK = /^(connection too slow|no sign of life)/;

const GOING_AWAY = 1001;

// RFC 6455, 7.4.1, in a person's words.
const MEANINGS = {
  1000: 'the server ended the connection',
  1001: 'the server is going away',
  1002: 'this page broke the protocol',
  1005: 'the server ended the connection',
  1006: 'the connection was lost',
  1007: 'a text was not UTF-8',
  1008: 'the server ended the connection for policy',
  1009: 'a message was too large for the server',
  1011: 'the server met an internal error',
  1012: 'the server is restarting',
  1013: 'the server is overloaded',
};

// `closing` is the server's last frame or null. Gives `{words, comesBack, isSignedOut, goingAway,
// exactly}`; `exactly` is the wait in ms that the server asked for, or null.
export function endOf({ code, reason }, closing) {
  const meaning = MEANINGS[code] ?? `the connection was closed with code ${code}`;
  const words = closing?.words || (reason ? `${meaning} (${reason})` : meaning);
  const isSignedOut = closing ? closing.why === SIGNED_OUT : code === 1008 && /^signed out/.test(reason);
  const comesBack = closing ? closing.retryAfterMs !== null
    : !FINAL_CODES.has(code) || (code === 1008 && COMES_BACK.test(reason));
  return {
    words,
    isSignedOut,
    comesBack: comesBack && !isSignedOut,
    goingAway: code === GOING_AWAY,
    exactly: closing?.retryAfterMs ?? null,
  };
}
