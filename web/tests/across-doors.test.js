// The chat page, the doors for plain text and for subscribers, POST /publish and `parlour chat` in one
// room: everybody sees everything, in one order.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { messages, openAndJoin, send, untilMessage } from './support/chat.js';
import { withParlour } from './support/parlour.js';
import { startChat } from './support/server.js';

const EACH = 20;

// Free doors beside a page of their own: what each of them has heard, as texts.
async function openDoors(page, server) {
  await page.goto(`${server.url}/`);
  await page.evaluate(() => {
    window.heard = { plain: [], subscribe: [] };
    const open = (door, textOf) => {
      const socket = new WebSocket(`ws://${location.host}/${door}`);
      socket.onmessage = ({ data }) => {
        const text = textOf(JSON.parse(data));
        if (text) window.heard[door].push(text);
      };
      return socket;
    };
    window.plain = open('plain', ({ type, message }) => (type === 'message' ? message : ''));
    window.subscribe = open('subscribe', ({ msg }) => msg);
    window.publish = (msg) => fetch('/publish', { method: 'POST', body: JSON.stringify({ name: 'ci', msg }) });
  });
}

// What was said before all were in counts for nobody.
const after = (heard) => heard.slice(heard.indexOf('begin') + 1, heard.indexOf('end'));

test('a browser, plain text, subscribers and a terminal see one order', withParlour(
  async ({ server, newPage }) => {
    const ann = await openAndJoin(await newPage(), server, 'ann', 'general');
    const doors = await newPage();
    await openDoors(doors, server);
    const chat = startChat(server, 'cid');
    try {
      // Whoever has heard one word hears all that come later.
      const isIn = async () => {
        const { plain, subscribe } = await doors.evaluate(() => window.heard);
        return plain.length > 0 && subscribe.length > 0 && chat.lines.length > 0;
      };
      while (!await isIn()) {
        await doors.evaluate(() => window.publish('who is in?'));
        await new Promise((resolve) => { setTimeout(resolve, 50); });
      }
      await doors.evaluate(() => window.publish('begin'));

      const page = (async () => {
        for (let number = 0; number < EACH; number += 1) await send(ann, `page ${number}`);
      })();
      const others = doors.evaluate(async (each) => {
        for (let number = 0; number < each; number += 1) {
          window.plain.send(`plain ${number}`);
          await window.publish(`published ${number}`);
        }
      }, EACH);
      for (let number = 0; number < EACH; number += 1) chat.say(`terminal ${number}`);
      await Promise.all([page, others]);
      const all = ['page', 'plain', 'published', 'terminal'];
      for (const door of all) await untilMessage(ann, `${door} ${EACH - 1}`);
      await doors.evaluate(() => window.publish('end'));
      await untilMessage(ann, 'end');
      await doors.waitForFunction(() => Object.values(window.heard).every((it) => it.includes('end')));
      await chat.until('guest-ci: end');

      const order = after((await messages(ann)).map(({ text }) => text));
      const heard = await doors.evaluate(() => window.heard);
      assert.deepEqual(after(heard.plain), order);
      assert.deepEqual(after(heard.subscribe), order);
      assert.deepEqual(after(chat.lines.map((line) => line.slice(line.indexOf(': ') + 2))), order);
      assert.equal(order.length, 4 * EACH);
      for (const door of all) {
        const said = order.filter((text) => text.startsWith(`${door} `));
        assert.deepEqual(said, Array.from({ length: EACH }, (_, number) => `${door} ${number}`));
      }
    } finally {
      await chat.stop();
    }
  },
));
