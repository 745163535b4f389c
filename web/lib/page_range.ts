/** Reads and writes the page's range: URL, history, and the `ph:range` event that charts listen to. */
import type { Range } from './range.ts';

const fallback = (): Range => ({ from: document.body.dataset.from ?? 'now-1h', to: document.body.dataset.to ?? 'now' });

export function get(): Range {
  const q = new URLSearchParams(location.search);
  const f = fallback();
  return { from: q.get('from') || f.from, to: q.get('to') || f.to };
}

/** Puts a range into the URL as a new step of history, so that Back undoes it. */
export function set(r: Range, replace = false): void {
  const u = new URL(location.href);
  u.searchParams.set('from', r.from);
  u.searchParams.set('to', r.to);
  history[replace ? 'replaceState' : 'pushState'](null, '', u);
  dispatchEvent(new CustomEvent('ph:range', { detail: r }));
}

export const now = (): number => Date.now() / 1000;
