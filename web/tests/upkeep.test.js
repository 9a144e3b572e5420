// A session is used at least once a day while its page is connected, and nobody hears of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './support/modules.js';

const { RENEW_AFTER_MS, TRY_AGAIN_AFTER_MS, Upkeep } = await load('upkeep.js');

function startUpkeep() {
  const world = { time: 0, renewals: 0, fails: false };
  const renew = async () => {
    world.renewals += 1;
    if (world.fails) throw new Error('the server is busy');
  };
  const upkeep = new Upkeep({ renew, now: () => world.time });
  const at = async (time) => {
    world.time = time;
    await upkeep.tick();
    return world.renewals;
  };
  return { upkeep, world, at };
}

test('a session is renewed at least once a day, counted from its last use', async () => {
  const { upkeep, at } = startUpkeep();
  assert.ok(RENEW_AFTER_MS + TRY_AGAIN_AFTER_MS < 24 * 3_600_000);
  assert.equal(await at(RENEW_AFTER_MS - 1), 0);
  upkeep.used();
  assert.equal(await at(RENEW_AFTER_MS), 0);
  assert.equal(await at(2 * RENEW_AFTER_MS - 1), 1);
  assert.equal(await at(3 * RENEW_AFTER_MS - 2), 1);
  assert.equal(await at(3 * RENEW_AFTER_MS - 1), 2);
});

test('a renewal that fails is tried again an hour later, not at every tick', async () => {
  const { world, at } = startUpkeep();
  world.fails = true;
  assert.equal(await at(RENEW_AFTER_MS), 1);
  assert.equal(await at(RENEW_AFTER_MS + TRY_AGAIN_AFTER_MS - 1), 1);
  world.fails = false;
  assert.equal(await at(RENEW_AFTER_MS + TRY_AGAIN_AFTER_MS), 2);
  assert.equal(await at(2 * RENEW_AFTER_MS), 2);
});
