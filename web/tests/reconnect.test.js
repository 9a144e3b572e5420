// The page says when the server is gone, comes back by itself and says what is not known.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  askAsGuest, goOnline, messages, openAndJoin, openPage, join, sendAndSee, stateWords, texts, untilLine,
  untilMessage, untilState, waitOut,
} from './support/chat.js';
import { withPages, withParlour } from './support/parlour.js';
import { startServer } from './support/server.js';
import { playServer } from './support/wire.js';

const VOLATILE = ['--rooms', '*=volatile'];

for (const [signal, how, settings] of [
  ['SIGTERM', 'stopped', []], ['SIGKILL', 'killed', []],
  ['SIGKILL', 'killed, without the room’s log,', VOLATILE],
]) {
  test(`back in the room after the server was ${how} and started again`, withParlour(
    async ({ server, newPage }) => {
      const pages = [await newPage(), await newPage()];
      for (const page of pages) await page.clock.install();
      const [ann, bob] = pages;
      await openAndJoin(ann, server, 'ann', 'tea');
      await openAndJoin(bob, server, 'bob', 'tea');
      await sendAndSee(ann, 'before');
      await untilMessage(bob, 'before');

      await server.halt(signal);
      await untilState(ann, 'offline');
      assert.match(await stateWords(ann), /^(Offline: .+\. Trying again in \d+ s|Connecting…)$/);

      const again = await startServer({ port: server.port, data: server.data, settings });
      try {
        for (const page of pages) {
          await waitOut(page);
          // A room that lived in memory is another life of the room, and the page says so.
          if (settings === VOLATILE) await untilLine(page, 'gap', 'The room started anew');
        }
        const eve = await openAndJoin(await newPage(), server, 'eve', 'general');
        await sendAndSee(bob, 'bob is back');
        await sendAndSee(ann, 'after');
        await untilMessage(bob, 'after');
        await sendAndSee(eve, 'alone');
        assert.deepEqual((await messages(eve)).map(({ text }) => text), ['alone']);
        assert.deepEqual(await texts(ann), ['before', 'bob is back', 'after'], 'what was here stays');
        assert.equal(await ann.locator('.line.gap').count(), settings === VOLATILE ? 1 : 0);
      } finally {
        await again.halt();
      }
    },
    { settings },
  ));
}

test('going online tries at once, whatever the wait', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  const played = await playServer(page);
  await openPage(page, server);
  await join(page, 'ann');
  await page.route('**/ticket', (route) => route.fulfill({
    status: 429,
    headers: { 'Retry-After': '300' },
    json: { error: 'too_many_tickets', message: 'too many tickets asked for' },
  }));
  await played.last().close({ code: 1011 });
  await page.locator('#state-text').getByText('too many tickets asked for').waitFor();
  const [, reason, seconds] = /^Offline: (.+)\. Trying again in (\d+) s$/.exec(await stateWords(page));
  assert.ok(Number(seconds) > 250, 'Retry-After is kept');
  assert.equal(reason, 'too many tickets asked for');

  await page.unroute('**/ticket');
  await page.route('**/ticket', (route) => route.fulfill({ json: { otp: 'x', name: 'guest-ann', guest: true } }));
  await goOnline(page);
  await untilState(page, 'online');
}));

test('“Try now” tries now', withParlour(async ({ server, newPage }) => {
  const page = await openAndJoin(await newPage(), server, 'ann');
  await server.halt();
  await untilState(page, 'offline');
  await page.route('**/ticket', (route) => route.fulfill({
    status: 503, headers: { 'Retry-After': '300' }, json: { error: 'busy', message: 'the server is busy' },
  }));
  await page.locator('#state-text').getByText('the server is busy').waitFor();
  await page.unroute('**/ticket');
  const again = await startServer({ port: server.port, data: server.data });
  try {
    await page.getByRole('button', { name: 'Try now' }).click();
    await untilState(page, 'online');
  } finally {
    await again.halt();
  }
}));

test('a handshake that failed is not told as a lost connection', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    await page.clock.install();
    await page.route('**/ticket', (route) => route.fulfill({
      json: { otp: 'never-issued', name: 'guest-ann', guest: true, expires_in: 5 },
    }));
    await openPage(page, server, 'tea');
    await page.clock.pauseAt(Date.now() + 3_600_000);
    await askAsGuest(page, 'ann');
    await untilState(page, 'offline');
    assert.match(await stateWords(page), /^Offline: the connection could not be opened\. Trying again in \d+ s$/);
  },
));
