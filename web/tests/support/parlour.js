// Runs a test with a server and a browser, and ends both whatever happens. The cases of a file share
// the browser: a context of its own is all that a new person needs.

import { after } from 'node:test';

import { chromium } from 'playwright-core';

import { startExample, startServer } from './server.js';

const EXECUTABLE = process.env.PARLOUR_CHROMIUM || '/usr/bin/chromium';

// A browser started this way makes a new user data folder and removes it at the end.
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const CONDITION_TIMEOUT_MS = 30_000;

let browser = null;
let pages = null;

after(async () => {
  await browser?.close();
  await (await pages)?.stop();
});

// `body` gets `{server, newPage}`, the server with nobody and nothing in it; `newPage(options)` opens
// an empty page of a new person. `settings` are further arguments of `parlour serve`.
export function withParlour(body, { settings = [] } = {}) {
  return async () => {
    const server = await startServer({ settings });
    try {
      await withPeople(server, body);
    } finally {
      await server.stop();
    }
  };
}

// As `withParlour`, with an application of examples/ in place of `parlour serve`.
export function withExample(name, body) {
  return async () => {
    const server = await startExample(name);
    try {
      await withPeople(server, body);
    } finally {
      await server.stop();
    }
  };
}

// As `withParlour`, for cases that need nothing but the pages from the server, which they share.
export function withPages(body) {
  return async () => {
    pages ??= startServer();
    await withPeople(await pages, body);
  };
}

async function withPeople(server, body) {
  const contexts = [];
  const newPage = async (options = {}) => {
    const context = await (await openBrowser()).newContext(options);
    contexts.push(context);
    context.setDefaultTimeout(CONDITION_TIMEOUT_MS);
    return context.newPage();
  };
  try {
    await body({ server, newPage });
  } finally {
    await Promise.all(contexts.map((context) => context.close()));
  }
}

// One that has crashed is not asked again.
async function openBrowser() {
  if (!browser?.isConnected()) {
    browser = await chromium.launch({ executablePath: EXECUTABLE, headless: true, args: ARGUMENTS });
  }
  return browser;
}
