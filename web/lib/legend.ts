/** The legend of a chart: a sortable table (`.leg`) or one line (`.legline`). Click = only this, Ctrl = toggle, hover = light. */
import { format, type Unit } from './format.ts';
import { html } from './html.ts';
import type { Stats } from './stats.ts';
import { t } from './words.ts';

export interface Row extends Stats {
  name: string;
  css: string;
}
type Column = 'name' | keyof Stats;
const COLUMNS: [Column, string, string][] = [
  ['name', 'Series', ''],
  ['last', 'Last', 'num'],
  ['min', 'Min', 'num opt'],
  ['max', 'Max', 'num opt'],
  ['mean', 'Mean', 'num opt'],
];

export class Legend {
  private rows: Row[] = [];
  private shown: boolean[] = [];
  private unit: Unit = 'short';
  private sort: Column = 'mean';
  private ascending = false;
  private readonly box: HTMLElement;

  constructor(box: HTMLElement, show: (shown: boolean[]) => void, light: (k: number | null) => void) {
    this.box = box;
    box.addEventListener('click', (e) => {
      const b = (e.target as Element).closest<HTMLElement>('button');
      if (b?.dataset.s) {
        const s = b.dataset.s as Column;
        this.ascending = this.sort === s ? !this.ascending : s === 'name';
        this.sort = s;
        this.render();
      } else if (b?.dataset.k) {
        const k = Number(b.dataset.k);
        const solo = this.shown[k] && this.shown.filter(Boolean).length === 1;
        this.shown = e.ctrlKey || e.metaKey ? this.shown.map((s, j) => (j === k ? !s : s)) : this.shown.map((_, j) => solo || j === k);
        show(this.shown);
        this.render();
      }
    });
    box.addEventListener('mouseover', (e) => {
      const b =
        (e.target as Element).closest('tr, li, button')?.querySelector<HTMLElement>('[data-k]') ??
        (e.target as Element).closest<HTMLElement>('[data-k]');
      light(b ? Number(b.dataset.k) : null);
    });
    box.addEventListener('mouseleave', () => light(null));
  }

  draw(rows: Row[], shown: boolean[], unit: Unit): void {
    this.rows = rows;
    this.shown = shown;
    this.unit = unit;
    this.render();
  }

  clear(): void {
    this.rows = [];
    this.box.replaceChildren();
  }

  /** Shows values at the cursor, or the last ones. */
  values(at: (number | null)[] | null): void {
    if (!this.box.classList.contains('leg')) return;
    this.box.querySelectorAll<HTMLElement>('td[data-v]').forEach((td) => {
      const k = Number(td.dataset.v);
      td.textContent = format(at ? at[k] : this.rows[k]?.last, this.unit);
    });
    const head = this.box.querySelector('[data-s="last"]');
    if (head) head.textContent = t(at ? 'At cursor' : 'Last');
  }

  private render(): void {
    const focused = (document.activeElement as HTMLElement | null)?.dataset;
    const refocus = this.box.contains(document.activeElement)
      ? focused?.s
        ? `[data-s="${focused.s}"]`
        : `button[data-k="${focused?.k}"]`
      : '';
    const scroll = this.box.scrollTop;
    this.box.innerHTML = this.box.classList.contains('leg') ? this.table() : this.line();
    this.box.scrollTop = scroll;
    if (refocus) this.box.querySelector<HTMLElement>(refocus)?.focus();
  }

  private line(): string {
    return html`${this.rows.map((r, k) => html`<button data-k="${k}" aria-pressed="${String(this.shown[k] ?? true)}"><i class="sw" style="--k:${r.css}"></i><span>${r.name}</span></button>`)}`
      .text;
  }

  private table(): string {
    const top = Math.max(...this.rows.map((r) => Math.abs(r.mean ?? 0))) || 1;
    const by = this.sort;
    const sorted = this.rows
      .map((r, k) => ({ r, k }))
      .sort((a, b) => {
        const d =
          by === 'name' ? b.r.name.localeCompare(a.r.name, 'en', { numeric: true }) : (b.r[by] ?? -Infinity) - (a.r[by] ?? -Infinity);
        return (Number.isNaN(d) ? 0 : d) * (this.ascending ? -1 : 1);
      });
    const head = COLUMNS.map(
      ([id, text, cls]) =>
        html`<th class="${cls}" ${by === id ? (this.ascending ? 'aria-sort=ascending' : 'aria-sort=descending') : ''}><button data-s="${id}">${t(text)}</button></th>`,
    );
    const body = sorted.map(
      ({ r, k }) =>
        html`<tr class="${this.shown[k] ? '' : 'off'}"><td class="bar" style="--w:${(Math.abs(r.mean ?? 0) / top).toFixed(3)};--k:${r.css}"><button class="nm" data-k="${k}" aria-pressed="${String(this.shown[k] ?? true)}" title="${r.name}"><i class="sw" style="--k:${r.css}"></i><span class="mono">${r.name}</span></button></td><td class="num" data-v="${k}">${format(r.last, this.unit)}</td><td class="num dim opt">${format(r.min, this.unit)}</td><td class="num dim opt">${format(r.max, this.unit)}</td><td class="num dim opt">${format(r.mean, this.unit)}</td></tr>`,
    );
    return html`<table class="tbl"><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`.text;
  }
}
