/** Changing one dashboard, from beginning to leaving: what a change does to the page, what the URL says, what is asked before something is lost. */
import { t } from '../../words.ts';
import { toast } from '../../say.ts';
import { ask } from './ask.ts';
import { Draft, panelOf, type BoardJson, type PanelJson } from './draft.ts';
import { Grid } from './grid.ts';
import type { Host } from './host.ts';

/** Changes that follow each other closer than this bring the page along once. */
const CALM_MS = 250;
/** The parameter of the URL, and what it says of the editor of a panel. */
const EDIT = 'edit';
const PANEL = 'panel-';

/** What panels show and how large they are: without where they stand, and without the one that is edited by itself. */
const shown = (json: BoardJson, edited = 0): string =>
  JSON.stringify(json, (key, value: unknown) =>
    key === 'gridPos' && value && typeof value === 'object'
      ? { ...value, x: 0, y: 0 }
      : edited && (value as PanelJson | null)?.id === edited && (value as PanelJson).type
        ? edited
        : value,
  );

export class Session {
  readonly grid: Grid;
  private readonly undo: (() => void)[] = [];
  private last: string;
  private timer = 0;
  private changedAt = 0;
  private panel: { id: number; close: () => void } | null = null;
  private opening = 0;
  private left = false;
  /** Told after every change and every new state of the page. */
  private readonly told = new Set<() => void>();

  constructor(
    readonly host: Host,
    readonly draft: Draft,
    readonly say: (text: string) => void,
    private readonly over: () => void,
  ) {
    this.last = shown(draft.json);
    this.grid = new Grid(host.el, draft, say);
    this.undo.push(
      draft.on(() => this.changed()),
      () => this.grid.stop(),
    );
    const on = <E extends Event>(target: EventTarget, name: string, f: (e: E) => void, capture = false) => {
      target.addEventListener(name, f as EventListener, capture);
      this.undo.push(() => target.removeEventListener(name, f as EventListener, capture));
    };
    on(window, 'beforeunload', (e) => {
      if (draft.isDirty && !this.left) e.preventDefault();
    });
    on<PopStateEvent>(window, 'popstate', (e) => this.wentBack(e), true);
    on<MouseEvent>(document, 'click', (e) => this.pressedLink(e), true);
  }

  on(f: () => void): () => void {
    this.told.add(f);
    return () => {
      this.told.delete(f);
    };
  }
  private tell(): void {
    this.told.forEach((f) => f());
  }

  /** A dashboard that was never saved. */
  get isNew(): boolean {
    return !this.draft.kept.uid;
  }
  get isOpen(): boolean {
    return this.panel !== null;
  }

  private changed(): void {
    this.tell();
    this.grid.arrange();
    const calm = Date.now() - this.changedAt > CALM_MS;
    this.changedAt = Date.now();
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.follow(), calm ? 0 : CALM_MS);
  }

  private async follow(): Promise<void> {
    // What is moved at the moment is not taken out of the hand.
    if (this.grid.isBusy) {
      this.timer = window.setTimeout(() => void this.follow(), CALM_MS);
      return;
    }
    // The editor of a panel shows what becomes of it; the page follows when it is closed.
    const now = shown(this.draft.json, this.panel?.id),
      anew = now !== this.last;
    if (this.panel && !anew) return;
    this.last = now;
    await this.host.follow(anew);
  }

  /** The page is as the draft, or the URL, says. */
  arrived(): void {
    const crumb = document.querySelector('.crumb bdi');
    if (crumb) crumb.textContent = this.draft.json.title;
    document.title = `${this.draft.json.title} · pharos`;
    this.grid.resume();
    this.tell();
    void this.openAsUrl();
  }

  /** The editor of a panel is in the URL, so that Back closes it. */
  edit(id: number): void {
    this.host.go(this.href(PANEL + id));
  }

  private href(edit: string | null): string {
    const u = new URL(location.href);
    u.searchParams.delete('viewPanel');
    if (edit === null) u.searchParams.delete(EDIT);
    else u.searchParams.set(EDIT, edit);
    return u.href;
  }

  private async openAsUrl(): Promise<void> {
    const wanted = new URLSearchParams(location.search).get(EDIT) ?? '',
      id = wanted.startsWith(PANEL) ? Number(wanted.slice(PANEL.length)) : 0;
    if (this.panel && this.panel.id !== id) {
      const before = this.panel.id;
      this.panel.close();
      this.panel = null;
      this.last = shown(this.draft.json);
      this.tell();
      const tile = this.host.el.querySelector<HTMLElement>(`#gp-${before}`);
      tile?.scrollIntoView({ block: 'nearest' });
      tile?.focus({ preventScroll: true });
    }
    if (!id || this.panel || this.opening === id) return;
    if (!panelOf(this.draft.json, id)) {
      history.replaceState(null, '', this.href('1'));
      return;
    }
    this.opening = id;
    try {
      const { openPanel } = await import('./panel/open.tsx');
      // The URL may have gone on meanwhile.
      if (!this.left && new URLSearchParams(location.search).get(EDIT) === wanted) {
        this.panel = { id, close: openPanel(this.host, this.draft, id) };
        this.last = shown(this.draft.json, id);
      }
    } finally {
      this.opening = 0;
    }
    this.tell();
  }

  /** Asks whether what is not saved may be lost. */
  private async mayLose(): Promise<boolean> {
    if (!this.draft.isDirty) return true;
    return (
      (await ask(t('Leave without saving?'), t('What you changed in this dashboard is not saved.'), [
        { id: 'stay', words: t('Keep editing') },
        { id: 'leave', words: t('Leave without saving'), look: 'p bad' },
      ])) === 'leave'
    );
  }

  /** Back to the dashboard as it is kept; a new one goes away. */
  async leave(): Promise<void> {
    if (await this.mayLose()) await this.out();
  }

  /** The same, for those who want to throw away what they changed. */
  async discard(): Promise<void> {
    const sure =
      !this.draft.isDirty ||
      (await ask(t('Throw away what you changed?'), t('The dashboard is shown as it was saved last.'), [
        { id: 'keep', words: t('Keep editing') },
        { id: 'discard', words: t('Throw away'), look: 'p bad' },
      ])) === 'discard';
    if (sure) await this.out();
  }

  private async out(): Promise<void> {
    const isNew = this.isNew;
    this.end();
    if (isNew) {
      location.assign('/d');
      return;
    }
    history.pushState(null, '', this.href(null));
    await this.host.follow(true);
  }

  /** To another page, without asking again. */
  goTo(href: string): void {
    this.left = true;
    location.assign(href);
  }

  /** Back and forward of the browser. */
  private wentBack(e: Event): void {
    if (this.isNew || new URLSearchParams(location.search).has(EDIT)) return;
    if (!this.draft.isDirty) {
      this.end();
      return;
    }
    e.stopImmediatePropagation();
    const there = location.href;
    history.pushState(null, '', this.href('1'));
    void this.mayLose().then(async (may) => {
      if (!may) return;
      this.end();
      history.replaceState(null, '', there);
      await this.host.follow(true);
    });
  }

  /** A link to another page while something is not saved. */
  private pressedLink(e: MouseEvent): void {
    const link = (e.target as Element).closest<HTMLAnchorElement>('a[href]');
    if (
      !link ||
      !this.draft.isDirty ||
      e.button !== 0 ||
      e.metaKey ||
      e.ctrlKey ||
      e.shiftKey ||
      link.target === '_blank' ||
      link.matches('[download], [data-soft]') ||
      link.origin !== location.origin
    )
      return;
    if (link.pathname === location.pathname) return;
    e.preventDefault();
    e.stopPropagation();
    void this.mayLose().then((may) => {
      if (may) this.goTo(link.href);
    });
  }

  end(): void {
    if (this.left) return;
    this.left = true;
    clearTimeout(this.timer);
    // What closes the editor of a panel goes back to the grid, unless it is there already.
    if (this.panel) history.replaceState(null, '', this.href('1'));
    this.panel?.close();
    this.panel = null;
    this.undo.forEach((f) => f());
    this.host.draft = null;
    this.over();
  }

  /** A way back that is said, because what it changes may be out of sight. */
  back(step: 'undo' | 'redo'): void {
    const what = step === 'undo' ? this.draft.undoes : this.draft.redoes;
    if (what === null) return;
    this.draft[step]();
    toast(step === 'undo' ? t('Undone: {}', what) : t('Redone: {}', what));
  }
}
