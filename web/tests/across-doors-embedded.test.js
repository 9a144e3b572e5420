// An application that embeds the crate, with people at all of its doors at once: its page in a browser,
// /plain, /subscribe with POST /publish, the events door with a handler of the application's own,
// `parlour chat`, and the application itself, which takes the minutes. Everybody speaks at the same time,
// and everybody sees the same order.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { withExample } from './support/parlour.js';
import { startChat } from './support/server.js';

// At each door there are so many people, who say so much each.
const PEOPLE = 4;
const EACH = 20;
// How often it is asked who is in: for half a minute.
const ASKED_MAX = 600;
const DOORS = ['page', 'plain', 'published', 'handler', 'terminal'];

const numbers = (count) => Array.from({ length: count }, (_, number) => number);

async function enterByPage(newPage, server) {
  const page = await newPage();
  await page.goto(`${server.url}/`);
  await page.locator('#state').getByText('In the room', { exact: true }).waitFor();
  return page;
}

async function sayOnPage(page, text) {
  await page.locator('#text').fill(text);
  await page.locator('#text').press('Enter');
}

// Whose socket is open at one of these doors is in the room. `window.heard` has a list for each socket.
async function openSockets(page, server, people) {
  await page.goto(`${server.url}/`);
  await page.evaluate(async (count) => {
    const doors = {
      plain: { path: async () => '/plain', text: (it) => (it.type === 'message' ? it.message : null) },
      subscribe: { path: async () => '/subscribe', text: (it) => it.msg },
      events: {
        path: async () => {
          const headers = { 'Content-Type': 'application/json' };
          const answer = await fetch('/ticket', { method: 'POST', headers, body: '{}' });
          return `/ws?otp=${(await answer.json()).otp}`;
        },
        text: (it) => (it.type === 'new_message' ? it.payload.message : null),
      },
    };
    window.heard = {};
    window.sockets = {};
    for (const [door, { path, text }] of Object.entries(doors)) {
      for (let person = 0; person < count; person += 1) {
        const heard = [];
        const socket = new WebSocket(`ws://${location.host}${await path()}`);
        socket.onmessage = ({ data }) => {
          const said = text(JSON.parse(data));
          if (said !== null) heard.push(said);
        };
        await new Promise((resolve, reject) => {
          socket.onopen = resolve;
          socket.onclose = () => reject(new Error(`${door} did not open`));
        });
        socket.onclose = () => heard.push('(closed)');
        window.heard[`${door} ${person}`] = heard;
        (window.sockets[door] ??= []).push(socket);
      }
    }
    window.publish = async (msg) => {
      const { status } = await fetch('/publish', { method: 'POST', body: JSON.stringify({ name: 'ci', msg }) });
      if (status !== 204) throw new Error(`POST /publish answered ${status}`);
    };
  }, people);
}

const pageTexts = (page) => page.locator('#log li').evaluateAll(
  (items) => items.map(({ textContent }) => textContent),
);
const afterName = (line) => line.slice(line.indexOf(': ') + 2);

// What all were asked for before everybody was in counts for nobody.
function between(texts, who) {
  const [begin, end] = [texts.indexOf('begin'), texts.indexOf('end')];
  assert.ok(begin >= 0 && end > begin, `${who} has heard the beginning and the end`);
  return texts.slice(begin + 1, end);
}

// What each of them has heard, by their names.
async function heardByAll({ server, pages, sockets, chats }) {
  const heard = await sockets.evaluate(() => window.heard);
  for (const [number, page] of pages.entries()) {
    heard[`page ${number}`] = (await pageTexts(page)).map(afterName);
  }
  for (const [number, chat] of chats.entries()) heard[`parlour chat ${number}`] = chat.lines.map(afterName);
  const minutes = await (await fetch(`${server.url}/minutes`)).json();
  heard['the application'] = minutes.map(({ text }) => text);
  const [first] = minutes;
  assert.deepEqual(minutes.map(({ seq }) => seq), minutes.map((_, number) => first.seq + number));
  return heard;
}

test('a browser, /plain, /subscribe, parlour chat and the embedding application see one order', withExample(
  'minutes',
  async ({ server, newPage }) => {
    const sockets = await newPage();
    const pages = await Promise.all(numbers(PEOPLE).map(() => enterByPage(newPage, server)));
    await openSockets(sockets, server, PEOPLE);
    const chats = numbers(PEOPLE).map((number) => startChat(server, `cid${number}`));
    try {
      const publish = (text) => sockets.evaluate((words) => window.publish(words), text);
      // Whoever has heard one word hears all that come later.
      for (let asked = 0; !chats.every(({ lines }) => lines.length > 0); asked += 1) {
        assert.ok(asked < ASKED_MAX, 'every parlour chat comes in');
        await publish('who is in?');
        await new Promise((resolve) => { setTimeout(resolve, 50); });
      }
      await publish('begin');

      const onPages = pages.map(async (page, person) => {
        for (const number of numbers(EACH)) await sayOnPage(page, `page ${person} ${number}`);
      });
      const bySockets = sockets.evaluate(async ([people, each]) => {
        await Promise.all(Array.from({ length: people }, async (_, person) => {
          for (let number = 0; number < each; number += 1) {
            window.sockets.plain[person].send(`plain ${person} ${number}`);
            const proposal = { type: 'propose', payload: `handler ${person} ${number}` };
            window.sockets.events[person].send(JSON.stringify(proposal));
            await window.publish(`published ${person} ${number}`);
          }
        }));
      }, [PEOPLE, EACH]);
      for (const number of numbers(EACH)) {
        for (const [person, chat] of chats.entries()) chat.say(`terminal ${person} ${number}`);
      }
      await Promise.all([...onPages, bySockets]);

      // The end is said when everything else has its place.
      await sockets.waitForFunction(
        (count) => window.heard['subscribe 0'].filter((text) => / \d+ \d+$/.test(text)).length >= count,
        DOORS.length * PEOPLE * EACH,
      );
      await publish('end');
      await sockets.waitForFunction(() => Object.values(window.heard).every((it) => it.includes('end')));
      for (const page of pages) await page.locator('#log li').getByText('guest-ci: end', { exact: true }).waitFor();
      for (const chat of chats) await chat.until('guest-ci: end');

      const heard = await heardByAll({ server, pages, sockets, chats });
      assert.equal(Object.keys(heard).length, 5 * PEOPLE + 1);
      const order = between(heard['the application'], 'the application');
      for (const [who, texts] of Object.entries(heard)) {
        assert.deepEqual(between(texts, who), order, `${who} sees the order of the application`);
      }

      // Nothing is missing or there twice, and everybody's own words are in their order.
      assert.equal(order.length, DOORS.length * PEOPLE * EACH);
      const words = order.map((text) => text.replace(/^motion \d+: /, ''));
      for (const door of DOORS) {
        for (const person of numbers(PEOPLE)) {
          const said = words.filter((text) => text.startsWith(`${door} ${person} `));
          assert.deepEqual(said, numbers(EACH).map((number) => `${door} ${person} ${number}`));
        }
      }
    } finally {
      await Promise.all(chats.map((chat) => chat.stop()));
    }
  },
));
