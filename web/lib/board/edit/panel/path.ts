/** Values inside of JSON by their path (`options.legend.displayMode`). No DOM. */
import type { Json, Obj } from '../draft.ts';

export const object = (json: unknown): Obj | null => (json && typeof json === 'object' && !Array.isArray(json) ? (json as Obj) : null);
export const list = (json: unknown): Json[] => (Array.isArray(json) ? (json as Json[]) : []);
export const text = (json: unknown): string => (typeof json === 'string' ? json : '');
export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What stands at a path; undefined for nothing. */
export function at(json: unknown, path: string): Json | undefined {
  let found: unknown = json;
  for (const name of path.split('.')) found = object(found)?.[name];
  return found as Json | undefined;
}

/** Puts something at a path; undefined takes it away, and the objects around it that are empty then. */
export function put(json: Obj, path: string, value: Json | undefined): void {
  const names = path.split('.'),
    last = names.pop() ?? '',
    way: Obj[] = [json];
  for (const name of names) {
    const here = way.at(-1) as Obj;
    let next = object(here[name]);
    if (!next) {
      if (value === undefined) return;
      next = here[name] = {};
    }
    way.push(next);
  }
  const end = way.at(-1) as Obj;
  if (value !== undefined) {
    end[last] = value;
    return;
  }
  delete end[last];
  // The outermost objects of a panel stay: programs expect them.
  for (let i = way.length - 1; i > 1; i--) if (!Object.keys(way[i] as Obj).length) delete (way[i - 1] as Obj)[names[i - 1] ?? ''];
}
