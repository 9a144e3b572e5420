// Plays the server's part of the wire inside the browser, for what a healthy server never does.

export const EPOCH = '00000000000000e1';

const LIMITS = {
  message_bytes: 65_536, rooms: 1_000, messages_per_second: 100, burst: 500, presence_members: 500,
};

// To be called before the page is opened. Joins and pings are answered, publishes with `echo` only;
// `onDial(socket)` may hold a `hello` back, `onFrame(socket, frame)` gives true where it has answered.
// Gives `{sockets, frames, tickets, last(), of(t), untilHeard(t, count), say(room, from, text, more), tell(frame)}`.
export async function playServer(page, {
  name = 'guest-ann', guest = true, limits = {}, echo = false, onDial = () => {}, onFrame = () => false,
} = {}) {
  const seqs = new Map();
  let heard = () => {};
  const played = {
    sockets: [],
    frames: [],
    tickets: 0,
    last: () => played.sockets.at(-1),
    of: (t) => played.frames.filter((frame) => frame.t === t),
    // What is sent is put away before: what the page shows of it may come first.
    untilHeard: async (t, count) => {
      while (played.of(t).length < count) await new Promise((resolve) => { heard = resolve; });
    },
    tell: (frame) => played.last().send(JSON.stringify(frame)),
    say: (room, from, text, more = {}) => {
      const seq = more.seq ?? (seqs.get(room) ?? 0) + 1;
      seqs.set(room, seq);
      played.tell(entry({ room, seq, from, payload: text, ...more }));
    },
    echo: ({ room, id, payload }) => {
      const seq = (seqs.get(room) ?? 0) + 1;
      played.tell({ t: 'ack', room, id, epoch: EPOCH, seq });
      played.say(room, name, payload, { id });
    },
  };
  await page.route('**/ticket', (route) => {
    played.tickets += 1;
    return route.fulfill({ json: { otp: `ticket${played.tickets}`, name, guest, expires_in: 5 } });
  });
  await page.routeWebSocket(({ pathname }) => pathname === '/ws', async (socket) => {
    played.sockets.push(socket);
    socket.onMessage((data) => {
      const frame = JSON.parse(data);
      played.frames.push(frame);
      heard();
      if (onFrame(socket, frame, played) !== true) answer(socket, frame);
    });
    await onDial(socket);
    socket.send(JSON.stringify({ t: 'hello', version: '0', user: name, guest, limits: { ...LIMITS, ...limits } }));
  });

  function answer(socket, frame) {
    if (frame.t === 'ping') socket.send(JSON.stringify({ t: 'pong', id: frame.id }));
    if (frame.t === 'publish' && echo) played.echo(frame);
    if (frame.t !== 'join') return;
    for (const { room, from } of frame.rooms) {
      socket.send(joined(room, from));
      socket.send(JSON.stringify({ t: 'presence', room, count: 1, users: [name] }));
    }
  }
  return played;
}

// `head` is the room's last entry, where it is not the position itself.
export function joined(room, from = { epoch: EPOCH, seq: 0 }, head = from.seq) {
  return JSON.stringify({ t: 'joined', room, ...from, head });
}

export function entry(fields) {
  return { t: 'entry', epoch: EPOCH, type: 'message', sent: '2026-01-02T03:04:05.678901234Z', ...fields };
}
