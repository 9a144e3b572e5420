// Making elements. Text goes in through `textContent` and nothing else.

export const byId = (id) => document.getElementById(id);

export function element(tag, classes = '', words = '') {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  made.textContent = words;
  return made;
}

export function button(classes, words, onClick) {
  const made = element('button', classes, words);
  made.type = 'button';
  made.addEventListener('click', onClick);
  return made;
}

// The same name has the same colour on every screen.
const NAME_COLOURS = 6;

export function colourOf(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 65_521;
  return `colour-${sum % NAME_COLOURS}`;
}
