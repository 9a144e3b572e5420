// What a room without a line says: what it is and what can be done next.

import { button, byId, element } from './element.js';
import { linkTo } from './room-name.js';

export class EmptyView {
  #box = byId('empty');
  #shown = '';
  #onAsk;

  // `onAsk()` asks the server for the shown room again.
  constructor({ onAsk }) {
    this.#onAsk = onAsk;
  }

  show(room) {
    const shown = JSON.stringify([room?.name, room?.state, room?.refusal]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#box.replaceChildren(...partsOf(room, this.#onAsk));
  }
}

function partsOf(room, onAsk) {
  if (!room) {
    return [
      element('h2', '', 'You are in no room'),
      element('p', '', 'Type any name under “Join a room”. A room begins when somebody joins it.'),
    ];
  }
  if (room.state === 'refused') {
    const again = element('p');
    again.append(button('quiet', 'Ask again', onAsk));
    return [element('h2', '', 'You are not in this room'), element('p', '', `${room.refusal}.`), again];
  }
  const link = element('p', '', 'Whoever opens this address meets you here: ');
  link.append(element('code', '', `${location.origin}/${linkTo(room.name)}`));
  return [
    element('h2', '', 'Nothing has been said here since you came in'),
    element('p', '', 'Write the first message: Enter sends it, Shift + Enter begins a new line.'),
    link,
  ];
}
