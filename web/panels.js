// The panels beside the room. Where the window is narrow they lie over it, behind their buttons; one
// is open at most, and Escape closes it.

import { byId } from './element.js';

const NARROW = { rooms: '(max-width: 47.99rem)', people: '(max-width: 67.99rem)' };

export class Panels {
  #open = null;
  #room = byId('room-view');

  constructor() {
    for (const name of ['rooms', 'people']) {
      byId(`${name}-open`).addEventListener('click', () => (this.#open === name ? this.close() : this.open(name)));
      byId(`${name}-close`).addEventListener('click', () => this.close());
      matchMedia(NARROW[name]).addEventListener('change', () => this.close({ refocus: false }));
    }
    for (const kind of ['pointerdown', 'focusin']) {
      this.#room.addEventListener(kind, (event) => {
        if (this.#open && !event.target.closest('.panel-open')) this.close({ refocus: false });
      });
    }
  }

  get isOpen() {
    return this.#open !== null;
  }

  // True if the panel lies over the room, false if it stands beside it anyway.
  open(name) {
    if (!matchMedia(NARROW[name]).matches) return false;
    this.close({ refocus: false });
    this.#open = name;
    byId(`${name}-panel`).dataset.open = '';
    byId(`${name}-open`).setAttribute('aria-expanded', 'true');
    byId(`${name}-close`).focus();
    return true;
  }

  close({ refocus = true } = {}) {
    const name = this.#open;
    if (!name) return;
    this.#open = null;
    delete byId(`${name}-panel`).dataset.open;
    byId(`${name}-open`).setAttribute('aria-expanded', 'false');
    if (refocus) byId(`${name}-open`).focus();
  }
}
