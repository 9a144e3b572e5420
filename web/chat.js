// One user's chat: joins the conversation, the connection and the views.

import { batched } from './batched.js';
import { Connection } from './connection.js';
import { Conversation } from './conversation.js';
import { byId } from './element.js';
import { draftsOf, forgetDrafts, rememberDrafts, rememberRooms, rememberWho, roomsOf } from './memory.js';
import { FIRST_ROOM } from './protocol.js';
import { HISTORY } from './room-log.js';
import { ROOM_NAME_RULE, isRoomName, linkTo, roomOfLink } from './room-name.js';
import { Rooms } from './rooms.js';
import { Refused, ticket } from './session.js';
import { Upkeep } from './upkeep.js';

const REMEMBER_EVERY_MS = 1_000;

// So often it is looked after what a page that is gone has left.
const ADOPT_EVERY_MS = 5_000;

// For the ticket that is fetched only to keep the session.
const UPKEEP_TIMEOUT_MS = 30_000;

// The connection waits for the user to prove again who he is.
const ENDS_SESSION = new Set(['signed_out', 'bad_session', 'guests_not_allowed', 'no_accounts', 'other_user', 'bad_name']);

export class Chat {
  #views;
  #kept;
  #onEnd;
  #conversation;
  #connection;
  #upkeep = new Upkeep({ renew: () => this.#ticket(AbortSignal.timeout(UPKEEP_TIMEOUT_MS)) });
  #timers = [];
  #phase = 'closed';
  // Ids of own messages that were told to wait for a choice.
  #told = new Set();
  #remembered = '';
  #rememberedDrafts = '';
  #draw = batched(() => this.#show());

  // `who` is `{user, guest}`; `onEnd(code, words)` hears that the server asks who this is.
  // `kept` keeps messages until they are delivered.
  constructor({ who, views, kept, onEnd }) {
    this.#views = views;
    this.#kept = kept;
    this.#onEnd = onEnd;
    this.#conversation = new Conversation({
      ...who,
      rooms: new Rooms(roomsOf(who)),
      kept,
      send: (frame) => this.#connection.send(frame),
      later: (delay, then) => setTimeout(then, delay),
      onChange: () => this.#draw(),
      onProblem: (words) => this.#problem(words),
    });
    this.#connection = new Connection({
      getTicket: (signal) => this.#ticket(signal),
      onState: (state) => this.#stateChanged(state),
      onFrame: (frame) => this.#received(frame),
    });
    this.#rooms.putDrafts(draftsOf(who));
    kept.own(who.user).then((items) => this.#conversation.restore(items));
  }

  get who() {
    return { user: this.#conversation.user, guest: this.#conversation.isGuest };
  }

  get #rooms() {
    return this.#conversation.rooms;
  }

  // How many messages of this user wait for their delivery.
  get undelivered() {
    return this.#conversation.undelivered.length;
  }

  // Begins, or begins again after `onEnd`; `first`, if given, is a ticket to spend.
  start(first = null) {
    this.#timers.push(
      setInterval(() => this.#tick(), 1_000),
      setInterval(() => this.remember(), REMEMBER_EVERY_MS),
      setInterval(() => this.#adopt(), ADOPT_EVERY_MS),
    );
    this.#adopt({ isFirst: true });
    this.openLink();
    this.#connection.start(first);
    this.#show();
  }

  // The rooms and what was not sent stay with this chat.
  pause() {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    this.#connection.stop();
    this.remember();
  }

  retryNow() {
    this.#connection.retryNow();
  }

  // The room in the address, else the one that was shown last.
  openLink() {
    const wanted = roomOfLink(location.hash);
    const isOne = isRoomName(wanted);
    const obstacle = isOne ? this.join(wanted) : '';
    if (isOne && !obstacle) return;
    const here = this.#rooms.current ?? this.#conversation.join(FIRST_ROOM);
    history.replaceState(null, '', linkTo(here.name));
    this.show(here);
    if (wanted) this.#views.composer.hint(obstacle || ROOM_NAME_RULE);
  }

  // Gives the words that tell why not, or ''.
  join(name) {
    const room = this.#conversation.join(name);
    if (!room) {
      const most = this.#conversation.limits.rooms.toLocaleString();
      return `You are in ${most} rooms, which is as many as the server allows. Leave one first.`;
    }
    this.show(room);
    return '';
  }

  show(room) {
    this.#rooms.show(room, !document.hidden);
    if (room && roomOfLink(location.hash) !== room.name) location.hash = linkTo(room.name);
    this.#show();
  }

  // Asks for the shown room once more, which the server has refused.
  askAgain() {
    this.#conversation.join(this.#rooms.current.name);
  }

  showNeighbour(step, unreadOnly) {
    const room = this.#rooms.neighbour(step, { unreadOnly });
    if (room) this.show(room);
  }

  leaveRoom() {
    const room = this.#rooms.current;
    if (!room) return;
    const open = room.outbox.undelivered.length;
    if (open > 0) {
      const what = open === 1 ? 'One of your messages here is' : `${open} of your messages here are`;
      this.#views.composer.hint(`${what} not delivered yet. Drop what you no longer want to say, then leave.`);
      return;
    }
    this.#conversation.leave(room);
    if (!this.#rooms.current) history.replaceState(null, '', location.pathname);
    this.show(this.#rooms.current);
  }

  // Gives the words that tell why not, or ''.
  say(text) {
    const room = this.#rooms.current;
    if (room.state === 'refused') return `Not sent: you are not in this room. ${room.refusal}`;
    if (this.#conversation.isFull) {
      return 'Not sent: too many messages before it are not delivered yet. The text stays here; wait, or drop some of them.';
    }
    this.#conversation.say(room, text);
    if (!this.#connection.isOnline) this.#views.state.announce('Your message waits for a connection');
    this.#views.log.scrollToEnd();
    return '';
  }

  bytesOf(text) {
    return this.#conversation.bytesOf(this.#rooms.current, text);
  }

  sendAgain(id) {
    this.#conversation.again(this.#rooms.current, id);
    this.#views.composer.focus();
  }

  // The text goes back into the field: dropping it is no reason to type it again.
  drop(id, text) {
    this.#conversation.discard(this.#rooms.current, id);
    this.#views.composer.putBack(text);
  }

  // Another page has taken care of it.
  gone(id) {
    this.#conversation.gone(id);
  }

  showEarlier() {
    this.#conversation.showEarlier(this.#rooms.current, HISTORY);
  }

  // Somebody looks at the page again, or nobody any more.
  visibilityChanged() {
    this.#rooms.current?.seen(!document.hidden);
    if (document.hidden) this.remember();
    this.#draw();
  }

  remember() {
    const drafts = JSON.stringify(this.#rooms.drafts());
    if (drafts !== this.#rememberedDrafts) rememberDrafts(this.who, this.#rooms.drafts());
    this.#rememberedDrafts = drafts;
    const rooms = this.#rooms.remembered();
    const text = JSON.stringify(rooms);
    if (text === this.#remembered) return;
    this.#remembered = text;
    rememberRooms(this.who, rooms);
  }

  forgetDrafts() {
    forgetDrafts(this.who);
  }

  async #adopt({ isFirst = false } = {}) {
    if (isFirst || await this.#kept.canAdoptLater()) {
      this.#conversation.restore(await this.#kept.adopt(this.who.user));
    }
  }

  // A cookie may be somebody else's by now; his tickets are not for this chat.
  async #ticket(signal) {
    const { user, guest } = this.who;
    const given = await ticket(guest ? user : '', signal);
    if (guest || (given.user === user && !given.guest)) return given;
    throw given.guest
      ? new Refused('Your session has ended. Sign in again.', { code: 'bad_session' })
      : new Refused(`This browser is signed in as ${given.user} now.`, { code: 'other_user' });
  }

  #stateChanged(state) {
    const wasOnline = this.#phase === 'online';
    this.#phase = state.phase;
    if (wasOnline && state.phase !== 'online') this.#conversation.lost();
    if (state.code === 'stopped') return;
    if (state.phase === 'closed' && ENDS_SESSION.has(state.code)) {
      this.pause();
      this.#onEnd(state.code, state.reason);
      return;
    }
    this.#views.state.show(state);
  }

  #received(frame) {
    this.#conversation.receive(frame);
    if (frame.t !== 'hello') return;
    rememberWho(this.who);
    this.#upkeep.used();
  }

  // A guest has no session.
  #tick() {
    this.#conversation.tick();
    if (this.#connection.isOnline && !this.who.guest) this.#upkeep.tick();
  }

  #problem(words) {
    this.#rooms.current?.log.note(words);
    this.#draw();
  }

  #show() {
    const { user, isGuest, limits } = this.#conversation;
    const room = this.#rooms.current;
    const { rooms, log, people, composer } = this.#views;
    byId('own-name').textContent = user;
    byId('leave').textContent = isGuest ? 'Leave the chat' : 'Sign out';
    byId('room-title').textContent = room?.name ?? 'No room';
    byId('leave-room').hidden = !room;
    rooms.show(this.#rooms);
    log.show(room, user);
    people.show(room, user, limits.presenceMembers);
    composer.show(room, limits.messageBytes);
    this.#views.empty.show(room);
    this.#showTitle(room);
    this.#tellQuestions();
  }

  #showTitle(room) {
    const { unread } = this.#rooms;
    const count = unread > 0 ? `(${unread}) ` : '';
    document.title = `${count}${room ? `${room.name} · ` : ''}Parlour`;
  }

  // Who does not see the line hears that it waits for him.
  #tellQuestions() {
    const open = this.#rooms.all.flatMap(({ name, outbox }) => outbox.messages
      .filter(({ state }) => state === 'refused' || state === 'unknown')
      .map(({ id, words }) => ({ id, words, name })));
    const fresh = open.filter(({ id }) => !this.#told.has(id));
    this.#told = new Set(open.map(({ id }) => id));
    if (fresh.length === 0) return;
    const { words, name } = fresh.at(-1);
    const which = fresh.length === 1 ? `Your message in ${name}` : `${fresh.length} of your messages`;
    this.#views.state.announce(`${which}: ${words}`);
  }
}
