/** What the page of a dashboard offers to those that change it. */
import type { Batch, variables } from '../batch.ts';
import type { Slot } from '../slot.ts';
import type { Draft } from './draft.ts';

export interface Host {
  readonly el: HTMLElement;
  readonly batch: Batch;
  /** What it is made of, for those that draw panels of their own: importing it would split what every reader loads. */
  readonly makes: { Batch: typeof Batch; Slot: typeof Slot; variables: typeof variables };
  /** What is shown instead of the kept dashboard; null while nobody changes it. */
  draft: Draft | null;
  /** Brings the page to what the draft, or the URL, says. `anew`: what panels show may be different. */
  follow(anew: boolean): Promise<void>;
  /** Goes to another URL of this page. */
  go(href: string): void;
}
