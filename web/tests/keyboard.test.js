// Everything can be done with the keyboard alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openAndJoin, openPage, joinRoom, sendAndSee, untilInRoom, untilMessage, untilState } from './support/chat.js';
import { withParlour } from './support/parlour.js';

const focused = (page) => page.evaluate(() => document.activeElement.id);

// Presses Tab until the named element has the focus.
async function tabTo(page, id) {
  for (let steps = 0; steps < 30; steps += 1) {
    if (await focused(page) === id) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`Tab does not lead to #${id}`);
}

test('come in, write, join a room, leave it and go, without a mouse', withParlour(
  async ({ server, newPage }) => {
    const page = await openPage(await newPage(), server);
    await tabTo(page, 'guest-name');
    await page.keyboard.type('ann');
    await page.keyboard.press('Enter');
    await untilState(page, 'online');

    // The message field has the focus at once.
    await page.keyboard.type('first line');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('second line');
    await page.keyboard.press('Enter');
    await untilMessage(page, 'first line\nsecond line');

    await tabTo(page, 'people');
    await tabTo(page, 'join-room');
    await page.keyboard.type('tea');
    await page.keyboard.press('Enter');
    await untilInRoom(page, 'tea');
    await page.keyboard.type('in tea');
    await page.keyboard.press('Enter');
    await untilMessage(page, 'in tea');
    await tabTo(page, 'leave-room');
    await page.keyboard.press('Enter');
    await untilInRoom(page, 'general');

    await tabTo(page, 'leave');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Come in' }).waitFor();
    assert.equal(await page.getByLabel('Guest name').inputValue(), 'ann');
  },
));

test('keys change the room, join one, scroll, help and lead back', withParlour(
  async ({ server, newPage }) => {
    const page = await openAndJoin(await newPage(), server, 'ann', 'one');
    await joinRoom(page, 'two');
    await page.keyboard.press('Control+k');
    assert.equal(await focused(page), 'join-room');
    await page.keyboard.type('three');
    await page.keyboard.press('Enter');
    await untilInRoom(page, 'three');

    for (const [key, room] of [
      ['Alt+ArrowUp', 'two'], ['Alt+ArrowUp', 'one'], ['Alt+ArrowUp', 'three'], ['Alt+ArrowDown', 'one'],
    ]) {
      await page.keyboard.press(key);
      await untilInRoom(page, room);
    }
    const bob = await openAndJoin(await newPage(), server, 'bob', 'three');
    await sendAndSee(bob, 'ann?');
    await page.locator('.has-unread').waitFor();
    await page.keyboard.press('Alt+Shift+ArrowDown');
    await untilInRoom(page, 'three');
    await untilMessage(page, 'ann?');

    await page.keyboard.press('Control+/');
    await page.getByRole('dialog', { name: 'Keys and help' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await tabTo(page, 'log');
    await page.keyboard.press('Escape');
    assert.equal(await focused(page), 'message-field');
  },
));

test('the first stop leads past the rooms, and what has the focus is to be seen', withParlour(
  async ({ server, newPage }) => {
    const page = await openAndJoin(await newPage(), server, 'ann');
    await page.evaluate(() => {
      document.activeElement.blur();
      getSelection().removeAllRanges();
      document.body.setAttribute('tabindex', '-1');
      document.body.focus();
    });
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'skip');
    await page.keyboard.press('Enter');
    assert.equal(await focused(page), 'message-field');
    assert.equal(new URL(page.url()).hash, '#general');

    for (let steps = 0; steps < 15; steps += 1) {
      await page.keyboard.press('Tab');
      const seen = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return document.activeElement === document.body || (outlineStyle === 'solid' && outlineWidth === '2px');
      });
      assert.ok(seen, await focused(page));
    }
  },
));

test('every control has a name for those who hear the page', withParlour(
  async ({ server, newPage }) => {
    const page = await openPage(await newPage(), server);
    const nameless = () => page.locator('input, textarea, button').evaluateAll((controls) => controls
      .filter((control) => !control.textContent && !control.labels?.length && control.checkVisibility())
      .map((control) => control.id));
    assert.deepEqual(await nameless(), []);
    assert.equal(await page.locator('[role="status"][aria-live="polite"]').count(), 1);
    await page.getByRole('button', { name: 'Go on as guest' }).click();
    await untilState(page, 'online');
    assert.deepEqual(await nameless(), []);
    await page.getByRole('status').filter({ hasText: 'Online' }).waitFor({ state: 'attached' });
    assert.equal(await page.locator('[role="log"][aria-live="polite"]').count(), 1);
  },
));
