/** Lines of JSON that is written out, by the path of what stands there. */

/** Where the value that a path such as `panels[2].options.x` names stands in a text that was written by `JSON.stringify(…, null, 2)`; null where it cannot be found. */
export function lineOf(text: string, path: string): number | null {
  const lines = text.split('\n');
  let from = 0,
    depth = 1;
  for (const [, name, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    const pad = '  '.repeat(depth++);
    let seen = -1,
      at = from;
    for (at = from + 1; at < lines.length; at++) {
      const line = lines[at] ?? '';
      if (!line.startsWith(pad)) return null;
      if (line[pad.length] === ' ' || /^[\]}]/.test(line.slice(pad.length))) continue;
      if (name !== undefined ? line.slice(pad.length).startsWith(`${JSON.stringify(name)}:`) : ++seen === Number(index)) break;
    }
    if (at >= lines.length) return null;
    from = at;
  }
  return from + 1;
}
