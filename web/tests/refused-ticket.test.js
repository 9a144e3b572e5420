// A refused ticket is told in the server's words, at the field it is about.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { join, openPage, stateWords, untilState } from './support/chat.js';
import { withParlour } from './support/parlour.js';

test('a name that is too long is said in words and can be mended', withParlour(
  async ({ server, newPage }) => {
    const page = await openPage(await newPage(), server);
    const answer = page.waitForResponse('**/ticket');
    await page.getByLabel('Name').fill('n'.repeat(65));
    await page.getByRole('button', { name: 'Join' }).click();
    await untilState(page, 'closed');
    await page.locator('#join-name[aria-invalid="true"]').waitFor();

    const { error, message } = await (await answer).json();
    assert.equal(error, 'bad_name');
    assert.equal(await page.locator('#join-error').textContent(), message);
    assert.equal(await stateWords(page), `Closed: ${message}`);

    await join(page, 'nora');
    assert.equal(await page.locator('#own-name').textContent(), 'guest-nora');
  },
));

test('a server that refuses guests is believed and not asked again', withParlour(
  async ({ server, newPage }) => {
    const page = await newPage();
    await page.clock.install();
    let asked = 0;
    await page.route('**/ticket', (route) => {
      asked += 1;
      return route.fulfill({
        status: 403,
        json: { error: 'no_guests', message: 'guests are not let in here' },
      });
    });
    await page.goto(server.url);
    await page.getByRole('button', { name: 'Join' }).click();
    await untilState(page, 'closed');
    assert.equal(await page.locator('#join-error').textContent(), 'guests are not let in here');
    await page.clock.runFor(60_000);
    assert.equal(asked, 1);
  },
));

test('no name at all is a name of the server’s choice', withParlour(async ({ server, newPage }) => {
  const page = await openPage(await newPage(), server);
  await join(page, '');
  assert.notEqual(await page.locator('#own-name').textContent(), '');
}));
