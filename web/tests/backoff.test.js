// The waits double from 1 s to 30 s, are spread over their whole range, and respect the server.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './support/modules.js';

const { retryDelay } = await load('backoff.js');

test('delays between attempts', () => {
  const each = (options) => [0, 1, 2, 3, 4, 5, 6, 100].map((failures) => retryDelay(failures, options));
  assert.deepEqual(each({ random: () => 1 }), [
    1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
  ]);
  assert.deepEqual(each({ random: () => 0 }), Array(8).fill(0));
  const goingAway = each({ random: () => 1, goingAway: true });
  assert.deepEqual(goingAway.slice(0, 5), [5_000, 5_000, 5_000, 8_000, 16_000]);
  assert.equal(retryDelay(0, { random: () => 0.5, atLeast: 7_000 }), 7_500);
});
