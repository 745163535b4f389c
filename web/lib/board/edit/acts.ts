/** What people do with panels and rows, as steps of the draft. */
import { n, t } from '../../words.ts';
import { toast } from '../../say.ts';
import { ask } from './ask.ts';
import { copied, copy } from './clip.ts';
import { freeId, panelOf, type PanelJson } from './draft.ts';
import { fresh, freshRow } from './kinds.ts';
import type { Kind } from './panel/kinds.ts';
import * as places from './places.ts';
import type { Session } from './session.ts';

/** The server shows so many. */
const PANELS_MAX = 1_000;

function isFull(s: Session): boolean {
  const full = s.draft.json.panels.length >= PANELS_MAX;
  if (full) toast(t('A dashboard has {} panels at most.', PANELS_MAX), true);
  return full;
}

/** Adds a panel and opens its editor. */
export function add(s: Session, kind: Kind, row?: number): void {
  if (isFull(s)) return;
  const id = freeId(s.draft.json);
  s.draft.change(t('Add a panel'), (json) => {
    if (row) places.expand(json, row);
    places.add(json, fresh(kind, id), row);
  });
  s.edit(id);
}

export function addRow(s: Session): void {
  if (isFull(s)) return;
  const id = freeId(s.draft.json);
  s.draft.change(t('Add a row'), (json) => places.addRow(json, freshRow(id)));
  show(s, id);
}

/** Puts a panel that is there already on the dashboard. */
export function put(s: Session, what: string, panel: PanelJson | null): void {
  if (!panel || isFull(s)) return;
  const id = freeId(s.draft.json);
  s.draft.change(what, (json) => places.add(json, { ...panel, id }));
  show(s, id);
}

export const paste = (s: Session): void => put(s, t('Paste a panel'), copied());

/** Once the page has it, it is brought into view and has the focus. */
function show(s: Session, id: number): void {
  const stop = s.on(() => {
    const tile = s.host.el.querySelector<HTMLElement>(`#gp-${id}`);
    if (!tile) return;
    stop();
    tile.scrollIntoView({ block: 'nearest' });
    (tile.matches('.bd-row') ? tile.querySelector<HTMLElement>('a') : tile)?.focus({ preventScroll: true });
  });
}

export function duplicate(s: Session, id: number): void {
  if (isFull(s)) return;
  const next = freeId(s.draft.json);
  s.draft.change(t('Duplicate a panel'), (json) => places.duplicate(json, id, next));
  show(s, next);
}

export function copyPanel(s: Session, id: number): void {
  const panel = panelOf(s.draft.json, id);
  if (!panel) return;
  const done = copy(panel);
  toast(
    done
      ? t('Copied. Add, Paste puts it into this or another dashboard.')
      : t('This panel cannot be copied: it is too large, or the browser keeps nothing.'),
    !done,
  );
}

export function remove(s: Session, id: number): void {
  const title = panelOf(s.draft.json, id)?.title || t('without a title');
  s.draft.change(t('Remove a panel'), (json) => places.remove(json, id));
  toast(t('“{}” is removed. Undo brings it back.', title));
}

/** Opens or closes a row. */
export function turn(s: Session, id: number): void {
  const row = panelOf(s.draft.json, id);
  if (row?.collapsed) s.draft.change(t('Open a row'), (json) => places.expand(json, id));
  else if (row) s.draft.change(t('Close a row'), (json) => places.collapse(json, id));
}

/** Removes a row; asks what becomes of its panels where it has some. */
export async function removeRow(s: Session, id: number): Promise<void> {
  const row = panelOf(s.draft.json, id),
    all = places.spots(s.draft.json),
    at = all.findIndex((spot) => spot.id === id);
  if (!row) return;
  const after = all.slice(at + 1),
    next = after.findIndex((spot) => spot.isRow),
    own = row.collapsed ? (row.panels?.length ?? 0) : next < 0 ? after.length : next;
  const said =
    own === 0
      ? 'row'
      : await ask(t('Remove the row “{}”?', row.title ?? ''), n(own, '{} panel stands in it.', '{} panels stand in it.'), [
          { id: 'row', words: t('Only the row') },
          { id: 'all', words: t('The row and its panels'), look: 'p bad' },
          { id: 'no', words: t('Keep it'), look: 'g' },
        ]);
  if (said === 'row' || said === 'all') s.draft.change(t('Remove a row'), (json) => places.removeRow(json, id, said === 'all'));
}
