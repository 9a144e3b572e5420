// What a person does on the page and sees there.

export async function openPage(page, server, room = '') {
  await page.goto(`${server.url}/${room ? `#${encodeURIComponent(room)}` : ''}`);
  return page;
}

export async function join(page, name) {
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', { name: 'Join' }).click();
  await untilState(page, 'connected');
}

export async function openAndJoin(page, server, name, room) {
  await openPage(page, server, room);
  await join(page, name);
  return page;
}

export function untilState(page, state) {
  return page.locator(`#state[data-state="${state}"]`).waitFor();
}

export function stateWords(page) {
  return page.locator('#state-text').textContent();
}

// Asks for the room; `changeRoom` waits for it as well.
export async function askForRoom(page, room) {
  await page.getByRole('textbox', { name: 'Room' }).fill(room);
  await page.getByRole('button', { name: 'Change room' }).click();
}

export async function changeRoom(page, room) {
  await askForRoom(page, room);
  await untilLine(page, 'notice', `You changed room into: ${room}`);
}

export async function send(page, text) {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}

// Sends and waits for the room's own copy: everything sent before it has then been dealt with.
export async function sendAndSee(page, text) {
  await send(page, text);
  await untilMessage(page, text);
}

export function untilMessage(page, text) {
  return page.locator('.message:not(.unconfirmed) .text').getByText(text, { exact: true }).waitFor();
}

export function messages(page) {
  return page.locator('.message').evaluateAll((lines) => lines.map((line) => ({
    from: line.querySelector('.name bdi').textContent,
    text: line.querySelector('.text').textContent,
    own: line.classList.contains('own'),
  })));
}

// The other kinds of lines: notices, problems, gaps.
export function untilLine(page, kind, words) {
  return page.locator(`.line.${kind} .text`).filter({ hasText: words }).first().waitFor();
}
