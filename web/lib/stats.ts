/** What a legend says about a series, and tables made of frames. */

export interface Series {
  name: string;
  labels: Record<string, string>;
  v: (number | string | null)[];
  q?: number;
}
export interface QueryError {
  q: number;
  message: string;
  start?: number;
  end?: number;
}
export interface Frame {
  start: number;
  step: number;
  unit?: string;
  series: Series[];
  total?: number;
  points?: number;
  warnings?: string[];
  infos?: string[];
  errors?: QueryError[];
}
export interface Stats {
  last: number | null;
  min: number | null;
  max: number | null;
  mean: number | null;
}

/** JSON has no NaN and no infinities: they travel as text. */
export const number = (x: number | string | null | undefined): number | null =>
  x == null ? null : typeof x === 'number' ? x : x === 'NaN' ? NaN : x === '+Inf' ? Infinity : x === '-Inf' ? -Infinity : null;

export function stats(values: (number | string | null)[]): Stats {
  let min = Infinity,
    max = -Infinity,
    sum = 0,
    n = 0,
    last: number | null = null;
  for (const x of values) {
    const v = number(x);
    if (v == null) continue;
    last = v;
    if (Number.isNaN(v)) continue;
    if (v < min) min = v;
    if (v > max) max = v;
    sum += v;
    n++;
  }
  return n ? { last, min, max, mean: sum / n } : { last, min: null, max: null, mean: null };
}

const cell = (s: string): string => {
  // A text that a spreadsheet would take for a formula is marked as text.
  const safe = /^[=+\-@\t\r]/.test(s) && !/^[+-]?(\d|Inf)/.test(s) ? `'${s}` : s;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** One line a time, one column a series. */
export function csv(frame: Frame): string {
  const n = Math.max(0, ...frame.series.map((s) => s.v.length));
  const out = [['time', ...frame.series.map((s) => s.name)].map(cell).join(',')];
  for (let i = 0; i < n; i++) {
    const at = new Date(Math.round((frame.start + i * frame.step) * 1000)).toISOString();
    out.push([at, ...frame.series.map((s) => (s.v[i] == null ? '' : String(s.v[i])))].map(cell).join(','));
  }
  return out.join('\n') + '\n';
}
