// Where entries are missing a line is drawn that says how many, or that nobody knows.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { join, openPage, untilInRoom, untilLine, untilMessage, untilState } from './support/chat.js';
import { withPages } from './support/parlour.js';
import { EPOCH, entry, joined, playServer } from './support/wire.js';

const lines = (page) => page.locator('#lines :is(.gap, .message) .text').allTextContents();

async function loseAndComeBack(page, server, comeBack) {
  const played = await playServer(page, {
    onFrame: (socket, { t, rooms }, here) => {
      if (t !== 'join' || here.sockets.length === 1) return false;
      comeBack((frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)), rooms[0]);
      return true;
    },
  });
  await openPage(page, server, 'tea');
  await join(page, 'ann');
  await untilInRoom(page, 'tea');
  for (let number = 1; number <= 12; number += 1) played.say('tea', 'bob', `message ${number}`);
  await untilMessage(page, 'message 12');
  await played.last().close({ code: 1011 });
  return played;
}

test('entries that are no longer kept are counted', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  await loseAndComeBack(page, server, (send, { room, from }) => {
    send(joined(room, from, 41));
    send({ t: 'gap', room, reason: 'trimmed', epoch: EPOCH, first: 13, last: 40 });
    send(entry({ room, seq: 41, from: 'bob', payload: 'message 41' }));
  });
  await untilMessage(page, 'message 41');
  assert.deepEqual((await lines(page)).slice(-3), [
    'message 12', '28 messages are missing here', 'message 41',
  ]);
}));

test('another life of the room is told', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  const now = { epoch: '00000000000000e2', seq: 0 };
  await loseAndComeBack(page, server, (send, { room, from }) => {
    send(joined(room, now, 1));
    send({ t: 'gap', room, reason: 'new_epoch', was: from, now });
    send(entry({ room, epoch: now.epoch, seq: 1, from: 'bob', payload: 'a new beginning' }));
  });
  await untilMessage(page, 'a new beginning');
  assert.deepEqual((await lines(page)).slice(-3), [
    'message 12', 'The room started anew; earlier messages are not known', 'a new beginning',
  ]);
}));

test('a position that the server does not know is told, and the room goes on', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    await loseAndComeBack(page, server, (send, { room, from }) => {
      if (from) send({ t: 'error', code: 'bad_position', message: 'that lies in the future', room });
      else send(joined(room, { epoch: EPOCH, seq: 4 }));
      if (!from) send(entry({ room, seq: 5, from: 'bob', payload: 'again five' }));
    });
    await untilLine(page, 'gap', 'The server does not know the place where you left');
    await untilMessage(page, 'again five');
    await untilState(page, 'online');
  },
));

test('entries that come twice are shown once', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  await loseAndComeBack(page, server, (send, { room }) => {
    send(joined(room, { epoch: EPOCH, seq: 9 }, 14));
    for (let seq = 10; seq <= 14; seq += 1) send(entry({ room, seq, from: 'bob', payload: `message ${seq}` }));
  });
  await untilMessage(page, 'message 14');
  assert.deepEqual(await lines(page), Array.from({ length: 14 }, (_, index) => `message ${index + 1}`));
}));
