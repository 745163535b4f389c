/** The legend of a dashboard's chart: a list or a table with the server's values. Click = only this, Ctrl = toggle, hover = light. */
import { html } from '../html.ts';
import { t } from '../words.ts';

export interface Row {
  k: number;
  name: string;
  css: string;
  dashed: boolean;
  values: string[];
  numbers: (number | null)[];
}
export interface LegendLook {
  mode: 'list' | 'table' | 'hidden';
  heads: string[];
  sort?: string;
  descending?: boolean;
}

/** Which are shown after a click on one: only it, all again, or with Ctrl one more or less. */
export function chosen(shown: boolean[], k: number, toggles: boolean): boolean[] {
  if (toggles) return shown.map((s, j) => (j === k ? !s : s));
  const solo = shown[k] && shown.filter(Boolean).length === 1;
  return shown.map((_, j) => solo || j === k);
}

/** Rows in the order of a column; -1 is the name, null as given. Those without a value stand last. */
export function ordered(rows: Row[], by: number | null, descending: boolean): Row[] {
  if (by == null) return rows;
  const value = (r: Row) => r.numbers[by] ?? null,
    turn = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    if (by < 0) return a.name.localeCompare(b.name, 'en', { numeric: true }) * turn;
    const x = value(a),
      y = value(b);
    return x == null || y == null ? Number(x == null) - Number(y == null) : (x - y) * turn;
  });
}

export class Legend {
  private rows: Row[] = [];
  private shown: boolean[] = [];
  private look: LegendLook = { mode: 'list', heads: [] };
  private by: number | null = null;
  private descending = true;
  private touched = false;
  private drawn = '';

  constructor(
    private readonly box: HTMLElement,
    private readonly show: (shown: boolean[]) => void,
    light: (k: number | null) => void,
  ) {
    box.addEventListener('click', (e) => this.click(e));
    const over = (e: Event) => {
      const b =
        (e.target as Element).closest('tr, button')?.querySelector<HTMLElement>('[data-k]') ??
        (e.target as Element).closest<HTMLElement>('[data-k]');
      light(b ? Number(b.dataset.k) : null);
    };
    box.addEventListener('mouseover', over);
    box.addEventListener('focusin', over);
    for (const on of ['mouseleave', 'focusout']) box.addEventListener(on, () => light(null));
  }

  private click(e: MouseEvent): void {
    const b = (e.target as Element).closest<HTMLElement>('button');
    if (b?.dataset.s) {
      const by = Number(b.dataset.s);
      this.descending = this.by === by ? !this.descending : by >= 0;
      this.by = by;
      this.touched = true;
    } else if (b?.dataset.k) {
      this.shown = chosen(this.shown, Number(b.dataset.k), e.ctrlKey || e.metaKey);
      this.show(this.shown);
    } else return;
    this.render();
  }

  draw(rows: Row[], shown: boolean[], look: LegendLook): void {
    if (!this.touched) {
      const at = look.heads.indexOf(look.sort ?? '');
      this.by = at >= 0 ? at : look.sort === 'Name' ? -1 : null;
      this.descending = look.descending ?? true;
    }
    Object.assign(this, { rows, shown, look });
    this.render();
  }

  private render(): void {
    const next = this.look.mode === 'table' ? this.table() : this.list();
    if (next === this.drawn) return;
    this.drawn = next;
    const active = this.box.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset : null;
    const { scrollTop, scrollLeft } = this.box;
    this.box.innerHTML = next;
    this.box.scrollTop = scrollTop;
    this.box.scrollLeft = scrollLeft;
    if (active) this.box.querySelector<HTMLElement>(active.s ? `[data-s="${active.s}"]` : `button[data-k="${active.k}"]`)?.focus();
  }

  private name(r: Row) {
    return html`<button class="nm" data-k="${r.k}" aria-pressed="${String(this.shown[r.k] ?? true)}" title="${r.name}"><i class="sw${r.dashed ? ' dash' : ''}" style="--k:${r.css}"></i><span>${r.name}</span></button>`;
  }

  private list(): string {
    return html`<ul>${this.rows.map((r) => html`<li>${this.name(r)}${r.values.map((v, i) => html`<small>${this.look.heads[i] ?? ''} <b>${v}</b></small>`)}</li>`)}</ul>`
      .text;
  }

  private table(): string {
    const sort = (i: number) => (this.by === i ? (this.descending ? 'aria-sort=descending' : 'aria-sort=ascending') : '');
    const head = this.look.heads.map((h, i) => html`<th class="num" ${sort(i)}><button data-s="${i}">${h}</button></th>`);
    const body = ordered(this.rows, this.by, this.descending).map(
      (r) =>
        html`<tr class="${(this.shown[r.k] ?? true) ? '' : 'off'}"><td>${this.name(r)}</td>${r.values.map((v) => html`<td class="num">${v}</td>`)}</tr>`,
    );
    return html`<table class="tbl"><thead><tr><th ${sort(-1)}><button data-s="-1">${t('Name')}</button></th>${head}</tr></thead><tbody>${body}</tbody></table>`
      .text;
  }
}
