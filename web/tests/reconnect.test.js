// The page says when the server is gone, comes back by itself and admits what it may have missed.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  messages, openAndJoin, sendAndSee, stateWords, untilLine, untilMessage, untilState,
} from './support/chat.js';
import { withParlour } from './support/parlour.js';
import { startServer } from './support/server.js';

for (const [signal, how] of [['SIGTERM', 'stopped'], ['SIGKILL', 'killed']]) {
  test(`back in the room after the server was ${how} and started again`, withParlour(
    async ({ server, newPage }) => {
      const ann = await openAndJoin(await newPage(), server, 'ann', 'tea');
      const bob = await openAndJoin(await newPage(), server, 'bob', 'tea');
      await sendAndSee(ann, 'before');

      await server.stop(signal);
      await untilState(ann, 'reconnecting');
      assert.match(await stateWords(ann), /^(Reconnecting in \d+ s: .+|Connecting)$/);

      const again = await startServer({ port: server.port });
      try {
        for (const page of [ann, bob]) {
          await untilState(page, 'connected');
          await untilLine(page, 'gap', 'may be missing here');
        }
        // In tea again, not in general where every connection starts.
        const eve = await openAndJoin(await newPage(), server, 'eve', 'general');
        await sendAndSee(bob, 'bob is back');
        await sendAndSee(ann, 'after');
        await untilMessage(bob, 'after');
        await sendAndSee(eve, 'alone');
        assert.deepEqual((await messages(eve)).map(({ text }) => text), ['alone']);
      } finally {
        await again.stop();
      }
    },
  ));
}

test('going online tries at once, whatever the wait', withParlour(async ({ server, newPage }) => {
  const page = await newPage();
  await page.route('**/ticket', (route) => route.fulfill({
    status: 429,
    headers: { 'Retry-After': '300' },
    json: { error: 'too_many', message: 'too many tickets asked for' },
  }));
  await page.goto(server.url);
  await page.getByRole('button', { name: 'Join' }).click();
  await untilState(page, 'reconnecting');
  const [, seconds, reason] = /in (\d+) s: (.+)$/.exec(await stateWords(page));
  assert.ok(Number(seconds) > 250, 'Retry-After is kept');
  assert.equal(reason, 'too many tickets asked for');

  await page.unroute('**/ticket');
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await untilState(page, 'connected');
}));
