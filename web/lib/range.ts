/** The page's time range. It lives in the URL: `?from=now-24h&to=now`, or Unix seconds. */

export interface Range { from: string; to: string }

const UNIT: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800, M: 2592000, y: 31536000 };

/** A moment as text (`now`, `now-6h`, `today`, `yesterday`, Unix seconds or milliseconds, a local date) in Unix seconds; null when it is none. */
export function resolve(text: string, now: number): number | null {
  const t = text.trim();
  const relative = /^now(?:\s*([+-])\s*(\d{1,6})\s*([smhdwMy]))?$/.exec(t);
  if (relative) {
    const by = relative[2] ? Number(relative[2]) * (UNIT[relative[3] ?? ''] ?? 0) : 0;
    return now + (relative[1] === '-' ? -by : by);
  }
  if (t === 'today' || t === 'yesterday') {
    const d = new Date(now * 1000);
    d.setHours(0, 0, 0, 0);
    if (t === 'yesterday') d.setDate(d.getDate() - 1);
    return d.getTime() / 1000;
  }
  if (/^\d{1,10}(\.\d+)?$/.test(t)) return Number(t);
  if (/^\d{12,14}$/.test(t)) return Number(t) / 1000;
  const date = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?$/.exec(t);
  if (date) {
    const [y, mo, d, h, mi, s] = date.slice(1).map((x) => Number(x ?? 0)) as [number, number, number, number, number, number];
    const at = new Date(y, mo - 1, d, h, mi, s);
    return at.getMonth() === mo - 1 && at.getDate() === d ? at.getTime() / 1000 : null;
  }
  const parsed = /^\d{4}-\d\d-\d\dT/.test(t) ? Date.parse(t) : NaN;
  return Number.isNaN(parsed) ? null : parsed / 1000;
}

/** Whether a range follows the clock. */
export const isLive = (r: Range): boolean => r.to.startsWith('now');

const WORDS: Record<string, string> = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week', M: 'month', y: 'year' };

/** A range in words: `Last 6 hours`, or two moments. */
export function label(r: Range, now: number): string {
  const last = /^now-(\d+)([smhdwMy])$/.exec(r.from);
  if (last && r.to === 'now') {
    const n = Number(last[1]);
    return n === 1 ? `Last ${WORDS[last[2] ?? '']}` : `Last ${n} ${WORDS[last[2] ?? '']}s`;
  }
  const from = resolve(r.from, now), to = resolve(r.to, now);
  if (from == null || to == null) return `${r.from} – ${r.to}`;
  const day = (s: number) => new Date(s * 1000).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
  const time = (s: number) => new Date(s * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', ...(to - from < 300 ? { second: '2-digit' } : {}) });
  return day(from) === day(to) ? `${day(from)} ${time(from)} – ${time(to)}` : `${day(from)} ${time(from)} – ${day(to)} ${time(to)}`;
}

/** The same length, one half of it earlier (-1) or later (+1). Never beyond now. */
export function shifted(r: Range, direction: -1 | 1, now: number): Range {
  const from = resolve(r.from, now) ?? now - 3600, to = resolve(r.to, now) ?? now;
  const by = Math.min(((to - from) / 2) * direction, Math.max(0, now - to));
  return { from: String(Math.round(from + by)), to: String(Math.round(to + by)) };
}

/** Twice as long around the same middle; ends at now when it would pass it. */
export function zoomedOut(r: Range, now: number): Range {
  const from = resolve(r.from, now) ?? now - 3600, to = resolve(r.to, now) ?? now;
  const half = to - from;
  if (to >= now - 1) {
    const back = Math.round(2 * half);
    return { from: back % 3600 === 0 ? `now-${back / 3600}h` : back % 60 === 0 ? `now-${back / 60}m` : `now-${back}s`, to: 'now' };
  }
  const end = Math.min(now, to + half / 2);
  return { from: String(Math.round(end - 2 * half)), to: String(Math.round(end)) };
}
