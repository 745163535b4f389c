/** What of a line is shown while it is closed, and what it opens to. */

/** The first line of a text that has something in it, and how many lines follow. */
export function folded(text: string): { first: string; more: number } {
  const whole = text.trimEnd();
  const end = whole.indexOf('\n');
  if (end < 0) return { first: whole, more: 0 };
  let more = 0;
  for (let at = end; at >= 0; at = whole.indexOf('\n', at + 1)) more++;
  return { first: whole.slice(0, end).replace(/\r$/, ''), more };
}

/** JSON on several lines, or null when the text is none. */
export function pretty(text: string): string | null {
  const t = text.trim();
  if (!/^[{[]/.test(t) || t.length > 262_144) return null;
  try {
    return JSON.stringify(JSON.parse(t), null, 2);
  } catch {
    return null;
  }
}

const FIELDS_MAX = 64;
/** A name as parsers make it a label's. */
const label = (name: string): string => name.replace(/[^A-Za-z0-9_]/g, '_');
const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', '"': '"', '\\': '\\', '/': '/' };

function flat(prefix: string, object: Record<string, unknown>, into: Record<string, string>, depth: number): void {
  for (const [name, v] of Object.entries(object)) {
    if (Object.keys(into).length >= FIELDS_MAX) return;
    const key = label(prefix ? `${prefix}_${name}` : name);
    if (v !== null && typeof v === 'object' && !Array.isArray(v) && depth < 4) flat(key, v as Record<string, unknown>, into, depth + 1);
    else if (v !== null) into[key] = typeof v === 'string' ? v : JSON.stringify(v);
  }
}

/** Fields of a text: a JSON object, or `key=value` pairs. src/logs/pages/fields.rs does the same. */
export function fieldsOf(text: string): Record<string, string> {
  const into: Record<string, string> = Object.create(null) as Record<string, string>;
  const t = text.trim();
  if (t.length > 65_536) return into;
  if (t.startsWith('{')) {
    try {
      flat('', JSON.parse(t) as Record<string, unknown>, into, 0);
      return into;
    } catch {
      /* It only begins like JSON. */
    }
  }
  for (const m of t.matchAll(/(?:^|[\s[(,])([A-Za-z_][\w.-]*)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]\S*|))/g)) {
    into[label(m[1] ?? '')] ??= m[2]?.replace(/\\([\s\S])/g, (whole, c: string) => ESCAPES[c] ?? whole) ?? m[3] ?? '';
    if (Object.keys(into).length >= FIELDS_MAX) break;
  }
  return into;
}

/** Runs of lines of a stack trace: those that begin like a frame of some language. */
export const isFrame = (line: string): boolean =>
  /^\s*(at |File "|\.\.\. \d+ more|goroutine \d+|\t)|^\s+\S+\.(go|rs|py|rb|php):\d+/.test(line);
