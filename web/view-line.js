// One row of the list as an element.

import { button, colourOf, element } from './element.js';
import { clockTime, fullTime } from './time.js';

// `row` is one of `rowsOf`.
export function rowElement(row, { onEarlier }) {
  if (row.kind === 'entry') return entryElement(row);
  const line = element('li', `line ${row.kind}`);
  line.append(element('span', 'text', row.words));
  if (row.canShow) line.append(button('quiet', 'Show earlier messages', onEarlier));
  return line;
}

// `row` is one of `waitingRowsOf`.
export function waitingElement(row, { onAgain, onDiscard }) {
  const { id, text, state, words } = row;
  const line = entryElement(row);
  line.dataset.state = state;
  line.classList.add('waiting-line');
  if (state !== 'acked') line.classList.add('unconfirmed');
  const note = element('p', 'mark-note', words || (state === 'acked' ? '' : 'sending'));
  if (state === 'refused' || state === 'unknown' || state === 'late') {
    line.classList.add('doubtful');
    note.append(
      button('quiet', 'Send again', () => onAgain(id)),
      button('quiet', 'Discard', () => onDiscard(id, text)),
    );
  }
  line.append(note);
  return line;
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
