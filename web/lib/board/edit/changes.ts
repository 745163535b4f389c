/** What was changed between two states of a dashboard, in a few words. */
import { n, t } from '../../words.ts';
import { every, type BoardJson, type Obj, type PanelJson } from './draft.ts';

const NAMES_MAX = 6;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const listed = (names: string[]): string => {
  const shown = names
    .slice(0, NAMES_MAX)
    .map((name) => t('“{}”', name))
    .join(', ');
  return names.length > NAMES_MAX ? `${shown} ${t('and {} more', names.length - NAMES_MAX)}` : shown;
};

/** Added, removed and changed things of a list, by what names them. */
function compare<T>(
  before: Map<string | number, T>,
  now: Map<string | number, T>,
  named: (one: T) => string,
  said: { added: string; removed: string; changed: string },
): string[] {
  const pick = (from: Map<string | number, T>, is: (one: T, key: string | number) => boolean): string[] =>
    [...from].filter(([key, one]) => is(one, key)).map(([, one]) => named(one));
  const added = pick(now, (_, key) => !before.has(key)),
    removed = pick(before, (_, key) => !now.has(key)),
    changed = pick(now, (one, key) => before.has(key) && !same(before.get(key), one));
  return [
    added.length ? t(said.added, listed(added)) : '',
    removed.length ? t(said.removed, listed(removed)) : '',
    changed.length ? t(said.changed, listed(changed)) : '',
  ].filter(Boolean);
}

const withoutPlace = ({ gridPos: _place, panels: _inner, collapsed: _is, ...rest }: PanelJson): Omit<PanelJson, 'gridPos'> =>
  rest as Omit<PanelJson, 'gridPos'>;
const panels = (json: BoardJson): Map<string | number, PanelJson> => new Map([...every(json)].map(([panel]) => [panel.id, panel]));
const list = (json: BoardJson, name: 'templating' | 'annotations'): Map<string | number, Obj> => {
  const all = (json[name] as { list?: Obj[] } | undefined)?.list;
  return new Map((Array.isArray(all) ? all : []).map((one, at) => [String(one.name ?? at), one]));
};
const KNOWN = new Set([
  'title',
  'id',
  'uid',
  'version',
  'panels',
  'templating',
  'annotations',
  'links',
  'tags',
  'time',
  'refresh',
  'description',
]);

/** One line for each kind of change; none where nothing was changed. */
export function changes(before: BoardJson, now: BoardJson): string[] {
  const was = panels(before),
    is = panels(now),
    name = (panel: PanelJson): string => panel.title || t('without a title');
  const bare = (all: Map<string | number, PanelJson>) => new Map([...all].map(([id, panel]) => [id, withoutPlace(panel) as PanelJson]));
  const moved = [...is].filter(([id, panel]) => was.has(id) && !same(was.get(id)?.gridPos, panel.gridPos)).length,
    turned = [...is].filter(([id, panel]) => was.has(id) && !!was.get(id)?.collapsed !== !!panel.collapsed).length;
  const others = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (key) => !KNOWN.has(key) && !same(before[key], now[key]),
  );
  return [
    ...(before.title !== now.title ? [t('Title: “{}” instead of “{}”', now.title, before.title)] : []),
    ...compare(bare(was), bare(is), name, { added: 'Panels added: {}', removed: 'Panels removed: {}', changed: 'Panels changed: {}' }),
    ...(moved ? [n(moved, '{} panel stands elsewhere or has another size', '{} panels stand elsewhere or have another size')] : []),
    ...(turned ? [n(turned, '{} row opened or closed', '{} rows opened or closed')] : []),
    ...compare(list(before, 'templating'), list(now, 'templating'), (one) => String(one.name ?? ''), {
      added: 'Variables added: {}',
      removed: 'Variables removed: {}',
      changed: 'Variables changed: {}',
    }),
    ...compare(list(before, 'annotations'), list(now, 'annotations'), (one) => String(one.name ?? ''), {
      added: 'Annotations added: {}',
      removed: 'Annotations removed: {}',
      changed: 'Annotations changed: {}',
    }),
    ...(same(before.links ?? [], now.links ?? []) ? [] : [t('Links changed')]),
    ...(same(before.tags ?? [], now.tags ?? []) ? [] : [t('Tags changed')]),
    ...(same(before.description ?? '', now.description ?? '') ? [] : [t('Description changed')]),
    ...(same(before.time, now.time) && same(before.refresh, now.refresh) ? [] : [t('Time range or refreshing changed')]),
    ...(others.length ? [t('Other settings changed: {}', listed(others))] : []),
  ];
}
