/** What the editor of a panel works on: one panel of a draft. Every change is a step that can be taken back. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { panelOf, type Draft, type Json, type Obj, type PanelJson } from '../draft.ts';
import { t } from '../../../words.ts';
import { modern } from '../kept.ts';
import { asks, kindOf, looksOlder, type Kind } from './kinds.ts';
import { at, put, same } from './path.ts';
import { turned } from './turn.ts';

/** How a query fared: how many series it gave, or what is wrong with it and where. */
export interface Fared {
  series?: number;
  problem?: { message: string; start?: number; end?: number };
}

export class Work {
  /** The panel as it was when the editor was opened. */
  readonly first: PanelJson | undefined;
  /** How it was as another kind, for whoever goes back to that. */
  private readonly was = new Map<Kind, PanelJson>();
  /** What it asked, for whoever comes back from a kind that asks nothing. */
  private askedAs: PanelJson | null = null;
  /** The panel in the form of today, while it is as this text says: in an older one. */
  private today: { of: string; is: PanelJson } | null = null;
  private read: { panel: PanelJson | undefined; is: PanelJson | undefined } = { panel: undefined, is: undefined };
  /** Asks at once. */
  run: () => void = () => undefined;

  constructor(
    readonly draft: Draft,
    readonly id: number,
  ) {
    this.first = panelOf(draft.json, id);
  }

  /** The panel: one of an older form as what it becomes when something of it is changed. */
  get panel(): PanelJson | undefined {
    const panel = panelOf(this.draft.json, this.id);
    if (panel !== this.read.panel) this.read = { panel, is: this.today && JSON.stringify(panel) === this.today.of ? this.today.is : panel };
    return this.read.is;
  }
  /** Whether the panel has an older form, and what it becomes is known. */
  get isOlder(): boolean {
    const panel = this.panel;
    return !!panel && panel === this.today?.is;
  }
  get isChanged(): boolean {
    return !same(panelOf(this.draft.json, this.id), this.first);
  }

  /** Asks for the panel in the form of today, if it may have an older one. Says whether it has. */
  async modernise(): Promise<boolean> {
    const panel = panelOf(this.draft.json, this.id);
    if (!panel || !looksOlder(panel)) return false;
    const is = (await modern(panel)).panel as PanelJson | null;
    if (!is) return false;
    this.today = { of: JSON.stringify(panel), is: { ...is, id: panel.id, gridPos: panel.gridPos } };
    this.read = { panel: undefined, is: undefined };
    return true;
  }

  get json(): Obj {
    return (this.panel ?? {}) as unknown as Obj;
  }
  get kind(): Kind | null {
    return kindOf(this.panel?.type ?? '');
  }
  get(path: string): Json | undefined {
    return at(this.json, path);
  }

  /** Changes the panel: `what` in words; steps with the same `merge` that follow each other are one. */
  change(what: string, f: (panel: Obj) => void, merge = ''): void {
    const today = this.isOlder ? this.today?.is : undefined;
    this.draft.change(
      what,
      (json) => {
        const panel = panelOf(json, this.id) as unknown as Obj | undefined;
        if (panel && today) become(panel, today);
        if (panel) f(panel);
      },
      merge && `${this.id} ${merge}`,
    );
  }
  /** Puts a value at a path. `label`: what it is called. */
  set(path: string, label: string, value: Json | undefined): void {
    this.change(t('Change “{}”', label), (panel) => put(panel, path, value), path);
  }

  turn(kind: Kind): void {
    const panel = this.panel,
      now = this.kind;
    // An older panel is of today's type from then on.
    if (panel?.type === kind && this.isOlder) {
      this.change(t('Change the type of the panel'), () => undefined);
      return;
    }
    if (!panel || panel.type === kind) return;
    if (now) this.was.set(now, panel);
    if (asks(now)) this.askedAs = panel;
    const before = this.was.get(kind),
      from = asks(kind) && !asks(now) && this.askedAs ? { ...this.askedAs, ...panel } : panel;
    this.change(t('Change the type of the panel'), (json) => {
      const next = turned(from, kind) as unknown as Obj;
      // What only the other kind has comes back with it.
      if (before) {
        next.options = structuredClone((before.options ?? next.options) as Json);
        const custom = at(before, 'fieldConfig.defaults.custom');
        if (custom) put(next, 'fieldConfig.defaults.custom', structuredClone(custom));
      }
      become(json, next);
    });
  }

  discard(): void {
    const first = this.first;
    if (first) this.change(t('Discard the changes of the panel'), (json) => become(json, first));
  }
}

/** An object is another from now on. */
function become(json: Obj, other: object): void {
  for (const name of Object.keys(json)) delete json[name];
  Object.assign(json, structuredClone(other));
}

export const Working = createContext<Work>(null as unknown as Work);
export const useWork = (): Work => useContext(Working);
