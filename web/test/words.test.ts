import test from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { ar as everywhere } from '../lang/ar.ts';
import { ar as boards } from '../lang/ar_board.ts';
import { ar as edited } from '../lang/ar_edit.ts';
import { ar as explained } from '../lang/ar_explain.ts';
import { ar as searched } from '../lang/ar_logs.ts';
import { ar as jumped } from '../lang/ar_palette.ts';
import { n, t } from '../lib/words.ts';
import { source } from './source.ts';

const ar: Record<string, string> = { ...everywhere, ...boards, ...edited, ...explained, ...searched, ...jumped };

test('texts are filled in order and counted', () => {
  assert.equal(t('highest {} {}', 'a', '5 s'), 'highest a 5 s');
  assert.equal(t('and {} more'), 'and  more');
  assert.equal(n(1, '{} point', '{} points'), '1 point');
  assert.equal(n(40_000, '{} point', '{} points'), '40,000 points');
});

/** Every text that scripts ask for: in calls, and in the tables that are looked up later. */
function wanted(): Set<string> {
  const found = new Set<string>();
  for (const folder of ['lib', 'lib/board', 'lib/board/edit', 'lib/logs', 'islands', 'lang']) {
    for (const file of readdirSync(folder).filter((f) => /\.tsx?$/.test(f) && !f.startsWith('ar'))) {
      const text = source(`${folder}/${file}`);
      const all = (pattern: RegExp) => [...text.matchAll(pattern)].map((m) => m[1] ?? '');
      // Calls may choose between two texts; the singular of a count is a form of its plural.
      const calls = [
        /\bt\('([^']+)'/g,
        /\bt\([^()]*?\? '([^']+)'/g,
        /\bt\([^()]*?\? '[^']+' : '([^']+)'/g,
        /\bcounted\(.*?, '[^']+', '([^']+)'\)/g,
        /\bn\(.*?, '[^']+', '([^']+)'\)/g,
        /\?\? '([A-Z][^']*\{\}[^']*)'/g,
      ];
      calls.flatMap(all).forEach((key) => found.add(key));
      // The tables of what functions and operators do.
      if (file === 'explain.ts')
        all(/[\w=<>!~+*/%^-]'?: '([^']{3,})'/g)
          .filter((key) => /[a-z]/i.test(key))
          .forEach((key) => found.add(key));
      if (file === 'changes.ts') all(/\b(?:added|removed|changed): '([^']+)'/g).forEach((key) => found.add(key));
      if (file === 'range.ts')
        all(/\['(Last [^']+)', '/g)
          .concat(all(/\['Last [^']+', '([^']+)'\]/g), all(/\b[dwMy]: \['(T[^']+)', '/g), all(/\['T[^']+', '([^']+)'\]/g))
          .forEach((key) => found.add(key));
      if (file === 'palette.ts') all(/\['[^']+', '([A-Z][^']+)'\]/g).forEach((key) => found.add(key));
      if (file === 'legend.ts') all(/\['\w+', '([A-Z]\w+)', '/g).forEach((key) => found.add(key));
    }
  }
  return found;
}

test('the Arabic catalogue is whole and holds nothing else', () => {
  const places = (s: string) => s.split('{}').length - 1;
  for (const [key, value] of Object.entries(ar)) {
    const forms = value.split('|');
    if (/[a-z]/i.test(key.replace('{}', ''))) assert.match(value, /[\u0600-\u06ff]/, key);
    if (forms.length > 1) assert.equal(forms.length, 6, key);
    else assert.equal(places(value), places(key), key);
  }
  const asked = wanted();
  assert.ok(asked.size > 120, String(asked.size));
  assert.deepEqual(
    [...asked].filter((key) => !(key in ar) && key !== '{} {}'),
    [],
    'texts without Arabic',
  );
  assert.deepEqual(
    Object.keys(ar).filter((key) => !asked.has(key)),
    [],
    'texts that nothing asks for',
  );
});
