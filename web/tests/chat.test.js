// Everybody in a room sees the same messages in the same order under the right names; others see none.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  joinRoom, messages, openAndJoin, sendAndSee, showRoom, texts, untilMessage,
} from './support/chat.js';
import { withParlour } from './support/parlour.js';

test('two people in a room see one conversation, a third in another room none of it', withParlour(
  async ({ server, newPage }) => {
    const ann = await openAndJoin(await newPage(), server, 'ann', 'tea');
    const bob = await openAndJoin(await newPage(), server, 'bob', 'tea');
    const eve = await openAndJoin(await newPage(), server, 'eve', 'coffee');
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
    assert.deepEqual(names(atBob), names(atAnn));
    assert.equal(atAnn.length, 13);
    assert.ok(names(atAnn).includes('guest-ann: ann 3') && names(atAnn).includes('guest-bob: bob 3'));

    assert.ok(atAnn.every((line) => line.own === (line.from === 'guest-ann')));
    assert.ok(atBob.every((line) => line.own === (line.from === 'guest-bob')));
    assert.deepEqual(names(await messages(eve)), [
      'guest-eve: quiet in here', 'guest-eve: still quiet',
    ]);
  },
));

test('two people in two rooms hear both over one connection each', withParlour(
  async ({ server, newPage }) => {
    const sockets = [];
    const pages = [];
    for (const name of ['ann', 'bob']) {
      const page = await newPage();
      page.on('websocket', (socket) => sockets.push(socket));
      await openAndJoin(page, server, name, 'tea');
      await joinRoom(page, 'coffee');
      pages.push(page);
    }
    const [ann, bob] = pages;
    await sendAndSee(ann, 'in coffee');
    await showRoom(bob, 'tea');
    await sendAndSee(bob, 'in tea');
    await showRoom(ann, 'tea');
    await untilMessage(ann, 'in tea');
    await showRoom(bob, 'coffee');
    await untilMessage(bob, 'in coffee');
    assert.deepEqual(await texts(ann), ['in tea']);
    assert.deepEqual(await texts(bob), ['in coffee']);
    assert.equal(sockets.length, 2);
  },
));
