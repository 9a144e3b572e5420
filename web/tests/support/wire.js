// Plays the server's part of the wire inside the browser, for what a healthy server never does.

// To be called before the page is opened. Gives `{sockets, tickets, last()}`; `onFrame(socket, event)` answers the page's frames.
export async function playServer(page, { name = 'guest-ann', onFrame = () => {} } = {}) {
  const played = { sockets: [], tickets: 0, last: () => played.sockets.at(-1) };
  await page.route('**/ticket', (route) => {
    played.tickets += 1;
    return route.fulfill({ json: { otp: `ticket${played.tickets}`, name, expires_in: 5 } });
  });
  await page.routeWebSocket('**/ws', (socket) => {
    played.sockets.push(socket);
    socket.onMessage((data) => onFrame(socket, JSON.parse(data)));
  });
  return played;
}

export function newMessage(from, message, sent = '2026-01-02T03:04:05.678901234Z') {
  return JSON.stringify({ type: 'new_message', payload: { message, from, sent } });
}

export function errorEvent(code, message) {
  return JSON.stringify({ type: 'error', payload: { code, message } });
}
