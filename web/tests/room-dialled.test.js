// The page is in its room from the first moment of a connection: the room is in the address.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { join, openPage, sendAndSee, stateWords, untilLine, untilState } from './support/chat.js';
import { withParlour } from './support/parlour.js';
import { dialledRoom, newMessage, playServer } from './support/wire.js';

const echo = (socket, { type, payload }) => {
  if (type === 'send_message') socket.send(newMessage('guest-ann', payload.message));
};

test('the room is dialled, at first and after a loss, and not asked for again', withParlour(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await playServer(page, { onFrame: echo });
    await openPage(page, server, 'über uns & co');
    await join(page, 'ann');
    await sendAndSee(page, 'one');
    await played.last().close({ code: 1011 });
    await untilLine(page, 'gap', 'may be missing here');
    await sendAndSee(page, 'two');
    assert.deepEqual(played.sockets.map(dialledRoom), ['über uns & co', 'über uns & co']);
    assert.deepEqual(played.frames.map(({ type }) => type), ['send_message', 'send_message']);
  },
));

test('another room chosen while the first is dialled is dialled instead', withParlour(
  async ({ server, newPage }) => {
    const page = await newPage();
    let open;
    const held = new Promise((resolve) => { open = resolve; });
    let dialled;
    const firstDialled = new Promise((resolve) => { dialled = resolve; });
    let dials = 0;
    const onDial = () => {
      dials += 1;
      dialled();
      return dials === 1 ? held : undefined;
    };
    const played = await playServer(page, { onDial, onFrame: echo });
    await openPage(page, server, 'tea');
    await page.getByRole('button', { name: 'Join' }).click();
    await firstDialled;
    await page.evaluate(() => { location.hash = 'coffee'; });
    await untilState(page, 'connected');
    open();
    await sendAndSee(page, 'here');
    assert.deepEqual(played.sockets.map(dialledRoom), ['tea', 'coffee']);
    assert.deepEqual(played.frames.map(({ type }) => type), ['send_message']);
    await page.getByRole('heading', { name: 'coffee' }).waitFor();
  },
));

test('a handshake that failed is not told as a lost connection', withParlour(
  async ({ server, newPage }) => {
    const page = await newPage();
    await page.clock.install();
    await page.route('**/ticket', (route) => route.fulfill({
      json: { otp: 'never-issued', name: 'guest-ann', expires_in: 5 },
    }));
    await openPage(page, server, 'tea');
    await page.clock.pauseAt(Date.now() + 3_600_000);
    await page.getByRole('button', { name: 'Join' }).click();
    await untilState(page, 'reconnecting');
    assert.match(await stateWords(page), /^Reconnecting in \d+ s: the connection could not be opened$/);
  },
));
