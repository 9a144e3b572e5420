// A room that cannot be entered: its name breaks a rule, or the server has no place for it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  askForRoom, join, joinRoom, openAndJoin, openPage, send, sendAndSee, untilInRoom, untilMessage,
} from './support/chat.js';
import { withPages, withParlour } from './support/parlour.js';
import { playServer } from './support/wire.js';

const RULE = '1 to 128 bytes';

test('a name against the rules is stopped here and the room stays', withParlour(
  async ({ server, newPage }) => {
    const bob = await openAndJoin(await newPage(), server, 'bob', 'tea');
    const ann = await openAndJoin(await newPage(), server, 'ann', 'tea');
    const error = ann.locator('#join-error').filter({ hasText: RULE });
    for (const bad of ['$inner', 'r'.repeat(129), 'bell\u0007', 'no\u200bwidth']) {
      await askForRoom(ann, bad);
      await error.waitFor();
      await ann.locator('#join-room[aria-invalid="true"]').waitFor();
      await ann.getByLabel('Join a room').fill('');
      await error.waitFor({ state: 'detached' });
    }
    await ann.evaluate(() => { location.hash = '$linked'; });
    await ann.locator('#message-hint').filter({ hasText: RULE }).waitFor();
    assert.equal(new URL(ann.url()).hash, '#tea');
    await ann.getByRole('heading', { name: 'tea' }).waitFor();
    await sendAndSee(ann, 'still with you');
    await untilMessage(bob, 'still with you');
    assert.equal(await ann.locator('.line.note').count(), 0, 'the server was not asked');
  },
));

test('a link to such a room is told, and another room taken instead', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await playServer(page);
    await openPage(page, server, '$inner');
    await join(page, 'ann');
    await page.locator('#message-hint').filter({ hasText: RULE }).waitFor();
    await untilInRoom(page, 'general');
    await joinRoom(page, 'inner');
    assert.deepEqual(played.of('join').flatMap(({ rooms }) => rooms.map(({ room }) => room)), ['general', 'inner']);
  },
));

test('the longest name passes, counted as the server counts', withParlour(
  async ({ server, newPage }) => {
    // Composed, the same 64 letters have 128 bytes; as given here they have 192.
    const page = await openAndJoin(await newPage(), server, 'ann', 'e\u0301'.repeat(64));
    await sendAndSee(page, 'fits');
    await joinRoom(page, 'r'.repeat(128));
    await sendAndSee(page, 'fits, too');
  },
));

test('a room the server has no place for is told there, and asked for again on request', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    let isFull = true;
    const played = await playServer(page, {
      echo: true,
      onFrame: (socket, { t, rooms }) => {
        if (t !== 'join' || rooms[0].room !== 'coffee' || !isFull) return false;
        socket.send(JSON.stringify({
          t: 'error', code: 'too_many_rooms', message: 'the server has no place for more rooms', room: 'coffee', retry_after: 1,
        }));
        return true;
      },
    });
    await openPage(page, server, 'tea');
    await join(page, 'ann');
    await untilInRoom(page, 'tea');
    await askForRoom(page, 'coffee');
    await page.getByRole('heading', { name: 'You are not in this room' }).waitFor();
    await page.getByText('the server has no place for more rooms').first().waitFor();
    await send(page, 'anybody?');
    await page.locator('#message-hint').getByText('you are not in this room').waitFor();
    assert.equal(await page.getByLabel('Message', { exact: true }).inputValue(), 'anybody?');

    isFull = false;
    await page.getByRole('button', { name: 'Ask again' }).click();
    await untilInRoom(page, 'coffee');
    await sendAndSee(page, 'here');
    const asked = played.of('join').map(({ rooms }) => rooms.map(({ room }) => room));
    assert.deepEqual(asked, [['tea'], ['coffee'], ['coffee']]);
  },
));

test('as many rooms as the server allows, and no more', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  const played = await playServer(page, { limits: { rooms: 2 } });
  await openPage(page, server, 'one');
  await join(page, 'ann');
  await untilInRoom(page, 'one');
  await joinRoom(page, 'two');
  await askForRoom(page, 'three');
  await page.locator('#join-error').getByText('You are in 2 rooms').waitFor();
  await page.getByRole('button', { name: 'Leave room' }).click();
  await untilInRoom(page, 'one');
  assert.deepEqual(played.of('leave').map(({ rooms }) => rooms), [['two']]);
  await joinRoom(page, 'three');
}));
