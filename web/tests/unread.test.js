// What others wrote while nobody looked is counted, in the title and at its room.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  joinRoom, openAndJoin, sendAndSee, setHidden, showRoom, untilLine, untilMessage,
} from './support/chat.js';
import { withParlour } from './support/parlour.js';

test('the title counts unread messages until the page is seen', withParlour(
  async ({ server, newPage }) => {
    const ann = await openAndJoin(await newPage(), server, 'ann', 'tea');
    const bob = await openAndJoin(await newPage(), server, 'bob', 'tea');
    await sendAndSee(ann, 'seen');
    await sendAndSee(bob, 'seen as well');
    await untilMessage(ann, 'seen as well');
    assert.equal(await ann.title(), 'tea · Parlour');

    await setHidden(ann, true);
    await sendAndSee(bob, 'unread one');
    await sendAndSee(bob, 'unread two');
    await untilMessage(ann, 'unread two');
    assert.equal(await ann.title(), '(2) tea · Parlour');
    await setHidden(ann, false);
    await ann.waitForFunction(() => document.title === 'tea · Parlour');
    await untilLine(ann, 'unread', 'New messages');
  },
));

test('each room counts its own, until it is shown', withParlour(async ({ server, newPage }) => {
  const ann = await openAndJoin(await newPage(), server, 'ann', 'tea');
  await joinRoom(ann, 'den');
  const bob = await openAndJoin(await newPage(), server, 'bob', 'tea');
  for (const text of ['one', 'two', 'three']) await sendAndSee(bob, text);
  await ann.getByRole('link', { name: 'tea 3 unread' }).waitFor();
  assert.equal(await ann.title(), '(3) den · Parlour');
  await showRoom(ann, 'tea');
  await ann.getByRole('link', { name: 'tea', exact: true }).waitFor();
  assert.equal(await ann.title(), 'tea · Parlour');
  const kinds = await ann.locator('#lines .line').evaluateAll((lines) => lines
    .map((line) => [...line.classList].find((kind) => kind === 'unread' || kind === 'message')));
  assert.deepEqual(kinds.filter(Boolean), ['unread', 'message', 'message', 'message']);
}));
