// Own messages that are not delivered yet, in this browser's IndexedDB: they outlast a reload. All
// pages of this origin share it; a message belongs to one page at a time, so that one sends it.

const DATABASE = 'parlour';
const MESSAGES = 'outbox';
const OF_PAGE = 'user, page';

// More messages than this are not kept, of all pages and all who use this browser.
export const KEPT_MAX = 1_000;

// A browser that does not open its database in this time is taken for one without.
const OPEN_TIMEOUT_MS = 5_000;

// What a guest wrote who has not come in again under that name for so long is thrown away.
const GUESTS_KEPT_MS = 30 * 86_400_000;

const lockOf = (page) => `parlour.page.${page}`;
const ADOPTING = 'parlour.adopting';

// 128 random bits as text.
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class Kept {
  #page = randomId();
  #database;
  #isHeld;
  #channel = null;

  // `onGone(id)` hears that another page is done with a message, or has taken it over.
  constructor({ onGone }) {
    this.#database = open();
    this.#isHeld = hold(lockOf(this.#page));
    if (!globalThis.BroadcastChannel) return;
    this.#channel = new BroadcastChannel('parlour.outbox');
    this.#channel.onmessage = ({ data }) => {
      if (typeof data?.gone === 'string' && data.page !== this.#page) onGone(data.gone);
    };
  }

  // Writes the messages, `{id, room, text, written, number, since, refusal, code, user, guest}`; `isNew`
  // beside them says that they were not there before. Gives
  // whether a reload will find them.
  async put(messages) {
    try {
      await this.#transact('readwrite', async (store) => {
        const count = await answer(store.count());
        if (count + messages.length > KEPT_MAX && messages.some(({ isNew }) => isNew)) throw new Error('full');
        for (const { isNew, ...message } of messages) store.put({ ...message, page: this.#page });
      });
      return true;
    } catch {
      return false;
    }
  }

  // They are delivered, or given up.
  async remove(ids) {
    for (const id of ids) this.#channel?.postMessage({ gone: id, page: this.#page });
    try {
      await this.#transact('readwrite', (store) => {
        for (const id of ids) store.delete(id);
      });
    } catch {
      // Sent again after a reload, they get their first answer again.
    }
  }

  // What this user wrote on pages that are gone belongs to this one from now on. Without locks nobody
  // knows which are gone: then a message may be sent by two pages, which the server takes for one.
  async adopt(user) {
    try {
      const hasLocks = await this.#isHeld;
      if (!hasLocks) return await this.#take(user, () => true);
      if (!await this.#hasOfOthers(user)) return [];
      return await navigator.locks.request(ADOPTING, async () => {
        const { held } = await navigator.locks.query();
        const open = new Set(held.map(({ name }) => name));
        return this.#take(user, (page) => !open.has(lockOf(page)));
      });
    } catch {
      return [];
    }
  }

  // Whether `adopt` finds more when it is called again later.
  async canAdoptLater() {
    return this.#isHeld;
  }

  // What this page itself has, for who comes in again on it.
  async own(user) {
    try {
      return await this.#take(user, (page) => page === this.#page);
    } catch {
      return [];
    }
  }

  async #hasOfOthers(user) {
    const range = IDBKeyRange.bound([user], [user, []]);
    return this.#transact('readonly', async (store) => {
      const keys = store.index(OF_PAGE).openKeyCursor(range, 'nextunique');
      for (let cursor = await answer(keys); cursor; cursor = await answer(keys)) {
        if (cursor.key[1] !== this.#page) return true;
        cursor.continue();
      }
      return false;
    });
  }

  async #take(user, isFree) {
    return this.#transact('readwrite', async (store) => {
      const taken = [];
      for (const message of await answer(store.getAll())) {
        if (message.user === user && isFree(message.page)) {
          if (message.page !== this.#page) store.put({ ...message, page: this.#page });
          taken.push(message);
        } else if (message.guest && isFree(message.page) && Date.now() - message.written > GUESTS_KEPT_MS) {
          store.delete(message.id);
        }
      }
      return taken.sort((a, b) => a.written - b.written || a.number - b.number);
    });
  }

  // What `act` gives, once it is written.
  async #transact(mode, act) {
    const database = await this.#database;
    if (!database) throw new Error('no database');
    const transaction = database.transaction(MESSAGES, mode);
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error('given up'));
    });
    try {
      const [given] = await Promise.all([act(transaction.objectStore(MESSAGES)), done]);
      return given;
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        // It has ended already.
      }
      throw error;
    }
  }
}

// Gives the database, or null where this browser has none for this page.
async function open() {
  try {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      const store = request.result.createObjectStore(MESSAGES, { keyPath: 'id' });
      store.createIndex(OF_PAGE, ['user', 'page']);
    };
    const tooLong = new Promise((resolve) => { setTimeout(() => resolve(null), OPEN_TIMEOUT_MS); });
    const database = await Promise.race([answer(request), tooLong]);
    // A later version of this page may want another database.
    if (database) database.onversionchange = () => database.close();
    return database;
  } catch {
    return null;
  }
}

// Holds the lock as long as this page lives. Gives false where there are no locks.
async function hold(name) {
  const { locks } = navigator;
  if (!locks) return false;
  return new Promise((resolve) => {
    locks.request(name, () => {
      resolve(true);
      return new Promise(() => {});
    }).catch(() => resolve(false));
  });
}

function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
