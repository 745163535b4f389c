/** The time zone of everything shown: the reader's own, or UTC. A cookie, so that it holds for every page. */
import { locale } from './words.ts';

export type Zone = 'local' | 'utc';

const chosen = (): Zone => (typeof document !== 'undefined' && /(?:^|; )tz=utc(?:;|$)/.test(document.cookie) ? 'utc' : 'local');
let now: Zone = chosen();

export const zone = (): Zone => now;
export function setZone(z: Zone): void {
  now = z;
  document.cookie = `tz=${z};path=/;max-age=31536000;samesite=lax`;
  dispatchEvent(new CustomEvent('ph:zone'));
}

const formats = new Map<string, Intl.DateTimeFormat>();
/** A moment in the chosen zone, as `Intl` writes it. */
export function show(at: Date, what: Intl.DateTimeFormatOptions): string {
  const key = now + JSON.stringify(what);
  let format = formats.get(key);
  if (!format)
    formats.set(
      key,
      (format = new Intl.DateTimeFormat(locale, { ...what, hourCycle: 'h23', timeZone: now === 'utc' ? 'UTC' : undefined })),
    );
  return format.format(at);
}

export const DAY: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short' };
export const DATE: Intl.DateTimeFormatOptions = { ...DAY, year: 'numeric' };
export const TIME: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit' };
export const CLOCK: Intl.DateTimeFormatOptions = { ...TIME, second: '2-digit' };

export const dateTime = (at: Date): string => `${show(at, DATE)} ${show(at, TIME)}`;
/** To the second, with the zone's name. */
export const exact = (at: Date): string => `${show(at, DATE)} ${show(at, { ...CLOCK, timeZoneName: 'short' })}`;
export const day = (at: Date): string => show(at, DAY);

/** Whether a day begins at this moment. */
export const midnight = (d: Date): boolean =>
  now === 'utc' ? d.getTime() % 86_400_000 === 0 : d.getHours() === 0 && d.getMinutes() === 0 && d.getSeconds() === 0;

/** The moment of a civil date and time in the chosen zone, in Unix seconds; null when there is no such date. */
export function civil(y: number, mo: number, d: number, h = 0, mi = 0, s = 0): number | null {
  const at = now === 'utc' ? new Date(Date.UTC(y, mo - 1, d, h, mi, s)) : new Date(y, mo - 1, d, h, mi, s);
  const [month, date] = now === 'utc' ? [at.getUTCMonth(), at.getUTCDate()] : [at.getMonth(), at.getDate()];
  return month === mo - 1 && date === d ? at.getTime() / 1000 : null;
}

/** The start of the unit (`s m h d w M y`; weeks begin on Monday) that holds a moment, or of the one after it, in Unix seconds. */
export function unitStart(seconds: number, unit: string, after: 0 | 1): number {
  const [y, mo, d, weekday, offset] = parts(seconds),
    size = { s: 1, m: 60, h: 3600 }[unit];
  if (size) return (Math.floor((seconds + offset) / size) + after) * size - offset;
  return unit === 'y'
    ? made(y + after, 0, 1)
    : unit === 'M'
      ? made(y, mo + after, 1)
      : unit === 'w'
        ? made(y, mo, d - ((weekday + 6) % 7) + 7 * after)
        : made(y, mo, d + after);
}
/** So many months and days later or earlier at the same time; the last day of the month where it has no such day. */
export function later(seconds: number, months: number, days: number): number {
  const [y, mo, d] = parts(seconds),
    last = new Date(Date.UTC(y, mo + months + 1, 0)).getUTCDate();
  return made(y, mo + months, Math.min(d, last) + days) + seconds - made(y, mo, d);
}
/** Year, month from 0, day, weekday from Sunday, and the zone's distance from UTC in seconds. */
function parts(seconds: number): [number, number, number, number, number] {
  const at = new Date(seconds * 1000),
    offset = now === 'utc' ? 0 : -at.getTimezoneOffset() * 60,
    local = new Date((seconds + offset) * 1000);
  return [local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate(), local.getUTCDay(), offset];
}
const made = (y: number, mo: number, d: number): number => (now === 'utc' ? Date.UTC(y, mo, d) : new Date(y, mo, d).getTime()) / 1000;

const forms: Record<string, (at: Date) => string> = {
  datetime: dateTime,
  date: (at) => show(at, DATE),
  clock: (at) => show(at, CLOCK),
  time: (at) => show(at, TIME),
  turn: (at) => show(at, { weekday: 'short', ...DAY, ...TIME }),
};
/** Rewrites the server's times (UTC) in the chosen zone: `<time datetime data-f="datetime|date|clock|time|turn|ago">`, the exact one in its title. */
export function showTimes(root: ParentNode = document): void {
  root.querySelectorAll<HTMLTimeElement>('time[datetime]').forEach((el) => {
    const at = new Date(el.dateTime);
    if (Number.isNaN(at.getTime())) return;
    const title = exact(at);
    if (el.title !== title) el.title = title;
    const text = forms[el.dataset.f ?? '']?.(at);
    if (text && el.textContent !== text) el.textContent = text;
  });
}
