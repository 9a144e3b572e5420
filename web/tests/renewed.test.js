// A page that stays open keeps its user's session in use, without a word.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  join, openPage, sendAndSee, stateWords, untilInRoom, untilState,
} from './support/chat.js';
import { withPages } from './support/parlour.js';
import { playServer } from './support/wire.js';

const HALF_A_DAY_MS = 12 * 3_600_000;

// `ann` has an account and her session's cookie; `guest-ann` comes in by the door.
async function openPlayed(page, server, { guest }) {
  const played = await playServer(page, { name: guest ? 'guest-ann' : 'ann', guest, echo: true });
  await page.clock.install();
  if (!guest) await page.addInitScript(() => localStorage.setItem('parlour.user', '"ann"'));
  await openPage(page, server);
  if (guest) await join(page, 'ann');
  await untilInRoom(page, 'general');
  return played;
}

async function passHalfADay(page, words) {
  await page.clock.fastForward(HALF_A_DAY_MS);
  await page.clock.fastForward(1_000);
  await sendAndSee(page, words);
}

test('a day on one connection asks for a ticket twice, and nothing else happens', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await openPlayed(page, server, { guest: false });
    for (const [words, tickets] of [['noon', 2], ['midnight', 3]]) {
      const asked = page.waitForResponse('**/ticket');
      await passHalfADay(page, words);
      await asked;
      assert.equal(played.tickets, tickets);
    }
    assert.equal(await stateWords(page), 'Online');
    assert.equal(played.sockets.length, 1);
    assert.equal(await page.locator('.line.note').count(), 0);
  },
));

test('a ticket that is refused meanwhile disturbs nobody and is asked for again', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await openPlayed(page, server, { guest: false });
    let refused = 0;
    await page.route('**/ticket', (route) => {
      refused += 1;
      return route.fulfill({ status: 401, json: { error: 'bad_session', message: 'the session has ended' } });
    });
    for (const [words, tickets] of [['noon', 1], ['midnight', 2]]) {
      const asked = page.waitForResponse('**/ticket');
      await passHalfADay(page, words);
      await asked;
      assert.equal(refused, tickets);
    }
    await untilState(page, 'online');
    assert.equal(played.sockets.length, 1);
  },
));

test('a guest has no session, and asks for nothing', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  const played = await openPlayed(page, server, { guest: true });
  for (const words of ['noon', 'midnight']) await passHalfADay(page, words);
  assert.equal(played.tickets, 1);
}));
