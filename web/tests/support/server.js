// The server under test: `$PARLOUR_BIN serve` on a loopback port with a data folder of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const LISTENING = /^(?:listening on )?(https?:\/\/127\.0\.0\.1:(\d+))/;
const START_TIMEOUT_MS = 15_000;

// `data`, if given, is a folder that an earlier server left.
export async function startServer({ port = 0, settings = [], data = null } = {}) {
  const folder = data ?? await mkdtemp(join(tmpdir(), 'parlour-web-'));
  const own = ['serve', '--addr', `127.0.0.1:${port}`, '--data', folder];
  const child = spawn(binary(), [...own, ...settings], { env: foreign(), stdio: ['ignore', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk) => { complaints = (complaints + chunk).slice(-4_000); });
  const ended = once(child, 'exit');

  // Leaves the data folder for the next server.
  const halt = async (signal = 'SIGKILL') => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await ended;
    }
  };
  const stop = async (signal) => {
    await halt(signal);
    await rm(folder, { recursive: true, force: true });
  };

  try {
    const [, url, bound] = await addressLine(child, ended, () => complaints);
    return { url, port: Number(bound), data: folder, halt, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

// One of the small applications in examples/: `{url, stop()}`.
export async function startExample(name) {
  const folder = process.env.PARLOUR_EXAMPLES;
  if (!folder) throw new Error('PARLOUR_EXAMPLES must name the folder of their binaries, e.g. target/release');
  const child = spawn(join(folder, name), ['127.0.0.1:0'], { env: foreign(), stdio: ['ignore', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk) => { complaints = (complaints + chunk).slice(-4_000); });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  try {
    const [, url] = await addressLine(child, ended, () => complaints);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

// Makes an account on a server that is running.
export async function addUser(server, name, password) {
  const own = ['user', 'add', name, '--password-stdin', '--data', server.data];
  const child = spawn(binary(), own, { env: foreign(), stdio: ['pipe', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk) => { complaints += chunk; });
  child.stdin.end(`${password}\n`);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`parlour user add ${name} ended with ${code}\n${complaints}`);
}

// `parlour chat` as a guest in the room `general`: `{lines, say(text), until(line), stop()}`.
export function startChat(server, name) {
  const child = spawn(binary(), ['chat', '--as', name, '--url', server.url], {
    env: foreign(), stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  const lines = [];
  const output = createInterface({ input: child.stdout });
  output.on('line', (line) => lines.push(line));
  return {
    lines,
    say: (text) => child.stdin.write(`${text}\n`),
    until: async (line) => {
      while (!lines.includes(line)) await once(output, 'line');
    },
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function binary() {
  const named = process.env.PARLOUR_BIN;
  if (!named) throw new Error('PARLOUR_BIN must name the parlour binary, e.g. target/release/parlour');
  return named;
}

// The environment without the names that the server takes for settings of its own.
function foreign() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PARLOUR_')));
}

async function addressLine(child, ended, complaints) {
  const lines = createInterface({ input: child.stdout });
  const found = new Promise((resolve) => {
    lines.on('line', (line) => {
      const match = LISTENING.exec(line);
      if (match) resolve(match);
    });
  });
  let timer;
  const tooLate = new Promise((_, reject) => {
    const words = () => new Error(`no line "listening on http://127.0.0.1:PORT"\n${complaints()}`);
    timer = setTimeout(() => reject(words()), START_TIMEOUT_MS);
    ended.then(() => reject(words()));
  });
  try {
    return await Promise.race([found, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
