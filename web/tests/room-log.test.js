// A room's lines are complete, in order and without repeats, or a line says what is missing.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './support/modules.js';

const { HISTORY, LINES_MAX, RoomLog } = await load('room-log.js');
const { Room } = await load('room.js');
const { rowsOf } = await load('rows.js');

const entry = (seq, more = {}) => ({
  epoch: 'e1', seq, id: '', from: 'bob', type: 'message', payload: `m${seq}`, sent: new Date(0), ...more,
});
const words = (log) => log.lines.map((line) => line.text ?? `[${line.words}]`);

function logAt(seq) {
  const log = new RoomLog();
  log.joined({ epoch: 'e1', seq });
  return log;
}

test('a replay repeats nothing', () => {
  const log = logAt(0);
  for (const seq of [1, 2, 3]) log.add(entry(seq), false);
  log.joined({ epoch: 'e1', seq: 2 });
  for (const seq of [1, 2, 3, 4]) log.add(entry(seq), false);
  assert.deepEqual(words(log), ['m1', 'm2', 'm3', 'm4']);
  assert.deepEqual(log.from, { epoch: 'e1', seq: 4 });
});

test('an own message that was stored twice under one id is shown once', () => {
  const log = logAt(0);
  assert.ok(log.add(entry(1, { id: 'x-1' }), true));
  assert.ok(!log.add(entry(2, { id: 'x-1' }), true));
  // Others may use their ids as they like.
  log.add(entry(3, { id: '' }), false);
  log.add(entry(4, { id: '' }), false);
  assert.deepEqual(words(log), ['m1', 'm3', 'm4']);
});

test('a new nickname is a note, and other kinds of the server say nothing', () => {
  const log = logAt(0);
  const nick = { type: '$nick', from: 'guest-kim', payload: { was: 'guest-kim', now: 'guest-lee' } };
  assert.ok(!log.add(entry(1, nick), false), 'there is nothing to read');
  for (const payload of [null, 'x', {}, { was: 1, now: 2 }]) {
    log.add(entry(log.position.seq + 1, { type: '$nick', payload }), false);
  }
  log.add(entry(6, { type: '$later', payload: {} }), false);
  log.add(entry(7), false);
  assert.deepEqual(words(log), [
    '[\u2068guest-kim\u2069 is now called \u2068guest-lee\u2069]', 'm7',
  ]);
});

test('trimmed entries are counted on a line', () => {
  const log = logAt(12);
  log.gap({ reason: 'trimmed', epoch: 'e1', first: 13, last: 40 });
  log.add(entry(41), false);
  assert.deepEqual(words(log), ['[28 messages are missing here]', 'm41']);
});

test('a hole that nobody announced is drawn as well', () => {
  const log = logAt(0);
  log.add(entry(1), false);
  log.add(entry(3), false);
  log.joined({ epoch: 'e1', seq: 5 });
  assert.deepEqual(words(log), [
    'm1', '[1 message is missing here]', 'm3', '[2 messages are missing here]',
  ]);
});

test('another epoch is drawn, however it is told', () => {
  const anew = '[The room started anew; earlier messages are not known]';
  const told = logAt(7);
  told.gap({ reason: 'new_epoch', now: { epoch: 'e2', seq: 0 } });
  told.add(entry(1, { epoch: 'e2' }), false);
  assert.deepEqual(words(told), [anew, 'm1']);

  const untold = logAt(7);
  untold.add(entry(1, { epoch: 'e2' }), false);
  assert.deepEqual(words(untold), [anew, 'm1']);

  const rejoined = logAt(7);
  rejoined.joined({ epoch: 'e2', seq: 3 });
  rejoined.add(entry(4, { epoch: 'e2' }), false);
  assert.deepEqual(words(rejoined), [anew, 'm4']);
});

test('a position that the server does not know is drawn and given up', () => {
  const log = logAt(7);
  log.positionUnknown();
  assert.equal(log.from, null);
  assert.match(words(log)[0], /may be missing here/);
});

test('a page loaded anew begins a while before what it knew', () => {
  const log = new RoomLog({ epoch: 'e1', seq: 250 });
  assert.deepEqual(log.from, { epoch: 'e1', seq: 250 - HISTORY });
  assert.deepEqual(new RoomLog({ epoch: 'e1', seq: 3 }).from, { epoch: 'e1', seq: 0 });
  assert.equal(new RoomLog().from, null);

  // What was there at the last visit is no hole when it is no longer kept; what came after it is.
  log.joined(log.from);
  log.gap({ reason: 'trimmed', epoch: 'e1', first: 151, last: 240 });
  assert.deepEqual(words(log), []);
  const later = new RoomLog({ epoch: 'e1', seq: 250 });
  later.joined(later.from);
  later.gap({ reason: 'trimmed', epoch: 'e1', first: 151, last: 255 });
  assert.deepEqual(words(later), ['[5 messages are missing here]']);
});

test('the list is bounded and says that it was cut', () => {
  const room = new Room('tea');
  room.joined({ epoch: 'e1', seq: 0 });
  for (let seq = 1; seq <= LINES_MAX + 3; seq += 1) room.add(entry(seq), { own: false, fromHere: false });
  assert.equal(room.log.lines.length, LINES_MAX);
  assert.equal(room.log.lines[0].text, 'm4');
  assert.match(rowsOf(room)[0].words, /no longer shown/);
});

test('days, names and the first unread message are marked', () => {
  const room = new Room('tea');
  room.joined({ epoch: 'e1', seq: 4 });
  const at = (day, minute) => new Date(2026, 0, day, 12, minute);
  const add = (seq, from, sent) => room.add(entry(seq, { from, sent }), { own: false, fromHere: false });
  room.seen(true);
  add(5, 'bob', at(1, 0));
  add(6, 'bob', at(1, 1));
  room.seen(false);
  add(7, 'bob', at(1, 2));
  add(8, 'bob', at(1, 30));
  add(9, 'cid', at(2, 0));
  const rows = rowsOf(room);
  assert.deepEqual(rows.map(({ kind }) => kind), [
    'start', 'day', 'entry', 'entry', 'unread', 'entry', 'entry', 'day', 'entry',
  ]);
  assert.deepEqual(rows.filter(({ kind }) => kind === 'entry').map(({ follows }) => follows), [
    false, true, false, false, false,
  ]);
  assert.match(rows[0].words, /^4 messages were written here before/);
  assert.equal(room.unread, 3);
  assert.equal(new Set(rows.map(({ key }) => key)).size, rows.length);
});

test('an entry of another kind is named and not hidden', () => {
  const log = logAt(0);
  log.add(entry(1, { type: 'poll', payload: { a: 1 } }), false);
  log.add(entry(2, { payload: ['no text'] }), false);
  assert.match(log.lines[0].text, /“poll”/);
  assert.equal(log.lines.length, 2);
});
