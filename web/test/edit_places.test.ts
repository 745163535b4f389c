import test from 'node:test';
import assert from 'node:assert/strict';
import { Draft, every, freeId, type BoardJson, type PanelJson } from '../lib/board/edit/draft.ts';
import {
  add,
  addRow,
  collapse,
  duplicate,
  expand,
  into,
  moved,
  remove,
  removeRow,
  spots,
  without,
  write,
  type Spot,
} from '../lib/board/edit/places.ts';
import { empty, sound } from '../lib/board/edit/sound.ts';

const panel = (id: number, x: number, y: number, w: number, h: number): PanelJson => ({
  id,
  type: 'stat',
  title: `p${id}`,
  gridPos: { x, y, w, h },
});
const row = (id: number, y: number, more: Partial<PanelJson> = {}): PanelJson =>
  ({ id, type: 'row', title: `r${id}`, gridPos: { x: 0, y, w: 24, h: 1 }, collapsed: false, panels: [], ...more }) as PanelJson;
const board = (...panels: PanelJson[]): BoardJson => sound({ title: 't', panels });
const drawn = (all: Spot[] | BoardJson): string =>
  (Array.isArray(all) ? all : spots(all))
    .toSorted((a, b) => a.id - b.id)
    .map((s) => `${s.id} ${s.x},${s.y} ${s.w}x${s.h}`)
    .join(' | ');
const change = (json: BoardJson, f: (json: BoardJson) => void): BoardJson => {
  const next = structuredClone(json);
  f(next);
  return next;
};

test('gaps close, overlaps are undone, rows are walls, as on the server', () => {
  assert.equal(
    drawn(board(panel(1, 0, 5, 12, 4), panel(2, 12, 5, 12, 8), panel(3, 0, 20, 12, 4))),
    '1 0,0 12x4 | 2 12,0 12x8 | 3 0,4 12x4',
  );
  assert.equal(drawn(board(panel(1, 0, 0, 12, 4), panel(2, 6, 0, 12, 4))), '1 0,0 12x4 | 2 6,4 12x4');
  assert.equal(drawn(board(panel(1, 0, 0, 12, 4), row(9, 6), panel(2, 12, 8, 12, 4))), '1 0,0 12x4 | 2 12,5 12x4 | 9 0,4 24x1');
});
test('a panel that is moved pushes others down, past their middle it changes places, alike ones swap', () => {
  const two = spots(board(panel(1, 0, 0, 24, 8), panel(2, 0, 8, 24, 4)));
  assert.equal(drawn(moved(two, 2, { y: 5 })), drawn(two));
  assert.equal(drawn(moved(two, 2, { y: 3 })), '1 0,4 24x8 | 2 0,0 24x4');
  assert.equal(drawn(moved(two, 1, { y: 1 })), drawn(two));
  assert.equal(drawn(moved(two, 1, { y: 3 })), '1 0,4 24x8 | 2 0,0 24x4');
  const twins = spots(board(panel(1, 0, 0, 12, 8), panel(2, 12, 0, 12, 8), panel(3, 0, 8, 24, 4)));
  assert.equal(drawn(moved(twins, 2, { x: 2 })), '1 12,0 12x8 | 2 0,0 12x8 | 3 0,8 24x4');
  // A hand that trembles moves nothing out of the way that stands beside.
  assert.equal(drawn(moved(twins, 1, { x: 10, y: 1 })), '1 12,0 12x8 | 2 0,0 12x8 | 3 0,8 24x4');
  assert.equal(drawn(moved(spots(board(panel(1, 0, 0, 12, 8), panel(2, 12, 0, 12, 4))), 2, { x: 6 })), '1 0,4 12x8 | 2 6,0 12x4');
  assert.equal(drawn(moved(spots(board(panel(1, 0, 0, 8, 6), panel(2, 12, 0, 12, 8))), 1, { x: 9, y: 1 })), '1 9,0 8x6 | 2 12,6 12x8');
});
test('what stands on something that gives way does not slip past it', () => {
  const all = spots(board(panel(1, 0, 0, 12, 8), panel(2, 12, 0, 12, 8), panel(3, 12, 8, 12, 2), panel(4, 0, 8, 12, 6)));
  assert.equal(drawn(moved(all, 1, { x: 4, y: 2 })), '1 4,0 12x8 | 2 12,8 12x8 | 3 12,16 12x2 | 4 0,8 12x6');
});
test('a panel that grows pushes what is in its way down, whatever the place of that', () => {
  const all = spots(board(panel(1, 0, 0, 12, 4), panel(2, 12, 0, 12, 8), panel(3, 0, 4, 12, 4)));
  assert.equal(drawn(moved(all, 3, { w: 16 })), '1 0,0 12x4 | 2 12,8 12x8 | 3 0,4 16x4');
  assert.equal(drawn(moved(all, 1, { w: 99, h: -3 })), '1 0,0 24x1 | 2 12,1 12x8 | 3 0,1 12x4');
});
test('panels go from row to row, rows take their panels along', () => {
  const all = spots(board(panel(1, 0, 0, 12, 4), row(8, 4), panel(2, 0, 5, 12, 4), row(9, 9), panel(3, 0, 10, 12, 4)));
  assert.equal(drawn(moved(all, 1, { y: 5 })), '1 0,1 12x4 | 2 0,5 12x4 | 3 0,10 12x4 | 8 0,0 24x1 | 9 0,9 24x1');
  assert.equal(drawn(moved(all, 3, { y: 4 })), '1 0,0 12x4 | 2 0,9 12x4 | 3 0,4 12x4 | 8 0,8 24x1 | 9 0,13 24x1');
  assert.equal(drawn(moved(all, 9, { y: 4 })), '1 0,0 12x4 | 2 0,10 12x4 | 3 0,5 12x4 | 8 0,9 24x1 | 9 0,4 24x1');
  assert.equal(drawn(moved(all, 8, { y: 99 })), '1 0,0 12x4 | 2 0,10 12x4 | 3 0,5 12x4 | 8 0,9 24x1 | 9 0,4 24x1');
});
test('a new panel takes the first free place above the rows, or the end of its row', () => {
  let json = board();
  for (const id of [1, 2, 3]) json = change(json, (j) => add(j, panel(id, 0, 0, 12, 8)));
  assert.equal(drawn(json), '1 0,0 12x8 | 2 12,0 12x8 | 3 0,8 12x8');
  json = change(json, (j) => {
    addRow(j, row(9, 0));
    add(j, panel(4, 0, 0, 24, 4));
    add(j, panel(5, 0, 0, 6, 4), 9);
  });
  assert.equal(drawn(json), '1 0,0 12x8 | 2 12,0 12x8 | 3 0,8 12x8 | 4 0,16 24x4 | 5 0,21 6x4 | 9 0,20 24x1');
  assert.deepEqual(
    json.panels.map((p) => p.id),
    [1, 2, 3, 4, 9, 5],
  );
});
test('a copy stands to the right where that is free, else below', () => {
  const json = change(board(panel(1, 0, 0, 6, 4), panel(2, 0, 4, 24, 4)), (j) => {
    duplicate(j, 1, 3);
    duplicate(j, 2, 4);
  });
  assert.equal(drawn(json), '1 0,0 6x4 | 2 0,4 24x4 | 3 6,0 6x4 | 4 0,8 24x4');
  assert.equal(json.panels.find((p) => p.id === 3)?.title, 'p1');
});
test('rows close and open, and go with or without their panels', () => {
  const json = board(panel(1, 0, 0, 12, 4), row(8, 4), panel(2, 0, 5, 12, 4), panel(3, 12, 5, 12, 6), row(9, 11), panel(4, 0, 12, 12, 4));
  const closed = change(json, (j) => collapse(j, 8));
  assert.equal(drawn(closed), '1 0,0 12x4 | 4 0,6 12x4 | 8 0,4 24x1 | 9 0,5 24x1');
  assert.deepEqual(
    closed.panels[1]?.panels?.map((p) => [p.id, p.gridPos.y]),
    [
      [2, 5],
      [3, 5],
    ],
  );
  // Whatever happened above meanwhile.
  assert.equal(
    drawn(
      change(closed, (j) => {
        remove(j, 1);
        expand(j, 8);
      }),
    ),
    '2 0,1 12x4 | 3 12,1 12x6 | 4 0,8 12x4 | 8 0,0 24x1 | 9 0,7 24x1',
  );
  assert.equal(drawn(change(closed, (j) => expand(j, 8))), drawn(json));
  for (const from of [json, closed]) {
    assert.equal(drawn(change(from, (j) => removeRow(j, 8, true))), '1 0,0 12x4 | 4 0,5 12x4 | 9 0,4 24x1');
    assert.equal(drawn(change(from, (j) => removeRow(j, 8, false))), '1 0,0 12x4 | 2 0,4 12x4 | 3 12,0 12x6 | 4 0,9 12x4 | 9 0,8 24x1');
  }
});
test('a panel goes into a closed row, below what is in it', () => {
  const closed = change(board(panel(1, 0, 0, 12, 4), panel(5, 12, 0, 12, 4), row(8, 4), panel(2, 0, 5, 12, 4), row(9, 11)), (j) =>
    collapse(j, 8),
  );
  assert.equal(drawn(without(spots(closed), 1)), '5 12,0 12x4 | 8 0,4 24x1 | 9 0,5 24x1');
  const put = change(closed, (j) => into(j, 1, 8));
  assert.equal(drawn(put), '5 12,0 12x4 | 8 0,4 24x1 | 9 0,5 24x1');
  assert.deepEqual(
    put.panels[1]?.panels?.map((p) => [p.id, p.gridPos.x, p.gridPos.y, p.gridPos.w, p.gridPos.h]),
    [
      [2, 0, 5, 12, 4],
      [1, 0, 9, 12, 4],
    ],
  );
  assert.equal(drawn(change(put, (j) => expand(j, 8))), '1 0,9 12x4 | 2 0,5 12x4 | 5 12,0 12x4 | 8 0,4 24x1 | 9 0,13 24x1');
  // Not into open rows, no rows into rows, and nothing that is not there.
  for (const [id, to] of [
    [1, 9],
    [9, 8],
    [77, 8],
    [1, 77],
  ] as const)
    assert.deepEqual(
      change(closed, (j) => into(j, id, to)),
      closed,
    );
});
test('odd and old JSON is made sound', () => {
  const odd = sound({ panels: [{ id: 7 }, { id: 7, type: 'row', panels: [{ id: null }, { id: '3' }, 5] }, {}, { id: -4 }, 'x'] });
  assert.deepEqual(
    [...every(odd)].map(([p]) => p.id),
    [7, 8, 9, 3, 10, 11],
  );
  const old = sound({
    rows: [
      { title: 'A', showTitle: true, height: '250px', panels: [{ span: 6 }, { span: 6 }, { span: 12 }] },
      { title: 'B', collapse: true, panels: [{}] },
    ],
  });
  assert.equal(drawn(old), '1 0,0 24x1 | 2 0,1 12x7 | 3 12,1 12x7 | 4 0,8 24x7 | 5 0,15 24x1');
  assert.equal(old.panels.at(-1)?.panels?.length, 1);
  assert.equal(sound(null).panels.length, 0);
  assert.equal(empty('x').panels.length, 0);
});

/** Numbers that look random and are the same on every run. */
function* dice(seed: number): Generator<number, never> {
  for (let n = seed; ;) {
    n = (n * 1_103_515_245 + 12_345) % 2_147_483_648;
    yield n / 2_147_483_648;
  }
}

test('whatever is done, no panel is lost or doubled, nothing overlaps, and every step can be undone', () => {
  for (let seed = 1; seed <= 120; seed++) {
    const rolls = dice(seed * 7_919),
      roll = (n: number): number => Math.floor(rolls.next().value * n);
    const draft = new Draft(
      board(
        ...Array.from({ length: roll(9) }, (_, at) =>
          roll(4) ? panel(at + 1, roll(24), roll(30), 1 + roll(24), 1 + roll(9)) : row(at + 1, roll(30)),
        ),
      ),
      { uid: 'x', version: 1, folderUid: '', file: '' },
    );
    const first = JSON.stringify(draft.json);
    for (let step = 0; step < 25; step++) {
      const before = new Map([...every(draft.json)].map(([p]) => [p.id, p.title])),
        all = draft.json.panels,
        one = all[roll(all.length || 1)],
        next = freeId(draft.json);
      const kept = JSON.stringify(draft.json),
        what = roll(9);
      let gone: number[] = [],
        come: number[] = [];
      draft.change(String(what), (json) => {
        if (what === 0) {
          add(json, panel(next, 0, 0, 1 + roll(24), 1 + roll(8)), roll(2) && one?.type === 'row' && !one.collapsed ? one.id : undefined);
          come = [next];
        } else if (what === 1) {
          addRow(json, row(next, 0));
          come = [next];
        } else if (!one) return;
        else if (what === 2 && one.type !== 'row') {
          duplicate(json, one.id, next);
          come = [next];
        } else if (what === 3 && one.type !== 'row') {
          remove(json, one.id);
          gone = [one.id];
        } else if (what === 4 && one.type === 'row' && !roll(3)) {
          removeRow(json, one.id, false);
          gone = [one.id];
        } else if (what === 5) collapse(json, one.id);
        else if (what === 6) expand(json, one.id);
        else
          write(
            json,
            moved(spots(json), one.id, roll(2) ? { x: roll(24), y: roll(60) } : { w: 1 + roll(24), h: 1 + roll(9) }, one.collapsed),
          );
      });
      const after = [...every(draft.json)].map(([p]) => p.id);
      assert.equal(new Set(after).size, after.length, `seed ${seed}: a panel stands twice`);
      assert.deepEqual(
        after.toSorted((a, b) => a - b),
        [...before.keys()]
          .filter((id) => !gone.includes(id))
          .concat(come)
          .toSorted((a, b) => a - b),
        `seed ${seed}, step ${step}, ${what}`,
      );
      // What is written is what the server shows.
      const places = spots(draft.json);
      if (JSON.stringify(draft.json) !== kept)
        assert.equal(
          drawn(places),
          drawn(draft.json.panels.map((p) => ({ id: p.id, isRow: p.type === 'row', ...p.gridPos }))),
          `seed ${seed}, ${what}: places are not as they settle`,
        );
      for (const [at, a] of places.entries())
        for (const b of places.slice(0, at))
          assert.ok(
            a.x >= b.x + b.w || b.x >= a.x + a.w || a.y >= b.y + b.h || b.y >= a.y + a.h,
            `seed ${seed}: ${a.id} and ${b.id} overlap`,
          );
    }
    while (draft.undoes !== null) draft.undo();
    assert.equal(JSON.stringify(draft.json), first);
  }
});
