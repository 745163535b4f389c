/** Numbers in words a person reads at a glance. src/ui/format.rs does the same; test/units.json holds both to it. */

/** How numbers of a unit are written; see src/ui/units/form.rs. */
export interface Form {
  /** Base, ends, index of the end of the number as given. */
  b?: number;
  n?: string[];
  o?: number;
  /** Factor, end; what stands before. */
  x?: number;
  s?: string;
  p?: string;
  /** Seconds of 1. */
  t?: number;
  /** Words for 0 and 1. */
  w?: string[];
  /** A way of its own. */
  k?: string;
}

const scaled = (b: number, ends: string): Form => ({ b, n: ends.split(',') });
/** The units that pages name themselves; every other comes as a form. */
const UNITS = {
  short: scaled(1000, ',k,M,G,T,P'),
  none: { x: 1, s: '' },
  percent: { x: 1, s: '%' },
  percentunit: { x: 100, s: '%' },
  s: { t: 1 },
  ms: { t: 1e-3 },
  bytes: scaled(1024, ' B, KiB, MiB, GiB, TiB, PiB'),
  decbytes: scaled(1000, ' B, kB, MB, GB, TB, PB'),
  binBps: scaled(1024, ' B/s, KiB/s, MiB/s, GiB/s, TiB/s, PiB/s'),
  bps: scaled(1000, ' b/s, kb/s, Mb/s, Gb/s, Tb/s, Pb/s'),
  ops: scaled(1000, '/s,k/s,M/s,G/s,T/s,P/s'),
  hertz: scaled(1000, ' Hz, kHz, MHz, GHz, THz, PHz'),
  celsius: { x: 1, s: ' °C' },
  bool_yes_no: { w: ['no', 'yes'] },
} satisfies Record<string, Form>;

/** Unit ids as Grafana names them, or a form. */
export type Unit = keyof typeof UNITS | Form;

/** The form of a unit. */
export const form = (unit: Unit): Form => (typeof unit === 'string' ? (UNITS[unit] ?? UNITS.short) : unit);

const trim = (text: string) => (text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text);

/** Three significant digits, no trailing zeros; powers of ten beyond what is legible. */
export function digits3(v: number): string {
  const a = Math.abs(v);
  if (a === 0) return '0';
  if (a < 1e-4 || a >= 1e7) return science(v);
  const places = a >= 99.95 ? 0 : a >= 9.995 ? 1 : a >= 0.9995 ? 2 : 2 - Math.floor(Math.log10(a));
  return trim(v.toFixed(places));
}

function science(v: number, decimals?: number): string {
  const [mantissa = '', exponent = ''] = v.toExponential(decimals ?? 2).split('e');
  return `${decimals == null ? trim(mantissa) : mantissa}e${exponent.replace('+', '')}`;
}

const places = (v: number, decimals?: number): string => {
  if (decimals == null || Math.abs(v) >= 1e21) return digits3(v);
  const text = v.toFixed(Math.min(decimals, 20));
  return /^-[0.]+$/.test(text) ? text.slice(1) : text;
};

function scale(v: number, f: Form): [number, string] {
  const n = f.n!,
    b = f.b!;
  let i = f.o ?? 0;
  while (Math.abs(v) >= b - 0.5 && i < n.length - 1) {
    v /= b;
    i++;
  }
  while (v !== 0 && Math.abs(v) < 0.9995 && i > 0) {
    v *= b;
    i--;
  }
  return [v, n[i]!];
}

/** Lengths of time: up to which number of seconds, factor, end. */
const LENGTHS: [number, number, string][] = [
  [1e-6, 1e9, ' ns'],
  [1e-3, 1e6, ' µs'],
  [1, 1e3, ' ms'],
  [90, 1, ' s'],
  [5400, 1 / 60, ' min'],
  [172800, 1 / 3600, ' h'],
  [Infinity, 1 / 86400, ' days'],
];
const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
const hms = (s: number) => `${two(s / 3600)}:${two((s / 60) % 60)}:${two(s % 60)}`;

/** The two largest parts of a length of time, or one more than the digits asked for. */
function duration(v: number, decimals = 1): string {
  let left = Math.abs(v);
  const whole = left,
    out: string[] = [];
  if (left < 0.0005) return '0 s';
  const parts: [number, string, string][] = [
    [31536000, 'year', 'years'],
    [86400, 'day', 'days'],
    [3600, 'h', 'h'],
    [60, 'min', 'min'],
    [1, 's', 's'],
    [0.001, 'ms', 'ms'],
  ];
  for (const [of, one, many] of parts.filter((part) => whole >= part[0]).slice(0, decimals + 1)) {
    const count = Math.floor(left / of + 1e-9);
    left = Math.max(0, left - count * of);
    if (count) out.push(`${count} ${count === 1 ? one : many}`);
  }
  return (v < 0 ? '-' : '') + (out.join(' ') || digits3(left * 1000) + ' ms');
}

function clock(ms: number, decimals = 3): string {
  const w = Math.floor(Math.abs(ms));
  const parts: [string, boolean][] = [
    [two(w / 3.6e6) + 'h', w >= 3.6e6],
    [two((w / 6e4) % 60) + 'm', w >= 6e4],
    [two((w / 1e3) % 60) + 's', w >= 1e3],
    [String(w % 1e3).padStart(3, '0') + 'ms', true],
  ];
  return (
    (ms < 0 ? '-' : '') +
    parts
      .filter((p) => p[1])
      .slice(0, decimals + 1)
      .map((p) => p[0])
      .join(':')
  );
}

function moment(ms: number, kind: string): string {
  if (Math.abs(ms) > 253402300799999) return digits3(ms);
  const d = new Date(ms),
    iso = d.toISOString();
  if (!kind.startsWith('dateus')) return `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
  const h = d.getUTCHours();
  return `${iso.slice(5, 7)}/${iso.slice(8, 10)}/${iso.slice(0, 4)} ${((h + 11) % 12) + 1}${iso.slice(13, 19)} ${h < 12 ? 'am' : 'pm'}`;
}

function ofKind(v: number, kind: string, decimals?: number): string {
  const minus = v < 0 ? '-' : '',
    whole = Math.round(Math.abs(v));
  switch (kind) {
    case 'hex':
    case 'hex0x':
      return (
        minus +
        (kind === 'hex' ? '' : '0x') +
        BigInt(Math.min(Math.floor(Math.abs(v)), 2 ** 64))
          .toString(16)
          .toUpperCase()
      );
    case 'sci':
      return science(v, decimals);
    case 'locale':
      return v.toLocaleString(
        'en',
        decimals == null ? { maximumFractionDigits: 3 } : { minimumFractionDigits: decimals, maximumFractionDigits: decimals },
      );
    case 'duration':
      return duration(v, decimals);
    case 'durationms':
      return duration(v / 1000, decimals);
    case 'hms':
      return minus + hms(whole);
    case 'dhms':
      return `${minus}${Math.floor(whole / 86400)} d ${hms(whole % 86400)}`;
    case 'clock':
      return clock(v * 1000, decimals);
    case 'clockms':
      return clock(v, decimals);
    default:
      return moment(v, kind);
  }
}

/** A value with its unit: three significant digits, or as many after the point as asked for; a dash where there is none. */
export function format(v: number | null | undefined, unit: Unit = 'short', decimals?: number): string {
  if (v == null) return '–';
  if (Number.isNaN(v)) return 'NaN';
  if (!Number.isFinite(v)) return v > 0 ? '+Inf' : '-Inf';
  const f = form(unit);
  if (f.w) return f.w[v] ?? places(v, decimals);
  if (f.k) return ofKind(v, f.k, decimals);
  let end = f.s ?? '';
  if (f.n) [v, end] = scale(v, f);
  else if (f.t) {
    const a = Math.abs((v *= f.t));
    const [, by, name] = a === 0 ? LENGTHS[3]! : LENGTHS.find((l) => a < l[0])!;
    v *= by;
    end = name;
  } else v *= f.x ?? 1;
  const text = places(v, decimals);
  return (f.p && text.startsWith('-') ? '-' + f.p + text.slice(1) : (f.p ?? '') + text) + end;
}

/** How a unit is scaled on an axis: the largest tick decides, so that all ticks share one prefix. */
function axisScale(max: number, f: Form): [number, string] {
  if (f.n) {
    let i = f.o ?? 0,
      by = 1;
    while (max / by >= f.b! && i < f.n.length - 1) {
      by *= f.b!;
      i++;
    }
    while (max !== 0 && max / by < 0.9995 && i > 0) {
      by /= f.b!;
      i--;
    }
    return [by, f.n[i]!];
  }
  if (f.t) {
    const s = max * f.t;
    const [by, name]: [number, string] =
      s === 0
        ? [1, ' s']
        : s < 1e-6
          ? [1e-9, ' ns']
          : s < 1e-3
            ? [1e-6, ' µs']
            : s < 1
              ? [1e-3, ' ms']
              : s < 180
                ? [1, ' s']
                : s < 10800
                  ? [60, ' min']
                  : s < 345600
                    ? [3600, ' h']
                    : [86400, ' d'];
    return [by / f.t, name];
  }
  return [1 / (f.x ?? 1), f.s ?? ''];
}

/** Axis labels: as many digits as the ticks need to differ, or as asked for; the same prefix on all of them. */
export function ticks(values: number[], unit: Unit, decimals?: number): string[] {
  const f = form(unit);
  if (f.k || f.w) return values.map((v) => format(v, f, decimals));
  const max = Math.max(...values.map(Math.abs), 0);
  const [by, name] = axisScale(max, f);
  // A rate says what it counts in its tooltip; on the axis a prefix is enough.
  const suffix = unit === 'ops' ? name.replace('/s', '') : name;
  const step = values.length > 1 ? Math.abs((values[1] ?? 0) - (values[0] ?? 0)) / by : Math.abs(max / by) || 1;
  let digits = decimals ?? 0;
  if (decimals == null)
    while (digits < 6 && values.some((v) => Math.abs(Number((v / by).toFixed(digits)) - v / by) > step * 0.01)) digits++;
  return values.map(
    (v) =>
      (v === 0 ? '0' : places(v / by, digits).replace(/^(-?)/, '$1' + (f.p ?? '').replaceAll('$', '$$$$'))) +
      (v === 0 && suffix.length < 2 && suffix !== '%' ? '' : suffix),
  );
}

/** Whether ticks should stand at powers of two. */
export const isBinary = (unit: Unit): boolean => form(unit).b === 1024;

/** Distances between ticks that look round for the unit: powers of two for bytes. */
export const binarySteps: number[] = Array.from({ length: 61 }, (_, k) => 2 ** (k - 4));
