/** The page's time range. It lives in the URL: `?from=now-24h&to=now`, or Unix seconds. */
import { n, t as words } from './words.ts';
import { CLOCK, TIME, civil, day, later, show, unitStart } from './zone.ts';

export interface Range {
  from: string;
  to: string;
}

const UNIT: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 },
  MONTHS: Record<string, number> = { M: 1, y: 12 },
  DAYS: Record<string, number> = { d: 1, w: 7 };
const STEP = /\s*(?:([+-])\s*(\d{1,6})|\/)\s*([smhdwMy])/g;

/** A moment as text (`now`, `now-6h`, `now/d`, `today`, `yesterday`, Unix seconds or milliseconds, a local date) in Unix seconds; null when it is none. `last`: `/` rounds to the end of its unit. */
export function resolve(text: string, now: number, last = false): number | null {
  const t = text
    .trim()
    .replace(/^today$/, 'now/d')
    .replace(/^yesterday$/, 'now-1d/d');
  if (t.startsWith('now')) {
    const steps = [...t.slice(3).matchAll(STEP)];
    if (steps.length > 10 || steps.map(([step]) => step).join('') !== t.slice(3)) return null;
    last &&= text.trim().startsWith('now');
    return steps.reduce((at, [, sign, count, unit = '']) => {
      const by = Number(count) * (sign === '-' ? -1 : 1),
        months = MONTHS[unit] ?? 0,
        days = DAYS[unit] ?? 0;
      if (!sign) return last ? unitStart(at, unit, 1) - 0.001 : unitStart(at, unit, 0);
      // Beside a rounding, days are those of the calendar, which are not all of one length.
      return months || (days && t.includes('/')) ? later(at, by * months, by * days) : at + by * (UNIT[unit] ?? 0);
    }, now);
  }
  if (/^\d{1,10}(\.\d+)?$/.test(t)) return Number(t);
  if (/^\d{12,14}$/.test(t)) return Number(t) / 1000;
  const date = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?$/.exec(t);
  if (date) {
    const [y, mo, d, h, mi, s] = date.slice(1).map((x) => Number(x ?? 0)) as [number, number, number, number, number, number];
    return civil(y, mo, d, h, mi, s);
  }
  const parsed = /^\d{4}-\d\d-\d\dT/.test(t) ? Date.parse(t) : NaN;
  return Number.isNaN(parsed) ? null : parsed / 1000;
}

/** Whether a range follows the clock. */
export const isLive = (r: Range): boolean => r.to.startsWith('now');

const WORDS: Record<string, [string, string]> = {
  s: ['Last second', 'Last {} seconds'],
  m: ['Last minute', 'Last {} minutes'],
  h: ['Last hour', 'Last {} hours'],
  d: ['Last day', 'Last {} days'],
  w: ['Last week', 'Last {} weeks'],
  M: ['Last month', 'Last {} months'],
  y: ['Last year', 'Last {} years'],
};

/** Calendar units: this one, and the one before it. */
const UNITS: Record<string, [string, string]> = {
  d: ['Today', 'Yesterday'],
  w: ['This week', 'Previous week'],
  M: ['This month', 'Previous month'],
  y: ['This year', 'Previous year'],
};

/** A range in words: `Last 6 hours`, `Yesterday`, or two moments. */
export function label(r: Range, now: number): string {
  const whole = r.from === r.to ? /^now(?:-1([dwMy]))?\/([dwMy])$/.exec(r.from) : null,
    named = UNITS[whole?.[2] ?? '']?.[whole?.[1] ? 1 : 0];
  if (named && (whole?.[1] ?? whole?.[2]) === whole?.[2]) return words(named);
  const last = /^now-(\d+)([smhdwMy])$/.exec(r.from);
  if (last && r.to === 'now') {
    const count = Number(last[1]),
      [one, many] = WORDS[last[2] ?? ''] ?? ['', ''];
    return count === 1 ? words(one) : n(count, one, many);
  }
  const from = resolve(r.from, now),
    to = resolve(r.to, now, true);
  if (from == null || to == null) return `${r.from} – ${r.to}`;
  const date = (s: number) => day(new Date(s * 1000));
  const time = (s: number) => show(new Date(s * 1000), to - from < 300 ? CLOCK : TIME);
  return date(from) === date(to) ? `${date(from)} ${time(from)} – ${time(to)}` : `${date(from)} ${time(from)} – ${date(to)} ${time(to)}`;
}

/** The same length, one half of it earlier (-1) or later (+1). Never beyond now. */
export function shifted(r: Range, direction: -1 | 1, now: number): Range {
  const from = resolve(r.from, now) ?? now - 3600,
    to = resolve(r.to, now, true) ?? now;
  const by = Math.min(((to - from) / 2) * direction, Math.max(0, now - to));
  return { from: String(Math.round(from + by)), to: String(Math.round(to + by)) };
}

/** Twice as long around the same middle; ends at now when it would pass it. */
export function zoomedOut(r: Range, now: number): Range {
  const from = resolve(r.from, now) ?? now - 3600,
    to = resolve(r.to, now, true) ?? now;
  const half = to - from;
  if (to >= now - 1) {
    const back = Math.round(2 * half);
    return { from: back % 3600 === 0 ? `now-${back / 3600}h` : back % 60 === 0 ? `now-${back / 60}m` : `now-${back}s`, to: 'now' };
  }
  const end = Math.min(now, to + half / 2);
  return { from: String(Math.round(end - 2 * half)), to: String(Math.round(end)) };
}
