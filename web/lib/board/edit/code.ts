/** An editor of JSON: line numbers, colours, matching brackets. */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { EditorState } from '@codemirror/state';
import { drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--q-lbl)' },
  { tag: tags.string, color: 'var(--q-str)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--q-num)' },
]);
const look = EditorView.theme({
  '&': { backgroundColor: 'var(--inset)', color: 'var(--text)', height: '100%' },
  '.cm-scroller': { fontFamily: 'inherit', lineHeight: '18px' },
  '.cm-content': { caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': { backgroundColor: 'var(--surface-2)', color: 'var(--text-3)', border: '0' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { background: 'light-dark(#2a5fd033, #86acff4d) !important' },
  '&.cm-focused .cm-matchingBracket': { background: 'var(--accent-soft)', outline: 'none' },
});

export interface Code {
  text(): string;
  /** Puts the cursor at a place, counted from 1. */ go(line: number, column: number): void;
  stop(): void;
}

/** Puts the editor into an element. `changed` is called with every change; Escape and Tab leave it as they leave a field. */
export function code(place: HTMLElement, text: string, label: string, changed: () => void): Code {
  const view = new EditorView({
    parent: place,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        bracketMatching(),
        indentUnit.of('  '),
        json(),
        syntaxHighlighting(colours),
        look,
        EditorView.lineWrapping,
        EditorView.cspNonce.of(document.querySelector<HTMLElement>('link[nonce]')?.nonce ?? ''),
        EditorView.contentAttributes.of({ 'aria-label': label }),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        EditorView.updateListener.of((u) => {
          if (u.docChanged) changed();
        }),
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    go: (line, column) => {
      const at = view.state.doc.line(Math.min(view.state.doc.lines, Math.max(1, line))),
        position = Math.min(at.to, at.from + Math.max(0, column - 1));
      view.dispatch({ selection: { anchor: position }, effects: EditorView.scrollIntoView(position, { y: 'center' }) });
      view.focus();
    },
    stop: () => view.destroy(),
  };
}
