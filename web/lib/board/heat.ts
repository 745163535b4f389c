/** A heatmap: columns are time, rows are buckets. Colours as the dashboard says; else from the panel to blue in twelve steps, by the square root of the count. */
import { format } from '../format.ts';
import { html } from '../html.ts';
import * as page from '../page_range.ts';
import { colour, mix } from '../theme.ts';
import { n as counted, t } from '../words.ts';
import { css, type Drawing, type HeatData, type TimeData } from './data.ts';
import { ends, shadeOf, shades, STEPS, stepOf, strengths } from './shades.ts';
import { hush, noted, tell } from './tip.ts';
import { moment, ticks } from './times.ts';

/** Whether panels are dark: schemes begin with what is faint there. */
const isDark = (): boolean => {
  const [r = 0, g = 0, b = 0] = (colour('--surface').match(/[\d.]+/g) ?? []).map(Number);
  return 2 * r + 5 * g + b < 1020;
};
/** A shade for each of some values, from few to many. `edge`: where on a scale one begins. */
interface Shading {
  all: string[];
  low: number;
  high: number;
  of: (v: number) => number;
  edge: (at: number) => number;
}
/** Panels lower than this show no scale. */
const SCALE_FROM = 150;
const TOP = 6,
  BOTTOM = 26,
  RIGHT = 14;
const FONT = '11px "Inter Variable", system-ui, sans-serif';

export class HeatChart implements Drawing {
  private data: HeatData | null = null;
  private left = 50;
  private at = -1;
  private row = 0;
  private readonly plot: HTMLElement;
  private readonly cv: HTMLCanvasElement;
  private readonly mark: HTMLElement;
  private readonly scale: HTMLElement;
  private readonly size: ResizeObserver;

  constructor(
    body: HTMLElement,
    private readonly called: () => string,
  ) {
    body.innerHTML =
      '<div class="gp-chart"><div class="plot heat" tabindex="0" role="img"><canvas></canvas><i hidden></i><div class="u-select" hidden></div></div><div class="gp-scale" aria-hidden="true" hidden><b></b><i></i><b></b></div></div>';
    this.plot = body.querySelector('.plot') as HTMLElement;
    this.cv = body.querySelector('canvas') as HTMLCanvasElement;
    this.mark = body.querySelector('.plot > i') as HTMLElement;
    this.scale = body.querySelector('.gp-scale') as HTMLElement;
    this.plot.addEventListener('mousemove', (e) => this.over(e));
    for (const on of ['mouseleave', 'blur'])
      this.plot.addEventListener(on, () => {
        this.mark.hidden = true;
        hush(this);
      });
    this.plot.addEventListener('keydown', (e) => this.key(e));
    this.plot.addEventListener('mousedown', (e) => this.drag(e));
    this.size = new ResizeObserver(() => this.again());
    this.size.observe(this.plot);
  }

  draw(data: TimeData | HeatData): void {
    this.data = data as HeatData;
    this.again();
  }

  private box() {
    return {
      l: this.left,
      w: Math.max(1, this.plot.clientWidth - this.left - RIGHT),
      h: Math.max(1, this.plot.clientHeight - TOP - BOTTOM),
    };
  }

  private shading(d: HeatData): Shading {
    const said = d.colour ?? {},
      steps = said.steps ?? 64,
      [low, high] = ends(d.v, said);
    if (!said.scheme && !said.fill) {
      const own = Array.from({ length: STEPS }, (_, i) =>
        i < 8 ? mix('var(--heat)', '--surface', 21 + i * 11) : mix('var(--heat)', '--heat-hi', 80 - (i - 8) * 20),
      );
      return { all: own, low: 0, high, of: (v) => stepOf(v, high) - 1, edge: (at) => (at / STEPS) ** 2 };
    }
    const all = said.fill
      ? strengths(steps, said.exponent).map((part) => mix(css(said.fill ?? ''), '--surface', part))
      : shades(said.scheme ?? '', steps, isDark());
    if (said.reverse) all.reverse();
    return { all, low, high, of: (v) => shadeOf(v, [low, high], steps), edge: (at) => at / steps };
  }

  /** Which colour is which count, where there is room below the plot. */
  private showScale(d: HeatData, { all, low, high, edge }: Shading): void {
    const [from, band, to] = this.scale.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
    this.scale.hidden = d.scale === false || (this.plot.parentElement?.clientHeight ?? 0) < SCALE_FROM || !(high > low);
    from.textContent = format(low, d.unit, d.decimals);
    to.textContent = format(high, d.unit, d.decimals);
    band.style.background = `linear-gradient(90deg, ${all.map((one, i) => `${one} ${edge(i) * 100}% ${edge(i + 1) * 100}%`).join(', ')})`;
  }

  again(): void {
    const d = this.data;
    if (!d || !this.plot.clientWidth || matchMedia('print').matches) return;
    const shading = this.shading(d);
    this.showScale(d, shading);
    this.paint(d, shading);
    this.plot.setAttribute(
      'aria-label',
      `${this.called() || t('Chart')}: ${counted(d.rows.length, '{} bucket', '{} buckets')}, ${t('highest {}', format(shading.high, d.unit, d.decimals))}. ${t('Left and right arrow keys read values.')}`,
    );
  }

  private paint(d: HeatData, { all, of }: Shading): void {
    const c = this.cv.getContext('2d'),
      px = devicePixelRatio;
    if (!c) return;
    this.cv.width = this.plot.clientWidth * px;
    this.cv.height = this.plot.clientHeight * px;
    c.scale(px, px);
    c.font = FONT;
    this.left = Math.ceil(Math.max(24, ...d.rows.map((r) => c.measureText(r.label).width))) + 16;
    const { l, w, h } = this.box(),
      ny = d.rows.length;
    const cw = w / d.n,
      ch = h / ny,
      gap = ch > 6 ? 1 : 0;
    d.v.forEach((row, y) =>
      row.forEach((v, x) => {
        if (v == null || v <= 0) return;
        c.fillStyle = all[of(v)] ?? '';
        c.fillRect(l + x * cw, TOP + h - (y + 1) * ch + gap / 2, cw + 0.3, ch - gap);
      }),
    );
    this.axes(c, l, w, h);
  }

  private axes(c: CanvasRenderingContext2D, l: number, w: number, h: number): void {
    const d = this.data as HeatData,
      ny = d.rows.length,
      each = Math.max(1, Math.ceil((ny * 16) / h));
    c.fillStyle = colour('--axis');
    c.textAlign = 'right';
    c.textBaseline = 'middle';
    d.rows.forEach((r, y) => {
      if (y % each === 0) c.fillText(r.label, l - 8, TOP + h - ((y + 0.5) * h) / ny);
    });
    c.textBaseline = 'top';
    c.textAlign = 'center';
    const seconds = d.step * d.n,
      steps = [15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000];
    const by = steps.find((s) => seconds / s <= Math.max(2, w / 92)) ?? 31536000,
      off = new Date(d.start * 1000).getTimezoneOffset() * 60;
    const shown: number[] = [];
    for (let at = Math.ceil((d.start - off) / by) * by + off; at <= d.start + seconds; at += by) shown.push(at);
    ticks(shown, by).forEach((text, i) => {
      const x = l + (((shown[i] ?? 0) - d.start) / seconds) * w;
      if (x > l + 8 && x < l + w - 4) c.fillText(text, x, TOP + h + 9);
    });
  }

  private cell(x: number, y: number): [number, number] | null {
    const d = this.data,
      { l, w, h } = this.box();
    if (!d) return null;
    const i = Math.floor(((x - l) / w) * d.n),
      row = Math.floor(((h + TOP - y) / h) * d.rows.length);
    return i < 0 || i >= d.n || row < 0 || row >= d.rows.length ? null : [i, row];
  }

  private over(e: MouseEvent): void {
    const r = this.plot.getBoundingClientRect(),
      cell = this.cell(e.clientX - r.left, e.clientY - r.top);
    if (!cell) {
      this.mark.hidden = true;
      hush(this);
      return;
    }
    [this.at, this.row] = cell;
    this.tell(e.clientX, e.clientY);
  }

  private tell(x: number, y: number): void {
    const d = this.data as HeatData,
      { l, w, h } = this.box(),
      row = d.rows[this.row],
      v = d.v[this.row]?.[this.at];
    const ch = h / d.rows.length,
      when = d.start + this.at * d.step;
    this.mark.hidden = false;
    this.mark.style.cssText = `left:${l + (this.at * w) / d.n}px;top:${TOP + h - (this.row + 1) * ch}px;width:${Math.max(2, w / d.n)}px;height:${ch}px`;
    const notes = (d.marks ?? []).filter((m) => when + d.step >= m.at && when <= (m.until ?? m.at));
    tell(
      this,
      html`<time>${moment(when)}</time><ul><li><span>${row?.label ?? ''}</span><b>${format(v ?? 0, d.unit, d.decimals)}</b></li></ul>${notes.map(noted)}`
        .text,
      x,
      y,
    );
  }

  private key(e: KeyboardEvent): void {
    const d = this.data,
      step = ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] } as Record<string, [number, number]>)[e.key];
    if (!d || !step || e.altKey) return;
    e.preventDefault();
    e.stopPropagation();
    this.at = Math.max(0, Math.min(d.n - 1, (this.at < 0 ? d.n >> 1 : this.at) + step[0] * (e.shiftKey ? 20 : 1)));
    this.row = Math.max(0, Math.min(d.rows.length - 1, this.row + step[1]));
    const r = this.plot.getBoundingClientRect(),
      { l, w, h } = this.box();
    this.tell(r.left + l + ((this.at + 0.5) * w) / d.n, r.top + TOP + h - ((this.row + 0.5) * h) / d.rows.length);
  }

  /** Dragging chooses a range for the page. */
  private drag(e: MouseEvent): void {
    const d = this.data,
      r = this.plot.getBoundingClientRect(),
      { l, w, h } = this.box(),
      from = e.clientX - r.left;
    if (!d || e.button !== 0 || from < l || from > l + w) return;
    e.preventDefault();
    this.plot.focus({ preventScroll: true });
    const sel = this.plot.querySelector('.u-select') as HTMLElement,
      inside = (x: number) => Math.max(l, Math.min(l + w, x - r.left));
    const move = (m: MouseEvent) => {
      const a = Math.min(from, inside(m.clientX)),
        b = Math.max(from, inside(m.clientX));
      sel.hidden = b - a < 5;
      sel.style.cssText = `left:${a}px;width:${b - a}px;top:${TOP}px;height:${h}px`;
    };
    const up = (m: MouseEvent) => {
      removeEventListener('mousemove', move);
      removeEventListener('mouseup', up);
      sel.hidden = true;
      const a = Math.min(from, inside(m.clientX)),
        b = Math.max(from, inside(m.clientX)),
        at = (x: number) => d.start + ((x - l) / w) * d.n * d.step;
      if (b - a >= 5) page.set({ from: String(Math.floor(at(a))), to: String(Math.ceil(at(b))) });
    };
    addEventListener('mousemove', move);
    addEventListener('mouseup', up);
  }

  destroy(): void {
    this.size.disconnect();
    hush(this);
  }
  canvas(): HTMLCanvasElement {
    return this.cv;
  }
  names(): { name: string; css: string }[] {
    return [];
  }

  table(): { heads: string[]; rows: (string | number | null)[][] } {
    const d = this.data;
    return {
      heads: ['time', ...(d?.rows ?? []).map((r) => r.label)],
      rows: Array.from({ length: d?.n ?? 0 }, (_, i) => [
        new Date(Math.round(((d?.start ?? 0) + i * (d?.step ?? 0)) * 1000)).toISOString(),
        ...(d?.v ?? []).map((row) => row[i] ?? null),
      ]),
    };
  }
}
