/** One request for many panels at a time. What is in view is asked for in the order of the page; a newer request ends the older. */
import * as page from '../page_range.ts';
import { t } from '../words.ts';
import { zone } from '../zone.ts';
import type { Answer } from './data.ts';
import { read } from './lines.ts';
import type { Slot } from './slot.ts';

/** Moments between scrolling and asking. */
const CALM_MS = 60;

const pairs = (query: string, prefix: string): string => {
  const out = new URLSearchParams();
  new URLSearchParams(query).forEach((value, name) => {
    if (name.startsWith(prefix)) out.append(name, value);
  });
  return out.toString();
};
/** The variables of a page's URL as they go to the server: `var-…` pairs, encoded. */
export const variables = (query: string): string => pairs(query, 'var-');
/** The annotations that it turns on or off: `mark-…` pairs. */
export const switches = (query: string): string => pairs(query, 'mark-');

export class Batch {
  /** Counts changes of what is asked for: range, variables, refreshes. */
  private state = 0;
  private running: { ctl: AbortController; left: Map<string, Slot>; state: number } | null = null;
  private timer = 0;
  private fresh = false;
  /** Whether panels out of view are asked for as well, for paper. */
  whole = false;

  /** `draft`: a dashboard that is shown instead of the kept one. */
  constructor(
    private readonly url: string,
    private readonly slots: () => Slot[],
    private readonly draft: () => unknown = () => undefined,
  ) {}

  get isRunning(): boolean {
    return this.running !== null;
  }

  /** Everything is to be asked for again: `now` ends what runs. `fresh`: past what the server keeps. */
  changed(fresh = false): void {
    this.state++;
    this.fresh ||= fresh;
    this.soon();
  }

  /** Asks soon for what is in view and not there yet. */
  soon(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.go(), CALM_MS);
  }

  private async go(): Promise<void> {
    const wanted = this.slots().filter((s) => (s.isSeen || this.whole) && s.answered < this.state && s.body.clientWidth > 0);
    const known = this.running?.state === this.state ? this.running.left : new Map<string, Slot>();
    // What runs already holds all of it.
    if (!wanted.some((s) => !known.has(s.key))) return;
    this.stop();
    const mine = (this.running = { ctl: new AbortController(), left: new Map(wanted.map((s) => [s.key, s])), state: this.state });
    wanted.forEach((s) => s.waits());
    const r = page.get(),
      fresh = this.fresh;
    this.fresh = false;
    const body = JSON.stringify({
      from: r.from,
      to: r.to,
      vars: variables(location.search),
      marks: switches(location.search),
      zone: zone() === 'utc' ? 'utc' : Intl.DateTimeFormat().resolvedOptions().timeZone,
      refresh: fresh,
      draft: this.draft(),
      panels: wanted.map((s) => s.wanted()),
    });
    let problem = '';
    try {
      const res = await fetch(this.url, {
        method: 'POST',
        body,
        signal: mine.ctl.signal,
        headers: { 'content-type': 'application/json', 'x-requested-with': 'pharos' },
      });
      if (!res.ok || !res.body) {
        const told = (await res.json().catch(() => null)) as { detail?: string; title?: string; error?: string } | null;
        throw new Error(told?.detail ?? told?.error ?? told?.title ?? t('The server answered {}.', res.status));
      }
      await read<Answer>(res.body, (a) => {
        const slot = a.key == null ? undefined : mine.left.get(a.key);
        if (!slot || mine.ctl.signal.aborted) return;
        mine.left.delete(slot.key);
        slot.answered = mine.state;
        slot.take(a);
      });
      problem = t('The answer broke off.');
    } catch (e) {
      if (mine.ctl.signal.aborted) return;
      problem = e instanceof TypeError ? t('The server cannot be reached.') : (e as Error).message;
    }
    for (const slot of mine.left.values()) {
      slot.answered = mine.state;
      slot.fail(problem);
    }
    if (this.running === mine) this.running = null;
    dispatchEvent(new CustomEvent('ph:board'));
    this.soon();
  }

  /** Ends what runs; the server stops working on it. */
  stop(): void {
    this.running?.ctl.abort();
    this.running?.left.forEach((s) => s.rests());
    this.running = null;
  }
}
