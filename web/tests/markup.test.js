// What people write, names included, is shown as text and never becomes part of the page.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { joinRoom, messages, openAndJoin, people, sendAndSee, untilMessage } from './support/chat.js';
import { withParlour } from './support/parlour.js';

const NAME = '<img src=x onerror=alert(1)><b>ann';
const TEXT = '<script>alert(2)</script><img src=x onerror="alert(3)"><a href="javascript:alert(4)">x</a>&amp;';
const ROOM = '<svg onload=alert(5)>';
const INJECTED = '#log :is(img, script, b, a, svg), #people :is(img, b), #rooms :is(img, svg, b), h1 *';

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
  await bob.locator('#people').getByText(NAME).waitFor();

  for (const page of [ann, bob]) {
    const last = (await messages(page)).at(-1);
    assert.equal(last.text, TEXT);
    assert.equal(last.from, `guest-${NAME}`);
    assert.ok((await people(page)).includes(`guest-${NAME}`));
    assert.equal(await page.locator(INJECTED).count(), 0);
    assert.equal(await page.locator('#room-title').textContent(), ROOM);
  }
  await joinRoom(bob, '<b>next</b>');
  assert.equal(await bob.locator(INJECTED).count(), 0);
  assert.deepEqual(dialogs, []);
}));
