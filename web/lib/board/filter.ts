/** Filters on columns of tables: a funnel in the head opens the values there are, and rows with those that are ticked stay. They stay so when the panel is refreshed. */
import { html } from '../html.ts';
import { t } from '../words.ts';

/** The values that stay, by table and column. */
type Kept = Record<string, string[]>;

const tables = (panel: Element) => [...panel.querySelectorAll<HTMLTableElement>('.p-table')];
const rowsOf = (table: HTMLTableElement) => [...(table.tBodies[0]?.rows ?? [])];
const valueOf = (row: HTMLTableRowElement, column: number): string => row.cells[column]?.textContent?.trim() ?? '';
const keptOf = (panel: HTMLElement): Kept => JSON.parse(panel.dataset.filtered ?? '{}') as Kept;
const keyOf = (table: number, column: number): string => `${table}/${column}`;
/** A column again after the panel was filled anew: its number counts only while its name is the same. */
const named = (table: HTMLTableElement, column: number): string =>
  table.tHead?.rows[0]?.cells[column]?.querySelector('[data-sort]')?.textContent ?? '';

/** Whether a row stays, by the filters of all columns but one. */
export const stays = (values: (column: number) => string, filters: Map<number, Set<string>>, but = -1): boolean =>
  [...filters].every(([column, kept]) => column === but || kept.has(values(column)));

/** The values of a column, each once, in the order in which people look for them, with how many rows have it. */
export function offered(values: string[]): [string, number][] {
  const found = new Map<string, number>();
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1);
  return [...found].sort(([a], [b]) => a.localeCompare(b, undefined, { numeric: true }));
}

function filtersOf(panel: HTMLElement, at: number): Map<number, Set<string>> {
  const table = tables(panel)[at],
    found = new Map<number, Set<string>>();
  for (const [key, kept] of Object.entries(keptOf(panel))) {
    const [of, column, ...name] = key.split('/');
    if (Number(of) === at && table && named(table, Number(column)) === name.join('/')) found.set(Number(column), new Set(kept));
  }
  return found;
}

/** Hides the rows that do not stay, and says so below each table. */
export function filter(panel: HTMLElement): void {
  tables(panel).forEach((table, at) => {
    const filters = filtersOf(panel, at),
      rows = rowsOf(table);
    let shown = 0;
    for (const row of rows) {
      row.hidden = !stays((column) => valueOf(row, column), filters);
      if (!row.hidden) shown++;
    }
    table
      .querySelectorAll<HTMLElement>('[data-filter]')
      .forEach((button) => button.setAttribute('aria-pressed', String(filters.has(Number(button.dataset.filter)))));
    let note = table.nextElementSibling as HTMLElement | null;
    if (!note?.matches('.p-filtered')) {
      note = Object.assign(document.createElement('p'), { className: 'p-more p-filtered' });
      note.setAttribute('role', 'status');
      table.after(note);
    }
    note.innerHTML = filters.size
      ? html`${t('{} of {} rows', shown, rows.length)}${table.tFoot ? ` · ${t('totals are of all rows')}` : ''} <button type="button" class="btn g sm" data-unfilter="${at}">${t('Clear filters')}</button>`
          .text
      : '';
    note.hidden = !filters.size;
  });
}

function keep(panel: HTMLElement, at: number, column: number, values: string[]): void {
  const all = keptOf(panel),
    table = tables(panel)[at],
    start = `${keyOf(at, column)}/`;
  for (const key of Object.keys(all)) if (key.startsWith(start)) delete all[key];
  if (values.length && table) all[start + named(table, column)] = values;
  panel.dataset.filtered = JSON.stringify(all);
  filter(panel);
}

/** All filters of a table go. */
function clear(panel: HTMLElement, at: number): void {
  const all = Object.entries(keptOf(panel)).filter(([key]) => !key.startsWith(`${at}/`));
  panel.dataset.filtered = JSON.stringify(Object.fromEntries(all));
  filter(panel);
  tables(panel)[at]?.querySelector<HTMLElement>('[data-filter]')?.focus();
}

/** Beside the button, inside of the window. */
function place(form: HTMLElement, button: HTMLElement): void {
  const r = button.getBoundingClientRect();
  form.classList.add('placed');
  form.style.top = `${Math.max(8, Math.min(r.bottom + 4, innerHeight - form.offsetHeight - 8))}px`;
  form.style.left = `${Math.max(8, Math.min(r.left, innerWidth - form.offsetWidth - 8))}px`;
}

function open(panel: HTMLElement, table: HTMLTableElement, button: HTMLElement): void {
  const at = tables(panel).indexOf(table),
    column = Number(button.dataset.filter),
    filters = filtersOf(panel, at),
    kept = filters.get(column) ?? new Set<string>();
  // What other columns leave, and what is ticked already.
  const values = offered(
    rowsOf(table)
      .filter((row) => kept.has(valueOf(row, column)) || stays((of) => valueOf(row, of), filters, column))
      .map((row) => valueOf(row, column)),
  );
  const form = document.createElement('form');
  form.className = 'menu list vmenu p-pick';
  form.popover = 'auto';
  form.setAttribute('role', 'dialog');
  form.setAttribute('aria-label', button.getAttribute('aria-label') ?? '');
  form.innerHTML =
    html`<input class="in sm" type="search" placeholder="${t('Find')}" aria-label="${t('Find')}" autocomplete="off"><div class="vlist"><label data-all><input type="checkbox"><span>${t('All')}</span></label>${values.map(([value, many]) => html`<label><input type="checkbox" name="v" value="${value}"${kept.has(value) ? html` checked` : ''}><span>${value || t('(empty)')}</span><small>${many}</small></label>`)}</div><div class="vfoot"><button type="button" class="btn g sm" data-clear>${t('Clear filter')}</button><button class="btn p sm">${t('Apply')}</button></div>`.text;
  const find = form.querySelector('input') as HTMLInputElement,
    every = form.querySelector('[data-all] input') as HTMLInputElement;
  const boxes = [...form.querySelectorAll<HTMLInputElement>('[name="v"]')],
    line = (box: HTMLInputElement) => box.parentElement as HTMLElement;
  const visible = () => boxes.filter((box) => !line(box).hidden);
  const mark = () => {
    const seen = visible(),
      on = seen.filter((box) => box.checked).length;
    every.checked = on > 0 && on === seen.length;
    every.indeterminate = on > 0 && on < seen.length;
  };
  const take = () => {
    // Whoever searched and ticked nothing means what was found.
    if (find.value.trim() && !boxes.some((box) => box.checked))
      visible().forEach((box) => {
        box.checked = true;
      });
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    keep(panel, at, column, chosen.length === boxes.length ? [] : chosen);
    form.hidePopover();
  };
  mark();
  find.addEventListener('input', () => {
    const want = find.value.trim().toLowerCase();
    boxes.forEach((box) => {
      line(box).hidden = !(line(box).querySelector('span')?.textContent ?? '').toLowerCase().includes(want);
    });
    mark();
  });
  form.addEventListener('change', (e) => {
    if (e.target === every)
      visible().forEach((box) => {
        box.checked = every.checked;
      });
    mark();
  });
  form.addEventListener('submit', (e) => {
    e.preventDefault();
    take();
  });
  form.querySelector('[data-clear]')?.addEventListener('click', () => {
    keep(panel, at, column, []);
    form.hidePopover();
  });
  form.addEventListener('keydown', (e) => {
    const by = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0,
      all = [find, every, ...visible()];
    if (e.key === 'Enter' && (e.target as HTMLElement).matches('[type="checkbox"]')) {
      e.preventDefault();
      take();
    }
    if (!by) return;
    e.preventDefault();
    all[(all.indexOf(e.target as HTMLInputElement) + by + all.length) % all.length]?.focus();
  });
  form.addEventListener('toggle', (e) => {
    if ((e as ToggleEvent).newState === 'open') return;
    form.remove();
    // The table may have been drawn anew meanwhile.
    if (document.activeElement === document.body || !document.activeElement)
      tables(panel)[at]?.querySelector<HTMLElement>(`[data-filter="${column}"]`)?.focus();
  });
  document.body.append(form);
  form.showPopover();
  place(form, button);
  find.focus();
}

/** A press on a funnel, or on what takes all filters of a table away. */
export function press(button: HTMLElement): void {
  const panel = button.closest<HTMLElement>('.gp'),
    table = button.closest<HTMLTableElement>('table');
  if (!panel) return;
  if (button.dataset.unfilter != null) clear(panel, Number(button.dataset.unfilter));
  else if (table) open(panel, table, button);
}
