/**
 * For the pages of users' sites: measures how fast they are and says so to the server that this file came from. Loaded as
 * `<script type="module" async src="https://…/vitals.js">`; it sets no cookie and reads nothing of the page.
 */
import { onCLS, onFCP, onINP, onLCP, onTTFB } from 'web-vitals';
import type { Metric } from 'web-vitals';

const to = new URL('/api/metrics/web-vitals', import.meta.url).href;

/** Sent at once: what is final when a page is left is told while it is left, and nothing runs after that. */
function send({ name, value, id }: Metric): void {
  navigator.sendBeacon(to, JSON.stringify({ name, value, id, page: location.pathname }));
}

for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB]) on(send);
