// All rooms in one connection: one `join` with all positions, refusals sorted out, nothing said twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './support/modules.js';

const { Conversation } = await load('conversation.js');
const { Rooms } = await load('rooms.js');
const { decode } = await load('protocol.js');

const E1 = '00000000000000e1';
const HELLO = { t: 'hello', user: 'ann', guest: false, limits: { message_bytes: 65_536, rooms: 5 } };

// A conversation without page and socket: `sent` are its frames, `passTime()` ends all waits.
function startConversation(names = [], { guest = false } = {}) {
  const sent = [];
  let timers = [];
  const problems = [];
  let time = 0;
  const remembered = { rooms: names.map((room) => ({ room })) };
  const conversation = new Conversation({
    user: 'ann', guest, rooms: new Rooms(remembered), idPrefix: 'x',
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

test('what was on its way and did not come back is not sent again by itself, what never was is sent', () => {
  const it = startConversation(['tea']);
  it.hear(HELLO);
  it.hear(joined('tea'));
  const tea = it.rooms.get('tea');
  for (const text of ['one', 'two']) it.conversation.say(tea, text);
  assert.deepEqual(it.take('publish').map(({ id, payload }) => [id, payload]), [['x-1', 'one'], ['x-2', 'two']]);
  it.conversation.lost();
  it.hear(HELLO);
  it.hear(joined('tea', 0, { head: 3 }));
  assert.ok(tea.isLoading);
  it.conversation.say(tea, 'three');
  it.hear(entry('tea', 1, { id: 'x-1', from: 'ann', payload: 'one' }));
  it.hear(entry('tea', 2));
  it.passTime(60_000);
  assert.deepEqual(it.take('publish'), [], 'an entry is still on its way, however long it takes');
  it.hear(entry('tea', 3));
  assert.ok(!tea.isLoading);
  assert.deepEqual(it.take('publish').map(({ id }) => id), ['x-3']);
  assert.deepEqual(states(tea), ['x-2 unknown', 'x-3 sent']);
  assert.deepEqual(texts(tea), ['one', 'm2', 'm3']);
});

test('a publish of the earlier connection that is numbered after the new one began is there once', () => {
  const it = lostWithOne();
  it.hear(joined('tea'));
  assert.deepEqual(states(it.tea), ['x-1 unknown']);
  it.conversation.say(it.tea, 'two');
  it.conversation.say(it.tea, 'three');
  it.passTime(60_000);
  it.conversation.tick();
  assert.deepEqual(it.take('publish').map(({ id }) => id), ['x-2', 'x-3'], 'nothing waits for it');
  it.hear(entry('tea', 1, { id: 'x-2', from: 'ann', payload: 'two' }));
  it.hear(entry('tea', 2, { id: 'x-1', from: 'ann', payload: 'one' }));
  it.hear(entry('tea', 3, { id: 'x-3', from: 'ann', payload: 'three' }));
  assert.deepEqual(states(it.tea), []);
  assert.deepEqual(texts(it.tea), ['two', 'one', 'three']);
  assert.deepEqual(it.take('publish'), []);
});

test('what was sent again or discarded is shown once, whatever still comes', () => {
  const it = lostWithOne();
  it.hear(joined('tea'));
  it.conversation.again(it.tea, 'x-1');
  assert.deepEqual(it.take('publish').map(({ id }) => id), ['x-1']);
  for (const seq of [1, 2]) it.hear(entry('tea', seq, { id: 'x-1', from: 'ann', payload: 'one' }));
  assert.deepEqual([states(it.tea), texts(it.tea)], [[], ['one']]);

  const other = lostWithOne();
  other.hear(joined('tea'));
  other.conversation.discard(other.tea, 'x-1');
  other.hear(entry('tea', 1, { id: 'x-1', from: 'ann', payload: 'one' }));
  assert.deepEqual([states(other.tea), texts(other.tea)], [[], ['one']]);
});

test('where nothing was said meanwhile it is not confirmed as soon as the room is entered', () => {
  const it = lostWithOne();
  it.hear(joined('tea'));
  assert.deepEqual(it.take('publish'), []);
  assert.deepEqual(states(it.tea), ['x-1 unknown']);
  assert.ok(!it.tea.isLoading);
});

test('each room is complete by its own head', () => {
  const it = startConversation(['tea', 'den']);
  it.hear(HELLO);
  for (const room of it.rooms.all) {
    it.hear(joined(room.name));
    it.conversation.say(room, `in ${room.name}`);
  }
  it.conversation.lost();
  for (const room of it.rooms.all) it.conversation.say(room, `later in ${room.name}`);
  it.hear(HELLO);
  it.take('publish');
  it.hear(joined('tea', 0, { head: 2 }));
  it.hear(joined('den', 0, { head: 1 }));
  it.hear(entry('tea', 1));
  it.hear(entry('den', 1));
  assert.deepEqual(it.take('publish').map(({ room }) => room), ['den']);
  it.hear(entry('tea', 2));
  assert.deepEqual(it.take('publish').map(({ room }) => room), ['tea']);
});

test('a gap up to the head makes a room complete as well, and leaves the choice', () => {
  const it = lostWithOne();
  it.hear(joined('tea', 0, { head: 40 }));
  it.hear({ t: 'gap', room: 'tea', reason: 'trimmed', epoch: E1, first: 1, last: 40 });
  assert.ok(!it.tea.isLoading);
  assert.equal(it.tea.outbox.messages[0].state, 'unknown');
  assert.deepEqual(it.take('publish'), []);
});

test('a connection lost before the head leaves it to the next one', () => {
  const it = lostWithOne();
  it.hear(joined('tea', 0, { head: 2 }));
  it.hear(entry('tea', 1));
  it.conversation.lost();
  assert.ok(!it.tea.isLoading, 'offline nothing is on its way');
  it.passTime(60_000);
  assert.deepEqual(it.take('publish'), []);
  it.hear(HELLO);
  it.hear(joined('tea', 1, { head: 2 }));
  assert.deepEqual(it.take('publish'), []);
  it.hear(entry('tea', 2, { id: 'x-1', from: 'ann' }));
  assert.deepEqual(it.take('publish'), []);
  assert.deepEqual([it.tea.outbox.messages.length, it.tea.isLoading], [0, false]);
});

test('where a connection was lost before the head, the next one settles it', () => {
  const it = lostWithOne();
  it.hear(joined('tea', 0, { head: 41 }));
  it.hear({ t: 'gap', room: 'tea', reason: 'trimmed', epoch: E1, first: 1, last: 40 });
  it.conversation.lost();
  it.hear(HELLO);
  it.hear(joined('tea', 40, { head: 41 }));
  it.hear(entry('tea', 41));
  assert.deepEqual(it.take('publish'), [], 'it may be in the room already');
  assert.equal(it.tea.outbox.messages[0].state, 'unknown');
});

test('in a new epoch nobody knows, and nothing is sent by itself', () => {
  const it = startConversation(['tea']);
  it.hear(HELLO);
  it.hear(joined('tea'));
  const tea = it.rooms.get('tea');
  it.conversation.say(tea, 'one');
  it.conversation.lost();
  it.take('publish');
  it.hear(HELLO);
  it.hear(joined('tea', 0, { epoch: E2 }));
  it.hear(newEpoch('tea', 0, 0));
  assert.deepEqual(it.take('publish'), []);
  assert.equal(tea.outbox.messages[0].state, 'unknown');
  assert.equal(texts(tea).length, 1, 'told once');
  it.conversation.again(tea, 'x-1');
  assert.deepEqual(it.take('publish').map(({ id }) => id), ['x-1']);
});

test('the head counts in the new epoch, whichever frame names that', () => {
  for (const place of [joined('tea', 0, { epoch: E2, head: 2 }), joined('tea', 0, { head: 2 })]) {
    const it = lostWithOne();
    it.hear(place);
    it.hear(newEpoch('tea', 0, 0));
    it.hear(entry('tea', 1, { epoch: E2 }));
    assert.ok(it.tea.isLoading);
    it.hear(entry('tea', 2, { epoch: E2 }));
    assert.ok(!it.tea.isLoading);
    assert.equal(it.tea.outbox.messages[0].state, 'unknown');
    assert.deepEqual(it.take('publish'), []);
  }
});

test('a busy room does not keep messages back for ever', () => {
  const it = lostWithOne();
  it.conversation.say(it.tea, 'two');
  it.hear(joined('tea', 0, { head: 1 }));
  it.hear(entry('tea', 1));
  assert.deepEqual(it.take('publish').map(({ id }) => id), ['x-2'], 'what comes after the head is new');
  it.hear(entry('tea', 2));
  assert.deepEqual(it.take('publish'), []);
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
    it.hear(entry('tea', 3, { from: 'bob', id: 'x-2' }));
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
