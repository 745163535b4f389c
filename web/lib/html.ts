/** The one way to make HTML from values in scripts: everything placed is escaped unless it is `raw`. */

const ENTITY: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export const escape = (s: string): string => s.replace(/[&<>"']/g, (c) => ENTITY[c] ?? c);

/** HTML that needs no escaping: made by `html`, or an icon of the build. */
export class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}
export const raw = (text: string): Raw => new Raw(text);

type Value = string | number | boolean | null | undefined | Raw | Value[];
const place = (v: Value): string =>
  Array.isArray(v) ? v.map(place).join('') : v instanceof Raw ? v.text : v == null || v === false ? '' : escape(String(v));

export function html(parts: TemplateStringsArray, ...values: Value[]): Raw {
  return new Raw(parts.map((p, i) => p + (i < values.length ? place(values[i]) : '')).join(''));
}
