// A path that died in silence is noticed: by asking when it has been quiet, and when the user is back.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  goOnline, join, openPage, sendAndSee, setHidden, stateWords, untilInRoom, untilState,
} from './support/chat.js';
import { withPages } from './support/parlour.js';
import { playServer } from './support/wire.js';

// The first connection can be made to answer nothing any more.
async function joinPlayed(page, server) {
  const line = { isDead: false };
  const played = await playServer(page, {
    echo: true,
    onFrame: (socket, frame, here) => line.isDead && socket === here.sockets[0],
  });
  await page.clock.install({ time: new Date(2026, 0, 2, 12, 0, 0) });
  await openPage(page, server);
  await join(page, 'ann');
  await untilInRoom(page, 'general');
  // From here on the clock stands still unless it is moved.
  await page.clock.pauseAt(new Date(2026, 0, 2, 13, 0, 0));
  await sendAndSee(page, 'hello');
  return Object.assign(line, { played });
}

test('a quiet line is asked, and kept while it answers', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  const { played } = await joinPlayed(page, server);
  for (let times = 0; times < 4; times += 1) {
    const asked = played.of('ping').length;
    await page.clock.runFor(30_000);
    assert.ok(played.of('ping').length > asked);
  }
  await sendAndSee(page, 'same line');
  assert.equal(played.tickets, 1);
}));

test('a line that answers nothing any more is given up, also while nobody looks', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const line = await joinPlayed(page, server);
    line.isDead = true;
    await setHidden(page, true);
    await page.clock.runFor(45_000);
    await page.clock.runFor(5_000);
    await untilState(page, 'online');
    await sendAndSee(page, 'back');
    // The page's clock is ahead of the network's: an attempt may be given up before it is answered.
    assert.ok(line.played.tickets >= 2);
    assert.ok(line.played.sockets.length >= 2);
  },
));

for (const [how, comeBack] of [
  ['seen again', async (page) => { await setHidden(page, true); await setHidden(page, false); }],
  ['online again', goOnline],
]) {
  test(`${how} it asks at once whether the line is alive`, withPages(
    async ({ server, newPage }) => {
      const page = await newPage();
      const line = await joinPlayed(page, server);
      line.isDead = true;
      const asked = line.played.of('ping').length;
      await comeBack(page);
      assert.equal(line.played.of('ping').length, asked + 1);
      await page.clock.runFor(10_000);
      assert.match(await stateWords(page), /^(Offline: the server does not answer any more|Connecting|Online)/);
      await page.clock.runFor(5_000);
      await untilState(page, 'online');
      await sendAndSee(page, 'back');
      assert.equal(line.played.tickets, 2);
    },
  ));
}

test('whoever has left is not brought back', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  const { played } = await joinPlayed(page, server);
  await page.getByRole('button', { name: 'Leave the chat' }).click();
  await page.clock.runFor(120_000);
  await setHidden(page, true);
  await setHidden(page, false);
  await goOnline(page);
  await page.getByRole('heading', { name: 'Come in' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Come in' }).waitFor();
  assert.equal(played.tickets, 1);
}));
