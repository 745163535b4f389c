import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fits, type Control, type Part } from '../lib/board/edit/panel/control.ts';
import { asks, KINDS, kindOf } from '../lib/board/edit/panel/kinds.ts';
import { GROUPS, initialOf, OPTIONS, optionsOf } from '../lib/board/edit/panel/schema.ts';
import { STEPS } from '../lib/board/edit/panel/steps.ts';

test('an option stands once for a kind, and every kind has groups', () => {
  for (const { id } of KINDS) {
    const all = optionsOf(id),
      paths = all.map((one) => one.path);
    assert.deepEqual(
      paths.filter((path, i) => paths.indexOf(path) !== i),
      [],
      `${id} has options twice`,
    );
    const groups = new Set(all.map((one) => one.group));
    assert.ok(groups.has('Panel') && groups.size >= 3, `${id}: ${[...groups].join()}`);
    assert.equal(groups.has('Unit and name'), asks(id), id);
  }
  assert.deepEqual(
    Object.keys(GROUPS).filter((group) => !OPTIONS.some((one) => one.group === group)),
    [],
    'groups without options',
  );
});

test('what counts where nothing stands is something that the control can give', () => {
  const part = (one: Part, where: string): void => {
    assert.ok(fits(one.control, one.initial), `${where}.${one.at}`);
    inner(one.control, `${where}.${one.at}`);
  };
  const inner = (control: Control, where: string): void => {
    if (control.is === 'parts' || control.is === 'items' || control.is === 'byField') control.of.forEach((one) => part(one, where));
    if (control.is === 'one' || control.is === 'many')
      assert.equal(new Set(control.of.map(([value]) => JSON.stringify(value))).size, control.of.length, where);
  };
  for (const { id } of KINDS)
    for (const one of optionsOf(id)) {
      assert.ok(fits(one.control, initialOf(one, id)), `${id} ${one.path}`);
      inner(one.control, one.path);
      // What it depends on is an option itself.
      const asked: string[] = [];
      one.when?.((path) => {
        asked.push(path);
        return undefined;
      });
      for (const path of asked)
        assert.ok(
          optionsOf(id).some((other) => other.path === path),
          `${id} ${one.path} depends on ${path}`,
        );
    }
  for (const step of STEPS) step.parts?.forEach((one) => part(one, step.id));
});

/** What the server reads: names in the code that draws. */
const drawn = (file: string): string => readFileSync(`../src/boards/${file}`, 'utf8').replace(/#\[cfg\(test\)\][\s\S]*$/, '');

test('types and transformations are those that the server knows', () => {
  const kinds = /const KINDS[^;]+;/.exec(drawn('model/board.rs'))?.[0] ?? '';
  const known = [...kinds.matchAll(/&\["([^"]+)"/g)].map((hit) => hit[1] ?? '');
  assert.deepEqual(known.filter((id) => id !== 'row').sort(), KINDS.map((one) => one.id as string).sort());
  const older = [...kinds.matchAll(/"([^"]+)"/g)].map((hit) => hit[1] ?? '').filter((id) => id !== 'row');
  assert.deepEqual(
    older.filter((id) => !kindOf(id)),
    [],
    'older names of types',
  );
  const steps = [...(/const STEPS[^;]+;/.exec(drawn('data/transform/mod.rs'))?.[0].matchAll(/\("(\w+)"/g) ?? [])].map(
    (hit) => hit[1] ?? '',
  );
  assert.ok(steps.length > 20);
  assert.deepEqual(steps.filter((id) => id !== 'seriesToColumns').sort(), STEPS.map((one) => one.id).sort());
});

test('every option that the server reads can be edited', () => {
  const names = new Set<string>();
  const take = (control: Control, path: string): void => {
    path.split('.').forEach((name) => names.add(name));
    if (control.is === 'parts' || control.is === 'items') control.of.forEach((one) => take(one.control, one.at));
  };
  for (const one of OPTIONS) take(one.control, one.path);
  // Lines of marks, names of older dashboards, what other parts of an answer hold, and what has no effect in the browser.
  const left = new Set(['le', 'Line', 'level', 'displayMode', 'basic', 'desc', 'dash']);
  for (const file of [
    'bar_gauge',
    'bars',
    'gauge',
    'heat',
    'histogram',
    'legend',
    'lists',
    'logs',
    'pie',
    'stat',
    'states',
    'table',
    'text',
    'values',
    'time',
    'time/axis',
    'time/line',
  ]) {
    for (const hit of drawn(`draw/${file}.rs`).matchAll(
      /\.(?:child|text|word|words|flag|flag_or|number|count|list|children)\(\s*"([^"]+)"/g,
    )) {
      const name = hit[1] ?? '';
      if (!left.has(name)) assert.ok(names.has(name), `${file}.rs reads "${name}"`);
    }
  }
});
