// What cannot be sent stays in the field, with the reason beside it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { messages, openAndJoin, send, sendAndSee, untilState } from './support/chat.js';
import { withParlour } from './support/parlour.js';
import { startServer } from './support/server.js';

const field = (page) => page.getByLabel('Message', { exact: true });
const hint = (page, words) => page.locator('#message-hint').filter({ hasText: words }).waitFor();

test('without a connection the text stays, and goes out once there is one', withParlour(
  async ({ server, newPage }) => {
    const page = await openAndJoin(await newPage(), server, 'ann');
    await server.stop();
    await untilState(page, 'reconnecting');
    await send(page, 'patience');
    await hint(page, 'there is no connection');
    assert.equal(await field(page).inputValue(), 'patience');
    assert.deepEqual(await messages(page), []);

    const again = await startServer({ port: server.port });
    try {
      await untilState(page, 'connected');
      assert.equal(await field(page).inputValue(), 'patience');
      await sendAndSee(page, 'patience');
      assert.equal(await field(page).inputValue(), '');
    } finally {
      await again.stop();
    }
  },
));

test('a message over the limit is stopped here, the largest one passes', withParlour(
  async ({ server, newPage }) => {
    const page = await openAndJoin(await newPage(), server, 'ann');
    const envelope = await page.evaluate(async () => {
      const { encodeMessage, frameBytes } = await import('/events.js');
      return frameBytes(encodeMessage(''));
    });
    const largest = 'é'.repeat((65_536 - envelope) / 2).padEnd(5, '.');
    await send(page, `${largest}..`);
    await hint(page, 'Shorten it');
    assert.equal(await field(page).inputValue(), `${largest}..`);
    await sendAndSee(page, largest);
    await untilState(page, 'connected');
  },
));

test('the page keeps to the limit that the server was given', withParlour(
  async ({ server, newPage }) => {
    const page = await openAndJoin(await newPage(), server, 'ann');
    await send(page, 'x'.repeat(512));
    await hint(page, 'the server takes 512');
    await sendAndSee(page, 'short');
  },
  { settings: ['--max-message-bytes', '512'] },
));

test('blank text is not sent', withParlour(async ({ server, newPage }) => {
  const page = await openAndJoin(await newPage(), server, 'ann');
  await send(page, '   ');
  await sendAndSee(page, 'real');
  assert.deepEqual((await messages(page)).map(({ text }) => text), ['real']);
}));
