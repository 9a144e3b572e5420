// Pages that were written for the example systems run against this server, out of --web-root: their
// paths are those systems' own, and so are the scripts that stand in them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { withParlour } from './support/parlour.js';
import { addUser } from './support/server.js';

const pages = (name) => ['--web-root', fileURLToPath(new URL(`./pages/${name}`, import.meta.url))];
const PASSWORD = 'correct horse battery';

async function open(newPage, server, options) {
  const page = await newPage(options);
  page.complaints = [];
  page.alerts = [];
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('console', (message) => {
    // Browsers ask for an icon by themselves.
    const isOfIcon = message.location().url.endsWith('/favicon.ico');
    if (message.type() === 'error' && !isOfIcon) page.complaints.push(message.text());
  });
  page.on('dialog', (dialog) => {
    page.alerts.push(dialog.message());
    return dialog.dismiss();
  });
  await page.goto(`${server.url}/`);
  return page;
}

const item = (page, words) => page.locator('#messages li').filter({ hasText: words }).first().waitFor();
const items = (page) => page.locator('#messages li').allTextContents();

test('the page of nicknames: labels, a new nickname, who comes and who goes', withParlour(
  async ({ server, newPage }) => {
    const kim = await open(newPage, server);
    await item(kim, 'AnonymousUser0 has connected');
    const lee = await open(newPage, server);
    await item(lee, 'AnonymousUser1 has connected');
    await item(kim, 'AnonymousUser1 has connected');
    assert.equal(await kim.evaluate(() => document.activeElement.id), 'message');

    const say = async (page, text, by) => {
      await page.locator('#message').fill(text);
      await by();
      assert.equal(await page.locator('#message').inputValue(), '');
      assert.equal(await page.evaluate(() => document.activeElement.id), 'message');
    };
    await say(kim, 'hello <b>"you"</b>', () => kim.keyboard.press('Enter'));
    for (const page of [kim, lee]) await item(page, 'hello <b>"you"</b>');
    await say(kim, '/nick kim', () => kim.locator('#send').click());
    await item(lee, 'Client AnonymousUser0 changed to kim');
    await say(kim, 'it is me', () => kim.locator('#send').click());
    await item(lee, 'it is me');
    assert.deepEqual(await items(lee), [
      '*AnonymousUser1 has connected', 'AnonymousUser0hello <b>"you"</b>',
      '*Client AnonymousUser0 changed to kim', 'kimit is me',
    ]);
    assert.deepEqual(await lee.locator('#messages .label').evaluateAll((all) => all.map((it) => it.className)), [
      'label info', 'label', 'label warning', 'label',
    ]);

    await kim.evaluate(() => disconnect());
    await item(kim, 'Connection closed');
    await item(lee, 'kim has disconnected');
    assert.deepEqual([...kim.complaints, ...lee.complaints], []);
  },
  { settings: [...pages('nicknames'), '--plain-path', '/ws', '--ws-path', '/events'] },
));

test('the page of events: sign-in, messages, another room, over TLS', withParlour(
  async ({ server, newPage }) => {
    await addUser(server, 'percy', PASSWORD);
    const enter = async () => {
      const page = await open(newPage, server, { ignoreHTTPSErrors: true });
      assert.equal(await page.title(), 'PP - Websockets');
      await page.locator('#username').fill('percy');
      await page.locator('#password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Login' }).click();
      await page.locator('#connection-header').getByText('Connected to Websocket: true').waitFor();
      return page;
    };
    const lines = (page) => page.locator('#chatmessages').inputValue();
    const send = async (page, text) => {
      await page.locator('#message').fill(text);
      await page.getByRole('button', { name: 'Send message' }).click();
      assert.equal(await page.locator('#message').inputValue(), text, 'it is not cleared');
    };
    const until = (page, text) => page.waitForFunction(
      (words) => document.getElementById('chatmessages').value.endsWith(`: ${words}`), text,
    );
    const change = async (page, room) => {
      await page.locator('#chatroom').fill(room);
      await page.getByRole('button', { name: 'Change chatroom' }).click();
      assert.equal(await page.locator('#chat-header').textContent(), `Currently in chat: ${room}`);
      assert.equal(await lines(page), `You changed room into: ${room}`);
    };

    const one = await enter();
    const other = await enter();
    await send(one, 'hello');
    await until(one, 'hello');
    await until(other, 'hello');
    const [line] = (await lines(other)).trim().split('\n');
    assert.ok(!Number.isNaN(Date.parse(line.slice(0, line.indexOf(': hello')))), line);

    await change(one, 'den');
    await send(one, 'in the den');
    await until(one, 'in the den');
    await change(other, 'den');
    await send(one, 'both of us');
    await until(other, 'both of us');
    assert.ok(!(await lines(other)).includes('in the den'), 'nothing is replayed');
    // D20: who enters the first room by its name is where newcomers are.
    await change(one, 'general');
    const late = await enter();
    await send(late, 'a newcomer');
    await until(one, 'a newcomer');
    for (const page of [one, other, late]) assert.deepEqual([page.complaints, page.alerts], [[], []]);

    const wrong = await open(newPage, server, { ignoreHTTPSErrors: true });
    await wrong.locator('#username').fill('percy');
    await wrong.locator('#password').fill('123');
    const asked = wrong.waitForEvent('dialog');
    await wrong.getByRole('button', { name: 'Login' }).click();
    await asked;
    assert.deepEqual(wrong.alerts, ['unauthorized']);
    assert.match(await wrong.locator('#connection-header').textContent(), /false/);
  },
  { settings: [...pages('events'), '--tls', 'self-signed'] },
));

test('the page of the feed: a name, then messages for everybody', withParlour(
  async ({ server, newPage }) => {
    const enter = async (name) => {
      const page = await open(newPage, server);
      await page.locator('body[data-open]').waitFor();
      await page.locator('#name').fill(name);
      await page.getByRole('button', { name: 'Go' }).click();
      return page;
    };
    const kim = await enter('  kim ');
    const lee = await enter('lee');
    assert.equal(await kim.locator('#name-span').textContent(), 'kim: ');
    const send = async (page, text) => {
      await page.locator('#message-input').fill(text);
      await page.keyboard.press('Enter');
      assert.equal(await page.locator('#message-input').inputValue(), '');
    };
    await send(kim, 'hello <i>');
    for (const page of [kim, lee]) await item(page, 'kim: hello <i>');
    await send(lee, 'hello');
    await item(kim, 'lee: hello');
    assert.deepEqual(await items(kim), ['kim: hello <i>', 'lee: hello']);
    assert.deepEqual([...kim.complaints, ...lee.complaints], []);
  },
  { settings: pages('feed') },
));

test('a page of the operator’s loads no script of another server', withParlour(
  async ({ server, newPage }) => {
    const page = await open(newPage, server);
    const violation = page.evaluate(() => new Promise((resolve) => {
      document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
      const script = document.createElement('script');
      script.src = 'http://scripts.example/jquery.js';
      document.head.append(script);
    }));
    assert.equal(await violation, 'script-src-elem');
  },
  { settings: pages('feed') },
));
