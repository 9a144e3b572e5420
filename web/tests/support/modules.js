// The page's modules in node, for those that need no browser. Node takes a file for a module by the
// nearest package.json, and the pages' folder has none, so they are copied beside one.

import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const pages = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'parlour-pages-'));
writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
for (const name of readdirSync(pages).filter((file) => file.endsWith('.js'))) {
  cpSync(join(pages, name), join(folder, name));
}
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

export function load(name) {
  return import(pathToFileURL(join(folder, name)));
}
