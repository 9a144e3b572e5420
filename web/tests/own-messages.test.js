// An own message is pale until the room has it, and says so when that stays unknown.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  join, joinRoom, messageField, messages, openPage, recordAnnouncements, send, sendAndSee, showRoom, texts, untilInRoom, untilMessage,
  untilState,
} from './support/chat.js';
import { withPages } from './support/parlour.js';
import { EPOCH, joined, playServer } from './support/wire.js';

async function joinPlayed(page, server, options) {
  const played = await playServer(page, options);
  await openPage(page, server, 'tea');
  await join(page, 'ann');
  await untilInRoom(page, 'tea');
  return played;
}

const waitingStates = (page) => page.locator('#waiting .message')
  .evaluateAll((lines) => lines.map((line) => line.dataset.state));

// So many are handed over and wait for their answer.
const untilSent = (page, count) => page.locator('#waiting [data-state="sent"]').nth(count - 1).waitFor();

const nextFrame = (page) => page.evaluate(() => new Promise(requestAnimationFrame));

const unknown = (page) => page.locator('.doubtful').getByText('Not known whether this was delivered');

const forgotten = ({ room, id }) => ({
  t: 'error', code: 'id_forgotten', message: 'whether that id was published since then is no longer known', room, id,
});

test('pale at once, solid with the ack, and in its place with the entry', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await joinPlayed(page, server);
    await send(page, 'one');
    await send(page, 'two');
    await untilSent(page, 2);
    played.say('tea', 'bob', 'from bob');
    await untilMessage(page, 'from bob');
    assert.deepEqual(await texts(page), ['from bob', 'one', 'two']);

    const [one, two] = played.of('publish');
    played.tell({ t: 'ack', room: 'tea', id: one.id, epoch: EPOCH, seq: 2 });
    await page.locator('#waiting [data-state="acked"]').waitFor();
    assert.equal(await page.locator('.unconfirmed').count(), 1, 'the second stays pale');
    played.say('tea', 'guest-ann', 'one', { id: one.id });
    await untilMessage(page, 'one');
    played.say('tea', 'bob', 'between');
    played.say('tea', 'guest-ann', 'two', { id: two.id });
    await untilMessage(page, 'two');
    assert.deepEqual(await texts(page), ['from bob', 'one', 'between', 'two']);
    assert.equal(await page.locator('#waiting .message').count(), 0);
  },
));

test('somebody else of the same name is not oneself', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  const played = await joinPlayed(page, server);
  await send(page, 'mine');
  await untilSent(page, 1);
  played.say('tea', 'guest-ann', 'I am ann, too', { id: 'another' });
  played.say('tea', 'guest-ann', 'mine');
  await untilMessage(page, 'I am ann, too');
  await untilMessage(page, 'mine');
  assert.deepEqual((await messages(page)).map(({ own }) => own), [false, false, true]);
  assert.deepEqual(await waitingStates(page), ['sent'], 'the same words prove nothing');
}));

test('a message lost with its connection is sent again by itself, under its id and with its place', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await joinPlayed(page, server, {
      onFrame: (socket, frame, here) => {
        if (frame.t === 'publish' && here.sockets.length > 1) here.echo(frame);
      },
    });
    played.say('tea', 'bob', 'before');
    await untilMessage(page, 'before');
    await send(page, 'gone?');
    await untilSent(page, 1);
    await played.last().close({ code: 1011 });
    await untilMessage(page, 'gone?');
    assert.deepEqual(await texts(page), ['before', 'gone?']);
    assert.equal(await page.locator('.unconfirmed').count(), 0);
    const [first, again, ...more] = played.of('publish');
    assert.deepEqual([again.id, again.payload, again.since], [first.id, 'gone?', { epoch: EPOCH, seq: 1 }]);
    assert.ok(!first.since && /^[0-9a-f]{32}$/.test(first.id));
    assert.equal(more.length, 0);
  },
));

test('what the server no longer remembers is told of once, and goes out again only as another message', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await joinPlayed(page, server, {
      onFrame: (socket, frame, here) => {
        if (frame.t === 'publish' && frame.since) here.tell(forgotten(frame));
      },
    });
    for (const text of ['keep', 'throw away']) await send(page, text);
    await untilSent(page, 2);
    await recordAnnouncements(page);
    await played.last().close({ code: 1011 });
    await unknown(page).nth(1).waitFor();
    assert.deepEqual(await waitingStates(page), ['unknown', 'unknown']);
    await page.getByRole('status').filter({ hasText: 'Not known' }).waitFor({ state: 'attached' });

    // Of a wait that may be no millisecond long, nobody sees the state.
    await played.last().close({ code: 1011 });
    while (played.sockets.length < 3) await nextFrame(page);
    await untilState(page, 'online');
    await page.locator('#conversation[aria-busy="false"]').waitFor({ state: 'attached' });
    const told = (await page.evaluate(() => window.announced)).filter((words) => words.includes('Not known'));
    assert.ok(told.length === 1 || told.length === 2 && told[1].startsWith('Your message'), told.join('\n'));

    const line = (text) => page.locator('.doubtful').filter({ hasText: text });
    await line('throw away').getByRole('button', { name: 'Drop' }).click();
    assert.equal(await messageField(page).inputValue(), 'throw away', 'the text is not lost');
    const before = played.of('publish').map(({ id }) => id);
    await line('keep').getByRole('button', { name: 'Send again' }).press('Enter');
    await page.locator('.unconfirmed').getByText('Sending').waitFor();
    await played.untilHeard('publish', before.length + 1);
    const again = played.of('publish').at(-1);
    assert.deepEqual([again.payload, again.since, before.includes(again.id)], ['keep', undefined, false]);
  },
));

test('a message that had arrived before the loss is shown once, and its answer may come twice', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await joinPlayed(page, server, {
      onFrame: (socket, frame, here) => {
        if (frame.t !== 'join' || here.sockets.length === 1) return false;
        socket.send(joined('tea', frame.rooms[0].from, 2));
        here.say('tea', 'bob', 'meanwhile');
        return true;
      },
    });
    await send(page, 'there');
    await untilSent(page, 1);
    await played.last().close({ code: 1011 });
    await untilMessage(page, 'meanwhile');
    await page.locator('#conversation[aria-busy="true"]').waitFor();
    await page.locator('#waiting [data-state="sent"]').waitFor();
    const [{ id }] = played.of('publish');
    played.say('tea', 'guest-ann', 'there', { id });
    played.tell({ t: 'ack', room: 'tea', id, epoch: EPOCH, seq: 2 });
    await untilMessage(page, 'there');
    await page.locator('#conversation[aria-busy="false"]').waitFor();
    await send(page, 'next');
    await page.locator('#waiting [data-state="sent"]').waitFor();
    assert.deepEqual(played.of('publish').map(({ payload }) => payload), ['there', 'there', 'next']);
    assert.deepEqual(await texts(page), ['meanwhile', 'there', 'next']);
  },
));

test('a refused message and one without any answer say so and leave the choice', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    await page.clock.install();
    const played = await joinPlayed(page, server);
    await send(page, 'refused');
    await untilSent(page, 1);
    const [{ id }] = played.of('publish');
    played.tell({ t: 'error', code: 'not_allowed', message: 'not on Sundays', room: 'tea', id });
    await page.locator('.doubtful').getByText('Not sent: not on Sundays').waitFor();
    await page.getByRole('status').filter({ hasText: 'not on Sundays' }).waitFor({ state: 'attached' });

    await send(page, 'unheard');
    await untilSent(page, 1);
    await page.clock.runFor(12_000);
    await page.locator('.doubtful').getByText('has not confirmed this yet').waitFor();
    played.echo(played.of('publish').at(-1));
    await untilMessage(page, 'unheard');
    assert.deepEqual(await texts(page), ['unheard', 'refused']);

    await page.getByRole('button', { name: 'Send again' }).click();
    await page.locator('.unconfirmed').getByText('Sending').waitFor();
    await played.untilHeard('publish', 3);
    assert.equal(played.of('publish').at(-1).id, id);
    played.echo(played.of('publish').at(-1));
    await untilMessage(page, 'refused');
  },
));

test('who is too fast is told kindly, and it goes out after the pause', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    await page.clock.install();
    const played = await joinPlayed(page, server);
    await send(page, 'quick');
    await untilSent(page, 1);
    const [publish] = played.of('publish');
    await page.clock.pauseAt(Date.now() + 3_600_000);
    played.tell({
      t: 'error', code: 'rate_limited', message: 'slow down', room: 'tea', id: publish.id, retry_after: 3,
    });
    await page.locator('.unconfirmed').getByText('asks for a short pause. Sent again by itself').waitFor();
    assert.equal(played.of('publish').length, 1);
    await page.clock.runFor(5_000);
    await page.locator('.unconfirmed').getByText('Sending').waitFor();
    await played.untilHeard('publish', 2);
    played.echo(played.of('publish').at(-1));
    await untilMessage(page, 'quick');
    assert.deepEqual(played.of('publish').map(({ id }) => id), [publish.id, publish.id]);
  },
));

test('each room keeps its own messages on their way', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  const played = await joinPlayed(page, server);
  await send(page, 'hello');
  await untilSent(page, 1);
  await joinRoom(page, 'den');
  assert.deepEqual(await texts(page), []);
  await send(page, 'hello');
  await untilSent(page, 1);
  const [inTea, inDen] = played.of('publish');
  assert.deepEqual([inTea.room, inDen.room], ['tea', 'den']);
  assert.notEqual(inTea.id, inDen.id);
  played.echo(inDen);
  await untilMessage(page, 'hello');
  await showRoom(page, 'tea');
  assert.deepEqual(await waitingStates(page), ['sent']);
  await untilState(page, 'online');
}));
