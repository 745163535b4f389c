/** LogQL and words for the editor: colours, completion from live data, the server's word on what is wrong. */
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import type { Diagnostic } from '@codemirror/lint';
import type { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { visible } from './problem.ts';

const STAGES = ['json', 'logfmt', 'pattern', 'regexp', 'unpack', 'decolorize', 'line_format', 'label_format', 'drop', 'keep', 'unwrap'];
const RANGES = [
  'rate',
  'count_over_time',
  'bytes_rate',
  'bytes_over_time',
  'sum_over_time',
  'avg_over_time',
  'min_over_time',
  'max_over_time',
  'stddev_over_time',
  'stdvar_over_time',
  'quantile_over_time',
  'first_over_time',
  'last_over_time',
  'absent_over_time',
  'rate_counter',
];
const VECTORS = [
  'sum',
  'avg',
  'min',
  'max',
  'count',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'sort',
  'sort_desc',
  'approx_topk',
  'label_replace',
  'vector',
];
const WORDS = ['by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'offset', 'and', 'or', 'unless', 'bool', 'ip'];
const known = new Map<string, string>(
  [...STAGES, ...WORDS]
    .map((w): [string, string] => [w, 'keyword'])
    .concat([...RANGES, ...VECTORS].map((w): [string, string] => [w, 'function'])),
);

/** What stands next in a text, and how long it is. */
export function token(text: string): [string, number] {
  const m =
    /^(?:\s+|#[^\n]*|"(?:[^"\\\n]|\\.)*"?|`[^`]*`?|\d+(?:\.\d+)?(?:ns|us|µs|ms|[smhdwy]|[KMGT]?i?B)*|[A-Za-z_][\w.]*|\|=|\|~|\|>|!=|!~|!>|=~|==|>=|<=|[|=<>+\-*/%^]|[{}()[\],])/u.exec(
      text,
    );
  const found = m?.[0] ?? text.slice(0, 1),
    c = found[0] ?? '';
  if (!m) return ['', Math.max(1, found.length)];
  if (/\s/.test(c)) return ['', found.length];
  if (c === '#') return ['comment', found.length];
  if (c === '"' || c === '`') return ['string', found.length];
  if (/\d/.test(c)) return ['number', found.length];
  if (/[A-Za-z_]/.test(c)) return [known.get(found) ?? 'label', found.length];
  return [/[{}()[\],]/.test(c) ? 'bracket' : 'operator', found.length];
}

const logql = StreamLanguage.define<null>({
  startState: () => null,
  token(stream) {
    const [kind, length] = token(stream.string.slice(stream.pos));
    stream.pos += length;
    return kind || null;
  },
  tokenTable: { function: tags.function(tags.variableName), label: tags.labelName, bracket: tags.brace },
});

/** Words: phrases, `field:value`, `-not`. */
const search = StreamLanguage.define<null>({
  startState: () => null,
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return 'string';
    if (stream.match(/^-(?=\S)/) || stream.match(/^(AND|OR|NOT)\b/)) return 'keyword';
    if (stream.match(/^[\w.]+(?=[:<>=])/)) return 'label';
    if (stream.match(/^(:|[<>]=?)/)) return 'operator';
    stream.next();
    stream.eatWhile(/[^\s":<>()]/);
    return null;
  },
  tokenTable: { label: tags.labelName },
});

export const dialect = (language: string) => [
  language === 'logql' ? logql : search,
  syntaxHighlighting(HighlightStyle.define([{ tag: tags.labelName, color: 'var(--q-lbl)' }]), { fallback: true }),
];

async function list(path: string): Promise<string[]> {
  const res = await fetch(path, { headers: { 'x-requested-with': 'pharos' } }).catch(() => null);
  if (!res?.ok) return [];
  return ((await res.json()) as { data?: string[] }).data ?? [];
}
const labels = () => list('/loki/api/v1/labels');
const values = (name: string) => list(`/loki/api/v1/label/${encodeURIComponent(name)}/values`);
const options = (all: string[], type: string, apply?: (v: string) => string): Completion[] =>
  all.slice(0, 500).map((label) => ({ label, type, ...(apply ? { apply: apply(label) } : {}) }));

/** Where the cursor is: in the braces of a selector, after a label, after a pipe, or elsewhere. */
export function place(before: string): { what: 'label' | 'value' | 'stage' | 'start'; label?: string } {
  const bare = before.replace(/"(?:[^"\\]|\\.)*"|`[^`]*`/g, (s) => '_'.repeat(s.length));
  const inside = bare.lastIndexOf('{') > bare.lastIndexOf('}');
  const named = /([A-Za-z_]\w*)\s*(?:=~|!~|!=|=)\s*"?[^",{}]*$/.exec(before);
  if (inside && named) return { what: 'value', label: named[1] ?? '' };
  if (inside) return { what: 'label' };
  if (/\|\s*\w*$/.test(bare)) return { what: 'stage' };
  return { what: 'start' };
}

export function complete(language: string) {
  return async (c: CompletionContext): Promise<CompletionResult | null> => {
    const before = c.state.sliceDoc(0, c.pos),
      word = c.matchBefore(/[\w.-]*$/);
    const from = word?.from ?? c.pos;
    if (language !== 'logql') {
      const field = /(?:^|\s)-?([\w.]+):"?([^\s"]*)$/.exec(before);
      if (field)
        return {
          from: c.pos - (field[2] ?? '').length,
          options: options(await values(field[1] ?? ''), 'text', (v) => (/[\s"]/.test(v) ? JSON.stringify(v) : v)),
          validFor: /^[\w.-]*$/,
        };
      if (!c.explicit && !(word && word.to > word.from)) return null;
      return { from, options: options(await labels(), 'property', (v) => `${v}:`), validFor: /^[\w.]*$/ };
    }
    const at = place(before);
    if (at.what === 'value') {
      const quoted = /"[^"]*$/.test(before);
      return {
        from: quoted ? c.pos - (/[^"]*$/.exec(before)?.[0].length ?? 0) : from,
        options: options(await values(at.label ?? ''), 'text', (v) => (quoted ? JSON.stringify(v).slice(1, -1) : JSON.stringify(v))),
      };
    }
    if (at.what === 'label') return { from, options: options(await labels(), 'property', (v) => `${v}=`), validFor: /^\w*$/ };
    if (!c.explicit && !(word && word.to > word.from)) return null;
    if (at.what === 'stage') return { from, options: options(STAGES, 'keyword'), validFor: /^\w*$/ };
    return {
      from,
      options: [...options(RANGES, 'function'), ...options(VECTORS, 'function'), ...options(WORDS, 'keyword')],
      validFor: /^\w*$/,
    };
  };
}

/** What the server makes of the bar: LogQL in parts with their colours, or what is wrong and where (UTF-16 offsets). */
export interface Compiled {
  logql?: string;
  parts?: [string, string][];
  error?: { message: string; place?: [number, number] | null };
}

/** Asks the server what a text of the bar compiles to, with the filters and the range of the page. */
export async function compiled(text: string, language: string): Promise<Compiled | null> {
  const params = new URLSearchParams({ q: text, lang: language });
  for (const [k, v] of new URLSearchParams(location.search)) if (['f', 'from', 'to'].includes(k)) params.append(k, v);
  const res = await fetch(`/ui/logs/compile?${params}`, { headers: { 'x-requested-with': 'pharos' } }).catch(() => null);
  return res?.ok ? ((await res.json()) as Compiled) : null;
}

/** The server's word on a text; the page hears what it compiles to. */
export const lint =
  (language: string) =>
  async (text: string, view: EditorView): Promise<Diagnostic[]> => {
    const found = await compiled(text, language);
    if (!found || view.state.doc.toString() !== text) return [];
    view.dom.dispatchEvent(new CustomEvent('ph:compiled', { bubbles: true, detail: found }));
    if (!found.error) return [];
    const [from, to] = visible(found.error.place?.[0] ?? 0, found.error.place?.[1] ?? text.length, text.length);
    return [{ from, to, severity: 'error', message: found.error.message }];
  };
