// Times and days in the reader's own language and time zone.

const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const thisYear = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const anyYear = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' });

export const clockTime = (date) => clock.format(date);
export const fullTime = (date) => full.format(date);

export function isSameDay(one, other) {
  return one.getFullYear() === other.getFullYear()
    && one.getMonth() === other.getMonth() && one.getDate() === other.getDate();
}

export function dayWords(date, now = new Date()) {
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (isSameDay(date, now)) return 'Today';
  if (isSameDay(date, yesterday)) return 'Yesterday';
  return (date.getFullYear() === now.getFullYear() ? thisYear : anyYear).format(date);
}
