// All rooms in one connection: one `join` with all positions, refusals sorted out, nothing said twice or lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './support/modules.js';

const { Conversation } = await load('conversation.js');
const { BYTES_MAX, ITEMS_MAX } = await load('outbox.js');
const { Rooms } = await load('rooms.js');
const { decode } = await load('protocol.js');

const E1 = '00000000000000e1';
const HELLO = { t: 'hello', user: 'ann', guest: false, limits: { message_bytes: 65_536, rooms: 5 } };

// A conversation without page and socket: `sent` are its frames, `passTime()` ends all waits.
function startConversation(names = [], { guest = false, kept = null } = {}) {
  const sent = [];
  let ids = 0;
  let timers = [];
  const problems = [];
  let time = 0;
  const remembered = { rooms: names.map((room) => ({ room })) };
  const conversation = new Conversation({
    user: 'ann', guest, rooms: new Rooms(remembered), kept,
    newId: () => `x-${ids += 1}`,
    send: (frame) => sent.push(JSON.parse(frame)) > 0,
    later: (delay, then) => timers.push(then),
    now: () => time,
    onChange: () => {}, onProblem: (words) => problems.push(words),
  });
  return {
    conversation, sent, problems,
    rooms: conversation.rooms,
    hear: (frame) => conversation.receive(decode(JSON.stringify(frame))),
    passTime: (ms = 0) => {
      time += ms;
      const due = timers;
      timers = [];
      for (const then of due) then();
    },
    take: (t) => sent.splice(0).filter((frame) => frame.t === t),
  };
}

const E2 = '00000000000000e2';

const joined = (room, seq = 0, { epoch = E1, head = seq } = {}) => ({ t: 'joined', room, epoch, seq, head });
const newEpoch = (room, was, now) => ({
  t: 'gap', room, reason: 'new_epoch', was: { epoch: E1, seq: was }, now: { epoch: E2, seq: now },
});
const entry = (room, seq, more = {}) => ({
  t: 'entry', room, epoch: E1, seq, from: 'bob', type: 'message', payload: `m${seq}`, ...more,
});
const error = (code, more = {}) => ({ t: 'error', code, message: `words of ${code}`, ...more });
const states = (room) => room.outbox.messages.map(({ id, state }) => `${id} ${state}`);
const texts = (room) => room.log.lines.map((line) => line.text ?? `[${line.words}]`);

// A message said in `tea` lost its connection before any answer; the next one has begun.
function lostWithOne() {
  const it = startConversation(['tea']);
  it.hear(HELLO);
  it.hear(joined('tea'));
  it.conversation.say(it.rooms.get('tea'), 'one');
  it.conversation.lost();
  it.hear(HELLO);
  it.take('publish');
  return { ...it, tea: it.rooms.get('tea') };
}

test('who comes back asks for all rooms with their positions in one frame', () => {
  const { conversation, rooms, hear, take } = startConversation(['tea', 'den', 'new']);
  hear(HELLO);
  assert.deepEqual(take('join'), [{
    t: 'join', rooms: ['tea', 'den', 'new'].map((room) => ({ room, presence: true })),
  }]);
  hear(joined('tea', 7));
  hear(joined('den'));
  hear(entry('tea', 8));
  conversation.lost();
  hear(HELLO);
  assert.deepEqual(take('join'), [{
    t: 'join',
    rooms: [
      { room: 'tea', from: { epoch: E1, seq: 8 }, presence: true },
      { room: 'den', from: { epoch: E1, seq: 0 }, presence: true },
      { room: 'new', presence: true },
    ],
  }]);
  hear(joined('tea', 8));
  hear(entry('tea', 8));
  hear(entry('tea', 9));
  assert.deepEqual(texts(rooms.get('tea')), ['m8', 'm9']);
});

test('what has no answer is sent again, with its id and the place that the room had before', () => {
  const it = startConversation(['tea']);
  it.hear(HELLO);
  it.hear(joined('tea', 7));
  const tea = it.rooms.get('tea');
  for (const text of ['one', 'two']) it.conversation.say(tea, text);
  assert.deepEqual(it.take('publish').map(({ id, payload, since }) => [id, payload, since]), [
    ['x-1', 'one', undefined], ['x-2', 'two', undefined],
  ]);
  it.conversation.lost();
  it.conversation.say(tea, 'three');
  assert.deepEqual(states(tea), ['x-1 queued', 'x-2 queued', 'x-3 queued']);
  it.hear(HELLO);
  assert.deepEqual(it.take('publish'), [], 'not before this page is in the room');
  it.hear(joined('tea', 7, { head: 9 }));
  assert.deepEqual(it.take('publish').map(({ id, since }) => [id, since]), [
    ['x-1', { epoch: E1, seq: 7 }], ['x-2', { epoch: E1, seq: 7 }], ['x-3', undefined],
  ], 'what never was on its way needs no place');
  it.conversation.lost();
  it.hear(HELLO);
  it.hear(joined('tea', 7, { head: 9 }));
  assert.deepEqual(it.take('publish').at(-1).since, { epoch: E1, seq: 9 }, 'all that the room had is older');
});

test('an answer to the first or to the second sending is the same one', () => {
  const it = lostWithOne();
  it.hear(joined('tea', 0, { head: 1 }));
  assert.deepEqual(it.take('publish').map(({ id }) => id), ['x-1']);
  it.hear(entry('tea', 1, { id: 'x-1', from: 'ann', payload: 'one' }));
  it.hear({ t: 'ack', room: 'tea', id: 'x-1', epoch: E1, seq: 1 });
  it.hear(entry('tea', 2, { id: 'x-1', from: 'ann', payload: 'one' }));
  assert.deepEqual([states(it.tea), texts(it.tea)], [[], ['one']]);

  const other = lostWithOne();
  other.hear(joined('tea', 0, { head: 1 }));
  other.hear({ t: 'ack', room: 'tea', id: 'x-1', epoch: E1, seq: 1 });
  assert.deepEqual(states(other.tea), ['x-1 acked']);
  other.take('publish');
  other.conversation.lost();
  other.hear(HELLO);
  other.hear(joined('tea', 0, { head: 1 }));
  assert.deepEqual(other.take('publish'), [], 'it has its place');
  other.hear(entry('tea', 1, { id: 'x-1', from: 'ann', payload: 'one' }));
  assert.deepEqual([states(other.tea), texts(other.tea)], [[], ['one']]);
});

test('one that was delivered long before this page looked is told of', () => {
  const it = startConversation(['tea']);
  it.hear(HELLO);
  it.hear(joined('tea', 500));
  it.conversation.restore([{ id: 'old', room: 'tea', text: 'one', written: 5, number: 1, since: { epoch: E1, seq: 3 } }]);
  assert.deepEqual(it.take('publish').map(({ id, since }) => [id, since.seq]), [['old', 3]]);
  it.hear({ t: 'ack', room: 'tea', id: 'old', epoch: E1, seq: 4 });
  const tea = it.rooms.get('tea');
  assert.deepEqual(states(tea), []);
  assert.match(texts(tea)[0], /had been delivered before/);
});

test('what was dropped is shown once, whatever still comes', () => {
  const it = lostWithOne();
  it.hear(joined('tea'));
  it.conversation.discard(it.tea, 'x-1');
  it.hear(entry('tea', 1, { id: 'x-1', from: 'ann', payload: 'one' }));
  assert.deepEqual([states(it.tea), texts(it.tea)], [[], ['one']]);
});

test('what is acknowledged and then missing keeps its place beside the hole', () => {
  const it = lostWithOne();
  it.hear(joined('tea'));
  it.hear({ t: 'ack', room: 'tea', id: 'x-1', epoch: E1, seq: 7 });
  it.conversation.lost();
  it.hear(HELLO);
  it.hear(joined('tea', 0, { head: 40 }));
  assert.deepEqual(states(it.tea), ['x-1 acked']);
  it.hear({ t: 'gap', room: 'tea', reason: 'trimmed', epoch: E1, first: 1, last: 40 });
  assert.deepEqual([states(it.tea), texts(it.tea)], [[], ['[40 messages are missing here]', 'one']]);
  assert.ok(!it.tea.isLoading);
});

test('where the server remembers no longer it is unknown, and sent again only as another message', () => {
  const it = startConversation(['tea']);
  it.hear(HELLO);
  it.hear(joined('tea', 5));
  const tea = it.rooms.get('tea');
  it.conversation.say(tea, 'one');
  it.conversation.lost();
  it.take('publish');
  it.hear(HELLO);
  it.hear(joined('tea', 0, { epoch: E2 }));
  it.hear(newEpoch('tea', 5, 0));
  assert.equal(texts(tea).length, 1, 'told once');
  assert.deepEqual(it.take('publish').map(({ id, since }) => [id, since]), [['x-1', { epoch: E1, seq: 5 }]]);
  it.hear(error('id_forgotten', { room: 'tea', id: 'x-1' }));
  assert.deepEqual(states(tea), ['x-1 unknown']);
  it.conversation.tick();
  assert.deepEqual(it.take('publish'), []);
  it.conversation.again(tea, 'x-1');
  const [again] = it.take('publish');
  assert.deepEqual([again.id !== 'x-1', again.payload, again.since], [true, 'one', undefined]);
});

test('the head counts in the new epoch, whichever frame names that', () => {
  for (const place of [joined('tea', 0, { epoch: E2, head: 2 }), joined('tea', 0, { head: 2 })]) {
    const it = startConversation(['tea']);
    it.hear(HELLO);
    it.hear(joined('tea'));
    it.conversation.lost();
    it.hear(HELLO);
    it.hear(place);
    it.hear(newEpoch('tea', 0, 0));
    it.hear(entry('tea', 1, { epoch: E2 }));
    const tea = it.rooms.get('tea');
    assert.ok(tea.isLoading);
    it.hear(entry('tea', 2, { epoch: E2 }));
    assert.ok(!tea.isLoading);
  }
});

test('a frame that is thrown away without a word which is sent again', () => {
  const it = startConversation(['tea']);
  it.hear(HELLO);
  it.hear(joined('tea', 3));
  it.conversation.say(it.rooms.get('tea'), 'long');
  it.take('publish');
  it.hear(error('rate_limited', { retry_after: 0.25 }));
  it.passTime(250);
  it.conversation.tick();
  assert.deepEqual(it.take('publish').map(({ id, since }) => [id, since.seq]), [['x-1', 3]]);
});

test('a server that takes less than before refuses here, and not by closing', () => {
  const it = startConversation(['tea']);
  it.hear({ ...HELLO, limits: { message_bytes: 200, rooms: 5 } });
  it.hear(joined('tea'));
  it.conversation.restore([{ id: 'old', room: 'tea', text: 'x'.repeat(200), written: 5, number: 1, since: null }]);
  assert.deepEqual(it.take('publish'), []);
  assert.match(it.rooms.get('tea').outbox.messages[0].words, /larger than the server takes/);
});

// Keeps messages as a browser does: answered only when `write()` is called.
function slowKept() {
  const kept = new Map();
  const waiting = [];
  return {
    kept,
    removed: [],
    put(items) {
      return new Promise((resolve) => {
        waiting.push(() => {
          for (const item of items) kept.set(item.id, item);
          resolve(true);
        });
      });
    },
    async remove(ids) {
      for (const id of ids) kept.delete(id);
    },
    async write() {
      for (const write of waiting.splice(0)) write();
      await new Promise((resolve) => { setImmediate(resolve); });
    },
  };
}

test('a message is kept, with its place, before it is sent, and until it has its answer', async () => {
  const kept = slowKept();
  const it = startConversation(['tea'], { kept });
  const tea = it.rooms.get('tea');
  it.conversation.say(tea, 'written before the room was there');
  await kept.write();
  assert.equal(kept.kept.get('x-1').since, null);
  it.hear(HELLO);
  it.hear(joined('tea', 7));
  assert.deepEqual(it.take('publish'), [], 'its place is not kept yet');
  it.conversation.say(tea, 'second');
  assert.deepEqual(it.take('publish'), []);
  await kept.write();
  assert.deepEqual(it.take('publish').map(({ id }) => id), ['x-1', 'x-2']);
  assert.deepEqual([...kept.kept.values()].map(({ room, user, since }) => [room, user, since.seq]), [
    ['tea', 'ann', 7], ['tea', 'ann', 7],
  ]);
  it.hear({ t: 'ack', room: 'tea', id: 'x-1', epoch: E1, seq: 8 });
  assert.deepEqual([...kept.kept.keys()], ['x-2']);
  it.hear(error('disk_full', { room: 'tea', id: 'x-2', retry_after: 1 }));
  assert.deepEqual([...kept.kept.keys()], ['x-2'], 'this passes');
  it.passTime(1_000);
  it.conversation.tick();
  assert.deepEqual(it.take('publish').map(({ id }) => id), ['x-2']);
  it.hear(error('not_allowed', { room: 'tea', id: 'x-2' }));
  await kept.write();
  assert.match(kept.kept.get('x-2').refusal, /words of not_allowed/);
  it.conversation.discard(tea, 'x-2');
  assert.equal(kept.kept.size, 0);
});

test('the next page goes on with what this one kept, in the order of writing, and with no more', async () => {
  const kept = slowKept();
  const it = startConversation(['tea'], { kept });
  it.hear(HELLO);
  it.hear(joined('tea', 7));
  for (const text of ['one', 'two', 'three']) it.conversation.say(it.rooms.get('tea'), text);
  await kept.write();
  it.hear({ t: 'ack', room: 'tea', id: 'x-2', epoch: E1, seq: 8 });
  it.hear(error('not_allowed', { room: 'tea', id: 'x-3' }));
  await kept.write();

  const next = startConversation();
  next.conversation.restore([...kept.kept.values()]);
  next.hear(HELLO);
  assert.deepEqual(next.take('join')[0].rooms.map(({ room }) => room), ['tea']);
  next.hear(joined('tea', 8));
  next.conversation.restore([...kept.kept.values()]);
  assert.deepEqual(next.take('publish').map(({ id, since }) => [id, since.seq]), [['x-1', 7]]);
  assert.deepEqual(states(next.rooms.get('tea')), ['x-1 sent', 'x-3 refused']);
  next.conversation.gone('x-1');
  assert.deepEqual(states(next.rooms.get('tea')), ['x-3 refused']);
});

test('what waits is bounded in number and in bytes, over all rooms', () => {
  const it = startConversation(['tea', 'den']);
  const [tea, den] = it.rooms.all;
  for (let number = 0; number < ITEMS_MAX - 1; number += 1) it.conversation.say(tea, 'x');
  assert.ok(!it.conversation.isFull);
  it.conversation.say(den, 'x');
  assert.ok(it.conversation.isFull);
  it.conversation.discard(den, it.conversation.undelivered.at(-1).id);
  assert.ok(!it.conversation.isFull);
  it.conversation.say(den, 'x'.repeat(BYTES_MAX));
  assert.ok(it.conversation.isFull);
});

test('a position that the server does not know is given up for its room alone, and told', () => {
  const it = startConversation(['tea', 'den']);
  it.hear(HELLO);
  it.hear(joined('tea', 5));
  it.hear(joined('den', 6));
  it.conversation.lost();
  it.hear(HELLO);
  it.take('join');
  it.hear(error('bad_position', { room: 'tea' }));
  assert.deepEqual(it.take('join'), [{ t: 'join', rooms: [{ room: 'tea', presence: true }] }]);
  it.hear(joined('den', 6));
  it.hear(joined('tea', 2));
  it.hear(entry('tea', 3));
  assert.match(texts(it.rooms.get('tea'))[0], /does not know the place/);
  assert.equal(texts(it.rooms.get('tea'))[1], 'm3');
});

test('one bad name refuses the frame; without a word which, each is asked for by itself', () => {
  const it = startConversation(['tea', 'den']);
  it.hear(HELLO);
  it.take('join');
  it.hear(error('bad_room'));
  assert.deepEqual(it.take('join').map(({ rooms }) => rooms.map(({ room }) => room)), [['tea'], ['den']]);
  it.hear(error('bad_room'));
  it.hear(joined('den'));
  assert.equal(it.rooms.get('tea').state, 'refused');
  assert.equal(it.rooms.get('tea').refusal, 'words of bad_room');
  assert.equal(it.rooms.get('den').state, 'inside');
});

test('a join that was too fast is asked for again; a full server is told at its room', () => {
  const it = startConversation(['tea', 'den']);
  it.hear(HELLO);
  it.take('join');
  it.hear(error('rate_limited', { retry_after: 0.25 }));
  it.passTime(250);
  assert.equal(it.take('join')[0].rooms.length, 2);
  it.hear(joined('tea'));
  it.hear(error('too_many_rooms', { room: 'den', retry_after: 1 }));
  assert.equal(it.rooms.get('den').state, 'refused');
  it.conversation.join('den');
  assert.deepEqual(it.take('join').map(({ rooms }) => rooms.map(({ room }) => room)), [['den']]);
});

test('no more rooms than the server allows are asked for', () => {
  const it = startConversation(['1', '2', '3', '4', '5']);
  it.hear(HELLO);
  assert.equal(it.conversation.join('6'), null);
  it.conversation.leave(it.rooms.get('1'));
  assert.deepEqual(it.take('leave'), [{ t: 'leave', rooms: ['1'] }]);
  assert.equal(it.conversation.join('6').name, '6');
});

test('earlier messages are asked for by coming in again before them', () => {
  const it = startConversation(['tea']);
  it.hear(HELLO);
  it.hear(joined('tea', 130));
  it.hear(entry('tea', 131));
  it.sent.length = 0;
  const tea = it.rooms.get('tea');
  it.conversation.showEarlier(tea, 100);
  assert.deepEqual(it.sent, [
    { t: 'leave', rooms: ['tea'] },
    { t: 'join', rooms: [{ room: 'tea', from: { epoch: E1, seq: 30 }, presence: true }] },
  ]);
  it.hear(entry('tea', 132));
  it.hear({ t: 'left', room: 'tea' });
  it.hear(joined('tea', 30));
  for (let seq = 31; seq <= 133; seq += 1) it.hear(entry('tea', seq));
  assert.equal(texts(tea).length, 103);
  assert.ok(!texts(tea).some((text) => text.startsWith('[')));
  assert.equal(tea.unread, 3, 'what was said before this user came in is not new');
});

test('only what this page wrote, or this account, is one’s own', () => {
  for (const [guest, own] of [[false, [true, true]], [true, [true, false]]]) {
    const it = startConversation(['tea'], { guest });
    it.hear({ ...HELLO, guest });
    it.hear(joined('tea'));
    it.conversation.say(it.rooms.get('tea'), 'one');
    it.hear(entry('tea', 1, { from: 'ann', id: 'x-1', payload: 'one' }));
    it.hear(entry('tea', 2, { from: 'ann', id: 'y-1' }));
    it.hear(entry('tea', 3, { from: 'bob', id: 'x-1' }));
    assert.deepEqual(it.rooms.get('tea').log.lines.map((line) => line.own), [...own, false]);
    assert.equal(it.rooms.get('tea').outbox.messages.length, 0);
  }
});

test('rooms, positions and what was read are remembered, and rubbish is not believed', () => {
  const it = startConversation(['tea']);
  it.hear(HELLO);
  it.hear(joined('tea', 40));
  it.rooms.show(it.rooms.get('tea'));
  it.hear(entry('tea', 41));
  it.conversation.join('den');
  const again = new Rooms(JSON.parse(JSON.stringify(it.rooms.remembered())));
  assert.deepEqual(again.wishes(), [
    { room: 'tea', from: { epoch: E1, seq: 0 } }, { room: 'den', from: null },
  ]);
  assert.equal(again.current.name, 'tea');
  again.get('tea').joined({ epoch: E1, seq: 0 });
  for (const seq of [40, 41, 42]) again.get('tea').add(decode(JSON.stringify(entry('tea', seq))), {});
  assert.equal(again.get('tea').unread, 1);
  for (const rubbish of [null, 7, { rooms: 7 }, { rooms: [null, { room: '$x' }, { room: 7 }] }]) {
    assert.equal(new Rooms(rubbish).size, 0);
  }
});

test('who is here: a snapshot, then changes, or the number alone', () => {
  const it = startConversation(['tea']);
  it.hear(HELLO);
  it.hear(joined('tea'));
  const { presence } = it.rooms.get('tea');
  it.hear({ t: 'presence', room: 'tea', count: 2, users: ['bob', 'ann'] });
  it.hear({ t: 'presence_change', room: 'tea', count: 2, came: ['cid'], went: ['bob'] });
  assert.deepEqual(presence.users, ['ann', 'cid']);
  it.hear({ t: 'presence', room: 'tea', count: 812 });
  it.hear({ t: 'presence_change', room: 'tea', count: 813, came: ['dan'], went: [] });
  assert.deepEqual([presence.count, presence.users], [813, null]);
  it.conversation.lost();
  assert.equal(presence.count, null);
});
