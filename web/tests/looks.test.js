// Readable in light and dark, on a phone and on a desktop.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openAndJoin, openPage, join, send, untilLine, untilState } from './support/chat.js';
import { withParlour } from './support/parlour.js';
import { errorEvent, newMessage, playServer } from './support/wire.js';

const PHONE = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };

async function assertNoSidewaysScroll(page, where) {
  const [inner, outer] = await page.evaluate(() => [
    document.documentElement.scrollWidth, document.documentElement.clientWidth,
  ]);
  assert.ok(inner <= outer, `${where}: ${inner} px of page in ${outer} px of screen`);
  const log = page.locator('#log');
  if (await log.isVisible()) {
    const [content, box] = await log.evaluate((it) => [it.scrollWidth, it.clientWidth]);
    assert.ok(content <= box, `${where}: ${content} px of list in ${box} px`);
  }
}

test('a phone never scrolls sideways', withParlour(async ({ server, newPage }) => {
  const page = await newPage(PHONE);
  await playServer(page, { name: `guest-${'n'.repeat(64)}` });
  await openPage(page, server, 'r'.repeat(60));
  await assertNoSidewaysScroll(page, 'before joining');
  const long = 'w'.repeat(400);
  await join(page, 'n'.repeat(64));
  await send(page, long);
  await page.locator('.unconfirmed').waitFor();
  await assertNoSidewaysScroll(page, 'in a room');
  const box = await page.getByRole('button', { name: 'Send', exact: true }).boundingBox();
  assert.ok(box.y + box.height <= PHONE.viewport.height, 'the message field is on the screen');
}));

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
    const seen = (element) => element.checkVisibility() && !element.closest('.unseen');
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
  test(`${colorScheme}: all text has a contrast of at least 4.5`, withParlour(
    async ({ server, newPage }) => {
      const page = await newPage({ colorScheme });
      const played = await playServer(page);
      await page.route('**/ticket', (route) => route.fulfill({
        status: 400, json: { error: 'bad_name', message: 'this name is not possible' },
      }), { times: 1 });
      await openPage(page, server);
      await page.getByRole('button', { name: 'Join' }).click();
      await untilState(page, 'closed');
      const before = await lowestContrast(page);
      assert.ok(before.count >= 8 && before.ratio >= 4.5, JSON.stringify(before));

      await join(page, 'ann');
      await send(page, 'mine');
      played.last().send(newMessage('guest-ann', 'mine'));
      for (const name of 'abcdef') played.last().send(newMessage(name, `I am ${name}`));
      played.last().send(errorEvent('bad_json', 'that was no JSON'));
      await send(page, 'on its way');
      await untilLine(page, 'problem', 'that was no JSON');
      const colours = await page.locator('.name').evaluateAll(
        (names) => new Set(names.map((name) => getComputedStyle(name).color)).size,
      );
      assert.ok(colours >= 6, 'each name colour is on the page');
      const during = await lowestContrast(page);
      assert.ok(during.count >= 25 && during.ratio >= 4.5, JSON.stringify(during));

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
    for (const viewport of [{ width: 1280, height: 800 }, { width: 700, height: 400 }, PHONE.viewport]) {
      await page.setViewportSize(viewport);
      await assertNoSidewaysScroll(page, `${viewport.width} px`);
      assert.ok(await page.locator('#log').evaluate((log) => log.clientHeight) > 60);
    }
  },
));
