// Everybody in a room sees the same messages in the same order under the right names; others see none.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { messages, openAndJoin, sendAndSee, untilMessage } from './support/chat.js';
import { withParlour } from './support/parlour.js';

test('two people in a room see one conversation, a third in another room none of it', withParlour(
  async ({ server, newPage }) => {
    const ann = await openAndJoin(await newPage(), server, 'ann', 'tea');
    const bob = await openAndJoin(await newPage(), server, 'bob', 'tea');
    const eve = await openAndJoin(await newPage(), server, 'eve', 'coffee');
    // An echo proves that the room was changed before it.
    await sendAndSee(ann, 'is anybody here?');
    await sendAndSee(bob, 'I am');
    await sendAndSee(eve, 'quiet in here');

    for (let turn = 1; turn <= 5; turn += 1) {
      await Promise.all([sendAndSee(ann, `ann ${turn}`), sendAndSee(bob, `bob ${turn}`)]);
    }
    await sendAndSee(ann, 'good night');
    await untilMessage(bob, 'good night');
    await sendAndSee(eve, 'still quiet');

    const names = (lines) => lines.map(({ from, text }) => `${from}: ${text}`);
    const atAnn = await messages(ann);
    const atBob = await messages(bob);
    const shared = names(atAnn).slice(names(atAnn).indexOf('guest-bob: I am'));
    assert.deepEqual(names(atBob).slice(-shared.length), shared);
    assert.equal(shared.length, 12);
    assert.ok(shared.includes('guest-ann: ann 3') && shared.includes('guest-bob: bob 3'));

    assert.ok(atAnn.every((line) => line.own === (line.from === 'guest-ann')));
    assert.ok(atBob.every((line) => line.own === (line.from === 'guest-bob')));
    assert.deepEqual(names(await messages(eve)), [
      'guest-eve: quiet in here', 'guest-eve: still quiet',
    ]);
  },
));
