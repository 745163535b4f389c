/** Where in a query a problem stands. No DOM. */

/** The position named by an upstream style message (`1:5: parse error: …`) as an offset, with the message without it. */
export function located(message: string, text: string): { at: number; message: string } | null {
  const found = /(?:^|[^\d])(\d+):(\d+): (?:parse error: )?(.*)$/s.exec(message);
  if (!found) return null;
  const line = Number(found[1]),
    column = Number(found[2]);
  const lines = text.split('\n');
  if (line < 1 || line > lines.length) return null;
  const before = lines.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
  // Columns count bytes of UTF-8, editors count UTF-16 units.
  const bytes = new TextEncoder().encode(lines[line - 1]).slice(0, Math.max(0, column - 1));
  return { at: Math.min(text.length, before + new TextDecoder().decode(bytes).length), message: found[3] ?? '' };
}

/** A span that can be seen: at least one character wide and within the text. */
export function visible(from: number, to: number, length: number): [number, number] {
  const a = Math.max(0, Math.min(from, length));
  const b = Math.max(a, Math.min(to, length));
  return b > a ? [a, b] : a < length ? [a, a + 1] : [Math.max(0, length - 1), length];
}
