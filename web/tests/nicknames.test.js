// Who talks by plain text in the same room is seen under his name, and a new one is told on a line.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { messages, openAndJoin, send, untilLine, untilMessage } from './support/chat.js';
import { withParlour } from './support/parlour.js';

test('messages and new nicknames of the door for plain text stand in the room', withParlour(
  async ({ server, newPage }) => {
    const ann = await openAndJoin(await newPage(), server, 'ann', 'general');
    // Another person's client, in a page of its own.
    const plain = await newPage();
    await plain.goto(`${server.url}/`);
    await plain.evaluate(() => new Promise((resolve) => {
      window.heard = [];
      window.socket = new WebSocket(`ws://${location.host}/plain`);
      window.socket.onmessage = ({ data }) => {
        window.heard.push(JSON.parse(data));
        resolve();
      };
    }));
    const say = (text) => plain.evaluate((words) => window.socket.send(words), text);

    await say('hello');
    await untilMessage(ann, 'hello');
    await say('/nick kim');
    await untilLine(ann, 'note', 'guest-AnonymousUser0\u2069 is now called \u2068guest-kim');
    await say('it is me');
    await untilMessage(ann, 'it is me');
    const seen = (await messages(ann)).map(({ from, text }) => `${from}: ${text}`);
    assert.deepEqual(seen, ['guest-AnonymousUser0: hello', 'guest-kim: it is me']);
    assert.equal(await ann.locator('.line .strange').count(), 0);

    await send(ann, 'hello kim');
    await plain.waitForFunction(() => window.heard.at(-1).message === 'hello kim');
    const last = await plain.evaluate(() => window.heard.at(-1));
    assert.deepEqual([last.type, last.nickname], ['message', 'guest-ann']);
  },
));
