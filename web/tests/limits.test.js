// What the server was told to allow is what the page lives with: each limit as a real server has it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  askAsGuest, askForRoom, comeBack, joinRoom, openAndJoin, openAndSignIn, openPage, send, sendAndSee, signIn,
  texts, untilMessage, untilState,
} from './support/chat.js';
import { withParlour } from './support/parlour.js';
import { startProxy } from './support/proxy.js';
import { addUser } from './support/server.js';

const PASSWORD = 'correct horse battery';

test('what a short log no longer keeps is a line with its number', withParlour(
  async ({ server, newPage }) => {
    const proxy = await startProxy(server.port);
    try {
      const ann = await openAndJoin(await newPage(), proxy, 'ann', 'tea');
      const bob = await openAndJoin(await newPage(), server, 'bob', 'tea');
      await sendAndSee(ann, 'before');
      proxy.cut();
      await untilState(ann, 'offline');
      for (let number = 1; number <= 20; number += 1) await sendAndSee(bob, `message ${number}`);
      proxy.mend();
      await comeBack(ann);
      await untilMessage(ann, 'message 20');
      const words = await ann.locator('.line.gap .text').textContent();
      const [, missing] = /^(\d+) messages are missing here$/.exec(words);
      const [first, ...later] = await texts(ann);
      assert.equal(first, 'before');
      assert.ok(later.length >= 5);
      assert.equal(Number(missing) + later.length, 20);
      assert.equal(later[0], `message ${Number(missing) + 1}`);
    } finally {
      proxy.stop();
    }
  },
  // The proxy's port is not the server's own, so that its guests do not count as local.
  { settings: ['--rooms', '*=volatile', '--room-log-entries', '5', '--guests', 'everybody'] },
));

test('a room above its bound tells the number alone', withParlour(async ({ server, newPage }) => {
  const ann = await openAndJoin(await newPage(), server, 'ann', 'tea');
  for (const name of ['bob', 'cid']) await openAndJoin(await newPage(), server, name, 'tea');
  await ann.getByRole('heading', { name: '3 here' }).waitFor();
  await ann.getByText('In a room of more than 2 only the number is told.').waitFor();
}, { settings: ['--presence-members', '2'] }));

test('who writes too fast waits, and everything arrives once', withParlour(
  async ({ server, newPage }) => {
    const ann = await openAndJoin(await newPage(), server, 'ann', 'tea');
    const said = Array.from({ length: 8 }, (_, index) => `quick ${index}`);
    for (const text of said) await send(ann, text);
    for (const text of said) await untilMessage(ann, text);
    assert.deepEqual((await texts(ann)).sort(), said);
    assert.equal(await ann.locator('.doubtful').count(), 0);
  },
  { settings: ['--messages-per-second', '2', '--message-burst', '4'] },
));

test('more rooms than a connection may have are not asked for', withParlour(
  async ({ server, newPage }) => {
    const ann = await openAndJoin(await newPage(), server, 'ann', 'one');
    await joinRoom(ann, 'two');
    await askForRoom(ann, 'three');
    await ann.locator('#join-error').getByText('You are in 2 rooms').waitFor();
    await sendAndSee(ann, 'still in two');
  },
  { settings: ['--max-rooms-per-connection', '2'] },
));

test('a server that lets no guests in says so', withParlour(async ({ server, newPage }) => {
  await addUser(server, 'ann', PASSWORD);
  const page = await openPage(await newPage(), server);
  await askAsGuest(page, 'kim');
  await page.locator('#guest-error').getByText('lets no guests in').waitFor();
  await signIn(page, 'ann', PASSWORD);
  await untilState(page, 'online');
}, { settings: ['--guests', 'nobody'] }));

test('too many wrong passwords are told with the time to wait', withParlour(
  async ({ server, newPage }) => {
    await addUser(server, 'ann', PASSWORD);
    const page = await openPage(await newPage(), server);
    await signIn(page, 'ann', 'wrong');
    await page.locator('#sign-in-error').getByText('password is wrong').waitFor();
    await signIn(page, 'ann', 'wrong again');
    await page.locator('#sign-in-error').getByText(/Try again in \d+ s\.$/).waitFor();
    assert.ok(await page.getByRole('button', { name: 'Sign in' }).isDisabled());
  },
  { settings: ['--logins-per-minute', '1'] },
));

test('over TLS the session’s cookie and the socket are secure, and a lost line comes back', withParlour(
  async ({ server, newPage }) => {
    await addUser(server, 'ann', PASSWORD);
    assert.match(server.url, /^https:/);
    const page = await newPage({ ignoreHTTPSErrors: true });
    const sockets = [];
    page.on('websocket', (socket) => sockets.push(socket.url()));
    await openAndSignIn(page, server, 'ann', PASSWORD, 'tea');
    await sendAndSee(page, 'sealed');
    const [cookie] = await page.context().cookies();
    assert.ok(cookie.secure && cookie.httpOnly);
    await page.reload();
    await untilMessage(page, 'sealed');
    assert.deepEqual(sockets.map((address) => new URL(address).protocol), ['wss:', 'wss:']);
  },
  { settings: ['--tls', 'self-signed'] },
));
