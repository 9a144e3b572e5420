// Frames are made as docs/protocol.md says, and what comes from the network is checked.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './support/modules.js';

const { bytesOf, decode, encodeJoins, encodePublish } = await load('protocol.js');
const { isRoomName, linkTo, roomName, roomOfLink } = await load('room-name.js');
const { endOf } = await load('closing.js');

const read = (frame) => decode(JSON.stringify(frame));

test('all rooms with their positions fit into one join', () => {
  const wishes = Array.from({ length: 300 }, (_, index) => ({
    room: `room ${index}`, from: index % 2 ? { epoch: '9f3c5d20a1b4e687', seq: index } : null,
  }));
  const joins = encodeJoins(wishes, 65_536);
  assert.equal(joins.length, 1);
  const { t, rooms } = JSON.parse(joins[0].frame);
  assert.equal(t, 'join');
  assert.deepEqual(rooms[0], { room: 'room 0', presence: true });
  assert.deepEqual(rooms[1], {
    room: 'room 1', from: { epoch: '9f3c5d20a1b4e687', seq: 1 }, presence: true,
  });
});

test('a small limit takes more joins, each within it, and loses no room', () => {
  const wishes = Array.from({ length: 20 }, (_, index) => ({
    room: `é${index}`.repeat(10), from: { epoch: '9f3c5d20a1b4e687', seq: 1 },
  }));
  const joins = encodeJoins(wishes, 512);
  assert.ok(joins.length > 1);
  assert.ok(joins.every(({ frame }) => bytesOf(frame) <= 512));
  assert.deepEqual(joins.flatMap(({ rooms }) => rooms), wishes.map(({ room }) => room));
  assert.deepEqual(encodeJoins([], 512), []);
});

test('a publish carries room, id and text', () => {
  assert.deepEqual(JSON.parse(encodePublish({ room: 'tea', id: 'm-1', text: 'a "b"\n' })), {
    t: 'publish', room: 'tea', id: 'm-1', type: 'message', payload: 'a "b"\n',
  });
});

test('half a character is replaced before the server refuses it', () => {
  const { payload } = JSON.parse(encodePublish({ room: 'tea', id: 'm-1', text: 'a\ud83db🫖' }));
  assert.equal(payload, 'a\ufffdb🫖');
});

test('known frames are read', () => {
  const entry = read({
    t: 'entry', room: 'tea', epoch: 'e', seq: 13, from: 'ann', type: 'message', payload: 'hi',
    sent: '2026-11-22T04:00:00.120000999Z', later: 1,
  });
  assert.equal(entry.sent.toISOString(), '2026-11-22T04:00:00.120Z');
  assert.equal(entry.id, '');
  assert.equal(read({ t: 'error', code: 'rate_limited', message: 'slow', retry_after: 0.25 }).retryAfterMs, 250);
  assert.equal(read({ t: 'error', code: 'bad_json', message: 'no' }).retryAfterMs, null);
  assert.deepEqual(read({ t: 'joined', room: 'tea', epoch: 'e', seq: 12, head: 40 }), {
    t: 'joined', room: 'tea', epoch: 'e', seq: 12, head: 40,
  });
  assert.deepEqual(read({ t: 'presence', room: 'tea', count: 812 }), {
    t: 'presence', room: 'tea', count: 812, users: null,
  });
});

test('what has not the shape of its kind is left alone', () => {
  for (const data of [
    '', '{', 'null', '7', '"entry"', '[]', '{}', '{"t":7}', '{"t":"later"}', '{"t":"constructor"}',
    '{"t":"entry","room":"tea","seq":1,"from":"ann"}',
    '{"t":"entry","room":"tea","epoch":"e","seq":1.5,"from":"ann"}',
    '{"t":"entry","room":"tea","epoch":"e","seq":-1,"from":"ann"}',
    '{"t":"entry","room":7,"epoch":"e","seq":1,"from":"ann"}',
    '{"t":"joined","room":"tea","epoch":"e","seq":"1","head":1}',
    '{"t":"joined","room":"tea","epoch":"e","seq":1}',
    '{"t":"gap","room":"tea","reason":"trimmed","epoch":"e","first":3,"last":2}',
    '{"t":"gap","room":"tea","reason":"new_epoch"}',
    '{"t":"presence","room":"tea","count":-1}',
    '{"t":"hello"}',
  ]) {
    assert.equal(decode(data), null, data);
  }
  assert.deepEqual(read({ t: 'presence', room: 'r', count: 2, users: ['ann', 7, null] }).users, ['ann']);
});

test('rooms have the names that the server takes', () => {
  for (const name of ['general', 'r'.repeat(128), 'über uns', '茶', 'a\u200db', '#']) {
    assert.ok(isRoomName(name), name);
  }
  for (const name of [
    '', '$inner', 'r'.repeat(129), 'bell\u0007', 'a\u200bb', '\u202eabc', 'a\ufeff', '\u200da',
  ]) {
    assert.ok(!isRoomName(name), JSON.stringify(name));
  }
  assert.equal(roomName(' e\u0301 '), '\u00e9');
  assert.equal(roomOfLink(linkTo('über & co/#1')), 'über & co/#1');
  assert.equal(roomOfLink('#100%'), '100%');
  assert.equal(roomOfLink(''), '');
});

test('an end is told apart: come back, come back then, sign in again, or wait for the user', () => {
  const closing = (why, retryAfterMs) => ({ why, words: 'words', retryAfterMs });
  const end = (code, reason = '', said = null) => endOf({ code, reason }, said);
  for (const code of [1000, 1001, 1006, 1011, 1012, 4000]) assert.ok(end(code).comesBack, `${code}`);
  for (const code of [1002, 1007, 1008, 1009]) assert.ok(!end(code).comesBack, `${code}`);
  assert.ok(end(1008, 'no sign of life').comesBack);
  assert.ok(end(1008, 'connection too slow: nothing could be written').comesBack);
  assert.ok(end(1008, 'signed out: the session has ended').isSignedOut);
  assert.deepEqual(end(1001, '', closing('going_away', 2_310)), {
    words: 'words', isSignedOut: false, comesBack: true, goingAway: true, exactly: 2_310,
  });
  assert.ok(!end(1008, '', closing('bad_frames', null)).comesBack);
  const out = end(1008, '', closing('signed_out', null));
  assert.ok(out.isSignedOut && !out.comesBack);
});
