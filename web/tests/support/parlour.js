// Runs a test with a server and a browser, and ends both whatever happens.

import { chromium } from 'playwright-core';

import { startServer } from './server.js';

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

// `body` gets `{server, browser, newPage}`; `newPage(options)` opens an empty page of a new person.
// `settings` are further arguments of `parlour serve`.
export function withParlour(body, { settings = [] } = {}) {
  return async () => {
    const server = await startServer({ settings });
    let browser;
    try {
      browser = await chromium.launch({
        executablePath: EXECUTABLE,
        headless: true,
        args: ARGUMENTS,
      });
      const newPage = async (options = {}) => {
        const context = await browser.newContext(options);
        context.setDefaultTimeout(CONDITION_TIMEOUT_MS);
        return context.newPage();
      };
      await body({ server, browser, newPage });
    } finally {
      await browser?.close();
      await server.stop();
    }
  };
}
