/** Queries with variables (`$job`, `${job:regex}`, `[[job]]`), made such that a grammar takes them. No DOM. */

const VARIABLE = /\$\{[^{}\s]*\}|\$\w+|\[\[\w+(?::\w+)?\]\]/y;
const STRING = /"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|`[^`]*`?|#[^\n]*/y;

/** The text with each variable outside of strings replaced by something of its length: a duration where one belongs, else a name. `at`: where they stand. */
export function standIn(text: string): { text: string; at: [number, number][] } {
  const at: [number, number][] = [];
  let out = '',
    i = 0,
    depth = 0;
  while (i < text.length) {
    STRING.lastIndex = VARIABLE.lastIndex = i;
    const found = VARIABLE.exec(text)?.[0],
      string = found ? undefined : STRING.exec(text)?.[0];
    if (found) {
      const before = out.trimEnd();
      // Zeros in front count nothing: a duration of any length.
      out += depth > 0 || /\boffset(\s*-)?$/.test(before) ? '0'.repeat(found.length - 2) + '5m' : 'v'.repeat(found.length);
      at.push([i, i + found.length]);
    } else if (string) out += string;
    else {
      const c = text[i] ?? '';
      depth += c === '[' ? 1 : c === ']' ? -1 : 0;
      out += c;
    }
    i += (found ?? string ?? ' ').length;
  }
  return { text: out, at };
}

/** Whether a problem is about a variable, whose value nobody knows here. */
export const isAboutVariable = (from: number, to: number, at: [number, number][]): boolean => at.some(([a, b]) => from < b && to > a);
