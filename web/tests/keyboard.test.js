// Everything can be done with the keyboard alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openPage, untilLine, untilMessage, untilState } from './support/chat.js';
import { withParlour } from './support/parlour.js';

// Presses Tab until the named element has the focus.
async function tabTo(page, id) {
  for (let steps = 0; steps < 20; steps += 1) {
    if (await page.evaluate(() => document.activeElement.id) === id) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`Tab does not lead to #${id}`);
}

test('join, write, change the room and leave without a mouse', withParlour(
  async ({ server, newPage }) => {
    const page = await openPage(await newPage(), server);
    await tabTo(page, 'join-name');
    await page.keyboard.type('ann');
    await tabTo(page, 'join-room');
    await page.keyboard.press('Enter');
    await untilState(page, 'connected');

    // The message field has the focus at once.
    await page.keyboard.type('first line');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('second line');
    await page.keyboard.press('Enter');
    await untilMessage(page, 'first line\nsecond line');

    await tabTo(page, 'log');
    await tabTo(page, 'room-field');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('tea');
    await page.keyboard.press('Enter');
    await untilLine(page, 'notice', 'You changed room into: tea');
    await page.keyboard.type('in tea');
    await page.keyboard.press('Enter');
    await untilMessage(page, 'in tea');

    await tabTo(page, 'leave');
    await page.keyboard.press('Enter');
    await untilState(page, 'closed');
    assert.equal(await page.getByLabel('Name').inputValue(), 'ann');
  },
));

test('every control has a name for those who hear the page', withParlour(
  async ({ server, newPage }) => {
    const page = await openPage(await newPage(), server);
    const nameless = () => page.locator('input, textarea, button').evaluateAll((controls) => controls
      .filter((control) => !control.textContent && !control.labels?.length && !control.hidden)
      .map((control) => control.id));
    assert.deepEqual(await nameless(), []);
    assert.equal(await page.locator('[role="status"][aria-live="polite"]').count(), 1);
    await page.getByRole('button', { name: 'Join' }).click();
    await untilState(page, 'connected');
    await page.getByRole('status').filter({ hasText: 'Connected' }).waitFor({ state: 'attached' });
  },
));
