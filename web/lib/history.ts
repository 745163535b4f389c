/** Queries run in this browser, newest first, in local storage. */
const KEY = 'pharos.queries';
const MAX = 50;

/** A list with `query` in front, without repetition, cut to its length. */
export const pushed = (list: string[], query: string): string[] => [query, ...list.filter((q) => q !== query)].slice(0, MAX);

export function recall(): string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(list) ? list.filter((q): q is string => typeof q === 'string') : [];
  } catch {
    return [];
  }
}

export function remember(query: string): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(pushed(recall(), query)));
  } catch {
    /* Private windows may refuse storage: then there is no history. */
  }
}
