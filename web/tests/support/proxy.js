// A network between browser and server that can be cut: a TCP proxy on a loopback port.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

// Gives `{url, cut(), mend(), stop()}`. While it is cut, all connections are gone and new ones end at once.
export async function startProxy(port) {
  const sockets = new Set();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut,
    mend: () => { isCut = false; },
    stop: () => {
      cut();
      server.close();
    },
  };
}
