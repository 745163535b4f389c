import test from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { ar as everywhere } from '../lang/ar.ts';
import { ar as boards } from '../lang/ar_board.ts';
import { ar as panels } from '../lang/ar_edit_panel.ts';
import { ar as parts } from '../lang/ar_edit_parts.ts';
import type { Control, Part } from '../lib/board/edit/panel/control.ts';
import { KINDS } from '../lib/board/edit/panel/kinds.ts';
import { REDUCER_WORDS } from '../lib/board/edit/panel/reducers.ts';
import { GROUPS, OPTIONS } from '../lib/board/edit/panel/schema.ts';
import { STEPS } from '../lib/board/edit/panel/steps.ts';
import { source } from './source.ts';

/** Texts that are asked for in calls, of one folder. */
function called(folder: string): Set<string> {
  const found = new Set<string>();
  for (const file of readdirSync(folder).filter((name) => /\.tsx?$/.test(name))) {
    const text = source(`${folder}/${file}`);
    for (const pattern of [/\bt\('([^']+)'/g, /\bn\([^,]+, '[^']+', '([^']+)'\)/g])
      for (const hit of text.matchAll(pattern)) found.add(hit[1] ?? '');
  }
  return found;
}

/** Texts of controls, which are looked up when they are drawn. */
function ofControl(control: Control): string[] {
  if (control.is === 'one' || control.is === 'many') return control.of.map(([, label]) => label);
  if (control.is === 'named') return [control.none];
  if (control.is === 'parts' || control.is === 'items' || control.is === 'byField') return control.of.flatMap(ofPart);
  return [];
}
const ofPart = (part: Part): string[] => [part.label, ...(part.help ? [part.help] : []), ...ofControl(part.control)];

const tables = (): string[] => [
  ...Object.keys(GROUPS),
  ...KINDS.flatMap((kind) => [kind.label, kind.words]),
  ...REDUCER_WORDS,
  ...OPTIONS.flatMap((one) => [one.label, ...(one.help ? [one.help] : []), ...ofControl(one.control)]),
  ...STEPS.flatMap((step) => [step.label, ...(step.parts ?? []).flatMap(ofPart)]),
];
const speaks = (text: string): boolean => /[a-z]{2}/i.test(text) && text !== 'key=value';

test('what the editor of a panel says is said in Arabic, and nothing else is kept', () => {
  const places = (s: string) => s.split('{}').length - 1;
  for (const [key, value] of [...Object.entries(panels), ...Object.entries(parts)]) {
    const forms = value.split('|');
    if (speaks(key) && !/^(HTML|JSON|Markdown)$/.test(key)) assert.match(value, /[\u0600-\u06ff]/, key);
    if (forms.length > 1) assert.equal(forms.length, 6, key);
    else assert.equal(places(value), places(key), key);
  }
  const ofParts = called('lib/board/edit/parts'),
    ofPanel = new Set([...called('lib/board/edit/panel'), ...tables().filter(speaks)]);
  const known = { ...everywhere, ...boards, ...parts, ...panels };
  assert.deepEqual(
    [...ofParts].filter((key) => !(key in parts) && !(key in everywhere)),
    [],
    'texts of parts without Arabic',
  );
  assert.deepEqual(
    Object.keys(parts).filter((key) => !ofParts.has(key)),
    [],
    'texts of parts that nothing asks for',
  );
  assert.deepEqual(
    [...ofPanel].filter((key) => !(key in known)),
    [],
    'texts without Arabic',
  );
  assert.deepEqual(
    Object.keys(panels).filter((key) => !ofPanel.has(key) || key in everywhere || key in boards),
    [],
    'texts that nothing asks for',
  );
});
