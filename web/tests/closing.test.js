// How the connection ended is told in words; after a policy close nobody knocks again unasked.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { join, openPage, stateWords, untilLine, untilState } from './support/chat.js';
import { withParlour } from './support/parlour.js';
import { errorEvent, playServer } from './support/wire.js';

test('a policy close names its reason and waits for the user', withParlour(
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

    await page.getByRole('button', { name: 'Connect now' }).click();
    await untilState(page, 'connected');
    assert.equal(played.tickets, 2, 'with a fresh ticket');
    await untilLine(page, 'gap', 'may be missing here');
  },
));

for (const [code, words, reason] of [
  [1001, 'going away'],
  [1008, 'too slow', 'connection too slow: entries were missed'],
  [1008, 'no sign of life', 'no sign of life'],
  [1009, 'too large'],
  [1011, 'internal error'],
]) {
  test(`close ${code} is told as “${words}” and followed by a reconnection`, withParlour(
    async ({ server, newPage }) => {
      const page = await newPage();
      await page.clock.install();
      const played = await playServer(page);
      await openPage(page, server);
      await join(page, 'ann');
      await page.clock.pauseAt(Date.now() + 3_600_000);
      await played.last().close({ code, reason });
      await untilState(page, 'reconnecting');
      assert.match(await stateWords(page), new RegExp(`^Reconnecting in \\d+ s: .*${words}`));
      // The longest first wait, and less than an attempt may take.
      await page.clock.runFor(5_000);
      await untilState(page, 'connected');
      assert.equal(played.tickets, 2);
    },
  ));
}

test('an error event is told in its words', withParlour(async ({ server, newPage }) => {
  const page = await newPage();
  const played = await playServer(page);
  await openPage(page, server);
  await join(page, 'ann');
  played.last().send(errorEvent('bad_json', 'that was no JSON'));
  await untilLine(page, 'problem', 'The server refused a request: that was no JSON (bad_json)');
  played.last().send('neither is this');
  await untilLine(page, 'problem', 'an event this page does not know');
  await untilState(page, 'connected');
}));
