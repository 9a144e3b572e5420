// A room that cannot be entered: its name breaks a rule, or the server has no place for it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  askForRoom, changeRoom, join, openAndJoin, openPage, sendAndSee, untilLine, untilMessage,
} from './support/chat.js';
import { withParlour } from './support/parlour.js';
import { dialledRoom, errorEvent, newMessage, playServer } from './support/wire.js';

const RULE = '1 to 128 bytes';

test('a name against the rules is stopped here and the room stays', withParlour(
  async ({ server, newPage }) => {
    const bob = await openAndJoin(await newPage(), server, 'bob', 'tea');
    const ann = await openAndJoin(await newPage(), server, 'ann', 'tea');
    const hint = ann.locator('#message-hint').filter({ hasText: RULE });
    for (const bad of ['$inner', 'r'.repeat(129), 'bell\u0007']) {
      await askForRoom(ann, bad);
      await hint.waitFor();
      await sendAndSee(ann, `not ${bad.length}`);
      await hint.waitFor({ state: 'detached' });
    }
    await ann.evaluate(() => { location.hash = '$linked'; });
    await hint.waitFor();
    assert.equal(new URL(ann.url()).hash, '#tea');
    await ann.getByRole('heading', { name: 'tea' }).waitFor();
    await sendAndSee(ann, 'still with you');
    await untilMessage(bob, 'still with you');
    assert.equal(await ann.locator('.line.problem').count(), 0, 'the server was not asked');
  },
));

test('a link to such a room is told before anything is dialled and can be mended', withParlour(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await playServer(page);
    await openPage(page, server, '$inner');
    await page.getByRole('button', { name: 'Join' }).click();
    await page.locator('#join-error').filter({ hasText: RULE }).waitFor();
    await page.locator('#join-room[aria-invalid="true"]:focus').waitFor();
    assert.equal(played.tickets, 0);

    await page.locator('#join-room').fill('inner');
    await join(page, 'ann');
    assert.deepEqual(played.sockets.map(dialledRoom), ['inner']);
  },
));

test('the longest name passes, counted as the server counts', withParlour(
  async ({ server, newPage }) => {
    // Composed, the same 64 letters have 128 bytes; as given here they have 192.
    const page = await openAndJoin(await newPage(), server, 'ann', 'e\u0301'.repeat(64));
    await sendAndSee(page, 'fits');
    await changeRoom(page, 'r'.repeat(128));
    await sendAndSee(page, 'fits, too');
  },
));

// Refuses the rooms in `full`, dialled or asked for, and echoes messages.
async function playFullServer(page, full) {
  const refuse = (socket) => socket.send(errorEvent('too_many_rooms', 'no more rooms'));
  return playServer(page, {
    onDial: (socket) => {
      if (full.includes(dialledRoom(socket))) refuse(socket);
    },
    onFrame: (socket, { type, payload }) => {
      if (type === 'send_message') socket.send(newMessage('guest-ann', payload.message));
      else if (full.includes(payload.name)) refuse(socket);
    },
  });
}

const roomsAskedFor = ({ frames }) => frames
  .filter(({ type }) => type === 'change_room')
  .map(({ payload }) => payload.name);

test('a room the server has no place for is told and the one before taken again', withParlour(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await playFullServer(page, ['coffee']);
    await openPage(page, server, 'tea');
    await join(page, 'ann');
    await askForRoom(page, 'coffee');
    await untilLine(page, 'problem', 'no more rooms (too_many_rooms)');
    await page.getByRole('heading', { name: 'tea' }).waitFor();
    await sendAndSee(page, 'here');
    assert.deepEqual(roomsAskedFor(played), ['coffee', 'tea']);
    assert.equal(new URL(page.url()).hash, '#tea');

    await played.last().close({ code: 1011 });
    await untilLine(page, 'gap', 'may be missing here');
    assert.equal(dialledRoom(played.last()), 'tea');
  },
));

test('without a place for the dialled room it is general, and no more is asked', withParlour(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await playFullServer(page, ['tea', 'general']);
    await openPage(page, server, 'tea');
    await join(page, 'ann');
    await page.locator('.line.problem').nth(1).waitFor();
    await page.getByRole('heading', { name: 'general' }).waitFor();
    await sendAndSee(page, 'anybody?');
    assert.deepEqual(roomsAskedFor(played), ['general']);
  },
));
