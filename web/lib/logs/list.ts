/** Draws a long list of lines: blocks near the window have rows, the others only a height. */
import { append, count, height, prepend, trim, type Block } from './blocks.ts';
import { clock, row, type Line } from './line.ts';

const ROW = 22;

interface Drawn extends Block<Line> {
  el?: HTMLElement;
  drawn?: boolean;
}

export class List {
  readonly el: HTMLElement;
  blocks: Drawn[] = [];
  columns: string[];
  private readonly seen: IntersectionObserver;
  private readonly dated: boolean;
  private of = new WeakMap<Element, Drawn>();

  constructor(
    el: HTMLElement,
    lines: Line[],
    private readonly detail: (line: Line) => string,
  ) {
    this.el = el;
    this.columns = (el.dataset.columns ?? '').split(',').filter(Boolean);
    this.dated = el.classList.contains('dated');
    this.seen = new IntersectionObserver(
      (entries) => {
        for (const e of entries) {
          const block = this.of.get(e.target);
          if (block)
            if (e.isIntersecting) this.draw(block);
            else this.clear(block, e.boundingClientRect.height);
        }
      },
      { root: this.scrolls ? el : null, rootMargin: '1200px 0px' },
    );
    el.replaceChildren();
    this.add(lines);
  }

  /** Whether the list scrolls by itself; on phones the page does. */
  get scrolls(): boolean {
    return getComputedStyle(this.el).maxHeight !== 'none';
  }
  get count(): number {
    return count(this.blocks);
  }
  get last(): Line | undefined {
    return this.blocks.at(-1)?.items.at(-1);
  }
  /** Whether the newest line is in sight. */
  get atTop(): boolean {
    return this.scrolls ? this.el.scrollTop < 40 : this.el.getBoundingClientRect().top > 0;
  }

  /** Older lines. */
  add(lines: Line[]): void {
    const had = new Set(this.blocks);
    for (const block of append(this.blocks, lines) as Drawn[]) {
      if (had.has(block)) {
        this.draw(block, true);
        continue;
      }
      this.el.append(this.shell(block));
    }
  }

  /** Newer lines, newest first; the list keeps `max`. */
  addNew(lines: Line[], max: number): void {
    const had = new Set(this.blocks);
    for (const block of (prepend(this.blocks, lines) as Drawn[]).reverse()) {
      if (!had.has(block)) this.el.prepend(this.shell(block));
      this.draw(block, true);
    }
    for (const block of trim(this.blocks, max) as Drawn[]) {
      if (block.el) this.seen.unobserve(block.el);
      block.el?.remove();
    }
  }

  private shell(block: Drawn): HTMLElement {
    const el = document.createElement('div');
    el.className = 'blk';
    block.el = el;
    this.of.set(el, block);
    el.style.blockSize = `${height(block, ROW)}px`;
    // What is in sight at once is drawn at once.
    if (this.blocks.indexOf(block) < 1) this.draw(block);
    this.seen.observe(el);
    return el;
  }

  draw(block: Drawn, again = false): void {
    if (!block.el || (block.drawn && !again)) return;
    block.drawn = true;
    block.el.style.blockSize = '';
    block.el.innerHTML = block.items.map((line, i) => row(line, i, this.columns, this.dated)).join('');
    block.items.forEach((line, i) => {
      if (line.open) this.open(block.el?.children[i] as HTMLElement, line);
    });
  }

  private clear(block: Drawn, h: number): void {
    if (!block.drawn || !block.el) return;
    block.drawn = false;
    block.height = h;
    block.el.style.blockSize = `${h}px`;
    block.el.replaceChildren();
  }

  /** The line of a row. */
  line(rowEl: Element): Line | undefined {
    const block = this.of.get(rowEl.parentElement as Element);
    return block?.items[Number((rowEl as HTMLElement).dataset.i)];
  }

  toggle(rowEl: HTMLElement): void {
    const line = this.line(rowEl);
    if (!line) return;
    line.open = !line.open;
    if (line.open) this.open(rowEl, line);
    else {
      rowEl.removeAttribute('data-open');
      rowEl.querySelector('.more')?.remove();
    }
  }

  private open(rowEl: HTMLElement, line: Line): void {
    rowEl.setAttribute('data-open', '');
    rowEl.insertAdjacentHTML('beforeend', this.detail(line));
  }

  /** Moves the marked row; keys do that. */
  step(by: number): HTMLElement | null {
    const all = [...this.el.querySelectorAll<HTMLElement>('.ln')];
    const now = all.findIndex((r) => r.classList.contains('at'));
    const next = all[Math.max(0, Math.min(all.length - 1, now < 0 ? (by > 0 ? 0 : all.length - 1) : now + by))];
    all[now]?.classList.remove('at');
    next?.classList.add('at');
    next?.scrollIntoView({ block: 'nearest' });
    return next ?? null;
  }

  /** Times in another zone. */
  retime(): void {
    for (const block of this.blocks)
      if (block.drawn)
        block.items.forEach((line, i) => {
          const el = block.el?.children[i]?.querySelector('time');
          if (el) el.textContent = clock(line.t, this.dated);
        });
  }

  close(): void {
    this.seen.disconnect();
  }
}
