// A path that died in silence: whoever comes back to the page gets a fresh connection.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { join, openPage, sendAndSee, untilLine, untilMessage, untilState } from './support/chat.js';
import { withParlour } from './support/parlour.js';
import { newMessage, playServer } from './support/wire.js';

// A headless page never is in the background; the page itself is told that it is.
const setHidden = (page, hidden) => page.evaluate((value) => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
  document.dispatchEvent(new Event('visibilitychange'));
}, hidden);
const goOnline = (page) => page.evaluate(() => window.dispatchEvent(new Event('online')));

async function joinPlayed(page, server) {
  const played = await playServer(page, {
    onFrame: (socket, { payload }) => socket.send(newMessage('guest-ann', payload.message)),
  });
  await page.clock.install({ time: new Date(2026, 0, 2, 12, 0, 0) });
  await openPage(page, server);
  await join(page, 'ann');
  // From here on the clock stands still unless it is moved.
  await page.clock.pauseAt(new Date(2026, 0, 2, 13, 0, 0));
  await sendAndSee(page, 'hello');
  return played;
}

for (const [how, comeBack] of [
  ['seen again', async (page) => { await setHidden(page, true); await setHidden(page, false); }],
  ['online again', goOnline],
]) {
  test(`${how} after more than a minute of silence it connects anew`, withParlour(
    async ({ server, newPage }) => {
      const page = await newPage();
      const played = await joinPlayed(page, server);
      await page.clock.runFor(60_001);
      await setHidden(page, true);
      await untilState(page, 'connected');
      assert.equal(played.tickets, 1, 'a hidden page stays as it is');
      await comeBack(page);
      // Dated from the last sign of life: what came after it may be lost.
      await untilLine(page, 'gap', /Messages since 1:00:00\sPM may be missing here/);
      await untilState(page, 'connected');
      await sendAndSee(page, 'back');
      assert.equal(played.tickets, 2);
      assert.equal(played.sockets.length, 2);
    },
  ));
}

test('a line that was heard within a minute is kept', withParlour(async ({ server, newPage }) => {
  const page = await newPage();
  const played = await joinPlayed(page, server);
  await page.clock.runFor(59_000);
  played.last().send(newMessage('guest-bob', 'a sign of life'));
  await untilMessage(page, 'a sign of life');
  await page.clock.runFor(59_000);
  await setHidden(page, true);
  await setHidden(page, false);
  await goOnline(page);
  await sendAndSee(page, 'same line');
  assert.equal(played.tickets, 1);
  assert.equal(await page.locator('.line.gap').count(), 0);
}));

test('whoever has left is not brought back', withParlour(async ({ server, newPage }) => {
  const page = await newPage();
  const played = await joinPlayed(page, server);
  await page.getByRole('button', { name: 'Leave' }).click();
  await page.clock.runFor(120_000);
  await setHidden(page, true);
  await setHidden(page, false);
  await goOnline(page);
  await untilState(page, 'closed');
  assert.equal(played.tickets, 1);
}));
