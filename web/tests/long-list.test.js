// The list keeps a bound, stays at its end, and stays put for somebody who reads further up.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { join, openPage, untilInRoom, untilMessage } from './support/chat.js';
import { withPages } from './support/parlour.js';
import { playServer } from './support/wire.js';

async function joinPlayed(page, server) {
  const played = await playServer(page);
  await openPage(page, server);
  await join(page, 'ann');
  await untilInRoom(page, 'general');
  return {
    flood: async (from, to) => {
      for (let number = from; number <= to; number += 1) played.say('general', 'bob', `message ${number}`);
      await untilMessage(page, `message ${to}`);
    },
  };
}

const isAtEnd = (page) => page.waitForFunction(() => {
  const log = document.querySelector('#log');
  return log.scrollTop > 0 && log.scrollHeight - log.scrollTop - log.clientHeight < 2;
});

test('five hundred messages are kept, and the end is in view', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  const { flood } = await joinPlayed(page, server);
  await flood(1, 700);
  assert.equal(await page.locator('.message').count(), 500);
  assert.equal(await page.locator('.message .text').first().textContent(), 'message 201');
  assert.match(await page.locator('.line').first().textContent(), /no longer shown/);
  await isAtEnd(page);
}));

test('new messages do not move what is being read', withPages(async ({ server, newPage }) => {
  const page = await newPage();
  const { flood } = await joinPlayed(page, server);
  await flood(1, 490);
  await isAtEnd(page);
  const top = (text) => page.locator('.message').filter({ hasText: text }).first()
    .evaluate((line) => line.getBoundingClientRect().top);

  await page.locator('#log').evaluate((log) => new Promise((done) => {
    log.addEventListener('scroll', () => requestAnimationFrame(done), { once: true });
    log.scrollTop = log.scrollHeight / 2;
  }));
  const before = await top('message 250');
  // Past the bound, so lines above are taken away as well.
  await flood(491, 550);
  assert.ok(Math.abs(await top('message 250') - before) < 2);

  const newer = page.getByRole('button', { name: '60 new messages' });
  await newer.click();
  await isAtEnd(page);
  await newer.waitFor({ state: 'hidden' });
}));
