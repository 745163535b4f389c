/** How well a text answers what was typed: letters in order, close together and early score best. -1 = not at all. */
export function score(query: string, text: string): number {
  const q = query.toLowerCase().replaceAll(/\s+/g, ''),
    t = text.toLowerCase();
  if (!q) return 0;
  const whole = t.indexOf(q);
  if (whole >= 0) return 2000 - whole - t.length / 1000;
  let at = 0,
    gaps = 0;
  for (const c of q) {
    const found = t.indexOf(c, at);
    if (found < 0) return -1;
    gaps += found - at;
    at = found + 1;
  }
  return 1000 - gaps - t.length / 1000;
}
