// The first view: sign in with a password, or go on as a guest.

import { byId } from './element.js';

export class DoorView {
  #view = byId('door-view');
  #news = byId('door-news');
  #signIn = new DoorForm('sign-in', 'sign-in-error');
  #guest = new DoorForm('guest', 'guest-error');
  #userName = byId('user-name');
  #password = byId('password');
  #guestName = byId('guest-name');

  // Both give a promise; a refusal is told by `refuseUser` or `refuseGuest`.
  constructor({ onSignIn, onGuest }) {
    this.#signIn.onSubmit(() => {
      const empty = [this.#userName, this.#password].find((field) => field.value === '');
      if (!empty) return onSignIn(this.#userName.value, this.#password.value);
      const what = empty === this.#password ? 'your password' : 'your user name';
      this.#signIn.say(`Type ${what} first.`, empty);
      return undefined;
    });
    this.#guest.onSubmit(() => onGuest(this.#guestName.value.trim()));
  }

  // `news` says why this view is here, `user` is the name to begin with.
  show({ news = '', user = '', guestName = '' } = {}) {
    this.#view.hidden = false;
    this.#password.value = '';
    this.#signIn.say('');
    this.#guest.say('');
    this.#news.textContent = news;
    if (user) this.#userName.value = user;
    if (guestName) this.#guestName.value = guestName;
    (user ? this.#password : guestName ? this.#guestName : this.#userName).focus();
  }

  hide() {
    this.#view.hidden = true;
    this.#password.value = '';
  }

  // The server has no accounts, or no guests: that way in is not offered any more.
  refuseUser(error) {
    if (error.code === 'no_accounts') {
      this.#signIn.close(`${error.message} Go on as a guest.`);
      this.#guestName.focus();
      return;
    }
    const isWrong = error.code === 'bad_credentials';
    const words = isWrong ? 'The name or the password is wrong.' : error.message;
    if (isWrong) this.#password.value = '';
    this.#signIn.refuse(words, error, isWrong ? this.#password : null);
  }

  refuseGuest(error) {
    if (error.code === 'guests_not_allowed') {
      this.#guest.close('This server lets no guests in: sign in with an account.');
      this.#userName.focus();
      return;
    }
    this.#guest.refuse(error.message, error, error.code === 'bad_name' ? this.#guestName : null);
  }
}

// One form: busy while it is answered, closed for a while after too many tries.
class DoorForm {
  #form;
  #error;
  #submit;
  #countdown = 0;

  constructor(id, errorId) {
    this.#form = byId(id);
    this.#error = byId(errorId);
    this.#submit = this.#form.querySelector('[type="submit"]');
  }

  onSubmit(act) {
    this.#form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (this.#submit.disabled) return;
      this.say('');
      this.#submit.disabled = true;
      this.#form.setAttribute('aria-busy', 'true');
      try {
        await act();
      } finally {
        this.#form.removeAttribute('aria-busy');
        if (!this.#countdown) this.#submit.disabled = false;
      }
    });
  }

  // `field`, if given, is the one to be mended.
  say(words, field = null) {
    clearInterval(this.#countdown);
    this.#countdown = 0;
    this.#submit.disabled = false;
    this.#error.textContent = words;
    for (const input of this.#form.querySelectorAll('input')) {
      if (input === field) input.setAttribute('aria-invalid', 'true');
      else input.removeAttribute('aria-invalid');
    }
    field?.focus();
  }

  refuse(words, { retryAfterMs }, field) {
    this.say(words, field);
    if (!retryAfterMs) return;
    const until = Date.now() + retryAfterMs;
    const tell = () => {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      if (seconds <= 0) this.say('');
      else this.#error.textContent = `${sentence(words)} Try again in ${seconds} s.`;
    };
    this.#submit.disabled = true;
    this.#countdown = setInterval(tell, 1_000);
    tell();
  }

  close(words) {
    this.say(words);
    for (const part of this.#form.querySelectorAll('.field, button')) part.hidden = true;
  }
}

function sentence(words) {
  return /[.!?]$/.test(words) ? words : `${words}.`;
}
