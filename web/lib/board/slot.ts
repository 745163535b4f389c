/** A panel on the page: what it shows, whether it is in view, what it was asked for last. */
import { html } from '../html.ts';
import { t } from '../words.ts';
import { showTimes } from '../zone.ts';
import type { Answer, Drawing, Wanted } from './data.ts';
import { TimeChart } from './time.ts';

const BAR_AFTER_MS = 200;

export class Slot {
  isSeen = false;
  /** For which state of the page it was answered last; it is asked for again when that is older. */
  answered = -1;
  drawing: Drawing | null = null;
  private kind = '';
  private etag = '';
  private timer = 0;
  private again = false;

  constructor(
    readonly el: HTMLElement,
    private readonly sharesTip: () => boolean,
  ) {
    this.kindOf = el.dataset.kind ?? '';
  }

  get key(): string {
    return this.el.dataset.key ?? '';
  }
  /** The type of panel it was made for. */
  readonly kindOf: string;
  get body(): HTMLElement {
    return this.el.querySelector('.gp-body') as HTMLElement;
  }
  readonly title = (): string => this.el.querySelector('h2')?.textContent ?? '';

  wanted(): Wanted {
    const { clientWidth: w, clientHeight: h } = this.body;
    return { key: this.key, w: Math.round(w), h: Math.round(h), ...(this.etag ? { have: this.etag } : {}) };
  }

  /** Forgets what it has, so that it is sent whole. */
  forget(): void {
    this.etag = '';
  }

  waits(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      if (!this.el.querySelector('.prog')) this.el.insertAdjacentHTML('afterbegin', '<div class="prog"></div>');
    }, BAR_AFTER_MS);
  }
  rests(): void {
    clearTimeout(this.timer);
    this.el.querySelector('.prog')?.remove();
  }

  take(a: Answer): void {
    this.rests();
    if (a.error) {
      this.fail(a.error.text + (a.error.ref ? ` (${a.error.ref})` : ''));
      return;
    }
    this.el.classList.remove('stale');
    this.el.querySelector('.gp-err')?.remove();
    this.el.dataset.ready = '1';
    if (a.same) return;
    this.etag = a.etag ?? '';
    if (a.title != null) this.named(a.title);
    const more = (a.data as { more?: number } | undefined)?.more,
      notes = [...(a.notes ?? []), ...(more ? [t('{} more series are not shown', more)] : [])],
      note = this.el.querySelector<HTMLElement>('[data-note]');
    if (note) {
      note.textContent = [a.note, ...notes].filter(Boolean).join(' · ');
      note.title = notes.join('\n');
      note.classList.toggle('warn-t', notes.length > 0);
    }
    if (a.kind === 'time' && a.data) this.chart('time', a.data, () => new TimeChart(this.body, this.title, this.sharesTip));
    else if (a.kind === 'heat' && a.data) {
      const data = a.data,
        etag = this.etag;
      // Few dashboards have one: it is fetched when one is there.
      void import('./heat.ts').then((m) => {
        if (this.etag === etag && this.el.isConnected) this.chart('heat', data, () => new m.HeatChart(this.body, this.title));
      });
    } else if (a.kind === 'html') this.fill(a.html ?? '', 'html');
    else this.fill(html`<div class="gp-none" title="${a.text ?? ''}">${a.text || t('No data in this range.')}</div>`.text, 'empty');
  }

  private named(title: string): void {
    const link = this.el.querySelector('h2 a, h2');
    if (link && link.textContent !== title) link.textContent = title;
    this.el.classList.toggle('untitled', title === '');
  }

  private chart(kind: string, data: NonNullable<Answer['data']>, make: () => Drawing): void {
    if (this.kind !== kind || !this.drawing) {
      this.clear();
      this.drawing = make();
      this.kind = kind;
    }
    this.drawing.draw(data);
    this.again = false;
  }

  private fill(inside: string, kind: string): void {
    const top = this.body.scrollTop;
    this.clear();
    this.kind = kind;
    this.body.innerHTML = inside;
    showTimes(this.body);
    if (this.el.dataset.sorted || this.el.dataset.filtered) void import('./sort.ts').then((m) => m.restore(this.el));
    this.body.scrollTop = top;
    // What scrolls can be reached by keyboard.
    const scrolls = this.body.scrollHeight > this.body.clientHeight + 1 || this.body.scrollWidth > this.body.clientWidth + 1;
    if (scrolls) {
      this.body.tabIndex = 0;
      this.body.setAttribute('role', 'region');
      this.body.setAttribute('aria-label', this.title() || t('Panel'));
    } else for (const name of ['tabindex', 'role', 'aria-label']) this.body.removeAttribute(name);
  }

  /** What went wrong, in words: over what was there before, or instead of nothing. */
  fail(text: string): void {
    this.rests();
    this.el.dataset.ready = '1';
    this.el.querySelector('.gp-err')?.remove();
    if (!this.kind || this.kind === 'error') {
      this.fill(html`<div class="gp-none bad" role="alert">${text}</div>`.text, 'error');
      this.etag = '';
      return;
    }
    this.el.classList.add('stale');
    this.el.insertAdjacentHTML('beforeend', html`<div class="gp-err" role="status">${text}</div>`.text);
  }

  /** Draws again in other colours or another zone: at once in view, else when it comes into view. */
  redraw(): void {
    if (this.isSeen || matchMedia('print').matches) {
      this.drawing?.again();
      this.again = false;
    } else this.again = true;
  }
  seen(is: boolean): void {
    this.isSeen = is;
    if (is && this.again) this.redraw();
  }

  private clear(): void {
    this.drawing?.destroy();
    this.drawing = null;
    this.kind = '';
    this.body.replaceChildren();
  }
  destroy(): void {
    this.rests();
    this.drawing?.destroy();
    this.drawing = null;
  }
}
