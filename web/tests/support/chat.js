// What a person does on the page and sees there.

export async function openPage(page, server, room = '') {
  await page.goto(`${server.url}/${room ? `#${encodeURIComponent(room)}` : ''}`);
  return page;
}

export async function signIn(page, name, password) {
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

export async function askAsGuest(page, name) {
  await page.getByLabel('Guest name').fill(name);
  await page.getByRole('button', { name: 'Go on as guest' }).click();
}

export async function join(page, name) {
  await askAsGuest(page, name);
  await untilState(page, 'online');
}

export async function openAndJoin(page, server, name, room) {
  await openPage(page, server, room);
  await join(page, name);
  await untilInRoom(page, room ?? 'general');
  return page;
}

export async function openAndSignIn(page, server, name, password, room) {
  await openPage(page, server, room);
  await signIn(page, name, password);
  await untilState(page, 'online');
  await untilInRoom(page, room ?? 'general');
  return page;
}

export function untilState(page, state) {
  return page.locator(`#state[data-state="${state}"]`).waitFor();
}

// Ends the wait for the next try, or lets the page do so itself; a click on “Try now” could come too late.
export async function comeBack(page) {
  await goOnline(page);
  await untilState(page, 'online');
}

export function goOnline(page) {
  return page.evaluate(() => window.dispatchEvent(new Event('online')));
}

// The page comes back by its own timers, whose clock was installed; nobody sits through the waits.
export async function waitOut(page) {
  const state = page.locator('#state');
  for (;;) {
    await state.and(page.locator('[data-state="offline"], [data-state="online"]')).waitFor();
    if (await state.getAttribute('data-state') === 'online') return;
    await page.clock.fastForward(60_000);
  }
}

export function stateWords(page) {
  return page.locator('#state-text').textContent();
}

// Asks for the room; `joinRoom` waits for it as well.
export async function askForRoom(page, room) {
  await page.getByLabel('Join a room').fill(room);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
}

export async function joinRoom(page, room) {
  await askForRoom(page, room);
  await untilInRoom(page, room);
}

// The room is shown, and who is here is known: the server has let this page in.
export async function untilInRoom(page, room) {
  await page.locator('#room-title').getByText(room.normalize('NFC'), { exact: true }).waitFor();
  await page.locator('#people-title').filter({ hasText: /\d+ here/ }).waitFor({ state: 'attached' });
}

export async function showRoom(page, room) {
  await page.locator('#rooms').getByRole('link', { name: room }).click();
  await page.locator('#room-title').getByText(room, { exact: true }).waitFor();
}

export function messageField(page) {
  return page.getByLabel('Message', { exact: true });
}

export async function send(page, text) {
  await messageField(page).fill(text);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}

// Sends and waits for the room's own copy: everything sent before it has then been dealt with.
export async function sendAndSee(page, text) {
  await send(page, text);
  await untilMessage(page, text);
}

export function untilMessage(page, text) {
  return page.locator('#lines .message .text').getByText(text, { exact: true }).first().waitFor();
}

// What is there and what is on its way, in the order of the page.
export function messages(page) {
  return page.locator('#log .message').evaluateAll((lines) => lines.map((line) => ({
    from: line.querySelector('.name bdi').textContent,
    text: line.querySelector('.text').textContent,
    own: line.classList.contains('own'),
  })));
}

export async function texts(page) {
  return (await messages(page)).map(({ text }) => text);
}

// The other kinds of lines: notes, gaps, days.
export function untilLine(page, kind, words) {
  return page.locator(`.line.${kind} .text`).filter({ hasText: words }).first().waitFor();
}

export function people(page) {
  return page.locator('#people bdi').allTextContents();
}

// A headless page never is in the background; the page itself is told that it is.
export function setHidden(page, hidden) {
  return page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
}

// Keeps everything that is said aloud from now on, in `window.announced`.
export function recordAnnouncements(page) {
  return page.evaluate(() => {
    const announcer = document.getElementById('announcer');
    window.announced = [];
    new MutationObserver(() => window.announced.push(announcer.textContent)).observe(announcer, { childList: true });
  });
}
