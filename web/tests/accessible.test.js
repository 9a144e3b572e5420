// No screen breaks a rule of accessibility that a machine can check (axe-core), in light or in dark,
// wide or narrow.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import {
  askAsGuest, join, joinRoom, messageField, openPage, send, untilInRoom, untilLine, untilState,
} from './support/chat.js';
import { withPages } from './support/parlour.js';
import { playServer } from './support/wire.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WIDE = { viewport: { width: 1280, height: 800 } };
// A panel that fades in has no contrast yet.
const NARROW = {
  viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, reducedMotion: 'reduce',
};

// Everything axe can check but its experiments.
async function assertNoViolations(page, screen) {
  const violations = await page.evaluate(async () => {
    const result = await window.axe.run(document, { resultTypes: ['violations'] });
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`);
  });
  assert.deepEqual(violations, [], screen);
}

// The script comes in by the debugger: the page's policy would not let it in.
async function openWithAxe(page, server, room) {
  await page.addInitScript({ content: AXE });
  await openPage(page, server, room);
}

for (const colorScheme of ['light', 'dark']) {
  test(`${colorScheme}: the door, with its news and refusals`, withPages(async ({ server, newPage }) => {
    const page = await newPage({ ...WIDE, colorScheme });
    await openWithAxe(page, server);
    await assertNoViolations(page, 'door');
    await page.route('**/login', (route) => route.fulfill({
      status: 429, headers: { 'Retry-After': '30' }, json: { error: 'too_many_logins', message: 'too many tries' },
    }));
    await page.getByLabel('User name').fill('ann');
    await page.getByLabel('Password').fill('x');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('#sign-in-error').getByText('Try again in').waitFor();
    await page.route('**/ticket', (route) => route.fulfill({
      status: 400, json: { error: 'bad_name', message: 'this name is not possible' },
    }));
    await askAsGuest(page, 'x');
    await page.locator('#guest-error').getByText('not possible').waitFor();
    await assertNoViolations(page, 'door with refusals');
  }));

  test(`${colorScheme}: a room with every kind of line, help, trouble and the door again`, withPages(
    async ({ server, newPage }) => {
      const page = await newPage({ ...WIDE, colorScheme });
      const played = await playServer(page);
      await openWithAxe(page, server, 'tea');
      await join(page, 'ann');
      await untilInRoom(page, 'tea');
      await assertNoViolations(page, 'an empty room');

      await joinRoom(page, 'den');
      await joinRoom(page, 'tea');
      for (const name of ['a', 'b', 'b', 'c', 'd', 'e', 'f']) played.say('tea', name, `I am ${name}`);
      played.say('den', 'bob', 'unread');
      played.tell({ t: 'presence', room: 'tea', count: 2, users: ['guest-ann', 'bob'] });
      await send(page, 'refused');
      await played.untilHeard('publish', 1);
      const [{ id }] = played.of('publish');
      played.tell({ t: 'error', code: 'not_stored', message: 'the disk is full', room: 'tea', id });
      await page.locator('.doubtful').waitFor();
      await send(page, 'on its way');
      played.tell({ t: 'gap', room: 'tea', reason: 'trimmed', epoch: '00000000000000e1', first: 8, last: 35 });
      played.tell({ t: 'error', code: 'other', message: 'no message’s error' });
      await untilLine(page, 'note', 'error');
      await messageField(page).fill('x'.repeat(65_536));
      await assertNoViolations(page, 'a room with every kind of line');

      await messageField(page).fill('');
      await page.getByRole('button', { name: 'Help' }).click();
      await assertNoViolations(page, 'help');
      await page.keyboard.press('Escape');
      await page.route('**/ticket', (route) => route.fulfill({
        status: 503, headers: { 'Retry-After': '300' }, json: { error: 'busy', message: 'the server is busy' },
      }));
      await played.last().close({ code: 1011 });
      await page.locator('#state-text').getByText('the server is busy').waitFor();
      await assertNoViolations(page, 'offline');
      await page.route('**/ticket', (route) => route.fulfill({
        status: 401, json: { error: 'bad_session', message: 'the session has ended' },
      }));
      await page.getByRole('button', { name: 'Try now' }).click();
      await page.locator('#door-news').getByText('session').waitFor();
      await assertNoViolations(page, 'the door with news');
    },
  ));

  test(`${colorScheme}: a phone with its panels`, withPages(async ({ server, newPage }) => {
    const page = await newPage({ ...NARROW, colorScheme });
    const played = await playServer(page);
    await openWithAxe(page, server, 'tea');
    await assertNoViolations(page, 'door');
    await join(page, 'ann');
    await untilInRoom(page, 'tea');
    played.say('tea', 'bob', 'hello');
    await assertNoViolations(page, 'room');
    await page.getByRole('button', { name: 'Rooms' }).click();
    await assertNoViolations(page, 'rooms');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: '1 here' }).click();
    await assertNoViolations(page, 'people');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Leave room' }).click();
    await page.getByRole('heading', { name: 'You are in no room' }).waitFor();
    await assertNoViolations(page, 'no room');
  }));
}
