// The page works under the server's content policy and talks to no other host.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { askAsGuest, joinRoom, openPage, sendAndSee, untilInRoom } from './support/chat.js';
import { withParlour } from './support/parlour.js';

const violations = (page) => page.evaluate(() => window.violations);

test('no violation on load and chat, no request to another host', withParlour(
  async ({ server, newPage }) => {
    const page = await newPage();
    await page.addInitScript(() => {
      window.violations = [];
      document.addEventListener('securitypolicyviolation', (event) => {
        window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    const requests = [];
    const complaints = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('websocket', (socket) => requests.push(socket.url()));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));

    const policies = [];
    page.on('response', (response) => {
      if (response.url() === `${server.url}/`) {
        policies.push(response.headers()['content-security-policy'] ?? '');
      }
    });
    await openPage(page, server);
    await askAsGuest(page, 'ann');
    await untilInRoom(page, 'general');
    await sendAndSee(page, 'hello');
    await joinRoom(page, 'tea');
    await page.getByRole('button', { name: 'Help' }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Leave the chat' }).click();
    await page.getByRole('heading', { name: 'Come in' }).waitFor();
    assert.match(policies[0], /default-src 'none'/);
    assert.match(policies[0], /connect-src 'self'/);

    assert.deepEqual(await violations(page), []);
    assert.deepEqual(complaints, []);
    const hosts = new Set(requests.map((address) => new URL(address).host));
    assert.deepEqual([...hosts], [new URL(server.url).host]);
    const socket = requests.find((address) => address.startsWith('ws:'));
    assert.equal(new URL(socket).search, '', 'the ticket is in no address');

    // The same watch notices a violation when there is one.
    await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.inlineRan = true';
      document.body.append(script);
    });
    await page.waitForFunction(() => window.violations.length > 0);
    assert.equal(await page.evaluate(() => window.inlineRan), undefined);
  },
));
