// An own message is on its way until the room has it; nothing is lost, and nothing is said twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './support/modules.js';

const { ANSWER_EXPECTED_WITHIN_MS, FORGOTTEN, Outbox } = await load('outbox.js');

const states = (outbox) => outbox.messages.map(({ id, state }) => `${id} ${state}`);
const add = (outbox, id, time = 0) => {
  outbox.add({ id, text: `text ${id}`, bytes: 6, written: time, number: 0 });
  outbox.kept(id, true);
};
const ids = (messages) => messages.map(({ id }) => id);

function sentAll(...all) {
  const outbox = new Outbox();
  for (const id of all) add(outbox, id);
  for (const { id } of outbox.sendable(0)) outbox.sent(id, 0);
  return outbox;
}

test('kept, sent, acknowledged, come', () => {
  const outbox = new Outbox();
  outbox.add({ id: 'a', text: 'text', bytes: 4, written: 0, number: 0 });
  assert.deepEqual(outbox.sendable(0), []);
  outbox.kept('a', true);
  assert.deepEqual(outbox.sendable(0).map(({ text }) => text), ['text']);
  outbox.sent('a', 0);
  assert.deepEqual(outbox.sendable(0), []);
  outbox.acked('a', { epoch: 'e', seq: 1 });
  assert.deepEqual([states(outbox), outbox.undelivered], [['a acked'], []]);
  assert.ok(outbox.came('a'));
  assert.ok(!outbox.came('a'));
});

test('nothing overtakes what is not kept yet', () => {
  const outbox = sentAll('a');
  outbox.add({ id: 'b', text: 'b', bytes: 1, written: 1, number: 0 });
  add(outbox, 'c', 2);
  assert.deepEqual(outbox.sendable(0), []);
  outbox.kept('b', false);
  assert.deepEqual(ids(outbox.sendable(0)), ['b', 'c']);
});

test('after a loss what has no answer is sent again in its order, before what is new', () => {
  const outbox = sentAll('a', 'b', 'c');
  outbox.acked('b', { epoch: 'e', seq: 1 });
  outbox.refused('c', { code: 'not_allowed', words: 'no', retryAfterMs: null }, 0);
  outbox.lost();
  add(outbox, 'd', 1);
  assert.deepEqual(states(outbox), ['a queued', 'b acked', 'c refused', 'd queued']);
  assert.deepEqual(outbox.sendable(1).map(({ id, wasSent }) => [id, wasSent]), [['a', true], ['d', false]]);
});

test('what the log has passed without its entry is among missing ones', () => {
  const outbox = sentAll('a', 'b', 'c');
  outbox.acked('a', { epoch: 'e', seq: 4 });
  outbox.acked('b', { epoch: 'e', seq: 5 });
  outbox.acked('c', { epoch: 'd', seq: 9 });
  assert.deepEqual(ids(outbox.settle({ epoch: 'e', seq: 4 })), ['a', 'c']);
  assert.deepEqual(states(outbox), ['b acked']);
});

test('one that was asked to pause before the loss slows down nothing after it', () => {
  const outbox = sentAll('a');
  outbox.refused('a', { code: 'rate_limited', words: 'slow down', retryAfterMs: 250 }, 0);
  outbox.sent('a', 250);
  outbox.lost();
  for (const id of ['b', 'c']) add(outbox, id, 300);
  assert.deepEqual(ids(outbox.sendable(300)), ['a', 'b', 'c']);
});

test('a pause is kept, then it goes out by itself, however often', () => {
  const outbox = sentAll('a');
  outbox.refused('a', { code: 'rate_limited', words: 'slow down', retryAfterMs: 250 }, 1_000);
  add(outbox, 'b');
  assert.deepEqual(outbox.sendable(1_249), [], 'nor does anything overtake it');
  assert.deepEqual(ids(outbox.sendable(1_250)), ['a'], 'one at a time');
  outbox.sent('a', 1_250);
  assert.deepEqual(outbox.sendable(1_250), []);
  outbox.acked('a', { epoch: 'e', seq: 1 });
  assert.deepEqual(ids(outbox.sendable(1_250)), ['b']);
  outbox.sent('b', 1_250);
  for (let time = 0; time < 50; time += 1) {
    outbox.refused('b', { code: 'disk_full', words: 'the disk is full', retryAfterMs: 1_000 }, 0);
  }
  assert.deepEqual([states(outbox)[1], outbox.pausedUntil], ['b queued', 30_000]);
  assert.equal(outbox.messages[1].words, 'Not taken yet: the server’s disk is full. Sent again by itself');
});

test('a refusal says why, and an unanswered one that it is not confirmed', () => {
  const outbox = sentAll('a', 'b', 'c');
  outbox.refused('a', { code: 'not_allowed', words: 'this is not allowed here', retryAfterMs: null }, 0);
  assert.equal(outbox.messages[0].words, 'Not sent: this is not allowed here');
  outbox.refused('c', { code: 'id_forgotten', words: '', retryAfterMs: null }, 0);
  assert.equal(outbox.messages[2].words, FORGOTTEN);
  assert.ok(!outbox.markLate(ANSWER_EXPECTED_WITHIN_MS - 1));
  assert.ok(outbox.markLate(ANSWER_EXPECTED_WITHIN_MS));
  assert.deepEqual(states(outbox), ['a refused', 'b late', 'c unknown']);
  outbox.acked('b', { epoch: 'e', seq: 1 });
  outbox.came('a');
  assert.deepEqual(states(outbox), ['b acked', 'c unknown']);
});

test('a refused message is sent again under its id, one that nobody remembers or that is another’s under a new one', () => {
  for (const [code, id] of [['not_allowed', 'a'], ['id_forgotten', 'new'], ['id_reused', 'new']]) {
    const outbox = sentAll('a');
    outbox.refused('a', { code, words: '', retryAfterMs: null }, 0);
    const message = outbox.again('a', 'new');
    assert.deepEqual([message.id, message.state, message.wasSent], [id, 'queued', id === 'a'], code);
  }
});
