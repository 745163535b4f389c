/** What the editor of a panel works on: one panel of a draft. Every change is a step that can be taken back. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { panelOf, type Draft, type Json, type Obj, type PanelJson } from '../draft.ts';
import { t } from '../../../words.ts';
import { asks, kindOf, type Kind } from './kinds.ts';
import { at, put } from './path.ts';
import { turned } from './turn.ts';

/** How a query fared: how many series it gave, or what is wrong with it and where. */
export interface Fared { series?: number; problem?: { message: string; start?: number; end?: number } }

export class Work {
  /** The panel as it was when the editor was opened. */
  readonly first: PanelJson | undefined;
  /** How it was as another kind, for whoever goes back to that. */
  private readonly was = new Map<Kind, PanelJson>();
  /** What it asked, for whoever comes back from a kind that asks nothing. */
  private askedAs: PanelJson | null = null;
  /** Asks at once. */
  run: () => void = () => undefined;

  constructor(readonly draft: Draft, readonly id: number) { this.first = panelOf(draft.json, id); }

  get panel(): PanelJson | undefined { return panelOf(this.draft.json, this.id); }
  get json(): Obj { return (this.panel ?? {}) as unknown as Obj; }
  get kind(): Kind | null { return kindOf(this.panel?.type ?? ''); }
  get(path: string): Json | undefined { return at(this.json, path); }

  /** Changes the panel: `what` in words; steps with the same `merge` that follow each other are one. */
  change(what: string, f: (panel: Obj) => void, merge = ''): void {
    this.draft.change(what, (json) => { const panel = panelOf(json, this.id); if (panel) f(panel as unknown as Obj); }, merge && `${this.id} ${merge}`);
  }
  /** Puts a value at a path. `label`: what it is called. */
  set(path: string, label: string, value: Json | undefined): void {
    this.change(t('Change “{}”', label), (panel) => put(panel, path, value), path);
  }

  turn(kind: Kind): void {
    const panel = this.panel, now = this.kind;
    if (!panel || panel.type === kind) return;
    if (now) this.was.set(now, panel);
    if (asks(now)) this.askedAs = panel;
    const before = this.was.get(kind), from = asks(kind) && !asks(now) && this.askedAs ? { ...this.askedAs, ...panel } : panel;
    this.change(t('Change the type of the panel'), (json) => {
      const next = turned(from, kind) as unknown as Obj;
      // What only the other kind has comes back with it.
      if (before) { next.options = structuredClone((before.options ?? next.options) as Json); const custom = at(before, 'fieldConfig.defaults.custom'); if (custom) put(next, 'fieldConfig.defaults.custom', structuredClone(custom)); }
      for (const name of Object.keys(json)) delete json[name];
      Object.assign(json, structuredClone(next));
    });
  }

  discard(): void {
    const first = this.first;
    if (first) this.change(t('Discard the changes of the panel'), (json) => {
      for (const name of Object.keys(json)) delete json[name];
      Object.assign(json, structuredClone(first));
    });
  }
}

export const Working = createContext<Work>(null as unknown as Work);
export const useWork = (): Work => useContext(Working);
