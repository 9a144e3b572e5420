// The list of rooms with their unread counts, and the form to join another one.

import { byId, element } from './element.js';
import { ROOM_NAME_RULE, isRoomName, linkTo, roomName } from './room-name.js';

export class RoomsView {
  #list = byId('rooms');
  #form = byId('join-form');
  #field = byId('join-room');
  #error = byId('join-error');
  #elsewhere = byId('elsewhere');
  #shown = '';

  // `onJoin(name)` gives the words that tell why not, or ''.
  constructor({ onJoin }) {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      const name = roomName(this.#field.value);
      if (!name) return;
      const obstacle = isRoomName(name) ? onJoin(name) : ROOM_NAME_RULE;
      this.#say(obstacle);
      if (!obstacle) this.#field.value = '';
    });
    this.#field.addEventListener('input', () => this.#say(''));
  }

  focusField() {
    this.#field.focus();
    this.#field.select();
  }

  show(rooms) {
    const looks = rooms.all.map((room) => [room.name, room.unread, room.state === 'refused', room === rooms.current]);
    const shown = JSON.stringify(looks);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const focused = document.activeElement?.closest('#rooms a')?.getAttribute('href');
    this.#list.replaceChildren(...looks.map((look) => roomItem(...look)));
    if (focused) this.#list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    this.#list.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
    const elsewhere = rooms.unread - (rooms.current?.unread ?? 0);
    this.#elsewhere.textContent = elsewhere > 0 ? countWords(elsewhere) : '';
    this.#elsewhere.hidden = elsewhere <= 0;
  }

  #say(words) {
    this.#error.textContent = words;
    if (words) this.#field.setAttribute('aria-invalid', 'true');
    else this.#field.removeAttribute('aria-invalid');
  }
}

function roomItem(name, unread, isRefused, isCurrent) {
  const item = element('li');
  const link = element('a', unread > 0 ? 'room-link has-unread' : 'room-link');
  link.href = linkTo(name);
  link.append(element('bdi', 'room-name', name));
  if (isCurrent) link.setAttribute('aria-current', 'page');
  if (isRefused) link.append(element('span', 'room-mark', 'not in'));
  if (unread > 0) {
    const badge = element('span', 'badge', countWords(unread));
    badge.append(element('span', 'unseen', ' unread'));
    link.append(' ', badge);
  }
  item.append(link);
  return item;
}

function countWords(count) {
  return count > 999 ? '999+' : String(count);
}
