// While the page is hidden its title counts what others wrote.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openAndJoin, sendAndSee, untilMessage } from './support/chat.js';
import { withParlour } from './support/parlour.js';

// A headless page never is in the background; the page itself is told that it is.
const setHidden = (page, hidden) => page.evaluate((value) => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
  document.dispatchEvent(new Event('visibilitychange'));
}, hidden);

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
    assert.equal(await ann.title(), 'tea · Parlour');
  },
));
