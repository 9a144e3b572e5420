// The keys of the chat view; the help dialog names each.

import { byId } from './element.js';

// `on` has `onRoom(step, unreadOnly)`, `onJoin()`, `onScroll(direction)`, `onEscape()`; nothing
// happens while `isActive()` is false.
export function listenToKeys({ isActive, onRoom, onJoin, onScroll, onEscape }) {
  const help = byId('help');
  byId('help-open').addEventListener('click', () => help.showModal());
  byId('help-close').addEventListener('click', () => help.close());

  document.addEventListener('keydown', (event) => {
    if (!isActive() || event.isComposing || help.open) return;
    const act = action(event);
    if (!act) return;
    event.preventDefault();
    act();
  });

  function action({ key, altKey, ctrlKey, metaKey, shiftKey, target }) {
    const command = ctrlKey || metaKey;
    if (key === 'Escape') return onEscape;
    if (altKey && !command && key === 'ArrowUp') return () => onRoom(-1, shiftKey);
    if (altKey && !command && key === 'ArrowDown') return () => onRoom(1, shiftKey);
    if (command && !altKey && key.toLowerCase() === 'k') return onJoin;
    if (command && key === '/') return () => help.showModal();
    if (target.id === 'message-field' && key === 'PageUp') return () => onScroll(-1);
    if (target.id === 'message-field' && key === 'PageDown') return () => onScroll(1);
    return null;
  }
}
