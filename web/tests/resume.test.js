// Two users in two rooms, and one loses the connection: what came meanwhile is all there, once and in
// order, without a password.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  comeBack, joinRoom, messageField, openAndSignIn, send, sendAndSee, showRoom, texts, untilMessage, untilState,
} from './support/chat.js';
import { withParlour } from './support/parlour.js';
import { startProxy } from './support/proxy.js';
import { addUser } from './support/server.js';

const PASSWORD = 'correct horse battery';

async function twoUsersInTwoRooms({ server, newPage }, ownServer) {
  await addUser(server, 'ann', PASSWORD);
  await addUser(server, 'bob', PASSWORD);
  const ann = await newPage();
  const bob = await newPage();
  await openAndSignIn(ann, ownServer ?? server, 'ann', PASSWORD, 'tea');
  await openAndSignIn(bob, server, 'bob', PASSWORD, 'tea');
  for (const page of [ann, bob]) {
    await joinRoom(page, 'den');
    await showRoom(page, 'tea');
  }
  await sendAndSee(ann, 'tea 1');
  await untilMessage(bob, 'tea 1');
  return { ann, bob };
}

test('a cut line: complete in both rooms, and no password was asked for', withParlour(async (world) => {
  const proxy = await startProxy(world.server.port);
  try {
    const { ann, bob } = await twoUsersInTwoRooms(world, proxy);
    const logins = [];
    const joins = [];
    ann.on('request', (request) => {
      if (request.url().endsWith('/login')) logins.push(request);
    });
    ann.on('websocket', (socket) => socket.on('framesent', ({ payload }) => {
      if (JSON.parse(payload).t === 'join') joins.push(JSON.parse(payload).rooms.map(({ room }) => room));
    }));

    proxy.cut();
    await untilState(ann, 'offline');
    await messageField(ann).fill('typed while away');
    for (let number = 2; number <= 30; number += 1) await sendAndSee(bob, `tea ${number}`);
    await showRoom(bob, 'den');
    for (let number = 1; number <= 5; number += 1) await sendAndSee(bob, `den ${number}`);

    proxy.mend();
    await comeBack(ann);
    await untilMessage(ann, 'tea 30');
    await ann.getByRole('link', { name: 'den 5 unread' }).waitFor();
    assert.equal(await messageField(ann).inputValue(), 'typed while away');
    await sendAndSee(ann, 'back again');
    assert.deepEqual(await texts(ann), [
      ...Array.from({ length: 30 }, (_, index) => `tea ${index + 1}`), 'back again',
    ]);
    await showRoom(ann, 'den');
    assert.deepEqual(await texts(ann), [1, 2, 3, 4, 5].map((number) => `den ${number}`));
    assert.equal(await ann.locator('.line.gap').count(), 0);
    assert.deepEqual(joins, [['tea', 'den']], 'one join for both rooms');
    assert.deepEqual(logins, []);
    await showRoom(bob, 'tea');
    await untilMessage(bob, 'back again');
  } finally {
    proxy.stop();
  }
}));

// Sends all while the line holds them back, loses it and is back on another one.
async function loseOnTheWay(ann, proxy, said) {
  proxy.hold();
  for (const text of said) await send(ann, text);
  await ann.locator('.unconfirmed').nth(said.length - 1).waitFor();
  await ann.locator('#waiting [data-state="sent"]').nth(said.length - 1).waitFor();
  proxy.cut();
  await untilState(ann, 'offline');
  await ann.locator('#waiting .mark-note').getByText('Waiting for a connection').nth(said.length - 1).waitFor();
  proxy.mend();
  await comeBack(ann);
}

for (const [how, isReleased] of [['reach the server only after the return', true], ['never reach the server', false]]) {
  test(`messages that ${how} are there once each, in order, by themselves`, withParlour(async (world) => {
    const proxy = await startProxy(world.server.port);
    try {
      const { ann, bob } = await twoUsersInTwoRooms(world, proxy);
      const said = ['one', 'two', 'three', 'four'];
      await loseOnTheWay(ann, proxy, said);
      for (const text of said) await untilMessage(ann, text);
      if (isReleased) proxy.release();
      await sendAndSee(ann, 'goes behind them');
      await sendAndSee(bob, 'done');
      await untilMessage(ann, 'done');
      const expected = ['tea 1', ...said, 'goes behind them', 'done'];
      assert.deepEqual(await texts(ann), expected);
      assert.deepEqual(await texts(bob), expected);
      assert.equal(await ann.locator('.doubtful').count(), 0);
    } finally {
      proxy.stop();
    }
  }));
}

test('a browser without network says so, and is complete when it is back', withParlour(async (world) => {
  const proxy = await startProxy(world.server.port);
  try {
    const { ann, bob } = await twoUsersInTwoRooms(world, proxy);
    await ann.context().setOffline(true);
    proxy.cut();
    await ann.locator('#state-text').getByText('this device is offline').waitFor();
    await sendAndSee(bob, 'tea 2');
    proxy.mend();
    await ann.context().setOffline(false);
    await untilState(ann, 'online');
    await untilMessage(ann, 'tea 2');
    assert.deepEqual(await texts(ann), ['tea 1', 'tea 2']);
  } finally {
    proxy.stop();
  }
}));
