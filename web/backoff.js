// How long to wait before the next attempt: exponential with full jitter, so that the clients of
// a server that went away do not come back in step.

export const FIRST_CEILING_MS = 1_000;
export const LAST_CEILING_MS = 30_000;

// A server that closes with 1001 sends everybody away in the same moment.
export const GOING_AWAY_SPREAD_MS = 5_000;

// `failures` counts attempts since the last stable connection, `random` gives [0, 1). `atLeast` is
// what the server asked for.
export function retryDelay(failures, { goingAway = false, atLeast = 0, random = Math.random } = {}) {
  const doubled = FIRST_CEILING_MS * 2 ** Math.min(failures, 10);
  const ceiling = Math.min(LAST_CEILING_MS, doubled);
  const spread = goingAway ? Math.max(GOING_AWAY_SPREAD_MS, ceiling) : ceiling;
  return atLeast + random() * spread;
}
