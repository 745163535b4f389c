/** The menu of a panel, and what its entries do: table, CSV, picture, full screen, link. Fetched when it is opened first. */
import { html } from '../html.ts';
import * as page from '../page_range.ts';
import { label } from '../range.ts';
import { toast } from '../say.ts';
import { colour } from '../theme.ts';
import { t } from '../words.ts';
import { csv, type Table } from './csv.ts';
import type { Slot } from './slot.ts';

const ROWS_MAX = 500;
let current: HTMLElement | null = null;

/** What a panel shows as a table: its data, or the table that stands in it. */
function tableOf(slot: Slot | undefined): Table | null {
  if (slot?.drawing) return slot.drawing.table();
  const table = slot?.body.querySelector('table');
  if (!table) return null;
  const cells = (row: Element) => [...row.querySelectorAll('th, td')].map((c) => c.textContent?.trim() ?? '');
  const [head, ...rows] = [...table.querySelectorAll('tr')].map(cells);
  return { heads: head ?? [], rows };
}

function save(name: string, what: Blob): void {
  const a = Object.assign(document.createElement('a'), { href: URL.createObjectURL(what), download: name });
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}
const file = (title: string, end: string): string =>
  `${
    title
      .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
      .replaceAll(/^-|-$/g, '')
      .slice(0, 80) || 'panel'
  }.${end}`;

function showTable(title: string, table: Table): void {
  const dialog = document.createElement('dialog');
  dialog.className = 'gp-table';
  const rows = table.rows.slice(-ROWS_MAX).reverse();
  dialog.innerHTML =
    html`<header><h2>${title || t('Panel')}</h2><span class="grow"></span><button class="btn sm" data-csv>${t('Download CSV')}</button><button class="btn sm" data-close>${t('Close')}</button></header>
    <div class="scroll" tabindex="0"><table class="tbl"><thead><tr>${table.heads.map((h) => html`<th>${h}</th>`)}</tr></thead><tbody>${rows.map((r) => html`<tr>${r.map((v, i) => html`<td class="${i ? 'num' : 'mono'}">${v == null ? '–' : v}</td>`)}</tr>`)}</tbody></table></div>
    ${table.rows.length > rows.length ? html`<p class="dim">${t('The newest {} of {} rows. The CSV has all.', rows.length, table.rows.length)}</p>` : ''}`.text;
  dialog.addEventListener('click', (e) => {
    const b = (e.target as Element).closest<HTMLElement>('button');
    if (b?.hasAttribute('data-csv')) save(file(title, 'csv'), new Blob([csv(table)], { type: 'text/csv' }));
    if (b?.hasAttribute('data-close') || e.target === dialog) dialog.close();
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** The chart with its title, range and names on one canvas. */
function picture(title: string, from: HTMLCanvasElement, names: { name: string; css: string }[]): HTMLCanvasElement {
  const px = devicePixelRatio,
    out = document.createElement('canvas'),
    c = out.getContext('2d') as CanvasRenderingContext2D;
  const width = from.width / px + 24;
  c.font = '12px "Inter Variable", system-ui, sans-serif';
  // Names in lines as wide as the chart.
  const places: [number, number, { name: string; css: string }][] = [];
  let x = 16,
    line = 0;
  for (const one of names.slice(0, 60)) {
    const wide = c.measureText(one.name).width + 34;
    if (x + wide > width - 12 && x > 16) {
      x = 16;
      line++;
    }
    places.push([x, line, one]);
    x += wide;
  }
  const height = from.height / px + 48 + (names.length ? (line + 1) * 20 + 12 : 8);
  out.width = width * px;
  out.height = height * px;
  c.scale(px, px);
  c.fillStyle = colour('--surface');
  c.fillRect(0, 0, width, height);
  c.fillStyle = colour('--text');
  c.font = '600 14px "Inter Variable", system-ui, sans-serif';
  c.fillText(title, 16, 26, width - 32);
  const long = c.measureText(title).width + 28;
  c.font = '12px "Inter Variable", system-ui, sans-serif';
  c.fillStyle = colour('--text-3');
  c.fillText(label(page.get(), page.now()), Math.min(long, width - 160), 26);
  c.drawImage(from, 12, 40, from.width / px, from.height / px);
  for (const [left, at, one] of places) {
    const y = from.height / px + 60 + at * 20;
    c.fillStyle = one.css;
    c.fillRect(left, y - 5, 12, 3);
    c.fillStyle = colour('--text-2');
    c.fillText(one.name, left + 18, y);
  }
  return out;
}

/** Opens the menu under a button of a panel. */
function open(board: HTMLElement, button: HTMLElement, slot: Slot | undefined): void {
  const menu = board.querySelector('#gm') as HTMLElement;
  current = button.closest<HTMLElement>('.gp');
  const at = (what: string) => menu.querySelector<HTMLAnchorElement>(`[data-do="${what}"]`) as HTMLAnchorElement;
  at('view').href = current?.querySelector<HTMLAnchorElement>('h2 a')?.href ?? '#';
  const explore = current?.dataset.explore ?? '';
  at('explore').hidden = !explore;
  if (explore) {
    const u = new URL(explore, location.href),
      r = page.get();
    u.searchParams.set('from', r.from);
    u.searchParams.set('to', r.to);
    at('explore').href = u.href;
  }
  const table = tableOf(slot) != null;
  at('table').hidden = at('csv').hidden = !table;
  at('png').hidden = !slot?.drawing?.canvas();
  // Whoever changes the dashboard adds what they can do.
  board.dispatchEvent(new CustomEvent('ph:menu', { detail: current }));
  menu.showPopover();
  const r = button.getBoundingClientRect();
  menu.classList.add('placed');
  menu.style.top = `${Math.max(8, Math.min(r.bottom + 4, innerHeight - menu.offsetHeight - 8))}px`;
  menu.style.left = `${Math.max(8, Math.min(innerWidth - menu.offsetWidth - 8, r.right - menu.offsetWidth))}px`;
  menu.querySelector<HTMLElement>('a:not([hidden]), button:not([hidden])')?.focus();
}

function run(what: string, el: HTMLElement, slot: Slot | undefined): void {
  const title = slot?.title() ?? '',
    table = tableOf(slot),
    canvas = slot?.drawing?.canvas();
  if (what === 'table' && table) showTable(title, table);
  else if (what === 'csv' && table) save(file(title, 'csv'), new Blob([csv(table)], { type: 'text/csv' }));
  else if (what === 'png' && canvas)
    picture(title, canvas, slot?.drawing?.names() ?? []).toBlob((blob) => {
      if (blob) save(file(title, 'png'), blob);
    });
  else if (what === 'full') void el.requestFullscreen().catch(() => toast(t('This browser refuses full screen.'), true));
  else if (what === 'link') {
    const link = el.querySelector<HTMLAnchorElement>('h2 a')?.href ?? location.href;
    void navigator.clipboard.writeText(link).then(() => toast(t('Link copied')));
  }
}

/** A press on a panel's menu button, or on an entry of the menu. */
export function press(board: HTMLElement, button: HTMLElement, slot: (el: HTMLElement) => Slot | undefined): void {
  if (button.matches('[data-menu]')) {
    const el = button.closest<HTMLElement>('.gp');
    open(board, button, el ? slot(el) : undefined);
    return;
  }
  board.querySelector<HTMLElement>('#gm')?.hidePopover();
  if (current) run(button.dataset.do ?? '', current, slot(current));
}
