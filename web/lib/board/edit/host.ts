/** What the page of a dashboard offers to those that change it. */
import type { Batch } from '../batch.ts';
import type { Draft } from './draft.ts';

export interface Host {
  readonly el: HTMLElement;
  readonly batch: Batch;
  /** What is shown instead of the kept dashboard; null while nobody changes it. */
  draft: Draft | null;
  /** Brings the page to what the draft, or the URL, says. `anew`: what panels show may be different. */
  follow(anew: boolean): Promise<void>;
  /** Goes to another URL of this page. */
  go(href: string): void;
}
