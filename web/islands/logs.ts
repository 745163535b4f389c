/** `<ph-logs>`: the search of lines without leaving the page: soft links, a list of any length, bars to drag on, live lines. */
import type { Editor } from './editor.ts';
import type { Compiled } from '../lang/logql.ts';
import { html } from '../lib/html.ts';
import { detail } from '../lib/logs/detail.ts';
import { clock, fresh, lines, nanos, newestFirst, type Labels, type Line, type Stream } from '../lib/logs/line.ts';
import { List } from '../lib/logs/list.ts';
import type { Tail } from '../lib/logs/tail.ts';
import { toast } from '../lib/say.ts';
import { learn, t } from '../lib/words.ts';
import { showTimes } from '../lib/zone.ts';

await learn({ ar: () => import('../lang/ar_logs.ts') });

/** Lines asked for at once, and lines in the list at most. */
const MORE = 1000,
  MAX = 20_000;

class Logs extends HTMLElement {
  private list: List | null = null;
  private tail: Tail | null = null;
  private asking: AbortController | null = null;
  private counting: AbortController | null = null;
  private loading = false;
  private done = false;
  private undo: (() => void)[] = [];

  private get form(): HTMLFormElement | null {
    return this.querySelector('form.lq');
  }
  private get found(): HTMLElement {
    return this.querySelector<HTMLElement>('#found') ?? this;
  }
  private get editor(): Editor | null {
    return this.querySelector('ph-editor');
  }
  private get button(): HTMLElement | null {
    return this.querySelector('[data-tail]');
  }

  connectedCallback(): void {
    this.setUp();
    this.addEventListener('click', (e) => this.pressed(e));
    this.addEventListener('keydown', (e) => this.key(e));
    this.addEventListener('submit', (e) => {
      const by = (e as SubmitEvent).submitter as HTMLButtonElement | null;
      // Other forms are the browser's, another language is the server's to translate into.
      if (e.target !== this.form || by?.name === 'to_lang') return;
      e.preventDefault();
      this.run();
    });
    this.addEventListener('ph:run', () => this.run());
    this.addEventListener('ph:compiled', (e) => this.compiled((e as CustomEvent<Compiled>).detail));
    const on = (name: string, f: () => void) => {
      addEventListener(name, f);
      this.undo.push(() => removeEventListener(name, f));
    };
    if (this.form) {
      on('ph:range', () => void this.go(location.href, false));
      on('ph:refresh', () => {
        if (!this.tail && !this.counting && this.list?.atTop !== false && !this.querySelector('[data-open]'))
          void this.go(location.href, false);
      });
    }
    on('ph:zone', () => this.list?.retime());
    const scrolled = () => this.more();
    document.addEventListener('scroll', scrolled, { capture: true, passive: true });
    this.undo.push(() => document.removeEventListener('scroll', scrolled, true));
    if (new URLSearchParams(location.search).get('live') === '1') void this.live();
  }

  disconnectedCallback(): void {
    this.undo.forEach((f) => f());
    this.counting?.abort();
    this.tail?.stop();
    this.list?.close();
  }

  /** Takes over what the server drew. */
  private setUp(): void {
    this.list?.close();
    this.list = null;
    this.done = false;
    const box = this.querySelector<HTMLElement>('.lines');
    if (box) {
      const sets = JSON.parse(box.dataset.sets ?? '[]') as Labels[];
      const first = [...box.querySelectorAll<HTMLElement>('.ln')].map((el): Line => ({
        t: el.dataset.t ?? '0',
        level: el.querySelector('b')?.textContent ?? '',
        labels: sets[Number(el.dataset.s)] ?? {},
        fields: JSON.parse(el.dataset.f ?? '{}') as Labels,
        text: el.dataset.raw ?? el.querySelector('span')?.textContent ?? '',
      }));
      const page = this.found.dataset.page ?? '/logs/line';
      // A page of one line is short and stays as the server drew it.
      if (this.form) this.list = new List(box, first, (line) => detail(line, page));
      else {
        const times = () =>
          box.querySelectorAll<HTMLElement>('.ln').forEach((el) => {
            const time = el.querySelector('time');
            if (time) time.textContent = clock(el.dataset.t ?? '0', true);
          });
        times();
        addEventListener('ph:zone', times);
        const mark = box.querySelector<HTMLElement>('.ln.mark');
        if (mark) box.scrollTop = mark.offsetTop - box.clientHeight / 2;
      }
    }
    const chart = this.querySelector<HTMLElement>('.bars');
    if (chart && !chart.classList.contains('wait')) void import('../lib/logs/bars.ts').then((m) => m.bars(chart));
    this.count();
    if (this.querySelector('ph-chart')) void import('./chart.ts');
    const patterns = this.querySelector<HTMLElement>('[data-patterns-list]');
    if (patterns)
      void import('../lib/logs/patterns.ts').then((m) =>
        m.show(patterns, this.found.dataset.logql ?? '', Number(this.found.dataset.from), Number(this.found.dataset.to)),
      );
    const wrong = this.querySelector<HTMLElement>('.qerr');
    this.editor?.problem?.(
      wrong?.dataset.start
        ? { message: wrong.dataset.message ?? '', start: Number(wrong.dataset.start), end: Number(wrong.dataset.end) }
        : null,
    );
    showTimes(this);
    this.dataset.ready = '1';
  }

  /** Has the rest counted where the page did not wait for it. */
  private count(): void {
    this.counting?.abort();
    this.counting = null;
    const src = this.found.dataset.counts;
    if (!src) return;
    const ctl = (this.counting = new AbortController());
    void import('../lib/logs/counts.ts')
      .then((m) => m.counts(this, src, ctl.signal))
      .finally(() => {
        if (this.counting === ctl) this.counting = null;
      });
  }

  /** Shows what the text in the bar compiles to while it is typed, or what is wrong with it. */
  private compiled({ logql, parts, error }: Compiled): void {
    const box = this.querySelector<HTMLElement>('#compiled'),
      code = box?.querySelector('code'),
      edit = box?.querySelector<HTMLAnchorElement>('[data-edit]');
    if (!box || !code || !edit) return;
    box.classList.toggle('bad', !!error);
    if (error) {
      box.hidden = false;
      code.textContent = error.message;
      return;
    }
    box.hidden = box.dataset.coded === 'true';
    code.innerHTML = html`${(parts ?? []).map(([kind, text]) => (kind ? html`<i class="${kind}">${text}</i>` : text))}`.text;
    box.querySelector('button')?.setAttribute('data-text', logql ?? '');
    const u = new URL(location.href),
      bare = !u.searchParams.has('f') && box.dataset.coded === 'false';
    for (const [k, v] of [
      ['f', ''],
      ['q', logql ?? ''],
      ['lang', 'logql'],
      ['words', bare ? (this.editor?.value ?? '') : ''],
    ] as const)
      if (v) u.searchParams.set(k, v);
      else u.searchParams.delete(k);
    edit.href = u.href;
  }

  /** Runs what stands in the bar. */
  private run(): void {
    if (!this.form) return;
    const next = new URLSearchParams();
    for (const [k, v] of new FormData(this.form)) if (String(v).trim() !== '') next.append(k, String(v).trim());
    // The range and the look may have changed since the form was made.
    const now = new URLSearchParams(location.search);
    for (const k of ['from', 'to', 'wrap', 'live']) {
      next.delete(k);
      const v = now.get(k);
      if (v) next.set(k, v);
    }
    void this.go(`${location.pathname}?${next}`, true);
  }

  /** Another search: the server makes the page, its parts are put in place. What is there stays until then. */
  private async go(href: string, push: boolean): Promise<void> {
    const was = !!this.tail;
    this.stop();
    this.asking?.abort();
    const ctl = (this.asking = new AbortController());
    const bar = window.setTimeout(() => this.found.insertAdjacentHTML('afterbegin', '<div class="prog"></div>'), 200);
    try {
      const res = await fetch(href, { signal: ctl.signal, headers: { 'x-requested-with': 'pharos' } });
      const next = new DOMParser().parseFromString(await res.text(), 'text/html');
      if (!next.getElementById('found')) {
        location.assign(href);
        return;
      }
      if (push && href !== location.href) history.pushState(null, '', href);
      const cols = this.querySelector('#cols')?.matches(':popover-open');
      const folds = new Map(
        [...this.querySelectorAll<HTMLDetailsElement>('.fac details')].map((d) => [d.querySelector('summary')?.textContent ?? '', d.open]),
      );
      for (const id of ['kept', 'pills', 'wrong', 'compiled', 'facets', 'found']) {
        const now = next.getElementById(id);
        if (now) this.querySelector(`#${id}`)?.replaceWith(document.adoptNode(now));
      }
      this.querySelectorAll<HTMLDetailsElement>('.fac details').forEach((d) => {
        const open = folds.get(d.querySelector('summary')?.textContent ?? '');
        if (open != null) d.open = open;
      });
      const text = next.querySelector<HTMLTextAreaElement>('form.lq textarea')?.value ?? '',
        language = next.querySelector('ph-editor')?.getAttribute('language') ?? 'words';
      const editor = this.editor;
      if (editor && editor.getAttribute('language') !== language) {
        location.reload();
        return;
      }
      if (editor && editor.value !== text) editor.value = text;
      this.setUp();
      if (cols) this.querySelector<HTMLElement>('#cols')?.showPopover();
      if (was && push) void this.live();
    } catch (e) {
      if (!ctl.signal.aborted) toast(e instanceof TypeError ? t('The server cannot be reached.') : String(e), true);
    } finally {
      clearTimeout(bar);
      if (this.asking === ctl) {
        this.asking = null;
        this.found.querySelector('.prog')?.remove();
      }
    }
  }

  private pressed(e: MouseEvent): void {
    const target = e.target as Element;
    const soft = target.closest<HTMLAnchorElement>('a[data-soft]');
    if (soft && !e.metaKey && !e.ctrlKey && !e.shiftKey) {
      e.preventDefault();
      void this.go(soft.href, true);
      return;
    }
    const wrap = target.closest<HTMLAnchorElement>('[data-wrap]');
    if (wrap) {
      e.preventDefault();
      const on = this.querySelector('.lines')?.classList.toggle('wrap') ?? false;
      this.remember('wrap', on ? '1' : '');
      if (on) wrap.setAttribute('aria-current', 'true');
      else wrap.removeAttribute('aria-current');
      return;
    }
    if (target.closest('[data-tail]')) {
      if (this.tail) this.stop();
      else void this.live();
      return;
    }
    const act = target.closest<HTMLElement>('[data-do]');
    if (act) {
      this.act(act);
      return;
    }
    const row = target.closest<HTMLElement>('.ln');
    if (row && this.list && !target.closest('.more, a, button') && !getSelection()?.toString()) this.list.toggle(row);
  }

  /** Something about one value of an opened line. */
  private act({ dataset: { do: what, n = '', v = '' } }: HTMLElement): void {
    if (what === 'copy') {
      void navigator.clipboard.writeText(v).then(() => toast(t('Copied')));
      return;
    }
    const u = new URL(location.href);
    if (what === 'column') {
      const columns = this.list?.columns ?? [];
      u.searchParams.set('cols', (columns.includes(n) ? columns.filter((c) => c !== n) : [...columns, n]).join(',') || ',');
    } else u.searchParams.append('f', `${what === 'not' ? '-' : ''}${n}:${v}`);
    void this.go(u.href, true);
  }

  private key(e: KeyboardEvent): void {
    const box = (e.target as Element).closest('.lines');
    if (e.key === ' ' && (e.target as Element).matches('[role=checkbox], [role=menuitemcheckbox]')) {
      e.preventDefault();
      (e.target as HTMLElement).click();
      return;
    }
    if (!box || box !== e.target || !this.list) return;
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      this.list.step(e.key === 'ArrowDown' ? 1 : -1);
    } else if (e.key === 'Enter') {
      const row = box.querySelector<HTMLElement>('.ln.at');
      if (row) this.list.toggle(row);
    }
  }

  /** Asks for older lines when the end comes near. */
  private more(): void {
    const list = this.list;
    if (!list || this.loading || this.done || this.tail || !list.el.isConnected || list.el.hidden) return;
    const left = list.scrolls
      ? list.el.scrollHeight - list.el.scrollTop - list.el.clientHeight
      : list.el.getBoundingClientRect().bottom - innerHeight;
    if (left < 1500) void this.load(list);
  }

  private async load(list: List): Promise<void> {
    const last = list.last,
      { logql = '', from = '0' } = this.found.dataset;
    if (!last || !logql) return;
    const same = list.blocks.flatMap((b) => b.items).filter((l) => l.t === last.t);
    this.loading = true;
    // Lines of the moment where the list ended come again, so that none is left out; more of them than an answer holds are.
    const most = Number(this.found.dataset.most) || MORE,
      limit = Math.min(most, MORE + same.length),
      crowded = same.length >= most;
    const params = new URLSearchParams({
      query: logql,
      dialect: 'pharos',
      limit: String(limit),
      direction: 'backward',
      start: nanos(Number(from)),
      end: (BigInt(last.t) + (crowded ? 0n : 1n)).toString(),
    });
    try {
      const res = await fetch(`/loki/api/v1/query_range?${params}`, {
        headers: { 'x-requested-with': 'pharos', 'x-loki-response-encoding-flags': 'categorize-labels' },
      });
      if (!res.ok) throw new Error((await res.text()).slice(0, 300));
      const body = (await res.json()) as { data: { result: Stream[] } };
      const came = lines(body.data.result).sort(newestFirst);
      if (crowded)
        toast(t('More lines have the time {} than can be listed: more words or an export show them.', clock(last.t, true)), true);
      list.add(fresh(same, came));
      this.done = came.length < limit || list.count >= MAX;
      if (this.done) list.el.insertAdjacentHTML('beforeend', `<p class="end"></p>`);
      const end = list.el.querySelector('.end');
      if (end)
        end.textContent =
          list.count >= MAX
            ? t('That is as far as one page goes. A shorter range or more words show the rest.')
            : t('No older lines in this range.');
    } catch (e) {
      this.done = true;
      toast((e as Error).message, true);
    } finally {
      this.loading = false;
    }
  }

  private async live(): Promise<void> {
    const { logql = '', names = '' } = this.found.dataset;
    if (this.found.hasAttribute('data-metric')) {
      toast(t('A metric query has no lines to show live.'));
      return;
    }
    const { Tail } = await import('../lib/logs/tail.ts');
    if (!this.list) {
      // Nothing was found so far: there is no list yet.
      this.found.querySelectorAll('.empty').forEach((el) => el.remove());
      const box = Object.assign(document.createElement('div'), { className: 'lines', tabIndex: 0 });
      box.dir = 'ltr';
      box.setAttribute('role', 'log');
      box.setAttribute('aria-live', 'off');
      box.setAttribute('aria-label', t('Log lines'));
      this.found.append(box);
      const page = this.found.dataset.page ?? '';
      this.list = new List(box, [], (line) => detail(line, page));
    }
    this.list.el.querySelector('.end')?.remove();
    this.button?.setAttribute('aria-pressed', 'true');
    this.remember('live', '1');
    this.tail = new Tail(
      this.list,
      logql || '{}',
      names ? new Set(names.split(',')) : undefined,
      this.querySelector('[data-sampled]'),
      (why) => {
        this.stop();
        toast(t('Live lines ended: {}', why), true);
      },
    );
  }

  /** Puts what only changes the look into the address. */
  private remember(name: string, value: string): void {
    const u = new URL(location.href);
    if (value) u.searchParams.set(name, value);
    else u.searchParams.delete(name);
    history.replaceState(null, '', u);
  }

  private stop(): void {
    if (this.tail) this.remember('live', '');
    this.tail?.stop();
    this.tail = null;
    this.button?.setAttribute('aria-pressed', 'false');
  }
}
customElements.define('ph-logs', Logs);
