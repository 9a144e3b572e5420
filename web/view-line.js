// One row of the list as an element.

import { button, colourOf, element } from './element.js';
import { clockTime, fullTime } from './time.js';

// `row` is one of `rowsOf`.
export function rowElement(row, { onEarlier }) {
  if (row.kind === 'entry') {
    const line = entryElement(row);
    if (row.own) line.append(deliveredMark());
    return line;
  }
  const line = element('li', `line ${row.kind}`);
  line.append(element('span', 'text', row.words));
  if (row.canShow) line.append(button('quiet', 'Show earlier messages', onEarlier));
  return line;
}

// States in which the writer has the choice, and those that leave him to wait or to give up.
const DOUBTFUL = new Set(['refused', 'unknown', 'late']);

// `row` is one of `waitingRowsOf`.
export function waitingElement(row, { onAgain, onDrop }) {
  const { id, text, state, note } = row;
  const line = entryElement(row);
  line.dataset.state = state;
  line.classList.add('waiting-line');
  if (state === 'acked') {
    line.append(deliveredMark());
    return line;
  }
  line.classList.add('unconfirmed');
  const words = element('p', 'mark-note', note);
  const isDoubtful = DOUBTFUL.has(state);
  if (isDoubtful) {
    line.classList.add('doubtful');
    words.append(button('quiet', 'Send again', () => onAgain(id)));
  }
  if (isDoubtful || state === 'waiting') words.append(button('quiet', 'Drop', () => onDrop(id, text)));
  line.append(words);
  return line;
}

// The room has it: who sees sees a mark, who listens hears the word.
function deliveredMark() {
  const mark = element('span', 'delivered');
  mark.title = 'Delivered';
  mark.append(element('span', 'unseen', 'Delivered'));
  return mark;
}

function entryElement({ from, text, sent, own, isText, follows, isSameMinute }) {
  const line = element('li', 'line message');
  line.classList.toggle('own', own);
  line.classList.toggle('follows', follows);
  line.classList.toggle('same-minute', isSameMinute);
  const name = element('span', `name ${colourOf(from)}`);
  name.append(element('bdi', '', from));
  if (own) name.append(element('span', 'you', 'you'));
  const words = element('p', isText ? 'text' : 'text strange', text);
  words.dir = 'auto';
  line.append(name, timeElement(sent), words);
  return line;
}

function timeElement(date) {
  const time = element('time', '', clockTime(date));
  time.dateTime = date.toISOString();
  time.title = fullTime(date);
  return time;
}
