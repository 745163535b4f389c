/** Keeps a live list readable: below a rate every line, above it an even share. */

export interface Share<T> {
  kept: T[];
  /** Lines a second that came. */ rate: number;
  /** Whether lines were left out of late. */ sampled: boolean;
}

export class Sampler<T> {
  private readonly max: number;
  private since = 0;
  private came = 0;
  private kept = 0;
  private rate = 0;
  private owed = 0;
  private left = 0;

  /** At most `max` lines a second. */
  constructor(max: number) {
    this.max = max;
  }

  /** What is kept of lines that came by `now` (ms). */
  take(items: T[], now: number): Share<T> {
    if (this.since === 0) this.since = now;
    const passed = now - this.since;
    if (passed >= 1000) {
      this.rate = (this.came * 1000) / passed;
      this.since = now;
      this.came = this.kept = 0;
      this.left = Math.max(0, this.left - 1);
    }
    this.came += items.length;
    // Before a second is over its rate shows already when it passes the limit.
    const rate = Math.max(this.rate, this.came);
    if (rate <= this.max) {
      this.kept += items.length;
      return { kept: items, rate, sampled: this.left > 0 };
    }
    const share = this.max / rate,
      kept: T[] = [];
    for (const item of items) {
      this.owed += share;
      if (this.owed >= 1 && this.kept < this.max) {
        this.owed -= 1;
        this.kept++;
        kept.push(item);
      }
    }
    this.owed = Math.min(this.owed, 1);
    if (kept.length < items.length) this.left = 2;
    return { kept, rate, sampled: this.left > 0 };
  }
}
