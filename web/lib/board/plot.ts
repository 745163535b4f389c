/** What uPlot is told of a dashboard's chart: scales, axes, series, bands, and what is painted beside them. */
import uPlot from 'uplot';
import { binarySteps, isBinary, ticks as labels } from '../format.ts';
import type { View } from '../gestures.ts';
import * as page from '../page_range.ts';
import { alpha, colour, mix } from '../theme.ts';
import { css, type Axis, type Line, type TimeData } from './data.ts';
import { type Column, bounds, isPercent, order, powers } from './stack.ts';
import { span, ticks } from './times.ts';

export interface Look {
  data: TimeData;
  shown: boolean[];
  view: View;
  hover: (u: uPlot) => void;
  solid: string[];
}

const FONT = '11px "Inter Variable", system-ui, sans-serif';
const NONE: Axis = { side: 'left', unit: {} };
export const scaleOf = (axis: number): string => (axis === 0 ? 'y' : `y${axis}`);
/** Bars that stand close have no edges: these would be all that is seen. */
const BAR_EDGES_MAX = 80;
const widthOf = (s: Line, alone: boolean) =>
  (s.draw === 'points' || (s.draw === 'bars' && s.v.length > BAR_EDGES_MAX) ? 0 : (s.width ?? 1)) * (alone ? 1.75 : 1.35);

/** How a series is filled: a stack in opaque tints, so that parts do not shine through; others by their own strength. */
function fill(s: Line, css: string, opaque: boolean): uPlot.Series.Fill | undefined {
  const strength = s.fill || (s.draw === 'bars' && s.v.length > BAR_EDGES_MAX ? 100 : 0);
  if (!strength) return undefined;
  if (s.stack && opaque) return mix(css, '--surface', 18 + strength * 0.62);
  if (!s.gradient) return alpha(css, Math.max(4, strength * 0.8));
  return (u) => {
    const g = u.ctx.createLinearGradient(0, u.bbox.top, 0, u.bbox.top + u.bbox.height);
    g.addColorStop(0, alpha(css, Math.min(90, 6 + strength * 0.9)));
    g.addColorStop(1, alpha(css, 2));
    return g;
  };
}

const isLonely = (v: Column, i: number) => v[i] != null && v[i - 1] === null && v[i + 1] === null;
/** Points that stand alone have no line to be seen by. */
const lonely = (u: uPlot, k: number): number[] => {
  const v = u.data[k] as Column;
  return v.flatMap((_, i) => (isLonely(v, i) || (v.length === 1 && v[i] != null) ? [i] : []));
};

function paths(s: Line): uPlot.Series.PathBuilder | undefined {
  const p = uPlot.paths;
  if (s.draw === 'points') return () => null;
  if (s.draw === 'bars') return p.bars?.({ size: [0.78, 64], align: 0 });
  if (s.line === 'before' || s.line === 'after') return p.stepped?.({ align: s.line === 'after' ? 1 : -1 });
  return p.linear?.();
}

function one(s: Line, css: string, look: Look, k: number, opaque: boolean, alone: boolean): uPlot.Series {
  const filled = fill(s, css, opaque),
    every = s.draw === 'points' || s.points === 'always';
  return {
    label: s.name,
    scale: scaleOf(s.axis),
    show: (look.shown[k] ?? true) && !s.hide?.viz,
    stroke: css,
    width: widthOf(s, alone),
    dash: s.dash?.map((d) => Math.max(2, d)),
    fill: filled,
    fillTo: (u) => {
      const low = u.scales[scaleOf(s.axis)]?.min ?? 0,
        high = u.scales[scaleOf(s.axis)]?.max ?? 0;
      return Math.max(low, Math.min(0, high));
    },
    paths: paths(s),
    spanGaps: s.gaps === 'join',
    points: every
      ? { show: true, size: Math.max(3, s.size ?? 5), fill: css, width: 0 }
      : s.points === 'never'
        ? { show: false }
        : { show: true, size: 4, fill: css, width: 0, filter: (u, i) => lonely(u, i) },
  };
}

function scale(look: Look, at: number): uPlot.Scale {
  const { series, axes } = look.data,
    axis = axes[at] ?? NONE,
    percent = isPercent(series, at);
  const zero = series.some((s) => s.axis === at && !s.hide?.viz && (s.stack || s.draw === 'bars' || (s.fill ?? 0) > 0));
  return {
    distr: axis.log ? 3 : 1,
    log: axis.log || undefined,
    range: (_u, lo, hi) => {
      if (at === 0 && look.view.y) return look.view.y;
      return bounds(
        lo,
        hi,
        percent ? { ...axis, min: axis.min ?? ((lo ?? 0) < 0 ? undefined : 0), max: axis.max ?? 1, log: 0 } : axis,
        zero,
      );
    },
  };
}

function axis(look: Look, at: number): uPlot.Axis {
  const own = look.data.axes[at] ?? NONE,
    percent = isPercent(look.data.series, at);
  const text = (v: number[]) => (percent ? v.map((x) => `${+(x * 100).toFixed(1)}%`) : labels(v, own.unit, own.decimals));
  const right = own.side === 'right';
  return {
    scale: scaleOf(at),
    side: right ? 1 : 3,
    stroke: colour('--axis'),
    font: FONT,
    ticks: { show: false },
    gap: 8,
    space: own.log ? 24 : 38,
    grid: own.grid === false || (at > 0 && right) ? { show: false } : { stroke: colour('--grid'), width: 1 },
    splits: own.log ? (_u, _i, lo, hi) => powers(lo, hi, own.log || 10) : undefined,
    incrs: isBinary(own.unit) && !percent && !own.log ? binarySteps : undefined,
    size: (_u, shown) => Math.ceil(Math.max(2, ...(shown ?? []).map((s) => s?.length ?? 0)) * 6.2) + 16,
    values: (_u, v) => {
      const known = v.filter((x) => x != null),
        texts = text(known);
      let i = 0;
      return v.map((x) => (x == null ? '' : (texts[i++] ?? '')));
    },
    label: own.label || undefined,
    labelFont: FONT,
    labelSize: own.label ? 18 : 0,
    labelGap: 2,
  };
}

/** Fills between two series. */
function bands(series: Line[], places: number[], solid: string[]): uPlot.Band[] {
  return series.flatMap((s, k) => {
    const to = s.band ? series.findIndex((other) => other.name === s.band) : -1;
    return to < 0
      ? []
      : [
          {
            series: [places.indexOf(k) + 1, places.indexOf(to) + 1] as [number, number],
            fill: alpha(solid[k] ?? '', Math.max(8, (s.fill ?? 0) * 0.8)),
          },
        ];
  });
}

/** Thresholds: what lies beyond one is tinted, the edge is a line. */
function thresholds(u: uPlot, data: TimeData, areas: boolean): void {
  const { style = 'off', steps = [] } = data.thresholds ?? {};
  if (style === 'off' || (areas ? !style.includes('area') : style === 'area')) return;
  const { ctx, bbox } = u,
    at = (v: number) => u.valToPos(v, 'y', true),
    low = bbox.top + bbox.height;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  steps.forEach((step, i) => {
    const until = steps[i + 1]?.from,
      y = step.from == null ? low : at(step.from);
    if (areas) {
      // The calm part needs no colour.
      if (step.from == null && /^(ok|transparent|text|none)$/.test(step.colour)) return;
      ctx.fillStyle = alpha(css(step.colour), 9);
      const top = until == null ? bbox.top : at(until);
      ctx.fillRect(bbox.left, top, bbox.width, y - top);
    } else if (step.from != null) {
      ctx.strokeStyle = alpha(css(step.colour), 90);
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash(style.startsWith('dashed') ? [6 * devicePixelRatio, 5 * devicePixelRatio] : []);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
  });
  ctx.restore();
}

/** Marks in time: a dotted line with a small head, a band where they last. */
function marks(u: uPlot, data: TimeData): void {
  const { ctx, bbox } = u,
    px = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left - 5 * px, bbox.top - 8 * px, bbox.width + 10 * px, bbox.height + 8 * px);
  ctx.clip();
  for (const m of data.marks ?? []) {
    const x = u.valToPos(m.at, 'x', true),
      line = alpha(css(m.colour ?? 'c1'), 90);
    if (m.until != null && m.until > m.at) {
      const end = u.valToPos(m.until, 'x', true),
        left = Math.max(bbox.left, x),
        right = Math.min(bbox.left + bbox.width, end);
      if (right <= left) continue;
      ctx.fillStyle = alpha(css(m.colour ?? 'c1'), 12);
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = ctx.fillStyle = line;
    ctx.lineWidth = px;
    ctx.setLineDash([2 * px, 3 * px]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x - 4 * px, bbox.top - 7 * px);
    ctx.lineTo(x + 4 * px, bbox.top - 7 * px);
    ctx.lineTo(x, bbox.top - px);
    ctx.fill();
  }
  ctx.restore();
}

/** Everything for a new chart. */
export function options(plot: HTMLElement, look: Look): uPlot.Options {
  const { series, axes } = look.data,
    places = order(series),
    solid = look.solid;
  const groups = new Set(series.filter((s) => s.stack).map((s) => `${s.axis}|${s.stack?.group}`));
  const used = axes.map((_, i) => i).filter((i) => i === 0 || series.some((s) => s.axis === i));
  const alone = series.length === 1;
  return {
    width: plot.clientWidth,
    height: plot.clientHeight,
    padding: [look.data.marks?.length ? 12 : 8, used.some((i) => axes[i]?.side === 'right') ? 4 : 16, 0, 2],
    legend: { show: false },
    cursor: {
      x: true,
      y: false,
      drag: { x: true, y: false, setScale: false, dist: 5 },
      focus: { prox: 24 },
      // The crosshair is shared; selecting is done by the chart under the pointer alone.
      sync: { key: 'page', setSeries: false, filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave', sub: () => true } },
      points: { size: 7, width: 1.5, fill: () => colour('--surface'), stroke: (_u, i) => solid[places[i - 1] ?? 0] ?? '' },
    },
    focus: { alpha: alone || groups.size ? 1 : 0.26 },
    select: { show: true, left: 0, top: 0, width: 0, height: 0 },
    scales: {
      x: { time: true, range: (_u, lo, hi) => look.view.x ?? span(lo, hi) },
      ...Object.fromEntries((used.length ? used : [0]).map((i) => [scaleOf(i), scale(look, i)])),
    },
    bands: bands(series, places, solid),
    series: [{}, ...places.map((k) => one(series[k] as Line, solid[k] ?? '', look, k, groups.size === 1, alone))],
    axes: [
      {
        stroke: colour('--axis'),
        font: FONT,
        grid: { show: false },
        ticks: { show: false },
        size: 26,
        gap: 6,
        space: plot.clientWidth < 480 ? 64 : 92,
        values: (_u, v, _a, _s, step) => ticks(v, step),
      },
      ...(used.length ? used : [0]).map((i) => axis(look, i)),
    ],
    hooks: {
      drawAxes: [(u) => thresholds(u, look.data, true)],
      draw: [
        (u) => {
          thresholds(u, look.data, false);
          marks(u, look.data);
        },
      ],
      setCursor: [look.hover],
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
