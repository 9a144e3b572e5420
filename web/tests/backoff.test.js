// The waits double from 0.5 s to 15 s, are spread over their whole range, and respect the server.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openPage } from './support/chat.js';
import { withParlour } from './support/parlour.js';

test('delays between attempts', withParlour(async ({ server, newPage }) => {
  const page = await openPage(await newPage(), server);
  const delays = await page.evaluate(async () => {
    const { retryDelay } = await import('/backoff.js');
    const each = (options) => [0, 1, 2, 3, 4, 5, 6, 100]
      .map((failures) => retryDelay(failures, options));
    return {
      longest: each({ random: () => 1 }),
      shortest: each({ random: () => 0 }),
      goingAway: each({ random: () => 1, goingAway: true }),
      asked: retryDelay(0, { random: () => 0.5, atLeast: 7_000 }),
    };
  });
  assert.deepEqual(delays.longest, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  assert.deepEqual(delays.shortest, Array(8).fill(0));
  assert.deepEqual(delays.goingAway.slice(0, 5), [5_000, 5_000, 5_000, 5_000, 8_000]);
  assert.equal(delays.asked, 7_250);
}));
