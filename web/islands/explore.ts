/** `<ph-explore>`: runs the queries of the form without leaving the page, keeps a local history, adds and removes rows, exports. */
import type { Chart } from './chart.ts';
import type { Editor } from './editor.ts';
import { html } from '../lib/html.ts';
import { csv, type Frame } from '../lib/stats.ts';
import { remember, recall } from '../lib/history.ts';
import { toast } from '../lib/say.ts';
import { n as counted, t } from '../lib/words.ts';

class Explore extends HTMLElement {
  private undo: (() => void)[] = [];

  private get form(): HTMLFormElement {
    return this.querySelector('form.q') as HTMLFormElement;
  }
  private get chart(): Chart | null {
    return this.querySelector('ph-chart');
  }
  private get rows(): HTMLElement[] {
    return [...this.form.querySelectorAll<HTMLElement>('.row')];
  }
  private get queries(): string[] {
    return this.rows.map((r) => r.querySelector('textarea')?.value.trim() ?? '');
  }

  connectedCallback(): void {
    this.addEventListener('submit', (e) => {
      if (e.target !== this.form) return;
      const by = (e as SubmitEvent).submitter as HTMLButtonElement | null;
      if (by?.dataset.x === 'board') {
        e.preventDefault();
        this.toBoard(by);
        return;
      }
      // An alert is made on a page of its own.
      if (by?.hasAttribute('formaction')) return;
      e.preventDefault();
      if (by?.name === 'add') this.add();
      else this.run();
    });
    this.addEventListener('ph:run', () => this.run());
    this.addEventListener('ph:frame', (e) => this.report((e as CustomEvent<{ frame: Frame | null; ms: number }>).detail));
    this.addEventListener('click', (e) => this.pressed(e));
    const back = () => {
      if (new URLSearchParams(location.search).getAll('q').join('\n') !== this.asked) location.reload();
    };
    addEventListener('popstate', back);
    this.undo.push(() => removeEventListener('popstate', back));
    document.getElementById('hist')?.addEventListener('beforetoggle', () => this.listHistory());
    this.asked = new URLSearchParams(location.search).getAll('q').join('\n');
    if (!this.queries.some(Boolean)) this.rows[0]?.querySelector<HTMLElement>('textarea')?.focus();
  }
  private asked = '';

  disconnectedCallback(): void {
    this.undo.forEach((f) => f());
  }

  private params(): URLSearchParams {
    const now = new URLSearchParams(location.search),
      next = new URLSearchParams();
    for (const [k, v] of new FormData(this.form)) if (String(v).trim() !== '') next.append(k, String(v).trim());
    for (const k of ['from', 'to', 'view', 'refresh']) {
      next.delete(k);
      const v = now.get(k);
      if (v) next.set(k, v);
    }
    return next;
  }

  /** To the dashboards, with what is written and how it is shown now. */
  private toBoard(by: HTMLButtonElement): void {
    const next = this.params();
    if (!next.has('q')) {
      toast(t('Write a query first.'));
      return;
    }
    next.delete('refresh');
    const unit = this.chart ? this.chart.frame?.unit : by.value;
    if (unit) next.set('unit', unit);
    location.assign(`${by.formAction}?${next}`);
  }

  private run(): void {
    const queries = this.queries.filter(Boolean);
    if (!queries.length) {
      toast(t('Write a query first.'));
      return;
    }
    queries.forEach((q) => remember(q));
    const next = this.params();
    const url = `${location.pathname}?${next}`;
    const first = !this.asked;
    if (!first && this.chart && next.toString() !== new URLSearchParams(location.search).toString()) history.pushState(null, '', url);
    this.asked = next.getAll('q').join('\n');
    this.rows.forEach((r) => {
      r.querySelector('.qerr')?.remove();
      r.querySelector<Editor>('ph-editor')?.problem?.(null);
    });
    // Tables, and the first result, only the server can draw.
    if (first || !this.chart) {
      location.assign(url);
      return;
    }
    const title = this.querySelector<HTMLElement>('#result h2');
    if (title) title.textContent = title.title = queries.length === 1 ? (queries[0] ?? '') : t('Result');
    const src = new URLSearchParams();
    this.queries.forEach((q) => {
      if (q) src.append('q', q);
    });
    for (const k of ['step', 'legend']) {
      const v = next.get(k);
      if (v) src.set(k, v);
    }
    this.chart.setAttribute('src', `/ui/chart?${src}`);
    void this.chart.load();
    void this.explain();
  }

  /** Places what came back: counts, notes, and each error under its query. */
  private report({ frame, ms }: { frame: Frame | null; ms: number }): void {
    const summary = this.querySelector('[data-summary]'),
      notes = this.querySelector<HTMLElement>('[data-notes]');
    if (!frame) return;
    const shown = frame.series.length,
      total = frame.total ?? shown;
    const points = frame.series.reduce((n, s) => n + s.v.reduce((m: number, v) => m + (v == null ? 0 : 1), 0), 0);
    if (summary)
      summary.textContent = [
        counted(total, '{} series', '{} series'),
        counted(points, '{} point', '{} points'),
        t('step {}', `${frame.step} s`),
        t('{} ms', Math.round(ms)),
      ].join(' · ');
    const lines = [
      ...(frame.warnings ?? []).map((text) => ({ text, cls: 'w' })),
      ...(frame.infos ?? []).map((text) => ({ text, cls: '' })),
    ];
    if (total > shown)
      lines.unshift({
        text: t(
          '{} series, showing the {} highest. Add a label filter or an aggregation to see the others.',
          total.toLocaleString('en'),
          shown,
        ),
        cls: '',
      });
    if (notes) {
      notes.hidden = !lines.length;
      notes.innerHTML = html`${lines.map((l) => html`<p class="${l.cls}">${l.text}</p>`)}`.text;
    }
    const asked = this.rows.filter((r) => r.querySelector('textarea')?.value.trim());
    asked.forEach((r, i) => {
      r.querySelector('.qerr')?.remove();
      const error = frame.errors?.find((x) => x.q === i);
      r.querySelector<Editor>('ph-editor')?.problem?.(error ?? null);
      if (error) r.insertAdjacentHTML('beforeend', html`<div class="qerr" role="alert">${error.message}</div>`.text);
    });
  }

  private add(text = ''): void {
    const template = this.querySelector<HTMLTemplateElement>('template');
    if (!template || this.rows.length >= 10) {
      toast('Ten queries are the most one chart takes.');
      return;
    }
    const row = template.content.firstElementChild?.cloneNode(true) as HTMLElement;
    const area = row.querySelector('textarea');
    if (area) area.value = text;
    this.rows.at(-1)?.after(row);
    this.letters();
    row.querySelector<Editor>('ph-editor')?.focus();
  }

  private letters(): void {
    this.rows.forEach((r, i) => {
      const id = r.querySelector('.id');
      if (id) id.textContent = String.fromCharCode(65 + i);
    });
  }

  private pressed(e: MouseEvent): void {
    const el = (e.target as Element).closest<HTMLElement>('[data-x]');
    if (!el) return;
    const what = el.dataset.x;
    if (what === 'remove') {
      if (this.rows.length > 1) el.closest('.row')?.remove();
      else {
        const editor = this.rows[0]?.querySelector<Editor>('ph-editor');
        if (editor) editor.value = '';
      }
      this.letters();
    } else if (what === 'explain') {
      const box = this.querySelector<HTMLElement>('#explain');
      if (!box) return;
      box.hidden = !box.hidden;
      el.setAttribute('aria-expanded', String(!box.hidden));
      void this.explain();
    } else if (what === 'csv') this.download();
    else if (what === 'use') {
      const rows = this.rows,
        editor = rows.at(-1)?.querySelector<Editor>('ph-editor');
      if (editor) {
        editor.value = el.dataset.q ?? '';
        document.getElementById('hist')?.hidePopover();
        this.run();
      }
    } else if ((what === 'graph' || what === 'stacked') && this.chart) {
      e.preventDefault();
      const u = new URL(location.href);
      u.searchParams.set('view', what);
      history.pushState(null, '', u);
      this.querySelectorAll('[data-x="graph"],[data-x="stacked"]').forEach((a) => {
        if (a === el) a.setAttribute('aria-current', 'true');
        else a.removeAttribute('aria-current');
      });
      this.chart.toggleAttribute('stack', what === 'stacked');
      this.chart.draw(true);
    }
  }

  /** Tells each query step by step, while the box for it is open. */
  private async explain(): Promise<void> {
    const box = this.querySelector<HTMLElement>('#explain');
    if (!box || box.hidden) return;
    const { explain } = await import('../lang/explain.ts');
    const told = await Promise.all(
      this.rows.map(async (row) => {
        const query = row.querySelector('textarea')?.value.trim() ?? '';
        if (!query) return '';
        const res = await fetch('/api/v1/parse_query', {
          method: 'POST',
          body: new URLSearchParams({ query }),
          headers: { 'x-requested-with': 'pharos' },
        }).catch(() => null);
        const body = (await res?.json().catch(() => null)) as { data?: Parameters<typeof explain>[0]; error?: string } | null;
        if (!body?.data) return html`<p class="crit-t" dir="auto">${body?.error ?? t('The server cannot be reached.')}</p>`.text;
        return html`<ol>${explain(body.data).map((step) => html`<li><code dir="ltr">${step.code}</code><span>${step.words}</span></li>`)}</ol>`
          .text;
      }),
    );
    box.innerHTML = told.join('') || html`<p>${t('Write a query first.')}</p>`.text;
  }

  private listHistory(): void {
    const box = document.getElementById('hist');
    if (!box) return;
    const list = recall();
    box.innerHTML = list.length
      ? html`${list.map((q) => html`<button type="button" data-x="use" data-q="${q}" title="${q}">${q}</button>`)}`.text
      : html`<p>${t('Queries you run are kept here, in this browser only.')}</p>`.text;
  }

  private download(): void {
    const frame = this.chart?.frame;
    const table = this.querySelector<HTMLTableElement>('#result table');
    const text = frame
      ? csv(frame)
      : table
        ? [...table.rows]
            .map((r) => [...r.cells].map((c) => `"${(c.dataset.text ?? c.textContent ?? '').trim().replaceAll('"', '""')}"`).join(','))
            .join('\n') + '\n'
        : '';
    if (!text) {
      toast(t('There is nothing to export yet.'));
      return;
    }
    const a = document.createElement('a');
    a.href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
    a.download = 'pharos.csv';
    a.click();
    URL.revokeObjectURL(a.href);
  }
}
customElements.define('ph-explore', Explore);
