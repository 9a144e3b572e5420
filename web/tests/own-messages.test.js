// An own message is pale until the room has it, and says so when that stays unknown.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  join, joinRoom, messageField, messages, openPage, send, sendAndSee, showRoom, texts, untilInRoom, untilMessage,
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

const unconfirmed = (page) => page.locator('.doubtful').getByText('Not confirmed: it may not have arrived');

// Keeps everything that is said aloud from now on.
const recordAnnouncements = (page) => page.evaluate(() => {
  const announcer = document.getElementById('announcer');
  window.announced = [];
  new MutationObserver(() => window.announced.push(announcer.textContent)).observe(announcer, { childList: true });
});

test('pale at once, solid with the ack, and in its place with the entry', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await joinPlayed(page, server);
    await send(page, 'one');
    await send(page, 'two');
    await page.locator('.unconfirmed').nth(1).waitFor();
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
  await page.locator('.unconfirmed').waitFor();
  played.say('tea', 'guest-ann', 'I am ann, too', { id: 'another' });
  played.say('tea', 'guest-ann', 'mine');
  await untilMessage(page, 'I am ann, too');
  await untilMessage(page, 'mine');
  assert.deepEqual((await messages(page)).map(({ own }) => own), [false, false, true]);
  assert.deepEqual(await waitingStates(page), ['sent'], 'the same words prove nothing');
}));

test('a message lost with its connection is not sent again by itself; the writer may, under its id', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await joinPlayed(page, server, {
      onFrame: (socket, frame, here) => {
        if (frame.t === 'publish' && here.sockets.length > 1) here.echo(frame);
      },
    });
    await send(page, 'gone?');
    await page.locator('.unconfirmed').waitFor();
    await played.last().close({ code: 1011 });
    await page.locator('.unconfirmed').getByText('Not known yet whether this arrived').waitFor();
    await unconfirmed(page).waitFor();
    await sendAndSee(page, 'goes past it');
    assert.deepEqual(played.of('publish').map(({ payload }) => payload), ['gone?', 'goes past it']);
    assert.deepEqual(await waitingStates(page), ['unknown']);

    await page.getByRole('button', { name: 'Send again' }).press('Enter');
    await untilMessage(page, 'gone?');
    assert.deepEqual(await texts(page), ['goes past it', 'gone?']);
    const [first, , again, ...more] = played.of('publish');
    assert.equal(again.id, first.id);
    assert.equal(more.length, 0);
  },
));

test('a message of the lost connection that is numbered after the return is told of once and shown once', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await joinPlayed(page, server);
    for (const text of ['one', 'two']) await send(page, text);
    await page.locator('.unconfirmed').nth(1).waitFor();
    await recordAnnouncements(page);
    await played.last().close({ code: 1011 });
    await unconfirmed(page).nth(1).waitFor();
    await page.getByRole('status').filter({ hasText: 'Not confirmed' }).waitFor({ state: 'attached' });

    const [one] = played.of('publish');
    played.say('tea', 'bob', 'meanwhile');
    played.say('tea', 'guest-ann', 'one', { id: one.id });
    await untilMessage(page, 'one');
    assert.deepEqual(await texts(page), ['meanwhile', 'one', 'two']);
    assert.deepEqual(await waitingStates(page), ['unknown']);
    assert.equal(played.of('publish').length, 2, 'nothing was sent by itself');

    await played.last().close({ code: 1011 });
    await untilState(page, 'offline');
    await untilState(page, 'online');
    await page.locator('#conversation[aria-busy="false"]').waitFor();
    const told = await page.evaluate(() => window.announced);
    assert.deepEqual(told.filter((words) => words.includes('onfirmed')), [
      '2 of your messages: Not confirmed: it may not have arrived',
    ]);
  },
));

test('a message that had arrived before the loss is not sent again', withPages(
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
    await page.locator('.unconfirmed').waitFor();
    await played.last().close({ code: 1011 });
    // The answer was lost; the entry is replayed, and until then nothing is sent.
    await untilMessage(page, 'meanwhile');
    await page.locator('#conversation[aria-busy="true"]').waitFor();
    assert.equal(played.of('publish').length, 1);
    played.say('tea', 'guest-ann', 'there', { id: played.of('publish')[0].id });
    await untilMessage(page, 'there');
    await page.locator('#conversation[aria-busy="false"]').waitFor();
    await send(page, 'next');
    await page.locator('#waiting [data-state="sent"]').waitFor();
    assert.deepEqual(played.of('publish').map(({ payload }) => payload), ['there', 'next']);
    assert.deepEqual(await texts(page), ['meanwhile', 'there', 'next']);
  },
));

test('where the answer is among missing messages it is not confirmed, and the writer chooses', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await joinPlayed(page, server, {
      onFrame: (socket, frame, here) => {
        if (frame.t !== 'join' || here.sockets.length === 1) return false;
        socket.send(joined('tea', frame.rooms[0].from, 28));
        here.tell({ t: 'gap', room: 'tea', reason: 'trimmed', epoch: EPOCH, first: 1, last: 28 });
        return true;
      },
    });
    for (const text of ['keep', 'throw away']) await send(page, text);
    await page.locator('.unconfirmed').nth(1).waitFor();
    await played.last().close({ code: 1011 });
    await unconfirmed(page).nth(1).waitFor();
    assert.equal(played.of('publish').length, 2, 'nothing was sent by itself');

    const line = (text) => page.locator('.doubtful').filter({ hasText: text });
    await line('throw away').getByRole('button', { name: 'Discard' }).click();
    assert.equal(await messageField(page).inputValue(), 'throw away', 'the text is not lost');
    await line('keep').getByRole('button', { name: 'Send again' }).click();
    await page.locator('.unconfirmed').getByText('sending').waitFor();
    const [first, , again] = played.of('publish');
    assert.deepEqual([again.id, again.payload], [first.id, 'keep']);
  },
));

test('a refused message and one without any answer say so and leave the choice', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    await page.clock.install();
    const played = await joinPlayed(page, server);
    await send(page, 'refused');
    await page.locator('.unconfirmed').waitFor();
    const [{ id }] = played.of('publish');
    played.tell({ t: 'error', code: 'not_stored', message: 'the disk is full', room: 'tea', id, retry_after: 1 });
    await page.locator('.doubtful').getByText('Not sent: the disk is full').waitFor();
    await page.getByRole('status').filter({ hasText: 'the disk is full' }).waitFor({ state: 'attached' });

    await send(page, 'unheard');
    await page.locator('.unconfirmed').nth(1).waitFor();
    await page.clock.runFor(12_000);
    await page.locator('.doubtful').getByText('has not confirmed this yet').waitFor();
    played.echo(played.of('publish').at(-1));
    await untilMessage(page, 'unheard');
    assert.deepEqual(await texts(page), ['unheard', 'refused']);

    await page.getByRole('button', { name: 'Send again' }).click();
    await page.locator('.unconfirmed').getByText('sending').waitFor();
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
    await page.locator('.unconfirmed').waitFor();
    const [publish] = played.of('publish');
    await page.clock.pauseAt(Date.now() + 3_600_000);
    played.tell({
      t: 'error', code: 'rate_limited', message: 'slow down', room: 'tea', id: publish.id, retry_after: 3,
    });
    await page.locator('.unconfirmed').getByText('asks for a short pause; this is sent again by itself').waitFor();
    assert.equal(played.of('publish').length, 1);
    await page.clock.runFor(5_000);
    await page.locator('.unconfirmed').getByText('sending').waitFor();
    played.echo(played.of('publish').at(-1));
    await untilMessage(page, 'quick');
    assert.deepEqual(played.of('publish').map(({ id }) => id), [publish.id, publish.id]);
  },
));

test('each room keeps its own messages on their way', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  const played = await joinPlayed(page, server);
  await send(page, 'hello');
  await page.locator('.unconfirmed').waitFor();
  await joinRoom(page, 'den');
  assert.deepEqual(await texts(page), []);
  await send(page, 'hello');
  await page.locator('.unconfirmed').waitFor();
  const [inTea, inDen] = played.of('publish');
  assert.deepEqual([inTea.room, inDen.room], ['tea', 'den']);
  assert.notEqual(inTea.id, inDen.id);
  played.echo(inDen);
  await untilMessage(page, 'hello');
  await showRoom(page, 'tea');
  assert.deepEqual(await waitingStates(page), ['sent']);
  await untilState(page, 'online');
}));
