// Who is in the shown room.

import { byId, colourOf, element } from './element.js';

export class PeopleView {
  #title = byId('people-title');
  #words = byId('people-words');
  #list = byId('people');
  #open = byId('people-open');
  #shown = '';

  // `presenceMembers` is the size up to which a room tells names.
  show(room, user, presenceMembers) {
    const { count = null, users = null } = room?.presence ?? {};
    const shown = JSON.stringify([count, users, user, room?.state]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#title.textContent = count === null ? 'Who is here' : `${count.toLocaleString()} here`;
    this.#open.textContent = count === null ? 'People' : `${count.toLocaleString()} here`;
    this.#words.textContent = wordsOf(room, count, users, presenceMembers);
    this.#list.hidden = !users || users.length === 0;
    this.#list.replaceChildren(...(users ?? []).map((name) => personItem(name, name === user)));
  }
}

function wordsOf(room, count, users, presenceMembers) {
  if (!room) return '';
  if (room.state === 'refused') return 'You are not in this room.';
  if (count === null) return room.state === 'inside' ? 'Asking the server…' : 'Not known until the connection is back.';
  if (users) return users.length === 1 ? 'Nobody else yet. Send the address of this page to somebody.' : '';
  const bound = presenceMembers > 0 ? ` of more than ${presenceMembers.toLocaleString()}` : '';
  return `In a room${bound} only the number is told.`;
}

function personItem(name, isMe) {
  const item = element('li', `person ${colourOf(name)}`);
  item.append(element('bdi', '', name));
  if (isMe) item.append(element('span', 'you', 'you'));
  return item;
}
