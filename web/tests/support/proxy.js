// A network between browser and server that can be cut, and that can hold back what is on its way:
// a TCP proxy on a loopback port.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

// Gives `{url, cut(), mend(), hold(), release(), stop()}`. While it is cut, the browser's connections
// are gone and new ones end at once. `hold()` keeps what the browser sends on its connections of now,
// also beyond their end, until `release()` gives it to the server.
export async function startProxy(port) {
  const lines = new Set();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const line = { near, far: connect(port, '127.0.0.1'), held: null };
    lines.add(line);
    joinEnds(line, () => lines.delete(line));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    isCut = true;
    for (const { near } of lines) near.destroy();
  };
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut,
    mend: () => { isCut = false; },
    hold: () => {
      for (const line of lines) line.held ??= [];
    },
    release: () => {
      for (const line of lines) {
        for (const chunk of line.held ?? []) line.far.write(chunk);
        line.held = null;
      }
    },
    stop: () => {
      cut();
      for (const { far } of lines) far.destroy();
      server.close();
    },
  };
}

function joinEnds(line, onEnd) {
  const { near, far } = line;
  near.on('error', () => {});
  far.on('error', () => {});
  near.on('data', (chunk) => {
    if (line.held) line.held.push(chunk);
    else far.write(chunk);
  });
  far.on('data', (chunk) => {
    if (!near.destroyed) near.write(chunk);
  });
  near.on('close', () => {
    if (!line.held) far.destroy();
  });
  far.on('close', () => {
    near.destroy();
    onEnd();
  });
}
