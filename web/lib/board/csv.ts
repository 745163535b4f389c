/** Tables as CSV that a spreadsheet takes for nothing but values. */

export interface Table {
  heads: string[];
  rows: (string | number | null)[][];
}

const cell = (v: string | number | null): string => {
  const s = v == null ? '' : String(v);
  // A text that a spreadsheet would take for a formula is marked as text.
  const safe = /^[=+\-@\t\r]/.test(s) && !/^[+-]?(\d|\.|Inf)/.test(s) ? `'${s}` : s;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
export const csv = (table: Table): string => [table.heads, ...table.rows].map((row) => row.map(cell).join(',')).join('\n') + '\n';
