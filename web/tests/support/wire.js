// Plays the server's part of the wire inside the browser, for what a healthy server never does.

// To be called before the page is opened. Gives `{sockets, frames, tickets, last()}`; `frames` are
// the page's events, `onDial(socket)` may hold an opening back, `onFrame(socket, event)` answers.
export async function playServer(
  page,
  { name = 'guest-ann', onDial = () => {}, onFrame = () => {} } = {},
) {
  const played = { sockets: [], frames: [], tickets: 0, last: () => played.sockets.at(-1) };
  await page.route('**/ticket', (route) => {
    played.tickets += 1;
    return route.fulfill({ json: { otp: `ticket${played.tickets}`, name, expires_in: 5 } });
  });
  await page.routeWebSocket(({ pathname }) => pathname === '/ws', async (socket) => {
    played.sockets.push(socket);
    socket.onMessage((data) => {
      played.frames.push(JSON.parse(data));
      onFrame(socket, played.frames.at(-1));
    });
    await onDial(socket);
  });
  return played;
}

export function newMessage(from, message, sent = '2026-01-02T03:04:05.678901234Z') {
  return JSON.stringify({ type: 'new_message', payload: { message, from, sent } });
}

export function dialledRoom(socket) {
  return new URL(socket.url()).searchParams.get('room');
}

export function errorEvent(code, message) {
  return JSON.stringify({ type: 'error', payload: { code, message } });
}
