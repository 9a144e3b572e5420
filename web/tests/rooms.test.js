// Changing the room clears the list, moves the link along and brings the new room's messages.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  changeRoom, messages, openAndJoin, openPage, sendAndSee, untilMessage,
} from './support/chat.js';
import { withParlour } from './support/parlour.js';

test('a changed room is an empty list, another fragment and other company', withParlour(
  async ({ server, newPage }) => {
    const ann = await openAndJoin(await newPage(), server, 'ann');
    const bob = await openAndJoin(await newPage(), server, 'bob', 'über uns');
    await sendAndSee(bob, 'early');
    await sendAndSee(ann, 'in general');

    await changeRoom(ann, 'über uns');
    assert.deepEqual(await messages(ann), []);
    assert.equal(decodeURIComponent(new URL(ann.url()).hash), '#über uns');
    await sendAndSee(ann, 'hello');
    await untilMessage(bob, 'hello');
    await sendAndSee(bob, 'welcome');
    await untilMessage(ann, 'welcome');
    assert.deepEqual((await messages(ann)).map(({ text }) => text), ['hello', 'welcome']);
  },
));

test('a link opens its room, no fragment means general, and the way back works', withParlour(
  async ({ server, newPage }) => {
    const page = await openPage(await newPage(), server);
    assert.equal(await page.getByRole('textbox', { name: 'Room' }).inputValue(), 'general');

    const ann = await openAndJoin(await newPage(), server, 'ann', 'tea');
    await ann.getByRole('heading', { name: 'tea' }).waitFor();
    await changeRoom(ann, 'coffee');
    await ann.goBack();
    await ann.getByRole('heading', { name: 'tea' }).waitFor();
  },
));
