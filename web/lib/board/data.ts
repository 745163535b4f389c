/** What the server says of panels: answers of a batch, columns of charts. */
import type { Form } from '../format.ts';
import type { Colouring } from './shades.ts';

export interface Axis {
  side: 'left' | 'right';
  unit: Form;
  decimals?: number;
  label?: string;
  min?: number;
  max?: number;
  softMin?: number;
  softMax?: number;
  log?: 0 | 2 | 10;
  centred?: boolean;
  grid?: boolean;
}
export interface Stacked {
  group: string;
  mode: 'normal' | 'percent';
}
export interface Line {
  name: string;
  labels?: Record<string, string>;
  q?: string;
  axis: number;
  colour: string;
  draw: 'line' | 'bars' | 'points';
  width?: number;
  fill?: number;
  gradient?: boolean;
  line?: 'linear' | 'smooth' | 'before' | 'after';
  dash?: number[];
  points?: 'auto' | 'always' | 'never';
  size?: number;
  gaps?: 'cut' | 'join' | number;
  stack?: Stacked | null;
  band?: string;
  flipped?: boolean;
  hide?: { legend?: boolean; tooltip?: boolean; viz?: boolean };
  v: (number | string | null)[];
}
export interface Step {
  from: number | null;
  colour: string;
}
export interface Mark {
  at: number;
  until?: number;
  text: string;
  tags?: string[];
  colour?: string;
  name?: string;
}
/** Single observations behind a query: a row for each, `links` as words and URL. */
export interface Exemplars {
  q: string;
  at: number[];
  v: (number | null)[];
  names: string[];
  labels: (string | null)[][];
  links: [string, string][][];
}
export interface TimeData {
  start: number;
  step: number;
  n: number;
  axes: Axis[];
  series: Line[];
  thresholds?: { style: 'off' | 'line' | 'dashed' | 'area' | 'line+area' | 'dashed+area'; steps: Step[] };
  legend?: {
    mode: 'list' | 'table' | 'hidden';
    place: 'bottom' | 'right';
    calcs: string[];
    values: string[][];
    sort?: string;
    descending?: boolean;
  };
  tooltip?: { mode: 'single' | 'all' | 'none'; sort: 'none' | 'up' | 'down' };
  marks?: Mark[];
  exemplars?: Exemplars[];
  /** Series that are not sent. */
  more?: number;
}
export interface HeatData {
  start: number;
  step: number;
  n: number;
  rows: { label: string; from: number; to: number }[];
  v: (number | null)[][];
  unit?: Form;
  decimals?: number;
  colour?: Colouring;
  scale?: boolean;
  marks?: Mark[];
}

/** A line of an answer. */
export interface Answer {
  key?: string;
  etag?: string;
  title?: string;
  note?: string;
  notes?: string[];
  kind?: 'html' | 'time' | 'heat' | 'empty';
  html?: string;
  data?: TimeData | HeatData;
  text?: string;
  same?: boolean;
  error?: { text: string; ref?: string };
  done?: boolean;
}
/** A panel that is asked for. */
export interface Wanted {
  key: string;
  w: number;
  h: number;
  have?: string;
}

/** What draws a panel's data. */
export interface Drawing {
  draw(data: TimeData | HeatData): void;
  /** The same again: in other colours, in another zone. */
  again(): void;
  destroy(): void;
  /** A table of it: heads, then rows. */
  table(): { heads: string[]; rows: (string | number | null)[][] };
  /** Its canvas. */
  canvas(): HTMLCanvasElement | null;
  /** Colours and names, for a picture. */
  names(): { name: string; css: string }[];
}

/** A colour as CSS: a token of ours, or as it is. */
export const css = (colour: string): string =>
  /^[a-z][a-z0-9-]*$/i.test(colour) && !['transparent', 'black', 'white'].includes(colour) ? `var(--${colour})` : colour || 'var(--c1)';

/** The colours of series: a palette colour that comes again is mixed with the text, then with the panel, so that neighbours differ. */
export function paints(series: { colour: string }[]): string[] {
  const used = new Map<string, number>();
  return series.map(({ colour }) => {
    const slot = /^c([1-8])$/.exec(colour);
    if (!slot) return css(colour);
    const before = used.get(colour) ?? 0;
    used.set(colour, before + 1);
    return tier(css(colour), before % 3);
  });
}
const tier = (token: string, at: number): string =>
  at === 0 ? token : at === 1 ? `color-mix(in oklab, ${token} 66%, var(--text))` : `color-mix(in oklab, ${token} 62%, var(--surface))`;
