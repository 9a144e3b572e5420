// An own message is pale until the room has it, and says so when that stays unknown.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  changeRoom, join, messages, openPage, send, untilMessage, untilState,
} from './support/chat.js';
import { withParlour } from './support/parlour.js';
import { errorEvent, newMessage, playServer } from './support/wire.js';

const texts = async (page) => (await messages(page)).map(({ text }) => text);

async function joinPlayed(page, server, options) {
  const played = await playServer(page, options);
  await openPage(page, server);
  await join(page, 'ann');
  return played;
}

test('the echo confirms a message and gives it its place', withParlour(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await joinPlayed(page, server);
    await send(page, 'one');
    await send(page, 'two');
    await page.locator('.unconfirmed').nth(1).waitFor();
    played.last().send(newMessage('guest-bob', 'from bob'));
    await untilMessage(page, 'from bob');
    assert.deepEqual(await texts(page), ['from bob', 'one', 'two']);

    played.last().send(newMessage('guest-ann', 'one'));
    await untilMessage(page, 'one');
    played.last().send(newMessage('guest-bob', 'between'));
    played.last().send(newMessage('guest-ann', 'two'));
    await untilMessage(page, 'two');
    assert.deepEqual(await texts(page), ['from bob', 'one', 'between', 'two']);
    assert.equal(await page.locator('.unconfirmed').count(), 0);
  },
));

test('somebody else of the same name is not oneself', withParlour(async ({ server, newPage }) => {
  const page = await newPage();
  const played = await joinPlayed(page, server);
  played.last().send(newMessage('guest-ann', 'I am ann, too'));
  await untilMessage(page, 'I am ann, too');
  assert.deepEqual((await messages(page)).map(({ own }) => own), [false]);
}));

test('a message lost with its connection is marked and can be sent again', withParlour(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await joinPlayed(page, server, {
      onFrame: (socket, event) => {
        if (played.sockets.length > 1) {
          socket.send(newMessage('guest-ann', event.payload.message));
        }
      },
    });
    await send(page, 'gone?');
    await page.locator('.unconfirmed').waitFor();
    await played.last().close({ code: 1011 });
    await page.locator('.doubtful').getByText('may not have arrived').waitFor();
    await untilState(page, 'connected');
    await page.getByRole('button', { name: 'Send again' }).click();
    await untilMessage(page, 'gone?');
    assert.deepEqual(await texts(page), ['gone?']);
    assert.equal(await page.locator('.doubtful, .unconfirmed').count(), 0);
  },
));

test('a refused message and one without any answer are marked', withParlour(
  async ({ server, newPage }) => {
    const page = await newPage();
    await page.clock.install();
    const played = await joinPlayed(page, server);
    await send(page, 'refused');
    await page.locator('.unconfirmed').waitFor();
    played.last().send(errorEvent('too_fast', 'slow down'));
    await page.locator('.doubtful').getByText('probably refused').waitFor();
    await page.locator('.problem').getByText('slow down (too_fast)').waitFor();

    await send(page, 'unheard');
    await page.locator('.unconfirmed').waitFor();
    await page.clock.runFor(11_000);
    await page.locator('.doubtful').getByText('not confirmed yet').waitFor();
    played.last().send(newMessage('guest-ann', 'unheard'));
    await page.locator('.doubtful').getByText('not confirmed yet').waitFor({ state: 'detached' });
    assert.deepEqual(await texts(page), ['refused', 'unheard']);
  },
));

test('a namesake who says the same confirms one line and condemns none', withParlour(
  async ({ server, newPage }) => {
    const page = await newPage();
    await page.clock.install();
    const played = await joinPlayed(page, server);
    await page.clock.pauseAt(Date.now() + 3_600_000);
    for (const text of ['first', 'same', 'same']) await send(page, text);
    await page.locator('.unconfirmed').nth(2).waitFor();
    // From whom of the two it came cannot be told.
    played.last().send(newMessage('guest-ann', 'same'));
    await untilMessage(page, 'same');
    assert.equal(await page.locator('.doubtful').count(), 0);
    assert.equal(await page.locator('.unconfirmed').count(), 2);

    await page.clock.runFor(11_000);
    await page.locator('.doubtful').nth(1).waitFor();
    const notes = page.locator('.doubtful .mark-note');
    assert.deepEqual(await notes.allTextContents(), Array(2).fill('not confirmed yetSend again'));
    played.last().send(newMessage('guest-ann', 'first'));
    played.last().send(newMessage('guest-ann', 'same'));
    await page.locator('.doubtful').first().waitFor({ state: 'detached' });
    assert.deepEqual((await texts(page)).sort(), ['first', 'same', 'same']);
  },
));

test('what was sent in another room takes no echo from this one', withParlour(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await joinPlayed(page, server);
    await send(page, 'hello');
    await page.locator('.unconfirmed').waitFor();
    await changeRoom(page, 'tea');
    await send(page, 'hello');
    await page.locator('.unconfirmed').waitFor();
    played.last().send(newMessage('guest-ann', 'hello'));
    await untilMessage(page, 'hello');
    assert.deepEqual(await texts(page), ['hello']);
    assert.equal(await page.locator('.unconfirmed, .doubtful').count(), 0);
  },
));
