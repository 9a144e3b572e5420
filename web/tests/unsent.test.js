// What cannot be sent stays in the field, with the reason beside it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  joinRoom, messageField, openAndJoin, recordAnnouncements, send, sendAndSee, showRoom, texts, untilMessage, untilState,
} from './support/chat.js';
import { withParlour } from './support/parlour.js';
import { startServer } from './support/server.js';

const hint = (page, words) => page.locator('#message-hint').filter({ hasText: words }).waitFor();
const sendButton = (page) => page.getByRole('button', { name: 'Send', exact: true });

// The longest text of `letter` that one frame can carry.
async function largestText(page, limit, letter) {
  const frame = await page.evaluate(async (text) => {
    const { bytesToSend } = await import('/protocol.js');
    return bytesToSend('general', text);
  }, '');
  return letter.repeat(Math.floor((limit - frame) / new TextEncoder().encode(letter).length));
}

test('without a connection a message waits in the list, and goes out once there is one', withParlour(
  async ({ server, newPage }) => {
    const page = await openAndJoin(await newPage(), server, 'ann');
    await server.halt();
    await untilState(page, 'offline');
    await recordAnnouncements(page);
    await send(page, 'patience');
    await page.locator('#waiting [data-state="waiting"]').getByText('Waiting for a connection').waitFor();
    await page.waitForFunction(() => window.announced.includes('Your message waits for a connection'));
    assert.equal(await messageField(page).inputValue(), '');
    await send(page, 'thought better of');
    const second = page.locator('#waiting .message').filter({ hasText: 'thought better of' });
    await second.getByRole('button', { name: 'Drop' }).click();
    assert.equal(await messageField(page).inputValue(), 'thought better of');

    const again = await startServer({ port: server.port, data: server.data });
    try {
      await untilState(page, 'online');
      await untilMessage(page, 'patience');
      await page.locator('#lines .delivered').waitFor();
      await sendAndSee(page, 'next');
      assert.deepEqual(await texts(page), ['patience', 'next']);
    } finally {
      await again.halt();
    }
  },
));

test('each room keeps what was not sent', withParlour(async ({ server, newPage }) => {
  const page = await openAndJoin(await newPage(), server, 'ann', 'tea');
  await messageField(page).fill('half a thought about tea');
  await joinRoom(page, 'den');
  assert.equal(await messageField(page).inputValue(), '');
  await messageField(page).fill('one about the den');
  await showRoom(page, 'tea');
  assert.equal(await messageField(page).inputValue(), 'half a thought about tea');
  await showRoom(page, 'den');
  assert.equal(await messageField(page).inputValue(), 'one about the den');
}));

test('a message over the limit is stopped here, the largest one passes', withParlour(
  async ({ server, newPage }) => {
    const page = await openAndJoin(await newPage(), server, 'ann');
    const largest = await largestText(page, 65_536, 'é');
    await messageField(page).fill(`${largest}éé`);
    await page.locator('#size.over').filter({ hasText: /^[34] bytes too long to send$/ }).waitFor();
    assert.ok(await sendButton(page).isDisabled());
    await page.keyboard.press('Enter');
    await hint(page, 'Shorten it');
    assert.equal(await messageField(page).inputValue(), `${largest}éé`);

    await messageField(page).fill(largest);
    await page.locator('#size').filter({ hasText: /^[01] bytes left$/ }).waitFor();
    await sendAndSee(page, largest);
    await untilState(page, 'online');
    assert.equal(await page.locator('#size').textContent(), '');
  },
));

test('the page keeps to the limit that the server was given', withParlour(
  async ({ server, newPage }) => {
    const page = await openAndJoin(await newPage(), server, 'ann');
    await messageField(page).fill('x'.repeat(512));
    await page.locator('#size.over').waitFor();
    await page.keyboard.press('Enter');
    await hint(page, 'the server takes 512');
    const largest = await largestText(page, 512, 'x');
    await messageField(page).fill(largest.slice(0, 200));
    assert.equal(await page.locator('#size').textContent(), '', 'far from the limit nothing is said');
    // A quotation mark takes two bytes on the wire.
    await messageField(page).fill(`${largest.slice(1)}"`);
    await page.locator('#size.over').waitFor();
    await sendAndSee(page, largest);
    await untilState(page, 'online');
  },
  { settings: ['--max-message-bytes', '512'] },
));

test('blank text is not sent', withParlour(async ({ server, newPage }) => {
  const page = await openAndJoin(await newPage(), server, 'ann');
  await send(page, '   ');
  await sendAndSee(page, 'real');
  assert.deepEqual(await texts(page), ['real']);
}));
