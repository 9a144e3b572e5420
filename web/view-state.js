// The connection's state: always to be seen, announced when it changes, with a countdown while the
// page waits to try again.

import { byId } from './element.js';

export class StateView {
  #box = byId('state');
  #text = byId('state-text');
  #retry = byId('retry');
  #announcer = byId('announcer');
  #countdown = 0;

  constructor({ onRetry }) {
    this.#retry.addEventListener('click', onRetry);
  }

  show(state) {
    clearInterval(this.#countdown);
    const words = () => {
      const next = wordsOf(state);
      if (this.#text.textContent !== next) this.#text.textContent = next;
    };
    this.#box.dataset.state = state.phase;
    this.#retry.hidden = state.phase === 'connecting' || state.phase === 'online';
    words();
    if (state.phase === 'offline') this.#countdown = setInterval(words, 250);
    this.announce(this.#text.textContent);
  }

  announce(words) {
    this.#announcer.textContent = words;
  }
}

function wordsOf({ phase, reason, retryAt }) {
  if (phase === 'connecting') return 'Connecting…';
  if (phase === 'online') return 'Online';
  if (phase === 'closed') return `Closed: ${reason}. What you wrote is still here`;
  const seconds = Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
  return `Offline: ${reason}. Trying again in ${seconds} s`;
}
