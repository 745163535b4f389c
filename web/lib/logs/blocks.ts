/**
 * A long list in blocks of rows: only blocks near the window are drawn, the others are as high as they were or are
 * thought to be. This part only counts; `list.ts` draws.
 */
export const BLOCK = 100;

export interface Block<T> {
  items: T[];
  /** How high it was when it was drawn last; null if never. */
  height: number | null;
}

/** Adds items at the end, filling the last block first. Returns the blocks that changed. */
export function append<T>(blocks: Block<T>[], items: T[]): Block<T>[] {
  const changed: Block<T>[] = [];
  let last = blocks.at(-1);
  for (const item of items) {
    if (!last || last.items.length >= BLOCK) {
      last = { items: [], height: null };
      blocks.push(last);
    }
    last.items.push(item);
    last.height = null;
    if (changed.at(-1) !== last) changed.push(last);
  }
  return changed;
}

/** Adds items at the front, newest first, filling the first block first. Returns the blocks that changed, front to back. */
export function prepend<T>(blocks: Block<T>[], items: T[]): Block<T>[] {
  const changed: Block<T>[] = [];
  for (let end = items.length; end > 0;) {
    let first = blocks[0];
    if (!first || first.items.length >= BLOCK) {
      first = { items: [], height: null };
      blocks.unshift(first);
    }
    const room = Math.min(BLOCK - first.items.length, end);
    first.items.unshift(...items.slice(end - room, end));
    first.height = null;
    end -= room;
    if (changed[0] !== first) changed.unshift(first);
  }
  return changed;
}

/** Drops whole blocks at the end while more than `max` items are left. Returns what was dropped. */
export function trim<T>(blocks: Block<T>[], max: number): Block<T>[] {
  const dropped: Block<T>[] = [];
  let count = blocks.reduce((n, b) => n + b.items.length, 0);
  for (let last = blocks.at(-1); last && blocks.length > 1 && count - last.items.length >= max; last = blocks.at(-1)) {
    count -= last.items.length;
    dropped.push(last);
    blocks.pop();
  }
  return dropped;
}

/** How high a block is, or is thought to be. */
export const height = <T>(block: Block<T>, row: number): number => block.height ?? block.items.length * row;

export const count = <T>(blocks: Block<T>[]): number => blocks.reduce((n, b) => n + b.items.length, 0);
