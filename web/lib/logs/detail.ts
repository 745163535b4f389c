/** What a line opens to: its whole text, its labels and fields with something to do about each, and ways on. */
import { html, raw, type Raw } from '../html.ts';
import { t } from '../words.ts';
import { coloured, hasAnsi, stripped } from './ansi.ts';
import { fieldsOf, isFrame, pretty } from './fold.ts';
import { LEVEL, millis, selector, streamQuery, type Line } from './line.ts';
import plus from 'icon:plus';
import minus from 'icon:minus';
import table from 'icon:table-2';
import copy from 'icon:copy';
import around from 'icon:list-tree';
import chart from 'icon:chart-line';

function whole(text: string): Raw {
  const json = pretty(stripped(text));
  if (json != null) return html`${json}`;
  if (hasAnsi(text)) return raw(coloured(text));
  const lines = text.split('\n');
  return lines.length < 3
    ? html`${text}`
    : html`${lines.map((line, i) => html`${isFrame(line) ? html`<span class="fr">${line}</span>` : line}${i + 1 < lines.length ? '\n' : ''}`)}`;
}

const pair = (name: string, v: string): Raw =>
  html`<div><dt>${name}</dt><dd>${v}</dd><span class="acts"><button data-do="only" data-n="${name}" data-v="${v}" title="${t('Only lines with it')}" aria-label="${t('Only lines with {}', name)}">${raw(plus)}</button><button data-do="not" data-n="${name}" data-v="${v}" title="${t('Only lines without it')}" aria-label="${t('Only lines without {}', name)}">${raw(minus)}</button><button data-do="column" data-n="${name}" title="${t('Show as a column')}" aria-label="${t('Show {} as a column', name)}">${raw(table)}</button><button data-do="copy" data-v="${v}" title="${t('Copy')}" aria-label="${t('Copy {}', name)}">${raw(copy)}</button></span></div>`;

/** Labels that only lines have. */
const OF_LINES = new Set(['filename', 'stream', 'level', LEVEL, 'flags']);

/** Metrics that have the labels of a line, at its time, which is the end of the range: that is what a table shows. */
export function metricsHref(line: Line): string {
  const at = millis(line.t);
  const all = Object.entries(line.labels);
  // A service without a name of its own is called as another label says, which metrics have alone.
  const shared = all.filter(
    ([n, v]) => !OF_LINES.has(n) && !(n === 'service_name' && all.some(([other, known]) => other !== n && known === v)),
  );
  const params = new URLSearchParams({
    q: `count by (__name__) (${selector(shared.length ? Object.fromEntries(shared) : line.labels)})`,
    view: 'table',
    from: String(Math.round(at - 1_800_000)),
    to: String(Math.round(at)),
  });
  return `/explore?${params}`;
}

export function detail(line: Line, page: string): string {
  const context = `${page}?${new URLSearchParams({ s: streamQuery(line.labels), t: line.t })}`;
  const own = Object.entries(fieldsOf(stripped(line.text)))
    .filter(([name]) => !(name in line.fields))
    .map(([name, v]): [string, string] => [name in line.labels ? `${name}_extracted` : name, v])
    .filter(([name, v]) => !(name in line.fields) && v !== line.labels[name.replace(/_extracted$/, '')])
    .slice(0, 40);
  const level = line.level ? [[LEVEL, line.level] as [string, string]] : [];
  return html`<div class="more"><pre>${whole(line.text)}</pre><dl class="det">${Object.entries(line.labels).map(([n, v]) => pair(n, v))}${[...level, ...Object.entries(line.fields)].map(([n, v]) => pair(n, v))}${own.map(([n, v]) => pair(n, v))}</dl><p class="ways"><a class="btn sm" href="${context}">${raw(around)}${t('Context')}</a><a class="btn sm" href="${metricsHref(line)}">${raw(chart)}${t('Metrics')}</a><button class="btn sm" data-do="copy" data-v="${line.text}">${raw(copy)}${t('Copy')}</button></p></div>`
    .text;
}
