/** What uPlot is told: scales, axes, series and cursor of a time chart. */
import uPlot from 'uplot';
import { binarySteps, isBinary, ticks, type Unit } from './format.ts';
import type { View } from './gestures.ts';
import * as page from './page_range.ts';
import { resolve } from './range.ts';
import type { Frame } from './stats.ts';
import { alpha, colour, mix } from './theme.ts';
import { CLOCK, TIME, day, midnight, show } from './zone.ts';

export interface Look {
  css: string[];
  unit: Unit;
  stacked: boolean;
  view: View;
  tip: (u: uPlot) => void;
}

const FONT = '11px "Inter Variable", system-ui, sans-serif';

/** Ticks of time: the date at midnight, else hours and minutes, seconds only where they differ. */
function times(values: number[], step: number): string[] {
  return values.map((t) => {
    const d = new Date(t * 1000);
    return step >= 86400 || midnight(d) ? day(d) : show(d, step < 60 ? CLOCK : TIME);
  });
}

export function options(plot: HTMLElement, f: Frame, look: Look, shown: boolean[]): uPlot.Options {
  const axis = colour('--axis'),
    grid = colour('--grid');
  const solid = look.css.map((c) => mix(c, '--surface', 100));
  const tint = look.css.map((c) => mix(c, '--surface', 46));
  const order = f.series.map((_, i) => (look.stacked ? f.series.length - 1 - i : i));
  const one = f.series.length === 1;
  const fade = (k: number) => (u: uPlot) => {
    const g = u.ctx.createLinearGradient(0, u.bbox.top, 0, u.bbox.top + u.bbox.height);
    g.addColorStop(0, alpha(look.css[k] ?? '', 22));
    g.addColorStop(1, alpha(look.css[k] ?? '', 2));
    return g;
  };
  const bytes = isBinary(look.unit);
  // A lone sample between gaps has no line to be seen by.
  const lonely = (v: (number | string | null)[]) => v.some((x, i) => x != null && v[i - 1] == null && v[i + 1] == null);
  return {
    width: plot.clientWidth,
    height: plot.clientHeight,
    padding: [8, 18, 0, 2],
    legend: { show: false },
    cursor: {
      x: true,
      y: false,
      drag: { x: true, y: false, setScale: false, dist: 5 },
      focus: { prox: 24 },
      // The crosshair is shared; selecting is done by the chart under the pointer alone.
      sync: { key: 'page', setSeries: false, filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave', sub: () => true } },
      points: { size: 7, width: 1.5, fill: () => colour('--surface'), stroke: (_u, i) => solid[order[i - 1] ?? 0] ?? axis },
    },
    focus: { alpha: f.series.length > 1 && !look.stacked ? 0.26 : 1 },
    select: { show: true, left: 0, top: 0, width: 0, height: 0 },
    scales: {
      // The axis spans what was asked for, not only where data are.
      x: {
        time: true,
        range: (_u, lo, hi) => {
          if (look.view.x) return look.view.x;
          const r = page.get(),
            now = page.now();
          const a = resolve(r.from, now),
            b = resolve(r.to, now, true);
          return a != null && b != null && a < b && lo >= a - (b - a) && hi <= b + (b - a)
            ? [a, b]
            : lo === hi
              ? [lo - 60, hi + 60]
              : [lo, hi];
        },
      },
      y: {
        range: (_u, lo, hi) => {
          if (look.view.y) return look.view.y;
          if (lo == null || hi == null) return [0, 1];
          if (lo === hi && lo === 0) return [0, 1];
          return uPlot.rangeNum(Math.min(lo, 0) === 0 ? 0 : lo, hi <= 0 ? 0 : hi, {
            min: { pad: lo < 0 ? 0.06 : 0, soft: 0, mode: 1 },
            max: { pad: 0.06, soft: 0, mode: hi <= 0 ? 1 : 2 },
          }) as [number, number];
        },
      },
    },
    series: [
      {},
      ...order.map((k): uPlot.Series => ({
        label: f.series[k]?.name ?? '',
        show: shown[k] ?? true,
        stroke: () => solid[k] ?? axis,
        width: look.stacked ? 1 : one ? 1.75 : 1.35,
        spanGaps: false,
        points: {
          show: !look.stacked && lonely(f.series[k]?.v ?? []) && (f.series[k]?.v.length ?? 0) < 400,
          size: 4,
          fill: solid[k] ?? axis,
          width: 0,
        },
        fill: look.stacked ? () => tint[k] ?? axis : one ? fade(k) : undefined,
      })),
    ],
    axes: [
      {
        stroke: axis,
        font: FONT,
        grid: { show: false },
        ticks: { show: false },
        size: 26,
        gap: 6,
        space: plot.clientWidth < 480 ? 64 : 92,
        values: (_u, v, _a, _s, step) => times(v, step),
      },
      {
        stroke: axis,
        font: FONT,
        grid: { stroke: grid, width: 1 },
        ticks: { show: false },
        gap: 8,
        space: 40,
        incrs: bytes ? binarySteps : undefined,
        size: (_u, labels) => Math.ceil(Math.max(3, ...(labels ?? []).map((s) => s.length)) * 6.3) + 18,
        values: (_u, v) => ticks(v, look.unit),
      },
    ],
    hooks: {
      setCursor: [look.tip],
      setSelect: [
        (u) => {
          if (u.select.width <= 5) return;
          const a = u.posToVal(u.select.left, 'x'),
            b = u.posToVal(u.select.left + u.select.width, 'x');
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          if (b - a >= 1) page.set({ from: String(Math.floor(a)), to: String(Math.ceil(b)) });
        },
      ],
    },
  };
}
