/** A time chart in a panel: uPlot with the server's columns, its legend, tooltip and keys. */
import uPlot from 'uplot';
import { format } from '../format.ts';
import type { View } from '../gestures.ts';
import { html } from '../html.ts';
import * as page from '../page_range.ts';
import { shifted, zoomedOut } from '../range.ts';
import { number, stats } from '../stats.ts';
import { colour, mix } from '../theme.ts';
import { n as counted, t } from '../words.ts';
import { paints, type Drawing, type HeatData, type Line, type Mark, type TimeData } from './data.ts';
import { Legend } from './legend.ts';
import { options } from './plot.ts';
import { columns, nearest, order, type Column } from './stack.ts';
import { hush, noted, tell } from './tip.ts';
import { moment } from './times.ts';

const TIP_MAX = 12;
const RIGHT_FROM = 460;
/** How near the pointer must be to a mark, in pixels. */
const MARK_NEAR = 6;

/** Numbers behind the server's words in a legend, to sort by. */
function numbers(s: Line, heads: string[]): (number | null)[] {
  const own = stats(s.v),
    total = s.v.reduce((sum: number, v) => sum + (number(v) || 0), 0);
  const known: Record<string, number | null> = {
    'Last *': own.last,
    Last: own.last,
    Max: own.max,
    Min: own.min,
    Mean: own.mean,
    Total: total,
  };
  return heads.map((h) => known[h] ?? null);
}

export class TimeChart implements Drawing {
  private data: TimeData | null = null;
  private u: uPlot | null = null;
  private shown: boolean[] = [];
  private solid: string[] = [];
  private paint: string[] = [];
  private known = '';
  private built = '';
  private drawn: Column[] = [];
  private readonly view: View = { x: null, y: null };
  private readonly plot: HTMLElement;
  private readonly box: HTMLElement;
  private readonly legend: Legend;
  private readonly size: ResizeObserver;

  /** `sharesTip`: whether this chart tells its values when the pointer is on another one. */
  constructor(
    private readonly body: HTMLElement,
    private readonly called: () => string,
    private readonly sharesTip: () => boolean,
  ) {
    body.innerHTML = '<div class="gp-chart"><div class="plot" tabindex="0" role="img"></div><div class="gp-leg" hidden></div></div>';
    this.plot = body.querySelector('.plot') as HTMLElement;
    this.box = body.querySelector('.gp-leg') as HTMLElement;
    this.legend = new Legend(
      this.box,
      (shown) => this.choose(shown),
      (k) => this.u?.setSeries(k == null ? (null as unknown as number) : this.at(k), { focus: true }),
    );
    this.plot.addEventListener('keydown', (e) => this.key(e));
    this.plot.addEventListener('mouseleave', () => hush(this));
    this.plot.addEventListener('blur', () => hush(this));
    this.size = new ResizeObserver(() => this.fit());
    this.size.observe(this.plot);
  }

  private fit(): void {
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (!this.u || !width || !height || matchMedia('print').matches) return;
    if (width !== this.u.width || height !== this.u.height) this.u.setSize({ width, height });
  }

  draw(data: TimeData | HeatData): void {
    this.view.x = this.view.y = null;
    this.put(data as TimeData, false);
  }
  again(): void {
    if (this.data) this.put(this.data, true);
  }

  private put(data: TimeData, anew: boolean): void {
    const f = (this.data = data);
    const names = JSON.stringify(f.series.map((s) => [s.name, s.labels, s.q, s.hide?.viz]));
    if (names !== this.known) this.shown = f.series.map(() => true);
    this.known = names;
    // Everything but values and marks: when that stays, the chart stays.
    const { marks: _m, series, start: _s, legend, ...rest } = f;
    const looks = JSON.stringify([
      rest.axes,
      rest.thresholds,
      !!f.marks?.length,
      legend?.mode,
      legend?.place,
      series.map(({ v: _v, ...look }) => look),
    ]);
    this.paint = paints(f.series);
    this.frame(f);
    this.solid = this.paint.map((css) => mix(css, '--surface', 100));
    this.drawn = columns(f.series, f.axes, this.shown, f.step);
    if (!anew && this.u && looks === this.built) {
      this.look.data = f;
      this.u.setData(this.aligned());
    } else {
      this.u?.destroy();
      this.plot.replaceChildren();
      this.look = { data: f, shown: this.shown, view: this.view, solid: this.solid, hover: (u) => this.hover(u) };
      this.u = new uPlot(options(this.plot, this.look), this.aligned(), this.plot);
      // Moving the view is fetched beside drawing.
      const u = this.u;
      void import('../gestures.ts').then((m) => {
        if (this.u === u) m.gestures(u, this.view);
      });
      this.u.over.addEventListener('dblclick', () => {
        if (this.view.y) {
          this.view.y = null;
          this.again();
        } else page.set(zoomedOut(page.get(), page.now()));
      });
      this.built = looks;
      this.dots = null;
    }
    if (f.exemplars && !this.dots) this.point(this.u);
    this.describe();
  }
  private look!: Parameters<typeof options>[1];

  /** Exemplars are few: what draws them is fetched when there are some. */
  private point(u: uPlot): void {
    this.dots = () => '';
    void import('./exemplars.ts').then((m) => {
      if (this.u === u) {
        this.dots = m.exemplars(u, { data: () => this.data as TimeData, owner: this });
        this.describe();
      }
    });
  }
  private dots: (() => string) | null = null;

  /** The legend's place and rows, before the plot takes what is left. */
  private frame(f: TimeData): void {
    const { mode = 'list', place = 'bottom', calcs = [], values = [], sort, descending } = f.legend ?? {};
    const rows = f.series
      .map((s, k) => ({
        k,
        name: s.name,
        css: this.paint[k] ?? '',
        dashed: !!s.dash?.length,
        values: values[k] ?? [],
        numbers: numbers(s, calcs),
      }))
      .filter((r) => !f.series[r.k]?.hide?.legend && !f.series[r.k]?.hide?.viz);
    this.box.hidden = mode === 'hidden' || !rows.length;
    const right = place === 'right' && this.body.clientWidth >= RIGHT_FROM;
    this.box.parentElement?.classList.toggle('right', right && !this.box.hidden);
    this.box.classList.toggle('table', mode === 'table');
    if (!this.box.hidden) this.legend.draw(rows, this.shown, { mode, heads: calcs, sort, descending });
  }

  private aligned(): uPlot.AlignedData {
    const f = this.data as TimeData;
    const x = Array.from({ length: f.n }, (_, i) => f.start + i * f.step);
    return [x, ...order(f.series).map((k) => this.drawn[k] ?? [])] as uPlot.AlignedData;
  }

  /** The place of series `k` in uPlot's list. */
  private at(k: number): number {
    return order(this.data?.series ?? []).indexOf(k) + 1;
  }

  private choose(shown: boolean[]): void {
    const u = this.u,
      f = this.data;
    this.shown = shown;
    if (!u || !f) return;
    this.look.shown = shown;
    this.drawn = columns(f.series, f.axes, shown, f.step);
    u.batch(() => {
      shown.forEach((s, k) => u.setSeries(this.at(k), { show: s && !f.series[k]?.hide?.viz }));
      if (f.series.some((s) => s.stack)) u.setData(this.aligned());
    });
  }

  private describe(): void {
    const f = this.data as TimeData;
    const seen = f.series.filter((s) => !s.hide?.viz);
    const best = seen.map((s) => ({ s, max: stats(s.v).max })).sort((a, b) => (b.max ?? -Infinity) - (a.max ?? -Infinity))[0];
    const highest = best ? `, ${t('highest {} {}', best.s.name, this.text(best.s, best.max))}` : '';
    this.plot.setAttribute(
      'aria-label',
      `${this.called() || t('Chart')}: ${counted(seen.length, '{} series', '{} series')}${highest}. ${t('Left and right arrow keys read values.')}${this.dots?.() ?? ''}`,
    );
  }

  private text(s: Line, v: number | null): string {
    const axis = this.data?.axes[s.axis];
    return format(v, axis?.unit, axis?.decimals);
  }

  private hover(u: uPlot): void {
    const f = this.data,
      i = u.cursor.idx;
    const mine = this.plot.matches(':hover') || this.plot === document.activeElement;
    if (!f || i == null || (u.cursor.left ?? -1) < 0 || !(mine || this.sharesTip()) || f.tooltip?.mode === 'none') {
      hush(this);
      return;
    }
    const over = u.over.getBoundingClientRect();
    if (!mine && (over.bottom < 0 || over.top > innerHeight)) return;
    const x = over.left + (u.cursor.left ?? 0),
      top = u.cursor.top ?? 0;
    const marked = (f.marks ?? []).filter((m) => this.isNear(u, m));
    // Series in view at this time, in the order of their lines from the top.
    const at = f.series.map((s, k) =>
      (this.shown[k] ?? true) && !s.hide?.viz && !s.hide?.tooltip && s.v[i] != null
        ? u.valToPos(this.drawn[k]?.[i] ?? NaN, s.axis ? `y${s.axis}` : 'y')
        : null,
    );
    const near = nearest(at, top);
    let rows = at.flatMap((y, k) => (y == null || Number.isNaN(y) ? [] : [k]));
    const value = (k: number) => number(f.series[k]?.v[i]) ?? -Infinity;
    if (f.tooltip?.mode === 'single') rows = near < 0 ? [] : [near];
    else if (f.tooltip?.sort === 'up' || f.tooltip?.sort === 'down')
      rows.sort((a, b) => (value(a) - value(b)) * (f.tooltip?.sort === 'up' ? 1 : -1));
    const from = Math.max(0, Math.min(rows.length - TIP_MAX, rows.indexOf(near) - TIP_MAX / 2)),
      view = rows.slice(from, from + TIP_MAX);
    if (!rows.length && !marked.length) {
      hush(this);
      return;
    }
    const line = (k: number) => {
      const s = f.series[k] as Line;
      return html`<li class="${k === near && rows.length > 1 ? 'on' : ''}"><i class="sw" style="--k:${this.paint[k] ?? ''}"></i><span>${s.name}</span><b>${this.text(s, number(s.v[i]))}</b></li>`;
    };
    tell(
      mine ? this : (this.plot as unknown),
      html`<time>${moment(f.start + i * f.step)}</time><ul>${view.map(line)}</ul>${rows.length > view.length ? html`<div class="more">${t('and {} more', rows.length - view.length)}</div>` : ''}${marked.map(noted)}`
        .text,
      x,
      over.top + top,
    );
  }

  private isNear(u: uPlot, m: Mark): boolean {
    const left = u.cursor.left ?? -1,
      a = u.valToPos(m.at, 'x'),
      b = m.until == null ? a : u.valToPos(m.until, 'x');
    return left >= a - MARK_NEAR && left <= b + MARK_NEAR;
  }

  private key(e: KeyboardEvent): void {
    const u = this.u,
      f = this.data;
    if (!u || !f) return;
    const now = u.cursor.idx ?? f.n >> 1,
      by = e.shiftKey ? 20 : 1;
    const to: Record<string, number> = { ArrowLeft: now - by, ArrowRight: now + by, Home: 0, End: f.n - 1 };
    if (e.key === 'Escape' && (u.cursor.left ?? -1) >= 0) {
      e.stopPropagation();
      u.setCursor({ left: -10, top: -10 });
      return;
    }
    if (e.altKey && (e.key === 'ArrowLeft' || e.key === 'ArrowRight')) {
      page.set(shifted(page.get(), e.key === 'ArrowLeft' ? -1 : 1, page.now()));
      return;
    }
    const i = to[e.key];
    if (i == null) return;
    e.preventDefault();
    e.stopPropagation();
    u.setCursor({ left: u.valToPos(f.start + Math.max(0, Math.min(f.n - 1, i)) * f.step, 'x'), top: u.over.clientHeight / 2 });
  }

  destroy(): void {
    this.size.disconnect();
    this.u?.destroy();
    this.u = null;
    hush(this);
  }
  canvas(): HTMLCanvasElement | null {
    return this.u?.ctx.canvas ?? null;
  }
  names(): { name: string; css: string }[] {
    return (this.data?.series ?? []).flatMap((s, k) =>
      (this.shown[k] ?? true) && !s.hide?.viz && !s.hide?.legend ? [{ name: s.name, css: this.solid[k] ?? colour('--text') }] : [],
    );
  }

  table(): { heads: string[]; rows: (string | number | null)[][] } {
    const f = this.data,
      series = f?.series.filter((s) => !s.hide?.viz) ?? [];
    const rows = Array.from({ length: f?.n ?? 0 }, (_, i) => [
      new Date(Math.round(((f?.start ?? 0) + i * (f?.step ?? 0)) * 1000)).toISOString(),
      ...series.map((s) => s.v[i] ?? null),
    ]);
    return { heads: ['time', ...series.map((s) => s.name)], rows };
  }
}
