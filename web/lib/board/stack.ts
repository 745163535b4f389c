/** Stacks and scales of time charts as plain numbers. */
import type { Axis, Line } from './data.ts';

export type Column = (number | null | undefined)[];

/** JSON has no NaN and no infinities: they travel as text and are not drawn. */
const finite = (v: number | string | null | undefined): number | null => (typeof v === 'number' && Number.isFinite(v) ? v : null);

/** Which series stand on each other: same group, same axis, same side of zero. */
function stackOf(s: Line, values: Column): string | null {
  if (!s.stack) return null;
  let sum = 0;
  for (const v of values) sum += v ?? 0;
  return `${s.axis}|${s.stack.group}|${s.stack.mode}|${sum < 0 ? '-' : '+'}`;
}

/** Runs of nothing no longer than what may be joined become `undefined`, over which lines go on; others stay gaps. */
export function joined(values: Column, gaps: Line['gaps'], step: number): Column {
  if (gaps == null || gaps === 'cut') return values;
  const longest = gaps === 'join' ? Infinity : gaps / 1000 / step;
  const out = values.slice();
  for (let i = 0; i < out.length; i++) {
    if (out[i] !== null) continue;
    let end = i;
    while (end < out.length && out[end] === null) end++;
    // What is before the first and after the last value stays empty. A gap of k missing points is k + 1 steps wide.
    if (i > 0 && end < out.length && end - i + 1 <= longest) out.fill(undefined, i, end);
    i = end;
  }
  return out;
}

/** The columns to draw, in order of series: flipped, stacked (those in `shown` only), gaps joined; none below zero on log axes. */
export function columns(series: Line[], axes: Axis[], shown: boolean[], step: number): Column[] {
  const plain = series.map(
    (s) =>
      s.v.map((v) => {
        const x = finite(v);
        return x == null ? null : s.flipped ? -x : x;
      }) as Column,
  );
  const stacks = series.map((s, k) => stackOf(s, plain[k] ?? []));
  const n = Math.max(0, ...plain.map((v) => v.length));
  const drawn = (k: number) => (shown[k] ?? true) && !series[k]?.hide?.viz;
  const sums = new Map<string, Float64Array>(),
    any = new Map<string, Uint8Array>(),
    totals = new Map<string, Float64Array>();
  stacks.forEach((stack, k) => {
    if (stack == null || !drawn(k)) return;
    if (!sums.has(stack)) {
      sums.set(stack, new Float64Array(n));
      any.set(stack, new Uint8Array(n));
    }
    const seen = any.get(stack);
    plain[k]?.forEach((v, i) => {
      if (v != null && seen) seen[i] = 1;
    });
    if (series[k]?.stack?.mode !== 'percent') return;
    // Parts of a whole: both sides of zero share one total.
    const whole = stack.slice(0, -2);
    if (!totals.has(whole)) totals.set(whole, new Float64Array(n));
    const total = totals.get(whole);
    plain[k]?.forEach((v, i) => {
      if (total) total[i] = (total[i] ?? 0) + Math.abs(v ?? 0);
    });
  });
  return series.map((s, k) => {
    const values = plain[k] ?? [],
      stack = stacks[k];
    let out: Column = values;
    if (stack != null && drawn(k)) {
      const sum = sums.get(stack),
        seen = any.get(stack),
        total = totals.get(stack.slice(0, -2));
      // Where no part has a value, the whole has none either.
      out = values.map((v, i) => {
        if (!sum || !seen?.[i]) return null;
        const whole = total?.[i] ?? 0;
        sum[i] = (sum[i] ?? 0) + (total ? (whole ? (v ?? 0) / whole : 0) : (v ?? 0));
        return sum[i] ?? null;
      });
    } else out = joined(values, s.gaps, step);
    return axes[s.axis]?.log ? out.map((v) => (v != null && v <= 0 ? null : v)) : out;
  });
}

/** Whether everything of an axis is stacked to a hundred percent. */
export const isPercent = (series: Line[], axis: number): boolean =>
  series.some((s) => s.axis === axis && s.stack?.mode === 'percent' && !s.hide?.viz);

/** The ends of an axis for data from `lo` to `hi`. `zero`: areas and bars stand on it. */
export function bounds(lo: number | null | undefined, hi: number | null | undefined, axis: Axis, zero: boolean): [number, number] {
  let a = lo ?? axis.softMin ?? axis.min ?? 0,
    b = hi ?? axis.softMax ?? axis.max ?? (axis.log ? 10 : 1);
  if (axis.softMin != null) a = Math.min(a, axis.softMin);
  if (axis.softMax != null) b = Math.max(b, axis.softMax);
  if (axis.log) {
    const base = axis.log,
      up = (v: number) => base ** Math.ceil(Math.log(v) / Math.log(base) - 1e-9),
      down = (v: number) => base ** Math.floor(Math.log(v) / Math.log(base) + 1e-9);
    if (!(b > 0)) b = base;
    if (!(a > 0)) a = Math.min(1, b / base);
    const low = axis.min != null && axis.min > 0 ? axis.min : down(a),
      high = axis.max != null && axis.max > 0 ? axis.max : up(b);
    return low < high ? [low, high] : [high / base, high * base];
  }
  if (zero) {
    a = Math.min(a, 0);
    b = Math.max(b, 0);
  }
  const span = b - a,
    pad = span === 0 ? Math.abs(b) * 0.1 || 1 : span * 0.06;
  // An axis near zero begins there; none crosses it for mere air. Soft ends that hold need none.
  let low = a === axis.softMin ? a : a - pad,
    high = b === axis.softMax ? b : b + pad;
  if (a >= 0 && (low < 0 || a <= span)) low = 0;
  if (b <= 0 && (high > 0 || -b <= span)) high = 0;
  if (axis.centred) {
    const far = Math.max(Math.abs(low), Math.abs(high));
    low = -far;
    high = far;
  }
  low = axis.min ?? low;
  high = axis.max ?? high;
  if (low >= high) {
    if (axis.min != null) high = low + (Math.abs(low) || 1);
    else low = high - (Math.abs(high) || 1);
  }
  return [low, high];
}

/** The index of the value nearest to `y` among those at one time; -1 if there is none. */
export function nearest(at: (number | null | undefined)[], y: number): number {
  let best = -1,
    distance = Infinity;
  at.forEach((v, k) => {
    if (v == null) return;
    const d = Math.abs(v - y);
    if (d < distance) {
      distance = d;
      best = k;
    }
  });
  return best;
}

/** Where a series stands in uPlot's list. Stacks are drawn from the top down, so that lower parts lie over higher ones. */
export const order = (series: Line[]): number[] => {
  const all = series.map((_, k) => k);
  return [...all.filter((k) => series[k]?.stack).reverse(), ...all.filter((k) => !series[k]?.stack)];
};

/** Ticks of a log axis: powers of its base, at most nine. */
export function powers(lo: number, hi: number, base: number): number[] {
  const log = (v: number) => Math.round((Math.log(v) / Math.log(base)) * 1e9) / 1e9,
    from = Math.ceil(log(lo)),
    to = Math.floor(log(hi)),
    by = Math.max(1, Math.ceil((to - from) / 8));
  return Array.from({ length: Math.max(0, Math.floor((to - from) / by) + 1) }, (_, i) => base ** (from + i * by));
}
