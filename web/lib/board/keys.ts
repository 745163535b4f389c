/**
 * Keys of a dashboard: `v` views a panel, `k` takes the bars away, `s` gives a star, `e` begins editing, Escape goes back, arrows go between
 * panels; the browser's key for printing waits until panels out of view are there.
 */
import type { Batch } from './batch.ts';

/** The URL with a parameter turned on, or off where the value is null. */
function turned(name: string, value: string | null): string {
  const u = new URL(location.href);
  if (value == null) u.searchParams.delete(name);
  else u.searchParams.set(name, value);
  return u.href;
}

/** To the next panel in a direction: the nearest whose middle lies there. */
function step(board: HTMLElement, from: HTMLElement, key: string): void {
  const middle = (el: Element) => {
    const r = el.getBoundingClientRect();
    return [r.left + r.width / 2, r.top + r.height / 2] as const;
  };
  const [x, y] = middle(from),
    [dx, dy] = key === 'ArrowLeft' ? [-1, 0] : key === 'ArrowRight' ? [1, 0] : key === 'ArrowUp' ? [0, -1] : [0, 1];
  let best: HTMLElement | null = null,
    least = Infinity;
  for (const el of board.querySelectorAll<HTMLElement>('.gp')) {
    const [ox, oy] = middle(el),
      along = (ox - x) * dx + (oy - y) * dy,
      aside = Math.abs((ox - x) * dy) + Math.abs((oy - y) * dx);
    if (el === from || along <= 4 || along + aside * 2 >= least) continue;
    [best, least] = [el, along + aside * 2];
  }
  best?.focus();
  best?.scrollIntoView({ block: 'nearest' });
}

/** Paper shows all panels: those that nobody has seen yet are asked for first. */
async function print(board: HTMLElement & { batch?: Batch }): Promise<void> {
  const { batch } = board,
    left = () => board.querySelector('.gp:not([data-ready])');
  if (batch && left()) {
    batch.whole = true;
    const until = Date.now() + 30_000;
    for (batch.soon(); left() && Date.now() < until;) await new Promise((done) => setTimeout(done, 100));
    batch.whole = false;
  }
  window.print();
}

/** Listens for as long as the dashboard is there; `go` takes it to a URL. Returns how to stop. */
export function listen(board: HTMLElement, go: (href: string) => void): () => void {
  let hovered: HTMLElement | null = null;
  const over = (e: Event) => {
    hovered = (e.target as Element).closest?.('.gp') ?? null;
  };
  const press = (e: KeyboardEvent) => {
    const at = e.target as Element;
    if ((e.ctrlKey || e.metaKey) && !e.shiftKey && !e.altKey && e.key === 'p' && board.querySelector('.gp:not([data-ready])')) {
      e.preventDefault();
      void print(board);
      return;
    }
    if (
      e.defaultPrevented ||
      e.metaKey ||
      e.ctrlKey ||
      e.altKey ||
      at.closest('input,textarea,select,[contenteditable],dialog,[popover]:popover-open')
    )
      return;
    const focused = at.closest<HTMLElement>('.gp'),
      panel = focused ?? (hovered?.isConnected && hovered.matches(':hover') ? hovered : null);
    const query = new URLSearchParams(location.search),
      begin = board.querySelector<HTMLElement>('[data-edit-begin]');
    if (e.key === 'v' && panel) go(turned('viewPanel', query.has('viewPanel') ? null : (panel.dataset.key ?? null)));
    else if (e.key === 'k') go(turned('kiosk', query.has('kiosk') ? null : '1'));
    else if (e.key === 'e' && begin) begin.click();
    else if (e.key === 's') document.querySelector<HTMLElement>('[data-star]')?.click();
    else if (e.key === 'Escape' && !document.fullscreenElement && (query.has('viewPanel') || query.has('kiosk')))
      go(turned(query.has('viewPanel') ? 'viewPanel' : 'kiosk', null));
    else if (e.key.startsWith('Arrow') && focused && !at.matches('.plot, [role=region]')) step(board, focused, e.key);
    else return;
    e.preventDefault();
  };
  board.addEventListener('pointerover', over);
  document.addEventListener('keydown', press);
  return () => {
    board.removeEventListener('pointerover', over);
    document.removeEventListener('keydown', press);
  };
}
