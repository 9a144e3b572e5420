// The list of lines: bounded, pinned to its end unless the user has scrolled up. Text goes in
// through `textContent` and nothing else.

// The oldest lines go first.
export const MAX_LINES = 1_000;

// This close to the end counts as at the end, in CSS pixels.
const END_TOLERANCE = 24;

const NAME_COLOURS = 6;

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const fullTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

export class Lines {
  #log;
  #list;
  #newer;
  #atEnd = true;
  #unseen = 0;
  #pinning = false;

  // `log` scrolls and holds the list `list`; the button `newer` leads back to the end.
  constructor({ log, list, newer }) {
    this.#log = log;
    this.#list = list;
    this.#newer = newer;
    log.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    newer.addEventListener('click', () => this.scrollToEnd());
    new ResizeObserver(() => this.#pin()).observe(log);
  }

  addMessage({ from, text, sent, own }) {
    this.#insert(messageLine({ from, text, sent, own }));
    this.#countUnseen();
  }

  // A line of one's own that the room has not confirmed.
  addUnconfirmed({ from, text }) {
    const line = messageLine({ from, text, sent: new Date(), own: true });
    line.classList.add('unconfirmed');
    line.append(element('span', 'mark-note', 'sending'));
    this.#list.append(line);
    this.#trim();
    this.scrollToEnd();
    return line;
  }

  // The line takes the place and the time that it has for everybody.
  confirm(line, sent) {
    const before = line.previousElementSibling;
    const misplaced = line.classList.contains('doubtful') || before?.matches('.unconfirmed');
    line.classList.remove('unconfirmed', 'doubtful');
    line.querySelector('.mark-note').remove();
    line.querySelector('time').replaceWith(timeElement(sent));
    if (misplaced) this.#list.insertBefore(line, this.#firstUnconfirmed());
  }

  // Says what is wrong and offers to send it again.
  doubt(line, words, sendAgain) {
    line.classList.remove('unconfirmed');
    line.classList.add('doubtful');
    const button = element('button', 'quiet', 'Send again');
    button.type = 'button';
    button.addEventListener('click', () => sendAgain(line));
    const note = element('span', 'mark-note', words);
    note.append(button);
    line.querySelector('.mark-note').replaceWith(note);
    this.#pin();
  }

  addNotice(words, kind = 'notice') {
    const line = element('li', `line ${kind}`);
    line.append(timeElement(new Date()), element('p', 'text', words));
    this.#insert(line);
  }

  remove(line) {
    line.remove();
  }

  clear() {
    this.#list.replaceChildren();
    this.scrollToEnd();
  }

  scrollToEnd() {
    this.#atEnd = true;
    this.#unseen = 0;
    this.#newer.hidden = true;
    this.#pin();
  }

  #insert(line) {
    this.#list.insertBefore(line, this.#firstUnconfirmed());
    this.#trim();
    this.#pin();
  }

  #firstUnconfirmed() {
    return this.#list.querySelector('.unconfirmed');
  }

  #trim() {
    while (this.#list.childElementCount > MAX_LINES) {
      const oldest = this.#list.firstElementChild;
      if (this.#atEnd) {
        oldest.remove();
      } else {
        // What the user is reading stays where it is.
        const before = this.#list.offsetHeight;
        oldest.remove();
        this.#log.scrollTop -= before - this.#list.offsetHeight;
      }
    }
  }

  // Once a frame: a burst of lines costs one layout.
  #pin() {
    if (!this.#atEnd || this.#pinning) return;
    this.#pinning = true;
    requestAnimationFrame(() => {
      this.#pinning = false;
      if (this.#atEnd) this.#log.scrollTop = this.#log.scrollHeight;
    });
  }

  #scrolled() {
    if (this.#pinning) return;
    const { scrollTop, clientHeight, scrollHeight } = this.#log;
    this.#atEnd = scrollHeight - scrollTop - clientHeight <= END_TOLERANCE;
    if (this.#atEnd) this.scrollToEnd();
  }

  #countUnseen() {
    if (this.#atEnd) return;
    this.#unseen += 1;
    const messages = this.#unseen === 1 ? 'message' : 'messages';
    this.#newer.textContent = `${this.#unseen} new ${messages} ↓`;
    this.#newer.hidden = false;
  }
}

function messageLine({ from, text, sent, own }) {
  const line = element('li', own ? 'line message own' : 'line message');
  const name = element('span', `name colour-${colourOf(from)}`);
  name.append(element('bdi', '', from));
  if (own) name.append(element('span', 'you', 'you'));
  const words = element('p', 'text', text);
  words.dir = 'auto';
  line.append(timeElement(sent), name, words);
  return line;
}

function timeElement(date) {
  const time = element('time', '', clock.format(date));
  time.dateTime = date.toISOString();
  time.title = fullTime.format(date);
  return time;
}

function element(tag, classes, words = '') {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  made.textContent = words;
  return made;
}

// The same name has the same colour on every screen.
function colourOf(name) {
  let sum = 0;
  for (const unit of name) sum = (sum * 31 + unit.codePointAt(0)) % 65_521;
  return sum % NAME_COLOURS;
}
