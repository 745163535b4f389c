/** Asks the server for names while a query is written: by prefix and with a limit, never the whole list. No DOM. */
import type { PrometheusClient } from '@prometheus-io/codemirror-promql';

export const LIMIT = 100;
const KEEP_MS = 60_000;

type Matcher = { name: string; value: string; matchesEmpty(): boolean; type?: number };
export type Get = (path: string) => Promise<unknown>;

const quote = (s: string) => '"' + s.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') + '"';
const literal = (s: string) => s.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** A selector for `series()` and friends: metric and the matchers already written, without the label in question. */
export function selector(metric: string | undefined, matchers: Matcher[] = [], without = ''): string {
  const parts = matchers.filter((m) => m.name !== without && m.value !== '' && !m.matchesEmpty()).map((m) => `${m.name}=${quote(m.value)}`);
  if (metric) parts.unshift(`__name__=${quote(metric)}`);
  return parts.length ? `{${parts.join(',')}}` : '';
}

const path = (p: string, match: string) =>
  `/api/v1/${p}${p.includes('?') ? '&' : '?'}limit=${LIMIT}${match ? `&match[]=${encodeURIComponent(match)}` : ''}`;
/** The path that lists metrics with a prefix. */
export const metricsPath = (prefix: string) => path('label/__name__/values', prefix ? `{__name__=~${quote(literal(prefix) + '.*')}}` : '');

/** Answers completion from the Prometheus API; repeated questions are answered from memory for a minute. */
export class Client implements PrometheusClient {
  private readonly kept = new Map<string, { until: number; answer: Promise<unknown> }>();
  private readonly get: Get;
  private readonly now: () => number;

  constructor(get: Get, now: () => number = () => performance.now()) {
    this.get = get;
    this.now = now;
  }

  private ask<T>(path: string, otherwise: T): Promise<T> {
    const known = this.kept.get(path);
    if (known && known.until > this.now()) return known.answer as Promise<T>;
    if (this.kept.size > 200) this.kept.clear();
    const answer = this.get(path)
      .then((v) => (v as { data?: T }).data ?? otherwise)
      .catch(() => {
        this.kept.delete(path);
        return otherwise;
      });
    this.kept.set(path, { until: this.now() + KEEP_MS, answer });
    return answer;
  }

  metricNames(prefix = ''): Promise<string[]> {
    return this.ask(metricsPath(prefix), [] as string[]);
  }
  labelNames(metric?: string): Promise<string[]> {
    return this.ask(path('labels', selector(metric)), [] as string[]);
  }
  labelValues(label: string, metric?: string, matchers?: Matcher[]): Promise<string[]> {
    if (label === '__name__') return this.metricNames();
    return this.ask(path(`label/${encodeURIComponent(label)}/values`, selector(metric, matchers, label)), [] as string[]);
  }
  metricMetadata(): Promise<Record<string, { type: string; help: string }[]>> {
    return this.ask('/api/v1/metadata?limit=5000&limit_per_metric=1', {});
  }
  async series(metric: string, matchers?: Matcher[], label?: string): Promise<Map<string, string>[]> {
    const match = selector(metric, matchers, label);
    if (!match) return [];
    const found = await this.ask(path('series', match), [] as Record<string, string>[]);
    return found.map((s) => new Map(Object.entries(s)));
  }
  flags(): Promise<Record<string, string>> {
    return Promise.resolve({});
  }
}
