/** What lines have in common: the loudest patterns, those that are new, each with a search for its lines. */
import { html, raw, type Raw } from '../html.ts';
import { t } from '../words.ts';
import { classOf } from './line.ts';

export interface Pattern {
  pattern: string;
  level?: string;
  samples: [number, number][];
}
export interface Loud {
  pattern: string;
  level: string;
  count: number;
  share: number;
  fresh: boolean;
  first: number;
  counts: number[];
}

const POINTS = 40;

/** Counts each pattern in equal parts of the range (seconds); new is what came up for the first time in the last fifth of the time that there are lines of. */
export function loud(all: Pattern[], from: number, to: number): Loud[] {
  const total = all.reduce((n, p) => n + p.samples.reduce((m, [, c]) => m + c, 0), 0) || 1;
  const earliest = all.reduce((first, p) => p.samples.reduce((a, [at, c]) => (c > 0 ? Math.min(a, at) : a), first), to),
    begin = Math.max(from, earliest);
  // The first step may begin before the range: it has a bar of its own.
  const left = Math.min(from, earliest),
    bars = POINTS + (left < from ? 1 : 0);
  const edge = to - (to - begin) / 5;
  return all
    .map((p) => {
      const counts = new Array<number>(bars).fill(0);
      let count = 0,
        first = Infinity;
      for (const [at, c] of p.samples) {
        if (c > 0) first = Math.min(first, at);
        count += c;
        const i = Math.max(0, Math.min(bars - 1, Math.floor(((at - left) / Math.max(1, to - left)) * bars)));
        counts[i] = (counts[i] ?? 0) + c;
      }
      return {
        pattern: p.pattern,
        level: p.level ?? '',
        count,
        share: count / total,
        fresh: first >= edge && first > begin && first < Infinity,
        first,
        counts,
      };
    })
    .filter((p) => p.count > 0)
    .sort((a, b) => Number(b.fresh) - Number(a.fresh) || b.count - a.count);
}

function spark(counts: number[]): Raw {
  const max = Math.max(1, ...counts);
  return raw(
    `<svg viewBox="0 0 ${counts.length} 20" preserveAspectRatio="none" aria-hidden="true"><path d="${counts.map((c, i) => (c ? `M${i}.1 20h.8v-${Math.max(1, (c / max) * 20).toFixed(1)}h-.8z` : '')).join('')}"/></svg>`,
  );
}

/** The words of a pattern, its gaps set apart. */
const parts = (pattern: string): Raw => html`${pattern.split('<_>').map((text, i) => html`${i ? html`<i>…</i>` : ''}${text}`)}`;

export async function show(box: HTMLElement, query: string, fromMs: number, toMs: number): Promise<void> {
  box.innerHTML = html`<p class="empty">${t('Looking for patterns')}</p>`.text;
  const step = Math.max(10, Math.ceil((toMs - fromMs) / 1000 / POINTS));
  const params = new URLSearchParams({
    query,
    dialect: 'pharos',
    start: String(fromMs / 1000),
    end: String(toMs / 1000),
    step: `${step}s`,
  });
  const res = await fetch(`/loki/api/v1/patterns?${params}`, { headers: { 'x-requested-with': 'pharos' } }).catch(() => null);
  if (!res?.ok) {
    box.innerHTML =
      html`<p class="empty bad" role="alert">${res ? (await res.text()).slice(0, 500) : t('The server cannot be reached.')}</p>`.text;
    return;
  }
  const body = (await res.json()) as { data?: Pattern[] | null };
  const list = loud(body.data ?? [], fromMs / 1000, toMs / 1000);
  if (!list.length) {
    box.innerHTML = html`<p class="empty">${t('There are no patterns: they come from lines of the last hours that look alike.')}</p>`.text;
    return;
  }
  const href = (p: string) => {
    const u = new URL(location.href);
    u.searchParams.delete('view');
    u.searchParams.delete('f');
    u.searchParams.set('lang', 'logql');
    u.searchParams.set('q', `${query} |> ${p.includes('`') ? JSON.stringify(p) : `\`${p}\``}`);
    return u.pathname + u.search;
  };
  box.innerHTML =
    html`<table class="tbl"><thead><tr><th>${t('Pattern')}</th><th class="opt">${t('Over time')}</th><th class="num">${t('Lines')}</th><th class="num opt">${t('Share')}</th></tr></thead><tbody>${list.slice(0, 300).map((p) => html`<tr class="hi"><td class="wrap mono" dir="ltr"><div class="cut">${p.level ? html`<i class="lv ${classOf(p.level)}" title="${p.level}"></i> ` : ''}${p.fresh ? html`<span class="tag info">${t('new')}</span> ` : ''}<a class="row" href="${href(p.pattern)}">${parts(p.pattern)}</a></div></td><td class="opt sp">${spark(p.counts)}</td><td class="num">${p.count.toLocaleString('en')}</td><td class="num opt">${(p.share * 100).toFixed(1)}%</td></tr>`)}</tbody></table>`.text;
}
