/** `<ph-board>`: a dashboard. Asks for the panels in view, keeps them up to date, and follows the URL. */
import { Batch, variables } from '../lib/board/batch.ts';
import type { Draft } from '../lib/board/edit/draft.ts';
import type { Host } from '../lib/board/edit/host.ts';
import { Slot } from '../lib/board/slot.ts';
import * as page from '../lib/page_range.ts';
import { isLive } from '../lib/range.ts';
import { onTheme } from '../lib/theme.ts';
import { learn } from '../lib/words.ts';

await learn({ ar: () => import('../lang/ar_board.ts') });

/** Panels this far outside of the window are asked for as well. */
const AHEAD = '160px';

/** The bar of variables and keys wait until panels are asked for. */
const BAR_AFTER_MS = 300;

class Board extends HTMLElement implements Host {
  readonly el = this;
  readonly makes = { Batch, Slot, variables };
  draft: Draft | null = null;
  private readonly slots = new Map<HTMLElement, Slot>();
  batch!: Batch;
  private seen!: IntersectionObserver;
  private forced = false;
  private undo: (() => void)[] = [];

  connectedCallback(): void {
    this.batch = new Batch(
      this.dataset.src ?? '',
      () => [...this.querySelectorAll<HTMLElement>('.gp')].flatMap((el) => this.slots.get(el) ?? []),
      () => this.draft?.json,
    );
    this.seen = new IntersectionObserver(
      (all) => {
        for (const e of all) this.slots.get(e.target as HTMLElement)?.seen(e.isIntersecting);
        this.batch.soon();
      },
      { rootMargin: AHEAD },
    );
    this.gather();
    const on = (target: EventTarget, name: string, f: (e: never) => void, capture = false) => {
      target.addEventListener(name, f as EventListener, capture);
      this.undo.push(() => target.removeEventListener(name, f as EventListener, capture));
    };
    on(window, 'ph:range', () => {
      this.batch.changed();
      if (this.hasAttribute('data-ranged')) void this.follow(false);
    });
    on(window, 'ph:refresh', () => this.refresh());
    on(window, 'ph:zone', () => {
      this.redraw();
      this.batch.changed();
    });
    on(window, 'ph:print', () => this.redraw());
    on(window, 'popstate', () => void this.follow(true));
    // A press of the button is more than the clock's: it also asks for ranges that stand still.
    on(
      document,
      'click',
      (e: MouseEvent) => {
        if ((e.target as Element).closest('[data-act="refresh"]')) this.forced = true;
      },
      true,
    );
    on(this, 'click', (e: MouseEvent) => this.pressed(e));
    this.undo.push(onTheme(() => this.redraw()));
    // Until then the forms of the bar load the page anew.
    setTimeout(
      () =>
        void Promise.all([import('../lib/board/variables.ts'), import('../lib/board/keys.ts')]).then(([bar, keys]) => {
          if (!this.isConnected) return;
          bar.listen(this, (href) => this.go(href));
          this.undo.push(keys.listen(this, (href) => this.go(href)));
          if (this.hasAttribute('data-edit')) void this.edit();
        }),
      BAR_AFTER_MS,
    );
  }

  disconnectedCallback(): void {
    this.undo.forEach((f) => f());
    this.batch.stop();
    this.seen.disconnect();
    this.slots.forEach((s) => s.destroy());
    this.slots.clear();
  }

  /** Knows the panels that are there now: new ones are watched, gone ones let go. */
  private gather(): void {
    for (const [el, slot] of this.slots)
      if (!el.isConnected) {
        this.seen.unobserve(el);
        slot.destroy();
        this.slots.delete(el);
      }
    this.querySelectorAll<HTMLElement>('.gp').forEach((el) => {
      const known = this.slots.get(el);
      if (known && known.kindOf === el.dataset.kind) return;
      known?.destroy();
      this.slots.set(el, new Slot(el, () => this.dataset.cursor === 'tip'));
      this.seen.unobserve(el);
      this.seen.observe(el);
    });
  }

  private redraw(): void {
    this.slots.forEach((s) => s.redraw());
  }

  private refresh(): void {
    const forced = this.forced;
    this.forced = false;
    if (!forced && (this.batch.isRunning || !isLive(page.get()))) return;
    this.batch.changed(forced);
  }

  /** Another URL of this page: in the history, then in place. */
  go(href: string): void {
    history.pushState(null, '', href);
    void this.follow(true);
  }

  /** Brings the page to its URL. `anew`: what panels show may be different. */
  async follow(anew: boolean): Promise<void> {
    if (anew) this.batch.stop();
    if (!(await (await import('../lib/board/fragment.ts')).bring(this, this.draft?.json))) return;
    if (this.hasAttribute('data-edit')) void this.edit();
    this.gather();
    if (anew) this.batch.changed();
    else this.batch.soon();
  }

  /** Tools to change it are fetched when somebody begins to. */
  private async edit(): Promise<void> {
    (await import('../lib/board/edit/mode.ts')).start(this);
  }

  private pressed(e: MouseEvent): void {
    const target = e.target as Element;
    const begin = target.closest<HTMLAnchorElement>('[data-edit-begin]');
    if (begin && !e.metaKey && !e.ctrlKey && !e.shiftKey) {
      e.preventDefault();
      this.go(begin.href);
      return;
    }
    const button = target.closest<HTMLElement>('[data-menu], #gm [data-do]:not([data-soft])');
    if (button && !(button instanceof HTMLAnchorElement)) {
      e.preventDefault();
      void import('../lib/board/menu.ts').then((m) => m.press(this, button, (el) => this.slots.get(el)));
      return;
    }
    const head = target.closest<HTMLElement>('[data-sort], [data-filter], [data-unfilter]');
    if (head) {
      void import('../lib/board/sort.ts').then((m) => (head.dataset.sort ? m.sort : m.filtered)(head));
      return;
    }
    const soft = target.closest<HTMLAnchorElement>('a[data-soft]');
    if (!soft || e.metaKey || e.ctrlKey || e.shiftKey || e.button !== 0) return;
    e.preventDefault();
    soft.closest<HTMLElement>('[popover]')?.hidePopover();
    if (soft.href !== location.href) this.go(soft.href);
  }
}
customElements.define('ph-board', Board);
