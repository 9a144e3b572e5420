// The parts of the page around the list: which view is shown, the connection's state, the title.

const part = (id) => document.getElementById(id);

export const parts = {
  announcer: part('announcer'),
  chatView: part('chat-view'),
  joinError: part('join-error'),
  joinForm: part('join-form'),
  joinName: part('join-name'),
  joinRoom: part('join-room'),
  joinView: part('join-view'),
  leave: part('leave'),
  lines: part('lines'),
  log: part('log'),
  messageField: part('message-field'),
  messageForm: part('message-form'),
  messageHint: part('message-hint'),
  newer: part('newer'),
  ownName: part('own-name'),
  retry: part('retry'),
  roomField: part('room-field'),
  roomForm: part('room-form'),
  roomTitle: part('room-title'),
  state: part('state'),
  stateText: part('state-text'),
};

let countdown = 0;
let unread = 0;
let room = '';

export function showChat() {
  if (!parts.chatView.hidden) return;
  parts.joinView.hidden = true;
  for (const shown of [parts.chatView, parts.roomForm, parts.leave]) shown.hidden = false;
  parts.messageField.focus();
}

export function showJoin() {
  parts.joinView.hidden = false;
  for (const gone of [parts.chatView, parts.roomForm, parts.leave, parts.retry]) {
    gone.hidden = true;
  }
  parts.joinName.focus();
}

export function showRoom(name) {
  room = name;
  parts.roomTitle.textContent = name;
  parts.roomField.value = name;
  parts.joinRoom.value = name;
  showTitle();
}

// The countdown is seen every second but announced once.
export function showState(state) {
  clearInterval(countdown);
  parts.state.dataset.state = state.phase;
  parts.retry.hidden = state.phase === 'connecting' || state.phase === 'connected'
    || parts.chatView.hidden;
  const words = () => { parts.stateText.textContent = stateWords(state); };
  words();
  if (state.phase === 'reconnecting') countdown = setInterval(words, 250);
  parts.announcer.textContent = parts.stateText.textContent;
}

function stateWords({ phase, reason, retryAt }) {
  if (phase === 'connecting') return 'Connecting';
  if (phase === 'connected') return 'Connected';
  if (phase === 'closed') return `Closed: ${reason}`;
  const seconds = Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
  return `Reconnecting in ${seconds} s: ${reason}`;
}

// `field`, if given, is the one to be mended.
export function showJoinError(words, field = null) {
  parts.joinError.textContent = words;
  for (const input of [parts.joinName, parts.joinRoom]) {
    if (input === field) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  }
}

export function showMessageHint(words) {
  parts.messageHint.textContent = words;
}

export function countUnread() {
  if (!document.hidden) return;
  unread += 1;
  showTitle();
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  unread = 0;
  showTitle();
});

function showTitle() {
  const count = unread > 0 ? `(${unread}) ` : '';
  document.title = `${count}${room} · Parlour`;
}
