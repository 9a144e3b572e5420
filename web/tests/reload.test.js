// What was said and not delivered outlasts a reload, and is delivered once, by whoever wrote it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  join, messageField, openAndJoin, openAndSignIn, openPage, send, sendAndSee, signIn, texts, untilInRoom,
  untilMessage, untilState,
} from './support/chat.js';
import { withPages, withParlour } from './support/parlour.js';
import { startProxy } from './support/proxy.js';
import { addUser } from './support/server.js';
import { EPOCH, playServer } from './support/wire.js';

const PASSWORD = 'correct horse battery';

const waiting = (page, text) => page.locator('#waiting .message').filter({ hasText: text });

// The browser has it on its disk.
const untilKept = (page, count) => page.waitForFunction((wanted) => new Promise((resolve) => {
  const opening = indexedDB.open('parlour');
  opening.onsuccess = () => {
    const database = opening.result;
    const counting = database.transaction('outbox').objectStore('outbox').count();
    counting.onsuccess = () => {
      database.close();
      resolve(counting.result === wanted);
    };
  };
}), count);

// The page and its parts come from the server, its tickets and sockets through the proxy.
async function withLine(server, body) {
  const line = await startProxy(server.port);
  try {
    await body(line);
  } finally {
    line.stop();
  }
}

// While the doors are shut the page itself can be loaded: the server is down for all that it says.
async function shutDoors(page) {
  await page.route('**/ticket', (route) => route.abort());
}

test('said while the server is away, reloaded, and delivered once when it is back', withParlour(
  async ({ server, newPage }) => {
    const page = await openAndJoin(await newPage(), server, 'ann', 'tea');
    const bob = await openAndJoin(await newPage(), server, 'bob', 'tea');
    await sendAndSee(page, 'before');
    await withLine(server, async (line) => {
      const away = await openAndJoin(await newPage(), line, 'cid', 'tea');
      await shutDoors(away);
      line.cut();
      await untilState(away, 'offline');
      for (const text of ['one', 'two']) await send(away, text);
      await untilKept(away, 2);
      line.mend();
      await away.reload();
      await waiting(away, 'one').getByText('Waiting for a connection').waitFor();
      await waiting(away, 'two').waitFor();
      await untilState(away, 'offline');
      await away.reload();
      await waiting(away, 'two').waitFor();
      await away.unroute('**/ticket');
      await untilState(away, 'online');
      for (const text of ['one', 'two']) await untilMessage(bob, text);
      await untilMessage(away, 'two');
      await untilKept(away, 0);
      await away.reload();
      await untilInRoom(away, 'tea');
      await sendAndSee(away, 'after');
      await untilMessage(bob, 'after');
      assert.deepEqual(await texts(bob), ['before', 'one', 'two', 'after']);
    });
  },
  { settings: ['--guests', 'everybody'] },
));

test('on its way at the reload it is sent again with its place, and is there once', withParlour(
  async ({ server, newPage }) => withLine(server, async (line) => {
    const bob = await openAndJoin(await newPage(), server, 'bob', 'tea');
    const ann = await openAndJoin(await newPage(), line, 'ann', 'tea');
    await sendAndSee(bob, 'before');
    await untilMessage(ann, 'before');
    const sent = [];
    ann.on('websocket', (socket) => socket.on('framesent', ({ payload }) => {
      if (JSON.parse(payload).t === 'publish') sent.push(JSON.parse(payload));
    }));
    line.hold();
    await send(ann, 'once');
    await ann.locator('#waiting [data-state="sent"]').waitFor();
    await ann.reload();
    await untilMessage(ann, 'once');
    line.release();
    await sendAndSee(ann, 'after');
    await untilMessage(bob, 'after');
    assert.deepEqual(await texts(bob), ['before', 'once', 'after']);
    assert.deepEqual(await texts(ann), ['before', 'once', 'after']);
    assert.equal(sent[0].since.seq, 1);
  }),
  { settings: ['--guests', 'everybody'] },
));

test('a draft outlasts a reload, each in its room', withParlour(async ({ server, newPage }) => {
  const page = await openAndJoin(await newPage(), server, 'ann', 'tea');
  await messageField(page).fill('half a thought');
  await page.reload();
  await untilInRoom(page, 'tea');
  assert.equal(await messageField(page).inputValue(), 'half a thought');
  await sendAndSee(page, 'half a thought');
  await page.reload();
  await untilMessage(page, 'half a thought');
  assert.equal(await messageField(page).inputValue(), '');
}));

test('another user sends nothing of it; it waits for who wrote it', withParlour(async ({ server, newPage }) => {
  for (const name of ['ann', 'bob']) await addUser(server, name, PASSWORD);
  const eve = await openAndJoin(await newPage(), server, 'eve', 'tea');
  const page = await openAndSignIn(await newPage(), server, 'ann', PASSWORD, 'tea');
  await sendAndSee(page, 'ann is here');
  await withLine(server, async (line) => {
    // The same browser, another address: the session of the one is none of the other.
    await openAndSignIn(page, line, 'ann', PASSWORD, 'tea');
    await page.route('**/ticket', (route) => route.abort());
    line.cut();
    await untilState(page, 'offline');
    await send(page, 'from ann');
    await untilKept(page, 1);
    line.mend();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.locator('#door-news').getByText('it waits in this browser until ann comes in again').waitFor();
    await page.unroute('**/ticket');
    await signIn(page, 'bob', PASSWORD);
    await untilInRoom(page, 'tea');
    assert.equal(await waiting(page, 'from ann').count(), 0);
    await sendAndSee(page, 'from bob');
    await page.reload();
    await untilMessage(page, 'from bob');
    await sendAndSee(page, 'bob again');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await signIn(page, 'ann', PASSWORD);
    await untilMessage(eve, 'from ann');
    await untilKept(page, 0);
    assert.deepEqual(await texts(eve), ['ann is here', 'from bob', 'bob again', 'from ann']);
  });
}));

test('of two tabs one has the message, and the other when that is closed', withParlour(async ({ server, newPage }) => {
  await addUser(server, 'ann', PASSWORD);
  const eve = await openAndJoin(await newPage(), server, 'eve', 'tea');
  await withLine(server, async (line) => {
    const first = await openAndSignIn(await newPage(), line, 'ann', PASSWORD, 'tea');
    const second = await first.context().newPage();
    await openPage(second, line, 'tea');
    await untilInRoom(second, 'tea');
    await first.route('**/ticket', (route) => route.abort());
    line.cut();
    for (const page of [first, second]) await untilState(page, 'offline');
    await send(first, 'from the first');
    await untilKept(first, 1);
    line.mend();
    await second.reload();
    await untilInRoom(second, 'tea');
    await sendAndSee(second, 'from the second');
    assert.equal(await waiting(second, 'from the first').count(), 0);
    await first.close();
    await untilMessage(second, 'from the first');
    await untilKept(second, 0);
    assert.deepEqual(await texts(eve), ['from the second', 'from the first']);
    assert.deepEqual(await texts(second), ['from the second', 'from the first']);
  });
}));

test('without locks two tabs have it both, and it is there once', withParlour(async ({ server, newPage }) => {
  await addUser(server, 'ann', PASSWORD);
  const eve = await openAndJoin(await newPage(), server, 'eve', 'tea');
  await withLine(server, async (line) => {
    const first = await newPage();
    await first.context().addInitScript(() => {
      Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });
    });
    await openAndSignIn(first, line, 'ann', PASSWORD, 'tea');
    const second = await first.context().newPage();
    await openPage(second, line, 'tea');
    await untilInRoom(second, 'tea');
    await first.context().route('**/ticket', (route) => route.abort());
    line.cut();
    for (const page of [first, second]) await untilState(page, 'offline');
    for (const text of ['kept', 'dropped']) await send(first, text);
    await untilKept(first, 2);
    line.mend();
    await second.reload();
    await waiting(second, 'dropped').waitFor();
    await waiting(first, 'dropped').getByRole('button', { name: 'Drop' }).click();
    await waiting(second, 'dropped').waitFor({ state: 'detached' });
    await first.context().unroute('**/ticket');
    for (const page of [first, second]) await untilState(page, 'online');
    for (const page of [first, second]) await untilMessage(page, 'kept');
    await sendAndSee(second, 'after');
    await untilMessage(eve, 'after');
    for (const page of [eve, first, second]) assert.deepEqual(await texts(page), ['kept', 'after']);
  });
}));

test('a browser that keeps nothing says so, and all else goes on', withParlour(async ({ server, newPage }) => {
  await withLine(server, async (line) => {
    const page = await newPage();
    await page.addInitScript(() => {
      Object.defineProperty(globalThis, 'indexedDB', { get: () => { throw new Error('not here'); } });
    });
    await openAndJoin(page, line, 'ann', 'tea');
    await sendAndSee(page, 'online');
    line.cut();
    await untilState(page, 'offline');
    await send(page, 'patience');
    await waiting(page, 'patience').getByText('A reload of this page loses it').waitFor();
    line.mend();
    await untilMessage(page, 'patience');
    assert.deepEqual(await texts(page), ['online', 'patience']);
  });
}, { settings: ['--guests', 'everybody'] }));

test('a refusal and what nobody remembers wait for the writer, also after a reload', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await playServer(page, {
      onFrame: (socket, frame, here) => {
        if (frame.t !== 'publish') return false;
        const { room, id, payload } = frame;
        if (payload === 'bad') here.tell({ t: 'error', code: 'not_allowed', message: 'not this', room, id });
        if (frame.since) here.tell({ t: 'error', code: 'id_forgotten', message: 'forgotten', room, id });
        return true;
      },
    });
    await openPage(page, server, 'tea');
    await join(page, 'ann');
    await untilInRoom(page, 'tea');
    for (const text of ['bad', 'lost']) await send(page, text);
    await waiting(page, 'bad').getByText('Not sent: not this').waitFor();
    await page.locator('#waiting [data-state="sent"]').waitFor();
    await page.reload();
    await waiting(page, 'bad').getByText('Not sent: not this').waitFor();
    await waiting(page, 'lost').getByText('no longer remembers').waitFor();
    assert.equal(played.of('publish').filter(({ payload }) => payload === 'bad').length, 1);
    await waiting(page, 'lost').getByRole('button', { name: 'Drop' }).click();
    await waiting(page, 'bad').getByRole('button', { name: 'Drop' }).click();
    assert.equal(await messageField(page).inputValue(), 'bad\nlost');
    await page.reload();
    await untilInRoom(page, 'tea');
    assert.equal(await page.locator('#waiting .message').count(), 0);
    assert.equal(played.of('publish')[0].since, undefined);
    assert.equal(played.of('publish').at(-1).since.epoch, EPOCH);
  },
));

test('a room with what is not delivered is not left, and says why', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  await playServer(page);
  await openPage(page, server, 'tea');
  await join(page, 'ann');
  await untilInRoom(page, 'tea');
  await send(page, 'on its way');
  await page.locator('#waiting [data-state="sent"]').waitFor();
  await page.getByRole('button', { name: 'Leave room' }).click();
  await page.locator('#message-hint').getByText('One of your messages here is not delivered yet').waitFor();
}));

test('more than may wait is not taken, and the text stays', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  await playServer(page);
  await openPage(page, server, 'tea');
  await join(page, 'ann');
  await untilInRoom(page, 'tea');
  const most = await page.evaluate(async () => (await import('/outbox.js')).ITEMS_MAX);
  for (let number = 0; number < most; number += 1) {
    await messageField(page).fill(`message ${number}`);
    await page.keyboard.press('Enter');
  }
  await messageField(page).fill('too many');
  await page.keyboard.press('Enter');
  await page.locator('#message-hint').getByText('too many messages before it are not delivered yet').waitFor();
  assert.equal(await messageField(page).inputValue(), 'too many');
  await untilKept(page, most);
}));
