/** The grid while it is changed: panels are dragged by their header and sized by their corner, or both by arrow keys. The tiles stay the server's; only where they stand is set. */
import { t } from '../../words.ts';
import type { Draft, GridPos } from './draft.ts';
import { COLUMNS, into, moved, panelHeightMin, spots, without, write, type Spot } from './places.ts';

/** As in `grid.css`. */
const ROW = 38;
const GAP = 12;
const CORNER = 20;
/** A press becomes a drag after so many pixels. */
const SLACK = 4;
const GLIDE_MS = 140;
/** So near to an edge of the window the page scrolls along. */
const EDGE = 70;
const SCROLL = 14;

interface Drag {
  spot: Spot;
  all: Spot[];
  now: Spot[];
  tile: HTMLElement;
  sizes: boolean;
  x: number;
  y: number;
  ghost: HTMLElement | null;
  at: { x: number; y: number };
  frame: number;
  pointer: number;
  /** Where the tile stands on the page. */ held: Spot;
  /** The closed row that takes it in. */ into: Spot | null;
}
interface Keys {
  spot: Spot;
  first: Spot[];
  now: Spot[];
  tile: HTMLElement;
  stop: () => void;
}

const same = (a: Spot[], b: Spot[]): boolean =>
  JSON.stringify([...a].sort((p, q) => p.id - q.id)) === JSON.stringify([...b].sort((p, q) => p.id - q.id));

export class Grid {
  private drag: Drag | null = null;
  private keys: Keys | null = null;
  private readonly ctl = new AbortController();

  /** `say` tells people that do not see it where a panel stands. */
  constructor(
    private readonly board: HTMLElement,
    private readonly draft: Draft,
    private readonly say: (text: string) => void,
  ) {
    const signal = this.ctl.signal;
    board.addEventListener('pointerdown', (e) => this.press(e), { signal });
    board.addEventListener(
      'dragstart',
      (e) => {
        if ((e.target as Element).closest('.gp > header, .bd-row')) e.preventDefault();
      },
      { signal },
    );
    addEventListener('pointermove', (e) => this.move(e), { signal });
    addEventListener(
      'pointerup',
      (e) => {
        if (e.pointerId === this.drag?.pointer) this.drop(true);
      },
      { signal },
    );
    addEventListener('pointercancel', () => this.drop(false), { signal });
    addEventListener(
      'keydown',
      (e) => {
        if (this.drag && e.key === 'Escape') {
          e.preventDefault();
          e.stopPropagation();
          this.drop(false);
        }
      },
      { signal, capture: true },
    );
  }
  stop(): void {
    this.drop(false);
    this.keys?.stop();
    this.ctl.abort();
  }
  get isBusy(): boolean {
    return this.drag?.ghost != null || this.keys != null;
  }

  private get grid(): HTMLElement {
    return this.board.querySelector('#bd-grid') as HTMLElement;
  }
  private tile(id: number): HTMLElement | null {
    return this.board.querySelector(`#gp-${id}`);
  }
  /** The width of a column with its gap, and the direction of columns: asked once for each thing that is moved, since asking lays the page out. */
  private column = 0;
  private way = 1;
  private measure(): void {
    this.column = (this.grid.clientWidth + GAP) / COLUMNS;
    this.way = getComputedStyle(this.grid).direction === 'rtl' ? -1 : 1;
  }
  private isCollapsed(id: number): boolean {
    return !!this.draft.json.panels.find((panel) => panel.id === id)?.collapsed;
  }

  private press(e: PointerEvent): void {
    const target = e.target as Element,
      tile = target.closest<HTMLElement>('.gp, .bd-row');
    if (this.isBusy || e.button !== 0 || !tile || this.grid.classList.contains('one')) return;
    this.measure();
    const box = tile.getBoundingClientRect(),
      inner = this.way < 0 ? e.clientX - box.left : box.right - e.clientX;
    const sizes = target === tile && tile.matches('.gp') && inner <= CORNER && box.bottom - e.clientY <= CORNER;
    if (!sizes && (!target.closest('.gp > header, .bd-row') || target.closest('button, input, select, .gp-m, [popover]'))) return;
    const all = spots(this.draft.json),
      spot = all.find((one) => `gp-${one.id}` === tile.id);
    if (spot)
      this.drag = {
        spot,
        all,
        now: all,
        tile,
        sizes,
        x: e.pageX,
        y: e.pageY,
        ghost: null,
        at: { x: e.clientX, y: e.clientY },
        frame: 0,
        pointer: e.pointerId,
        held: spot,
        into: null,
      };
  }

  private move(e: PointerEvent): void {
    const d = this.drag;
    if (!d || e.pointerId !== d.pointer) return;
    d.at = { x: e.clientX, y: e.clientY };
    if (!d.ghost) {
      if (Math.hypot(e.pageX - d.x, e.pageY - d.y) < SLACK) return;
      d.tile.setPointerCapture(e.pointerId);
      d.ghost = Object.assign(document.createElement('div'), { className: 'eg-ghost' });
      this.hold();
      this.scroll();
    }
    this.follow();
  }

  /** Near the edges of the window the page scrolls while something is dragged. */
  private scroll(): void {
    const d = this.drag;
    if (!d?.ghost) return;
    const by = d.at.y > innerHeight - EDGE ? SCROLL : d.at.y < EDGE + 48 ? -SCROLL : 0,
      before = scrollY;
    if (by) scrollBy(0, by);
    if (scrollY !== before) this.follow();
    d.frame = requestAnimationFrame(() => this.scroll());
  }

  private follow(): void {
    const d = this.drag;
    if (!d?.ghost) return;
    const dx = (d.at.x + scrollX - d.x) * this.way,
      dy = d.at.y + scrollY - d.y,
      columns = dx / this.column,
      rows = dy / ROW;
    const to: Partial<GridPos> = d.sizes
      ? { w: Math.min(COLUMNS - d.spot.x, d.spot.w + columns), h: Math.max(panelHeightMin, d.spot.h + rows) }
      : { x: d.spot.x + columns, y: d.spot.y + rows };
    this.takes(d, d.sizes || d.spot.isRow ? null : this.closedUnder(d));
    const next = d.into ? without(d.all, d.spot.id) : moved(d.all, d.spot.id, to, this.isCollapsed(d.spot.id)),
      is = next.find((one) => one.id === d.spot.id) ?? d.held;
    this.show(d.now, next, d.spot.id);
    d.now = next;
    d.held = is;
    for (const [name, value] of [
      ['--x', is.x + 1],
      ['--y', is.y + 1],
      ['--w', is.w],
      ['--h', is.h],
    ] as const)
      d.ghost.style.setProperty(name, String(value));
    // The tile stands at its new place already: it is shown where the pointer holds it.
    if (!d.sizes)
      d.tile.style.transform = `translate(${(d.spot.isRow ? 0 : dx - (is.x - d.spot.x) * this.column) * this.way}px, ${dy - (is.y - d.spot.y) * ROW}px)`;
  }

  /** The closed row on whose line the pointer is, as rows stand when the panel is gone. */
  private closedUnder(d: Drag): Spot | null {
    const y = (d.at.y - this.grid.getBoundingClientRect().top) / ROW;
    return (
      without(d.all, d.spot.id).find((spot) => spot.isRow && y >= spot.y && y < spot.y + 1 - GAP / ROW && this.isCollapsed(spot.id)) ?? null
    );
  }
  private takes(d: Drag, row: Spot | null): void {
    if (d.into?.id !== row?.id) {
      if (d.into) this.tile(d.into.id)?.classList.remove('eg-into');
      if (row) this.tile(row.id)?.classList.add('eg-into');
    }
    d.into = row;
    if (d.ghost) d.ghost.hidden = row !== null;
  }

  /** Puts tiles where they stand; those that give way glide there. */
  private show(from: Spot[], to: Spot[], held = 0): void {
    const was = new Map(from.map((spot) => [spot.id, spot])),
      calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    for (const spot of to) {
      const before = was.get(spot.id),
        tile = this.tile(spot.id);
      if (!tile || (before && before.x === spot.x && before.y === spot.y && before.w === spot.w && before.h === spot.h)) continue;
      for (const [name, value] of [
        ['--x', spot.x + 1],
        ['--y', spot.y + 1],
        ['--w', spot.w],
        ['--h', spot.h],
      ] as const)
        if (!spot.isRow || name === '--y') tile.style.setProperty(name, String(value));
      if (before && spot.id !== held && !calm)
        tile.animate(
          [
            { transform: `translate(${(before.x - spot.x) * this.column * this.way}px, ${(before.y - spot.y) * ROW}px)` },
            { transform: 'none' },
          ],
          { duration: GLIDE_MS, easing: 'ease-out' },
        );
    }
  }

  /** Puts every tile where the draft has it, without waiting for the server. */
  arrange(): void {
    if (this.isBusy) return;
    this.measure();
    const all = spots(this.draft.json);
    // What went into a row is back.
    for (const spot of all) this.tile(spot.id)?.removeAttribute('hidden');
    this.place(all);
  }

  /** The page was brought along: what is moved at the moment goes on. */
  resume(): void {
    const d = this.drag?.ghost ? this.drag : null,
      busy = d ?? this.keys;
    if (!busy) return;
    this.hold();
    this.place(busy.now);
    this.follow();
  }

  /** How the page looks while something is moved. */
  private hold(): void {
    const d = this.drag;
    if (d?.ghost) {
      if (!d.ghost.isConnected) this.grid.append(d.ghost);
      this.board.classList.add('eg-drag');
      d.tile.classList.add(d.sizes ? 'eg-sized' : 'eg-lift');
    }
    this.keys?.tile.classList.add('eg-keys');
  }

  private place(to: Spot[]): void {
    const is = (tile: HTMLElement, name: string): number => Number(tile.style.getPropertyValue(name)) || 0;
    this.show(
      to.flatMap((spot) => {
        const tile = this.tile(spot.id);
        return tile
          ? [{ ...spot, ...(spot.isRow ? {} : { x: is(tile, '--x') - 1, w: is(tile, '--w'), h: is(tile, '--h') }), y: is(tile, '--y') - 1 }]
          : [];
      }),
      to,
    );
  }

  private drop(keeps: boolean): void {
    const d = this.drag;
    this.drag = null;
    if (!d?.ghost) return;
    cancelAnimationFrame(d.frame);
    d.ghost.remove();
    d.tile.classList.remove('eg-lift', 'eg-sized');
    d.tile.style.transform = '';
    this.board.classList.remove('eg-drag');
    // The press ends on a link or a button: it was none.
    const swallow = (e: Event) => {
      e.preventDefault();
      e.stopPropagation();
    };
    addEventListener('click', swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener('click', swallow, { capture: true }), 0);
    const row = d.into;
    this.takes(d, null);
    if (keeps && row) this.putInto(d, row);
    else if (keeps) this.keep(d.all, d.now, d.sizes);
    else this.show(d.now, d.all);
  }

  private putInto(d: Drag, row: Spot): void {
    const title = this.draft.json.panels.find((panel) => panel.id === row.id)?.title ?? '';
    d.tile.hidden = true;
    this.draft.change(t('Move a panel into a row'), (json) => into(json, d.spot.id, row.id));
    this.say(t('The panel is in the row “{}” now.', title || t('without a title')));
  }

  private keep(before: Spot[], now: Spot[], sizes: boolean): void {
    if (!same(before, now)) this.draft.change(sizes ? t('Change the size of a panel') : t('Move a panel'), (json) => write(json, now));
  }

  /** Arrow keys move a panel or row from now on, with Shift they change its size; Enter and Escape end it. */
  byKeys(id: number): void {
    this.keys?.stop();
    const tile = this.tile(id),
      first = spots(this.draft.json),
      spot = first.find((one) => one.id === id);
    if (!tile || !spot) return;
    this.measure();
    const ctl = new AbortController();
    const stop = (keeps = true) => {
      if (this.keys !== keys) return;
      this.keys = null;
      ctl.abort();
      tile.classList.remove('eg-keys');
      if (keeps) {
        this.keep(first, keys.now, false);
        this.say(t('It stays here.'));
      } else {
        this.show(keys.now, first);
        this.say(t('It is back where it was.'));
      }
    };
    const keys: Keys = (this.keys = { spot, first, now: first, tile, stop });
    this.hold();
    const focus = tile.matches('.bd-row') ? (tile.querySelector<HTMLElement>('a') ?? tile) : tile;
    focus.focus();
    tile.scrollIntoView({ block: 'nearest' });
    this.say(
      `${spot.isRow ? t('Arrow keys up and down move the row with its panels. Enter keeps it there, Escape brings it back.') : t('Arrow keys move the panel, with Shift they change its size. Enter keeps it there, Escape brings it back.')} ${this.where(spot)}`,
    );
    addEventListener(
      'keydown',
      (e) => {
        if (e.key === 'Enter' || e.key === 'Escape') {
          e.preventDefault();
          e.stopPropagation();
          stop(e.key === 'Enter');
          return;
        }
        if (!e.key.startsWith('Arrow')) return;
        e.preventDefault();
        e.stopPropagation();
        this.step(
          keys,
          e.key === 'ArrowRight' ? this.way : e.key === 'ArrowLeft' ? -this.way : 0,
          e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0,
          e.shiftKey,
        );
      },
      { signal: ctl.signal, capture: true },
    );
    tile.addEventListener(
      'focusout',
      () =>
        setTimeout(() => {
          if (!tile.contains(document.activeElement)) stop();
        }),
      { signal: ctl.signal },
    );
  }

  private step(keys: Keys, x: number, y: number, sizes: boolean): void {
    const is = keys.now.find((one) => one.id === keys.spot.id);
    if (!is || (is.isRow && (x || sizes))) return;
    let next = keys.now;
    if (sizes) next = moved(keys.now, is.id, { w: Math.min(COLUMNS - is.x, is.w + x), h: Math.max(panelHeightMin, is.h + y) });
    // What has no room of its own to pass goes on until something changes.
    else
      for (let by = 1; by <= 250 && same(next, keys.now); by++)
        next = moved(keys.now, is.id, { x: is.x + x * by, y: is.y + y * by }, this.isCollapsed(is.id));
    this.show(keys.now, next, is.id);
    keys.now = next;
    keys.tile.scrollIntoView({ block: 'nearest' });
    this.say(this.where(next.find((one) => one.id === is.id) ?? is));
  }

  private where(spot: Spot): string {
    return spot.isRow
      ? t('Line {}', spot.y + 1)
      : t('Column {}, line {}; {} columns wide, {} lines high', spot.x + 1, spot.y + 1, spot.w, spot.h);
  }
}
