/** `<ph-chart src unit stack sync>`: a time chart drawn by uPlot from a columnar frame, with tooltip and legend. */
import uPlot from 'uplot';
import { format, type Unit } from '../lib/format.ts';
import { html } from '../lib/html.ts';
import { isLive, shifted, zoomedOut } from '../lib/range.ts';
import * as range from '../lib/page_range.ts';
import { slots } from '../lib/slots.ts';
import { number, stats, type Frame } from '../lib/stats.ts';
import { onTheme, slotCss } from '../lib/theme.ts';
import { Legend } from '../lib/legend.ts';
import { options, type Look } from '../lib/plot.ts';
import { gestures, type View } from '../lib/gestures.ts';
import { n as counted, t } from '../lib/words.ts';
import { CLOCK, DAY, show as moment } from '../lib/zone.ts';

const TIP_MAX = 7;
const POINTS_MAX = 2000;
/** Colours of series, for all charts of the page. */
const known = new Map<string, number>();

export class Chart extends HTMLElement {
  frame: Frame | null = null;
  private u: uPlot | null = null;
  private shown: boolean[] = [];
  private css: string[] = [];
  private plot!: HTMLElement;
  private tip!: HTMLElement;
  private legend: Legend | null = null;
  private undo: (() => void)[] = [];
  private ctl: AbortController | null = null;
  private visible = true;
  private dirty = false;
  private drawnFor = '';
  private view: View = { x: null, y: null };

  get unit(): Unit {
    return (this.getAttribute('unit') ?? this.frame?.unit ?? 'short') as Unit;
  }
  private get called(): string {
    return this.getAttribute('title-text') ?? t('Chart');
  }
  get stacked(): boolean {
    return this.hasAttribute('stack');
  }

  connectedCallback(): void {
    this.plot = this.querySelector('.plot') ?? this.appendChild(Object.assign(document.createElement('div'), { className: 'plot' }));
    this.plot.tabIndex = 0;
    this.plot.setAttribute('role', 'img');
    this.plot.setAttribute('aria-label', this.called);
    this.tip = Object.assign(document.createElement('div'), { className: 'tip', hidden: true });
    this.append(this.tip);
    const box = this.querySelector<HTMLElement>('.leg, .legline');
    if (box)
      this.legend = new Legend(
        box,
        (shown) => this.show(shown),
        (k) => this.u?.setSeries(k == null ? (null as unknown as number) : this.at(k), { focus: true }),
      );
    const load = () => {
      this.view.x = this.view.y = null;
      void this.load();
    };
    const again = () => this.draw(true);
    const refresh = () => {
      if (!isLive(range.get()) || this.ctl) return;
      if (this.visible) load();
      else this.dirty = true;
    };
    addEventListener('ph:range', load);
    addEventListener('ph:refresh', refresh);
    // Canvases keep the colours and times they were drawn with.
    for (const on of ['ph:zone', 'ph:print']) addEventListener(on, again);
    const size = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = this.plot;
      // On paper the canvas is scaled instead.
      if (matchMedia('print').matches || !height) return;
      if (this.u && width && (width !== this.u.width || height !== this.u.height)) this.u.setSize({ width, height });
    });
    size.observe(this.plot);
    const seen = new IntersectionObserver(([e]) => {
      this.visible = e?.isIntersecting ?? true;
      if (this.visible && this.dirty) {
        this.dirty = false;
        load();
      }
    });
    seen.observe(this);
    this.plot.addEventListener('keydown', (e) => this.key(e));
    this.undo = [
      () => removeEventListener('ph:range', load),
      () => removeEventListener('ph:refresh', refresh),
      () => {
        for (const on of ['ph:zone', 'ph:print']) removeEventListener(on, again);
      },
      () => size.disconnect(),
      () => seen.disconnect(),
      onTheme(() => this.draw(true)),
    ];
    load();
  }

  disconnectedCallback(): void {
    this.undo.forEach((f) => f());
    this.ctl?.abort();
    this.u?.destroy();
    this.u = null;
  }

  /** Fetches the frame for the page's range and draws it; what is drawn stays until then. */
  async load(): Promise<void> {
    this.ctl?.abort();
    const ctl = (this.ctl = new AbortController());
    const panel = this.closest('.panel');
    const url = new URL(this.getAttribute('src') ?? '', location.href);
    const r = range.get();
    url.searchParams.set('from', r.from);
    url.searchParams.set('to', r.to);
    url.searchParams.set('points', String(Math.max(50, Math.min(POINTS_MAX, this.plot.clientWidth || 600))));
    const bar = window.setTimeout(() => {
      if (!panel?.querySelector('.prog')) panel?.insertAdjacentHTML('afterbegin', '<div class="prog"></div>');
    }, 200);
    const started = performance.now();
    try {
      const res = await fetch(url, { signal: ctl.signal, headers: { 'x-requested-with': 'pharos' } });
      const body = (await res.json().catch(() => null)) as Frame | null;
      if (!body?.series) throw new Error(t('The server answered {}.', res.status));
      this.frame = body;
      panel?.classList.remove('stale');
      panel?.removeAttribute('title');
      if (body.errors?.length && !body.series.length)
        this.say(
          this.closest('ph-explore') ? t('No result. The reason stands under the query.') : body.errors.map((e) => e.message).join('\n'),
          !this.closest('ph-explore'),
        );
      else this.draw(false);
      this.dispatchEvent(new CustomEvent('ph:frame', { bubbles: true, detail: { frame: body, ms: performance.now() - started } }));
    } catch (e) {
      if (ctl.signal.aborted) return;
      const message = e instanceof TypeError ? t('The server cannot be reached.') : (e as Error).message;
      if (this.u) {
        panel?.classList.add('stale');
        panel?.setAttribute('title', message);
      } else this.say(message, true);
      this.dispatchEvent(new CustomEvent('ph:frame', { bubbles: true, detail: { frame: null, message } }));
    } finally {
      clearTimeout(bar);
      if (this.ctl === ctl) {
        this.ctl = null;
        panel?.querySelector('.prog')?.remove();
      }
    }
  }

  private say(text: string, bad = false): void {
    this.u?.destroy();
    this.u = null;
    this.drawnFor = '';
    this.plot.setAttribute('aria-label', `${this.called}: ${text}`);
    this.plot.innerHTML = html`<div class="skel ${bad ? 'bad' : ''}" ${bad ? 'role=alert' : ''}><b>${text}</b></div>`.text;
    this.legend?.clear();
  }

  /** Draws the frame: new data into the kept chart when only values changed. */
  draw(anew: boolean): void {
    const f = this.frame;
    if (!f) return;
    if (!f.series.length) {
      this.say(this.getAttribute('empty') ?? t('No data in this range.'));
      return;
    }
    const means = new Map(f.series.map((s) => [s, stats(s.v).mean ?? -Infinity]));
    // The largest part of a stack lies at the bottom.
    if (this.stacked) f.series.sort((a, b) => (means.get(b) ?? 0) - (means.get(a) ?? 0));
    const names = f.series.map((s) => JSON.stringify([s.q ?? 0, s.name, s.labels]));
    const fixed = this.fixedColours();
    this.css = slots(
      names,
      f.series.map((s) => means.get(s) ?? 0),
      known,
    ).map((slot, i) => {
      const token = fixed[f.series[i]?.name ?? ''];
      return token ? `var(${token})` : f.series.length === 1 ? 'var(--c1)' : slotCss(slot);
    });
    const look: Look = { css: this.css, unit: this.unit, stacked: this.stacked, view: this.view, tip: (u) => this.hover(u) };
    const key = [names.join(), this.unit, this.stacked, this.css.join()].join('|');
    if (key !== this.drawnFor) this.shown = f.series.map(() => true);
    if (!anew && this.u && key === this.drawnFor) {
      this.u.batch(() => {
        this.u?.setData(this.data(f));
      });
    } else {
      this.u?.destroy();
      this.plot.replaceChildren();
      this.u = new uPlot(options(this.plot, f, look, this.shown), this.data(f), this.plot);
      gestures(this.u, this.view);
      this.u.over.addEventListener('dblclick', () => {
        if (this.view.y) {
          this.view.y = null;
          this.draw(true);
        } else range.set(zoomedOut(range.get(), range.now()));
      });
      this.drawnFor = key;
    }
    this.legend?.draw(
      f.series.map((s, k) => ({ name: s.name, css: this.css[k] ?? '', ...stats(s.v) })),
      this.shown,
      this.unit,
    );
    this.describe(f);
    this.dataset.ready = '1';
  }

  /** `colours="user=--c1 system=--c2"`: colours that go with a name. */
  private fixedColours(): Record<string, string> {
    return Object.fromEntries(
      (this.getAttribute('colours') ?? '')
        .split(' ')
        .filter(Boolean)
        .map((pair) => pair.split('=') as [string, string]),
    );
  }

  private data(f: Frame): uPlot.AlignedData {
    const n = f.series[0]?.v.length ?? 0;
    const x = Array.from({ length: n }, (_, i) => f.start + i * f.step);
    const finite = (v: number | null) => (v != null && Number.isFinite(v) ? v : null);
    if (!this.stacked) return [x, ...f.series.map((s) => s.v.map((v) => finite(number(v))))];
    const sum = new Float64Array(n);
    // Where no part has a value, the whole has none either.
    const any = Array.from({ length: n }, (_, i) => f.series.some((s, k) => this.shown[k] && finite(number(s.v[i])) != null));
    const out = f.series.map((s, k) =>
      s.v.map((v, i) => (this.shown[k] && any[i] ? (sum[i] = (sum[i] ?? 0) + (finite(number(v)) ?? 0)) : null)),
    );
    return [x, ...out.reverse()];
  }

  /** The position of series `k` in uPlot's list; stacks are drawn from the top down. */
  private at(k: number): number {
    return this.stacked ? (this.frame?.series.length ?? 0) - k : k + 1;
  }

  private show(shown: boolean[]): void {
    this.shown = shown;
    const u = this.u,
      f = this.frame;
    if (!u || !f) return;
    u.batch(() => {
      shown.forEach((s, k) => u.setSeries(this.at(k), { show: s }));
      if (this.stacked) u.setData(this.data(f));
    });
  }

  private describe(f: Frame): void {
    const best = f.series
      .map((s) => ({ name: s.name, max: stats(s.v).max }))
      .sort((a, b) => (b.max ?? -Infinity) - (a.max ?? -Infinity))[0];
    this.plot.setAttribute(
      'aria-label',
      `${this.called}: ${counted(f.series.length, '{} series', '{} series')}, ${t('highest {} {}', best?.name ?? '', format(best?.max, this.unit))}. ${t('Left and right arrow keys read values.')}`,
    );
  }

  private hover(u: uPlot): void {
    const i = u.cursor.idx,
      f = this.frame;
    const mine = this.matches(':hover') || this.plot.matches(':focus');
    if (i == null || !f || (u.cursor.left ?? -1) < 0 || !mine) {
      this.tip.hidden = true;
      this.legend?.values(null);
      return;
    }
    const rows = f.series.map((s, k) => ({ k, name: s.name, v: number(s.v[i]) })).filter((r) => r.v != null && this.shown[r.k]);
    if (!this.stacked) rows.sort((a, b) => (b.v ?? 0) - (a.v ?? 0));
    const y = u.posToVal(u.cursor.top ?? 0, 'y');
    let near = 0,
      distance = Infinity,
      sum = 0;
    rows.forEach((r, k) => {
      sum += r.v ?? 0;
      const d = this.stacked ? (y <= sum && distance === Infinity ? 0 : Infinity) : Math.abs((r.v ?? 0) - y);
      if (d < distance) {
        distance = d;
        near = k;
      }
    });
    const from = Math.max(0, Math.min(rows.length - TIP_MAX, near - 3));
    const view = rows.slice(from, from + TIP_MAX);
    if (this.stacked) view.reverse();
    const at = new Date((f.start + i * f.step) * 1000),
      when = `${moment(at, DAY)} ${moment(at, CLOCK)}`;
    this.tip.innerHTML =
      html`<time>${when}</time><ul>${view.map((r) => html`<li class="${r === rows[near] && rows.length > 1 ? 'on' : ''}"><i class="sw" style="--k:${this.css[r.k] ?? ''}"></i><span>${r.name}</span><b>${format(r.v, this.unit)}</b></li>`)}</ul>${rows.length > view.length ? html`<div class="more">${t('and {} more', rows.length - view.length)}</div>` : ''}`.text;
    this.tip.hidden = rows.length === 0;
    const width = this.tip.offsetWidth,
      left = u.over.offsetLeft + (u.cursor.left ?? 0);
    this.tip.style.left = `${left + width + 24 > this.clientWidth ? Math.max(0, left - width - 14) : left + 14}px`;
    this.tip.style.top = `${Math.min(Math.max(4, (u.cursor.top ?? 0) - 40), Math.max(4, this.plot.clientHeight - this.tip.offsetHeight))}px`;
    this.legend?.values(f.series.map((s) => number(s.v[i])));
  }

  private key(e: KeyboardEvent): void {
    const u = this.u,
      f = this.frame;
    if (!u || !f) return;
    const n = f.series[0]?.v.length ?? 0,
      now = u.cursor.idx ?? n >> 1,
      by = e.shiftKey ? 20 : 1;
    const to: Record<string, number> = { ArrowLeft: now - by, ArrowRight: now + by, Home: 0, End: n - 1 };
    if (e.key === 'Escape') {
      u.setCursor({ left: -10, top: -10 });
      return;
    }
    if (e.altKey && (e.key === 'ArrowLeft' || e.key === 'ArrowRight')) {
      range.set(shifted(range.get(), e.key === 'ArrowLeft' ? -1 : 1, range.now()));
      return;
    }
    const i = to[e.key];
    if (i == null) return;
    e.preventDefault();
    u.setCursor({ left: u.valToPos(f.start + Math.max(0, Math.min(n - 1, i)) * f.step, 'x'), top: u.over.clientHeight / 2 });
  }
}
customElements.define('ph-chart', Chart);
