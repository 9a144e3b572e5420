// The field for messages: a draft for each room, and the size told before anything is sent.

import { byId } from './element.js';

// From this share of the limit on the page tells how much is left.
const NEAR = 0.8;

export class ComposerView {
  #form = byId('message-form');
  #field = byId('message-field');
  #send = byId('send');
  #size = byId('size');
  #hint = byId('message-hint');
  #on;
  #room = null;
  #limit = Infinity;

  // `onSend(text)` gives the words that tell why not, or ''; `bytesOf(text)` is the size of the
  // frame that the text would be sent in.
  constructor(on) {
    this.#on = on;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#field.addEventListener('keydown', (event) => {
      // Enter also ends a composition (Chinese, Japanese, Korean); that one is not for us.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    this.#field.addEventListener('input', () => {
      if (this.#room) this.#room.draft = this.#field.value;
      this.hint('');
      this.#measure();
    });
  }

  show(room, limit) {
    const isOther = room !== this.#room;
    this.#room = room;
    this.#field.disabled = !room;
    this.#field.placeholder = room ? `Write to ${room.name}` : 'Join a room to write';
    if (isOther) {
      this.#field.value = room?.draft ?? '';
      this.hint('');
    }
    if (isOther || limit !== this.#limit) {
      this.#limit = limit;
      this.#measure();
    }
  }

  // Puts text back that was not sent, before what is there.
  putBack(text) {
    this.#field.value = this.#field.value ? `${text}\n${this.#field.value}` : text;
    this.#room.draft = this.#field.value;
    this.#measure();
    this.focus();
  }

  focus() {
    this.#field.focus();
  }

  hint(words) {
    this.#hint.textContent = words;
  }

  #submit() {
    const text = this.#field.value;
    if (!this.#room || !text.trim()) return;
    const obstacle = this.#isTooLarge(text) ? this.#tooLarge(text) : this.#on.onSend(text);
    this.hint(obstacle);
    if (obstacle) return;
    this.#field.value = '';
    this.#room.draft = '';
    this.#measure();
    this.focus();
  }

  #isTooLarge(text) {
    return this.#on.bytesOf(text) > this.#limit;
  }

  #tooLarge(text) {
    const bytes = this.#on.bytesOf(text).toLocaleString();
    return `Not sent: with its envelope this message has ${bytes} bytes, `
      + `the server takes ${this.#limit.toLocaleString()}. Shorten it.`;
  }

  #measure() {
    const text = this.#field.value;
    const left = this.#room ? this.#limit - this.#on.bytesOf(text) : Infinity;
    this.#send.disabled = !this.#room || left < 0;
    this.#size.classList.toggle('over', left < 0);
    const isNear = text !== '' && left < this.#limit * (1 - NEAR);
    if (!isNear) this.#size.textContent = '';
    else if (left < 0) this.#size.textContent = `${(-left).toLocaleString()} bytes too long to send`;
    else this.#size.textContent = `${left.toLocaleString()} bytes left`;
  }
}
