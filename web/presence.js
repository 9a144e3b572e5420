// Who is in one room, as far as the server tells.

export class Presence {
  // How many users, or null while that is not known.
  count = null;
  // Their names in order, or null where the room tells only the number.
  users = null;

  snapshot({ count, users }) {
    this.count = count;
    this.users = users ? sorted(users) : null;
  }

  change({ count, came, went }) {
    this.count = count;
    if (!this.users) return;
    const names = new Set(this.users);
    for (const name of went) names.delete(name);
    for (const name of came) names.add(name);
    this.users = sorted(names);
  }

  forget() {
    this.count = null;
    this.users = null;
  }
}

function sorted(names) {
  return [...new Set(names)].sort((a, b) => a.localeCompare(b));
}
