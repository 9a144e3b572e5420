// An own message is on its way until the room has it; nothing is lost, and nothing is said twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './support/modules.js';

const { ANSWER_EXPECTED_WITHIN_MS, Outbox } = await load('outbox.js');

const states = (outbox) => outbox.messages.map(({ id, state }) => `${id} ${state}`);

function sentAll(...ids) {
  const outbox = new Outbox();
  for (const id of ids) outbox.add(id, `text ${id}`, 0);
  for (const { id } of outbox.sendable(0)) outbox.sent(id, 0);
  return outbox;
}

test('queued, sent, acknowledged, come', () => {
  const outbox = new Outbox();
  outbox.add('a', 'text', 0);
  assert.deepEqual(states(outbox), ['a queued']);
  assert.deepEqual(outbox.sendable(0).map(({ text }) => text), ['text']);
  outbox.sent('a', 0);
  assert.deepEqual(outbox.sendable(0), []);
  outbox.acked('a');
  assert.deepEqual(states(outbox), ['a acked']);
  assert.ok(outbox.came('a'));
  assert.ok(!outbox.came('a'));
});

test('after a loss nothing is sent before the room is complete, then only what never was', () => {
  const outbox = sentAll('a', 'b', 'c');
  outbox.acked('c');
  outbox.lost();
  outbox.add('d', 'text d', 1);
  assert.deepEqual(states(outbox), ['a checking', 'b checking', 'c acked', 'd queued']);
  assert.deepEqual(outbox.sendable(1), []);
  outbox.came('a');
  outbox.came('c');
  assert.deepEqual(outbox.settle(), []);
  assert.deepEqual(states(outbox), ['b unknown', 'd queued'], 'it keeps its place');
  assert.deepEqual(outbox.sendable(1).map(({ id }) => id), ['d'], 'and holds nothing up');
});

test('what did not come back is not confirmed, and the writer chooses', () => {
  const outbox = sentAll('a', 'b');
  outbox.acked('b');
  outbox.lost();
  assert.deepEqual(outbox.settle().map(({ id }) => id), ['b'], 'it has its place among missing entries');
  assert.deepEqual(states(outbox), ['a unknown']);
  assert.equal(outbox.messages[0].words, 'Not confirmed: it may not have arrived');
  assert.deepEqual(outbox.sendable(1), []);
  outbox.again('a');
  assert.deepEqual(outbox.sendable(1).map(({ id }) => id), ['a'], 'under the same id');
});

test('an unconfirmed one stays so through further losses, until its entry comes after all', () => {
  const outbox = sentAll('a');
  outbox.add('b', 'text b', 1);
  outbox.lost();
  outbox.lost();
  outbox.settle();
  for (const { id } of outbox.sendable(1)) outbox.sent(id, 1);
  outbox.acked('b');
  outbox.lost();
  assert.deepEqual(states(outbox), ['a unknown', 'b acked']);
  assert.ok(outbox.came('b'));
  assert.ok(outbox.isSettled, 'nobody waits for what may never come');
  assert.ok(outbox.came('a'));
  assert.deepEqual(states(outbox), []);
});

test('one that was asked to pause before the loss slows down nothing after it', () => {
  const outbox = sentAll('a');
  outbox.refused('a', { code: 'rate_limited', words: 'slow down', retryAfterMs: 250 }, 0);
  outbox.sent('a', 250);
  outbox.lost();
  outbox.settle();
  for (const id of ['b', 'c']) outbox.add(id, `text ${id}`, 300);
  assert.deepEqual(outbox.sendable(300).map(({ id }) => id), ['b', 'c']);
});

test('a pause is kept, then it goes out by itself; too many pauses are a refusal', () => {
  const outbox = sentAll('a');
  outbox.refused('a', { code: 'rate_limited', words: 'slow down', retryAfterMs: 250 }, 1_000);
  outbox.add('b', 'text b', 1_000);
  assert.deepEqual(outbox.sendable(1_249), [], 'nor does anything overtake it');
  assert.deepEqual(outbox.sendable(1_250).map(({ id }) => id), ['a'], 'one at a time');
  outbox.sent('a', 1_250);
  assert.deepEqual(outbox.sendable(1_250), []);
  outbox.acked('a');
  assert.deepEqual(outbox.sendable(1_250).map(({ id }) => id), ['b']);
  outbox.sent('b', 1_250);
  for (let time = 0; time < 5; time += 1) outbox.refused('b', { code: 'rate_limited', words: 'slow down' }, 0);
  assert.equal(states(outbox)[1], 'b queued');
  outbox.refused('b', { code: 'rate_limited', words: 'slow down' }, 0);
  assert.equal(states(outbox)[1], 'b refused');
});

test('a refusal says why, and an unanswered one that it is not confirmed', () => {
  const outbox = sentAll('a', 'b');
  outbox.refused('a', { code: 'not_stored', words: 'the disk is full' }, 0);
  assert.equal(outbox.messages[0].words, 'Not sent: the disk is full');
  assert.ok(!outbox.markLate(ANSWER_EXPECTED_WITHIN_MS - 1));
  assert.ok(outbox.markLate(ANSWER_EXPECTED_WITHIN_MS));
  assert.deepEqual(states(outbox), ['a refused', 'b late']);
  outbox.acked('b');
  outbox.discard('a');
  assert.deepEqual(states(outbox), ['b acked']);
});
