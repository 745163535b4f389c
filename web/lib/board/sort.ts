/** Tables of panels in another order: a press on a head sorts by it, and what was chosen stays when the panel is refreshed. */
import { filter } from './filter.ts';

const tables = (panel: Element) => [...panel.querySelectorAll<HTMLTableElement>('.p-table')];

function order(table: HTMLTableElement, column: number, down: boolean): void {
  const body = table.tBodies[0];
  if (!body) return;
  const key = (row: HTMLTableRowElement): [number, string] => {
    const cell = row.cells[column],
      v = cell?.dataset.v;
    return [v == null ? NaN : Number(v), cell?.textContent ?? ''];
  };
  const rows = [...body.rows].map((row) => ({ row, key: key(row) }));
  const sign = down ? -1 : 1;
  // What has no number stands last, whichever way.
  rows.sort((a, b) => {
    const [x, s] = a.key,
      [y, t] = b.key,
      none = Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return none || (Number.isNaN(x) ? s.localeCompare(t, undefined, { numeric: true }) : x - y) * sign;
  });
  body.append(...rows.map(({ row }) => row));
  [...(table.tHead?.rows[0]?.cells ?? [])].forEach((th, at) => {
    if (at === column) th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    else th.removeAttribute('aria-sort');
  });
}

/** Sorts by the head that was pressed: numbers from the greatest, texts from the first, a second press the other way. */
export function sort(button: HTMLElement): void {
  const table = button.closest<HTMLTableElement>('table'),
    panel = button.closest<HTMLElement>('.gp'),
    th = button.closest('th');
  if (!table || !th) return;
  const now = th.getAttribute('aria-sort');
  const down = now ? now === 'ascending' : th.classList.contains('num');
  order(table, Number(button.dataset.sort), down);
  if (panel) panel.dataset.sorted = [tables(panel).indexOf(table), button.dataset.sort, down ? 1 : 0].join(',');
}

export { press as filtered } from './filter.ts';

/** Sorts and filters what is new in a panel as it was before. */
export function restore(panel: HTMLElement): void {
  if (panel.dataset.filtered) filter(panel);
  if (!panel.dataset.sorted) return;
  const [at, column, down] = panel.dataset.sorted.split(',').map(Number);
  const table = at == null || column == null ? undefined : tables(panel)[at];
  if (table && (table.tHead?.rows[0]?.cells.length ?? 0) > column!) order(table, column!, down === 1);
}
