// Readable in light and dark, on a phone and on a desktop.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  askAsGuest, join, joinRoom, openAndJoin, openPage, send, untilInRoom, untilLine, untilState,
} from './support/chat.js';
import { withPages, withParlour } from './support/parlour.js';
import { playServer } from './support/wire.js';

const PHONE = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };

async function assertNoSidewaysScroll(page, where) {
  const boxes = await page.evaluate(() => [document.documentElement, ...document.querySelectorAll('#log, .panel, .card')]
    .filter((box) => box.checkVisibility())
    .map(({ id, scrollWidth, clientWidth }) => ({ id, scrollWidth, clientWidth })));
  for (const { id, scrollWidth, clientWidth } of boxes) {
    assert.ok(scrollWidth <= clientWidth, `${where}: ${scrollWidth} px in ${clientWidth} px of ${id || 'the page'}`);
  }
}

test('a phone never scrolls sideways', withPages(async ({ server, newPage }) => {
  const page = await newPage(PHONE);
  const name = `guest-${'n'.repeat(58)}`;
  const played = await playServer(page, { name });
  await openPage(page, server, 'r'.repeat(60));
  await assertNoSidewaysScroll(page, 'at the door');
  await join(page, 'n'.repeat(58));
  await untilInRoom(page, 'r'.repeat(60));
  played.say('r'.repeat(60), 'm'.repeat(64), 'w'.repeat(400));
  await send(page, 'w'.repeat(400));
  await page.locator('.unconfirmed').waitFor();
  await assertNoSidewaysScroll(page, 'in a room');
  const box = await page.getByRole('button', { name: 'Send', exact: true }).boundingBox();
  assert.ok(box.y + box.height <= PHONE.viewport.height, 'the message field is on the screen');
  for (const panel of ['Rooms', '1 here']) {
    await page.getByRole('button', { name: panel }).click();
    await assertNoSidewaysScroll(page, panel);
    await page.keyboard.press('Escape');
  }
}));

test('on a phone rooms and people stand behind their buttons, one at a time', withParlour(
  async ({ server, newPage }) => {
    const page = await openAndJoin(await newPage(PHONE), server, 'ann', 'tea');
    const rooms = page.getByRole('navigation', { name: 'Rooms' });
    const people = page.locator('#people-panel');
    const openRooms = page.getByRole('button', { name: 'Rooms' });
    assert.ok(!await rooms.isVisible() && !await people.isVisible());

    await openRooms.click();
    await rooms.waitFor();
    assert.equal(await openRooms.getAttribute('aria-expanded'), 'true');
    await page.keyboard.press('Escape');
    await rooms.waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(() => document.activeElement.id), 'rooms-open');

    await openRooms.click();
    await joinRoom(page, 'den');
    await rooms.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: '1 here' }).click();
    await people.getByText('guest-ann').waitFor();
    await page.locator('#people-close').click();
    await people.waitFor({ state: 'hidden' });
  },
));

// The lowest contrast (WCAG 2.1, 1.4.3) of all visible text against what is behind it.
function lowestContrast(page) {
  return page.evaluate(() => {
    const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
    const luminance = ([red, green, blue]) => {
      const linear = (value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      };
      return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    };
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const colour = channels(getComputedStyle(at).backgroundColor);
        if (colour.length === 3 || colour[3] === 1) return colour;
        if (colour[3] !== 0) throw new Error('a translucent background');
      }
      throw new Error('no background');
    };
    const hasText = (element) => element.matches('input, textarea')
      || [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const seen = (element) => element.checkVisibility() && !element.closest('.unseen, .skip')
      && !element.matches(':disabled');
    const ratios = [...document.querySelectorAll('body *')]
      .filter((element) => hasText(element) && seen(element))
      .flatMap((element) => {
        const background = luminance(behind(element));
        const styles = [getComputedStyle(element)];
        if (element.placeholder) styles.push(getComputedStyle(element, '::placeholder'));
        return styles.map((style) => {
          const text = luminance(channels(style.color));
          const [light, dark] = text > background ? [text, background] : [background, text];
          const ratio = (light + 0.05) / (dark + 0.05);
          return { ratio, what: `${element.tagName} ${element.className} ${element.id}` };
        });
      });
    return { count: ratios.length, ...ratios.sort((a, b) => a.ratio - b.ratio)[0] };
  });
}

for (const colorScheme of ['light', 'dark']) {
  test(`${colorScheme}: all text has a contrast of at least 4.5`, withPages(
    async ({ server, newPage }) => {
      const page = await newPage({ colorScheme });
      const played = await playServer(page, { echo: true });
      await page.route('**/ticket', (route) => route.fulfill({
        status: 400, json: { error: 'bad_name', message: 'this name is not possible' },
      }), { times: 1 });
      await openPage(page, server, 'tea');
      await askAsGuest(page, 'ann');
      await page.locator('#guest-error').getByText('not possible').waitFor();
      const before = await lowestContrast(page);
      assert.ok(before.count >= 10 && before.ratio >= 4.5, JSON.stringify(before));

      await join(page, 'ann');
      await untilInRoom(page, 'tea');
      await joinRoom(page, 'den');
      await joinRoom(page, 'tea');
      await send(page, 'mine');
      for (const name of 'abcdef') played.say('tea', name, `I am ${name}`);
      played.say('den', 'bob', 'unread');
      played.tell({ t: 'gap', room: 'tea', reason: 'new_epoch', now: { epoch: '00000000000000e2', seq: 0 } });
      played.tell({ t: 'error', code: 'other', message: 'an error of no message' });
      await untilLine(page, 'note', 'an error of no message');
      await page.locator('.badge').first().waitFor();
      const colours = await page.locator('.name').evaluateAll(
        (names) => new Set(names.map((name) => getComputedStyle(name).color)).size,
      );
      assert.ok(colours >= 6, 'each name colour is on the page');
      const during = await lowestContrast(page);
      assert.ok(during.count >= 30 && during.ratio >= 4.5, JSON.stringify(during));

      await played.last().close({ code: 1008, reason: 'policy' });
      await untilState(page, 'closed');
      await send(page, 'not now');
      const after = await lowestContrast(page);
      assert.ok(after.ratio >= 4.5, JSON.stringify(after));
    },
  ));
}

test('a wide and a narrow window hold the same conversation', withParlour(
  async ({ server, newPage }) => {
    const page = await openAndJoin(await newPage(), server, 'ann');
    for (const viewport of [
      { width: 1920, height: 1080 }, { width: 1280, height: 800 }, { width: 800, height: 600 },
      { width: 700, height: 400 }, { width: 360, height: 740 },
    ]) {
      await page.setViewportSize(viewport);
      await assertNoSidewaysScroll(page, `${viewport.width} px`);
      assert.ok(await page.locator('#log').evaluate((log) => log.clientHeight) > 60);
    }
  },
));

test('nothing moves for those who want no motion', withPages(async ({ server, newPage }) => {
  const page = await newPage({ ...PHONE, reducedMotion: 'reduce' });
  const held = new Promise(() => {});
  await playServer(page, { onDial: () => held });
  await openPage(page, server);
  await askAsGuest(page, 'ann');
  await untilState(page, 'connecting');
  await page.getByRole('button', { name: 'Rooms' }).click();
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
}));
