// What people write, names included, is shown as text and never becomes part of the page.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { messages, openAndJoin, sendAndSee, untilLine, untilMessage } from './support/chat.js';
import { withParlour } from './support/parlour.js';

const NAME = '<img src=x onerror=alert(1)><b>ann';
const TEXT = '<script>alert(2)</script><img src=x onerror="alert(3)"><a href="javascript:alert(4)">x</a>&amp;';
const ROOM = '<svg onload=alert(5)>';

test('markup in a name, a text and a room stays text', withParlour(async ({ server, newPage }) => {
  const ann = await newPage();
  const bob = await newPage();
  const dialogs = [];
  for (const page of [ann, bob]) {
    page.on('dialog', (dialog) => { dialogs.push(dialog.message()); return dialog.dismiss(); });
  }
  await openAndJoin(bob, server, 'bob', ROOM);
  await sendAndSee(bob, 'first');
  await openAndJoin(ann, server, NAME, ROOM);
  await sendAndSee(ann, TEXT);
  await untilMessage(bob, TEXT);

  for (const page of [ann, bob]) {
    const last = (await messages(page)).at(-1);
    assert.equal(last.text, TEXT);
    assert.equal(last.from, `guest-${NAME}`);
    assert.equal(await page.locator('main img, main script, main b, main a, main svg').count(), 0);
    assert.equal(await page.locator('#room-title').textContent(), ROOM);
  }
  await bob.getByRole('textbox', { name: 'Room' }).fill('<b>next</b>');
  await bob.keyboard.press('Enter');
  await untilLine(bob, 'notice', '<b>next</b>');
  assert.equal(await bob.locator('main b').count(), 0);
  assert.deepEqual(dialogs, []);
}));
