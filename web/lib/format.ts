/** Numbers in words a person reads at a glance. src/ui/format.rs does the same; test/units.json holds both to it. */

/** Unit ids as Grafana names them. */
export type Unit =
  | 'short' | 'none' | 'percent' | 'percentunit' | 's' | 'ms' | 'bytes' | 'decbytes' | 'Bps' | 'bps' | 'ops' | 'hertz' | 'celsius' | 'bool';

const SI = ['', 'k', 'M', 'G', 'T', 'P'];
const IEC = [' B', ' KiB', ' MiB', ' GiB', ' TiB', ' PiB'];
const IEC_RATE = IEC.map((p) => p + '/s');
const DEC = [' B', ' kB', ' MB', ' GB', ' TB', ' PB'];
const BITS = [' b/s', ' kb/s', ' Mb/s', ' Gb/s', ' Tb/s', ' Pb/s'];
const OPS = SI.map((p) => p + '/s');
const HERTZ = [' Hz', ' kHz', ' MHz', ' GHz', ' THz', ' PHz'];

const trim = (text: string) => (text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text);

/** Three significant digits, no trailing zeros; powers of ten beyond what is legible. */
export function digits3(v: number): string {
  const a = Math.abs(v);
  if (a === 0) return '0';
  if (a < 1e-4 || a >= 1e7) {
    const [mantissa = '', exponent = ''] = v.toExponential(2).split('e');
    return `${trim(mantissa)}e${exponent.replace('+', '')}`;
  }
  const places = a >= 99.95 ? 0 : a >= 9.995 ? 1 : a >= 0.9995 ? 2 : 2 - Math.floor(Math.log10(a));
  return trim(v.toFixed(places));
}

function scaled(v: number, base: number, names: string[]): string {
  let i = 0;
  while (Math.abs(v) >= base - 0.5 && i < names.length - 1) { v /= base; i++; }
  return digits3(v) + names[i];
}

function seconds(v: number): string {
  const a = Math.abs(v);
  if (a === 0) return '0 s';
  if (a < 1e-6) return digits3(v * 1e9) + ' ns';
  if (a < 1e-3) return digits3(v * 1e6) + ' µs';
  if (a < 1) return digits3(v * 1e3) + ' ms';
  if (a < 90) return digits3(v) + ' s';
  if (a < 5400) return digits3(v / 60) + ' min';
  if (a < 172800) return digits3(v / 3600) + ' h';
  return digits3(v / 86400) + ' days';
}

/** A value with its unit, at most three significant digits; a dash where there is none. */
export function format(v: number | null | undefined, unit: Unit = 'short'): string {
  if (v == null) return '–';
  if (Number.isNaN(v)) return 'NaN';
  if (!Number.isFinite(v)) return v > 0 ? '+Inf' : '-Inf';
  switch (unit) {
    case 's': return seconds(v);
    case 'ms': return seconds(v / 1000);
    case 'bytes': return scaled(v, 1024, IEC);
    case 'decbytes': return scaled(v, 1000, DEC);
    case 'Bps': return scaled(v, 1024, IEC_RATE);
    case 'bps': return scaled(v, 1000, BITS);
    case 'ops': return scaled(v, 1000, OPS);
    case 'hertz': return scaled(v, 1000, HERTZ);
    case 'percent': return digits3(v) + '%';
    case 'percentunit': return digits3(v * 100) + '%';
    case 'celsius': return digits3(v) + ' °C';
    case 'bool': return v === 0 ? 'no' : v === 1 ? 'yes' : digits3(v);
    case 'none': return digits3(v);
    default: return scaled(v, 1000, SI);
  }
}

/** How a unit is scaled on an axis: the largest tick decides, so that all ticks share one prefix. */
function axisScale(max: number, unit: Unit): [number, string] {
  const pick = (base: number, names: string[]): [number, string] => {
    let i = 0, by = 1;
    while (max / by >= base && i < names.length - 1) { by *= base; i++; }
    return [by, names[i] ?? ''];
  };
  switch (unit) {
    case 'bytes': return pick(1024, IEC);
    case 'Bps': return pick(1024, IEC_RATE);
    case 'decbytes': return pick(1000, DEC);
    case 'bps': return pick(1000, BITS);
    case 'hertz': return pick(1000, HERTZ);
    case 'ops': return pick(1000, SI);
    case 'percent': return [1, '%'];
    case 'percentunit': return [0.01, '%'];
    case 'celsius': return [1, ' °C'];
    case 'ms': case 's': {
      const ms = unit === 'ms' ? 1000 : 1;
      const s = max / ms;
      if (s === 0) return [ms, ' s'];
      return s < 1e-3 ? [1e-6 * ms, ' µs'] : s < 1 ? [1e-3 * ms, ' ms'] : s < 180 ? [ms, ' s'] : s < 10800 ? [60 * ms, ' min'] : s < 345600 ? [3600 * ms, ' h'] : [86400 * ms, ' d'];
    }
    default: return pick(1000, SI);
  }
}

/** Axis labels: as many digits as the ticks need to differ, the same prefix on all of them. */
export function ticks(values: number[], unit: Unit): string[] {
  const max = Math.max(...values.map(Math.abs), 0);
  const [by, suffix] = axisScale(max, unit);
  const step = values.length > 1 ? Math.abs((values[1] ?? 0) - (values[0] ?? 0)) / by : Math.abs(max / by) || 1;
  let places = 0;
  while (places < 6 && values.some((v) => Math.abs(Number((v / by).toFixed(places)) - v / by) > step * 0.01)) places++;
  return values.map((v) => (v === 0 ? '0' : (v / by).toFixed(places)) + (v === 0 && suffix.length < 2 && suffix !== '%' ? '' : suffix));
}

/** Distances between ticks that look round for the unit: powers of two for bytes. */
export const binarySteps: number[] = Array.from({ length: 61 }, (_, k) => 2 ** (k - 4));
