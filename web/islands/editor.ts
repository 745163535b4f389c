/** `<ph-editor>`: replaces a working textarea with an editor of PromQL, LogQL (`language="logql"`) or words: highlighting, completion from live data, problems in place. */
import { EditorState, Prec, type Extension } from '@codemirror/state';
import {
  Decoration,
  EditorView,
  MatchDecorator,
  ViewPlugin,
  keymap,
  placeholder,
  type DecorationSet,
  type ViewUpdate,
} from '@codemirror/view';
import { defaultKeymap, history, historyKeymap, toggleComment } from '@codemirror/commands';
import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  completionStatus,
  type CompletionContext,
} from '@codemirror/autocomplete';
import { HighlightStyle, bracketMatching, syntaxHighlighting } from '@codemirror/language';
import { linter, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { tags as t } from '@lezer/highlight';
import { PromQLExtension, newCompleteStrategy } from '@prometheus-io/codemirror-promql';
import { Client, LIMIT } from '../lang/complete.ts';
import { complete as completeLogs, dialect, lint as lintLogs } from '../lang/logql.ts';
import { located, visible } from '../lang/problem.ts';
import { isAboutVariable, standIn } from '../lang/stand_in.ts';

const highlight = HighlightStyle.define([
  { tag: [t.keyword, t.operatorKeyword, t.modifier], color: 'var(--q-kw)' },
  { tag: [t.function(t.variableName), t.standard(t.name)], color: 'var(--q-fn)' },
  { tag: t.string, color: 'var(--q-str)' },
  { tag: [t.number, t.literal], color: 'var(--q-num)' },
  { tag: [t.labelName, t.propertyName], color: 'var(--q-lbl)' },
  { tag: t.comment, color: 'var(--text-3)', fontStyle: 'italic' },
  { tag: [t.operator, t.paren, t.brace, t.squareBracket, t.separator], color: 'var(--text-2)' },
  { tag: t.invalid, color: 'var(--crit-t)' },
]);
const tooltip = {
  background: 'var(--surface-3)',
  border: '1px solid var(--line-2)',
  borderRadius: '8px',
  boxShadow: 'var(--shadow)',
  overflow: 'hidden',
  color: 'var(--text)',
};
const look = EditorView.theme({
  '&': { backgroundColor: 'var(--inset)', color: 'var(--text)' },
  '.cm-content': { padding: '5px 4px', caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-scroller': { fontFamily: 'inherit', lineHeight: '20px' },
  '.cm-line': { padding: '0 6px' },
  '.cm-placeholder': { color: 'var(--text-3)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { background: 'light-dark(#2a5fd033, #86acff4d) !important' },
  '.cm-tooltip': tooltip,
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    fontFamily: 'var(--mono)',
    fontSize: '12px',
    maxHeight: '260px',
    padding: '4px 0',
    minWidth: '260px',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px', lineHeight: '20px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { background: 'var(--active)', color: 'var(--text)' },
  '.cm-completionMatchedText': { textDecoration: 'none', color: 'var(--accent)', fontWeight: '600' },
  '.cm-completionDetail': { color: 'var(--text-3)', fontStyle: 'normal', marginInlineStart: '10px' },
  '.cm-tooltip.cm-completionInfo': { ...tooltip, padding: '8px 10px', fontFamily: 'var(--sans)', maxWidth: '320px' },
  '.cm-diagnostic': { padding: '6px 10px', fontFamily: 'var(--sans)', fontSize: '12px' },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--crit)' },
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--crit)', textUnderlineOffset: '3px' },
  '.cm-var, .cm-var *': { color: 'var(--accent) !important' },
  '&.cm-focused .cm-matchingBracket': { background: 'var(--accent-soft)', outline: 'none' },
});

const client = new Client(async (path) => {
  const res = await fetch(path, { headers: { 'x-requested-with': 'pharos' } });
  if (!res.ok) throw new Error(String(res.status));
  return res.json();
});
/** The server's word on a text that the local grammar takes: it knows every function and flag in force. */
async function serverLint(text: string): Promise<Diagnostic[]> {
  if (!text.trim()) return [];
  const res = await fetch('/api/v1/parse_query', {
    method: 'POST',
    body: new URLSearchParams({ query: text }),
    headers: { 'x-requested-with': 'pharos' },
  }).catch(() => null);
  if (res?.status !== 400) return [];
  const body = (await res.json().catch(() => null)) as { error?: string } | null;
  const found = body?.error ? located(body.error, text) : null;
  if (!found) return [];
  const [from, to] = visible(found.at, found.at, text.length);
  return [{ from, to, severity: 'error', message: found.message }];
}

/** The stock completion, but a list that was cut off by the limit is asked for again as the word grows. */
const stock = newCompleteStrategy({ remote: client });
const complete = {
  async promQL(context: CompletionContext) {
    const result = await stock.promQL(context);
    return result && result.options.length >= LIMIT ? { ...result, validFor: undefined } : result;
  },
};

type Check = (text: string, view: EditorView) => Promise<Diagnostic[]>;
function promqlParts(): [Extension, Check] {
  const promql = new PromQLExtension().setComplete({ completeStrategy: complete }).activateLinter(false);
  const local = promql.getLinter().promQL.call(promql.getLinter());
  return [
    promql.asExtension(),
    async (text, view) => {
      const found = await local(view);
      return found.length ? [...found] : serverLint(text);
    },
  ];
}

/** In dashboards (`variables`): variables are shown as such, and what only a value could tell is no problem. */
const dollars = new MatchDecorator({
  regexp: /\$\{[^{}\s]*\}|\$\w+|\[\[\w+(?::\w+)?\]\]/g,
  decoration: Decoration.mark({ class: 'cm-var' }),
});
const variables = Prec.highest(
  ViewPlugin.fromClass(
    class {
      marks: DecorationSet;
      constructor(view: EditorView) {
        this.marks = dollars.createDeco(view);
      }
      update(u: ViewUpdate): void {
        this.marks = dollars.updateDeco(u, this.marks);
      }
    },
    { decorations: (plugin) => plugin.marks },
  ),
);
const withVariables =
  (check: Check, speaks: Extension): Check =>
  async (text, view) => {
    const plain = standIn(text);
    if (!plain.at.length) return check(text, view);
    const stage = { state: EditorState.create({ doc: plain.text, extensions: [speaks] }), dom: view.dom } as EditorView;
    return (await check(plain.text, stage)).filter((one) => !isAboutVariable(one.from, one.to, plain.at));
  };

/** Variables of the dashboard, after a dollar; `names` are apart by spaces. */
const offerVariables = (names: string) => (context: CompletionContext) => {
  const word = context.matchBefore(/\$\{?\w*/);
  return word
    ? {
        from: word.from,
        options: names
          .split(' ')
          .filter(Boolean)
          .map((name) => ({ label: `$${name}`, type: 'variable' })),
        validFor: /^\$\w*$/,
      }
    : null;
};

export class Editor extends HTMLElement {
  private view: EditorView | null = null;
  private field: HTMLTextAreaElement | null = null;
  /** What the server said about the text as it stands. */
  private said: Diagnostic[] = [];

  connectedCallback(): void {
    const field = (this.field = this.querySelector('textarea'));
    if (!field || this.view) return;
    const language = this.getAttribute('language') ?? 'promql',
      called = field.getAttribute('aria-label') ?? 'Query';
    const [speaks, plainly]: [Extension, Check] =
      language === 'promql'
        ? promqlParts()
        : [[dialect(language), EditorState.languageData.of(() => [{ autocomplete: completeLogs(language) }])], lintLogs(language)];
    const filled = this.hasAttribute('variables'),
      check = filled ? withVariables(plainly, speaks) : plainly;
    // One source for good: the editor knows its sources by identity.
    const offered = [{ autocomplete: offerVariables(this.getAttribute('variables') ?? '') }];
    const run = () => {
      this.dispatchEvent(new CustomEvent('ph:run', { bubbles: true }));
      return true;
    };
    const nonce = document.querySelector<HTMLElement>('link[nonce]')?.nonce ?? '';
    this.view = new EditorView({
      state: EditorState.create({
        doc: field.value,
        extensions: [
          history(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ icons: false, maxRenderedOptions: 60 }),
          syntaxHighlighting(highlight),
          speaks,
          look,
          ...(filled ? [variables, EditorState.languageData.of(() => offered)] : []),
          // The server's word on a text counts until the text changes.
          linter(
            async (v) => {
              if (this.said.length) return this.said;
              return check(v.state.doc.toString(), v);
            },
            { delay: language === 'promql' ? 750 : 350 },
          ),
          EditorView.lineWrapping,
          EditorView.cspNonce.of(nonce),
          placeholder(field.placeholder),
          EditorView.contentAttributes.of({ 'aria-label': called, spellcheck: 'false', autocapitalize: 'off' }),
          EditorView.updateListener.of((u) => {
            if (u.docChanged) {
              field.value = u.state.doc.toString();
              this.said = [];
              if (filled) field.dispatchEvent(new Event('input'));
            }
          }),
          Prec.highest(
            keymap.of([
              { key: 'Enter', run: (v) => (completionStatus(v.state) === 'active' && acceptCompletion(v)) || run() },
              { key: 'Mod-Enter', run },
              {
                key: 'Shift-Enter',
                run: (v) => {
                  v.dispatch(v.state.replaceSelection('\n'));
                  return true;
                },
              },
              { key: 'Mod-/', run: toggleComment },
            ]),
          ),
          // Escape leaves the field once nothing is open, so that Tab is never trapped.
          keymap.of([
            ...closeBracketsKeymap,
            ...defaultKeymap,
            ...historyKeymap,
            ...completionKeymap,
            {
              key: 'Escape',
              run: (v) => {
                v.contentDOM.blur();
                return true;
              },
            },
          ]),
        ],
      }),
    });
    const focused = document.activeElement === field;
    field.hidden = true;
    this.append(this.view.dom);
    if (focused) this.view.focus();
    this.dataset.ready = '1';
    this.markFrom(this.closest('.row, form.lq')?.querySelector<HTMLElement>('.qerr') ?? null);
  }

  disconnectedCallback(): void {
    this.view?.destroy();
    this.view = null;
    if (this.field) this.field.hidden = false;
  }

  get value(): string {
    return this.field?.value ?? '';
  }
  set value(text: string) {
    if (this.field) this.field.value = text;
    this.view?.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }

  override focus(): void {
    if (this.view) this.view.focus();
    else this.field?.focus();
  }

  /** Underlines a problem at its place (UTF-16 offsets), or clears all with null. */
  problem(p: { message: string; start?: number; end?: number } | null): void {
    const view = this.view;
    if (!view) return;
    this.said = [];
    if (!p) {
      view.dispatch(setDiagnostics(view.state, []));
      return;
    }
    const text = view.state.doc.toString(),
      named = p.start == null ? located(p.message, text) : null;
    const start = p.start ?? named?.at;
    if (start == null) return;
    const [from, to] = visible(start, p.end ?? start, text.length);
    this.said = [{ from, to, severity: 'error', message: named?.message ?? p.message }];
    view.dispatch(setDiagnostics(view.state, this.said));
  }

  private markFrom(el: HTMLElement | null): void {
    if (el?.dataset.start)
      this.problem({ message: el.dataset.message ?? '', start: Number(el.dataset.start), end: Number(el.dataset.end) });
  }
}
customElements.define('ph-editor', Editor);
