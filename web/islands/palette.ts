/** The command palette, the list of shortcuts, and the question before something is deleted. */
import { score } from '../lib/fuzzy.ts';
import { html, raw } from '../lib/html.ts';
import { learn, t } from '../lib/words.ts';
import book from 'icon:book-open';
import chart from 'icon:chart-line';
import board from 'icon:layout-dashboard';

await learn({ ar: () => import('../lang/ar_palette.ts') });

interface Entry {
  text: string;
  href: string;
  hint: string;
  icon: string;
}
const MAX = 10;

/** A dialog that is removed when it closes; focus goes back by itself. */
function dialog(id: string, content: string): HTMLDialogElement {
  document.getElementById(id)?.remove();
  const d = document.createElement('dialog');
  d.id = id;
  d.innerHTML = content;
  d.addEventListener('close', () => d.remove());
  d.addEventListener('click', (e) => {
    if (e.target === d) d.close();
  });
  document.body.append(d);
  d.showModal();
  return d;
}

const pages = (): Entry[] =>
  [...document.querySelectorAll<HTMLAnchorElement>('.side .nav a')].map((a) => ({
    text: a.querySelector('.lbl')?.textContent?.trim() ?? '',
    href: a.href,
    hint: a.dataset.key ? `G ${a.dataset.key.toUpperCase()}` : '',
    icon: a.querySelector('svg')?.outerHTML ?? '',
  }));

/** Pages below those of the side; they wear the icon of what they belong to. */
function subPages(): Entry[] {
  const all = document.querySelector<HTMLTemplateElement>('#sub')?.content.querySelectorAll('a') ?? [];
  const side = pages();
  return [...all].map((a) => ({ text: a.text, href: a.href, hint: a.title, icon: side.find((p) => p.text === a.title)?.icon ?? chart }));
}

async function metrics(query: string, signal: AbortSignal): Promise<Entry[]> {
  if (query.length < 2) return [];
  const pattern = '.*' + query.toLowerCase().replaceAll(/[^a-z0-9_:]+/g, '.*') + '.*';
  const match = `{__name__=~"(?i)${pattern}"}`;
  const res = await fetch(`/api/v1/label/__name__/values?limit=20&match[]=${encodeURIComponent(match)}`, { signal });
  if (!res.ok) return [];
  const names = ((await res.json()) as { data?: string[] }).data ?? [];
  return names.slice(0, 20).map((name) => ({ text: name, href: `/explore?q=${encodeURIComponent(name)}`, hint: t('metric'), icon: chart }));
}

/** Dashboards by their titles. */
async function boards(query: string, signal: AbortSignal): Promise<Entry[]> {
  if (!query) return [];
  const res = await fetch(`/api/search?type=dash-db&limit=${MAX}&query=${encodeURIComponent(query)}`, { signal });
  if (!res.ok) return [];
  return ((await res.json()) as { title: string; url: string; folderTitle?: string }[]).map((one) => ({
    text: one.title,
    href: one.url,
    hint: one.folderTitle || t('dashboard'),
    icon: board,
  }));
}

/** Headings of the documentation, fetched when the palette opens. */
async function titles(): Promise<Entry[]> {
  const res = await fetch('/docs/titles.json');
  if (!res.ok) return [];
  return ((await res.json()) as { text: string; page: string; href: string }[]).map((x) => ({
    text: x.text,
    href: x.href,
    hint: x.text === x.page ? t('documentation') : x.page,
    icon: book,
  }));
}

/** Opens the palette; `typed` came before it was there. */
export function open(typed = ''): void {
  if (document.getElementById('cmdk')) return;
  const d = dialog(
    'cmdk',
    html`<input role="combobox" aria-expanded="true" aria-controls="cmdl" placeholder="${t('Go to a page, a dashboard or a metric')}" aria-label="${t('Command palette')}" autocomplete="off" spellcheck="false"><ul id="cmdl" role="listbox" aria-label="${t('Results')}"></ul>`
      .text,
  );
  const input = d.querySelector('input') as HTMLInputElement,
    list = d.querySelector('ul') as HTMLElement;
  const local = [...pages(), ...subPages()];
  let found: Entry[] = [],
    docs: Entry[] = [],
    shown: Entry[] = [],
    at = 0,
    timer = 0,
    ctl = new AbortController();
  const draw = () => {
    const q = input.value.trim();
    shown = [...local, ...found, ...(q.length > 1 ? docs : [])]
      .map((e) => ({ e, s: score(q, e.text) }))
      .filter((x) => x.s >= 0)
      .sort((a, b) => b.s - a.s)
      .slice(0, MAX)
      .map((x) => x.e);
    at = Math.min(at, Math.max(0, shown.length - 1));
    list.innerHTML = shown.length
      ? html`${shown.map((e, i) => html`<li role="option" id="cmd${i}" aria-selected="${String(i === at)}" data-i="${i}">${raw(e.icon)}<span>${e.text}</span><small>${e.hint}</small></li>`)}`
          .text
      : html`<li class="no" role="option" aria-selected="false">${t('Nothing is called “{}”.', q)}</li>`.text;
    input.setAttribute('aria-activedescendant', `cmd${at}`);
    list.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  };
  const go = (i: number) => {
    const e = shown[i];
    if (e) location.href = e.href;
  };
  input.addEventListener('input', () => {
    at = 0;
    draw();
    clearTimeout(timer);
    ctl.abort();
    ctl = new AbortController();
    timer = window.setTimeout(() => {
      const q = input.value.trim();
      void Promise.allSettled([boards(q, ctl.signal), metrics(q, ctl.signal)]).then((all) => {
        if (q === input.value.trim()) {
          found = all.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
          draw();
        }
      });
    }, 120);
  });
  input.addEventListener('keydown', (e) => {
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      at = (at + (e.key === 'ArrowDown' ? 1 : shown.length - 1)) % Math.max(1, shown.length);
      draw();
    } else if (e.key === 'Enter') {
      e.preventDefault();
      go(at);
    }
  });
  list.addEventListener('click', (e) => {
    const li = (e.target as Element).closest<HTMLElement>('[data-i]');
    if (li) go(Number(li.dataset.i));
  });
  input.value = typed;
  if (typed) input.dispatchEvent(new Event('input'));
  else draw();
  void titles()
    .then((all) => {
      docs = all;
      draw();
    })
    .catch(() => undefined);
  input.focus();
}

const KEYS: [string, string][] = [
  ['⌘K', 'Search or jump to'],
  ['/', 'Query or filter'],
  ['R', 'Refresh'],
  ['T', 'Time range'],
  ['[ ]', 'Earlier, later'],
  ['-', 'Zoom out'],
  ['C', 'Copy link'],
  ['J K', 'Next, previous row'],
  ['X', 'Choose the row'],
  ['A', 'Acknowledge the row'],
  ['?', 'This list'],
  ['Enter', 'Run the query'],
  ['Ctrl Space', 'Complete'],
  ['← →', 'Read a chart'],
  ['Shift drag', 'Pan a chart'],
  ['Ctrl drag', 'Zoom values'],
  ['Esc', 'Close'],
];
export function keys(): void {
  const jumps = pages()
    .filter((p) => p.hint)
    .map((p): [string, string] => [p.hint, p.text]);
  const d = dialog(
    'keys',
    html`<h2>${t('Keyboard')}</h2><dl>${[...KEYS.map(([k, words]): [string, string] => [k, t(words)]), ...jumps].map(([k, words]) => html`<div><dt>${words}</dt><dd><kbd>${k}</kbd></dd></div>`)}</dl>`
      .text,
  );
  d.className = 'keys';
  d.setAttribute('aria-label', t('Keyboard shortcuts'));
}

/** Asks before a form is sent; the safe button has the focus. */
export function confirm(form: HTMLFormElement, by: HTMLElement | null): void {
  const d = dialog(
    'ask',
    html`<h2>${form.dataset.confirm ?? ''}</h2><p>${form.dataset.detail ?? ''}</p><div class="acts"><button class="btn" value="no" autofocus>${t('Keep it')}</button><button class="btn p bad" value="yes">${form.dataset.yes ?? t('Delete')}</button></div>`
      .text,
  );
  d.className = 'ask';
  d.addEventListener('click', (e) => {
    const value = (e.target as Element).closest('button')?.value;
    if (!value) return;
    d.close();
    if (value === 'yes') {
      form.dataset.sure = '1';
      form.requestSubmit(by);
    }
  });
}
