/** Which of the 24 series colours a series gets: the same one on every chart, page and refresh. */

export const SLOTS = 24;
const TIER = 8;

/** FNV-1a over UTF-16 units; only has to be the same everywhere. */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h ^ (h >>> 15)) >>> 0;
}

/**
 * A slot for each key: from its hash, the next free one when taken. The eight plain colours go to the heaviest,
 * their lighter and paler variants to the others. `known` remembers slots over charts and refreshes: a key keeps
 * its slot there while it is free. The order of keys does not matter.
 */
export function slots(keys: string[], weights: number[] = [], known: Map<string, number> = new Map()): number[] {
  const order = keys
    .map((key, at) => ({ key, at, h: hash(key), old: known.has(key) ? 0 : 1, w: weights[at] ?? 0 }))
    .sort((a, b) => a.old - b.old || b.w - a.w || a.h - b.h || (a.key < b.key ? -1 : a.key > b.key ? 1 : a.at - b.at));
  const out = new Array<number>(keys.length).fill(0);
  const taken = new Set<number>();
  if (known.size > 2000) known.clear();
  for (const { key, at, h } of order) {
    if (taken.size === SLOTS) taken.clear();
    const before = known.get(key);
    let slot = before != null && !taken.has(before) ? before : -1;
    for (let tier = 0; tier < SLOTS / TIER && slot < 0; tier++) {
      for (let k = 0; k < TIER && slot < 0; k++) {
        const candidate = tier * TIER + ((h + k) % TIER);
        if (!taken.has(candidate)) slot = candidate;
      }
    }
    taken.add(slot);
    out[at] = slot;
    if (before == null) known.set(key, slot);
  }
  return out;
}
