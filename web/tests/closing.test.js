// How the connection ended is told in words; after a policy close nobody knocks again unasked.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { join, openPage, stateWords, untilLine, untilState } from './support/chat.js';
import { withPages } from './support/parlour.js';
import { playServer } from './support/wire.js';

test('a policy close names its reason and waits for the user', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    await page.clock.install();
    const played = await playServer(page);
    await openPage(page, server);
    await join(page, 'ann');
    await played.last().close({ code: 1008, reason: 'ten bad frames in a row' });
    await untilState(page, 'closed');
    assert.match(await stateWords(page), /policy \(ten bad frames in a row\)/);
    await page.clock.runFor(120_000);
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    assert.equal(played.tickets, 1);

    await page.getByRole('button', { name: 'Try now' }).click();
    await untilState(page, 'online');
    assert.equal(played.tickets, 2, 'with a fresh ticket');
  },
));

for (const [code, words, reason] of [
  [1001, 'going away'],
  [1008, 'too slow', 'connection too slow: nothing could be written'],
  [1008, 'no sign of life', 'no sign of life'],
  [1011, 'internal error'],
]) {
  test(`close ${code} is told as “${words}” and followed by a reconnection`, withPages(
    async ({ server, newPage }) => {
      const page = await newPage();
      await page.clock.install();
      const played = await playServer(page);
      await openPage(page, server);
      await join(page, 'ann');
      await page.clock.pauseAt(Date.now() + 3_600_000);
      await played.last().close({ code, reason });
      await untilState(page, 'offline');
      assert.match(await stateWords(page), new RegExp(`^Offline: .*${words}.*\\. Trying again in \\d+ s$`));
      // The longest first wait, and less than an attempt may take.
      await page.clock.runFor(5_000);
      await untilState(page, 'online');
      assert.equal(played.tickets, 2);
    },
  ));
}

test('the server says when to come back, and that time is kept', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    await page.clock.install();
    const played = await playServer(page);
    await openPage(page, server);
    await join(page, 'ann');
    await page.clock.pauseAt(Date.now() + 3_600_000);
    played.tell({ t: 'closing', why: 'going_away', message: 'the server is going away', retry_after: 42 });
    await played.last().close({ code: 1001 });
    await untilState(page, 'offline');
    assert.equal(await stateWords(page), 'Offline: the server is going away. Trying again in 42 s');
    await page.clock.runFor(41_000);
    assert.equal(played.tickets, 1);
    await page.clock.runFor(1_500);
    await untilState(page, 'online');
    assert.equal(played.tickets, 2);
  },
));

test('a message that was too large ends it for good, in words', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await playServer(page);
    await openPage(page, server);
    await join(page, 'ann');
    await played.last().close({ code: 1009 });
    await untilState(page, 'closed');
    assert.match(await stateWords(page), /too large/);
  },
));

test('an error that belongs to no message is told in its words', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await playServer(page);
    await openPage(page, server);
    await join(page, 'ann');
    played.tell({ t: 'error', code: 'unknown_type', message: 'there is no such frame' });
    await untilLine(page, 'note', 'The server refused a request: there is no such frame');
    played.last().send('this is no JSON');
    played.tell({ t: 'of a later version' });
    await untilState(page, 'online');
  },
));
