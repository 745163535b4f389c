/** Annotations as Grafana's classic JSON has them: where they come from, and what a new one is. */
import type { BoardJson, Json, Obj } from '../draft.ts';
import { speaks } from '../parts/source.tsx';
import { t } from './words.ts';
import { LOGS, METRICS } from './variable.ts';

export type AnnotationJson = Obj & { name: string };
/** `own`: all that people and programs marked. */
export type Origin = 'own' | 'tags' | 'alerts' | 'metrics' | 'logs';
/** On which panels it is marked. */
export type Where = 'all' | 'only' | 'but';

export const origins = (): [Origin, string, string][] => [
  ['tags', t('Marks with tags'), t('What people and programs marked here, such as deploys.')],
  ['alerts', t('Alerts'), t('Marked while an alert fires.')],
  ['metrics', t('Query of metrics'), t('Marked where a PromQL query gives something above zero.')],
  ['logs', t('Query of logs'), t('Marked where a LogQL query finds a line.')],
];
export const originName = (origin: Origin): string =>
  origin === 'own' ? t('All marks of this server') : (origins().find(([id]) => id === origin)?.[1] ?? '');

/** The annotations of a dashboard. */
export function annotationsOf(json: BoardJson): AnnotationJson[] {
  const list = (json.annotations as { list?: unknown } | undefined)?.list;
  return Array.isArray(list) ? list.filter((one): one is AnnotationJson => !!one && typeof one === 'object') : [];
}
/** The same to be changed, made where the JSON has none. */
export function annotationsIn(json: BoardJson): AnnotationJson[] {
  const held = (json.annotations ??= {}) as { list?: unknown };
  const list = annotationsOf(json);
  held.list = list;
  return list;
}

const GRAFANA = { type: 'grafana', uid: '-- Grafana --' };

export const isBuiltIn = (one: AnnotationJson): boolean => one.builtIn === 1;
const target = (one: AnnotationJson): Obj => (one.target && typeof one.target === 'object' && !Array.isArray(one.target) ? one.target : {});

/** Where it comes from. */
export function origin(one: AnnotationJson, board: BoardJson): Origin {
  const source = one.datasource,
    said = typeof source === 'string' ? { type: '', uid: source } : { type: '', uid: '', ...(source as Obj | null) };
  if (isBuiltIn(one)) return 'own';
  if (said.type === 'grafana' || said.type === 'datasource' || said.uid === '-- Grafana --' || said.uid === 'grafana')
    return target(one).type === 'dashboard' ? 'own' : 'tags';
  return speaks(source, board) === 'logql' ? 'logs' : isOfAlerts(one) ? 'alerts' : 'metrics';
}

/** A new one. */
export const fresh = (name: string): AnnotationJson => ({
  datasource: { ...GRAFANA },
  enable: true,
  hide: false,
  iconColor: 'blue',
  name,
  target: { limit: 100, matchAny: false, tags: [], type: 'tags' },
});

/** The same from somewhere else. */
export function turned(one: AnnotationJson, to: Origin): AnnotationJson {
  const { enable = true, hide = false, iconColor = 'blue', name, filter } = one,
    kept: AnnotationJson = { enable, hide, iconColor, name, ...(filter === undefined ? {} : { filter }) };
  if (to === 'own' || to === 'tags') return { ...fresh(name), ...kept };
  // Alerts stand in the metrics as well.
  if (to === 'alerts')
    return {
      ...kept,
      iconColor: 'red',
      datasource: { ...METRICS },
      target: { expr: 'ALERTS{alertstate="firing"}', refId: 'Anno' },
      titleFormat: '{{alertname}}',
      textFormat: '',
      tagKeys: 'severity',
    };
  const expr = isOfAlerts(one) ? '' : exprOf(one);
  return {
    ...kept,
    datasource: to === 'logs' ? { ...LOGS } : { ...METRICS },
    target: { expr, refId: 'Anno', ...(to === 'logs' ? { queryType: 'range' } : {}) },
    titleFormat: '',
    textFormat: '',
    tagKeys: '',
  };
}

/** Its query, whichever way the JSON has it. */
export const exprOf = (one: AnnotationJson): string => String(target(one).expr || one.expr || one.query || '');
/** How often a query of metrics is asked. */
export const stepOf = (one: AnnotationJson): string => String(target(one).interval || one.step || '');

/** With another value of the query; what older ones have beside it goes away. */
export function asking(one: AnnotationJson, name: 'expr' | 'interval', value: string): AnnotationJson {
  const { expr: _expr, query: _query, step: _step, ...rest } = one as AnnotationJson & { expr?: Json; query?: Json; step?: Json };
  const now: Obj = { refId: 'Anno', ...target(one), expr: exprOf(one), ...(stepOf(one) ? { interval: stepOf(one) } : {}), [name]: value };
  return { ...rest, target: now } as AnnotationJson;
}

const isOfAlerts = (one: AnnotationJson): boolean => /^\s*ALERTS\b/.test(exprOf(one));

/** On which panels it is marked: Grafana's `filter`. */
export function whereOf(one: AnnotationJson): { where: Where; ids: number[] } {
  const filter = one.filter && typeof one.filter === 'object' && !Array.isArray(one.filter) ? one.filter : null,
    ids = Array.isArray(filter?.ids) ? filter.ids.map(Number) : [];
  return {
    where: !filter || (!ids.length && (filter.exclude === true || !('ids' in filter))) ? 'all' : filter.exclude === true ? 'but' : 'only',
    ids,
  };
}
export function marked(one: AnnotationJson, where: Where, ids: number[]): AnnotationJson {
  const { filter: _all, ...rest } = one;
  return { ...rest, ...(where === 'all' ? {} : { filter: { exclude: where === 'but', ids } }) } as AnnotationJson;
}

export const tagsOf = (one: AnnotationJson): string[] => {
  const tags = target(one).tags ?? one.tags;
  return Array.isArray(tags) ? tags.map(String) : [];
};
export const isAny = (one: AnnotationJson): boolean => target(one).matchAny === true;
/** With other tags, or with any of them instead of all. */
export const tagged = (one: AnnotationJson, what: { tags?: string[]; matchAny?: boolean }): AnnotationJson => ({
  ...one,
  target: { limit: 100, matchAny: isAny(one), tags: tagsOf(one), ...target(one), ...what, type: 'tags' },
});

/** What it marks, in a line. */
export function summary(one: AnnotationJson, board: BoardJson): string {
  const from = origin(one, board);
  return from === 'own' ? '' : from === 'tags' ? tagsOf(one).join(isAny(one) ? ` ${t('or')} ` : ' + ') : exprOf(one);
}
