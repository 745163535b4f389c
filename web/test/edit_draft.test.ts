import test from 'node:test';
import assert from 'node:assert/strict';
import { Draft, freeId, panelOf } from '../lib/board/edit/draft.ts';
import { empty } from '../lib/board/edit/sound.ts';

const draft = () => new Draft(empty('One'), { uid: 'x', version: 3, folderUid: '', file: '' });
const title = (d: Draft, to: string, merge = '') =>
  d.change(
    `Call it ${to}`,
    (json) => {
      json.title = to;
    },
    merge,
  );

test('steps go back and forward again, and are named', () => {
  const d = draft();
  let told = 0;
  const stop = d.on(() => told++);
  title(d, 'Two');
  title(d, 'Three');
  assert.deepEqual([d.json.title, d.undoes, d.redoes, d.isDirty], ['Three', 'Call it Three', null, true]);
  d.undo();
  assert.deepEqual([d.json.title, d.undoes, d.redoes], ['Two', 'Call it Two', 'Call it Three']);
  d.undo();
  assert.deepEqual([d.json.title, d.undoes, d.isDirty], ['One', null, false]);
  d.undo();
  d.redo();
  d.redo();
  assert.deepEqual([d.json.title, d.redoes, told], ['Three', null, 6]);
  d.undo();
  title(d, 'Four');
  assert.equal(d.redoes, null);
  stop();
  title(d, 'Five');
  assert.equal(told, 8);
});
test('what is typed is one step, what changes nothing is none', () => {
  const d = draft();
  for (const to of ['O', 'On', 'One more']) title(d, to, 'title');
  title(d, 'One more');
  d.undo();
  assert.deepEqual([d.json.title, d.undoes], ['One', null]);
});
test('saving makes it clean, with the steps still there', () => {
  const d = draft();
  title(d, 'Two');
  d.keep({ ...d.kept, version: 4 });
  assert.deepEqual([d.isDirty, d.kept.version, d.undoes], [false, 4, 'Call it Two']);
  d.undo();
  assert.equal(d.isDirty, true);
});
test('another folder is something to save, and no step', () => {
  const d = draft();
  let told = 0;
  d.on(() => told++);
  d.kept = { ...d.kept, folderUid: 'shop' };
  assert.deepEqual([d.isDirty, d.moves, d.undoes, told], [true, true, null, 1]);
  d.keep({ ...d.kept, version: 4 });
  assert.deepEqual([d.isDirty, d.moves], [false, false]);
});
test('JSON is not changed in place', () => {
  const d = draft();
  assert.throws(() => {
    (d.json as { title: string }).title = 'x';
  });
  assert.equal(freeId(d.json), 1);
  assert.equal(panelOf(d.json, 1), undefined);
});
