// Who is in the shown room: everybody once, by name, or the number where the room tells no more.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  join, joinRoom, openAndJoin, openPage, people, showRoom, untilInRoom, untilState,
} from './support/chat.js';
import { withPages, withParlour } from './support/parlour.js';
import { playServer } from './support/wire.js';

const untilPeople = (page, count) => page.locator('#people-title').getByText(`${count} here`, { exact: true }).waitFor();

test('who comes and who goes is seen by the others', withParlour(async ({ server, newPage }) => {
  const ann = await openAndJoin(await newPage(), server, 'ann', 'tea');
  await untilPeople(ann, 1);
  await ann.getByText('Nobody else yet').waitFor();
  const bob = await openAndJoin(await newPage(), server, 'bob', 'tea');
  await untilPeople(ann, 2);
  await untilPeople(bob, 2);
  assert.deepEqual(await people(ann), ['guest-ann', 'guest-bob']);
  await joinRoom(bob, 'den');
  assert.deepEqual(await people(bob), ['guest-bob']);
  await showRoom(bob, 'tea');
  await bob.getByRole('button', { name: 'Leave room' }).click();
  await untilPeople(ann, 1);
  assert.deepEqual(await people(ann), ['guest-ann']);
}));

test('one person with two windows is one', withParlour(async ({ server, newPage }) => {
  const page = await openAndJoin(await newPage(), server, 'ann', 'tea');
  await openAndJoin(await newPage(), server, 'ann', 'tea');
  await openAndJoin(await newPage(), server, 'bob', 'tea');
  await untilPeople(page, 2);
  assert.deepEqual(await people(page), ['guest-ann', 'guest-bob']);
}));

test('a crowd is told as a number, and offline nothing is claimed', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await playServer(page);
    await openPage(page, server, 'tea');
    await join(page, 'ann');
    await untilInRoom(page, 'tea');
    played.tell({ t: 'presence', room: 'tea', count: 812 });
    await untilPeople(page, 812);
    await page.getByText('In a room of more than 500 only the number is told.').waitFor();
    assert.deepEqual(await people(page), []);
    played.tell({ t: 'presence', room: 'tea', count: 2, users: ['cid', 'ann'] });
    await untilPeople(page, 2);
    assert.deepEqual(await people(page), ['ann', 'cid']);

    await page.route('**/ticket', (route) => route.abort());
    await played.last().close({ code: 1011 });
    await untilState(page, 'offline');
    await page.getByRole('heading', { name: 'Who is here' }).waitFor();
    assert.deepEqual(await people(page), []);
  },
));
