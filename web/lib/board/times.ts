/** Ticks of time, and the page's range as a scale. */
import * as page from '../page_range.ts';
import { resolve } from '../range.ts';
import { CLOCK, DAY, TIME, day, midnight, show } from '../zone.ts';

/** The date at midnight, else hours and minutes, seconds only where they differ. */
export const ticks = (values: number[], step: number): string[] =>
  values.map((t) => {
    const d = new Date(t * 1000);
    return step >= 86400 || midnight(d) ? day(d) : show(d, step < 60 ? CLOCK : TIME);
  });

/** What was asked for, where the data are of it; else where they are (panels may have a range of their own). */
export function span(lo: number, hi: number): [number, number] {
  const r = page.get(),
    now = page.now(),
    a = resolve(r.from, now),
    b = resolve(r.to, now, true);
  const far = a != null && b != null ? (b - a) * 0.1 : 0;
  return a != null && b != null && a < b && lo >= a - far && hi <= b + far && hi > a && lo < b
    ? [a, b]
    : lo === hi
      ? [lo - 60, hi + 60]
      : [lo, hi];
}

export const moment = (seconds: number): string => {
  const at = new Date(seconds * 1000);
  return `${show(at, DAY)} ${show(at, CLOCK)}`;
};
