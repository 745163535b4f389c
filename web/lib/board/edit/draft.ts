/** A dashboard while it is changed: its JSON, what was changed in words, and the way back. */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Obj = { [name: string]: Json };
export interface GridPos {
  x: number;
  y: number;
  w: number;
  h: number;
}
/** A panel or row of Grafana's classic JSON; what is not named here stays as it is. */
export type PanelJson = { id: number; type: string; title?: string; gridPos: GridPos; panels?: PanelJson[]; collapsed?: boolean } & {
  [name: string]: unknown;
};
export type BoardJson = { title: string; uid?: string; version?: number; panels: PanelJson[] } & { [name: string]: unknown };

/** Where a dashboard is kept, and since when. */
export interface Kept {
  uid: string;
  version: number;
  folderUid: string;
  /** The file it comes from; empty for none. */ file: string;
}

interface Step {
  what: string;
  json: BoardJson;
  merge: string;
  at: number;
}

/** Steps back that are kept, and how many characters of JSON they have together at most. */
const STEPS_MAX = 100;
const CHARS_MAX = 32_000_000;
/** Changes of one thing within this time are one step. */
const MERGE_MS = 1_500;

/** Frozen JSON cannot be changed by accident: every change goes through `change`. */
const freeze = <T>(value: T): T => {
  if (value && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
};

export class Draft {
  private now: BoardJson;
  private saved: BoardJson;
  private past: Step[] = [];
  private future: Step[] = [];
  private readonly told = new Set<() => void>();

  /** The folder in which it lies; another in `kept` is where it goes when it is saved. */
  private folder: string;

  constructor(
    json: BoardJson,
    private place: Kept,
  ) {
    this.now = this.saved = freeze(structuredClone(json));
    this.folder = place.folderUid;
  }

  get kept(): Kept {
    return this.place;
  }
  set kept(kept: Kept) {
    this.place = kept;
    this.tell();
  }
  get moves(): boolean {
    return this.place.folderUid !== this.folder;
  }

  /** What it is now; never to be changed in place. */
  get json(): BoardJson {
    return this.now;
  }
  /** What it was when it was loaded or saved last. */
  get before(): BoardJson {
    return this.saved;
  }
  get isDirty(): boolean {
    return this.moves || (this.now !== this.saved && JSON.stringify(this.now) !== JSON.stringify(this.saved));
  }
  /** What would be undone, in words; null for nothing. */
  get undoes(): string | null {
    return this.past.at(-1)?.what ?? null;
  }
  get redoes(): string | null {
    return this.future.at(-1)?.what ?? null;
  }

  /** Calls back after every change; returns how to stop. */
  on(f: () => void): () => void {
    this.told.add(f);
    return () => {
      this.told.delete(f);
    };
  }

  /** Changes a copy. `what` says what is done; changes with the same `merge` that follow each other at once are one step back. */
  change(what: string, f: (json: BoardJson) => void, merge = ''): void {
    const next = structuredClone(this.now);
    f(next);
    const text = JSON.stringify(next);
    if (text === JSON.stringify(this.now)) return;
    const last = this.past.at(-1),
      at = Date.now();
    if (merge && last?.merge === merge && at - last.at < MERGE_MS) last.at = at;
    else this.past.push({ what, json: this.now, merge, at });
    this.past.splice(0, Math.max(0, this.past.length - Math.max(1, Math.min(STEPS_MAX, Math.floor(CHARS_MAX / text.length)))));
    this.future = [];
    this.now = freeze(next);
    this.tell();
  }

  undo(): void {
    this.go(this.past, this.future);
  }
  redo(): void {
    this.go(this.future, this.past);
  }
  private go(from: Step[], to: Step[]): void {
    const step = from.pop();
    if (!step) return;
    to.push({ ...step, json: this.now, merge: '' });
    this.now = step.json;
    this.tell();
  }

  /** It is kept as it is now, under this version. */
  keep(kept: Kept): void {
    this.place = kept;
    this.folder = kept.folderUid;
    this.saved = this.now;
    this.tell();
  }

  private tell(): void {
    this.told.forEach((f) => f());
  }
}

/** Every panel and row with the list it stands in. */
export function* every(json: BoardJson): Generator<[PanelJson, PanelJson[]]> {
  for (const panel of json.panels) {
    yield [panel, json.panels];
    for (const inner of panel.panels ?? []) yield [inner, panel.panels as PanelJson[]];
  }
}
/** The panel with a number. */
export function panelOf(json: BoardJson, id: number): PanelJson | undefined {
  for (const [panel] of every(json)) if (panel.id === id) return panel;
  return undefined;
}
/** A number that no panel has. */
export const freeId = (json: BoardJson): number => Math.max(0, ...[...every(json)].map(([panel]) => panel.id || 0)) + 1;
