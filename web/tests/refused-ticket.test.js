// A refused guest is told in the server's words, at the field it is about.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { askAsGuest, join, openPage } from './support/chat.js';
import { withPages, withParlour } from './support/parlour.js';

test('a name that is too long is said in words and can be mended', withParlour(
  async ({ server, newPage }) => {
    const page = await openPage(await newPage(), server);
    const answer = page.waitForResponse('**/ticket');
    await askAsGuest(page, 'n'.repeat(65));
    await page.locator('#guest-name[aria-invalid="true"]:focus').waitFor();

    const { error, message } = await (await answer).json();
    assert.equal(error, 'bad_name');
    assert.equal(await page.locator('#guest-error').textContent(), message);

    await join(page, 'nora');
    assert.equal(await page.locator('#own-name').textContent(), 'guest-nora');
  },
));

test('a server that refuses guests is believed, and that way is not offered any more', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    await page.clock.install();
    let asked = 0;
    await page.route('**/ticket', (route) => {
      asked += 1;
      return route.fulfill({
        status: 403,
        json: { error: 'guests_not_allowed', message: 'guests are not let in here' },
      });
    });
    await page.goto(server.url);
    await askAsGuest(page, 'ann');
    await page.locator('#guest-error').getByText('lets no guests in: sign in').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Go on as guest' }).count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'user-name');
    await page.clock.runFor(60_000);
    assert.equal(asked, 1);
  },
));

test('no name at all is a name of the server’s choice', withParlour(async ({ server, newPage }) => {
  const page = await openPage(await newPage(), server);
  await join(page, '');
  assert.match(await page.locator('#own-name').textContent(), /^guest-.+/);
}));

test('a server that cannot be reached is told at the door', withParlour(async ({ server, newPage }) => {
  const page = await openPage(await newPage(), server);
  await server.halt();
  await askAsGuest(page, 'ann');
  await page.locator('#guest-error').getByText('cannot be reached').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Go on as guest' }).isEnabled());
}));
