// The page asks for its rooms as soon as it is let in, all in one frame.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  askAsGuest, join, joinRoom, openPage, sendAndSee, untilInRoom, untilState,
} from './support/chat.js';
import { withPages } from './support/parlour.js';
import { EPOCH, playServer } from './support/wire.js';

const roomsAskedFor = (played) => played.of('join').map(({ rooms }) => rooms.map(({ room }) => room));

test('after a loss one join names every room and its position', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await playServer(page, { echo: true });
    await openPage(page, server, 'über uns & co');
    await join(page, 'ann');
    await sendAndSee(page, 'one');
    await joinRoom(page, 'den');
    await played.last().close({ code: 1011 });
    await untilState(page, 'online');
    await sendAndSee(page, 'two');
    assert.deepEqual(roomsAskedFor(played), [['über uns & co'], ['den'], ['über uns & co', 'den']]);
    assert.deepEqual(played.of('join').at(-1).rooms, [
      { room: 'über uns & co', from: { epoch: EPOCH, seq: 1 }, presence: true },
      { room: 'den', from: { epoch: EPOCH, seq: 0 }, presence: true },
    ]);
    assert.deepEqual(played.sockets.map((socket) => new URL(socket.url()).search), ['', '']);
  },
));

test('a room chosen while the connection is made is asked for with the first', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    let open;
    const held = new Promise((resolve) => { open = resolve; });
    const played = await playServer(page, { echo: true, onDial: () => held });
    await openPage(page, server, 'tea');
    await askAsGuest(page, 'ann');
    await untilState(page, 'connecting');
    await page.evaluate(() => { location.hash = 'coffee'; });
    await page.getByRole('heading', { name: 'coffee' }).waitFor();
    open();
    await untilInRoom(page, 'coffee');
    await sendAndSee(page, 'here');
    assert.deepEqual(roomsAskedFor(played), [['tea', 'coffee']]);
    assert.equal(played.of('publish')[0].room, 'coffee');
  },
));

test('a page loaded anew is in its rooms again and begins a while before', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await playServer(page);
    await openPage(page, server, 'tea');
    await join(page, 'ann');
    await joinRoom(page, 'den');
    for (let number = 1; number <= 130; number += 1) played.say('den', 'bob', `message ${number}`);
    await page.locator('.message').nth(129).waitFor();
    await page.reload();
    await untilInRoom(page, 'den');
    assert.equal(await page.getByRole('heading', { name: 'Come in' }).count(), 0);
    assert.deepEqual(played.of('join').at(-1).rooms, [
      { room: 'tea', from: { epoch: EPOCH, seq: 0 }, presence: true },
      { room: 'den', from: { epoch: EPOCH, seq: 30 }, presence: true },
    ]);
  },
));
