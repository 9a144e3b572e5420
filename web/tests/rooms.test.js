// The list of rooms: joining, leaving and showing, each by list, link and way back.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  joinRoom, openAndJoin, sendAndSee, showRoom, texts, untilInRoom, untilMessage,
} from './support/chat.js';
import { withParlour } from './support/parlour.js';

const roomNames = (page) => page.locator('#rooms .room-name').allTextContents();

test('a joined room is an empty list, another fragment and other company', withParlour(
  async ({ server, newPage }) => {
    const ann = await openAndJoin(await newPage(), server, 'ann');
    const bob = await openAndJoin(await newPage(), server, 'bob', 'über uns');
    await sendAndSee(bob, 'early');
    await sendAndSee(ann, 'in general');

    await joinRoom(ann, 'über uns');
    assert.deepEqual(await texts(ann), []);
    assert.equal(decodeURIComponent(new URL(ann.url()).hash), '#über uns');
    assert.deepEqual(await roomNames(ann), ['general', 'über uns']);
    await sendAndSee(ann, 'hello');
    await untilMessage(bob, 'hello');
    await sendAndSee(bob, 'welcome');
    await untilMessage(ann, 'welcome');
    assert.deepEqual(await texts(ann), ['hello', 'welcome']);
    await showRoom(ann, 'general');
    assert.deepEqual(await texts(ann), ['in general']);
  },
));

test('what was written before is shown on request', withParlour(async ({ server, newPage }) => {
  const bob = await openAndJoin(await newPage(), server, 'bob', 'tea');
  for (const text of ['one', 'two', 'three']) await sendAndSee(bob, text);
  const ann = await openAndJoin(await newPage(), server, 'ann', 'tea');
  await ann.getByText('3 messages were written here before.').waitFor();
  await sendAndSee(bob, 'four');
  await untilMessage(ann, 'four');
  assert.deepEqual(await texts(ann), ['four']);
  await ann.getByRole('button', { name: 'Show earlier messages' }).click();
  await untilMessage(ann, 'one');
  await sendAndSee(ann, 'five');
  assert.deepEqual(await texts(ann), ['one', 'two', 'three', 'four', 'five']);
  assert.equal(await ann.locator('.line.gap').count(), 0);
}));

test('a link opens its room, no fragment means general, and the way back works', withParlour(
  async ({ server, newPage }) => {
    const page = await openAndJoin(await newPage(), server, 'kim');
    assert.equal(new URL(page.url()).hash, '#general');

    const ann = await openAndJoin(await newPage(), server, 'ann', 'tea');
    await joinRoom(ann, 'coffee');
    await ann.goBack();
    await untilInRoom(ann, 'tea');
    await ann.evaluate(() => { location.hash = '#den'; });
    await untilInRoom(ann, 'den');
    assert.deepEqual(await roomNames(ann), ['tea', 'coffee', 'den']);
  },
));

test('a room that was left says nothing more; without any room the page says what to do', withParlour(
  async ({ server, newPage }) => {
    const bob = await openAndJoin(await newPage(), server, 'bob', 'den');
    const ann = await openAndJoin(await newPage(), server, 'ann', 'tea');
    await joinRoom(ann, 'den');
    await bob.locator('#people').getByText('guest-ann').waitFor();
    await ann.getByRole('button', { name: 'Leave room' }).click();
    await untilInRoom(ann, 'tea');
    await bob.locator('#people').getByText('guest-ann').waitFor({ state: 'detached' });
    await sendAndSee(bob, 'are you gone?');
    await sendAndSee(ann, 'in tea');
    assert.equal(await ann.locator('.badge:visible').count(), 0);

    await ann.getByRole('button', { name: 'Leave room' }).click();
    await ann.getByRole('heading', { name: 'You are in no room' }).waitFor();
    assert.ok(await ann.getByLabel('Message', { exact: true }).isDisabled());
    await joinRoom(ann, 'den');
    await sendAndSee(ann, 'back');
    await untilMessage(bob, 'back');
  },
));
