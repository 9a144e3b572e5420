// The chat page finds its doors wherever the operator has put them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openAndJoin, openAndSignIn, sendAndSee, texts } from './support/chat.js';
import { withParlour } from './support/parlour.js';
import { addUser } from './support/server.js';

const PASSWORD = 'correct horse battery';

test('guests and users come in by doors that were moved', withParlour(
  async ({ server, newPage }) => {
    await addUser(server, 'ann', PASSWORD);
    const ann = await openAndSignIn(await newPage(), server, 'ann', PASSWORD);
    const bob = await openAndJoin(await newPage(), server, 'bob', 'general');
    await sendAndSee(ann, 'hello');
    await sendAndSee(bob, 'hello to you');
    assert.deepEqual((await texts(ann)).at(-1), 'hello to you');
    await ann.getByRole('button', { name: 'Sign out' }).click();
    await ann.getByRole('heading', { name: 'Come in' }).waitFor();
  },
  { settings: ['--ws-path', '/a/events', '--ticket-path', '/a/t', '--login-path', '/a/in', '--logout-path', '/a/out'] },
));
