// Where the server's doors are. An operator can move them; the page is then told in its first element.

// `door` is `ws`, `ticket`, `login` or `logout`.
export function pathOf(door) {
  return document.documentElement.dataset[door] ?? `/${door}`;
}
