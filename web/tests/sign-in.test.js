// Accounts: in with a password, back without it, out everywhere; every refusal in clear words.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  askAsGuest, messageField, openAndSignIn, openPage, sendAndSee, signIn, texts, untilInRoom, untilMessage, untilState,
} from './support/chat.js';
import { withPages, withParlour } from './support/parlour.js';
import { addUser, startServer } from './support/server.js';
import { playServer } from './support/wire.js';

const PASSWORD = 'correct horse battery';
const atTheDoor = (page) => page.getByRole('heading', { name: 'Come in' }).waitFor();
const news = (page, words) => page.locator('#door-news').filter({ hasText: words }).waitFor();
const error = (page, words) => page.locator('#sign-in-error').filter({ hasText: words }).waitFor();

// Requests that carry a password, as a list that grows.
function watchLogins(page) {
  const logins = [];
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/login') logins.push(request.postDataJSON());
  });
  return logins;
}

test('signed in once, back after a reload and a restart of the server without the password', withParlour(
  async ({ server, newPage }) => {
    await addUser(server, 'ann', PASSWORD);
    const page = await newPage();
    const logins = watchLogins(page);
    await openAndSignIn(page, server, 'ann', PASSWORD, 'tea');
    assert.equal(await page.locator('#own-name').textContent(), 'ann');
    await sendAndSee(page, 'from an account');

    await page.reload();
    await untilInRoom(page, 'tea');
    await untilMessage(page, 'from an account');
    assert.equal(await page.locator('.message.own').count(), 1);

    await server.halt('SIGTERM');
    await untilState(page, 'offline');
    const again = await startServer({ port: server.port, data: server.data });
    try {
      await untilState(page, 'online');
      await sendAndSee(page, 'still me');
      assert.equal(await page.locator('#own-name').textContent(), 'ann');
      assert.deepEqual(logins, [{ username: 'ann', password: PASSWORD }]);
    } finally {
      await again.halt();
    }
  },
));

test('no secret is where a script could read it', withParlour(async ({ server, newPage }) => {
  await addUser(server, 'ann', PASSWORD);
  const page = await newPage();
  const answer = page.waitForResponse('**/login');
  await openAndSignIn(page, server, 'ann', PASSWORD, 'tea');
  const { otp, session } = await (await answer).json();
  const readable = await page.evaluate(() => JSON.stringify([
    { ...localStorage }, { ...sessionStorage }, document.cookie, document.documentElement.outerHTML,
    [...document.querySelectorAll('input')].map(({ value }) => value),
  ]));
  for (const secret of [PASSWORD, otp, session]) {
    assert.ok(secret.length > 0 && !readable.includes(secret));
  }
  assert.match(readable, /parlour\.user/, 'what is remembered was read');
  const [cookie] = await page.context().cookies();
  assert.ok(cookie.httpOnly);
  assert.equal(cookie.sameSite, 'Strict');
}));

test('a wrong password is said, cleared and can be mended', withParlour(async ({ server, newPage }) => {
  await addUser(server, 'ann', PASSWORD);
  const page = await openPage(await newPage(), server);
  await signIn(page, 'ann', 'wrong');
  await error(page, 'The name or the password is wrong.');
  await page.locator('#password[aria-invalid="true"]:focus').waitFor();
  assert.equal(await page.getByLabel('Password').inputValue(), '');
  assert.equal(await page.getByLabel('User name').inputValue(), 'ann');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await untilState(page, 'online');
}));

test('an empty field is said without asking the server', withParlour(async ({ server, newPage }) => {
  const page = await openPage(await newPage(), server);
  const logins = watchLogins(page);
  await signIn(page, '', 'x');
  await error(page, 'Type your user name first.');
  await signIn(page, 'ann', '');
  await error(page, 'Type your password first.');
  assert.deepEqual(logins, []);
}));

test('too many tries: a countdown, and nothing can be sent before its end', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    await page.clock.install();
    let asked = 0;
    await page.route('**/login', (route) => {
      asked += 1;
      return route.fulfill({
        status: 429, headers: { 'Retry-After': '30' },
        json: { error: 'too_many_logins', message: 'too many sign-ins from this address' },
      });
    });
    await openPage(page, server);
    await page.clock.pauseAt(Date.now() + 3_600_000);
    await signIn(page, 'ann', 'x');
    await error(page, 'too many sign-ins from this address. Try again in 30 s.');
    await page.clock.runFor(10_000);
    await error(page, 'Try again in 20 s.');
    const button = page.getByRole('button', { name: 'Sign in' });
    assert.ok(await button.isDisabled());
    await page.locator('#password').press('Enter');
    assert.equal(asked, 1);
    await page.clock.runFor(21_000);
    assert.ok(await button.isEnabled());
    assert.equal(await page.locator('#sign-in-error').textContent(), '');
  },
));

test('signed out in one window, every window of the session says so', withParlour(
  async ({ server, newPage }) => {
    await addUser(server, 'ann', PASSWORD);
    const page = await newPage();
    await openAndSignIn(page, server, 'ann', PASSWORD, 'tea');
    await messageField(page).fill('half a thought');
    const other = await page.context().newPage();
    await openPage(other, server, 'tea');
    await untilInRoom(other, 'tea');
    await other.getByRole('button', { name: 'Sign out' }).click();
    await atTheDoor(other);
    await news(other, 'You are signed out.');

    await atTheDoor(page);
    await news(page, 'You were signed out: the session was ended somewhere else.');
    assert.deepEqual(await page.context().cookies(), []);
    await other.reload();
    await atTheDoor(other);

    await signIn(page, 'ann', PASSWORD);
    await untilInRoom(page, 'tea');
    assert.equal(await messageField(page).inputValue(), 'half a thought', 'what was typed is still there');
  },
));

test('a session that has ended meanwhile leads to the door, and the rooms are there afterwards', withParlour(
  async ({ server, newPage }) => {
    await addUser(server, 'ann', PASSWORD);
    const page = await newPage();
    await openAndSignIn(page, server, 'ann', PASSWORD, 'tea');
    await sendAndSee(page, 'before');
    await page.context().clearCookies();
    await page.reload();
    await atTheDoor(page);
    await news(page, /session/);
    assert.equal(await page.getByLabel('User name').inputValue(), 'ann');
    await signIn(page, 'ann', PASSWORD);
    await untilMessage(page, 'before');
  },
));

test('a guest is let in although the cookie of an ended session is still here', withParlour(
  async ({ server, newPage }) => {
    await addUser(server, 'ann', PASSWORD);
    const page = await newPage();
    await openAndSignIn(page, server, 'ann', PASSWORD, 'tea');
    const [cookie] = await page.context().cookies();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await atTheDoor(page);
    await page.context().addCookies([cookie]);
    await askAsGuest(page, 'kim');
    await untilState(page, 'online');
    assert.equal(await page.locator('#own-name').textContent(), 'guest-kim');
  },
));

test('another account in this browser does not speak for this one', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    const played = await playServer(page, { name: 'ann', guest: false });
    await page.addInitScript(() => localStorage.setItem('parlour.user', '"ann"'));
    await openPage(page, server, 'tea');
    await untilInRoom(page, 'tea');
    await page.route('**/ticket', (route) => route.fulfill({ json: { otp: 'x', name: 'bob', guest: false } }));
    await played.last().close({ code: 1011 });
    await atTheDoor(page);
    await news(page, 'This browser is signed in as bob now.');
    assert.equal(played.sockets.length, 1);
  },
));

test('a server without accounts says so and offers the other way', withPages(
  async ({ server, newPage }) => {
    const page = await newPage();
    await page.route('**/login', (route) => route.fulfill({ status: 404, body: 'Not found\n' }));
    await openPage(page, server);
    await signIn(page, 'ann', PASSWORD);
    await error(page, 'This server has no accounts. Go on as a guest.');
    assert.equal(await page.getByRole('button', { name: 'Sign in' }).count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'guest-name');
  },
));

test('signing out that does not reach the server is not claimed', withParlour(
  async ({ server, newPage }) => {
    await addUser(server, 'ann', PASSWORD);
    const page = await newPage();
    await openAndSignIn(page, server, 'ann', PASSWORD, 'tea');
    await page.route('**/logout', (route) => route.abort());
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.locator('#message-hint').getByText('You are still signed in').waitFor();
    await sendAndSee(page, 'still here');
    assert.deepEqual(await texts(page), ['still here']);
  },
));
