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
 * A slot for each key: from its hash, the next free one when taken. The eight plain colours are handed out
 * before their darker and paler variants. Order does not matter, so a refresh that sorts anew keeps colours.
 */
export function slots(keys: string[]): number[] {
  const order = keys.map((key, at) => ({ key, at, h: hash(key) })).sort((a, b) => a.h - b.h || (a.key < b.key ? -1 : a.key > b.key ? 1 : a.at - b.at));
  const out = new Array<number>(keys.length).fill(0);
  const taken = new Set<number>();
  for (const { at, h } of order) {
    if (taken.size === SLOTS) taken.clear();
    let slot = -1;
    for (let tier = 0; tier < SLOTS / TIER && slot < 0; tier++) {
      for (let k = 0; k < TIER && slot < 0; k++) {
        const candidate = tier * TIER + ((h + k) % TIER);
        if (!taken.has(candidate)) slot = candidate;
      }
    }
    taken.add(slot);
    out[at] = slot;
  }
  return out;
}
