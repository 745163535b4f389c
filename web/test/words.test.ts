import test from 'node:test';
import assert from 'node:assert/strict';
import { ar } from '../lang/ar.ts';
import { n, t } from '../lib/words.ts';

test('texts are filled in order and counted', () => {
  assert.equal(t('highest {} {}', 'a', '5 s'), 'highest a 5 s');
  assert.equal(t('and {} more'), 'and  more');
  assert.equal(n(1, '{} point', '{} points'), '1 point');
  assert.equal(n(40_000, '{} point', '{} points'), '40,000 points');
});
test('the Arabic catalogue is whole', () => {
  const places = (s: string) => s.split('{}').length - 1;
  for (const [key, value] of Object.entries(ar)) {
    const forms = value.split('|');
    assert.match(value, /[\u0600-\u06ff]/, key);
    if (forms.length > 1) assert.equal(forms.length, 6, key); else assert.equal(places(value), places(key), key);
  }
});
